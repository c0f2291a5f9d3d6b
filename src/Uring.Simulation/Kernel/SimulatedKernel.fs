// The kernel behind the seam: set-up, enter, register, memory. It reads the SQE bytes that the program wrote and writes
// the CQE bytes that the program reads. Source: reference sections 2.2, 2.7, 4.1 to 4.5.
namespace Uring.Simulation.Kernel

open System
open System.Buffers.Binary
open Uring.Kernel
open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

/// A ring's thread waits, and nothing will ever happen.
[<Sealed>]
type internal StuckException(message: string) =
    inherit Exception(message)

[<Sealed>]
type internal SimulatedKernel(machine: Machine, patience: Patience) =

    let timeline = machine.World.Timeline
    let choices = machine.World.Choices
    let trace = machine.World.Trace
    let memory = machine.World.Memory
    let version = machine.Version
    let setUp = SetUp machine
    let registering = Registering machine
    let rings = ResizeArray<KernelRing>()

    let fail (errno: Errno) = Errno.toResult errno

    let ringOf (descriptor: int) : KernelRing | null =
        match machine.Descriptors.Find descriptor with
        | :? KernelRing as ring -> ring
        | _ -> null

    /// The ring's number, or its place in the thread's own table.
    let descriptorOf (ring: int) (flags: EnterFlags) =
        if (flags &&& EnterFlags.RegisteredRing) = EnterFlags.None then
            ring
        else
            match machine.Registered.TryGetValue(struct (machine.Thread, ring)) with
            | true, descriptor -> descriptor
            | _ -> -1

    // ---- enter

    let owns (ring: KernelRing) = not (ring.Has SetupFlags.SingleIssuer) || ring.Owner = machine.Thread

    /// What a signal, a full kernel or a short batch does to one call. 0 when nothing.
    let interrupted (toSubmit: uint32) (minComplete: uint32) =
        if not (choices.Strikes Fault.Interrupted) then
            0
        elif toSubmit = 0u then
            if minComplete > 0u then fail Errno.EINTR else 0
        else
            match choices.Pick 3 with
            | 0 -> fail Errno.EAGAIN
            | 1 -> fail Errno.EBUSY
            | _ -> fail Errno.EINTR

    /// Time passes until enough has come, or nothing more can.
    let rec wait (ring: KernelRing) (minComplete: uint32) (deadline: int64) : int =
        let works = ring.HasTasks
        machine.Issuing.Run(ring, int minComplete, max 20 (int minComplete))
        if works then patience.Worked()
        ring.Completions.Flush()

        if ring.Completions.Ready < minComplete then
            ring.LetGo()
            machine.Descriptors.Flush()

        if ring.Completions.Ready >= minComplete then
            0
        elif ring.HasTasks || timeline.TryStep() || patience.Pass deadline then
            wait ring minComplete deadline
        elif deadline < Int64.MaxValue then
            if ring.Completions.Ready > 0u then 0 else fail Errno.ETIME
        else
            raise (
                StuckException(
                    $"ring {ring.Number} waits for {minComplete} completions, and nothing will ever complete"
                )
            )

    /// As `wait`, and one completion is enough once `minimum` microseconds have passed.
    let waitAtLeast (ring: KernelRing) (minComplete: uint32) (timeout: int64) (minimum: uint32) : int =
        let deadline = if timeout < 0L then Int64.MaxValue else timeline.Now + timeout
        let early = timeline.Now + int64 minimum * 1000L

        if minimum = 0u || early >= deadline then
            wait ring minComplete deadline
        else
            let result = wait ring minComplete early
            if result = 0 then 0 else wait ring (min minComplete 1u) deadline

    /// A thread of the kernel submits: it is woken, or waited for.
    let enterPolled (ring: KernelRing) toSubmit minComplete (flags: EnterFlags) timeout minimum =
        ring.Completions.Look()

        if (flags &&& EnterFlags.WakeSubmitter) <> EnterFlags.None then
            let there = ring.Submittable
            trace.Entered(ring.Lane, machine.Issuing.Submit(ring, there), there)

        let waited =
            if (flags &&& EnterFlags.GetEvents) = EnterFlags.None then
                0
            else
                match interrupted 0u minComplete with
                | 0 -> waitAtLeast ring minComplete timeout minimum
                | errno -> errno

        if toSubmit > 0u then int toSubmit else waited

    let enter
        (ring: KernelRing)
        (toSubmit: uint32)
        (minComplete: uint32)
        (flags: EnterFlags)
        (timeout: int64)
        (minimum: uint32)
        =
        let getsEvents = (flags &&& EnterFlags.GetEvents) <> EnterFlags.None

        if ring.IsDisabled then
            fail Errno.EBADFD
        elif not (owns ring) && (toSubmit > 0u || (getsEvents && ring.IsDeferred)) then
            fail Errno.EEXIST
        elif machine.IsKilled || choices.Strikes Fault.Killed then
            machine.IsKilled <- true
            // EOWNERDEAD.
            -130
        elif ring.IsPolled then
            enterPolled ring toSubmit minComplete flags timeout minimum
        else
            match interrupted toSubmit minComplete with
            | 0 ->
                ring.Completions.Look()
                // The kernel may stop in the middle of a batch.
                let count =
                    if toSubmit > 1u && choices.Strikes Fault.Interrupted then
                        uint32 (choices.Between(1, int toSubmit - 1))
                    else
                        toSubmit

                let consumed = machine.Issuing.Submit(ring, count)
                trace.Entered(ring.Lane, consumed, toSubmit)

                // A batch that was not taken whole is told at once.
                if uint32 consumed < toSubmit then
                    consumed
                elif getsEvents then
                    // A deferred ring runs task work behind the batch, and again before it waits (measured on 6.18:
                    // docs/kernel-findings.md): two steps of a chain come before a file that was closed is let go of.
                    if ring.IsDeferred && toSubmit > 0u then
                        machine.Issuing.Run(ring, int minComplete, max 20 (int minComplete))

                    if consumed > 0 then patience.Worked()
                    let waited = waitAtLeast ring minComplete timeout minimum
                    if consumed > 0 then consumed else waited
                else
                    // Completions of a ring without deferred work come at any entry.
                    if not ring.IsDeferred then machine.Issuing.Run(ring, 20, 20)
                    consumed
            | errno -> errno

    /// Ends what a synchronous cancel names. Time passes until a worker that has it is through, or the time is over.
    let cancelAndWait (ring: KernelRing) (argument: Span<byte>) : int =
        let rec stop wanted deadline isFirst =
            match Cancelling.perform ring choices null wanted with
            | result when result <> fail Errno.EALREADY ->
                if not isFirst && (result = fail Errno.ENOENT || result > 0) then 0 else result
            | _ when timeline.TryStep() || patience.Pass deadline -> stop wanted deadline false
            | _ -> fail Errno.ETIME

        match Cancelling.ofArgument machine.Descriptors.Find argument with
        | Error errno -> fail errno
        | Ok wanted ->
            let limit = Cancelling.limitOf argument
            let result = stop wanted (if limit < 0L then Int64.MaxValue else timeline.Now + limit) true
            ring.Follow()
            result

    /// What the kernel still needs of this memory.
    let inUse (address: nativeint) (length: unativeint) : string | null =
        let area = Area(address, length)

        let uses (ring: KernelRing) : string | null =
            let group =
                ring.Groups.Values
                |> Seq.tryFind (fun group -> area.Overlaps(group.Address, nativeint group.Length))

            let request =
                ring.InFlight
                |> Seq.tryFind (fun request ->
                    Strictness.hasMemory request.Opcode
                    && area.Overlaps(
                        nativeint request.Submission.Address,
                        nativeint request.Submission.Length
                    ))

            let isOwn =
                area.Overlaps(ring.Plan.Rings, nativeint ring.Plan.RingsLength) && ring.InFlight.Count > 0

            match group, request with
            | _ when isOwn -> $"ring {ring.Number}, with {ring.InFlight.Count} operations in flight"
            | Some group, _ -> $"buffer group {group.Id} of ring {ring.Number}"
            | None, Some request -> $"{request.Opcode} on ring {ring.Number}"
            | None, None -> null

        rings
        |> Seq.filter (fun ring -> not ring.IsClosed)
        |> Seq.map uses
        |> Seq.tryFind (isNull >> not)
        |> Option.defaultValue null

    let onSocket
        (descriptor: int)
        (ask: SocketFile -> Result<byte array, Errno>)
        : Result<byte array, Errno> =
        match machine.Descriptors.Find descriptor with
        | null -> Error Errno.EBADF
        | :? SocketFile as socket -> ask socket
        | _ -> Error Errno.ENOTSOCK

    /// As getsockname(2) and getsockopt(2) answer: as much as there is room for.
    static member private Copy(answer: Result<byte array, Errno>, target: Span<byte>) : int =
        match answer with
        | Error errno -> Errno.toResult errno
        | Ok bytes ->
            bytes.AsSpan(0, min bytes.Length target.Length).CopyTo target
            bytes.Length

    /// For a simulation on one thread.
    new(machine: Machine) = SimulatedKernel(machine, JumpingTime machine.World.Timeline)

    member _.Machine = machine

    interface IKernel with

        member _.Setup(entries, parameters) =
            let made = setUp.Make(entries, &parameters)

            match ringOf made with
            | null -> ()
            | ring -> rings.Add ring

            made

        member _.Enter(ring, toSubmit, minComplete, flags, timeout, minimum) =
            match ringOf (descriptorOf ring flags) with
            | null -> fail Errno.EBADF
            | ring ->
                let result = enter ring toSubmit minComplete flags timeout minimum
                ring.LetGo()
                machine.Descriptors.Flush()
                result

        member _.Register(ring, opcode, argument, count) =
            if int opcode > version.LastRegister then
                fail Errno.EINVAL
            elif ring = -1 then
                if opcode = RegisterOpcode.SendMessage then
                    registering.SendMessage argument
                else
                    fail Errno.EINVAL
            else
                match ringOf ring with
                | null -> fail Errno.EBADF
                | ring when not ring.IsDisabled && not (owns ring) -> fail Errno.EEXIST
                | ring when opcode = RegisterOpcode.CancelAndWait && ring.Sandbox.AllowsRegistration opcode ->
                    if count = 1u then cancelAndWait ring argument else fail Errno.EINVAL
                | ring -> registering.On(ring, opcode, argument, count)

        member _.Map(ring, length, offset) =
            match ringOf ring with
            | null -> nativeint (fail Errno.EBADF)
            | ring when offset = 0L && length <= ring.Plan.RingsLength -> ring.Plan.Rings
            | ring when offset = 0x10000000L && length <= ring.Plan.SubmissionsLength -> ring.Plan.Submissions
            | _ -> nativeint (fail Errno.EINVAL)

        member _.Allocate(length, kind) = memory.Allocate(length, kind)
        member _.Mirror(address, length) = memory.Mirror(address, length)

        member _.Protect(address, length, accessible) =
            LinuxKernel.Instance.Protect(address, length, accessible)

        member _.Unmap(address, length) = memory.Unmap(address, length, inUse address length)

        // Not on the simulated machine, which has neither processes nor watches.
        member _.Notify() = fail Errno.ENOSYS
        member _.Watch(_, _, _) = fail Errno.ENOSYS
        member _.Unwatch(_, _) = fail Errno.ENOSYS
        member _.OpenProcess _ = fail Errno.ENOSYS
        member _.Signal(_, _) = fail Errno.ENOSYS
        member _.SignalMany(_, _) = fail Errno.ENOSYS

        member _.SocketName(descriptor, ofPeer, address) =
            let answer =
                onSocket descriptor (fun socket ->
                    match socket.Address ofPeer with
                    | [||] -> Error(if ofPeer then Errno.ENOTCONN else Errno.EINVAL)
                    | name -> Ok name)

            SimulatedKernel.Copy(answer, address)

        member _.GetSocketOption(descriptor, level, name, value) =
            let answer = onSocket descriptor (SocketCommands.get level name >> Ok)
            SimulatedKernel.Copy(answer, value)

        member _.SetSocketOption(descriptor, level, name, value) =
            let bytes = value.ToArray()

            let answer =
                onSocket descriptor (fun socket ->
                    match SocketCommands.set level name bytes socket with
                    | 0 -> Ok [||]
                    | errno -> Error(Errno.ofResult errno))

            SimulatedKernel.Copy(answer, Span.Empty)

        member _.Duplicate descriptor =
            match machine.Descriptors.Find descriptor with
            | null -> fail Errno.EBADF
            | file ->
                file.Retain()
                machine.Descriptors.Add file

        member _.OpenedAs descriptor =
            match machine.Descriptors.Find descriptor with
            | null -> fail Errno.EBADF
            | :? PathFile -> 0o10000000
            | file when file.MayRead && file.MayWrite -> 2
            | file -> if file.MayWrite then 1 else 0

        member _.ModeOf descriptor =
            match machine.Descriptors.Find descriptor with
            | null -> fail Errno.EBADF
            | file -> Naming.modeOf machine file

        member _.Pipe(ends, flags) =
            // O_CLOEXEC is all that is simulated.
            if (flags &&& ~~~0o2000000u) <> 0u then
                fail Errno.EINVAL
            else
                match machine.MakePipe() with
                | Error errno -> fail errno
                | Ok(struct (reader, writer)) ->
                    BinaryPrimitives.WriteInt32LittleEndian(ends, reader)
                    BinaryPrimitives.WriteInt32LittleEndian(ends.Slice 4, writer)
                    0

        member _.Truncate(descriptor, length) =
            match machine.Descriptors.Find descriptor with
            | null -> fail Errno.EBADF
            | file -> Disk.truncate file length

        member _.Bind(descriptor, address) =
            let address = address.ToArray()

            match machine.Descriptors.Find descriptor with
            | null -> fail Errno.EBADF
            | :? SocketFile as socket -> socket.Bind address
            | _ -> fail Errno.ENOTSOCK

        member _.Listen(descriptor, backlog) =
            match machine.Descriptors.Find descriptor with
            | null -> fail Errno.EBADF
            | :? SocketFile as socket -> socket.Listen backlog
            | _ -> fail Errno.ENOTSOCK

        member _.Close descriptor =
            // The collector closes what the program has lost, whenever it likes: that would make a run another, and the
            // descriptor is lost all the same (Rule.Leaked).
            if patience.IsSimulated then machine.Close(descriptor, false) else 0
