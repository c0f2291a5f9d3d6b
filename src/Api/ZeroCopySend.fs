// A send whose buffer the kernel reads after the result: both moments, and a bound on the second.
namespace Uring.FSharp

open System
open System.Buffers
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.Model

/// Memory that tells when the operation it was given to lets go of it.
[<Sealed>]
type internal WatchedMemory(inner: Memory<byte>) =
    inherit MemoryManager<byte>()
    let released = TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    let mutable pin = Unchecked.defaultof<MemoryHandle>
    let mutable isPinned = false

    /// Nobody but the caller uses it any more.
    member _.Released = released.Task

    /// The operation has its result. One that never began has never pinned it, and so never lets go of it.
    member _.ResultIsOut() = if not (Volatile.Read &isPinned) then released.TrySetResult() |> ignore

    override _.GetSpan() = inner.Span

    override this.Pin index =
        pin <- inner.Pin()
        Volatile.Write(&isPinned, true)
        Uring.Kernel.Mapped.handleOf pin index this

    override _.Unpin() =
        pin.Dispose()
        released.TrySetResult() |> ignore

    override _.Dispose(_: bool) = ()

/// A zero-copy send that has started.
[<Sealed>]
type ZeroCopySend private (sent: Task<int>, released: Task) =

    /// Ends when the kernel has taken the bytes: how many, which can be fewer than asked for. Errors as for `send`.
    member _.Sent = sent

    /// Ends when the kernel no longer reads the buffer: only then may it be changed. Also after an error.
    member _.Released = released

    /// Drops the connection when the buffer is held for too long.
    static member private Watch(loop: Loop, socket: FileDescriptor, released: Task, most: TimeSpan) =
        task {
            use clock = new CancellationTokenSource()
            let timer = Request.own (Uring.timer most)
            let expiry = loop.TryStart(&timer, clock.Token).AsTask()
            let! first = Task.WhenAny(released, expiry)

            if obj.ReferenceEquals(first, released) then
                clock.Cancel()
                let! _ = expiry
                ()
            else
                // Whether it is being closed or not: closing waits for the notification.
                loop.DropHeld socket
        }

    /// From any thread. `slot` is that of the registered buffer in which `buffer` lies.
    static member internal Start
        (
            loop: Loop,
            socket: FileDescriptor,
            buffer: ReadOnlyMemory<byte>,
            slot: uint16 voption,
            holdAtMost: TimeSpan,
            token: CancellationToken
        ) =
        if holdAtMost <> Timeout.InfiniteTimeSpan then
            ArgumentOutOfRangeException.ThrowIfLessThan(holdAtMost, TimeSpan.Zero, nameof holdAtMost)

        let memory = new WatchedMemory(MemoryMarshal.AsMemory buffer)

        let request =
            match slot with
            | _ when not (Features.supports Opcode.SendZeroCopy loop.Plan) ->
                SocketRequest.send socket (Memory.op_Implicit memory.Memory)
            | ValueSome slot -> SocketRequest.sendZeroCopyFixed socket memory.Memory slot
            | ValueNone -> SocketRequest.sendZeroCopy socket memory.Memory

        let started = loop.Start(&request, token)

        let sent =
            task {
                try
                    return! started
                finally
                    memory.ResultIsOut()
            }

        // What was cancelled before it began holds nothing.
        if holdAtMost <> Timeout.InfiniteTimeSpan && not memory.Released.IsCompleted then
            ZeroCopySend.Watch(loop, socket, memory.Released, holdAtMost) |> ignore

        ZeroCopySend(sent, memory.Released)
