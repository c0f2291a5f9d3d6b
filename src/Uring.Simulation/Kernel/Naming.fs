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

    let private directoryOf (machine: Machine) (descriptor: int) : Result<int, Errno> =
        match machine.Descriptors.Find descriptor with
        | null -> Error Errno.EBADF
        | :? DirectoryFile as directory -> Ok directory.Inode
        | :? PathFile as file when FileSystem.isDirectory file.Inode machine.Disk.FileSystem -> Ok file.Inode
        | _ -> Error Errno.ENOTDIR

    /// The directory that relative paths start from.
    let private startOf (machine: Machine) (request: KernelRequest) : Result<int, Errno> =
        let submission = request.Submission
        let isAbsolute = request.Path.StartsWith '/'
        let struct (_, _, rules) = how request

        // RESOLVE_IN_ROOT: an absolute path starts there as well.
        if submission.Fd = OpFlags.WorkingDirectory || (isAbsolute && (rules &&& 16) = 0) then
            Ok FileSystem.root
        else
            directoryOf machine submission.Fd

    /// With the path as it is from the root: a relative one starts from the directory of a descriptor.
    let from (machine: Machine) (descriptor: int) (path: string) (perform: string -> int) : int =
        if path = "" || path.StartsWith '/' || descriptor = OpFlags.WorkingDirectory then
            perform path
        else
            let folder =
                directoryOf machine descriptor
                |> Result.map (fun inode -> FileSystem.pathOf inode machine.Disk.FileSystem)

            match folder with
            | Error errno -> fail errno
            | Ok None -> fail Errno.ENOENT
            | Ok(Some folder) -> perform $"{folder}/{path}"

    /// unlinkat(2).
    let remove (machine: Machine) (request: KernelRequest) : int =
        let submission = request.Submission
        let isDirectory = (submission.OpFlags &&& OpFlags.RemoveDirectory) <> 0u
        from machine submission.Fd request.Path (fun path -> machine.Disk.Remove(path, isDirectory))

    /// mkdirat(2).
    let makeDirectory (machine: Machine) (request: KernelRequest) : int =
        let mode = int request.Submission.Length
        from machine request.Submission.Fd request.Path (fun path -> machine.Disk.MakeDirectory(path, mode))

    /// symlinkat(2).
    let makeSymbolicLink (machine: Machine) (request: KernelRequest) : int =
        from machine request.Submission.Fd request.OtherPath (fun path ->
            machine.Disk.MakeSymbolicLink(request.Path, path))

    /// Two paths, the second from the directory in `Length`.
    let private fromBoth
        (machine: Machine)
        (request: KernelRequest)
        (perform: string -> string -> int)
        : int =
        let submission = request.Submission

        from machine submission.Fd request.Path (fun path ->
            from machine (int submission.Length) request.OtherPath (perform path))

    /// renameat2(2).
    let rename (machine: Machine) (request: KernelRequest) : int =
        fromBoth machine request (fun source target ->
            machine.Disk.Rename(source, target, int request.Submission.OpFlags))

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

        let struct (flags, _, _) = how request

        match isSound request, startOf machine request with
        | false, _ -> Error Errno.EINVAL
        // RESOLVE_CACHED: O_CREAT, O_TRUNC and O_TMPFILE may always wait. Everything else is in memory.
        | _ when (rules &&& 32) <> 0 && (flags &&& 0o20001100) <> 0 -> Error Errno.EAGAIN
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
        | None, null ->
            fromBoth machine request (fun target path -> machine.Disk.MakeHardLink(target, path, follows))
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

                let ofPlace (path: string) =
                    match FileSystem.resolve path follows machine.Disk.FileSystem with
                    | Error errno -> errno
                    | Ok place when place.Inode < 0 -> Errno.ENOENT
                    | Ok place ->
                        machine.Disk.Status(place.Inode, Mapped.span (nativeint submission.Offset) 256)
                        enum<Errno> 0

                from machine submission.Fd request.Path (fun path -> fail (ofPlace path))
            | None, file -> ofFile machine (nonNull file) target
        else
            // The descriptor is looked up when it is done, as a name is.
            match machine.Descriptors.Find submission.Fd with
            | null -> fail Errno.EBADF
            | file -> ofFile machine file target
