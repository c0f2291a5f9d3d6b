// One operation with one result, awaitable once and then used again: nothing is allocated per operation.
// The task ends only with the last completion, so after `await` the buffer is the caller's, cancelled or not.
namespace Uring.Driver

open System
open System.Runtime.ExceptionServices
open System.Threading
open System.Threading.Tasks.Sources
open Uring.Kernel
open Uring.Model

/// Takes operations back when their result has been read. From any thread.
type internal IOperationPool =
    abstract Return: Operation -> unit

/// Hears of the notification of a zero-copy send, on the loop's thread and while the memory is still pinned.
and internal INotified =
    abstract Notified: result: int -> unit

and [<Sealed>] internal Operation(host: IHost, pool: IOperationPool) =
    inherit Pending(host)

    let mutable version = 0s
    let mutable result = 0
    let mutable error: exn | null = null
    let mutable raw = false
    // How far a transfer goes, of how many bytes, and how many are left; its memory stays pinned until the end.
    let mutable goal = Goal.Step
    let mutable whole = 0
    let mutable left = 0
    // What is left, for when it has to go on: elsewhere in memory, where the last step does not look.
    let mutable rest = Unchecked.defaultof<Submission>
    // Which fields of `rest` are offsets still.
    let mutable reach = Reach.Nothing
    let mutable token = CancellationToken.None
    let mutable registration = Unchecked.defaultof<CancellationTokenRegistration>
    let mutable reusable = true
    let mutable ending: IValueTaskSource<unit> | null = null
    // Who still needs the object: the caller until it has read the result, and the kernel until the notification.
    let mutable owners = 1

    static let cancel =
        Action<obj>(fun state ->
            let operation = state :?> Operation
            operation.RequestCancel())

    /// Only a result that came with a promise of a notification (`FinishButHold`, before the result was out) has two.
    let drop (this: Operation) =
        if owners = 1 || Interlocked.Decrement(&owners) = 0 then
            this.Forget()
            this.Group <- null

            // It went on, and what it went on with names its descriptor.
            if goal <> Goal.Step && left < whole then this.Unpark()

            if not (isNull this.Listener) then this.Listener <- null

            if reusable then pool.Return this

    [<DefaultValue>]
    val mutable internal Listener: INotified | null

    /// Its end alone, for an F# program.
    member this.End: IValueTaskSource<unit> =
        match ending with
        | null ->
            let created = OperationEnd<unit>(this, ())
            ending <- created
            created
        | ending -> ending

    /// Names this use of the object, for ValueTask.
    member _.Version = version

    /// Prepares it for a request. `isLocal`: it begins at once, on the loop's thread; else the request is kept.
    /// `asResult`: errors are handed over as negative results instead of exceptions.
    member this.Initialize
        (request: inref<Request>, isLocal: bool, asResult: bool, cancellation: CancellationToken)
        =
        this.Describe &request
        this.IsLocal <- isLocal
        raw <- asResult
        owners <- 1
        goal <- request.Goal

        if goal <> Goal.Step then
            whole <- int request.Submission.Length
            left <- whole
            rest <- request.Submission
            reach <- request.Reach

        if not isLocal then this.Request <- request

        if cancellation.CanBeCanceled then
            token <- cancellation
            registration <- cancellation.UnsafeRegister(cancel, this)

    /// As `Initialize`, on the loop's thread, in a group that is cancelled as a whole.
    member this.InitializeIn(group: OperationGroup, request: inref<Request>, asResult: bool) =
        this.Initialize(&request, true, asResult, CancellationToken.None)
        this.Group <- group
        token <- group.Token

    /// What a transfer has done.
    member private _.Moved = whole - left

    /// The rest of a transfer, from where it has come to; its memory stays pinned.
    member private this.GoOn(result: int) =
        rest <- Submission.rebase reach (Mapped.addressOfPin this.Pin) rest |> Transfer.rest result
        reach <- Reach.Nothing
        left <- left - result
        this.Request <- { Request.bare rest with Target = this.Target }
        this.Host.Begin this

    /// A step of a transfer has ended.
    member private this.Transferred(result: int) =
        match Transfer.next goal (int64 left) result with
        | TransferVerdict.Again -> this.GoOn result
        | TransferVerdict.Complete ->
            this.Release()
            this.Finish(this.Moved + result)
        | TransferVerdict.Failed ->
            this.Release()
            this.Finish result
        | TransferVerdict.Stopped -> this.Failed(this.Stopped this.Moved)

    member private this.RequestCancel() =
        if this.Host.IsCurrentThread then
            this.Host.Cancel this
        else
            this.Host.HandOver(CancelWork(this, version))

    member private this.Finish(value: int) =
        // False: the callback has run or is running, and may still hand over a cancel for this use. An object that a
        // late cancel could reach is not used again.
        if isNull this.Group && token.CanBeCanceled && not (registration.Unregister()) then
            reusable <- false

        result <- value
        this.Complete()

    override this.Landed(completion, verdict) =
        match verdict with
        | Verdict.Finish when goal = Goal.Step ->
            this.Release()
            this.Finish(if this.TellsMore then Hint.pack completion else completion.Result)
        | Verdict.Finish -> this.Transferred completion.Result
        | Verdict.FinishButHold ->
            owners <- 2
            this.Finish completion.Result
        | Verdict.Release ->
            match this.Listener with
            | null -> ()
            | listener -> listener.Notified completion.Result

            this.Release()
            drop this
        | Verdict.DiscardAndRelease ->
            this.Release()
            this.CloseUnwanted completion.Result
            this.Finish completion.Result
        | Verdict.Deliver
        | Verdict.Discard
        | Verdict.AskKernel
        | Verdict.Withdraw
        | Verdict.Ignore
        | Verdict.Violation -> ()

    override this.Refused value =
        this.Release()
        this.Finish value

    override this.Failed reason =
        error <- reason
        this.Refused(Errno.toResult Errno.EIO)

    member private _.Check given =
        if given <> version then
            raise (
                InvalidOperationException
                    "This ValueTask was awaited before. A ValueTask can be awaited once: use AsTask() to await it more often."
            )

    interface ICloser with
        member this.Close() = this.Host.Begin this
        member this.Refused value = this.Refused value

    interface IValueTaskSource<int> with

        member this.GetStatus given =
            this.Check given

            if not this.IsCompleted then
                ValueTaskSourceStatus.Pending
            elif not (isNull error) then
                ValueTaskSourceStatus.Faulted
            elif raw || result >= 0 then
                ValueTaskSourceStatus.Succeeded
            else
                match Errno.kind (Errno.ofResult result) with
                | ErrorKind.Cancelled -> ValueTaskSourceStatus.Canceled
                // Every other kind: an exception.
                | _ -> ValueTaskSourceStatus.Faulted

        member this.OnCompleted(action, state, given, flags) =
            this.Check given
            this.Await(action, state, flags)

        member this.GetResult given =
            this.Check given

            if not this.IsCompleted then
                raise (InvalidOperationException "The operation has not completed: await it.")

            let value = result

            let failure =
                match error with
                | null when raw || value >= 0 -> null
                | null -> this.Fault(value, token)
                | failure -> failure

            if goal <> Goal.Step then
                match failure with
                | null -> ()
                | failure -> Fault.noteTransferred (int64 this.Moved) failure |> ignore

            version <- version + 1s
            this.Reset()
            this.UserData <- UserData.none
            this.CancelAsked <- false
            error <- null

            token <- CancellationToken.None
            registration <- Unchecked.defaultof<CancellationTokenRegistration>
            drop this

            match failure with
            | null -> value
            | failure ->
                ExceptionDispatchInfo.Throw failure
                value

    interface IValueTaskSource with
        member this.GetStatus given = (this :> IValueTaskSource<int>).GetStatus given

        member this.OnCompleted(action, state, given, flags) =
            (this :> IValueTaskSource<int>).OnCompleted(action, state, given, flags)

        member this.GetResult given = (this :> IValueTaskSource<int>).GetResult given |> ignore

/// The end of an operation, without its number. Generic, because F# has no method that returns a unit in place of a 'T.
and [<Sealed>] internal OperationEnd<'T>(operation: IValueTaskSource, value: 'T) =
    interface IValueTaskSource<'T> with
        member _.GetStatus given = operation.GetStatus given

        member _.OnCompleted(action, state, given, flags) = operation.OnCompleted(action, state, given, flags)

        member _.GetResult given =
            operation.GetResult given
            value

/// A cancel that came from another thread. It names the use of the object that it was meant for.
and [<Sealed>] internal CancelWork(operation: Operation, version: int16) =
    inherit Work()

    override _.Run() = if operation.Version = version then operation.Host.Cancel operation
