// Decides what a sandboxed ring is told to refuse: what its maker allows, and what the library itself cannot do without.
// Makes no call. Tested in RestrictionLaws.fs; driven by Driver/Registration.fs. Source: man io_uring_register(2),
// IORING_REGISTER_RESTRICTIONS.
namespace Uring.Model

/// What a ring may still do once it is enabled. The kernel keeps to it, whoever has the ring's descriptor.
type Restriction = {
    /// Operations that may be submitted.
    Opcodes: Opcode Set
    /// Flags that a submission may carry.
    Flags: SqeFlags
    /// What may be registered.
    Registrations: RegisterOpcode Set
}

/// The rules of sandboxed rings.
///
/// Laws
///  1. what the library itself submits and registers is allowed, whatever else is
///  2. everything else that is allowed was asked for, or belongs to it
///  3. the entries that the kernel gets say this, and nothing twice
///  4. a kernel that does not know the newest registration (EINVAL) is asked without it, and never without an operation
///
/// Flags can be forbidden and not required: the library's own cancels and closes would have to carry what is required, and
/// closing with FIXED_FILE is refused.
[<RequireQualifiedAccess>]
module Restriction =

    /// To make the first worker, to cancel, to give descriptors back.
    let private ownOpcodes = Set.ofList [ Opcode.Nop; Opcode.Cancel; Opcode.Close ]

    /// The first worker is made by an operation that is forced on one.
    let private ownFlags = SqeFlags.Async

    let private ownRegistrations =
        Set.ofList [
            RegisterOpcode.EventDescriptor
            RegisterOpcode.Files
            RegisterOpcode.Buffers
            RegisterOpcode.BuffersUpdate
            RegisterOpcode.CloneBuffers
            RegisterOpcode.WorkerAffinity
            RegisterOpcode.WorkerLimits
            RegisterOpcode.RingDescriptors
            RegisterOpcode.UnregisterRingDescriptors
            RegisterOpcode.BufferRing
            RegisterOpcode.UnregisterBufferRing
            RegisterOpcode.CancelAndWait
            RegisterOpcode.FileRange
            RegisterOpcode.BufferRingStatus
            RegisterOpcode.BusyPolling
            RegisterOpcode.Clock
        ]

    /// What ends an operation in a hurry: a connection that still holds memory is dropped by connecting it to nowhere.
    let private belongingTo opcode =
        match opcode with
        | Opcode.SendZeroCopy
        | Opcode.SendMessageZeroCopy -> [ Opcode.Connect ]
        // An open set: a cancel is enough.
        | _ -> []

    /// With what the library needs.
    let complete (asked: Restriction) = {
        Opcodes =
            asked.Opcodes
            |> Set.union ownOpcodes
            |> Set.union (asked.Opcodes |> Seq.collect belongingTo |> Set.ofSeq)
        Flags = asked.Flags ||| ownFlags
        Registrations = Set.union asked.Registrations ownRegistrations
    }

    /// Only these operations, with any flag; buffer pools and tables can be registered, and no more.
    let only (opcodes: Opcode seq) = {
        Opcodes = Set.ofSeq opcodes
        Flags = LanguagePrimitives.EnumOfValue 0x7fuy
        Registrations = Set.empty
    }

    /// The ring refuses this operation.
    let forbids (restriction: Restriction voption) (opcode: Opcode) =
        match restriction with
        | ValueNone -> false
        | ValueSome asked -> not ((complete asked).Opcodes.Contains opcode)

    /// struct io_uring_restriction: of which sort @0 (two bytes), what is allowed @2.
    let private entry (sort: byte) (allowed: byte) = [|
        sort
        0uy
        allowed
        yield! Array.zeroCreate<byte> 13
    |]

    /// An array of struct io_uring_restriction, 16 bytes each: everything that is allowed.
    let entries (restriction: Restriction) =
        Array.concat [
            for registration in restriction.Registrations do
                entry 0uy (byte registration)

            for opcode in restriction.Opcodes do
                entry 1uy (byte opcode)

            entry 2uy (byte restriction.Flags)
        ]

    /// After a refusal: without the newest registration. Older kernels lack the newest ones, and so need not forbid them.
    let older (restriction: Restriction) (errno: Errno) : Restriction voption =
        if errno <> Errno.EINVAL || restriction.Registrations.IsEmpty then
            ValueNone
        else
            let newest = restriction.Registrations.MaximumElement

            ValueSome { restriction with Registrations = restriction.Registrations.Remove newest }
