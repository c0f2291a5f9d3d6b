// io_uring_register(2): what a ring is told about, and what it tells. Source: reference section 2.7.
namespace Uring.Simulation.Kernel

open System
open System.Buffers.Binary
open System.Numerics
open Uring.Kernel
open Uring.Model
open Uring.Simulation

[<Sealed>]
type internal Registering(machine: Machine) =

    let choices = machine.World.Choices
    let trace = machine.World.Trace
    let ledger = machine.World.Ledger
    let version = machine.Version

    let fail (errno: Errno) = Errno.toResult errno

    let probe (argument: Span<byte>) =
        let last = version.Backported |> Seq.map byte |> Seq.fold max (byte version.LastOpcode) |> int
        argument[0] <- byte last
        argument[1] <- byte (last + 1)

        for opcode in 0..last do
            let entry = argument.Slice(16 + opcode * 8, 8)
            entry[0] <- byte opcode
            entry[2] <- (if machine.Supports(LanguagePrimitives.EnumOfValue(byte opcode)) then 1uy else 0uy)

        0

    let registerGroup (ring: KernelRing) (argument: Span<byte>) =
        let address = BinaryPrimitives.ReadInt64LittleEndian argument
        let entries = BinaryPrimitives.ReadInt32LittleEndian(Span.op_Implicit (argument.Slice 8))
        let group = BinaryPrimitives.ReadUInt16LittleEndian(Span.op_Implicit (argument.Slice 12))
        let flags = BinaryPrimitives.ReadUInt16LittleEndian(Span.op_Implicit (argument.Slice 14))
        let incremental = (flags &&& OpFlags.IncrementalBuffers) <> 0us
        let knowsIncremental = KernelVersion.has FeatureFlags.MinimumTimeout version

        if address = 0L then
            fail Errno.EFAULT
        elif
            address % 4096L <> 0L
            || entries < 1
            || entries > 32768
            || not (BitOperations.IsPow2 entries)
            || (flags &&& ~~~OpFlags.IncrementalBuffers) <> 0us
            || (incremental && not knowsIncremental)
            || not (argument.Slice(20, 20).IndexOfAnyExcept 0uy < 0)
        then
            fail Errno.EINVAL
        elif ring.Groups.ContainsKey group then
            fail Errno.EEXIST
        elif not (machine.Charge(int64 entries * 16L)) then
            fail Errno.ENOMEM
        else
            let owners = Owners(ring.Lane, group, trace)
            ring.Groups[group] <- Group(owners, nativeint address, entries, incremental, ledger, choices)
            0

    let unregisterGroup (ring: KernelRing) (argument: Span<byte>) =
        let group = BinaryPrimitives.ReadUInt16LittleEndian(Span.op_Implicit (argument.Slice 12))

        if ring.Groups.Remove group then 0 else fail Errno.ENOENT

    let groupStatus (ring: KernelRing) (argument: Span<byte>) =
        let id = uint16 (BinaryPrimitives.ReadUInt32LittleEndian(Span.op_Implicit argument))

        match ring.Groups.TryGetValue id with
        | true, group ->
            BinaryPrimitives.WriteUInt32LittleEndian(argument.Slice 4, uint32 group.Head)
            0
        | _ -> fail Errno.ENOENT

    /// struct io_uring_rsrc_update, one of them: the place @0, the ring @8. Sixteen places for each thread.
    let registerDescriptor (argument: Span<byte>) =
        let ring = BinaryPrimitives.ReadInt32LittleEndian(Span.op_Implicit (argument.Slice 8))
        let isFree place = not (machine.Registered.ContainsKey(struct (machine.Thread, place)))

        match Seq.tryFind isFree (seq { 0..15 }) with
        | None -> fail Errno.EBUSY
        | Some place ->
            machine.Registered[struct (machine.Thread, place)] <- ring
            BinaryPrimitives.WriteInt32LittleEndian(argument, place)
            1

    let unregisterDescriptor (argument: Span<byte>) =
        let place = BinaryPrimitives.ReadInt32LittleEndian(Span.op_Implicit argument)
        if machine.Registered.Remove(struct (machine.Thread, place)) then 1 else 0

    /// struct io_uring_clock_register: CLOCK_MONOTONIC or CLOCK_BOOTTIME, which are one here.
    let setClock (argument: Span<byte>) =
        let clock = BinaryPrimitives.ReadInt32LittleEndian(Span.op_Implicit argument)
        if clock = 1 || clock = 7 then 0 else fail Errno.EINVAL

    /// struct io_uring_file_index_range: off @0, len @4, resv @8.
    let setFileRange (ring: KernelRing) (argument: Span<byte>) (count: uint32) =
        let first = BinaryPrimitives.ReadUInt32LittleEndian(Span.op_Implicit argument)
        let length = BinaryPrimitives.ReadUInt32LittleEndian(Span.op_Implicit (argument.Slice 4))

        if
            count <> 0u || BinaryPrimitives.ReadUInt64LittleEndian(Span.op_Implicit (argument.Slice 8)) <> 0UL
        then
            fail Errno.EINVAL
        elif uint64 first + uint64 length > uint64 UInt32.MaxValue then
            fail Errno.EOVERFLOW
        elif uint64 first + uint64 length > uint64 ring.Files.Length then
            fail Errno.EINVAL
        else
            ring.FileRange <- struct (int first, int (first + length))
            ring.FileHint <- int first
            0

    let signal (argument: Span<byte>) =
        let descriptor = BinaryPrimitives.ReadInt32LittleEndian(Span.op_Implicit argument)
        if isNull (machine.Descriptors.Find descriptor) then fail Errno.EBADF else 0

    /// One SQE without a ring: MSG_RING with data.
    member _.SendMessage(argument: Span<byte>) : int =
        let submission = Runtime.InteropServices.MemoryMarshal.Read<Submission>(Span.op_Implicit argument)

        if submission.Opcode <> Opcode.MessageRing then
            fail Errno.EINVAL
        else
            machine.Message(submission)

    /// On a ring.
    member _.On(ring: KernelRing, opcode: RegisterOpcode, argument: Span<byte>, count: uint32) : int =
        match opcode with
        | _ when not ring.IsDisabled && not (ring.Sandbox.AllowsRegistration opcode) -> fail Errno.EACCES
        | RegisterOpcode.Probe -> probe argument
        | RegisterOpcode.Restrictions ->
            if ring.IsDisabled then
                ring.Sandbox.Restrict(argument, int count, version.LastRegister)
            else
                fail Errno.EBADFD
        | RegisterOpcode.Personality -> ring.Sandbox.Remember()
        | RegisterOpcode.UnregisterPersonality -> ring.Sandbox.Forget count
        | RegisterOpcode.EnableRings ->
            if ring.IsDisabled then
                ring.IsDisabled <- false
                ring.Owner <- machine.Thread
                0
            else
                fail Errno.EBADFD
        | RegisterOpcode.Files ->
            let slots = BinaryPrimitives.ReadInt32LittleEndian(Span.op_Implicit argument)
            let isSparse = argument[4] = 1uy

            if count <> 32u || slots < 1 || not isSparse then
                fail Errno.EINVAL
            elif ring.Files.Length > 0 then
                fail Errno.EBUSY
            elif slots > machine.DescriptorLimit then
                fail Errno.EMFILE
            else
                ring.Files <- Array.zeroCreate slots
                0
        | RegisterOpcode.FileRange -> setFileRange ring argument count
        | RegisterOpcode.Buffers when KernelVersion.supports Opcode.Socket version ->
            Fixing.register ring argument count
        | RegisterOpcode.BuffersUpdate -> Fixing.update ring argument
        | RegisterOpcode.CloneBuffers ->
            let source = machine.RingOf(BinaryPrimitives.ReadInt32LittleEndian(Span.op_Implicit argument))
            Fixing.clone ring source argument (version.LastRegister >= int RegisterOpcode.SendMessage)
        // Where workers run and how devices are polled makes no difference here.
        | RegisterOpcode.WorkerLimits
        | RegisterOpcode.WorkerAffinity
        | RegisterOpcode.BusyPolling -> 0
        // Nobody is signalled: there are no descriptors of eventfd(2).
        | RegisterOpcode.EventDescriptor -> signal argument
        | RegisterOpcode.Clock -> setClock argument
        | RegisterOpcode.RingDescriptors -> registerDescriptor argument
        | RegisterOpcode.UnregisterRingDescriptors -> unregisterDescriptor argument
        | RegisterOpcode.BufferRing -> registerGroup ring argument
        | RegisterOpcode.UnregisterBufferRing -> unregisterGroup ring argument
        | RegisterOpcode.BufferRingStatus -> groupStatus ring argument
        // An open set: what the simulation does not know, it refuses as an old kernel would.
        | _ -> fail Errno.EINVAL
