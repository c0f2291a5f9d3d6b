// Takes submissions, puts chains together, issues requests, lets them wait, and goes on with them. Source: reference
// sections 1.4, 4.3 and 4.10.
// Length: one request's way, from its submission to its last completion, in one place.
namespace Uring.Simulation.Kernel

open System.Collections.Generic
open Uring.Kernel
open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

/// What one submission asks for, in the terms of one machine.
[<AbstractClass>]
type internal Executor() =
    /// Copies the inputs: after that the program may forget them. 0, or why it cannot be prepared.
    abstract Prepare: ring: KernelRing * request: KernelRequest -> int
    /// Finds its files. 0, or -EBADF.
    abstract Resolve: ring: KernelRing * request: KernelRequest -> int
    /// A worker does it, whatever it works on.
    abstract IsAlwaysWorkers: request: KernelRequest -> bool
    /// What it works on, after that: a file, or a path.
    abstract About: ring: KernelRing * request: KernelRequest -> obj | null
    /// It is issued for the first time.
    abstract Begin: request: KernelRequest -> unit
    /// It would block in a way that poll(2) does not see: a worker does it.
    abstract NeedsWorker: request: KernelRequest -> bool
    /// Does it. A result, -EAGAIN for what has to wait for its file, or `Outcome.Parked`.
    abstract Perform: ring: KernelRing * request: KernelRequest -> int

/// When a worker gets to its work, for tests that try every order: a real one may be quicker than who submits, or slower.
type internal WorkerPace =
    /// Like everything else that takes time: when nothing can run.
    | Later = 0
    /// Before the next submission of the batch is looked at.
    | AtOnce = 1
    /// Between the batch and the task work that it has made.
    | AfterBatch = 2
    /// When nothing can run, and step by step: the ring does what the worker's first step has woken before the next step.
    | InSteps = 3
    /// The first write at a file's own position takes that before the next submission is looked at; it writes, and gives the
    /// position back, behind the batch.
    | LateBytes = 4
    /// It writes at once as well, and only gives the position back behind the batch.
    | LatePosition = 5
    /// As those two, and who reads at that position meanwhile is the last to say where it is.
    | LateBytesBeforeReaders = 6
    | LatePositionBeforeReaders = 7

[<Sealed>]
type internal Issuing
    (executor: Executor, version: KernelVersion, timeline: Timeline, choices: Choices, trace: Trace) =

    let mutable pace = WorkerPace.Later
    // The work of workers that come after the batch.
    let works = Queue<unit -> unit>()
    // One of this batch is in the middle of a write at its file's own position.
    let mutable isTaken = false

    /// MSG_DONTWAIT.
    let doNotWait = 0x40u

    let waits (request: KernelRequest) =
        match request.Opcode with
        | Opcode.Send
        | Opcode.Receive
        | Opcode.SendMessage
        | Opcode.SendMessageZeroCopy
        | Opcode.ReceiveMessage
        | Opcode.SendZeroCopy -> (request.Submission.OpFlags &&& doNotWait) = 0u
        | Opcode.Accept -> (request.Submission.Priority &&& OpFlags.AcceptDontWait) = 0us
        | opcode when Flagging.mayHave opcode -> not (Flagging.asks TransferFlags.NoWait request)
        // RESOLVE_CACHED, in the third word of struct open_how.
        | Opcode.OpenAt2 -> (request.Address[16] &&& 32uy) = 0uy
        // SPLICE_F_NONBLOCK, which only Unix streams look at.
        | Opcode.Splice
        | Opcode.Tee ->
            match request.Other with
            | :? SocketFile as source when source.Family <> 1 || source.Kind <> 1 -> true
            | _ -> (request.Submission.OpFlags &&& 2u) = 0u
        // An open set: everything else waits.
        | _ -> true

    /// Asked to wait first: IORING_RECVSEND_POLL_FIRST, IORING_ACCEPT_POLL_FIRST.
    let pollsFirst (request: KernelRequest) =
        let isAsked = (request.Submission.Priority &&& OpFlags.PollFirst) <> 0us

        not request.PollFirst
        && (match request.Opcode, request.File with
            | (Opcode.Send | Opcode.Receive | Opcode.SendMessage | Opcode.ReceiveMessage), (:? SocketFile) ->
                isAsked
            // A Unix socket sends nothing without a copy.
            | (Opcode.SendZeroCopy | Opcode.SendMessageZeroCopy), (:? SocketFile as socket) ->
                isAsked && socket.Family <> 1
            | Opcode.Accept, _ -> (request.Submission.Priority &&& OpFlags.AcceptPollFirst) <> 0us
            // A multishot poll tells of what is there by task work, so that it tells once of several changes.
            | Opcode.PollAdd, _ -> (request.Submission.Length &&& OpFlags.PollMultishot) <> 0u
            // An open set: the rest has no such flag.
            | _ -> false)

    /// Errors and hang-ups concern everybody.
    let interest (request: KernelRequest) =
        let always = PollEvents.Error ||| PollEvents.HangUp ||| PollEvents.ReadHangUp

        match request.Opcode with
        | Opcode.PollAdd -> always ||| LanguagePrimitives.EnumOfValue request.Asked
        | Opcode.Write
        | Opcode.WriteVector
        | Opcode.Send
        | Opcode.SendMessage
        | Opcode.SendMessageZeroCopy
        | Opcode.SendZeroCopy
        | Opcode.Connect -> always ||| PollEvents.Writable
        | Opcode.Tee
        | Opcode.Splice -> always ||| PollEvents.Readable ||| PollEvents.Writable
        // An open set: the rest waits for something to read.
        | _ -> always ||| PollEvents.Readable

    /// What moves bytes waits for its source first, and then for room.
    let waitedFor (request: KernelRequest) (file: OpenFile) : OpenFile =
        match request.Other with
        | null -> file
        | source when (source.Events &&& PollEvents.Readable) = PollEvents.None -> source
        | _ -> file

    let isMultishot (request: KernelRequest) =
        match request.Opcode with
        | Opcode.ReadMultishot -> true
        | Opcode.Accept -> (request.Submission.Priority &&& OpFlags.AcceptMultishot) <> 0us
        | Opcode.Receive
        | Opcode.ReceiveMessage -> (request.Submission.Priority &&& OpFlags.ReceiveMultishot) <> 0us
        | Opcode.PollAdd -> (request.Submission.Length &&& OpFlags.PollMultishot) <> 0u
        // An open set: one completion each.
        | _ -> false

    let arm (request: KernelRequest) (file: OpenFile) =
        request.Stage <- Stage.Armed
        request.PollFirst <- true
        request.Heard <- PollEvents.None
        request.Interest <- interest request
        request.Stays <- isMultishot request

        // Linux adds who waits at the front, so the last to come is the first to be woken; who accepts waits at the end.
        // A single one has left the queue when it was woken, and comes anew.
        if not (isMultishot request) then request.Unqueue()

        if isNull request.Waiting then
            request.Waiting <-
                if request.Opcode = Opcode.Accept then
                    file.Waiters.AddLast(request :> IWaiter)
                else
                    file.Waiters.AddFirst(request :> IWaiter)

    /// It is the only one that is in the middle of its write: the kernel lets the workers write to a file one by one.
    let isFirstToTake (request: KernelRequest) =
        match Positions.fileOf request with
        | ValueSome _ when not isTaken ->
            isTaken <- true
            true
        | _ -> false

    /// It writes, and comes after the one that is in the middle of its write.
    let isBehindOne (request: KernelRequest) =
        match request.Opcode with
        | Opcode.Write
        | Opcode.WriteVector -> isTaken
        // An open set: nobody else waits for it.
        | _ -> false

    /// A worker comes to it by and by, does it, and leaves the result to the ring.
    let work (ring: KernelRing) (request: KernelRequest) =
        request.Stage <- Stage.Working
        let delay = if choices.Strikes Fault.Delayed then int64 (choices.Between(1, 2000)) * 1000L else 0L

        let perform () =
            let found = if isNull request.File then executor.Resolve(ring, request) else 0

            if found < 0 then request.IsRefused <- true

            if found < 0 then found else executor.Perform(ring, request)

        let finish (result: int) =
            if request.Stage = Stage.Working then
                match request.File with
                | null when result = Outcome.Parked -> ()
                | file when result = Outcome.again && not (isNull file) && request.IsInterrupted ->
                    request.Settled <- ValueSome(Errno.toResult Errno.EINTR)
                    request.Continue()
                | file when result = Outcome.again && not (isNull file) && waits request ->
                    arm request (waitedFor request (nonNull file))
                | _ when result = Outcome.Parked -> ()
                | _ ->
                    request.Settled <- ValueSome result
                    request.Continue()

        let go () =
            request.Event <- null
            if request.Stage = Stage.Working then finish (perform ())

        let readersAreLast = pace >= WorkerPace.LateBytesBeforeReaders

        match pace with
        | WorkerPace.LateBytes
        | WorkerPace.LateBytesBeforeReaders when isFirstToTake request ->
            Positions.take request

            works.Enqueue(fun () ->
                let result = perform ()
                Positions.give readersAreLast request result
                finish result)
        | WorkerPace.LatePosition
        | WorkerPace.LatePositionBeforeReaders when isFirstToTake request ->
            Positions.take request
            let result = perform ()

            works.Enqueue(fun () ->
                Positions.give readersAreLast request result
                finish result)
        | WorkerPace.LatePosition
        | WorkerPace.LatePositionBeforeReaders when not (isBehindOne request) -> go ()
        | WorkerPace.AtOnce -> go ()
        | WorkerPace.AfterBatch
        | WorkerPace.LateBytes
        | WorkerPace.LateBytesBeforeReaders
        | WorkerPace.LatePosition
        | WorkerPace.LatePositionBeforeReaders -> works.Enqueue go
        | _ -> request.Event <- timeline.After(delay, "worker", go)

    /// Its file says that it is ready, and it could not go on all the same. A multishot waits for the next change.
    let isReadyInVain (request: KernelRequest) (file: OpenFile) =
        not (isMultishot request) && (file.Events &&& interest request) <> PollEvents.None

    /// Linux tries such a one again by task work, where no cancel finds it, until a worker gets it, which can wait.
    let tryAgain (ring: KernelRing) (request: KernelRequest) =
        request.Unqueue()
        request.Tries <- request.Tries + 1

        if request.Tries >= MissedCancel.Tries then
            work ring request
        else
            request.PollFirst <- true
            request.IsBetweenTries <- true
            request.Continue()

    /// `moved` is how far it was before this attempt.
    let handle (ring: KernelRing) (request: KernelRequest) (moved: int) (result: int) =
        if result = Outcome.Parked then
            ()
        elif result = Outcome.again && request.Moved > moved then
            // Some of it went, and all of it is wanted: it waits for the rest, unless that is there.
            match request.File with
            | file when not (isNull file) && (nonNull file).CanPoll && waits request ->
                let file = nonNull file
                arm request file

                if (file.Events &&& request.Interest) <> PollEvents.None then
                    request.Unqueue()
                    request.Continue()
            | _ -> Completing.finish ring request request.Moved CqeFlags.None
        elif result = Outcome.again && request.IsRequeued then
            request.IsRequeued <- false
            request.Continue()
        elif result = Outcome.again then
            match request.File with
            | null -> Completing.finish ring request result CqeFlags.None
            | file when file.CanPoll && waits request && isReadyInVain request file -> tryAgain ring request
            | file when file.CanPoll && waits request ->
                let isFirst = not request.PollFirst
                arm request file

                // There may be more already.
                if request.Opcode = Opcode.ReadMultishot || (isFirst && isMultishot request) then
                    request.Heard <- file.Events &&& request.Interest

                    if request.Heard <> PollEvents.None then request.Continue()
            | _ -> Completing.finish ring request result CqeFlags.None
        else
            Completing.finish ring request result request.Flags

    /// Asked to wait first; unless the file is ready already.
    let waitFirst (request: KernelRequest) (file: OpenFile) =
        arm request file
        request.Heard <- file.Events &&& request.Interest

        if request.Heard <> PollEvents.None then request.Continue()

    let perform (ring: KernelRing) (request: KernelRequest) =
        let isNew = request.Moved = 0 && not request.PollFirst

        match request.File with
        | null when isNew && (request.Has SqeFlags.Async || executor.NeedsWorker request) -> work ring request
        | null -> handle ring request request.Moved (executor.Perform(ring, request))
        // What cannot be waited for ends without a look, as what may not wait does.
        | file when request.Opcode = Opcode.Accept && pollsFirst request && not file.CanPoll ->
            let refusal = if isMultishot request && waits request then Errno.EBADFD else Errno.EAGAIN
            handle ring request request.Moved (Errno.toResult refusal)
        | file when pollsFirst request && waits request -> waitFirst request file
        | _ when pollsFirst request -> handle ring request request.Moved Outcome.again
        | _ when isNew && (request.Has SqeFlags.Async || executor.NeedsWorker request) -> work ring request
        | _ ->
            let moved = request.Moved
            handle ring request moved (executor.Perform(ring, request))

    let issue (ring: KernelRing) (request: KernelRequest) =
        request.Stage <- Stage.Issued
        request.IsBetweenTries <- false

        // What always goes to a worker finds its file there: a close in the same batch comes first.
        let isLate = executor.IsAlwaysWorkers request

        if isNull request.File && ValueOption.isNone request.Settled && not isLate then
            let found = executor.Resolve(ring, request)
            trace.About(request.Line, executor.About(ring, request))

            if found < 0 then
                request.IsRefused <- true
                request.Settled <- ValueSome found

        match request.Settled with
        | ValueSome result -> Completing.finish ring request result CqeFlags.None
        | ValueNone ->
            if not request.PollFirst then executor.Begin request

            perform ring request

    /// Starts the clock of a link timeout, if what it bounds has not ended by now.
    let bound (ring: KernelRing) (request: KernelRequest) =
        match request.LinkTimeout with
        | null -> ()
        | timeout when timeout.Stage <> Stage.Chained || request.Stage = Stage.Finished -> ()
        | timeout ->
            Completing.enter ring timeout
            timeout.Stage <- Stage.Armed

            timeout.Event <-
                timeline.After(
                    timeout.Wait timeline.Now,
                    "link timeout",
                    fun () ->
                        timeout.Event <- null
                        timeout.Continue()
                )

    /// The time of a link timeout is over: its own completion comes before that of what it ends.
    let expire (ring: KernelRing) (timeout: KernelRequest) =
        match timeout.Bounded with
        | null -> Completing.finish ring timeout (Errno.toResult Errno.ETIME) CqeFlags.None
        | bounded ->
            let stopped = Cancelling.told bounded (Cancelling.stop choices bounded)
            bounded.LinkTimeout <- null
            let result = if stopped = 0 then Errno.toResult Errno.ETIME else stopped
            Completing.finish ring timeout result CqeFlags.None

    /// It was woken, and nothing that it waits for is there: a multishot waits on. A single one is tried all the same, which
    /// can cost it its life: ENOBUFS.
    let isFalseAlarm (request: KernelRequest) =
        match request.File with
        | _ when not (isMultishot request) -> false
        | file when not (isNull file) && not (isNull request.Waiting) && request.Heard = PollEvents.None ->
            ((nonNull file).Events &&& request.Interest) = PollEvents.None
        | _ -> false

    let run (ring: KernelRing) (request: KernelRequest) =
        if request.Stage = Stage.Tasked then
            match request.Settled with
            | ValueSome result when request.IsHeld -> Completing.release ring request result
            // It was ended in the middle: what has moved, has moved.
            | ValueSome result when Errno.isError result && request.Moved > 0 ->
                Completing.finish ring request request.Moved request.Flags
            | ValueSome result ->
                // What a worker did may speak of a buffer.
                let flags = if Errno.isError result then CqeFlags.None else request.Flags
                Completing.finish ring request result flags
            | ValueNone when request.Opcode = Opcode.LinkTimeout -> expire ring request
            | ValueNone when isFalseAlarm request -> request.Stage <- Stage.Armed
            | ValueNone ->
                issue ring request
                bound ring request

    let start (ring: KernelRing) (request: KernelRequest) =
        let mustDrain = request.Has SqeFlags.Drain && ring.InFlight.Count > 0

        if mustDrain || ring.Drained.Count > 0 then
            ring.Drained.Enqueue request
        else
            Completing.enter ring request
            issue ring request
            bound ring request

    /// A chain whose parts are all there.
    let startChain (ring: KernelRing) (head: KernelRequest) =
        let rec hasFailed (request: KernelRequest | null) =
            match request with
            | null -> false
            | request ->
                request.Fails < 0
                || (match request.LinkTimeout with
                    | null -> false
                    | timeout -> timeout.Fails < 0)
                || hasFailed request.Follower

        if hasFailed head then Completing.cancelChain ring head else start ring head

    /// Takes one submission. True when the batch may go on.
    let take (ring: KernelRing) (tail: byref<KernelRequest | null>) (head: byref<KernelRequest | null>) =
        match ring.TakeSubmission() with
        | ValueNone -> true
        | ValueSome submission ->
            let allowed = ring.Sandbox.Check submission
            let checkedResult = if allowed < 0 then allowed else Strictness.check version submission

            let request =
                KernelRequest(ring, (if checkedResult < 0 then submission else Fixing.plain ring submission))

            request.Line <- trace.Submitted(ring.Lane, &submission)
            request.Fails <- if checkedResult < 0 then checkedResult else executor.Prepare(ring, request)
            request.IsRefused <- request.Fails < 0
            let isTimeout = request.Opcode = Opcode.LinkTimeout

            match tail with
            | null when isTimeout ->
                Completing.finish ring request (Errno.toResult Errno.EINVAL) CqeFlags.None
            | null when request.Fails < 0 && not request.IsLinked ->
                Completing.finish ring request request.Fails CqeFlags.None
            | null when request.IsLinked ->
                head <- request
                tail <- request
            | null -> start ring request
            | before when isTimeout ->
                before.LinkTimeout <- request
                request.Bounded <- before

                // The chain goes on behind the timeout if that is linked, too.
                if not request.IsLinked then
                    startChain ring (nonNull head)
                    head <- null
                    tail <- null
            | before ->
                before.Follower <- request
                tail <- request

                if not request.IsLinked then
                    startChain ring (nonNull head)
                    head <- null
                    tail <- null

            request.Fails = 0 || ring.Has SetupFlags.SubmitAll

    /// What was left for after the batch.
    let workOff () =
        while works.Count > 0 do
            (works.Dequeue()) ()

        isTaken <- false

    /// io_uring_enter's first half: takes up to `count` submissions, and says how many it took.
    member _.Submit(ring: KernelRing, count: uint32) : int =
        let mutable taken = 0
        let mutable goes = true
        let mutable head: KernelRequest | null = null
        let mutable tail: KernelRequest | null = null
        let count = min count ring.Submittable

        while goes && uint32 taken < count do
            goes <- take ring &tail &head
            taken <- taken + 1

        // A chain ends with the batch.
        match head with
        | null -> ()
        | head -> startChain ring head

        workOff ()
        ring.Follow()
        taken

    /// Goes on with deferred work.
    member _.Run(ring: KernelRing, least: int, most: int) =
        if pace = WorkerPace.InSteps then
            ring.RunTasks(1, 1, run ring)
        else
            ring.RunTasks(least, most, run ring)

        workOff ()

    /// When workers get to their work.
    member _.Pace
        with get () = pace
        and set value = pace <- value
