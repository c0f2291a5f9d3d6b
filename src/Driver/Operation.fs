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
    // Bytes that a transfer has still to do, when it has to be complete; 0 otherwise.
    let mutable left = 0
    let mutable whole = 0
    // ... and from where: its memory stays pinned until the end.
    let mutable reach = Reach.Nothing
    let mutable rest = Unchecked.defaultof<Submission>
    let mutable token = CancellationToken.None
    let mutable registration = Unchecked.defaultof<CancellationTokenRegistration>
    let mutable reusable = true
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

            if not (isNull this.Listener) then this.Listener <- null

            if reusable then pool.Return this

    [<DefaultValue>]
    val mutable internal Listener: INotified | null

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

        if not isLocal then this.Request <- request

        if cancellation.CanBeCanceled then
            token <- cancellation
            registration <- cancellation.UnsafeRegister(cancel, this)

    /// As `Initialize`, on the loop's thread, in a group that is cancelled as a whole.
    member this.InitializeIn(group: OperationGroup, request: inref<Request>, asResult: bool) =
        this.Initialize(&request, true, asResult, CancellationToken.None)
        this.Group <- group
        token <- group.Token

    /// After `Initialize`: it ends when all of the request's bytes have been transferred, or with an error.
    member this.Transfer(request: inref<Request>) =
        left <- int request.Submission.Length
        whole <- left
        reach <- request.Reach
        rest <- request.Submission

    /// The rest of a transfer, from where it has come to; its memory stays pinned.
    member private this.GoOn(result: int) =
        let start = Submission.rebase reach (Mapped.addressOfPin this.Pin) rest
        reach <- Reach.Nothing
        left <- Transfer.rest left result

        rest <- { start with Address = start.Address + uint64 result; Length = uint32 left }

        this.Request <- { Request.bare rest with Target = this.Target }
        this.Host.Begin this

    member private this.RequestCancel() =
        if this.Host.IsCurrentThread then
            this.Host.Cancel this
        else
            this.Host.HandOver(CancelWork(this, version))

    member private this.End(value: int) =
        // False: the callback has run or is running, and may still hand over a cancel for this use. An object that a
        // late cancel could reach is not used again.
        if isNull this.Group && token.CanBeCanceled && not (registration.Unregister()) then
            reusable <- false

        result <- value
        this.Complete()

    override this.Landed(completion, verdict) =
        match verdict with
        | Verdict.Finish when left = 0 ->
            this.Release()
            this.End(if this.TellsMore then Hint.pack completion else completion.Result)
        | Verdict.Finish ->
            match Transfer.next left completion.Result with
            | TransferVerdict.Again -> this.GoOn completion.Result
            | TransferVerdict.Complete
            | TransferVerdict.Broken ->
                this.Release()
                this.End completion.Result
        | Verdict.FinishButHold ->
            owners <- 2
            this.End completion.Result
        | Verdict.Release ->
            match this.Listener with
            | null -> ()
            | listener -> listener.Notified completion.Result

            this.Release()
            drop this
        | Verdict.DiscardAndRelease ->
            this.Release()
            this.CloseUnwanted completion.Result
            this.End completion.Result
        | Verdict.Deliver
        | Verdict.Discard
        | Verdict.AskKernel
        | Verdict.Withdraw
        | Verdict.Ignore
        | Verdict.Violation -> ()

    override this.Refused value =
        this.Release()
        this.End value

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

            if whole > 0 then
                match failure with
                | null -> ()
                | failure -> Fault.noteTransferred (int64 (whole - left)) failure |> ignore

                whole <- 0

            version <- version + 1s
            this.Reset()
            this.UserData <- UserData.none
            this.CancelAsked <- false
            error <- null

            left <- 0
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

/// A cancel that came from another thread. It names the use of the object that it was meant for.
and [<Sealed>] internal CancelWork(operation: Operation, version: int16) =
    inherit Work()

    override _.Run() = if operation.Version = version then operation.Host.Cancel operation
