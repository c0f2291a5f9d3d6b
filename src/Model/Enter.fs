// Decides how to call io_uring_enter and what its answer means. Makes no call.
// Tested in EnterLaws.fs; driven by Driver/Ring.fs.
namespace Uring.Model

/// What the caller of io_uring_enter has to do with its answer.
///
/// Laws
///  1. a signal loses nothing: EINTR means again, and what was consumed is read from the kernel's head
///  2. when the kernel is short of room (EBUSY, EAGAIN, ENOMEM) completions are reaped before the next try
///  3. a lost completion (EBADR) and every unexpected error is fatal, never ignored
///  4. it is never called without work: no submission, no wait, no pending kernel work, no call
///  5. a ring with a submitting thread is entered to wake that thread (it sleeps, and something waits for it), to wait for
///     room in a full queue, and to wait for completions; never to submit
///  6. a wait with a minimum has an end as well: without one the kernel would end it at the minimum
[<Struct; RequireQualifiedAccess>]
type EnterVerdict =
    /// Something was consumed or completed.
    | Progress
    /// Interrupted before anything happened: the same call again.
    | Again
    /// No room in the kernel: take completions first, then again.
    | ReapFirst
    /// Nothing came within the time given.
    | TimedOut
    /// The ring cannot go on.
    | Fatal

/// How to call io_uring_enter; see `EnterVerdict` for the laws.
[<RequireQualifiedAccess>]
module Enter =

    /// What the return value of io_uring_enter means.
    let verdict (result: int) =
        if not (Errno.isError result) then
            EnterVerdict.Progress
        else
            match Errno.ofResult result with
            | Errno.EINTR -> EnterVerdict.Again
            | Errno.EBUSY
            | Errno.EAGAIN
            | Errno.ENOMEM -> EnterVerdict.ReapFirst
            | Errno.ETIME -> EnterVerdict.TimedOut
            // An open set: any other errno is one we do not know how to survive.
            | _ -> EnterVerdict.Fatal

    /// True when the kernel holds completions that only io_uring_enter(GETEVENTS) can bring into the ring.
    let hasPendingWork (ring: SubmissionRingFlags) =
        uint32 (ring &&& (SubmissionRingFlags.Taskrun ||| SubmissionRingFlags.CompletionOverflow)) <> 0u

    /// True when the call would do something.
    let needed (unsubmitted: uint32) (waitFor: uint32) (ring: SubmissionRingFlags) =
        unsubmitted > 0u || waitFor > 0u || hasPendingWork ring

    /// GETEVENTS is what runs deferred work and flushes an overflow, so it is left out only when nothing can
    /// come of it: no wait, and a ring whose completions arrive by themselves.
    let flags (deferred: bool) (waitFor: uint32) (ring: SubmissionRingFlags) =
        if deferred || waitFor > 0u || hasPendingWork ring then
            EnterFlags.GetEvents
        else
            EnterFlags.None

    /// What to enter for when the kernel has a thread that takes submissions (SQPOLL): nothing, most of the time.
    let whenPolled (unsubmitted: uint32) (isFull: bool) (waitFor: uint32) (ring: SubmissionRingFlags) =
        let isAsleep = (ring &&& SubmissionRingFlags.NeedWakeup) <> SubmissionRingFlags.None
        let wakes = if unsubmitted > 0u && isAsleep then EnterFlags.WakeSubmitter else EnterFlags.None
        let waits = if isFull then EnterFlags.WaitForRoom else EnterFlags.None
        wakes ||| waits ||| flags false waitFor ring

    /// A year, in nanoseconds.
    let private longest = 31_536_000_000_000_000L

    /// How long to wait at most, in nanoseconds, for a wait of at least so many microseconds; negative: no bound.
    let limitOf (minimum: uint32) (limit: int64) = if minimum > 0u && limit < 0L then longest else limit
