// Refuses what Linux refuses when it prepares a submission: unknown flags, fields that the opcode does not read and that
// are not zero, forms that this kernel version does not have. Source: reference sections 1.1 and 1.2.
namespace Uring.Simulation.Kernel

open Uring.Model
open Uring.Simulation

[<RequireQualifiedAccess>]
module internal Strictness =

    /// The fields of a submission that an opcode may use, besides opcode, flags, descriptor and user data.
    [<System.Flags>]
    type private Field =
        | None = 0
        | Offset = 1
        | Address = 2
        | Length = 4
        | OpFlags = 8
        | Priority = 16
        | FileIndex = 32
        | Buffer = 64
        | Address3 = 128

    let private fields (opcode: Opcode) =
        match opcode with
        | Opcode.Nop -> Field.OpFlags ||| Field.Length
        | Opcode.Read
        | Opcode.Write -> Field.Offset ||| Field.Address ||| Field.Length ||| Field.OpFlags ||| Field.Priority
        | Opcode.Sync -> Field.Offset ||| Field.Length ||| Field.OpFlags
        | Opcode.PollAdd -> Field.OpFlags ||| Field.Length
        | Opcode.PollRemove -> Field.Address ||| Field.Offset ||| Field.Length ||| Field.OpFlags
        | Opcode.Timeout -> Field.Address ||| Field.Length ||| Field.Offset ||| Field.OpFlags
        | Opcode.TimeoutRemove -> Field.Address ||| Field.Offset ||| Field.OpFlags
        | Opcode.LinkTimeout -> Field.Address ||| Field.Length ||| Field.OpFlags
        | Opcode.Accept ->
            Field.Address ||| Field.Offset ||| Field.OpFlags ||| Field.Priority ||| Field.FileIndex
        | Opcode.Cancel -> Field.Address ||| Field.OpFlags ||| Field.Length
        | Opcode.Connect
        | Opcode.Bind -> Field.Address ||| Field.Offset
        | Opcode.Listen
        | Opcode.Shutdown -> Field.Length
        | Opcode.Allocate -> Field.Offset ||| Field.Address ||| Field.Length
        | Opcode.OpenAt -> Field.Address ||| Field.Length ||| Field.OpFlags ||| Field.FileIndex
        | Opcode.OpenAt2 -> Field.Address ||| Field.Offset ||| Field.Length ||| Field.FileIndex
        | Opcode.Close -> Field.FileIndex
        | Opcode.Status -> Field.Address ||| Field.Offset ||| Field.Length ||| Field.OpFlags
        | Opcode.Send ->
            Field.Address
            ||| Field.Length
            ||| Field.OpFlags
            ||| Field.Priority
            ||| Field.Offset
            ||| Field.FileIndex
        | Opcode.SendZeroCopy ->
            Field.Address
            ||| Field.Length
            ||| Field.OpFlags
            ||| Field.Priority
            ||| Field.Offset
            ||| Field.FileIndex
        | Opcode.Receive ->
            Field.Address ||| Field.Length ||| Field.OpFlags ||| Field.Priority ||| Field.FileIndex
        | Opcode.SendMessage
        | Opcode.ReceiveMessage -> Field.Address ||| Field.Length ||| Field.OpFlags ||| Field.Priority
        | Opcode.ReadMultishot -> Field.Offset ||| Field.Length
        | Opcode.Splice ->
            Field.Offset ||| Field.Address ||| Field.Length ||| Field.OpFlags ||| Field.FileIndex
        | Opcode.GetAttributeOfFile -> Field.Address ||| Field.Offset ||| Field.Length
        | Opcode.SetAttributeOfFile -> Field.Address ||| Field.Offset ||| Field.Length ||| Field.OpFlags
        | Opcode.Tee -> Field.Length ||| Field.OpFlags ||| Field.FileIndex
        | Opcode.RenameAt -> Field.Address ||| Field.Offset ||| Field.Length ||| Field.OpFlags
        | Opcode.LinkAt -> Field.Address ||| Field.Offset ||| Field.Length ||| Field.OpFlags
        | Opcode.SymbolicLinkAt -> Field.Address ||| Field.Offset
        | Opcode.FileAdvise -> Field.Offset ||| Field.Address ||| Field.Length ||| Field.OpFlags
        | Opcode.MemoryAdvise -> Field.Offset ||| Field.Address ||| Field.Length ||| Field.OpFlags
        | Opcode.SyncFileRange -> Field.Offset ||| Field.Length ||| Field.OpFlags
        | Opcode.UnlinkAt -> Field.Address ||| Field.OpFlags
        | Opcode.MakeDirectoryAt -> Field.Address ||| Field.Length
        | Opcode.MessageRing ->
            Field.Offset ||| Field.Address ||| Field.Length ||| Field.OpFlags ||| Field.FileIndex
        | Opcode.Socket -> Field.Offset ||| Field.Length ||| Field.OpFlags ||| Field.FileIndex
        | Opcode.Truncate -> Field.Offset
        | Opcode.Pipe -> Field.Address ||| Field.OpFlags ||| Field.FileIndex
        // An open set: what the simulation does not know is refused (`knows`).
        | _ -> Field.None

    /// The simulation can do it.
    let knows (opcode: Opcode) = fields opcode <> Field.None

    /// `Address` and `Length` are memory that the kernel reads or writes until the last completion.
    let hasMemory (opcode: Opcode) =
        match opcode with
        | Opcode.Read
        | Opcode.Write
        | Opcode.Send
        | Opcode.SendZeroCopy
        | Opcode.Receive -> true
        // An open set: inputs are copied, and the rest has none.
        | _ -> false

    /// `Address` and `Length` are memory that the kernel only reads, and the program may not change before the end.
    let isRead (opcode: Opcode) =
        opcode = Opcode.Write || opcode = Opcode.Send || opcode = Opcode.SendZeroCopy

    let private selectsBuffers (opcode: Opcode) version =
        match opcode with
        | Opcode.Read
        | Opcode.ReadMultishot
        | Opcode.Receive
        | Opcode.ReceiveMessage -> true
        | Opcode.Send -> KernelVersion.has FeatureFlags.Bundle version
        // An open set: every other opcode has memory of its own.
        | _ -> false

    /// Flags in `Priority` that this version knows.
    let private priorities (opcode: Opcode) version : uint16 =
        let when' feature (bits: uint16) = if KernelVersion.has feature version then bits else 0us

        match opcode with
        | Opcode.Accept when KernelVersion.supports Opcode.Socket version -> 0x7us
        | Opcode.Send
        | Opcode.Receive ->
            0x1us
            ||| (if opcode = Opcode.Receive && KernelVersion.supports Opcode.SendZeroCopy version then
                     0x2us
                 else
                     0us)
            ||| when' FeatureFlags.Bundle 0x10us
        | Opcode.ReceiveMessage -> if KernelVersion.supports Opcode.SendZeroCopy version then 0x3us else 0us
        | Opcode.SendMessage -> 0x1us
        | Opcode.SendZeroCopy -> 0xdus
        | Opcode.Read
        | Opcode.Write -> 0xffffus
        // An open set: no flags there.
        | _ -> 0us

    let private isClean (submission: Submission) version =
        let used = fields submission.Opcode
        let has (field: Field) = (used &&& field) <> Field.None

        (has Field.Offset || submission.Offset = 0UL)
        && (has Field.Address || submission.Address = 0UL)
        && (has Field.Length || submission.Length = 0u)
        && (has Field.OpFlags || submission.OpFlags = 0u)
        && (has Field.FileIndex || submission.FileIndex = 0u)
        && (submission.Buffer = 0us
            || submission.Opcode = Opcode.Send
            || (submission.Flags &&& SqeFlags.BufferSelect) <> SqeFlags.None)
        && submission.Personality = 0us
        && submission.Address3 = 0UL
        && submission.Reserved = 0UL
        && (submission.Priority &&& ~~~(priorities submission.Opcode version)) = 0us

    /// Rules between the fields of one opcode.
    let private isSound (submission: Submission) version =
        let multishot (bit: uint16) = (submission.Priority &&& bit) <> 0us
        let selects = (submission.Flags &&& SqeFlags.BufferSelect) <> SqeFlags.None

        match submission.Opcode with
        | Opcode.Receive
        | Opcode.ReceiveMessage when multishot OpFlags.ReceiveMultishot ->
            // MSG_WAITALL.
            selects && (submission.OpFlags &&& 0x100u) = 0u
        | Opcode.Receive
        | Opcode.Send when multishot OpFlags.Bundle -> selects
        | Opcode.ReadMultishot -> selects
        // A direct descriptor cannot be close-on-exec.
        | Opcode.Accept
        | Opcode.OpenAt when submission.FileIndex <> 0u -> (submission.OpFlags &&& 0o2000000u) = 0u
        | Opcode.Socket when submission.FileIndex <> 0u -> (submission.Offset &&& 0o2000000UL) = 0UL
        | Opcode.Close -> submission.FileIndex = 0u || submission.Fd = 0
        | Opcode.OpenAt2 -> submission.Length = uint32 Submission.openHowSize
        | Opcode.Timeout ->
            let isMultishot = (submission.OpFlags &&& OpFlags.TimeoutMultishot) <> 0u
            let known = if KernelVersion.supports Opcode.InstallFixed version then 0x6du else 0x2du

            submission.Length = 1u
            && (submission.OpFlags &&& ~~~known) = 0u
            && not (isMultishot && (submission.OpFlags &&& 1u) <> 0u)
        | Opcode.LinkTimeout -> submission.Length = 1u && (submission.OpFlags &&& ~~~0x2du) = 0u
        | Opcode.PollAdd ->
            let isMultishot = (submission.Length &&& OpFlags.PollMultishot) <> 0u
            let isSilent = (submission.Flags &&& SqeFlags.SkipSuccess) <> SqeFlags.None
            (submission.Length &&& ~~~(OpFlags.PollMultishot ||| 8u)) = 0u && not (isMultishot && isSilent)
        | Opcode.Cancel ->
            let known = if KernelVersion.supports Opcode.Socket version then 0x3fu else 0u
            let any = (submission.OpFlags &&& OpFlags.CancelAny) <> 0u
            let byDescriptor = (submission.OpFlags &&& OpFlags.CancelDescriptor) <> 0u
            (submission.OpFlags &&& ~~~known) = 0u && not (any && byDescriptor)
        | Opcode.SendZeroCopy -> (submission.Flags &&& SqeFlags.SkipSuccess) = SqeFlags.None
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
