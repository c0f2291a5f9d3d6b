// Registered buffers for F# programs.
namespace Uring.FSharp

open System
open System.Threading.Tasks
open Uring.Driver

/// Memory that the kernel pins once instead of for each operation. Each function is a cold program; a buffer belongs to the
/// loop that runs it. Before Linux 5.19 it is memory like any other, with the same functions.
[<RequireQualifiedAccess>]
module RegisteredBuffer =

    // 1 GiB: the kernel takes no more at once.
    let private longest = 1 <<< 30

    let internal checkLength (length: int) =
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length, nameof length)
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, longest, nameof length)

    let internal checkMemory (memory: Memory<byte>) =
        if memory.Length = 0 || memory.Length > longest then
            raise (ArgumentOutOfRangeException(nameof memory, memory.Length, "It has 1 byte to 1 GiB."))

    /// Registers `length` bytes of new memory (1 to 1 GiB), which starts with a page. Raises UringUnavailableException, which
    /// names cause and remedy, when the kernel has no room for it (RLIMIT_MEMLOCK).
    let create (length: int) : Uring<RegisteredBuffer> =
        checkLength length
        Program.ofScope (fun scope -> ValueTask<_>(scope.Loop.Buffers.Create(length, false)))

    /// The same in huge pages of 2 MiB, if the system has some ready.
    let createHuge (length: int) : Uring<RegisteredBuffer> =
        checkLength length
        Program.ofScope (fun scope -> ValueTask<_>(scope.Loop.Buffers.Create(length, true)))

    /// Registers memory of one's own, which stays pinned until the buffer is closed. NotSupportedException when the kernel
    /// does not take it: a shared mapping of a file, or memory that cannot be written.
    let adopt (memory: Memory<byte>) : Uring<RegisteredBuffer> =
        checkMemory memory
        Program.ofScope (fun scope -> ValueTask<_>(scope.Loop.Buffers.Adopt memory))

    let internal cloneTo (loop: Loop) (buffer: RegisteredBuffer) : Task<RegisteredBuffer> =
        let home = buffer.Home :?> Loop

        Sending.whileThere home (fun () ->
            loop.Call(fun () -> loop.Buffers.Clone(buffer, Sending.number home)).AsTask())

    /// The same memory for the loop that runs this, without pinning it anew (Linux 6.12; older kernels do). The memory is
    /// there until both are closed; `close` of the first waits for that of its clones.
    let clone (buffer: RegisteredBuffer) : Uring<RegisteredBuffer> =
        Program.ofScope (fun scope -> ValueTask<RegisteredBuffer>(cloneTo scope.Loop buffer))

    let internal exchangeFor (memory: Memory<byte>) (buffer: RegisteredBuffer) : Task<RegisteredBuffer> =
        checkMemory memory
        ObjectDisposedException.ThrowIf(buffer.IsClosed, buffer)
        let home = buffer.Home :?> Loop

        task {
            let! exchanging = home.Call(fun () -> home.Buffers.Exchange(buffer, memory))
            return! exchanging
        }

    /// Closes a buffer and registers memory of one's own in its slot, once the operations on it (and its clones) have ended.
    /// Errors as for `adopt`; the buffer is closed all the same.
    let exchange (memory: Memory<byte>) (buffer: RegisteredBuffer) : Uring<RegisteredBuffer> =
        checkMemory memory
        Program.ofScope (fun _ -> ValueTask<RegisteredBuffer>(exchangeFor memory buffer))

    /// Refuses new operations, and ends when those on it have ended and the memory has been given back.
    let close (buffer: RegisteredBuffer) : Uring<unit> =
        Program.ofScope (fun _ -> ValueTask<unit>(task { do! buffer.Close() }))

    /// All of it.
    let whole (buffer: RegisteredBuffer) : RegisteredMemory = {
        Owner = buffer
        Start = 0
        Count = buffer.Length
    }

    /// Part of it.
    let slice (start: int) (length: int) (buffer: RegisteredBuffer) : RegisteredMemory =
        let all = whole buffer
        all.Slice(start, length)
