// One ring on the kernel's side: its queues in shared memory, the requests in flight, deferred work, buffer groups and
// its own table of files. Decides when a completion appears, and what becomes of a chain. Source: reference sections 4.5,
// 4.8 and 4.10.
namespace Uring.Simulation.Kernel

open System
open System.Collections.Generic
open Uring.Kernel
open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

/// Where a ring lies in memory, and what it was made with.
type internal RingPlan = {
    Rings: nativeint
    RingsLength: unativeint
    Submissions: nativeint
    SubmissionsLength: unativeint
    Parameters: SetupParameters
}

[<Sealed>]
type internal KernelRing(plan: RingPlan, thread: int, choices: Choices, trace: Trace) =
    inherit OpenFile()

    let parameters = plan.Parameters
    let sq = parameters.SubmissionRing
    let has flag = (parameters.Flags &&& flag) <> SetupFlags.None
    let flagsWord = plan.Rings + nativeint sq.Flags

    let completions =
        CompletionQueue(
            plan.Rings,
            parameters.CompletionRing,
            flagsWord,
            parameters.CompletionEntries,
            choices
        )

    let tasks = Queue<KernelRequest>()
    let messages = Queue<Completion>()
    let inFlight = LinkedList<KernelRequest>()
    let groups = Dictionary<uint16, Group>()
    let drained = Queue<KernelRequest>()
    let following = Queue<KernelRequest>()
    let leaving = Queue<OpenFile>()
    let isDeferred = has SetupFlags.DeferTaskrun
    let tellsTasks = isDeferred || has SetupFlags.TaskrunFlag
    let mutable head = 0u
    // Completions posted so far, for timeouts that count them.
    let mutable posted = 0L
    let mutable counted = 0L
    let counting = List<struct (KernelRequest * int64)>()

    do
        if has SetupFlags.SubmissionPolling then
            Mapped.write<uint32> flagsWord (uint32 SubmissionRingFlags.NeedWakeup)

    let setTaskrun pending =
        if tellsTasks then
            let bits = Mapped.read<uint32> flagsWord
            let bit = uint32 SubmissionRingFlags.Taskrun
            Mapped.storeRelease flagsWord (if pending then bits ||| bit else bits &&& ~~~bit)

    member val Number = -1 with get, set
    /// Where the trace writes of it.
    member val Lane = -1 with get, set
    member _.Plan = plan
    member _.Has flag = has flag
    member _.IsDeferred = isDeferred

    /// A thread of the kernel takes its submissions. Here that sleeps as soon as it has taken what there was, so that a
    /// program which does not wake it waits for ever.
    member _.IsPolled = has SetupFlags.SubmissionPolling

    /// What it may do.
    member val Sandbox = Sandbox() with get
    member val IsDisabled = has SetupFlags.Disabled with get, set
    /// The simulated thread that may submit.
    member val Owner = thread with get, set
    member val IsClosed = false with get, set
    member val Files: (OpenFile | null) array = [||] with get, set
    /// Where free slots are looked for: the first, and behind the last.
    member val FileRange = struct (0, Int32.MaxValue) with get, set
    /// From where on the next free slot is looked for.
    member val FileHint = 0 with get, set
    member _.Groups = groups
    /// Registered buffers: where each starts, and its length. Nothing is at 0.
    member val Buffers: struct (int64 * int64) array = [||] with get, set
    member _.InFlight = inFlight

    /// One in flight, by its user data.
    member _.Find(opcode: Opcode, userData: uint64) : KernelRequest voption =
        inFlight
        |> Seq.tryFind (fun request -> request.Opcode = opcode && request.UserData = userData)
        |> ValueOption.ofOption

    /// A timeout that ends when so many completions have come (`Left`), from now on.
    member _.Count(request: KernelRequest) = counting.Add(struct (request, counted + int64 request.Left))

    /// It counts no more.
    member _.Uncount(request: KernelRequest) =
        counting.RemoveAll(fun struct (other, _) -> obj.ReferenceEquals(other, request)) |> ignore

    /// A completion has come: ends of timeouts are not counted (measured on 6.18).
    member private _.Came(opcode: Opcode) =
        if opcode <> Opcode.Timeout then
            counted <- counted + 1L

            if counting.Count > 0 then
                for struct (waiting, target) in counting.ToArray() do
                    if counted >= target && waiting.Stage = Stage.Armed then waiting.Settle 0

                counting.RemoveAll(fun struct (waiting, _) -> waiting.Stage <> Stage.Armed) |> ignore

    member _.Drained = drained

    /// What may go on because something has ended: at the end of a batch of submissions or of task work, not before. What
    /// the batch itself wakes comes first.
    member _.Following = following

    /// Files of operations that have ended: they are let go of when the system call returns, or waits.
    member _.Leaving = leaving

    member _.Follow() =
        while following.Count > 0 do
            following.Dequeue().Continue()

    member _.LetGo() =
        while leaving.Count > 0 do
            leaving.Dequeue().Release()

    member _.Completions = completions
    member _.Posted = posted

    /// Task work for which a ring without DEFER_TASKRUN needs no enter: somebody runs it soon.
    member val Interrupt: (KernelRing -> unit) = ignore with get, set

    override _.Name = "ring"

    override this.Events =
        let when' condition (events: PollEvents) = if condition then events else PollEvents.None

        // There is room for submissions.
        when' (this.Submittable < parameters.SubmissionEntries) PollEvents.Writable
        ||| when' (completions.Ready > 0u || tasks.Count > 0 || messages.Count > 0) PollEvents.Readable

    // ---- the submission queue

    /// Acquire: pairs with the program's release of the tail (RingMemory.PublishSubmissions).
    member _.Submittable = Mapped.loadAcquire (plan.Rings + nativeint sq.Tail) - head

    /// Takes the oldest submission. What is taken is scribbled over: the program may not read it again.
    member _.TakeSubmission() : Submission voption =
        let entry = head &&& (parameters.SubmissionEntries - 1u)

        let slot =
            if has SetupFlags.NoSubmissionArray then
                entry
            else
                Mapped.read<uint32>(plan.Rings + nativeint sq.Array + nativeint entry * 4n)

        head <- head + 1u

        let taken =
            if slot >= parameters.SubmissionEntries then
                let dropped = plan.Rings + nativeint sq.Dropped
                Mapped.write<uint32> dropped (Mapped.read<uint32> dropped + 1u)
                ValueNone
            else
                let address = plan.Submissions + nativeint slot * 64n
                let submission = Mapped.read<Submission> address
                (Mapped.span address 64).Fill 0xA5uy
                ValueSome submission

        // Release: pairs with the program's acquire of the head.
        Mapped.storeRelease (plan.Rings + nativeint sq.Head) head
        taken

    // ---- completions

    /// A completion that is not its last one. False when there is no room for it: then it ends with this result instead.
    member this.TryMore(request: KernelRequest, result: int, flags: CqeFlags) : bool =
        if request.Stage = Stage.Finished || choices.Strikes Fault.Ended then
            false
        else
            let completion: Completion = {
                UserData = request.Submission.UserData
                Result = result
                Flags = flags ||| CqeFlags.More
            }

            // What has ended is told before it (measured on 6.18), so that what follows that comes first, too.
            this.Follow()
            let fits = completions.TryPost completion

            if fits then
                trace.Completed(this.Lane, request.Opcode, &completion)
                posted <- posted + 1L
                this.Came request.Opcode
                this.Changed PollEvents.Readable

            fits

    /// A completion of this request.
    member this.Post(request: KernelRequest, result: int, flags: CqeFlags) =
        let completion: Completion = {
            UserData = request.Submission.UserData
            Result = result
            Flags = flags
        }

        trace.Completed(this.Lane, request.Opcode, &completion)
        posted <- posted + 1L
        completions.Post completion |> ignore
        this.Came request.Opcode
        this.Changed PollEvents.Readable

    /// A message from another ring, or from a thread without one.
    member this.Tell(completion: Completion) =
        messages.Enqueue completion
        setTaskrun true
        this.Interrupt this

    // ---- task work

    member _.HasTasks = tasks.Count > 0 || messages.Count > 0

    /// Runs the deferred work that there is, at most so many pieces; what that makes waits for the next time, unless fewer
    /// than `least` have run.
    member this.RunTasks(least: int, most: int, run: KernelRequest -> unit) =
        let mutable ran = 0

        while ran < most && messages.Count > 0 do
            ran <- ran + 1
            posted <- posted + 1L
            let message = messages.Dequeue()
            trace.Completed(this.Lane, Opcode.MessageRing, &message)
            completions.Post message |> ignore
            this.Came Opcode.MessageRing
            this.Changed PollEvents.Readable

        let mutable goes = true

        while goes do
            for _ in 1 .. min tasks.Count (most - ran) do
                ran <- ran + 1
                run (tasks.Dequeue())

            let isEnough () = tasks.Count = 0 || ran >= least || ran >= most

            if isEnough () then
                this.Follow()
                goes <- not (isEnough ())

        setTaskrun this.HasTasks

    interface ITaskQueue with
        member this.Add request =
            if not this.IsClosed then
                tasks.Enqueue request
                setTaskrun true
                this.Interrupt this

    /// The ring is closed: nothing comes any more, and nothing is written any more.
    override this.Released() =
        this.IsClosed <- true

        for request in inFlight do
            request.Disarm()
            request.Stage <- Stage.Finished

            for file in [ request.File; request.Other ] do
                match file with
                | null -> ()
                | file -> file.Release()

        this.LetGo()
        inFlight.Clear()
        following.Clear()
        tasks.Clear()
        groups.Clear()

        for slot in 0 .. this.Files.Length - 1 do
            match this.Files[slot] with
            | null -> ()
            | file -> file.Release()

        this.Files <- [||]
