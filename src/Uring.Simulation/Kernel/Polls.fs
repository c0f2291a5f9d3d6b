// What waits for events, and what changes which. Source: man io_uring_prep_poll_add(3), io_uring_prep_poll_update(3).
namespace Uring.Simulation.Kernel

open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

[<RequireQualifiedAccess>]
module internal Polls =

    /// POLL_ADD.
    let perform (ring: KernelRing) (request: KernelRequest) (file: OpenFile) : int =
        // Told whether asked for or not.
        let always = PollEvents.Error ||| PollEvents.HangUp ||| PollEvents.ReadHangUp
        let asked: PollEvents = LanguagePrimitives.EnumOfValue request.Asked
        // What woke it is told, and nothing else, though that may be over by now, and more may be true.
        let now = file.Events &&& (asked ||| always)
        let found = if request.Heard <> PollEvents.None then request.Heard else now

        if found = PollEvents.None then
            Outcome.again
        elif (request.Submission.Length &&& OpFlags.PollMultishot) = 0u || not file.CanPoll then
            int found
        elif ring.TryMore(request, int found, CqeFlags.None) then
            // Told once for each change, not for as long as it holds.
            Outcome.again
        else
            int found

    /// POLL_REMOVE: ends it, or gives it other events. What is there of these is told at once.
    let remove (choices: Choices) (ring: KernelRing) (request: KernelRequest) : int =
        match ring.Find(Opcode.PollAdd, request.Submission.Address) with
        | ValueNone -> Errno.toResult Errno.ENOENT
        | ValueSome target when target.Stage <> Stage.Armed -> Errno.toResult Errno.EALREADY
        | ValueSome target when request.Submission.Length = 0u -> Cancelling.stop choices target
        | ValueSome target ->
            target.Asked <- request.Submission.OpFlags &&& 0xffffu
            target.Unqueue()
            target.PollFirst <- false
            target.Heard <- PollEvents.None
            target.Continue()
            0
