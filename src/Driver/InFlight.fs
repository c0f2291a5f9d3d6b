// Length: all that begins, ends and cancels operations shares one table of slots.
// Begins and ends operations: pins their memory, counts them on their descriptors, gives them slots, and does what
// the model's verdicts say when a completion or a cancel comes. Belongs to the loop's thread.
namespace Uring.Driver

open System
open System.Buffers
open System.Collections.Generic
open System.Runtime.CompilerServices
open Uring.Kernel
open Uring.Model

[<Sealed>]
type internal InFlight(ring: Ring, capacity: int) =
    let slots = SlotTable<Pending> capacity
    let outbox = Outbox(ring, slots)
    let cancelled = Errno.toResult Errno.ECANCELED
    let missing = Errno.toResult Errno.ENOSYS
    // Begun before and to begin again: streams that wait for a buffer. They have no slot meanwhile.
    let parked = HashSet<Pending>()
    // No address: connecting to it drops a connection. The kernel reads it when it takes the submission.
    let nowhere = GC.AllocateArray<byte>(16, true)
    // Cancels that missed, to ask again.
    let missed = List<UserData>()
    let mailbox = Mailbox()
    let mutable asking = MissedCancel.none
    let mutable stopping = false

    // ---- descriptors

    let join (descriptor: FileDescriptor | null) =
        match descriptor with
        | null -> ()
        | descriptor -> descriptor.Began() |> ignore

    let leave (descriptor: FileDescriptor | null) =
        match descriptor with
        | null -> ()
        | descriptor ->
            match descriptor.Ended() with
            | DescriptorVerdict.CloseNow ->
                match descriptor.Closer with
                | null -> ()
                | closer ->
                    descriptor.Closer <- null
                    closer.Close()
            | DescriptorVerdict.Start
            | DescriptorVerdict.Refuse
            | DescriptorVerdict.CancelOperations
            | DescriptorVerdict.Ignore
            | DescriptorVerdict.Violation -> ()

    /// An operation no longer names its descriptors.
    let left (pending: Pending) =
        leave pending.Target

        if not (isNull pending.Other) then leave pending.Other

    let names (descriptor: FileDescriptor) (pending: Pending) =
        obj.ReferenceEquals(pending.Target, descriptor) || obj.ReferenceEquals(pending.Other, descriptor)

    let isClosed (descriptor: FileDescriptor | null) =
        match descriptor with
        | null -> false
        | descriptor -> descriptor.IsClosed

    // ---- beginning

    /// Why it cannot begin, as a result; 0 if it can. Closing goes on while the loop stops.
    let obstacle (pending: Pending) =
        if pending.CancelAsked || (stopping && pending.Opcode <> Opcode.Close) then cancelled
        elif isClosed pending.Target || isClosed pending.Other then Errno.toResult Errno.EBADF
        elif not (Features.supports pending.Opcode ring.Plan) then missing
        else 0

    let pin (pending: Pending) (request: inref<Request>) =
        if request.Buffer.Length > 0 then pending.Pin <- request.Buffer.Pin()

    /// Says which of its descriptors are slots of the ring's own table, and where it begins.
    let addressed (pending: Pending) (submission: Submission) =
        let submission =
            match pending.Target with
            | null -> submission
            | target ->
                let submission = if target.IsDirect then Submission.onFixedFile submission else submission
                if target.BeginsOnWorker then Submission.flagged SqeFlags.Async submission else submission

        match pending.Other with
        // A message says in another field which slot it hands on.
        | null -> submission
        | source when source.IsDirect && Catalogue.takesSlot Slots.Source pending.Opcode ->
            Submission.fromFixedFile submission
        | _ -> submission

    /// Its memory is pinned, and the submission says where. `flags` link it to its follower.
    [<SkipLocalsInit>]
    let submit flags (pending: Pending) shape (submission: inref<Submission>) =
        join pending.Target
        join pending.Other
        pending.UserData <- slots.Take(pending, shape)

        let submission =
            addressed pending submission |> Submission.tagged pending.UserData |> Submission.flagged flags

        outbox.Submit &submission

    /// Its memory is pinned. `flags` link it to its follower.
    let start flags (pending: Pending) (request: inref<Request>) =
        let submission = Submission.rebase request.Reach (Mapped.addressOfPin pending.Pin) request.Submission

        submit flags pending request.Shape &submission

    /// Memory that cannot be pinned is the caller's mistake, not the ring's.
    let tryPin (pending: Pending) (request: inref<Request>) : exn | null =
        try
            pin pending &request
            null
        with reason ->
            reason

    /// A call knows neither what the ring was told to refuse nor whose credentials it remembers.
    let standIn (request: inref<Request>) =
        if Restriction.forbids ring.Restriction request.Submission.Opcode then
            Errno.toResult Errno.EACCES
        elif request.Submission.Personality <> 0us then
            missing
        else
            SystemCalls.perform ring.Kernel &request

    let tryStart (pending: Pending) (request: inref<Request>) =
        match obstacle pending with
        | 0 ->
            match tryPin pending &request with
            | null -> start SqeFlags.None pending &request
            | reason -> pending.Failed reason
        | result when result = missing && Features.hasCall pending.Opcode -> pending.Refused(standIn &request)
        | result -> pending.Refused result

    /// Begins what has waited for it.
    let tryStartParked (pending: Pending) = tryStart pending &pending.Parked.Value

    /// It cannot begin. Apart from what can: the room for a request would have to be cleared each time.
    let hinder (pending: Pending) (submission: inref<Submission>) =
        pending.Request <- { Request.bare submission with Target = pending.Target }
        tryStartParked pending

    // ---- ending

    let askKernel (target: UserData) =
        let request =
            Submission.cancel target
            |> Submission.tagged (UserData.withKind CompletionKind.CancelRequest target)

        outbox.Submit &request

    // One object: as a function it would be a new one for each stream that pauses.
    let asker = Action<UserData> askKernel

    /// `ask` asks the kernel.
    let askForEndBy (ask: Action<UserData>) (pending: Pending) =
        if slots.IsLive pending.UserData then
            match slots.Cancelled pending.UserData with
            | Verdict.AskKernel ->
                asking <- MissedCancel.renewed
                ask.Invoke pending.UserData
            | Verdict.Withdraw
            | Verdict.DiscardAndRelease ->
                left pending
                pending.Refused cancelled
            | Verdict.Deliver
            | Verdict.Finish
            | Verdict.FinishButHold
            | Verdict.Release
            | Verdict.Discard
            | Verdict.Ignore
            | Verdict.Violation -> ()

    let askForEnd (pending: Pending) = askForEndBy asker pending

    let cancelBy (ask: Action<UserData>) (pending: Pending) =
        pending.CancelAsked <- true
        parked.Remove pending |> ignore
        pending.Cancelling()
        askForEndBy ask pending

    let cancel (pending: Pending) = cancelBy asker pending

    /// Asks the kernel and waits for its answer, which blocks this thread for `limit` at most: what is left of it.
    let rec askAndWait (limit: TimeSpan) (target: UserData) : TimeSpan =
        let argument = SyncCancel.ofUserData target limit
        let opcode = RegisterOpcode.CancelAndWait

        match SyncCancel.verdict (ring.Kernel.Register(ring.Descriptor, opcode, argument.AsSpan(), 1u)) with
        | SyncCancelVerdict.Over -> limit
        | SyncCancelVerdict.Again -> askAndWait limit target
        | SyncCancelVerdict.TimedOut -> TimeSpan.Zero
        | SyncCancelVerdict.Missed ->
            missed.Add target
            limit
        | SyncCancelVerdict.AskKernel ->
            askKernel target
            limit

    /// Those that are meant and that nobody has asked yet, in the kernel or outside.
    let findMeant (isMeant: Pending -> bool) : List<Pending> =
        let found = List<Pending> parked
        slots.ForEach(Action<Pending> found.Add)
        found.RemoveAll(fun pending -> pending.CancelAsked || not (isMeant pending)) |> ignore
        found

    /// Drops the connection of a zero-copy send whose notification is outstanding, which brings that about. Its
    /// descriptor is open, because the send is still counted on it, whether closing was asked for or not.
    let drop (pending: Pending) =
        match pending.Target with
        | null -> ()
        | target ->
            let connect =
                Submission.connect target.Number (Mapped.addressOfPinned nowhere) 16u
                |> addressed pending
                |> Submission.tagged (UserData.withKind CompletionKind.Wake UserData.none)

            outbox.Submit &connect

    /// -ENOENT, and it still lives: asked again (`MissedCancel` says when).
    let cancelAnswered (completion: Completion) =
        let target = UserData.withKind CompletionKind.Operation completion.UserData

        if completion.Result = Errno.toResult Errno.ENOENT && slots.IsLive target then
            missed.Add target

    /// Those that are outside, and outside for good once they have been told.
    let takeParked (isMeant: Pending -> bool) =
        let meant = parked |> Seq.filter isMeant |> Seq.toArray
        parked.ExceptWith meant
        meant

    let closeDirectly (descriptor: FileDescriptor | null) =
        match descriptor with
        | null -> ()
        | descriptor ->
            match descriptor.Closer with
            | null -> ()
            | closer ->
                descriptor.Closer <- null
                // Slots of the table go with the ring.
                if not descriptor.IsDirect then ring.Kernel.Close descriptor.Number |> ignore

                closer.Refused 0

    /// Messages from other rings, and who is sending one.
    member _.Mailbox = mailbox

    /// Operations that have begun and not ended.
    member _.Count = slots.Live

    /// Nothing waits for room in the ring.
    member _.IsFlushed = outbox.IsEmpty

    member _.Flush() = outbox.Flush()

    /// Begins an operation with a request that the caller holds.
    member _.Begin(pending: Pending, request: inref<Request>) = tryStart pending &request

    /// Begins a single operation whose memory stays where it is until the end.
    member _.BeginPinned(pending: Pending, submission: inref<Submission>) =
        if obstacle pending = 0 then
            submit SqeFlags.None pending Shape.Single &submission
        else
            hinder pending &submission

    /// Begins an operation with the request that it holds itself.
    member _.BeginParked(pending: Pending) =
        parked.Remove pending |> ignore
        tryStartParked pending

    /// It waits for something else than the kernel.
    member _.Park(pending: Pending) = parked.Add pending |> ignore

    /// All together or none: false when there is no room for all of them now. If one cannot begin, it says why and the
    /// others are cancelled. Nothing is submitted before all are pinned: a link would bind whatever came next.
    member _.TryBeginChain(operations: Operation array, flags: SqeFlags array) =
        let refuseBut (culprit: Operation) =
            for operation in operations do
                if not (obj.ReferenceEquals(operation, culprit)) then operation.Refused cancelled

        match operations |> Array.tryFind (fun operation -> obstacle operation <> 0) with
        | Some culprit ->
            let result = obstacle culprit
            refuseBut culprit
            culprit.Refused result
            true
        | None when not (outbox.TryMakeRoom operations.Length) -> false
        | None ->
            let failures = operations |> Array.map (fun operation -> tryPin operation &operation.Parked.Value)

            match Array.tryFindIndex (isNull >> not) failures with
            | None ->
                Array.iter2
                    (fun (operation: Operation) flag -> start flag operation &operation.Parked.Value)
                    operations
                    flags
            | Some index ->
                refuseBut operations[index]
                operations[index].Failed(nonNull failures[index])

            true

    member _.Cancel(pending: Pending) = cancel pending

    /// Asks for its end without forbidding that it begins again.
    member _.Interrupt(pending: Pending) = askForEnd pending

    /// Asks for the end of every operation of a group.
    member _.CancelGroup(group: obj) =
        slots.ForEach(
            Action<Pending>(fun pending -> if obj.ReferenceEquals(pending.Group, group) then cancel pending)
        )

    /// Asks for the end of those that are meant and that nobody has asked yet, in the kernel or outside. Counts them.
    /// One request to the kernel for each, and not one for all of a descriptor or a ring: that would find neither what is
    /// outside nor a follower in a chain, and it would find what is the library's own.
    member _.CancelAll(isMeant: Pending -> bool) : int =
        let found = findMeant isMeant
        found.ForEach(Action<Pending> cancel)
        found.Count

    /// The same, and the kernel waits for each before it answers, for `limit` at most; after the first that is not over
    /// by then it waits for none. What was submitted is known to the kernel by now. Names those that were asked.
    member _.CancelAndWait(isMeant: Pending -> bool, limit: TimeSpan) : UserData array =
        let mutable left = limit

        [|
            for pending in findMeant isMeant do
                pending.UserData
                cancelBy (Action<UserData>(fun target -> left <- askAndWait left target)) pending
        |]

    /// The kernel has it, or has an answer for it.
    member _.IsLive(userData: UserData) = slots.IsLive userData

    /// Its caller is gone: what still comes is undone.
    member _.Abandon(pending: Pending) = slots.Abandoned pending.UserData

    /// Closes when the operations on the descriptor have ended; `closer` is what closes it.
    member _.Close(descriptor: FileDescriptor, closer: Operation) =
        takeParked (names descriptor) |> Array.iter cancel

        match descriptor.Close() with
        | DescriptorVerdict.CloseNow -> tryStartParked closer
        | DescriptorVerdict.CancelOperations ->
            descriptor.Closer <- closer

            slots.ForEach(Action<Pending>(fun pending -> if names descriptor pending then cancel pending))
        | DescriptorVerdict.Start
        | DescriptorVerdict.Refuse
        | DescriptorVerdict.Ignore
        | DescriptorVerdict.Violation -> closer.Refused 0

    /// After the completions of a turn: asks again for what was missed.
    member _.AskAgain() =
        if MissedCancel.asksAgain missed.Count asking then
            asking <- MissedCancel.asked asking
            let targets = missed.ToArray()
            missed.Clear()

            for target in targets do
                match slots.Missed target with
                | Verdict.AskKernel -> askKernel target
                | Verdict.Deliver
                | Verdict.Finish
                | Verdict.FinishButHold
                | Verdict.Release
                | Verdict.Discard
                | Verdict.DiscardAndRelease
                | Verdict.Withdraw
                | Verdict.Ignore
                | Verdict.Violation -> ()

    /// Asking again has a chance.
    member _.WillAskAgain = MissedCancel.asksAgain missed.Count asking

    // A completion comes in a while (see `Ahead`). Each step needs what the one before it has brought nearer.

    member _.ExpectSlot(userData: UserData) = slots.Expect userData

    member _.ExpectPending(userData: UserData) =
        let pending = slots.Neighbour userData
        if not (obj.ReferenceEquals(pending, null)) then Ahead.fetch pending 5

    member _.ExpectTarget(userData: UserData) =
        let pending = slots.Neighbour userData
        if not (obj.ReferenceEquals(pending, null)) then pending.ExpectTarget()

    /// A completion came.
    member _.Dispatch(completion: inref<Completion>) =
        match UserData.kind completion.UserData with
        | CompletionKind.Operation ->
            let struct (pending, verdict) = slots.Completed &completion
            asking <- MissedCancel.renewed

            match verdict with
            | Verdict.Finish
            | Verdict.Release
            | Verdict.DiscardAndRelease ->
                // Before it lands: once it has, another thread may use the object again.
                left pending
                pending.Landed(&completion, verdict)
            | Verdict.Deliver
            // Its descriptor stays open until the notification: dropping the connection is the way to get that.
            | Verdict.FinishButHold
            | Verdict.Discard -> pending.Landed(&completion, verdict)
            | Verdict.Ignore -> ()
            | Verdict.AskKernel
            | Verdict.Withdraw
            | Verdict.Violation -> raise (Fault.stranger completion)
        | CompletionKind.CancelRequest -> cancelAnswered completion
        | CompletionKind.Message -> mailbox.Deliver completion
        | CompletionKind.Wake
        | CompletionKind.Unknown -> ()

    /// Begins nothing more but closes, and asks for the end of all else that is in flight.
    member _.Stop() =
        stopping <- true
        takeParked (fun _ -> true) |> Array.iter cancel

        slots.ForEach(
            Action<Pending>(fun pending ->
                match pending.Opcode with
                | Opcode.Close -> ()
                // An open set: everything else.
                | _ -> cancel pending)
        )

        // Else a peer that reads nothing would keep the ring from ending.
        slots.ForEachHeld(Action<Pending> drop)

    /// Drops the connection if the kernel still reads what was sent on it without copying.
    member _.DropHeld(descriptor: FileDescriptor) =
        slots.ForEachHeld(
            Action<Pending>(fun pending ->
                if obj.ReferenceEquals(pending.Target, descriptor) then drop pending)
        )

    /// The ring has failed: whoever waits gets the reason. Memory stays pinned, because the kernel may still write.
    member _.Fail(reason: exn) =
        stopping <- true

        for pending in takeParked (fun _ -> true) do
            pending.Failed reason

        slots.ForEach(
            Action<Pending>(fun pending ->
                let target = pending.Target
                let other = pending.Other
                pending.Pin <- Unchecked.defaultof<MemoryHandle>
                pending.Failed reason
                closeDirectly target
                closeDirectly other)
        )

        // Their callers have had the result; the memory stays pinned.
        slots.ForEachHeld(Action<Pending>(fun pending -> closeDirectly pending.Target))
