// A multishot operation as a stream of results for one consumer. Applies Model/Multishot, which says when it is armed,
// paused, fed and over. Whatever nobody takes is given back: descriptors closed, buffers returned.
// Length: one operation and one consumer, whose hand-over cannot be told apart.
namespace Uring.Driver

open System
open System.Runtime.ExceptionServices
open System.Threading
open System.Threading.Tasks
open System.Threading.Tasks.Sources
open Uring.Model

[<Sealed>]
// No `as this`: it would cost an object more for each stream, and a check in each member, on the way of each message.
type internal Stream
    (host: IHost, request: StreamRequest, isMultishot: bool, limit: int, cancellation: CancellationToken) =
    inherit Pending(host)

    let pool = request.Pool
    let source = request.Source
    // Loop and consumer may be different threads; what they share is short and under this lock: the state, too.
    let mutable gate = Unchecked.defaultof<Gate>
    let mutable items = Unchecked.defaultof<Backlog>
    // Of ticks, the submission says how many.
    let mutable state =
        Multishot.armed limit
        |> Multishot.counted (if source = Source.Ticks then int request.Multishot.Submission.Offset else 0)

    let mutable waiting = false
    let mutable ended = false
    let mutable abandoned = false
    let mutable failure: exn | null = null
    // The consumer's.
    let mutable cell: LeaseCell | null = null
    let mutable use' = 0
    let mutable number = 0
    let mutable isTaken = true
    // Whether the last wait has been told of.
    let mutable told = true
    let mutable version = 0s
    // The loop's. What a single receive was given to fill.
    let mutable given: LeaseCell | null = null
    let mutable entered = false
    let mutable registration = Unchecked.defaultof<CancellationTokenRegistration>

    /// Nobody takes these bytes.
    let giveBack (bytes: LeaseCell) =
        match request.Discard with
        | null -> ()
        | discard -> if bytes.Length > 0 then discard.Invoke(new BufferLease(bytes, bytes.Version))

        bytes.Discard()

    /// Takes the mark of a waiting consumer; the lock is held.
    let takeWaiter () =
        let waiter = waiting
        waiting <- false
        waiter

    /// The lock is held.
    let enqueue (bytes: LeaseCell | null) result =
        if Multishot.merges source && not items.IsEmpty then
            items.Replace(Multishot.merged source items.FirstNumber result)
            StreamVerdict.Nothing
        else
            items.Enqueue(bytes, result)
            let struct (next, verdict) = Multishot.queued 1 state
            state <- next
            verdict

    let changed (change: Multishot -> struct (Multishot * StreamVerdict)) =
        gate.Enter()
        let struct (next, verdict) = change state
        state <- next
        gate.Leave()
        verdict

    // ---- what the kernel brings, on the loop's thread

    member private this.Finish(reason: exn | null) =
        registration.Unregister() |> ignore

        if entered then
            entered <- false

            match pool with
            | null -> ()
            | pool -> pool.Leave this

        gate.Enter()
        ended <- true
        failure <- reason
        let waiter = takeWaiter ()
        gate.Leave()

        if waiter then this.Complete()

    /// Gives a result to the consumer, or back when there is none any more. True when it is time to pause.
    member private this.Deliver(bytes: LeaseCell | null, result: int) =
        gate.Enter()
        let unwanted = abandoned
        let verdict = if unwanted then StreamVerdict.Nothing else enqueue bytes result
        // Who has left waits for the end alone.
        let waiter = not unwanted && takeWaiter ()
        gate.Leave()

        if unwanted then this.Discard(bytes, result)

        if waiter then this.Complete()

        verdict = StreamVerdict.Pause

    /// A completion's buffers, in their order. True when it is time to pause.
    member private this.DeliverAll(first: LeaseCell | null, carries: bool) =
        let mutable next = first
        let mutable pause = false

        while not (isNull next) do
            let bytes = nonNull next
            next <- bytes.After
            bytes.After <- null

            if not carries then giveBack bytes
            elif this.Deliver(bytes, bytes.Length) then pause <- true

        pause

    /// What a completion brought, in its buffers' order. `wanted` by nobody, or carrying nothing, it goes back at once. True
    /// when it is time to pause.
    member private this.Arrive(completion: inref<Completion>, wanted: bool) =
        let carries = wanted && Multishot.carries source completion.Result

        match pool with
        | null ->
            if carries then
                gate.Enter()
                state <- Multishot.came state
                gate.Leave()
                this.Deliver(null, Multishot.value source completion.Result)
            else
                if not wanted then this.CloseUnwanted completion.Result
                false
        | pool when pool.IsRing -> this.DeliverAll(pool.Take &completion, carries)
        | _ ->
            match given with
            | null -> false
            | filled ->
                given <- null

                if carries then filled.Shorten completion.Result

                this.DeliverAll(filled, carries)

    // ---- when it is in the kernel

    member private this.IsClosed =
        match this.Target with
        | null -> false
        | target -> target.IsClosed && not cancellation.IsCancellationRequested

    /// A buffer for a single receive, if it needs one: false when there is none.
    member private this.Prepare() =
        match pool with
        | null ->
            // Armed again, for what is left.
            if isMultishot && state.Remaining > 0 then
                this.Request <- {
                    this.Request with
                        Submission = Submission.counting (uint32 state.Remaining) this.Request.Submission
                }

            true
        | _ when isMultishot -> true
        | pool when pool.IsRing ->
            this.Request <- {
                this.Request with
                    Submission =
                        { this.Request.Submission with Length = uint32 pool.BufferSize }
                        |> Submission.withBuffers pool.Group
            }

            true
        | pool ->
            let memory =
                match pool.TakeNext() with
                | null -> Memory.Empty
                | next ->
                    given <- next
                    next.Unexposed

            this.Request <- {
                this.Request with
                    Buffer = memory
                    Reach = Reach.Address
                    Submission = { this.Request.Submission with Length = uint32 memory.Length }
            }

            not memory.IsEmpty

    /// False when its pool takes no more streams.
    member private this.Enter() =
        match pool with
        | null -> true
        | _ when entered -> true
        | pool ->
            entered <- pool.Enter this
            entered

    member private this.Act(verdict: StreamVerdict, result: int) =
        match verdict with
        | StreamVerdict.Nothing
        | StreamVerdict.AskKernel -> ()
        | StreamVerdict.Pause -> host.Interrupt this
        | StreamVerdict.Arm -> this.Arm()
        | StreamVerdict.Park -> host.Park this
        | StreamVerdict.Starve ->
            match pool with
            | null -> ()
            | pool -> pool.Starve(this, this)
        | StreamVerdict.EndOfStream -> this.Finish null
        | StreamVerdict.Fail -> this.Finish(this.Fault(result, cancellation))
        // Closing a listener is how its stream of connections is ended.
        | StreamVerdict.Cancelled when source = Source.Descriptors && this.IsClosed -> this.Finish null
        | StreamVerdict.Cancelled -> this.Finish(this.Fault(Errno.toResult Errno.ECANCELED, cancellation))

    /// It is out of the kernel, with this result.
    member private this.Left(result: int) = this.Act(changed (Multishot.ended source result), result)

    member private this.Arm() =
        if not (this.Enter()) then
            this.Finish(ObjectDisposedException("BufferPool", "The buffer pool was disposed of."))
        elif this.Prepare() then
            host.Begin this
        else
            this.Left(Errno.toResult Errno.ENOBUFS)

    member _.HasEnded = ended

    /// Registers for cancellation and begins: once, before all else. From any thread.
    member this.Open() =
        this.Request <-
            match request.Single with
            | ValueSome single when not isMultishot -> single
            | ValueSome _
            | ValueNone -> request.Multishot

        this.Describe &this.Parked.Value
        this.IsLocal <- host.IsCurrentThread

        if this.IsLocal then this.Arm() else host.HandOver this

        if cancellation.CanBeCanceled then
            registration <- cancellation.UnsafeRegister((fun _ -> this.Stop()), null)

    override this.Run() = this.Arm()

    member private this.Stop() =
        if host.IsCurrentThread then host.Cancel this else host.HandOver(StopWork(this, false))

    override this.Landed(completion, verdict) =
        match verdict with
        | Verdict.Deliver -> if this.Arrive(&completion, true) then this.Act(StreamVerdict.Pause, 0)
        | Verdict.Finish ->
            this.Release()
            this.Arrive(&completion, true) |> ignore
            this.Left completion.Result
        | Verdict.Discard -> this.Arrive(&completion, false) |> ignore
        | Verdict.DiscardAndRelease ->
            this.Release()
            this.Arrive(&completion, false) |> ignore
            this.Finish null
        | Verdict.FinishButHold
        | Verdict.Release
        | Verdict.AskKernel
        | Verdict.Withdraw
        | Verdict.Ignore
        | Verdict.Violation -> ()

    override this.Refused result =
        this.Release()

        match given with
        | null -> ()
        | unused ->
            given <- null
            unused.Discard()

        this.Left result

    override this.Failed reason =
        // The ring has failed, and the kernel may still write: what it was given stays its own.
        this.Finish reason

    override this.Cancelling() = this.Act(changed Multishot.stopped, Errno.toResult Errno.ECANCELED)

    interface IStarving with
        member this.Feed() = this.Act(changed Multishot.fed, 0)

    // ---- the consumer's side

    /// Nobody looked at it: bytes go back, a descriptor is closed.
    member private this.Discard(bytes: LeaseCell | null, result: int) =
        match bytes with
        | null -> this.CloseUnwanted result
        | bytes -> giveBack bytes

    /// The bytes that the last successful wait found: the caller's from now on. The same, however often it is asked.
    member _.TakeCell() : LeaseCell | null =
        if not isTaken then
            isTaken <- true

            match cell, pool with
            | null, _
            | _, null -> ()
            | found, pool -> if pool.Options.TrackLeases then found.Track()

        cell

    /// Names the use of the cell that `TakeCell` gives; 0 of none.
    member _.CellVersion = use'

    /// `TakeCell`, as a lease.
    member this.Lease: BufferLease = new BufferLease(this.TakeCell(), use')

    /// What the last successful wait found: the caller's from now on.
    member this.Take() : StreamItem =
        let item = { Result = number; Lease = this.Lease }
        isTaken <- true
        item

    /// The consumer has done with what was found last; if he dropped it, it can be collected.
    member private this.LeaveCurrent() =
        if not isTaken then
            isTaken <- true
            this.Discard(cell, number)

        cell <- null
        use' <- 0

    /// The lock is held.
    member private _.TryTake() : Found =
        if not items.IsEmpty then
            let bytes = items.FirstCell
            number <- items.FirstNumber
            items.Drop()
            cell <- bytes

            match bytes with
            | null -> ()
            | bytes -> use' <- bytes.Version

            isTaken <- false
            let struct (next, verdict) = Multishot.taken state
            state <- next
            if verdict = StreamVerdict.Arm then Found.ItemAndRoom else Found.Item
        elif not ended then
            Found.Nothing
        elif isNull failure then
            Found.End
        else
            Found.Failure

    /// The consumer has caught up, on whatever thread it is.
    member private this.Resume() = if host.IsCurrentThread then this.Arm() else host.HandOver this

    /// Looks for the next item. `Nothing`: a wait has begun, and `Waited` tells of it when it is over. One consumer, one wait
    /// at a time.
    member internal this.Step() : Found =
        this.LeaveCurrent()

        gate.Enter()
        let found = this.TryTake()

        if found = Found.Nothing then
            this.Reset()
            told <- false
            waiting <- true

        gate.Leave()

        if found = Found.ItemAndRoom then
            this.Resume()
            Found.Item
        else
            found

    /// The wait that `Step` began is over: whether there is an item. Once for each wait.
    member internal this.Waited() : bool =
        if told || not this.IsCompleted then
            raise (
                InvalidOperationException
                    "Await this wait, and await it once: it is not over, or was awaited before."
            )

        told <- true
        gate.Enter()
        let found = this.TryTake()
        gate.Leave()

        match found with
        | Found.Item -> true
        | Found.ItemAndRoom ->
            this.Resume()
            true
        | Found.End
        | Found.Nothing -> false
        | Found.Failure ->
            ExceptionDispatchInfo.Throw(this.TakeFailure())
            false

    /// Told once; afterwards the stream is simply over.
    member internal _.TakeFailure() : exn =
        let reason = nonNull failure
        failure <- null
        reason

    /// Waits for the next item; false at the end.
    member this.MoveNext() : ValueTask<bool> =
        match this.Step() with
        | Found.Item
        | Found.ItemAndRoom -> ValueTask<bool> true
        | Found.End -> ValueTask<bool> false
        | Found.Failure -> ValueTask.FromException<bool>(this.TakeFailure())
        | Found.Nothing -> ValueTask<bool>(this, version)

    /// The consumer leaves: ends the operation, waits for its end, and gives back what it did not take. Until it has ended it
    /// would take, for nobody, what the next one asks for. From any thread.
    member this.Abandon() : ValueTask =
        this.LeaveCurrent()

        gate.Enter()
        abandoned <- true
        // One wait at a time: a consumer who waits already is told of the end himself.
        let waits = not ended && not waiting

        if waits then
            this.Reset()
            waiting <- true

        let mutable left = items
        items <- Unchecked.defaultof<Backlog>
        gate.Leave()

        while not left.IsEmpty do
            let bytes = left.FirstCell
            let result = left.FirstNumber
            left.Drop()
            this.Discard(bytes, result)

        if host.IsCurrentThread then
            host.Abandon this
            host.Cancel this
        else
            host.HandOver(StopWork(this, true))

        if waits then ValueTask(this, version) else ValueTask.CompletedTask

    member private this.Status =
        if this.IsCompleted then
            ValueTaskSourceStatus.Succeeded
        else
            ValueTaskSourceStatus.Pending

    /// A wait is over, for the only time.
    member private _.Use(given: int16) =
        if given <> version then
            raise (InvalidOperationException "This wait was awaited before. A ValueTask can be awaited once.")

        version <- version + 1s

    interface IValueTaskSource with
        member this.GetStatus _ = this.Status
        member this.OnCompleted(action, state, _, flags) = this.Await(action, state, flags)
        member this.GetResult given = this.Use given

    interface IValueTaskSource<bool> with

        member this.GetStatus _ = this.Status
        member this.OnCompleted(action, state, _, flags) = this.Await(action, state, flags)

        member this.GetResult given =
            this.Use given
            this.Waited()

/// The end of a stream, asked for on another thread.
and [<Sealed>] internal StopWork(stream: Stream, abandon: bool) =
    inherit Work()

    override _.Run() =
        if abandon then stream.Host.Abandon stream

        stream.Host.Cancel stream
