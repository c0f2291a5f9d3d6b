// What the kernel owes an answer to and somebody awaits: the part that single operations and streams share.
// Decides only where a continuation runs: on the loop if it was awaited there, else on its context or the pool.
namespace Uring.Driver

open System
open System.Buffers
open System.Threading
open System.Threading.Tasks
open System.Threading.Tasks.Sources
open Uring.Kernel
open Uring.Model

/// What a pending operation needs of its loop.
type internal IHost =
    /// The caller runs on the loop's thread.
    abstract IsCurrentThread: bool
    /// From any thread: run this on the loop's thread.
    abstract HandOver: Work -> unit
    /// On the loop's thread: run its continuation in this turn's round.
    abstract Resume: Pending -> unit
    /// On the loop's thread: put its request into the ring.
    abstract Begin: Pending -> unit
    /// On the loop's thread: ask for its end.
    abstract Cancel: Pending -> unit
    /// On the loop's thread: its caller is gone.
    abstract Abandon: Pending -> unit
    /// For descriptors that nobody wants.
    abstract Kernel: IKernel

/// One thread completes, another (or the same) awaits. The gate is 0, then
///   awaited (1) when a continuation was stored first, or completed (2) when the result was;
/// whoever comes second sees the other's mark and schedules the continuation. Each mark is an interlocked exchange:
/// what was written before it is visible to the side that reads it.
and [<AbstractClass>] internal Pending(host: IHost) =
    inherit Work()

    let mutable gate = 0
    let mutable callback: Action<obj | null> | null = null
    let mutable state: obj | null = null
    let mutable context: obj | null = null
    let mutable execution: ExecutionContext | null = null

    [<DefaultValue>]
    val mutable internal Request: Request

    /// Names this use of the slot; 0 before it has one.
    [<DefaultValue>]
    val mutable internal UserData: UserData

    /// The descriptor that waits for its end. Kept apart from the request, which the caller's thread clears.
    [<DefaultValue>]
    val mutable internal Target: FileDescriptor | null

    [<DefaultValue>]
    val mutable internal Other: FileDescriptor | null

    [<DefaultValue>]
    val mutable internal Pin: MemoryHandle

    /// Cancelled before it began.
    [<DefaultValue>]
    val mutable internal CancelAsked: bool

    member internal _.Host = host

    /// A completion came, and this is what to do about it.
    abstract Landed: Completion * Verdict -> unit

    /// It ended without the kernel: refused, or withdrawn from our own queue.
    abstract Refused: result: int -> unit

    /// It could not begin, and the reason is an exception already.
    abstract Failed: reason: exn -> unit

    /// Somebody wants its end while the kernel does not have it.
    abstract CancelledOutside: unit -> unit
    default _.CancelledOutside() = ()

    override this.Run() = host.Begin this

    override this.Bury() = this.Refused(Errno.toResult Errno.ECANCELED)

    /// Takes back what a completion brought, when nobody wants it.
    member internal this.CloseUnwanted(result: int) =
        if result >= 0 && Submission.createsDescriptor this.Request.Submission.Opcode then
            host.Kernel.Close result |> ignore

    member internal _.IsCompleted = Volatile.Read &gate = 2

    /// Ready for the next wait.
    member internal _.Reset() =
        callback <- null
        state <- null
        context <- null
        execution <- null
        Volatile.Write(&gate, 0)

    member internal this.Release() = this.Pin.Dispose()

    /// The result is stored: let the waiter know.
    member internal this.Complete() = if Interlocked.Exchange(&gate, 2) = 1 then this.Schedule()

    /// Stores a continuation, or schedules it when the result is already there.
    member internal this.Await
        (action: Action<obj | null>, argument: obj | null, flags: ValueTaskSourceOnCompletedFlags)
        =
        callback <- action
        state <- argument

        if (int flags &&& int ValueTaskSourceOnCompletedFlags.FlowExecutionContext) <> 0 then
            execution <- ExecutionContext.Capture()

        if host.IsCurrentThread then
            context <- host
        elif (int flags &&& int ValueTaskSourceOnCompletedFlags.UseSchedulingContext) <> 0 then
            match SynchronizationContext.Current with
            | null when not (obj.ReferenceEquals(TaskScheduler.Current, TaskScheduler.Default)) ->
                context <- TaskScheduler.Current
            | null -> ()
            | current when current.GetType() <> typeof<SynchronizationContext> -> context <- current
            | _ -> ()

        if Interlocked.CompareExchange(&gate, 1, 0) = 2 then this.Schedule()

    /// Runs the continuation here and now.
    member internal _.Continue() =
        match callback with
        | null -> ()
        | action ->
            match execution with
            | null -> action.Invoke state
            | execution -> ExecutionContext.Run(execution, (fun argument -> action.Invoke argument), state)

    member private this.Schedule() =
        match context with
        | null -> ThreadPool.UnsafeQueueUserWorkItem(this :> IThreadPoolWorkItem, false) |> ignore
        | :? IHost as host when host.IsCurrentThread -> host.Resume this
        | :? IHost as host -> host.HandOver(Continuation this)
        | :? SynchronizationContext as target ->
            target.Post(SendOrPostCallback(fun _ -> this.Continue()), null)
        | other ->
            Task.Factory.StartNew(
                Action(fun () -> this.Continue()),
                CancellationToken.None,
                TaskCreationOptions.DenyChildAttach,
                (other :?> TaskScheduler)
            )
            |> ignore

    interface IThreadPoolWorkItem with
        member this.Execute() = this.Continue()

/// A continuation that has to get back to its loop: the result was there before the loop could store it.
and [<Sealed>] internal Continuation(pending: Pending) =
    inherit Work()
    override _.Run() = pending.Continue()

    override _.Bury() = ThreadPool.UnsafeQueueUserWorkItem(pending :> IThreadPoolWorkItem, false) |> ignore
