// The ring without threads: writes submissions, enters the kernel, reads completions. One thread at a time, the same
// one if the ring is SINGLE_ISSUER. Applies Model/Queue and Model/Enter. User data is the caller's business.
namespace Uring.Driver

open System
open System.Runtime.InteropServices
open System.Threading
open Uring.Kernel
open Uring.Model

/// What a ring has done so far. Submissions divided by enters is what batching saves.
[<Struct>]
type RingStatistics = {
    /// Calls of io_uring_enter.
    Enters: int64
    /// Submissions consumed by the kernel.
    Submitted: int64
    /// Completions taken.
    Completed: int64
}

/// A broken invariant or an error that a ring cannot survive. Not something a caller can mend at run time.
[<Sealed>]
type RingFailedException(message: string, errno: Errno) =
    inherit IO.IOException(message, int errno)
    /// What the kernel said.
    member _.Errno = errno

/// A single-issuer ring: submit, wait, drain. Made by `Setup.create`.
[<Sealed>]
type Ring
    internal
    (kernel: IKernel, descriptor: int, mapped: RingMemory, made: Plan, entries: uint32, completions: uint32) =
    let mutable memory = mapped
    let mutable plan = made
    let mutable sq = Queue.create entries
    let mutable cq = Queue.create completions
    let mutable published = 0u
    let mutable statistics = Unchecked.defaultof<RingStatistics>
    let mutable closed = false
    let deferred = Features.has SetupFlags.DeferTaskrun plan.Setup
    // A chain is in the queue: the kernel may take only a part of it.
    let mutable chained = false
    // INJECT_RESULT came one version before this opcode.
    let injects = Features.supports Opcode.Bind plan
    // The kernel has a thread that takes submissions.
    let isPolled = Features.has SetupFlags.SubmissionPolling plan.Setup
    // What io_uring_enter is told to name the ring, and how to wait.
    let mutable name = descriptor
    let mutable always = EnterFlags.None

    let fatal errno =
        raise (
            RingFailedException(
                String.Concat("io_uring_enter failed and the ring cannot go on: ", errno.ToString(), "."),
                errno
            )
        )

    /// The kernel behind the ring.
    member internal _.Kernel = kernel

    /// The ring's descriptor.
    member _.Descriptor = descriptor

    /// What this ring can do.
    member _.Plan: Plan = plan

    /// What it was told to refuse.
    member val internal Restriction: Restriction voption = ValueNone with get, set

    /// What the ring has done so far.
    member _.Statistics = statistics

    /// Submissions that fit before the next `Enter`.
    member _.Room = int (Queue.free sq)

    /// Submissions written and not yet consumed.
    member _.Unsubmitted = if isPolled then int (sq.Tail - published) else int (Queue.used sq)

    /// A ring is made disabled (R_DISABLED) and belongs to the thread that enables it.
    member _.Enable() =
        if Features.has SetupFlags.Disabled plan.Setup then
            let result = kernel.Register(descriptor, RegisterOpcode.EnableRings, Span.Empty, 0u)

            if Errno.isError result then fatal (Errno.ofResult result)

    /// Waits do not count as waits for a disk (6.15; before they do).
    member internal _.DoNotCountWaits() =
        if (plan.Features &&& FeatureFlags.NoIoWait) <> FeatureFlags.None then
            always <- always ||| EnterFlags.NoIoWait

    /// On the thread that enters: from now on by its own table (5.18), which saves a lookup each time.
    member internal _.RegisterDescriptor() =
        // struct io_uring_rsrc_update: which slot @0 (all ones: any), the descriptor @8.
        let update = [| 0xffff_ffffUL; uint64 descriptor |]
        let bytes = MemoryMarshal.AsBytes(update.AsSpan())
        let result = kernel.Register(descriptor, RegisterOpcode.RingDescriptors, bytes, 1u)

        if result = 1 then
            name <- int (uint32 update[0])
            always <- always ||| EnterFlags.RegisteredRing

    /// On the same thread, whose table has few places.
    member private _.UnregisterDescriptor() =
        if (always &&& EnterFlags.RegisteredRing) <> EnterFlags.None then
            let update = [| uint64 (uint32 name); 0UL |]
            let bytes = MemoryMarshal.AsBytes(update.AsSpan())
            kernel.Register(descriptor, RegisterOpcode.UnregisterRingDescriptors, bytes, 1u) |> ignore
            name <- descriptor
            always <- always &&& ~~~EnterFlags.RegisteredRing

    /// Writes one submission. False when the queue is full: enter first.
    member _.TrySubmit(submission: inref<Submission>) =
        if Queue.isFull sq then
            false
        else
            memory.Write(Queue.slot sq.Tail sq, &submission)
            sq <- Queue.pushed sq

            if (submission.Flags &&& (SqeFlags.Link ||| SqeFlags.HardLink)) <> SqeFlags.None then
                chained <- true

            true

    /// What waits in the queue, before the kernel takes some of it.
    member private _.Queued() = [
        for index in 0 .. int (Queue.used sq) - 1 do
            memory.ReadSubmission(Queue.slot (sq.Head + uint32 index) sq)
    ]

    /// The kernel has taken some of these, and perhaps only a part of a chain.
    member private _.Mend(queued: Submission list) =
        let taken = queued.Length - int (Queue.used sq)

        if taken > 0 && taken < queued.Length then
            let left = Cut.mend injects queued[taken - 1] (List.skip taken queued)

            left
            |> List.iteri (fun index submission ->
                memory.Write(Queue.slot (sq.Head + uint32 index) sq, &submission))

        chained <- Queue.used sq > 0u

    /// What the call said, and what has been consumed since.
    member private _.Entered(unsubmitted: uint32, result: int) =
        statistics <- {
            statistics with
                Enters = statistics.Enters + 1L
                Submitted = statistics.Submitted + int64 (unsubmitted - Queue.used sq)
        }

        match Enter.verdict result with
        | EnterVerdict.Fatal -> fatal (Errno.ofResult result)
        | EnterVerdict.Progress
        | EnterVerdict.Again
        | EnterVerdict.ReapFirst
        | EnterVerdict.TimedOut as verdict -> verdict

    /// Publishes for the kernel's thread, and enters only to wake it, to wait for room, or to wait.
    member private this.EnterPolled(waitFor: uint32, timeout: int64, minimum: uint32) : EnterVerdict =
        if published <> sq.Tail then
            memory.PublishSubmissions sq.Tail
            published <- sq.Tail
            // Full, and pairs with the kernel's between its mark that it sleeps and its last look at the tail: one of
            // the two sees the other. A release alone would let our look at the mark come before the tail is out.
            Interlocked.MemoryBarrier()

        let unsubmitted = Queue.used sq
        sq <- Queue.consumedTo memory.SubmissionHead sq
        let flags = Enter.whenPolled (Queue.used sq) (Queue.isFull sq) waitFor memory.Flags

        if flags = EnterFlags.None then
            statistics <- {
                statistics with
                    Submitted = statistics.Submitted + int64 (unsubmitted - Queue.used sq)
            }

            EnterVerdict.Progress
        else
            let result = kernel.Enter(name, Queue.used sq, waitFor, flags ||| always, timeout, minimum)
            sq <- Queue.consumedTo memory.SubmissionHead sq
            this.Entered(unsubmitted, result)

    /// As below, and one completion is enough once `minimum` microseconds are over.
    member this.Enter(waitFor: int, timeout: int64) : EnterVerdict = this.Enter(waitFor, timeout, 0u)

    /// Publishes what was written and enters the kernel: submits all of it, and waits until `waitFor` completions are
    /// there, or `timeout` nanoseconds are over (negative: no bound).
    member this.Enter(waitFor: int, timeout: int64, minimum: uint32) : EnterVerdict =
        let unsubmitted = Queue.used sq
        let flags = memory.Flags
        let waitFor = uint32 waitFor

        if isPolled then
            this.EnterPolled(waitFor, timeout, minimum)
        elif not (Enter.needed unsubmitted waitFor flags) then
            EnterVerdict.Progress
        else
            if published <> sq.Tail then
                memory.PublishSubmissions sq.Tail
                published <- sq.Tail

            let queued = if chained then this.Queued() else []

            let result =
                kernel.Enter(
                    name,
                    unsubmitted,
                    waitFor,
                    Enter.flags deferred waitFor flags ||| always,
                    timeout,
                    minimum
                )

            // The kernel's head, not the return value, says what was consumed: a call that was interrupted or refused
            // may have consumed some.
            sq <- Queue.consumedTo memory.SubmissionHead sq

            if not queued.IsEmpty then this.Mend queued

            this.Entered(unsubmitted, result)

    /// The kernel holds completions that only another `Enter` brings (deferred work, or an overflow).
    member _.HasPendingWork = Enter.hasPendingWork memory.Flags

    /// How many completions can be read now.
    member _.Ready() =
        cq <- Queue.filledTo memory.CompletionTail cq
        int (Queue.used cq)

    /// The completion `index` places after the oldest; 0 <= index < Ready().
    member _.Completion(index: int) = memory.ReadCompletion(Queue.slot (cq.Head + uint32 index) cq)

    /// Gives the slots of the oldest `count` completions back to the kernel: one store for a whole batch.
    member _.Advance(count: int) =
        cq <- Queue.consumedTo (cq.Head + uint32 count) cq
        memory.ReleaseCompletions cq.Head

        statistics <- { statistics with Completed = statistics.Completed + int64 count }

    /// Other sizes from now on (6.13, DEFER_TASKRUN), on the thread that enters; what waits in the queues stays. False when
    /// the kernel refuses: everything is as it was.
    member internal _.TryResize(submissions: uint32, completions: uint32) : Result<unit, Errno> =
        // The kernel copies what it knows of.
        memory.PublishSubmissions sq.Tail
        published <- sq.Tail

        let parameters = [|
            {
                Unchecked.defaultof<SetupParameters> with
                    SubmissionEntries = submissions
                    CompletionEntries = completions
                    Flags = SetupFlags.CompletionSize ||| SetupFlags.Clamp
            }
        |]

        let bytes = MemoryMarshal.AsBytes(parameters.AsSpan())
        let result = kernel.Register(descriptor, RegisterOpcode.ResizeRings, bytes, 1u)

        if Errno.isError result then
            Error(Errno.ofResult result)
        else
            let parameters = parameters[0]

            match RingMemory.Map(kernel, descriptor, parameters) with
            // The old memory is no longer the kernel's.
            | Error errno -> fatal errno
            | Ok larger ->
                memory.Unmap kernel
                memory <- larger
                sq <- { sq with Entries = parameters.SubmissionEntries }
                cq <- { cq with Entries = parameters.CompletionEntries }

                plan <- {
                    plan with
                        Setup = {
                            plan.Setup with
                                Entries = parameters.SubmissionEntries
                                Completions = parameters.CompletionEntries
                        }
                }

                Ok()

    /// Unmaps and closes. Whatever is still in flight keeps its memory in the kernel's hands for a while: drain first.
    member this.Close() =
        if not closed then
            closed <- true
            this.UnregisterDescriptor()
            memory.Unmap kernel
            kernel.Close descriptor |> ignore

    interface IDisposable with
        member this.Dispose() = this.Close()
