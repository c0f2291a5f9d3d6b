// Waits for child processes: waitid(2) by way of the ring.
namespace Uring.FSharp

open System
open System.Buffers.Binary
open System.Runtime.CompilerServices
open System.Runtime.InteropServices
open Uring.Driver
open Uring.Model

/// Changes of a child that can be waited for.
[<Flags>]
type ChildEvents =
    | None = 0
    /// A signal has stopped it (WSTOPPED).
    | Stopped = 2
    /// It has ended, by itself or by a signal (WEXITED).
    | Exited = 4
    /// A signal has let it go on (WCONTINUED).
    | Continued = 8

/// What has happened to a child.
type ChildChange =
    /// It has ended by itself.
    | Exited = 1
    /// A signal has ended it.
    | Killed = 2
    /// A signal has ended it, with a core dump.
    | Dumped = 3
    /// Its tracer has stopped it.
    | Trapped = 4
    /// A signal has stopped it.
    | Stopped = 5
    /// SIGCONT has let it go on.
    | Continued = 6

/// What became of a child.
[<Struct; IsReadOnly>]
type ChildStatus = {
    /// Its process id.
    Id: int
    /// Its real user.
    UserId: int
    /// What has happened.
    Change: ChildChange
    /// The exit code (0 to 255) when it has exited, otherwise the signal's number.
    Status: int
}

/// Waiting for child processes (Linux 6.7). man waitid(2), io_uring_prep_waitid(3).
///
/// .NET reaps the children that `Process` has started, as soon as they end. What waits here leaves a child as it is, unless
/// `reap` is asked for, so that .NET can still do so; but .NET can be quicker, and then there is no such child any more:
/// ECHILD. For children of `Process` wait with its `WaitForExitAsync`; stops and continues are never .NET's.
[<RequireQualifiedAccess>]
module Child =

    /// struct siginfo_t: what waitid(2) sets of it lies in the first 28 bytes.
    let private infoLength = 128

    let internal room () = Array.zeroCreate<byte> infoLength

    /// `info` gets the siginfo_t.
    let internal request kind (id: int) (events: ChildEvents) keeps (info: byte array) : Request =
        if events = ChildEvents.None then
            raise (ArgumentException("There is nothing to wait for.", nameof events))

        let options = uint32 events ||| (if keeps then OpFlags.WaitKeep else 0u)

        {
            Request.bare (Submission.waitId kind id options 0UL) with
                Buffer = Memory info
                Reach = Reach.Offset
        }

    /// si_code @8, si_pid @16, si_uid @20, si_status @24.
    let internal read (info: byte array) : ChildStatus =
        let word (offset: int) = BinaryPrimitives.ReadInt32LittleEndian(ReadOnlySpan(info, offset, 4))

        { Id = word 16; UserId = word 20; Change = enum<ChildChange>(word 8); Status = word 24 }

    let private perform kind id events keeps : Uring<ChildStatus> =
        uring {
            let info = room ()
            let! _ = Program.single (request kind id events keeps info)
            return read info
        }

    let private byProcess (id: int) events keeps =
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(id, nameof id)
        perform OpFlags.WaitProcess id events keeps

    /// Waits until one of the events has happened to the child with this process id, and leaves it as it is: whoever waits
    /// next is told the same.
    let wait (events: ChildEvents) (id: int) : Uring<ChildStatus> = byProcess id events true

    /// Waits until one of the events has happened to the child with this process id, and takes note of it: a child that has
    /// ended is gone then. Not for children of `Process`, which .NET reaps.
    let reap (events: ChildEvents) (id: int) : Uring<ChildStatus> = byProcess id events false

    /// As `wait`, by a descriptor of the child (pidfd_open(2)): the number of a process can be given to another, a
    /// descriptor cannot.
    let waitOn (events: ChildEvents) (child: SafeHandle) : Uring<ChildStatus> =
        uring {
            let descriptor = Poll.hold child

            try
                return! perform OpFlags.WaitDescriptor descriptor events true
            finally
                child.DangerousRelease()
        }
