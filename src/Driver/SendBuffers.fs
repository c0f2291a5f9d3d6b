// Outgoing bytes of one socket, in order: they are copied into provided buffers, and one bundled send drains as many as
// there are. Applies Model/BufferGroup, in which a buffer that was filled is the kernel's until it was sent. Its state
// belongs to the loop's thread.
namespace Uring.Driver

open System
open System.Collections.Generic
open System.Threading
open System.Threading.Tasks
open Uring.Kernel
open Uring.Model

/// Bytes that wait for a free buffer.
[<Struct; NoEquality; NoComparison>]
type internal Writer = { Bytes: ReadOnlyMemory<byte>; Done: TaskCompletionSource }

/// A queue in front of one socket. Nobody else may send on the socket: what two send at once may be mixed.
[<Sealed>]
type internal SendBuffers
    (host: IHost, plan: Plan, ring: int, group: uint16, socket: FileDescriptor, count: int, size: int) as this
    =
    inherit Pending(host)

    let entries = BufferRing.entriesFor count

    let store = { Buffers = Array.create count BufferRing.fresh; Order = Array.zeroCreate entries }

    let slabs = Slabs(host.Kernel, BufferPoolOptions.fixedOf count size)
    let free = Stack<int>()
    // In order; the first may have been copied in part.
    let writers = LinkedList<Writer>()
    let mutable flushes = Unchecked.defaultof<Milestones>
    let mutable state = BufferRing.create entries
    let mutable mode = if Features.canBundle plan then PoolMode.Whole else PoolMode.Plain
    let mutable memory: BufferRingMemory | null = null
    let mutable armed = false
    // Of the send that is armed: it stopped in the middle of a buffer; it had a completion before its last.
    let mutable isShort = false
    let mutable hasSent = false
    let mutable closing = false
    let mutable queued = 0L
    let mutable sent = 0L
    let mutable failure: exn | null = null
    let closed = TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)

    /// The kernel goes on until all is sent: a short send would leave the stream in the middle of a bundle.
    let waitAll = 0x100u // MSG_WAITALL

    let bare submission = { Request.on socket submission with Shape = Shape.Multishot }

    let fill (bytes: ReadOnlySpan<byte>) =
        let id = free.Pop()
        bytes.CopyTo(Mapped.span (slabs.Address id) bytes.Length)
        let slot = BufferRing.slot state
        let struct (next, _, _) = BufferGroup.publish state store id bytes.Length
        state <- next
        queued <- queued + int64 bytes.Length

        match memory with
        | null -> ()
        | memory -> memory.Write(slot, slabs.KernelAddress id, bytes.Length, uint16 id)

    /// As much as there are free buffers for; what is left.
    let copy (bytes: ReadOnlyMemory<byte>) =
        let mutable left = bytes

        while not left.IsEmpty && free.Count > 0 do
            let length = min size left.Length
            fill (left.Span.Slice(0, length))
            left <- left.Slice length

        left

    let commit () =
        let struct (next, verdict) = BufferRing.commit state
        state <- next

        match memory with
        | null -> ()
        | memory -> if verdict = BufferVerdict.StoreTail then memory.PublishTail state.Tail

    /// Without a ring: the oldest buffer, or what is left of it.
    let plainSend () =
        commit ()
        let id = int store.Order[BufferRing.slotOf state.Head state]
        let buffer = store.Buffers[id]
        let address = slabs.KernelAddress id + nativeint buffer.Offset
        Submission.send socket.Number (uint64 address) (uint32 (buffer.Length - buffer.Offset)) waitAll

    let arm () =
        if not armed && isNull failure && state.Published > 0 then
            armed <- true
            isShort <- false
            hasSent <- false

            this.Request <-
                match mode with
                | PoolMode.Plain -> Request.on socket (plainSend ())
                | PoolMode.Whole
                | PoolMode.Incremental -> bare (Submission.sendBundle socket.Number group waitAll)

            host.Begin this

    /// `bytes` were sent, of buffer `id` and those after it. What is left of a buffer is sent next.
    let rec took id bytes =
        let isPartOf = bytes < store.Buffers[id].Length - store.Buffers[id].Offset

        if isPartOf then isShort <- true

        let struct (next, _, verdict, part) = BufferGroup.take state store id bytes isPartOf

        match verdict with
        | BufferVerdict.Take
        | BufferVerdict.TakePart ->
            state <- next
            sent <- sent + int64 part.Length
            let struct (_, returned) = BufferGroup.release store id

            if returned = BufferVerdict.Return then free.Push id

            if part.Left > 0 then took part.Next part.Left
        | BufferVerdict.Write
        | BufferVerdict.StoreTail
        | BufferVerdict.Return
        | BufferVerdict.Keep
        | BufferVerdict.Ignore
        | BufferVerdict.Full
        | BufferVerdict.Violation ->
            raise (
                InvalidOperationException(
                    String.Concat(
                        "The kernel sent buffer ",
                        id.ToString(),
                        " of a send queue, which it did not own. This is a bug in Uring: please report it with this message."
                    )
                )
            )

    let release () =
        if closing && not armed && not closed.Task.IsCompleted then
            PoolRing.unregister host.Kernel ring group memory
            memory <- null
            slabs.Free()
            closed.TrySetResult() |> ignore

    let fail (reason: exn) =
        if isNull failure then failure <- reason

        while writers.Count > 0 do
            (nonNull writers.First).Value.Done.TrySetException reason |> ignore
            writers.RemoveFirst()

        flushes.Fail reason

    /// Buffers have come back: the next writers, in order, and who waited for the bytes.
    let pump () =
        let mutable room = true

        while room && writers.Count > 0 && free.Count > 0 do
            let first = nonNull writers.First
            let writer = first.Value
            let left = copy writer.Bytes

            if left.IsEmpty then
                writers.RemoveFirst()
                writer.Done.TrySetResult() |> ignore
            else
                first.Value <- { writer with Bytes = left }
                room <- false

        flushes.Reach sent
        arm ()

    let answered (completion: Completion) =
        match Completion.bufferId completion with
        | ValueSome id -> took (int id) (max 0 completion.Result)
        | ValueNone when mode = PoolMode.Plain && completion.Result > 0 ->
            took (int store.Order[BufferRing.slotOf state.Head state]) completion.Result
        | ValueNone -> ()

    let over result =
        armed <- false

        let verdict =
            if mode <> PoolMode.Plain then Bundle.ended result isShort hasSent
            elif result >= 0 then BundleVerdict.Again
            else BundleVerdict.Fail

        match verdict with
        | BundleVerdict.Again -> pump ()
        | BundleVerdict.OneByOne ->
            mode <- PoolMode.Plain
            pump ()
        | BundleVerdict.Fail -> fail (this.Fault(result, CancellationToken.None))

        release ()

    /// On the loop's thread.
    member _.Register() =
        let struct (agreed, mapped) = PoolRing.register host.Kernel ring group entries mode
        mode <- agreed
        memory <- mapped

        match slabs.Add count with
        | Ok() -> ()
        | Error errno ->
            PoolRing.unregister host.Kernel ring group memory
            raise (PoolRing.refused errno)

        for id in count - 1 .. -1 .. 0 do
            free.Push id

        let mutable request = bare (Submission.sendBundle socket.Number group waitAll)
        this.Describe &request

    /// The group's id.
    member _.Group = group

    /// The kernel has let go of the group's id.
    member _.IsUnregistered = closed.Task.IsCompleted

    /// Bytes that were queued and not yet taken by the kernel.
    member _.Unsent = queued - sent

    /// Before each enter.
    member _.Commit() = commit ()

    /// On the loop's thread: queues a copy of the bytes. Ends when the last of them has a place.
    member _.Send(bytes: ReadOnlyMemory<byte>) : Task =
        if closing then
            Task.FromException(ObjectDisposedException "SendQueue")
        elif not (isNull failure) then
            Task.FromException(nonNull failure)
        else
            let left = if writers.Count = 0 then copy bytes else bytes
            arm ()

            if left.IsEmpty then
                Task.CompletedTask
            else
                let waiting = TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
                writers.AddLast { Bytes = left; Done = waiting } |> ignore
                waiting.Task

    /// On the loop's thread: ends when the kernel has taken all that was queued before.
    member _.Flush() : Task =
        if not (isNull failure) then
            Task.FromException(nonNull failure)
        else
            let waitingBytes = writers |> Seq.sumBy (fun writer -> int64 writer.Bytes.Length)
            let target = queued + waitingBytes

            if target <= sent then Task.CompletedTask else flushes.Await target

    /// On the loop's thread: drops what was not sent, and ends when the kernel has let go of the buffers.
    member _.Close() : Task =
        if not closing then
            closing <- true
            fail (ObjectDisposedException "SendQueue")

            if armed then host.Cancel this

            release ()

        closed.Task

    override _.Landed(completion, verdict) =
        answered completion

        match verdict with
        | Verdict.Deliver ->
            hasSent <- true
            pump ()
        | Verdict.Finish
        | Verdict.DiscardAndRelease -> over completion.Result
        | Verdict.FinishButHold
        | Verdict.Release
        | Verdict.Discard
        | Verdict.AskKernel
        | Verdict.Withdraw
        | Verdict.Ignore
        | Verdict.Violation -> ()

    override _.Refused result = over result

    /// The ring has failed: the kernel may still read the buffers, which stay mapped.
    override _.Failed reason = fail reason
