// Refuses what Linux refuses when it prepares a submission: unknown flags, fields that the opcode does not read and that
// are not zero, forms that this kernel version does not have. Source: reference sections 1.1 and 1.2.
namespace Uring.Simulation.Kernel

open Uring.Model
open Uring.Simulation

[<RequireQualifiedAccess>]
module internal Strictness =

    /// Why the simulation cannot do it, which then has it not in its probe; nothing when it can.
    let absence (opcode: Opcode) : string voption =
        match opcode with
        | Opcode.EpollControl
        | Opcode.EpollWait -> ValueSome "the machine has no epoll"
        | Opcode.WaitId -> ValueSome "the machine has no processes"
        | Opcode.ProvideBuffers
        | Opcode.RemoveBuffers -> ValueSome "buffers come from buffer rings alone"
        | Opcode.ReceiveZeroCopy -> ValueSome "the machine has no network card"
        // An open set: the rest of the table.
        | other ->
            match Catalogue.tryFind other with
            | ValueSome _ -> ValueNone
            | ValueNone -> ValueSome "newer than the table"

    /// The simulation can do it.
    let knows (opcode: Opcode) = ValueOption.isNone (absence opcode)

    /// `Address` and `Length` are memory that the kernel reads or writes until the last completion.
    let hasMemory (opcode: Opcode) =
        match Catalogue.tryFind opcode with
        | ValueSome row -> row.Transfers
        | ValueNone -> false

    /// It has memory that the kernel only reads, and that the program may not change before the end.
    let isRead (opcode: Opcode) = Catalogue.flow opcode = Flow.Out

    let private selectsBuffers (opcode: Opcode) version =
        match Catalogue.tryFind opcode with
        | ValueSome row when opcode = Opcode.Send ->
            row.Groups <> "" && KernelVersion.has FeatureFlags.Bundle version
        // Linux takes one vector then, and its length: not simulated.
        | ValueSome _ when opcode = Opcode.ReadVector -> false
        | ValueSome row -> row.Groups <> ""
        | ValueNone -> false

    /// Flags in `Priority` that this version knows.
    let private priorities (opcode: Opcode) version : uint16 =
        let when' feature (bits: uint16) = if KernelVersion.has feature version then bits else 0us

        // 5.19, as SOCKET.
        let pollFirst = if KernelVersion.supports Opcode.Socket version then OpFlags.PollFirst else 0us

        match opcode with
        | Opcode.Accept when KernelVersion.supports Opcode.Socket version ->
            OpFlags.AcceptMultishot
            ||| when' FeatureFlags.Bundle (OpFlags.AcceptDontWait ||| OpFlags.AcceptPollFirst)
        | Opcode.Send
        | Opcode.Receive ->
            pollFirst
            ||| (if opcode = Opcode.Receive && KernelVersion.supports Opcode.SendZeroCopy version then
                     0x2us
                 else
                     0us)
            ||| when' FeatureFlags.Bundle 0x10us
        | Opcode.ReceiveMessage when KernelVersion.supports Opcode.SendZeroCopy version -> 0x3us
        | Opcode.ReceiveMessage -> pollFirst
        | Opcode.SendMessage -> pollFirst
        // REPORT_USAGE is of 6.2, which the feature of 6.3 stands for; messages in registered buffers are of 6.15.
        | Opcode.SendZeroCopy -> 0x5us ||| when' FeatureFlags.RegisteredRing OpFlags.ReportUsage
        | Opcode.SendMessageZeroCopy ->
            0x1us
            ||| when' FeatureFlags.RegisteredRing OpFlags.ReportUsage
            ||| (if KernelVersion.supports Opcode.ReadVectorFixed version then OpFlags.FixedBuffer else 0us)
        // A priority of input and output, where the table has that field.
        | opcode when Catalogue.uses Field.Priority opcode && not (Catalogue.isOfSocket false opcode) ->
            0xffffus
        // An open set: no flags there.
        | _ -> 0us

    let private isClean (submission: Submission) version =
        let has (field: Field) = Catalogue.uses field submission.Opcode

        (has Field.Offset || submission.Offset = 0UL)
        && (has Field.Address || submission.Address = 0UL)
        && (has Field.Length || submission.Length = 0u)
        && (has Field.OpFlags || submission.OpFlags = 0u)
        && (has Field.FileIndex || submission.FileIndex = 0u)
        && (submission.Buffer = 0us
            || has Field.Buffer
            || (submission.Flags &&& SqeFlags.BufferSelect) <> SqeFlags.None)
        && (has Field.Address3 || submission.Address3 = 0UL)
        && (submission.Opcode = Opcode.Command || submission.Reserved = 0UL)
        && (submission.Priority &&& ~~~(priorities submission.Opcode version)) = 0us

    /// One clock, and one that this version knows (5.15, as MKDIRAT).
    let private hasClock (flags: uint32) version =
        match flags &&& (OpFlags.TimeoutBootTime ||| OpFlags.TimeoutRealTime) with
        | 0u -> true
        | OpFlags.TimeoutBootTime
        | OpFlags.TimeoutRealTime -> KernelVersion.supports Opcode.MakeDirectoryAt version
        // An open set: both at once.
        | _ -> false

    /// Rules between the fields of one opcode.
    let private isSound (submission: Submission) version =
        let multishot (bit: uint16) = (submission.Priority &&& bit) <> 0us
        let selects = (submission.Flags &&& SqeFlags.BufferSelect) <> SqeFlags.None

        match submission.Opcode with
        // Before 6.10 no flag is looked at. IORING_NOP_CQE32 is for rings whose completions are larger.
        | Opcode.Nop when KernelVersion.has FeatureFlags.ReadWriteAttributes version ->
            submission.OpFlags <= 0x1fu && submission.Priority = 0us
        | Opcode.Nop when KernelVersion.has FeatureFlags.Bundle version ->
            submission.OpFlags <= OpFlags.InjectResult
        | Opcode.Command ->
            submission.OpFlags = 0u
            || (submission.OpFlags = OpFlags.CommandFixed
                && KernelVersion.supports Opcode.SendMessageZeroCopy version)
        | Opcode.Receive
        | Opcode.ReceiveMessage when multishot OpFlags.ReceiveMultishot ->
            // MSG_WAITALL.
            selects && (submission.OpFlags &&& 0x100u) = 0u
        | Opcode.Receive
        | Opcode.Send when multishot OpFlags.Bundle -> selects
        | Opcode.ReadMultishot -> selects
        // A class that there is, and a level only of a class.
        | opcode when Catalogue.takesPriority opcode ->
            submission.Priority < 0x8000us
            && (submission.Priority >= 0x2000us || (submission.Priority &&& 7us) = 0us)
        // A direct descriptor cannot be close-on-exec.
        | Opcode.Accept
        | Opcode.OpenAt when submission.FileIndex <> 0u -> (submission.OpFlags &&& 0o2000000u) = 0u
        | Opcode.FilesUpdate ->
            // Into free slots since 6.0; what the first one is else is looked at later.
            submission.Length > 0u
            && (submission.Offset <> uint64 OpFlags.AllocateFile
                || KernelVersion.supports Opcode.SendZeroCopy version)
            && (submission.Flags &&& SqeFlags.FixedFile) = SqeFlags.None
        | Opcode.Pipe ->
            // O_CLOEXEC. Packets are not simulated.
            submission.Fd = 0
            && (submission.OpFlags &&& ~~~0o2000000u) = 0u
            && (submission.FileIndex = 0u || (submission.OpFlags &&& 0o2000000u) = 0u)
        | Opcode.Socket when submission.FileIndex <> 0u -> (submission.Offset &&& 0o2000000UL) = 0UL
        | Opcode.InstallFixed ->
            (submission.Flags &&& SqeFlags.FixedFile) <> SqeFlags.None && submission.OpFlags <= 1u
        | Opcode.Close -> submission.FileIndex = 0u || submission.Fd = 0
        | Opcode.OpenAt2 -> submission.Length = uint32 Submission.openHowSize
        // STATX__RESERVED; both of AT_STATX_FORCE_SYNC and AT_STATX_DONT_SYNC.
        | Opcode.Status ->
            (submission.Length &&& 0x8000_0000u) = 0u && (submission.OpFlags &&& 0x6000u) <> 0x6000u
        // SPLICE_F_ALL.
        | Opcode.Splice
        | Opcode.Tee -> (submission.OpFlags &&& ~~~(0xfu ||| OpFlags.FixedSource)) = 0u
        | Opcode.Timeout ->
            let isMultishot = (submission.OpFlags &&& OpFlags.TimeoutMultishot) <> 0u
            let known = if KernelVersion.supports Opcode.InstallFixed version then 0x6du else 0x2du

            submission.Length = 1u
            && (submission.OpFlags &&& ~~~known) = 0u
            && hasClock submission.OpFlags version
            && not (isMultishot && (submission.OpFlags &&& 1u) <> 0u)
        | Opcode.LinkTimeout ->
            submission.Length = 1u
            && (submission.OpFlags &&& ~~~0x2du) = 0u
            && hasClock submission.OpFlags version
        | Opcode.PollAdd ->
            let isMultishot = (submission.Length &&& OpFlags.PollMultishot) <> 0u
            let isSilent = (submission.Flags &&& SqeFlags.SkipSuccess) <> SqeFlags.None
            // IORING_POLL_ADD_LEVEL (8) is refused by 6.18 as well.
            (submission.Length &&& ~~~OpFlags.PollMultishot) = 0u && not (isMultishot && isSilent)
        | Opcode.MessageRing when submission.Address = 0UL ->
            submission.OpFlags = 0u && submission.FileIndex = 0u
            || submission.OpFlags = OpFlags.MessageFlags
               && KernelVersion.has FeatureFlags.RegisteredRing version
        | Opcode.MessageRing ->
            submission.Address = OpFlags.MessageDescriptor
            && (submission.OpFlags &&& ~~~(OpFlags.MessageSilent ||| OpFlags.MessageFlags)) = 0u
            && KernelVersion.supports Opcode.SendZeroCopy version
        | Opcode.TimeoutRemove ->
            // No clock: it keeps the one that it has.
            let isChange =
                (submission.OpFlags &&& (OpFlags.TimeoutChange ||| OpFlags.LinkTimeoutChange)) <> 0u

            let known =
                OpFlags.TimeoutChange
                ||| OpFlags.TimeoutAbsolute
                ||| (if KernelVersion.supports Opcode.MakeDirectoryAt version then
                         OpFlags.LinkTimeoutChange
                     else
                         0u)

            submission.OpFlags = 0u || (isChange && (submission.OpFlags &&& ~~~known) = 0u)
        // A change of the user data (4) is not simulated.
        | Opcode.PollRemove ->
            match submission.Length with
            | 0u -> submission.OpFlags = 0u
            | OpFlags.PollChangeEvents -> KernelVersion.has FeatureFlags.ResourceTags version
            | _ -> false
        | Opcode.Cancel ->
            let known = if KernelVersion.supports Opcode.Socket version then 0x3fu else 0u
            let any = (submission.OpFlags &&& OpFlags.CancelAny) <> 0u
            let byDescriptor = (submission.OpFlags &&& OpFlags.CancelDescriptor) <> 0u
            (submission.OpFlags &&& ~~~known) = 0u && not (any && byDescriptor)
        | Opcode.SendZeroCopy
        | Opcode.SendMessageZeroCopy -> (submission.Flags &&& SqeFlags.SkipSuccess) = SqeFlags.None
        // FUTEX2_SIZE_U32, alone or with FUTEX2_PRIVATE: nothing else is known to 6.18. That the mask has bits, and the
        // address, is looked at later.
        | Opcode.FutexWait
        | Opcode.FutexWake ->
            (uint32 submission.Fd &&& ~~~OpFlags.FutexPrivate) = OpFlags.FutexSize32
            && submission.Address3 <= 0xffff_ffffUL
        // An open set: nothing more to look at.
        | _ -> true

    /// Null errno (0) when Linux would take it, else the negative result of its completion.
    let check (version: KernelVersion) (submission: Submission) : int =
        let selects = (submission.Flags &&& SqeFlags.BufferSelect) <> SqeFlags.None

        if (byte submission.Flags &&& 0x80uy) <> 0uy then
            Errno.toResult Errno.EINVAL
        elif not (KernelVersion.supports submission.Opcode version && knows submission.Opcode) then
            Errno.toResult Errno.EINVAL
        elif selects && not (selectsBuffers submission.Opcode version) then
            Errno.toResult Errno.EOPNOTSUPP
        elif
            (submission.Flags &&& SqeFlags.SkipSuccess) <> SqeFlags.None
            && not (KernelVersion.has FeatureFlags.SkipSuccess version)
        then
            Errno.toResult Errno.EINVAL
        elif isClean submission version && isSound submission version then
            0
        else
            Errno.toResult Errno.EINVAL
