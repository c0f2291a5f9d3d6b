// What the kernel owes an answer to and somebody awaits: the part that single operations and streams share.
// Decides only where a continuation runs: on the loop if it was awaited there, else on its context or the pool.
namespace Uring.Driver

open System
open System.Buffers
open System.Runtime.CompilerServices
open System.Threading
open System.Threading.Tasks
open System.Threading.Tasks.Sources
open Uring.Kernel
open Uring.Model

/// What a pending operation needs of its loop.
type internal IHost =
    inherit IDescriptorHome
    /// The caller runs on the loop's thread.
    abstract IsCurrentThread: bool
    /// From any thread: run this on the loop's thread.
    abstract HandOver: Work -> unit
    /// From any thread: run this outside of every loop.
    abstract Queue: IThreadPoolWorkItem -> unit
    /// On the loop's thread: run its continuation in this turn's round.
    abstract Resume: Pending -> unit
    /// On the loop's thread: put its request into the ring.
    abstract Begin: Pending -> unit
    /// On the loop's thread: put this submission into the ring, whose memory stays where it is until the end.
    abstract Submit: pending: Pending * submission: inref<Submission> -> unit
    /// On the loop's thread: it waits for something else than the kernel, and `Begin` will come.
    abstract Park: Pending -> unit
    /// On the loop's thread: ask for its end.
    abstract Cancel: Pending -> unit
    /// On the loop's thread: ask the kernel to end it for now; it will begin again.
    abstract Interrupt: Pending -> unit
    /// On the loop's thread: its caller is gone.
    abstract Abandon: Pending -> unit
    /// On the loop's thread: ask for the end of every operation of this group.
    abstract CancelGroup: obj -> unit
    /// For descriptors that nobody wants.
    abstract Kernel: IKernel
    /// The ring was made to refuse these operations.
    abstract Forbids: Opcode -> bool

/// Where a continuation runs.
and [<Struct; RequireQualifiedAccess>] internal Destination =
    | Pool
    | Loop
    | Context

/// One side completes, the other awaits. The gate is 0, then awaited (1) when a continuation was stored first, or
/// completed (2) when the result was; whoever comes second sees the other's mark and schedules the continuation.
///
/// Local (started on the loop's thread): the loop's thread alone moves the gate, with plain accesses; a wait on
/// another thread is handed over to it. Otherwise each move is an interlocked exchange, and what was written before it
/// is visible to the side that reads it.
and [<AbstractClass>] internal Pending(host: IHost) =
    inherit Work()

    let mutable gate = 0
    let mutable callback: Action<obj | null> | null = null
    let mutable state: obj | null = null
    let mutable destination = Destination.Pool
    let mutable context: obj | null = null
    let mutable execution: ExecutionContext | null = null
    // Apart: it is two cache lines, and what most messages touch lies closer together without them.
    let mutable parked: StrongBox<Request> | null = null

    [<DefaultValue>]
    val mutable internal Opcode: Opcode

    [<DefaultValue>]
    val mutable internal Target: FileDescriptor | null

    [<DefaultValue>]
    val mutable internal Other: FileDescriptor | null

    [<DefaultValue>]
    val mutable internal Subject: string | null

    /// Started on the loop's thread.
    [<DefaultValue>]
    val mutable internal IsLocal: bool

    /// The library's own: see `Request.IsOwn`.
    [<DefaultValue>]
    val mutable internal IsOwn: bool

    /// The result is packed with a hint: see `Request.TellsMore`.
    [<DefaultValue>]
    val mutable internal TellsMore: bool

    /// Names this use of the slot; 0 before it has one.
    [<DefaultValue>]
    val mutable internal UserData: UserData

    /// What it is cancelled with, besides a token of its own.
    [<DefaultValue>]
    val mutable internal Group: obj | null

    [<DefaultValue>]
    val mutable internal Pin: MemoryHandle

    /// Cancelled before it began.
    [<DefaultValue>]
    val mutable internal CancelAsked: bool

    member internal _.Host = host

    /// What to begin, for what does not begin at once: handed over, in a chain, or a stream that is armed again. The
    /// hot path leaves it alone.
    member internal _.Parked: StrongBox<Request> =
        match parked with
        | null ->
            let created = StrongBox<Request>()
            parked <- created
            created
        | parked -> parked

    /// The value of `Parked`.
    member internal this.Request
        with get () = this.Parked.Value
        and set (request: Request) = this.Parked.Value <- request

    /// A completion came, and this is what to do about it.
    abstract Landed: completion: inref<Completion> * verdict: Verdict -> unit

    /// It ended without the kernel: refused, or withdrawn from our own queue.
    abstract Refused: result: int -> unit

    /// It could not begin, and the reason is an exception already.
    abstract Failed: reason: exn -> unit

    /// Somebody wants its end. When it is not in the kernel, nobody else will end it.
    abstract Cancelling: unit -> unit
    default _.Cancelling() = ()

    override this.Run() = host.Begin this

    override this.Bury() = this.Refused(Errno.toResult Errno.ECANCELED)

    /// Remembers what the end of the operation has to know.
    member internal this.Describe(request: inref<Request>) =
        this.Opcode <- request.Submission.Opcode
        this.Target <- request.Target
        this.IsOwn <- request.IsOwn
        this.TellsMore <- request.TellsMore

        if not (isNull request.Other) then this.Other <- request.Other

        if not (isNull request.Subject) then this.Subject <- request.Subject

    /// Forgets what it was to begin.
    member internal _.Unpark() =
        match parked with
        | null -> ()
        | parked -> parked.Value <- Unchecked.defaultof<Request>

    /// Keeps nothing alive while it waits to be used again.
    member internal this.Forget() =
        this.Target <- null

        if not this.IsLocal then this.Unpark()

        if not (isNull this.Other) then this.Other <- null

        if not (isNull this.Subject) then this.Subject <- null

    /// What an error message calls the thing worked on.
    member private this.Named: string | null =
        match this.Subject with
        | null ->
            match this.Target with
            | null -> null
            | target -> target.Name
        | subject -> subject

    /// The exception for a transfer that nothing more came of.
    member internal this.Stopped(moved: int) : exn = Fault.stopped this.Opcode this.Named (int64 moved)

    /// The exception for a negative result.
    member internal this.Fault(result: int, token: CancellationToken) : exn =
        if result = Errno.toResult Errno.EACCES && host.Forbids this.Opcode then
            Fault.forbidden this.Opcode
        else
            let isSocket =
                match this.Target with
                | null -> false
                | target -> target.IsSocket

            Fault.ofResultOn isSocket this.Opcode this.Named result token

    /// Takes back what a completion brought, when nobody wants it.
    member internal this.CloseUnwanted(result: int) =
        if result >= 0 && Catalogue.createsDescriptor this.Opcode then
            if this.Request.Submission.FileIndex = 0u then
                host.Kernel.Close result |> ignore
            elif this.Request.Submission.FileIndex = OpFlags.AllocateFile then
                host.CloseDirect result
            else
                // A slot that was chosen: the result is 0.
                host.CloseDirect(int this.Request.Submission.FileIndex - 1)

    member internal _.IsCompleted = Volatile.Read &gate = 2

    /// Ready for the next wait.
    member internal _.Reset() =
        callback <- null
        state <- null
        context <- null
        execution <- null
        destination <- Destination.Pool
        Volatile.Write(&gate, 0)

    member internal this.Release() = this.Pin.Dispose()

    /// The result is stored: let the waiter know.
    member internal this.Complete() =
        if this.IsLocal then
            let before = gate
            // Release: the result is visible to a thread that sees the gate (IsCompleted).
            Volatile.Write(&gate, 2)

            if before = 1 then this.Schedule()
        elif Interlocked.Exchange(&gate, 2) = 1 then
            this.Schedule()

    /// A continuation is stored, and this is the loop's thread: the other half of `Complete` for a local wait.
    member internal this.Join() = if gate = 2 then this.Schedule() else gate <- 1

    /// Stores a continuation, or schedules it when the result is already there.
    member internal this.Await
        (action: Action<obj | null>, argument: obj | null, flags: ValueTaskSourceOnCompletedFlags)
        =
        callback <- action
        state <- argument

        if (int flags &&& int ValueTaskSourceOnCompletedFlags.FlowExecutionContext) <> 0 then
            execution <- ExecutionContext.Capture()

        let here = host.IsCurrentThread

        if here then
            destination <- Destination.Loop
        elif (int flags &&& int ValueTaskSourceOnCompletedFlags.UseSchedulingContext) <> 0 then
            this.Capture()

        if not this.IsLocal then
            if Interlocked.CompareExchange(&gate, 1, 0) = 2 then this.Schedule()
        elif here then
            this.Join()
        else
            host.HandOver(Joining this)

    /// The context that an `await` wants to come back to: a synchronization context, or a task scheduler.
    member private _.Capture() =
        match SynchronizationContext.Current with
        | null when not (obj.ReferenceEquals(TaskScheduler.Current, TaskScheduler.Default)) ->
            context <- TaskScheduler.Current
            destination <- Destination.Context
        | null -> ()
        | current when current.GetType() <> typeof<SynchronizationContext> ->
            context <- current
            destination <- Destination.Context
        | _ -> ()

    /// It will land soon: what it is about, and what goes on then.
    member internal this.ExpectTarget() =
        match this.Target with
        | null -> ()
        | target -> Ahead.fetch target 2

        match state with
        | null -> ()
        | state -> Ahead.fetch state 2

    /// Its continuation will run soon: what an `await` goes on with, and what it may answer with.
    member internal this.ExpectContinuation() =
        match state with
        | :? Action as action ->
            match action.Target with
            | null -> ()
            | target -> Ahead.fetch target 4
        | _ -> ()

        match this.Target with
        | null -> ()
        | target ->
            match target.Sender with
            | null -> ()
            | sender -> Ahead.fetch sender 4

    /// Runs the continuation here and now.
    member internal _.Continue() =
        match callback with
        | null -> ()
        | action ->
            match execution with
            | null -> action.Invoke state
            | execution -> ExecutionContext.Run(execution, (fun argument -> action.Invoke argument), state)

    member private this.Schedule() =
        match destination with
        // What is local completes on the loop's thread. (Asking which thread this is costs more than it looks.)
        | Destination.Loop when this.IsLocal || host.IsCurrentThread -> host.Resume this
        | Destination.Loop -> host.HandOver(Continuation this)
        | Destination.Pool -> host.Queue this
        | Destination.Context ->
            match context with
            | :? SynchronizationContext as target ->
                target.Post(SendOrPostCallback(fun _ -> this.Continue()), null)
            | :? TaskScheduler as scheduler ->
                Task.Factory.StartNew(
                    Action(fun () -> this.Continue()),
                    CancellationToken.None,
                    TaskCreationOptions.DenyChildAttach,
                    scheduler
                )
                |> ignore
            | _ -> this.Continue()

    interface IThreadPoolWorkItem with
        member this.Execute() = this.Continue()

/// A continuation that has to get back to its loop: the result was there before the loop could store it.
and [<Sealed>] internal Continuation(pending: Pending) =
    inherit Work()
    override _.Run() = pending.Continue()

    override _.Bury() = pending.Host.Queue pending

/// A wait, on another thread, for something local to the loop.
and [<Sealed>] internal Joining(pending: Pending) =
    inherit Work()
    override _.Run() = pending.Join()
    override _.Bury() = pending.Join()
