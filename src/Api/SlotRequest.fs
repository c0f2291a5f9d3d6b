// What fills and empties a slot that the program has chosen, as requests: for chains above all. Source: man
// io_uring_prep_openat_direct(3), io_uring_prep_close_direct(3), io_uring_prep_files_update(3).
namespace Uring.FSharp

open System
open System.IO
open System.Net.Sockets
open System.Runtime.InteropServices
open Uring.Driver
open Uring.Model

/// What fills a slot of the program's own (`DirectSlot`) replaces what is there; its result is 0. In a chain the next steps
/// work on it:
///
///     chain {
///         SlotRequest.openPath slot path OpenFlags.Read UnixFileMode.None
///         FileRequest.read slot.Descriptor buffer 0L
///         SlotRequest.close slot
///     }
[<RequireQualifiedAccess>]
module SlotRequest =

    let private into (slot: DirectSlot) (request: Request) : Request = {
        request with
            Submission = Submission.intoSlot slot.Number request.Submission
    }

    /// Opens a path. `mode` is used when the file is created, less the process's umask.
    let openPath (slot: DirectSlot) (path: string) (flags: OpenFlags) (mode: UnixFileMode) : Request =
        FileRequest.openPathDirect path flags mode |> into slot

    /// Makes a socket.
    let socket
        (slot: DirectSlot)
        (family: AddressFamily)
        (kind: SocketType)
        (protocol: ProtocolType)
        : Request =
        SocketRequest.socketDirect family kind protocol |> into slot

    /// Takes one connection.
    let accept (slot: DirectSlot) (listener: FileDescriptor) : Request =
        SocketRequest.acceptDirect listener |> into slot

    /// Empties the slot. EBADF (9) when nothing is in it.
    let close (slot: DirectSlot) : Request = Request.bare (Submission.closeDirect slot.Number)

    /// Numbers of descriptors, into the slots from `first` on.
    let internal update (first: uint32) (numbers: int array) : Request = {
        Request.bare (Submission.updateFiles 0UL (uint32 numbers.Length) first) with
            Buffer = Memory(MemoryMarshal.AsBytes(numbers.AsSpan()).ToArray())
            Reach = Reach.Address
    }

    /// Empties `count` slots from this one on; those in which nothing is count, too. The result is their number.
    let clear (first: DirectSlot) (count: int) : Request =
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count, nameof count)

        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            count,
            first.Loop.ReservedDescriptors - first.Number,
            nameof count
        )

        update (uint32 first.Number) (Array.create count Submission.noDescriptor)

    /// What `update` has put into free slots: their numbers.
    let internal slotsOf (request: Request) (count: int) : int array =
        MemoryMarshal.Cast<byte, int>(request.Buffer.Span).Slice(0, count).ToArray()
