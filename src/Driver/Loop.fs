// The loop: begins operations, turns, and runs what has completed. Everything here happens on one thread, except
// `Start`, `HandOver` and `Return`. It performs verdicts of the model and has no clock and no thread of its own: the
// host calls `Turn` (LoopThread in production).
namespace Uring.Driver

open System
open System.Collections.Concurrent
open System.Collections.Generic
open System.Threading
open System.Threading.Tasks
open Uring.Kernel
open Uring.Model

/// How a loop is made. The sizes are rounded up to powers of two by the kernel.
type LoopOptions = {
    /// Submission queue entries: how much is submitted in one call at most. 1 to 32768.
    Entries: int
    /// Completion queue entries: bursts beyond it are kept by the kernel, slowly. At least `Entries`, at most 65536.
    Completions: int
    /// Kernel threads for operations that must block, such as buffered writes on ext4; 0 leaves the kernel's default.
    BoundedWorkers: int
    /// The same for operations on sockets, pipes and the like.
    UnboundedWorkers: int
    /// The way of waking to try first; a kernel without it gets the next.
    Wake: Wake
}

[<RequireQualifiedAccess>]
module LoopOptions =

    /// 256 submissions, 4096 completions, and worker limits that no burst can explode (the kernel's own default for
    /// unbounded workers is RLIMIT_NPROC, tens of thousands).
    let standard = {
        Entries = 256
        Completions = 4096
        BoundedWorkers = 0
        UnboundedWorkers = 64
        Wake = Wake.SendMessage
    }

/// One ring with everything that waits on it.
[<Sealed>]
type Loop internal (kernel: IKernel, options: LoopOptions) as this =
    inherit SynchronizationContext()

    let ring = Setup.createOrRaise kernel options.Entries options.Completions
    let waker = Waker(kernel, ring, options.Wake)
    let slots = SlotTable<Pending>(options.Entries)
    let inbox = Inbox()
    let host = this :> IHost
    // Completed, and awaited on this loop: run once per turn, so that none starves the others.
    let ready = Queue<Pending>()
    // Submissions that found the queue full, in order.
    let backlog = Queue<Submission>()
    // Work that has to wait for the next turn.
    let postponed = Queue<Work>()
    let pools = List<BufferPool>()
    let idle = Stack<Operation>()
    let idleElsewhere = ConcurrentQueue<Operation>()
    let mutable draining = 0
    let mutable buried = 0
    let mutable lastGroup = 0us

    [<ThreadStatic; DefaultValue>]
    static val mutable private current: Loop | null

    // ---- the ring

    let isWanted (submission: Submission) =
        match UserData.kind submission.UserData with
        | CompletionKind.Operation -> slots.IsLive submission.UserData
        | CompletionKind.CancelRequest
        | CompletionKind.Wake
        | CompletionKind.Unknown -> true

    let written (submission: Submission) =
        match UserData.kind submission.UserData with
        | CompletionKind.Operation -> slots.Published submission.UserData
        | CompletionKind.CancelRequest
        | CompletionKind.Wake
        | CompletionKind.Unknown -> ()

    /// Into the ring, if need be after submitting what is there; else into the backlog.
    let submit submission =
        if backlog.Count > 0 then
            backlog.Enqueue submission
        elif ring.TrySubmit submission then
            written submission
        else
            ring.Enter(0, -1L) |> ignore

            if ring.TrySubmit submission then written submission else backlog.Enqueue submission

    let flushBacklog () =
        let mutable room = true

        while room && backlog.Count > 0 do
            let submission = backlog.Peek()

            if not (isWanted submission) then
                backlog.Dequeue() |> ignore
            elif ring.TrySubmit submission then
                backlog.Dequeue() |> ignore
                written submission
            else
                room <- false

    // ---- beginning and ending

    let closeTarget (target: FileDescriptor) =
        match target.Closer with
        | null -> ()
        | closer ->
            target.Closer <- null
            closer.Run()

    let leave (descriptor: FileDescriptor | null) =
        match descriptor with
        | null -> ()
        | target ->
            match target.Ended() with
            | DescriptorVerdict.CloseNow -> closeTarget target
            | DescriptorVerdict.Start
            | DescriptorVerdict.Refuse
            | DescriptorVerdict.CancelOperations
            | DescriptorVerdict.Ignore
            | DescriptorVerdict.Violation -> ()

    /// An operation no longer names its descriptors.
    let left (pending: Pending) =
        let target = pending.Target
        let other = pending.Other
        pending.Target <- null
        pending.Other <- null
        leave target
        leave other

    let join (descriptor: FileDescriptor | null) =
        match descriptor with
        | null -> ()
        | descriptor -> descriptor.Began() |> ignore

        descriptor

    let isClosed (descriptor: FileDescriptor | null) =
        match descriptor with
        | null -> false
        | descriptor -> descriptor.IsClosed

    /// The reason why it cannot begin; 0 if it can.
    let obstacle (pending: Pending) =
        let opcode = pending.Request.Submission.Opcode

        if pending.CancelAsked || (draining <> 0 && opcode <> Opcode.Close) then
            Errno.toResult Errno.ECANCELED
        elif not (Features.supports opcode ring.Plan) then
            Errno.toResult Errno.ENOSYS
        elif isClosed pending.Request.Target || isClosed pending.Request.Other then
            Errno.toResult Errno.EBADF
        else
            0

    let pin (pending: Pending) =
        if pending.Request.Buffer.Length > 0 then pending.Pin <- pending.Request.Buffer.Pin()

        Mapped.addressOfPin pending.Pin

    let beginWith flags (pending: Pending) =
        let address = pin pending

        pending.Target <- join pending.Request.Target
        pending.Other <- join pending.Request.Other
        pending.UserData <- slots.Take(pending, pending.Request.Shape)
        let submission = Submission.rebase pending.Request.Reach address pending.Request.Submission

        submit { submission with UserData = pending.UserData; Flags = submission.Flags ||| flags }

    let start flags (pending: Pending) =
        match obstacle pending with
        | 0 ->
            try
                beginWith flags pending
            with reason ->
                // Memory that cannot be pinned, for one.
                pending.Failed reason
        | result -> pending.Refused result

    let cancel (pending: Pending) =
        pending.CancelAsked <- true

        if not (slots.IsLive pending.UserData) then
            pending.CancelledOutside()
        else
            match slots.Cancelled pending.UserData with
            | Verdict.AskKernel ->
                let answer =
                    UserData.pack
                        (UserData.slot pending.UserData)
                        (UserData.generation pending.UserData)
                        CompletionKind.CancelRequest

                submit (Submission.cancel pending.UserData |> Submission.tagged answer)
            | Verdict.Withdraw
            | Verdict.DiscardAndRelease ->
                left pending
                pending.Refused(Errno.toResult Errno.ECANCELED)
            | Verdict.Deliver
            | Verdict.Finish
            | Verdict.FinishButHold
            | Verdict.Release
            | Verdict.Discard
            | Verdict.Ignore
            | Verdict.Violation -> ()

    // ---- completions

    let violation (completion: Completion) =
        raise (
            InvalidOperationException(
                String.Concat(
                    String.Concat(
                        "A completion fits no operation: slot ",
                        (UserData.slot completion.UserData).ToString()
                    ),
                    String.Concat(", user data 0x", completion.UserData.Bits.ToString "x16"),
                    String.Concat(", result ", completion.Result.ToString()),
                    String.Concat(
                        ", flags 0x",
                        (uint32 completion.Flags).ToString "x",
                        ". This is a bug in Uring."
                    )
                )
            )
        )

    let dispatch (completion: Completion) =
        match UserData.kind completion.UserData with
        | CompletionKind.Operation ->
            let struct (pending, verdict) = slots.Completed completion

            match verdict with
            | Verdict.Finish
            | Verdict.Release
            | Verdict.DiscardAndRelease ->
                // Before it lands: once it has, another thread may use the object again.
                left pending
                pending.Landed(completion, verdict)
            | Verdict.Deliver
            | Verdict.FinishButHold
            | Verdict.Discard -> pending.Landed(completion, verdict)
            | Verdict.AskKernel
            | Verdict.Withdraw
            | Verdict.Ignore
            | Verdict.Violation -> violation completion
        | CompletionKind.CancelRequest
        | CompletionKind.Wake
        | CompletionKind.Unknown -> ()

    let reap () =
        let count = ring.Ready()

        for index in 0 .. count - 1 do
            dispatch (ring.Completion index)

        if count > 0 then ring.Advance count

    /// Those that are ready now, and none that become ready meanwhile.
    let runRound () =
        for _ in 1 .. ready.Count do
            ready.Dequeue().Continue()

    let runInbox () =
        for _ in 1 .. postponed.Count do
            postponed.Dequeue().Run()

        inbox.TakeAll() |> Work.iterate (fun work -> work.Run())

    let isIdle () = ready.Count = 0 && backlog.Count = 0 && postponed.Count = 0 && inbox.IsEmpty

    let rent () =
        let mutable found = Unchecked.defaultof<Operation>

        if (host.IsCurrentThread && idle.TryPop &found) || idleElsewhere.TryDequeue &found then
            found
        else
            Operation(host, this)

    /// The loop that the calling thread runs, or null.
    static member Current: Loop | null = Loop.current

    member internal _.Ring = ring
    member internal _.Kernel = kernel

    /// What the ring can do.
    member _.Plan = ring.Plan

    /// How other threads wake this loop; known once it runs.
    member _.Wake = waker.Way

    member _.Statistics = ring.Statistics

    /// Operations that have begun and not ended.
    member _.InFlight = slots.Live

    /// The loop takes no new operations.
    member _.IsStopping = Volatile.Read &draining <> 0

    // ---- from any thread

    member private _.StartHere
        (request: inref<Request>, asResult: bool, token: CancellationToken)
        : ValueTask<int> =
        ObjectDisposedException.ThrowIf(Volatile.Read &draining <> 0, typeof<Loop>)

        if token.IsCancellationRequested then
            ValueTask.FromCanceled<int> token
        else
            let operation = rent ()
            let version = operation.Version
            operation.Initialize(&request, asResult, token)

            if host.IsCurrentThread then start SqeFlags.None operation else host.HandOver operation

            ValueTask<int>(operation, version)

    /// A descriptor's operations run on the loop that its state belongs to.
    member private this.StartRaw
        (request: inref<Request>, asResult: bool, token: CancellationToken)
        : ValueTask<int> =
        match request.Target with
        | NonNull target when not (obj.ReferenceEquals(target.Home, this)) ->
            (target.Home :?> Loop).StartRaw(&request, asResult, token)
        | _ -> this.StartHere(&request, asResult, token)

    /// Starts an operation. The result is never negative: errors are exceptions (Driver/Fault.fs). Await it once.
    member this.Start(request: inref<Request>, token: CancellationToken) : ValueTask<int> =
        this.StartRaw(&request, false, token)

    /// Starts an operation. Errors are negative results.
    member this.TryStart(request: inref<Request>, token: CancellationToken) : ValueTask<int> =
        this.StartRaw(&request, true, token)

    /// Starts linked operations together; the results come in their order, errors as negative results.
    member this.StartChain(chain: Chain<Request>, token: CancellationToken) : ValueTask<int> array =
        ObjectDisposedException.ThrowIf(Volatile.Read &draining <> 0, typeof<Loop>)
        let steps = Chain.flags chain |> List.toArray

        if steps.Length > int ring.Plan.Setup.Entries then
            raise (
                ArgumentException(
                    String.Concat(
                        "A chain is submitted at once, and the ring has only ",
                        ring.Plan.Setup.Entries.ToString(),
                        " entries. Shorten the chain, or make the ring larger."
                    ),
                    nameof chain
                )
            )

        let operations =
            steps
            |> Array.map (fun struct (request, _) ->
                let operation = rent ()
                operation.Initialize(&request, true, token)
                operation)

        let tasks = operations |> Array.map (fun operation -> ValueTask<int>(operation, operation.Version))

        let work = ChainWork(this, operations, steps |> Array.map (fun struct (_, flags) -> flags))

        if host.IsCurrentThread then work.Run() else host.HandOver work

        tasks

    /// Opens a multishot operation as a stream.
    member internal _.Open(request: Request, pool: BufferPool | null, token: CancellationToken) : Stream =
        ObjectDisposedException.ThrowIf(Volatile.Read &draining <> 0, typeof<Loop>)
        let stream = Stream(host, request, pool, token)
        stream.Open()
        stream

    /// Takes ownership of a descriptor.
    member this.Own(number: int) : FileDescriptor = FileDescriptor(kernel, number, this)

    /// Closes a descriptor when the operations on it have ended; they are cancelled. Closing again does nothing.
    member this.CloseDescriptor(descriptor: FileDescriptor) : ValueTask<int> =
        if not (descriptor.AskClose()) then
            ValueTask<int> 0
        elif Volatile.Read &buried <> 0 then
            kernel.Close descriptor.Number |> ignore
            ValueTask<int> 0
        else
            GC.SuppressFinalize descriptor
            let request = Request.bare (Submission.close descriptor.Number)
            let operation = rent ()
            let version = operation.Version
            operation.Initialize(&request, false, CancellationToken.None)
            host.HandOver(CloseWork(this, descriptor, operation))
            ValueTask<int>(operation, version)

    /// A group of `count` buffers of `size` bytes. On the loop's thread.
    member internal _.CreatePool(count: int, size: int) : BufferPool =
        lastGroup <- lastGroup + 1us
        let pool = BufferPool(host, ring.Descriptor, lastGroup, count, size)
        let result = pool.Register()

        if Errno.isError result then
            let request = Request.bare (Submission.nop ())
            raise (Fault.ofResult &request result CancellationToken.None)

        pools.Add pool
        pool

    // ---- on the loop's thread

    /// The calling thread becomes the loop's.
    member internal this.Enter() =
        Loop.current <- this
        SynchronizationContext.SetSynchronizationContext this
        ring.Enable()

        if options.BoundedWorkers > 0 || options.UnboundedWorkers > 0 then
            let limits = [| uint32 options.BoundedWorkers; uint32 options.UnboundedWorkers |]
            // Before 5.15 there is no limit to set: nothing is lost without it.
            kernel.Register(
                ring.Descriptor,
                RegisterOpcode.WorkerLimits,
                Runtime.InteropServices.MemoryMarshal.AsBytes(limits.AsSpan()),
                2u
            )
            |> ignore

        waker.Choose()

    /// One turn: enter the kernel (and sleep there if `mayWait` and there is nothing to do), take every completion,
    /// run one round of continuations, begin what other threads have handed over.
    member internal _.Turn(mayWait: bool) =
        flushBacklog ()

        if mayWait && isIdle () && not ring.HasPendingWork && inbox.TrySleep() then
            ring.Enter(1, waker.SleepLimit) |> ignore
            inbox.Awake()
        else
            ring.Enter(0, -1L) |> ignore

        reap ()
        runRound ()
        runInbox ()

    /// True when a stopped loop has nothing left to wait for.
    member internal _.IsDrained = draining <> 0 && slots.Live = 0 && isIdle ()

    /// Refuses new operations and asks for the end of all that are in flight.
    member internal _.Stop() =
        if Interlocked.Exchange(&draining, 1) = 0 then slots.ForEach(Action<Pending> cancel)

    /// After the last turn: nobody may be left waiting, and nothing mapped.
    member internal this.Leave() =
        for pool in pools do
            pool.Unregister()

        Interlocked.Exchange(&draining, 1) |> ignore
        Interlocked.Exchange(&buried, 1) |> ignore
        this.BuryInbox()
        waker.Close()
        ring.Close()
        Loop.current <- null

    /// The ring has failed: whoever waits gets the reason. Buffers stay pinned, because the kernel may still write.
    member internal _.Fail(reason: exn) =
        Interlocked.Exchange(&draining, 1) |> ignore

        slots.ForEach(
            Action<Pending>(fun pending ->
                pending.Pin <- Unchecked.defaultof<Buffers.MemoryHandle>
                pending.Failed reason)
        )

        while ready.Count > 0 do
            ready.Dequeue().Continue()

    member private _.BuryInbox() = inbox.TakeAll() |> Work.iterate (fun work -> work.Bury())

    member internal _.BeginChain(operations: Operation array, flags: SqeFlags array) =
        let obstacles = operations |> Array.map (fun operation -> obstacle operation)

        if obstacles |> Array.exists (fun result -> result <> 0) then
            // None may run without the others: the one that cannot begin says why, the rest are cancelled.
            Array.iter2
                (fun (operation: Operation) result ->
                    operation.Refused(if result <> 0 then result else Errno.toResult Errno.ECANCELED))
                operations
                obstacles
        else
            if ring.Room < operations.Length then ring.Enter(0, -1L) |> ignore

            if ring.Room < operations.Length || backlog.Count > 0 then
                postponed.Enqueue(ChainWork(this, operations, flags))
            else
                Array.iter2 start flags operations

    member internal _.CloseNow(descriptor: FileDescriptor, operation: Operation) =
        match descriptor.Close() with
        | DescriptorVerdict.CloseNow -> start SqeFlags.None operation
        | DescriptorVerdict.CancelOperations ->
            descriptor.Closer <- operation

            slots.ForEach(
                Action<Pending>(fun pending ->
                    if
                        obj.ReferenceEquals(pending.Target, descriptor)
                        || obj.ReferenceEquals(pending.Other, descriptor)
                    then
                        cancel pending)
            )
        | DescriptorVerdict.Start
        | DescriptorVerdict.Refuse
        | DescriptorVerdict.Ignore
        | DescriptorVerdict.Violation -> operation.Refused 0

    interface IHost with
        member this.IsCurrentThread = obj.ReferenceEquals(Loop.current, this)

        member this.HandOver work =
            if inbox.Push work then waker.Wake()

            // The loop may have ended between the push and now; then nobody else would look.
            if Volatile.Read &buried <> 0 then this.BuryInbox()

        member _.Resume pending = ready.Enqueue pending
        member _.Begin pending = start SqeFlags.None pending
        member _.Cancel pending = cancel pending
        member _.Abandon pending = slots.Abandoned pending.UserData
        member _.Kernel = kernel

    interface IOperationPool with
        member _.Return operation =
            if host.IsCurrentThread then idle.Push operation else idleElsewhere.Enqueue operation

    // ---- as a synchronization context: what is awaited on the loop resumes on the loop

    override _.Post(callback, state) = host.HandOver(PostWork(callback, state))

    override this.Send(callback, state) =
        if host.IsCurrentThread then
            callback.Invoke state
        else
            raise (NotSupportedException "Blocking another thread on the loop is not supported: use Post.")

    override this.CreateCopy() = this

/// A callback for the loop's thread.
and [<Sealed>] internal PostWork(callback: SendOrPostCallback, state: obj | null) =
    inherit Work()
    override _.Run() = callback.Invoke state

    override _.Bury() =
        ThreadPool.UnsafeQueueUserWorkItem((fun argument -> callback.Invoke argument), state, false)
        |> ignore

/// Linked operations that have to enter the ring together.
and [<Sealed>] internal ChainWork(loop: Loop, operations: Operation array, flags: SqeFlags array) =
    inherit Work()
    override _.Run() = loop.BeginChain(operations, flags)

    override _.Bury() =
        for operation in operations do
            operation.Bury()

/// A close that waits its turn.
and [<Sealed>] internal CloseWork(loop: Loop, descriptor: FileDescriptor, operation: Operation) =
    inherit Work()
    override _.Run() = loop.CloseNow(descriptor, operation)

    override _.Bury() =
        loop.Kernel.Close descriptor.Number |> ignore
        operation.Refused 0
