// What waits for its time, and what changes that. Source: man io_uring_prep_timeout(3), io_uring_prep_timeout_update(3).
namespace Uring.Simulation.Kernel

open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

[<Sealed>]
type internal Timers(timeline: Timeline, choices: Choices, clocks: Clocks) =

    let etime = Errno.toResult Errno.ETIME

    /// Waits for its time; a multishot tells of it again and again, as often as it was asked to (0: for ever).
    let rec await (ring: KernelRing) (request: KernelRequest) =
        let isMultishot = (request.Submission.OpFlags &&& OpFlags.TimeoutMultishot) <> 0u

        let tick () =
            request.Event <- null
            request.Left <- request.Left - 1
            let isLast = not isMultishot || request.Left = 0

            if isLast || not (ring.TryMore(request, etime, CqeFlags.None)) then
                request.Settle etime
            else
                await ring request

        request.Stage <- Stage.Armed
        request.Event <- timeline.After(request.Wait timeline.Now, "timeout", tick)

    /// The time that it is given, by the clock that it has.
    let retime (target: KernelRequest) (change: KernelRequest) =
        target.Disarm()
        target.IsDeadline <- change.IsDeadline

        target.Span <-
            if change.IsDeadline then
                clocks.SinceStart(target.Submission.OpFlags, change.Span)
            else
                change.Span

    /// TIMEOUT.
    member _.Await(ring: KernelRing, request: KernelRequest) : int =
        await ring request
        let isMultishot = (request.Submission.OpFlags &&& OpFlags.TimeoutMultishot) <> 0u
        if request.Left > 0 && not isMultishot then ring.Count request
        Outcome.Parked

    /// TIMEOUT_REMOVE: ends it, or gives it another time.
    member _.Remove(ring: KernelRing, request: KernelRequest) : int =
        let flags = request.Submission.OpFlags

        let isChange = (flags &&& OpFlags.TimeoutChange) <> 0u
        // What is only said to be of a link timeout is no change, and the flag means nothing (6.18).
        let isLink = isChange && (flags &&& OpFlags.LinkTimeoutChange) <> 0u

        match
            ring.Find((if isLink then Opcode.LinkTimeout else Opcode.Timeout), request.Submission.Address)
        with
        | ValueSome target when target.Stage = Stage.Armed && not isChange -> Cancelling.stop choices target
        | ValueSome target when target.Stage = Stage.Armed && isLink ->
            retime target request

            target.Event <-
                timeline.After(
                    target.Wait timeline.Now,
                    "link timeout",
                    fun () ->
                        target.Event <- null
                        target.Continue()
                )

            0
        | ValueSome target when target.Stage = Stage.Armed ->
            retime target request
            // It counts nothing any more: completions, or how often.
            target.Left <- 0
            ring.Uncount target
            await ring target
            0
        | _ -> Errno.toResult Errno.ENOENT
