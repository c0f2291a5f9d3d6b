// What Linux makes of the flags of one read or write, before a byte has moved. As of ext4 on a disk that cannot write whole
// blocks or nothing. Source: man preadv2(2), measured on 6.18.
// Tested in tests/Linux/TransferFlagTests.fs, which runs on it, too.
namespace Uring.Simulation.Kernel

open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

module internal Flagging =

    /// It is a read or write of a file, which may have flags.
    let mayHave (opcode: Opcode) =
        match opcode with
        | Opcode.Read
        | Opcode.ReadVector
        | Opcode.Write
        | Opcode.WriteVector -> true
        // An open set: the rest has other flags in that word.
        | _ -> false

    /// The flags of a request.
    let ofRequest (request: KernelRequest) : TransferFlags =
        if mayHave request.Opcode then
            LanguagePrimitives.EnumOfValue request.Submission.OpFlags
        else
            TransferFlags.None

    let asks (flag: TransferFlags) (request: KernelRequest) =
        (ofRequest request &&& flag) <> TransferFlags.None

    /// Those that this version knows.
    let private known version : uint32 =
        0x1fu
        ||| (if KernelVersion.supports Opcode.Truncate version then 0x20u else 0u)
        ||| (if KernelVersion.supports Opcode.Bind version then 0x40u else 0u)
        ||| (if KernelVersion.has FeatureFlags.ReadWriteAttributes version then 0x80u else 0u)
        ||| (if KernelVersion.supports Opcode.Pipe version then 0x100u else 0u)

    /// 0, or what it ends with.
    let refusal version (request: KernelRequest) (file: OpenFile) : int =
        let writes = request.Opcode = Opcode.Write || request.Opcode = Opcode.WriteVector
        let isOnDisk = file :? RegularFile
        let flags = uint32 (ofRequest request)

        // A file that is not open so is refused before anybody looks at flags.
        if flags = 0u || not (if writes then file.MayWrite else file.MayRead) then
            0
        elif (flags &&& ~~~(known version)) <> 0u then
            Errno.toResult Errno.EOPNOTSUPP
        elif asks TransferFlags.Append request && asks TransferFlags.NoAppend request then
            Errno.toResult Errno.EINVAL
        elif asks TransferFlags.Atomic request then
            Errno.toResult Errno.EOPNOTSUPP
        elif asks TransferFlags.DontCache request && not isOnDisk then
            Errno.toResult Errno.EOPNOTSUPP
        elif asks TransferFlags.HighPriority request then
            Errno.toResult Errno.EINVAL
        // No file system tries to list without waiting.
        elif asks TransferFlags.NoWait request && file :? DirectoryFile then
            Errno.toResult Errno.EOPNOTSUPP
        // Into the page cache: that may always wait, and io_uring (6.18) does not ask the file system, which would say
        // EOPNOTSUPP.
        elif asks TransferFlags.NoWait request && writes && isOnDisk then
            Errno.toResult Errno.EAGAIN
        else
            0
