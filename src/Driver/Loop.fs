// Length: every door of the loop is a member of its one class, and an F# class is one file.
// The loop: turns, and runs what has completed. Everything here happens on one thread, except what is marked "from
// any thread". It has no clock and no thread of its own: a host calls `Turn` (LoopThread in production).
namespace Uring.Driver

open System
open System.Buffers
open System.Threading
open System.Threading.Tasks
open Uring.Kernel
open Uring.Model

/// What became of operations that were to end at once.
[<Struct>]
type CancelCount = {
    /// Those that were asked to end.
    Asked: int
    /// Those of them that had not ended when the time was over: they end as soon as they can.
    Running: int
}

/// One ring with everything that waits on it. As a synchronization context it brings what is awaited on the loop back
/// to the loop.
[<Sealed>]
type Loop internal (kernel: IKernel, options: LoopOptions, surroundings: ISurroundings) as this =
    inherit SynchronizationContext()

    do LoopOptions.check options

    let ring = Setup.createOrRaise kernel options.Setup options.Entries options.Completions
    let waker = Waker(kernel, ring, options.Wake)
    let inFlight = InFlight(ring, options.Entries)
    let inbox = Inbox()
    let host = this :> IHost
    let lookout = Lookout(ring, inbox, options.Looks)
    let nap = Nap(ring, waker, options)
    let chains = Chaining(ring, inFlight)
    let rounds = Rounds inbox
    let idle = IdleOperations host
    let pools = Pools(host, ring)
    let buffers = BufferTable(host, ring, options.RegisteredBuffers)
    // No new operations: Stop was called. Nothing runs any more: Leave was called.
    let mutable stopping = 0
    let mutable ended = 0
    let mutable hasFailed = false

    [<ThreadStatic; DefaultValue>]
    static val mutable private current: Loop | null

    let reap () =
        let count = ring.Ready()

        for index in 0 .. count - 1 do
            // How far ahead was measured (docs/decisions/0005): nearer, and each hint waits for the one before it.
            if index + 12 < count then inFlight.ExpectSlot (ring.Completion(index + 12)).UserData
            if index + 8 < count then inFlight.ExpectPending (ring.Completion(index + 8)).UserData
            if index + 4 < count then inFlight.ExpectTarget (ring.Completion(index + 4)).UserData

            let completion = ring.Completion index
            inFlight.Dispatch &completion

        if count > 0 then ring.Advance count

    let isIdle () = rounds.IsIdle && inFlight.IsFlushed && not inFlight.WillAskAgain && not pools.CanFeed

    /// Without a buffer ring there is nothing that a multishot could take its buffers from.
    let isRing (pool: BufferPool | null) =
        match pool with
        | null -> true
        | pool -> pool.IsRing

    let throwIfStopping () = ObjectDisposedException.ThrowIf(Volatile.Read &stopping <> 0, typeof<Loop>)

    /// The loop that the calling thread runs, or null.
    static member Current: Loop | null = Loop.current
    member internal _.Ring = ring
    member internal _.Kernel = kernel
    /// The caller runs on the loop's thread.
    member internal _.IsCurrent = host.IsCurrentThread
    /// What the ring can do.
    member _.Plan = ring.Plan
    /// How other threads wake this loop; known once it runs.
    member _.Wake = waker.Way
    member _.Statistics = ring.Statistics
    /// Operations that have begun and not ended.
    member _.InFlight = inFlight.Count

    /// The loop takes no new operations.
    member _.IsStopping = Volatile.Read &stopping <> 0

    // ---- from any thread

    /// Begins an operation or hands it over. Null when it was cancelled before.
    member private _.LaunchHere
        (request: inref<Request>, asResult: bool, listener: INotified | null, token: CancellationToken)
        : Operation | null =
        throwIfStopping ()

        if token.IsCancellationRequested then
            null
        else
            let isLocal = host.IsCurrentThread
            let operation = idle.Rent isLocal
            operation.Initialize(&request, isLocal, asResult, token)

            if not (isNull listener) then operation.Listener <- listener

            if isLocal then inFlight.Begin(operation, &request) else host.HandOver operation

            operation

    /// A descriptor's operations run on the loop that its state belongs to.
    member private this.Launch
        (request: inref<Request>, asResult: bool, listener: INotified | null, token: CancellationToken)
        : Operation | null =
        // `null`, not the NonNull pattern: that one allocates.
        match request.Target with
        | null -> this.LaunchHere(&request, asResult, listener, token)
        | target when obj.ReferenceEquals(target.Home, this) ->
            this.LaunchHere(&request, asResult, listener, token)
        | target -> (target.Home :?> Loop).Launch(&request, asResult, listener, token)

    member private this.StartRaw
        (request: inref<Request>, asResult: bool, listener: INotified | null, token: CancellationToken)
        : ValueTask<int> =
        match this.Launch(&request, asResult, listener, token) with
        | null -> ValueTask.FromCanceled<int> token
        | operation -> ValueTask<int>(operation, operation.Version)

    /// Starts an operation. The result is never negative: errors are exceptions (Driver/Fault.fs). Await it once.
    member this.Start(request: inref<Request>, token: CancellationToken) : ValueTask<int> =
        this.StartRaw(&request, false, null, token)

    /// As `Start`, for its effect: only that it ended well matters.
    member this.StartEffect(request: inref<Request>, token: CancellationToken) : ValueTask =
        match this.Launch(&request, false, null, token) with
        | null -> ValueTask.FromCanceled token
        | operation -> ValueTask(operation, operation.Version)

    /// As `StartEffect`, until all of the request's memory is done. Nothing is submitted for none: of a socket it would wait.
    member internal this.StartWhole(request: inref<Request>, token: CancellationToken) : ValueTask =
        if request.Buffer.IsEmpty then
            ValueTask.CompletedTask
        else
            let whole = Request.toward Goal.All request
            this.StartEffect(&whole, token)

    /// As `Start`, for a zero-copy send whose notification somebody wants to hear.
    member internal this.StartNotifying
        (request: inref<Request>, listener: INotified, token: CancellationToken)
        =
        this.StartRaw(&request, false, listener, token)

    /// Starts an operation. Errors are negative results.
    member this.TryStart(request: inref<Request>, token: CancellationToken) : ValueTask<int> =
        this.StartRaw(&request, true, null, token)

    /// As `StartEffect`, on the loop's thread, with memory that is pinned already and counts from its start. The pin is
    /// the operation's from now on, also when that does not begin.
    member internal _.StartPinned
        (request: inref<Request>, pin: MemoryHandle, token: CancellationToken)
        : ValueTask =
        // Read once: who cancels in between would see neither an operation that ends nor the end of the pin.
        let isCancelled = token.IsCancellationRequested

        if isCancelled || Volatile.Read &stopping <> 0 then
            let mutable pin = pin
            pin.Dispose()

        throwIfStopping ()

        if isCancelled then
            ValueTask.FromCanceled token
        else
            let operation = idle.Rent true
            let version = operation.Version
            operation.Initialize(&request, true, false, token)
            operation.Pin <- pin
            inFlight.Begin(operation, &request)
            ValueTask(operation, version)

    /// Starts linked operations together; the results come in their order, errors as negative results.
    member this.StartChain(chain: Chain<Request>, token: CancellationToken) : ValueTask<int> array =
        let struct (_, tasks) = this.BeginChain(chain, token)
        tasks

    /// As `StartChain`, with what tells of each step while it runs.
    member internal this.BeginChain
        (chain: Chain<Request>, token: CancellationToken)
        : struct (Operation array * ValueTask<int> array) =
        throwIfStopping ()
        let steps = chains.Steps chain
        let isLocal = host.IsCurrentThread
        let work = ChainWork(chains, rounds, idle, isLocal, steps, token)
        // Before it runs: what has ended may be used again.
        let tasks = work.Tasks

        let operations = work.Operations

        if isLocal then work.Run() else host.HandOver work

        struct (operations, tasks)

    /// Operations that are cancelled together.
    member internal _.Group(token: CancellationToken) : OperationGroup = new OperationGroup(host, token)

    /// On the loop's thread: `Launch` in a group.
    member private this.LaunchIn
        (group: OperationGroup, request: inref<Request>, asResult: bool)
        : Operation | null =
        let isElsewhere =
            match request.Target with
            | null -> false
            | target -> not (obj.ReferenceEquals(target.Home, this))

        if isElsewhere || not host.IsCurrentThread then
            this.Launch(&request, asResult, null, group.Token)
        else
            throwIfStopping ()

            if group.Token.IsCancellationRequested then
                null
            else
                let operation = idle.Rent true
                operation.InitializeIn(group, &request, asResult)
                inFlight.Begin(operation, &request)
                operation

    /// Starts an operation of a group, on the loop's thread.
    member internal this.StartIn
        (group: OperationGroup, request: inref<Request>, asResult: bool)
        : ValueTask<int> =
        match this.LaunchIn(group, &request, asResult) with
        | null -> ValueTask.FromCanceled<int> group.Token
        | operation -> ValueTask<int>(operation, operation.Version)

    /// As `StartIn`, for its effect.
    member internal this.StartEffectIn(group: OperationGroup, request: inref<Request>) : ValueTask<unit> =
        match this.LaunchIn(group, &request, false) with
        | null -> ValueTask.FromCanceled<unit> group.Token
        | operation -> ValueTask<unit>(operation.End, operation.Version)

    /// Opens a multishot operation as a stream. A kernel without the multishot form does it one by one.
    member internal _.Open(request: StreamRequest, token: CancellationToken) : Stream =
        throwIfStopping ()
        let opcode = request.Multishot.Submission.Opcode
        let missing = Features.missingForMultishot opcode ring.Plan
        let isMultishot = missing.IsNone && isRing request.Pool

        if not isMultishot && request.Single.IsNone then
            raise (Fault.withoutMultishot opcode (ValueOption.defaultValue Opcode.SendZeroCopy missing))

        let stream = Stream(host, request, isMultishot, pools.LimitOf request.Pool, token)

        stream.Open()
        stream

    /// Calls a function on the loop's thread: at once when this is it.
    member internal _.Call(call: Func<'T>) : ValueTask<'T> =
        throwIfStopping ()

        if host.IsCurrentThread then
            ValueTask<'T>(call.Invoke())
        else
            let work = CallWork<'T> call
            host.HandOver work
            ValueTask<'T> work.Ended

    /// As `Call`, and ends when what was begun there has ended.
    member internal this.CallThrough(call: Func<Task>) : ValueTask =
        ValueTask(this.Call(call).AsTask().Unwrap())

    /// From any thread: asks for the end of those that are meant. Counts them.
    member internal this.CancelAll(isMeant: Pending -> bool) : ValueTask<int> =
        this.Call(fun () -> inFlight.CancelAll isMeant)

    /// From any thread: ends those that are meant at once, and waits in the kernel, and so with this loop's thread, until
    /// each has ended or `limit` is over (Linux 6.0; older kernels do not wait).
    member internal this.CancelAndWait(isMeant: Pending -> bool, limit: TimeSpan) : ValueTask<CancelCount> =
        this.Call(fun () ->
            // The kernel looks for what it has taken.
            let settle () =
                inFlight.Flush()
                ring.Enter(0, -1L) |> ignore
                reap ()

            settle ()
            let asked = inFlight.CancelAndWait(isMeant, limit)
            settle ()

            { Asked = asked.Length; Running = asked |> Array.filter inFlight.IsLive |> Array.length })

    /// From any thread: drops the connection if the kernel still reads what was sent on it without copying.
    member internal _.DropHeld(descriptor: FileDescriptor) =
        host.HandOver(
            CallWork<bool>(fun () ->
                inFlight.DropHeld descriptor
                true)
        )

    /// Takes ownership of a descriptor: it is closed through this loop, or when it is collected.
    member this.Own(number: int) : FileDescriptor = FileDescriptor(kernel, number, this, false)

    /// The same for a slot of the ring's own table.
    member internal this.OwnDirect(slot: int) : FileDescriptor = FileDescriptor(kernel, slot, this, true)

    /// A descriptor that somebody else closes, if anybody does.
    member internal this.Borrow(number: int) : FileDescriptor =
        let descriptor = FileDescriptor(kernel, number, this, false, IsBorrowed = true)
        GC.SuppressFinalize descriptor
        descriptor

    /// A slot of the ring's own table that the program empties itself.
    member internal this.BorrowDirect(slot: int) : FileDescriptor =
        let descriptor = FileDescriptor(kernel, slot, this, true, IsBorrowed = true)
        GC.SuppressFinalize descriptor
        descriptor

    /// Slots that the program chooses.
    member internal _.ReservedDescriptors = options.ReservedDescriptors

    /// What an operation has made, in the process's table or in the ring's.
    member internal this.OwnAs(isDirect: bool, number: int) =
        if isDirect then this.OwnDirect number else this.Own number

    /// Closes a descriptor when the operations on it have ended; they are cancelled. Closing again does nothing.
    member this.CloseDescriptor(descriptor: FileDescriptor) : ValueTask<int> =
        if descriptor.IsBorrowed || not (descriptor.AskClose()) then
            ValueTask<int> 0
        else
            GC.SuppressFinalize descriptor

            let close =
                if descriptor.IsDirect then
                    Submission.closeDirect descriptor.Number
                else
                    Submission.close descriptor.Number

            let request = Request.bare close
            let operation = idle.Rent(host.IsCurrentThread)
            let version = operation.Version
            operation.Initialize(&request, false, false, CancellationToken.None)
            host.HandOver(CloseWork(inFlight, descriptor, operation))
            ValueTask<int>(operation, version)

    /// What another ring asks for that shares this one's submitting thread. From now on there are no chains here.
    member _.LendSubmitter() : RingWishes =
        throwIfStopping ()
        chains.LendSubmitter()

    // ---- on the loop's thread

    /// For `Running`.
    member internal _.Flights = inFlight
    member internal _.Idle = idle

    /// The loop's buffer pools.
    member internal _.Pools = pools

    /// Its registered buffers.
    member internal _.Buffers = buffers

    /// The calling thread turns this loop now, or none: in a simulation one thread turns many.
    static member internal Attend(loop: Loop | null) =
        Loop.current <- loop
        SynchronizationContext.SetSynchronizationContext loop

    /// The calling thread becomes the loop's.
    member internal this.Enter() =
        Loop.Attend this
        Registration.restrict ring options.Restriction
        Setup.enableOrRaise ring
        Registration.apply ring options
        DirectTable.register ring options.DirectDescriptors options.ReservedDescriptors
        Workers.makeFirst ring
        waker.Choose()

    /// One turn: enter the kernel (and sleep there if `mayWait` and there is nothing to do), take every completion,
    /// run one round of continuations, begin what other threads have handed over.
    member internal _.Turn(mayWait: bool) =
        inFlight.Flush()
        // Before the enter, which may look for buffers.
        pools.Commit()

        let isDone = mayWait && isIdle () && not ring.HasPendingWork
        // Nobody looks for the result of what is not submitted.
        let submitsFirst = ring.Unsubmitted > 0 && lookout.Looks

        if isDone && not submitsFirst && not (lookout.FindsWork()) && inbox.TrySleep() then
            nap.Take()
            inbox.Awake()
        else
            ring.Enter(0, -1L) |> ignore

        reap ()
        inFlight.AskAgain()
        rounds.RunReady()
        rounds.RunInbox()
        pools.Feed()

    /// A turn would do something.
    member internal _.HasWork =
        not (isIdle ()) || ring.Unsubmitted > 0 || ring.HasPendingWork || ring.Ready() > 0

    /// True when a stopped loop has nothing left to wait for.
    member internal _.IsDrained =
        Volatile.Read &stopping <> 0 && inFlight.Count = 0 && not inFlight.Mailbox.HasSenders && isIdle ()

    /// Refuses new operations and asks for the end of all that are in flight.
    member internal _.Stop() =
        nap.Hurry()

        if Interlocked.Exchange(&stopping, 1) = 0 then inFlight.Stop()

    member internal _.HasFailed = hasFailed

    /// The ring has failed: whoever waits gets the reason.
    member internal _.Fail(reason: exn) =
        hasFailed <- true
        Interlocked.Exchange(&stopping, 1) |> ignore
        inFlight.Fail reason

    /// After the last turn: nobody may be left waiting, and nothing mapped.
    member internal _.Leave() =
        pools.LoopEnded hasFailed
        buffers.LoopEnded hasFailed
        Interlocked.Exchange(&stopping, 1) |> ignore
        Interlocked.Exchange(&ended, 1) |> ignore
        inFlight.Mailbox.Close()
        rounds.BuryAll()
        waker.Close()
        ring.Close()
        Loop.current <- null

    interface IHost with
        member this.IsCurrentThread = obj.ReferenceEquals(Loop.current, this)

        member _.HandOver work =
            surroundings.HandedOver()

            if inbox.Push work then waker.Wake()

            // The loop may have ended before the push; then nobody else would look. `Leave` sets the mark and then
            // takes the inbox, we push and then read the mark: one of the two finds the work.
            if Volatile.Read &ended <> 0 then rounds.BuryInbox()

        member _.Queue item = surroundings.Queue item
        member _.Resume pending = rounds.Add pending
        member _.Begin pending = inFlight.BeginParked pending
        member _.Submit(pending, submission) = inFlight.BeginPinned(pending, &submission)
        member _.Park pending = inFlight.Park pending
        member _.Cancel pending = inFlight.Cancel pending
        member _.Interrupt pending = inFlight.Interrupt pending
        member _.Abandon pending = inFlight.Abandon pending
        member _.CancelGroup group = inFlight.CancelGroup group
        member _.Kernel = kernel
        member _.Forbids opcode = Restriction.forbids ring.Restriction opcode

        member this.CloseDirect slot =
            // A ring that has ended has freed its table.
            if Volatile.Read &ended = 0 then
                let request = Request.bare (Submission.closeDirect slot)
                let operation = idle.Rent false
                operation.Initialize(&request, false, true, CancellationToken.None)
                host.HandOver operation

    override _.Post(callback, state) =
        // From the loop to itself there is nobody to wake, and nothing to allocate.
        if host.IsCurrentThread then
            rounds.Post { Callback = callback; State = state }
        else
            host.HandOver(PostWork(surroundings, callback, state))

    override this.Send(callback, state) =
        if host.IsCurrentThread then
            callback.Invoke state
        else
            raise (NotSupportedException "Blocking another thread on the loop is not supported: use Post.")

    override this.CreateCopy() = this
