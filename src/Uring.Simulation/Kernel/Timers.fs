// What waits for its time, and what changes that. Source: man io_uring_prep_timeout(3), io_uring_prep_timeout_update(3).
namespace Uring.Simulation.Kernel

open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

[<Sealed>]
type internal Timers(timeline: Timeline, choices: Choices) =

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

    /// TIMEOUT.
    member _.Await(ring: KernelRing, request: KernelRequest) : int =
        await ring request
        Outcome.Parked

    /// TIMEOUT_REMOVE: ends it, or gives it another time.
    member _.Remove(ring: KernelRing, request: KernelRequest) : int =
        let flags = request.Submission.OpFlags

        match ring.Find(Opcode.Timeout, request.Submission.Address) with
        | ValueSome target when target.Stage = Stage.Armed && flags = 0u -> Cancelling.stop choices target
        | ValueSome target when target.Stage = Stage.Armed ->
            target.Disarm()
            target.Span <- request.Span
            target.IsDeadline <- request.IsDeadline

            await ring target

            0
        | _ -> Errno.toResult Errno.ENOENT
