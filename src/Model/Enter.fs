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
