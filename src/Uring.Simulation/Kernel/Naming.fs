// What a path means to a process: its disk, what every machine has in /dev, and its own descriptors. Source: man open(2),
// statx(2), proc(5).
namespace Uring.Simulation.Kernel

open System
open System.Buffers.Binary
open Uring.Kernel
open Uring.Model
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

    /// Opening an end of a pipe again is sharing it.
    let private openAgain
        (machine: Machine)
        (request: KernelRequest)
        (file: OpenFile)
        : Result<OpenFile, Errno> =
        let submission = request.Submission

        match file with
        | :? PipeReader
        | :? PipeWriter ->
            file.Retain()
            Ok file
        | :? RegularFile
        | :? DirectoryFile ->
            Disk.openAt machine.Disk file.Name (int submission.OpFlags) (int submission.Length)
        | :? DeviceFile as device -> Ok(DeviceFile(file.Name, device.Kind))
        | _ -> Error Errno.ENXIO

    /// openat(2).
    let openAt (machine: Machine) (request: KernelRequest) : Result<OpenFile, Errno> =
        let submission = request.Submission

        match Device.tryFind request.Path, descriptor machine request.Path with
        | Some kind, _ -> Ok(DeviceFile(request.Path, kind))
        | None, null ->
            match Disk.openAt machine.Disk request.Path (int submission.OpFlags) (int submission.Length) with
            // Only a named pipe can make an open wait.
            | Error Errno.EAGAIN ->
                match FileSystem.resolve request.Path true machine.Disk.FileSystem with
                | Ok place ->
                    let door = machine.Disk.Fifo(place.Inode, request.Path).Door

                    if isNull request.File then
                        door.Retain()
                        request.File <- door
                | Error _ -> ()

                Error Errno.EAGAIN
            | result -> result
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
        | file -> writeKind file target

        0

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
