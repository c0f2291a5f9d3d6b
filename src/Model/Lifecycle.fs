// Decides when an operation is over, who hears of it and when its memory may go. Knows no buffer and no waiter.
// Tested in LifecycleLaws.fs; Driver/SlotTable.fs keeps one `Lifecycle` per slot and performs the verdicts.
namespace Uring.Model

open System.Runtime.CompilerServices

/// Where an operation stands.
///
///   Free --queued--> Queued --published--> InFlight --CQE--> Free
///                      | cancel               |  CQE + MORE (multishot)
///                      v                      +-----------> Streaming --CQE--> Free
///                     Free                    |  CQE + MORE (zero copy)
///                                             +-----------> Notifying --NOTIF--> Free
///   InFlight, Streaming --cancel--> Cancelling: the same ends, no second cancel
///
/// Laws
///  1. every operation that was queued ends exactly once
///  2. what the operation holds is released exactly once: at its end, never before its last CQE and its promised
///     notification
///  3. a caller hears exactly one final result, and nothing after it
///  4. the kernel is asked to cancel once, and again only when it did not find the operation (see `MissedCancel`);
///     asking ends nothing, and only what never reached the kernel is withdrawn
///  5. after abandonment nothing is delivered: everything that still comes is discarded
///  6. a completion that fits no operation is a violation and changes nothing
///  7. after its end nothing may come but the notification of a zero-copy send that never began, which is ignored
[<Struct; RequireQualifiedAccess>]
type Phase =
    /// No operation.
    | Free
    /// Waiting for room in the submission queue: the kernel cannot have seen it.
    | Queued
    /// In the submission queue or in the kernel.
    | InFlight
    /// A multishot that has delivered and will deliver more.
    | Streaming
    /// The kernel was asked to end it.
    | Cancelling
    /// The result is out; the kernel still reads the buffer.
    | Notifying

/// How many completions an operation has.
[<Struct; RequireQualifiedAccess>]
type Shape =
    /// One.
    | Single
    /// Many, until one comes without MORE.
    | Multishot
    /// A result and, if that says MORE, a notification.
    | ZeroCopy

/// What the caller has to do next.
[<Struct; RequireQualifiedAccess>]
type Verdict =
    /// Give the result to the caller; more will come.
    | Deliver
    /// Give the result to the caller, release what the operation holds, free the slot.
    | Finish
    /// Give the result to the caller; keep the memory until the notification.
    | FinishButHold
    /// Release what the operation holds and free the slot; the caller has had its result.
    | Release
    /// Undo the result (close the descriptor, return the buffer): nobody wants it. More will come.
    | Discard
    /// Undo the result if there is one, release what the operation holds, free the slot. Told of a cancel: take it out
    /// of our own queue, like `Withdraw`.
    | DiscardAndRelease
    /// Submit a cancel request.
    | AskKernel
    /// Take it out of our own queue: end it as cancelled. The kernel never saw it.
    | Withdraw
    /// Nothing to do.
    | Ignore
    /// The event fits no operation here.
    | Violation

/// One operation's whole state, as a value.
[<Struct>]
type Lifecycle = {
    Phase: Phase
    Shape: Shape
    /// Nobody waits for what comes.
    Abandoned: bool
}

/// The transitions of an operation; see `Phase` for the diagram and the laws.
[<RequireQualifiedAccess>]
module Lifecycle =

    /// Nobody lives in the slot.
    let free = { Phase = Phase.Free; Shape = Shape.Single; Abandoned = false }

    /// An operation takes the slot.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let queued shape lifecycle =
        match lifecycle.Phase with
        | Phase.Free -> struct ({ Phase = Phase.Queued; Shape = shape; Abandoned = false }, Verdict.Ignore)
        | Phase.Queued
        | Phase.InFlight
        | Phase.Streaming
        | Phase.Cancelling
        | Phase.Notifying -> struct (lifecycle, Verdict.Violation)

    /// Its SQE is in the ring: from now on the kernel may have seen it.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let published lifecycle =
        match lifecycle.Phase with
        | Phase.Queued -> struct ({ lifecycle with Phase = Phase.InFlight }, Verdict.Ignore)
        | Phase.Free
        | Phase.InFlight
        | Phase.Streaming
        | Phase.Cancelling
        | Phase.Notifying -> struct (lifecycle, Verdict.Violation)

    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let private ended lifecycle heard unheard =
        struct (free, (if lifecycle.Abandoned then unheard else heard))

    /// A completion that carries a result came.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let private result more lifecycle =
        match lifecycle.Shape with
        | Shape.Single when more -> struct (lifecycle, Verdict.Violation)
        | Shape.Multishot when more ->
            let phase =
                match lifecycle.Phase with
                | Phase.InFlight -> Phase.Streaming
                | Phase.Free
                | Phase.Queued
                | Phase.Streaming
                | Phase.Cancelling
                | Phase.Notifying -> lifecycle.Phase

            struct ({ lifecycle with Phase = phase },
                    (if lifecycle.Abandoned then Verdict.Discard else Verdict.Deliver))
        | Shape.ZeroCopy when more ->
            struct ({ lifecycle with Phase = Phase.Notifying },
                    (if lifecycle.Abandoned then Verdict.Discard else Verdict.FinishButHold))
        | Shape.Single
        | Shape.Multishot
        | Shape.ZeroCopy -> ended lifecycle Verdict.Finish Verdict.DiscardAndRelease

    /// A completion came: `more` is F_MORE, `notification` is F_NOTIF.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let completed more notification lifecycle =
        match lifecycle.Phase with
        | Phase.Free
        | Phase.Queued -> struct (lifecycle, Verdict.Violation)
        | Phase.Notifying when notification && not more -> struct (free, Verdict.Release)
        | Phase.Notifying -> struct (lifecycle, Verdict.Violation)
        | Phase.InFlight
        | Phase.Streaming
        | Phase.Cancelling when notification -> struct (lifecycle, Verdict.Violation)
        | Phase.InFlight
        | Phase.Streaming
        | Phase.Cancelling -> result more lifecycle

    /// A completion came when the operation was over. A zero-copy send whose chain was broken before it began is told so
    /// without MORE, and notifies all the same (6.18).
    let late notification = if notification then Verdict.Ignore else Verdict.Violation

    /// Somebody wants it to end.
    let cancelled lifecycle =
        match lifecycle.Phase with
        | Phase.Queued -> ended lifecycle Verdict.Withdraw Verdict.DiscardAndRelease
        | Phase.InFlight
        | Phase.Streaming -> struct ({ lifecycle with Phase = Phase.Cancelling }, Verdict.AskKernel)
        | Phase.Free
        | Phase.Cancelling
        | Phase.Notifying -> struct (lifecycle, Verdict.Ignore)

    /// The kernel did not find what it was asked to cancel; `MissedCancel` says why that can be.
    let missed lifecycle =
        match lifecycle.Phase with
        | Phase.Cancelling -> struct (lifecycle, Verdict.AskKernel)
        | Phase.Free
        | Phase.Queued
        | Phase.InFlight
        | Phase.Streaming
        | Phase.Notifying -> struct (lifecycle, Verdict.Ignore)

    /// Nobody waits any more. Follow with `cancelled` to end it soon.
    let abandoned lifecycle =
        match lifecycle.Phase with
        | Phase.Free -> lifecycle
        | Phase.Queued
        | Phase.InFlight
        | Phase.Streaming
        | Phase.Cancelling
        | Phase.Notifying -> { lifecycle with Abandoned = true }
