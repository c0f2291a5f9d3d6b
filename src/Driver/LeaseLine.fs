// Leases that are sent on one socket, each from where it lies, while their sender goes on. Applies Model/SendLine.
// Its state belongs to the loop's thread.
namespace Uring.Driver

open System
open System.Collections.Generic
open System.Threading
open System.Threading.Tasks
open Uring.Model

/// Nobody else may send on the socket: what two send at once may be mixed. A message in an empty line allocates nothing.
[<Sealed>]
type internal LeaseLine(host: IHost, socket: FileDescriptor, limit: int) =
    inherit Pending(host)

    let mutable state = SendLine.create limit
    // In the kernel, and how many of its bytes have still to be sent.
    let mutable current: LeaseCell | null = null
    let mutable left = 0
    // Those whose turn comes.
    let waiting = Queue<LeaseCell>()
    let mutable sent = 0L
    // Offers and flushes wait for different marks, each in rising order.
    let mutable offers = Unchecked.defaultof<Milestones>
    let mutable flushes = Unchecked.defaultof<Milestones>
    let mutable failure: exn | null = null
    let closed = TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)

    let dropWaiting () =
        while waiting.Count > 0 do
            waiting.Dequeue().DropOn host

    let fail (reason: exn) =
        failure <- reason
        dropWaiting ()
        offers.Fail reason
        flushes.Fail reason

    /// The kernel is done with it.
    let dropCurrent () =
        match current with
        | null -> ()
        | cell ->
            current <- null
            cell.DropOn host

    let wasSent () =
        dropCurrent ()
        sent <- sent + 1L
        offers.Reach sent
        flushes.Reach sent

    /// What is left of the current one.
    member private this.Begin(cell: LeaseCell) =
        let address = cell.Address + uint64 (cell.Length - left)
        let submission = Submission.send socket.Number address (uint32 left) 0u
        host.Submit(this, &submission)

    /// Its turn has come.
    member private this.Send(cell: LeaseCell) =
        current <- cell
        left <- cell.Length
        this.Begin cell

    member private this.Ended(result: int) =
        let struct (next, verdict) = SendLine.ended (int64 left) result state
        state <- next

        match verdict with
        | SendLineVerdict.Done -> wasSent ()
        | SendLineVerdict.Next ->
            wasSent ()
            this.Send(waiting.Dequeue())
        | SendLineVerdict.Rest ->
            left <- left - result

            match current with
            | null -> ()
            | cell -> this.Begin cell
        | SendLineVerdict.Fail ->
            dropCurrent ()
            fail (if result < 0 then this.Fault(result, CancellationToken.None) else this.Stopped 0)
        | SendLineVerdict.End ->
            dropCurrent ()
            closed.TrySetResult() |> ignore
        | SendLineVerdict.Send
        | SendLineVerdict.Keep
        | SendLineVerdict.Refuse
        | SendLineVerdict.AskKernel
        | SendLineVerdict.Ignore
        | SendLineVerdict.Violation -> ()

    /// Once, before all else.
    member this.Open() =
        let request = Request.on socket (Submission.send socket.Number 0UL 0u 0u)
        this.Describe &request
        socket.Sender <- this

    /// Leases that were handed on and not yet sent. A snapshot.
    member _.Unsent = state.Count

    /// Its hold is this line's from now on.
    member private this.Take(cell: LeaseCell) =
        let struct (next, verdict) = SendLine.offered state

        match verdict with
        // Nothing to send: nothing changes.
        | _ when cell.Length = 0 -> cell.DropOn host
        | SendLineVerdict.Send ->
            state <- next
            this.Send cell
        | SendLineVerdict.Keep ->
            state <- next
            waiting.Enqueue cell
        | SendLineVerdict.Refuse
        | SendLineVerdict.Rest
        | SendLineVerdict.Next
        | SendLineVerdict.Done
        | SendLineVerdict.Fail
        | SendLineVerdict.AskKernel
        | SendLineVerdict.End
        | SendLineVerdict.Ignore
        | SendLineVerdict.Violation -> cell.DropOn host

    /// `Offer`, if this is the loop's thread and that ends at once.
    member this.TryOffer(lease: BufferLease) =
        host.IsCurrentThread
        && SendLine.hasRoom state
        && (match lease.Take() with
            | null -> true
            | cell ->
                this.Take cell
                true)

    /// On the loop's thread: the lease's hold is this line's. Ends at once, unless more than the limit are there.
    member this.Offer(lease: BufferLease) : ValueTask =
        match lease.Take() with
        | null -> ValueTask.CompletedTask
        | cell ->
            this.Take cell

            match failure with
            | null ->
                let excess = SendLine.excess state

                if excess = 0 then
                    ValueTask.CompletedTask
                else
                    ValueTask(offers.Await(sent + int64 excess))
            | failure -> ValueTask.FromException failure

    /// On the loop's thread: ends when all that was handed on before has been sent.
    member _.Flush() : Task =
        match failure with
        | null when state.Count = 0 -> Task.CompletedTask
        | null -> flushes.Await(sent + int64 state.Count)
        | failure -> Task.FromException failure

    /// On the loop's thread: drops what was not sent, and ends when the kernel has let go of it.
    member this.Close() : Task =
        let struct (next, verdict) = SendLine.closed state
        state <- next
        socket.Sender <- null

        if isNull failure then fail (ObjectDisposedException "LeaseQueue")

        match verdict with
        | SendLineVerdict.AskKernel -> host.Cancel this
        | SendLineVerdict.End
        | SendLineVerdict.Ignore when isNull current -> closed.TrySetResult() |> ignore
        | SendLineVerdict.End
        | SendLineVerdict.Ignore
        | SendLineVerdict.Send
        | SendLineVerdict.Keep
        | SendLineVerdict.Refuse
        | SendLineVerdict.Rest
        | SendLineVerdict.Next
        | SendLineVerdict.Done
        | SendLineVerdict.Fail
        | SendLineVerdict.Violation -> ()

        closed.Task

    override this.Landed(completion, _) = this.Ended completion.Result

    override this.Refused result = this.Ended result

    /// The ring has failed: the kernel may still read the current one, which stays held.
    override _.Failed reason = fail reason
