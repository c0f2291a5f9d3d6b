// A send whose buffer the kernel reads after the result: both moments, whether it was copied all the same, and a bound on
// the second.
namespace Uring.FSharp

open System
open System.Buffers
open System.Collections.Generic
open System.Net
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.Model

/// Memory that tells when the operation it was given to lets go of it. `keeps` stays there as long.
[<Sealed>]
type internal WatchedMemory(inner: Memory<byte>, keeps: obj | null) =
    inherit MemoryManager<byte>()
    let released = TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    let mutable pin = Unchecked.defaultof<MemoryHandle>
    let mutable isPinned = false

    /// Nobody but the caller uses it any more.
    member _.Released = released.Task

    /// What the kernel has said of it before that.
    member val Usage = ZeroCopyUsage.Unknown with get, set

    /// The notification says whether the bytes were copied.
    member val IsReported = false with get, set

    /// The operation has its result. One that never began has never pinned it, and so never lets go of it.
    member _.ResultIsOut() = if not (Volatile.Read &isPinned) then released.TrySetResult() |> ignore

    override _.GetSpan() = inner.Span

    override this.Pin index =
        pin <- inner.Pin()
        Volatile.Write(&isPinned, true)
        Uring.Kernel.Mapped.handleOf pin index this

    override _.Unpin() =
        pin.Dispose()
        GC.KeepAlive keeps
        released.TrySetResult() |> ignore

    override _.Dispose(_: bool) = ()

    interface INotified with
        member this.Notified result = this.Usage <- ZeroCopyUsage.ofNotification this.IsReported result

/// A zero-copy send that has started.
[<Sealed>]
type ZeroCopySend private (sent: Task<int>, released: Task, usage: unit -> ZeroCopyUsage) =

    /// Ends when the kernel has taken the bytes: how many, which can be fewer than asked for, unless all were wanted. Errors
    /// as for `send`.
    member _.Sent = sent

    /// Ends when the kernel no longer reads the buffer: only then may it be changed. Also after an error.
    member _.Released = released

    /// Whether the kernel has copied the bytes after all; not known before `Released` has ended, nor before Linux 6.3.
    /// What a kernel without zero copy sends is copied.
    member _.Usage = if released.IsCompleted then usage () else ZeroCopyUsage.Unknown

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

    static member internal CheckHold(holdAtMost: TimeSpan) =
        if holdAtMost <> Timeout.InfiniteTimeSpan then
            ArgumentOutOfRangeException.ThrowIfLessThan(holdAtMost, TimeSpan.Zero, nameof holdAtMost)

    static member private Bounded
        (
            loop: Loop,
            socket: FileDescriptor,
            sent: Task<int>,
            released: Task,
            usage: unit -> ZeroCopyUsage,
            holdAtMost: TimeSpan
        ) =
        // What was cancelled before it began holds nothing.
        if holdAtMost <> Timeout.InfiniteTimeSpan && not released.IsCompleted then
            ZeroCopySend.Watch(loop, socket, released, holdAtMost) |> ignore

        ZeroCopySend(sent, released, usage)

    /// Starts one submission: what it comes to.
    static member private Begin
        (loop: Loop, memory: WatchedMemory, request: Request, token: CancellationToken)
        : Task<int> =
        let isZeroCopy = request.Shape = Shape.ZeroCopy
        memory.IsReported <- isZeroCopy && Features.reportsUsage loop.Plan
        if not isZeroCopy then memory.Usage <- ZeroCopyUsage.Copied

        let asked =
            if memory.IsReported then
                { request with Submission = Submission.reportingUsage request.Submission }
            else
                request

        let started = loop.StartNotifying(&asked, memory, token)

        task {
            try
                return! started
            finally
                memory.ResultIsOut()
        }

    static member private One
        (
            loop: Loop,
            socket: FileDescriptor,
            memory: WatchedMemory,
            request: Request,
            holdAtMost: TimeSpan,
            token: CancellationToken
        ) =
        let sent = ZeroCopySend.Begin(loop, memory, request, token)
        ZeroCopySend.Bounded(loop, socket, sent, memory.Released, (fun () -> memory.Usage), holdAtMost)

    /// What sends a part of the bytes; an old kernel copies it.
    static member private Plain
        (loop: Loop, socket: FileDescriptor, memory: Memory<byte>, slot: uint16 voption)
        =
        match slot with
        | _ when not (Features.supports Opcode.SendZeroCopy loop.Plan) ->
            SocketRequest.send socket (Memory.op_Implicit memory)
        | ValueSome slot -> SocketRequest.sendZeroCopyFixed socket memory slot
        | ValueNone -> SocketRequest.sendZeroCopy socket memory

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
        ZeroCopySend.CheckHold holdAtMost
        let memory = new WatchedMemory(MemoryMarshal.AsMemory buffer, null)
        let request = ZeroCopySend.Plain(loop, socket, memory.Memory, slot)
        ZeroCopySend.One(loop, socket, memory, request, holdAtMost, token)

    /// From any thread: one datagram, to an address.
    static member internal StartTo
        (
            loop: Loop,
            socket: FileDescriptor,
            buffer: ReadOnlyMemory<byte>,
            endPoint: EndPoint,
            holdAtMost: TimeSpan,
            token: CancellationToken
        ) =
        ZeroCopySend.CheckHold holdAtMost
        // The kernel reads it when it takes the submission.
        let name = SocketRequest.nameOf endPoint
        let pinned = GC.AllocateUninitializedArray<byte>(name.Length, true)
        name.CopyTo(pinned, 0)
        let memory = new WatchedMemory(MemoryMarshal.AsMemory buffer, pinned)

        let request =
            if Features.supports Opcode.SendZeroCopy loop.Plan then
                SocketRequest.sendZeroCopyTo socket memory.Memory pinned
            else
                SocketRequest.sendTo socket (Memory.op_Implicit memory.Memory) endPoint

        ZeroCopySend.One(loop, socket, memory, request, holdAtMost, token)

    /// The message's submission in the best form that the ring has; the hint to wait first goes on.
    static member private WithoutCopy
        (loop: Loop, socket: FileDescriptor, plain: Submission, slot: uint16 voption)
        =
        let submission =
            match slot with
            | _ when not (Features.supports Opcode.SendMessageZeroCopy loop.Plan) -> plain
            | ValueSome slot when Features.sendsFixedVectors loop.Plan ->
                Submission.sendMessageZeroCopyFixed socket.Number 0UL plain.OpFlags slot
            | ValueSome _
            | ValueNone -> Submission.sendMessageZeroCopy socket.Number 0UL plain.OpFlags

        { submission with Priority = submission.Priority ||| plain.Priority }

    /// From any thread: one message. `slot` is that of the registered buffer in which all of it lies.
    static member internal StartMessage
        (
            loop: Loop,
            socket: FileDescriptor,
            buffers: Memory<byte> array,
            extras: MessageExtras,
            slot: uint16 voption,
            holdAtMost: TimeSpan,
            token: CancellationToken
        ) =
        ZeroCopySend.CheckHold holdAtMost
        let plain = MessageExtras.request socket buffers [] extras
        let memory = new WatchedMemory(plain.Buffer, null)

        let request = {
            plain with
                Buffer = memory.Memory
                Shape =
                    if Features.supports Opcode.SendMessageZeroCopy loop.Plan then
                        Shape.ZeroCopy
                    else
                        Shape.Single
                Submission = ZeroCopySend.WithoutCopy(loop, socket, plain.Submission, slot)
        }

        ZeroCopySend.One(loop, socket, memory, request, holdAtMost, token)

    /// From any thread: goes on until all bytes are sent.
    static member internal StartWhole
        (
            loop: Loop,
            socket: FileDescriptor,
            buffer: ReadOnlyMemory<byte>,
            slot: uint16 voption,
            holdAtMost: TimeSpan,
            token: CancellationToken
        ) =
        ZeroCopySend.CheckHold holdAtMost
        ObjectDisposedException.ThrowIf(loop.IsStopping, typeof<Loop>)
        let parts = List<WatchedMemory>()

        let sent =
            task {
                let mutable count = 0

                try
                    while count < buffer.Length do
                        let rest = MemoryMarshal.AsMemory(buffer.Slice count)
                        let part = new WatchedMemory(rest, null)
                        let request = ZeroCopySend.Plain(loop, socket, part.Memory, slot)
                        let running = ZeroCopySend.Begin(loop, part, request, token)
                        parts.Add part
                        let! more = running
                        count <- count + more

                    return count
                with reason ->
                    return Fault.rethrowTransferred count reason
            }

        let released: Task =
            task {
                try
                    let! _ = sent
                    ()
                with _ ->
                    // Who waits for the result is told.
                    ()

                do! Task.WhenAll(parts |> Seq.map _.Released)
            }

        let usage () =
            if parts.Count = 0 then
                ZeroCopyUsage.Unknown
            else
                parts |> Seq.map _.Usage |> Seq.reduce ZeroCopyUsage.both

        ZeroCopySend.Bounded(loop, socket, sent, released, usage, holdAtMost)
