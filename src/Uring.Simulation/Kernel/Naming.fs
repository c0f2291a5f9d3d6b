// What a path means to a process: its disk, what every machine has in /dev, and its own descriptors. Source: man open(2),
// statx(2), proc(5).
namespace Uring.Simulation.Kernel

open System
open System.Buffers.Binary
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

[<RequireQualifiedAccess>]
module internal Naming =

    let private fail (errno: Errno) = Errno.toResult errno

    /// "/proc/self/fd/5": the file of that descriptor.
    let private descriptor (machine: Machine) (path: string) : OpenFile | null =
        let folder = "/proc/self/fd/"

        match path.StartsWith(folder, StringComparison.Ordinal) with
        | true ->
            match Int32.TryParse(path.AsSpan folder.Length) with
            | true, number -> machine.Descriptors.Find number
            | _ -> null
        | false -> null

    /// Flags and mode of an open, and openat2's rules, with the numbers of x86-64.
    let private how (request: KernelRequest) : struct (int * int * int) =
        let submission = request.Submission
        let native flags = int (OpenNumbers.native flags)

        match request.Opcode with
        | Opcode.OpenAt2 ->
            let word at = BinaryPrimitives.ReadUInt64LittleEndian(ReadOnlySpan(request.Address, at * 8, 8))
            struct (native (uint32 (word 0)), int (word 1), int (word 2))
        // An open set: there is only one other.
        | _ -> struct (native submission.OpFlags, int submission.Length, 0)

    /// What the kernel refuses before it looks at the path: O_CREAT and O_TMPFILE alone have a mode.
    let private isSound (request: KernelRequest) =
        let struct (flags, mode, rules) = how request
        let hasMode = (flags &&& 0o20000100) <> 0

        request.Opcode = Opcode.OpenAt
        || ((hasMode || mode = 0) && (rules &&& ~~~0x3f) = 0 && (rules &&& 24) <> 24)

    /// It may change what is there, which is a worker's.
    let creates (request: KernelRequest) =
        let struct (flags, _, _) = how request
        (flags &&& 0o20000100) <> 0

    /// The directory that relative paths start from.
    let private startOf (machine: Machine) (request: KernelRequest) : Result<int, Errno> =
        let submission = request.Submission
        let isAbsolute = request.Path.StartsWith '/'
        let struct (_, _, rules) = how request

        if submission.Fd = OpFlags.WorkingDirectory || (isAbsolute && (rules &&& 24) = 0) then
            Ok FileSystem.root
        else
            match machine.Descriptors.Find submission.Fd with
            | null -> Error Errno.EBADF
            | :? DirectoryFile as directory -> Ok directory.Inode
            | :? PathFile as file when FileSystem.isDirectory file.Inode machine.Disk.FileSystem ->
                Ok file.Inode
            | _ -> Error Errno.ENOTDIR

    /// Opening an end of a pipe again is sharing it.
    let private openAgain
        (machine: Machine)
        (request: KernelRequest)
        (file: OpenFile)
        : Result<OpenFile, Errno> =
        let struct (flags, mode, _) = how request

        match file with
        | :? PipeReader
        | :? PipeWriter ->
            file.Retain()
            Ok file
        | :? RegularFile
        | :? DirectoryFile -> Disk.openAt machine.Disk file.Name flags mode
        | :? DeviceFile as device -> Ok(DeviceFile(file.Name, device.Kind))
        | _ -> Error Errno.ENXIO

    let private openOnDisk (machine: Machine) (request: KernelRequest) rules : Result<OpenFile, Errno> =
        let struct (flags, mode, _) = how request

        match Disk.openFrom machine.Disk rules request.Path flags mode with
        // Only a named pipe can make an open wait.
        | Error Errno.EAGAIN ->
            match FileSystem.resolveFrom rules request.Path true machine.Disk.FileSystem with
            | Ok place ->
                let door = machine.Disk.Fifo(place.Inode, request.Path).Door

                if isNull request.File then
                    door.Retain()
                    request.File <- door
            | Error _ -> ()

            Error Errno.EAGAIN
        | result -> result

    /// openat(2), openat2(2).
    let openAt (machine: Machine) (request: KernelRequest) : Result<OpenFile, Errno> =
        let struct (_, _, rules) = how request

        match isSound request, startOf machine request with
        | false, _ -> Error Errno.EINVAL
        | _, Error errno -> Error errno
        | _, Ok start when rules <> 0 -> openOnDisk machine request { Start = start; Flags = rules }
        | _, Ok start ->
            match Device.tryFind request.Path, descriptor machine request.Path with
            | Some kind, _ -> Ok(DeviceFile(request.Path, kind))
            | None, null -> openOnDisk machine request { Start = start; Flags = 0 }
            | None, file -> openAgain machine request (nonNull file)

    /// linkat(2).
    let link (machine: Machine) (request: KernelRequest) : int =
        let submission = request.Submission
        // AT_SYMLINK_FOLLOW.
        let follows = (submission.OpFlags &&& 0x400u) <> 0u

        match Device.tryFind request.Path, descriptor machine request.Path with
        | None, null -> machine.Disk.MakeHardLink(request.Path, request.OtherPath, follows)
        | _ -> fail Errno.EXDEV

    /// Nothing but what it is: S_IFIFO 1, S_IFCHR 2, S_IFSOCK 12.
    let private writeKind (file: OpenFile) (target: Span<byte>) =
        let kind =
            match file with
            | :? SocketFile -> 0xc000us
            | :? DeviceFile -> 0x2000us
            | _ -> 0x1000us

        target.Clear()
        BinaryPrimitives.WriteUInt16LittleEndian(target.Slice 28, kind ||| 0o600us)

    let private ofFile (machine: Machine) (file: OpenFile) (target: Span<byte>) : int =
        match file with
        | :? RegularFile as file -> file.Disk.Status(file.Inode, target)
        | :? DirectoryFile as directory -> machine.Disk.Status(directory.Inode, target)
        | :? PathFile as file -> machine.Disk.Status(file.Inode, target)
        | file -> writeKind file target

        0

    /// st_mode of an open file.
    let modeOf (machine: Machine) (file: OpenFile) : int =
        let status = Array.zeroCreate<byte> 256
        ofFile machine file (Span status) |> ignore
        int (BinaryPrimitives.ReadUInt16LittleEndian(ReadOnlySpan(status, 28, 2)))

    /// statx(2).
    let status (machine: Machine) (request: KernelRequest) : int =
        let submission = request.Submission
        machine.World.Memory.CheckWrite(submission.Offset, 256, "Status")
        let target = Mapped.span (nativeint submission.Offset) 256
        let isNamed = (submission.OpFlags &&& OpFlags.EmptyPath) = 0u || request.Path <> ""

        if isNamed then
            match Device.tryFind request.Path, descriptor machine request.Path with
            | Some kind, _ -> ofFile machine (DeviceFile(request.Path, kind)) target
            | None, null ->
                let follows = (submission.OpFlags &&& OpFlags.NoFollow) = 0u

                match FileSystem.resolve request.Path follows machine.Disk.FileSystem with
                | Error errno -> fail errno
                | Ok place when place.Inode < 0 -> fail Errno.ENOENT
                | Ok place ->
                    machine.Disk.Status(place.Inode, target)
                    0
            | None, file -> ofFile machine (nonNull file) target
        else
            // The descriptor is looked up when it is done, as a name is.
            match machine.Descriptors.Find submission.Fd with
            | null -> fail Errno.EBADF
            | file -> ofFile machine file target
