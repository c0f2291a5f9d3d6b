// What each opcode does. Source: reference section 1, and the man page of each system call.
namespace Uring.Simulation.Kernel

open System
open Uring.Kernel
open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

[<Sealed>]
type internal Execution(machine: Machine) =
    inherit Executor()

    let world = machine.World
    let choices = world.Choices
    let timeline = world.Timeline
    let transfers = Transfers(world.Memory, world.Ledger)
    let messages = Messages world.Memory
    let fail (errno: Errno) = Errno.toResult errno

    let timespec (address: uint64) =
        let seconds = Mapped.read<int64>(nativeint address)
        let nanoseconds = Mapped.read<int64>(nativeint address + 8n)

        if seconds >= Int64.MaxValue / 1_000_000_000L then
            Int64.MaxValue
        else
            seconds * 1_000_000_000L + nanoseconds

    let files (ring: KernelRing) (descriptor: int) isFixed : OpenFile | null =
        if not isFixed then machine.Descriptors.Find descriptor
        elif descriptor >= 0 && descriptor < ring.Files.Length then ring.Files[descriptor]
        else null

    let cancel (ring: KernelRing) (request: KernelRequest) =
        let submission = request.Submission
        let byFile = (submission.OpFlags &&& OpFlags.CancelDescriptor) <> 0u
        let file = files ring submission.Fd ((submission.OpFlags &&& 8u) <> 0u)

        if byFile && isNull file then
            fail Errno.EBADF
        else
            Cancelling.perform ring choices request {
                Flags = submission.OpFlags
                UserData = submission.Address
                File = file
                Opcode = LanguagePrimitives.EnumOfValue(byte submission.Length)
            }

    /// Waits for its time; a multishot tells of it again and again.
    let await (request: KernelRequest) =
        request.Stage <- Stage.Armed

        request.Event <-
            timeline.After(
                request.Span,
                "timeout",
                fun () ->
                    request.Event <- null
                    request.Settle(fail Errno.ETIME)
            )

        Outcome.Parked

    let poll (ring: KernelRing) (request: KernelRequest) (file: OpenFile) =
        let always = PollEvents.Error ||| PollEvents.HangUp
        let asked: PollEvents = LanguagePrimitives.EnumOfValue request.Submission.OpFlags
        let found = file.Events &&& (asked ||| always)

        if found = PollEvents.None then
            Outcome.again
        elif (request.Submission.Length &&& OpFlags.PollMultishot) = 0u then
            int found
        elif ring.TryMore(request, int found, CqeFlags.None) then
            // Told once for each change, not for as long as it holds.
            Outcome.again
        else
            int found


    override _.Prepare(_, request) =
        match request.Opcode with
        | Opcode.Timeout
        | Opcode.LinkTimeout ->
            request.Span <- timespec request.Submission.Address
            request.Left <- int request.Submission.Offset
            0
        // An open set: nothing to copy.
        | _ -> 0

    override _.Resolve(ring, request) =
        match request.Opcode with
        | Opcode.Nop
        | Opcode.Timeout
        | Opcode.LinkTimeout
        | Opcode.Cancel
        | Opcode.Close
        | Opcode.MessageRing -> 0
        | _ ->
            match files ring request.Submission.Fd (request.Has SqeFlags.FixedFile) with
            | null -> fail Errno.EBADF
            | file ->
                file.Retain()
                request.File <- file
                0

    override _.NeedsWorker _ = false

    override _.Perform(ring, request) =
        let submission = request.Submission

        match request.Opcode, request.File with
        | Opcode.Nop, _ -> if (submission.OpFlags &&& 1u) <> 0u then int submission.Length else 0
        | Opcode.Timeout, _ -> await request
        | Opcode.Cancel, _ -> cancel ring request
        | Opcode.MessageRing, _ -> machine.Message submission
        | Opcode.Close, _ -> machine.Close submission.Fd
        | _, null -> fail Errno.EBADF
        | Opcode.Read, file
        | Opcode.ReadMultishot, file
        | Opcode.Receive, file -> transfers.Receive(ring, request, file)
        | Opcode.ReceiveMessage, file -> messages.Receive(ring, request, file)
        | Opcode.PollAdd, file -> poll ring request file
        | Opcode.Send, file when request.Has SqeFlags.BufferSelect ->
            transfers.SendBundle(ring, request, file)
        | Opcode.Send, file
        | Opcode.Write, file -> transfers.Send(request, file)
        // An open set: Strictness refuses what is unknown before it comes here.
        | _ -> fail Errno.EINVAL

    /// A machine that is ready to run programs.
    static member Boot(world: World, name: string) : Machine =
        let machine = Machine(world, name)

        machine.Issuing <-
            Issuing(Execution machine, world.Version, world.Timeline, world.Choices, world.Trace)

        machine
