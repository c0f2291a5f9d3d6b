// A multishot operation as a stream of results for one consumer. Applies Model/Multishot when the kernel ends it:
// arms it again, or ends the stream. Whatever nobody takes is given back: descriptors closed, buffers returned.
namespace Uring.Driver

open System
open System.Collections.Generic
open System.Runtime.ExceptionServices
open System.Threading
open System.Threading.Tasks
open System.Threading.Tasks.Sources
open Uring.Model

/// One result of a stream: a descriptor or a number of bytes, and the buffer that holds them.
[<Struct>]
type internal StreamItem = {
    Result: int
    /// -1 when no buffer came with it.
    Buffer: int
    Offset: int
}

[<Sealed>]
type internal Stream(host: IHost, request: Request, pool: BufferPool | null, cancellation: CancellationToken) as this
    =
    inherit Pending(host)

    // Loop and consumer may be different threads; what they share is short and under this lock.
    let gate = obj ()
    let items = Queue<StreamItem>()
    let mutable waiting = false
    let mutable ended = false
    let mutable abandoned = false
    let mutable failure: exn | null = null
    // The consumer's.
    let mutable current = Unchecked.defaultof<StreamItem>
    let mutable version = 0s
    // The loop's.
    let mutable starving = false
    let mutable registration = Unchecked.defaultof<CancellationTokenRegistration>

    do
        this.Request <- request
        this.Describe &request

    /// Takes the mark of a waiting consumer; the lock is held.
    let takeWaiter () =
        let waiter = waiting
        waiting <- false
        waiter

    let finish reason =
        registration.Unregister() |> ignore

        let waiter =
            lock gate (fun () ->
                ended <- true
                failure <- reason
                takeWaiter ())

        if waiter then this.Complete()

    let giveBack (item: StreamItem) =
        match pool with
        | null -> this.CloseUnwanted item.Result
        | pool when item.Buffer >= 0 -> pool.Release item.Buffer
        | _ -> ()

    /// The loop learns of the buffer in completion order, whether anybody wants it or not.
    let arrive (completion: Completion) =
        let bare = { Result = completion.Result; Buffer = -1; Offset = 0 }

        match pool with
        | null -> bare
        | pool ->
            match Completion.bufferId completion with
            | ValueNone -> bare
            | ValueSome id -> {
                bare with
                    Buffer = int id
                    Offset = pool.Selected(int id, completion.Result, Completion.bufferMore completion)
              }

    let deliver completion =
        let item = arrive completion

        let struct (unwanted, waiter) =
            lock gate (fun () ->
                if not abandoned then items.Enqueue item

                struct (abandoned, takeWaiter ()))

        if unwanted then giveBack item

        if waiter then this.Complete()

    let rearm (completion: Completion) =
        match Multishot.ended (not (isNull pool)) completion.Result with
        | StreamVerdict.DeliverAndRearm ->
            deliver completion
            host.Begin this
        | StreamVerdict.Rearm -> host.Begin this
        | StreamVerdict.RearmWithBuffer ->
            match pool with
            | null -> finish (this.Fault(completion.Result, cancellation))
            // Asked to end while it was in the kernel, which had this answer first: nobody would ask again.
            | _ when this.CancelAsked -> this.Refused(Errno.toResult Errno.ECANCELED)
            | pool ->
                starving <- true
                pool.Starve this
        | StreamVerdict.EndOfStream ->
            giveBack (arrive completion)
            finish null
        | StreamVerdict.Fail -> finish (this.Fault(completion.Result, cancellation))

    /// Registers for cancellation and begins. From any thread.
    member _.Open() =
        if host.IsCurrentThread then host.Begin this else host.HandOver this

        if cancellation.CanBeCanceled then
            registration <- cancellation.UnsafeRegister((fun _ -> this.Stop()), null)

    member private _.Stop() =
        if host.IsCurrentThread then host.Cancel this else host.HandOver(StopWork(this, false))

    override _.Landed(completion, verdict) =
        match verdict with
        | Verdict.Deliver -> deliver completion
        | Verdict.Finish -> rearm completion
        | Verdict.Discard -> giveBack (arrive completion)
        | Verdict.DiscardAndRelease ->
            giveBack (arrive completion)
            finish null
        | Verdict.FinishButHold
        | Verdict.Release
        | Verdict.AskKernel
        | Verdict.Withdraw
        | Verdict.Ignore
        | Verdict.Violation -> ()

    override _.Refused result = finish (this.Fault(result, cancellation))

    override _.Failed reason = finish reason

    /// Waiting for a buffer, it is not in the kernel: nobody else would end it.
    override _.CancelledOutside() =
        if starving then
            starving <- false
            this.Refused(Errno.toResult Errno.ECANCELED)

    /// What the last successful wait found.
    member _.Current = current

    member private _.TryTake() : bool voption =
        if items.Count > 0 then
            current <- items.Dequeue()
            ValueSome true
        elif not ended then
            ValueNone
        else
            match failure with
            | null -> ValueSome false
            | reason ->
                // Told once; afterwards the stream is simply over.
                failure <- null
                ExceptionDispatchInfo.Throw reason
                ValueSome false

    /// Waits for the next item; false at the end. One consumer, one wait at a time.
    member _.MoveNext() : ValueTask<bool> =
        let found =
            lock gate (fun () ->
                let found = this.TryTake()

                if found.IsNone then
                    this.Reset()
                    waiting <- true

                found)

        match found with
        | ValueSome more -> ValueTask<bool> more
        | ValueNone -> ValueTask<bool>(this, version)

    /// The consumer leaves: ends the operation and gives back what it did not take. From any thread.
    member _.Abandon() =
        let left =
            lock gate (fun () ->
                let left = if abandoned then [||] else items.ToArray()
                abandoned <- true
                items.Clear()
                left)

        left |> Array.iter giveBack

        if host.IsCurrentThread then
            host.Abandon this
            host.Cancel this
        else
            host.HandOver(StopWork(this, true))

    interface IValueTaskSource<bool> with

        member _.GetStatus _ =
            if this.IsCompleted then
                ValueTaskSourceStatus.Succeeded
            else
                ValueTaskSourceStatus.Pending

        member _.OnCompleted(action, state, _, flags) = this.Await(action, state, flags)

        member _.GetResult given =
            if given <> version then
                raise (
                    InvalidOperationException "This wait was awaited before. A ValueTask can be awaited once."
                )

            version <- version + 1s

            lock gate (fun () ->
                match this.TryTake() with
                | ValueSome more -> more
                | ValueNone -> false)

/// The end of a stream, asked for on another thread.
and [<Sealed>] internal StopWork(stream: Stream, abandon: bool) =
    inherit Work()

    override _.Run() =
        if abandon then stream.Host.Abandon stream

        stream.Host.Cancel stream
