// One submission on the kernel's side, from submit to its last completion (what Linux calls a request).
namespace Uring.Simulation.Kernel

open System.Collections.Generic
open Uring.Model
open Uring.Simulation.World

/// Where a request stands.
///
///   Chained --head done--> Issued --EAGAIN--> Armed --file ready--> Tasked --run--> Issued
///                            |  `--must block--> Working --------------> Tasked
///                            `--result--> Finished <--result-- Tasked
type internal Stage =
    /// Waits for the request before it in its chain, or for a drain.
    | Chained = 0
    /// Is being issued.
    | Issued = 1
    /// Waits for its file to become ready, or for its time.
    | Armed = 2
    /// Ready to go on: deferred until the ring runs its task work.
    | Tasked = 3
    /// In a worker.
    | Working = 4
    /// Its last completion is posted.
    | Finished = 5

/// Takes requests that are ready to go on.
type internal ITaskQueue =
    abstract Add: KernelRequest -> unit

/// See `Stage`.
and [<Sealed>] internal KernelRequest(queue: ITaskQueue, submission: Submission) =

    member _.Submission = submission
    member _.Opcode = submission.Opcode

    member _.UserData =
        let userData = submission.UserData
        userData.Bits

    member val Stage = Stage.Chained with get, set
    /// Its line in the trace.
    member val Line = -1 with get, set

    // ---- inputs, copied at submit (FEAT_SUBMIT_STABLE)

    member val Path = "" with get, set
    member val OtherPath = "" with get, set
    member val Address: byte array = [||] with get, set
    /// Nanoseconds: how long, or from the start of the simulation on (`IsDeadline`).
    member val Span = 0L with get, set
    /// It waits for a point in time.
    member val IsDeadline = false with get, set
    /// How long it has to wait now.
    member this.Wait(now: int64) = if this.IsDeadline then max 0L (this.Span - now) else this.Span

    // ---- what it works on

    /// Retained until it is finished.
    member val File: OpenFile | null = null with get, set
    /// The source of a splice.
    member val Other: OpenFile | null = null with get, set
    member val InFlight: LinkedListNode<KernelRequest> | null = null with get, set
    member val Waiting: LinkedListNode<IWaiter> | null = null with get, set
    member val Event: Event | null = null with get, set

    // ---- its chain

    member val Follower: KernelRequest | null = null with get, set
    /// Bounds this one.
    member val LinkTimeout: KernelRequest | null = null with get, set
    /// What this link timeout bounds.
    member val Bounded: KernelRequest | null = null with get, set
    /// Preparing it, or one of its chain, failed.
    member val Fails = 0 with get, set

    // ---- how far it is

    /// The result that it will have whatever it might still do: cancelled, timed out, done by a worker.
    member val Settled: int voption = ValueNone with get, set
    /// Bytes moved so far, when one completion stands for several steps.
    member val Moved = 0 with get, set
    /// Where it writes, when that is its file's own position, and where it has ended: the file does not know yet.
    member val Position: int64 voption = ValueNone with get, set
    /// How many had read at the file's own position before.
    member val Moves = 0 with get, set
    /// Bytes that it would have read into a provided buffer: fewer are a short read.
    member val Wanted = 0 with get, set
    /// It has looked at a provided buffer of this length, and found nothing to receive: 6.18 asks for no more the next time,
    /// whatever the buffer is then. 0 when there is no such limit.
    member val Limit = 0 with get, set
    /// The datagram that it has received was longer than its memory.
    member val IsCut = false with get, set
    /// It failed before it began to work: that breaks a chain, whatever the opcode.
    member val IsRefused = false with get, set
    /// How often it could not go on though its file says that it is ready.
    member val Tries = 0 with get, set
    /// It is tried again by task work, and is in none of the places where a cancel looks.
    member val IsBetweenTries = false with get, set
    /// Its worker was told to end (-EALREADY), and does so when it would have to wait.
    member val IsInterrupted = false with get, set
    /// What its next completion says of a provided buffer.
    member val Flags = CqeFlags.None with get, set
    /// Completions that a counting timeout waits for, or ticks that are left.
    member val Left = 0 with get, set
    /// The events that a poll asks for: they can be changed while it waits.
    member val Asked = submission.OpFlags with get, set
    /// What it waits for.
    member val Interest = PollEvents.None with get, set
    /// What it was woken by; None when it has to look.
    member val Heard = PollEvents.None with get, set
    /// Being woken does not take it out of its file's queue: a multishot.
    member val Stays = false with get, set
    /// It was ready once: only then is it asked again.
    member val PollFirst = false with get, set
    /// Sum of what it sends, when it was issued: the program must not change it meanwhile.
    member val Sum = ValueNone with get, set

    /// The buffers of a bundle that is being sent, or the memories of a vector.
    member val Pieces: (struct (nativeint * int)) array = [||] with get, set
    /// It goes on with the ring's next task work, without waiting.
    member val IsRequeued = false with get, set
    /// Its result is out; its notification is not.
    member val IsHeld = false with get, set
    /// Notifies when its memory is free: at once, if nothing was made of it.
    member val Holds: (KernelRequest -> unit) = (fun request -> request.Continue()) with get, set

    /// It has two completions, once it was prepared.
    member this.Notifies =
        this.Fails = 0
        && (submission.Opcode = Opcode.SendZeroCopy || submission.Opcode = Opcode.SendMessageZeroCopy)

    member _.Has flag = (submission.Flags &&& flag) <> SqeFlags.None

    member this.IsLinked = this.Has SqeFlags.Link || this.Has SqeFlags.HardLink

    /// No longer waits for its file.
    member this.Unqueue() =
        match this.Waiting with
        | null -> ()
        | node ->
            (nonNull node.List).Remove node
            this.Waiting <- null

    /// No longer waits for its file, its time.
    member this.Disarm() =
        this.Unqueue()

        match this.Event with
        | null -> ()
        | event ->
            event.Cancel()
            this.Event <- null

    /// Goes on when the ring runs its task work.
    member this.Continue() =
        if this.Stage <> Stage.Tasked && this.Stage <> Stage.Finished then
            this.Stage <- Stage.Tasked
            queue.Add this

    /// Ends so, as soon as the ring runs its task work.
    member this.Settle(result: int) =
        if ValueOption.isNone this.Settled then this.Settled <- ValueSome result

        this.Disarm()
        this.Continue()

    interface IWaiter with
        member this.Woken events =
            let meant = events &&& this.Interest

            if this.Stage = Stage.Armed && (events = PollEvents.None || meant <> PollEvents.None) then
                this.Heard <- meant
                // One that knows why it was woken has left the queue, and hears of nothing more.
                if events <> PollEvents.None && not this.Stays then this.Unqueue()
                this.Continue()
            elif this.Stage = Stage.Tasked then
                // Several changes: what is true now is looked up.
                this.Heard <- PollEvents.None
