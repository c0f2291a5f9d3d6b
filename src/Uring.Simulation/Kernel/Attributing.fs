// Extended attributes of what is on a disk. They are there at once, also after a power loss. Source: man xattr(7),
// fgetxattr(2), fsetxattr(2), getxattr(2), setxattr(2).
namespace Uring.Simulation.Kernel

open System
open Uring.Kernel
open Uring.Model
open Uring.Simulation.World

[<RequireQualifiedAccess>]
module internal Attributing =

    let private fail (errno: Errno) = Errno.toResult errno
    // ERANGE, E2BIG, ENODATA.
    let private outOfRange = -34
    let private tooBig = -7
    let private missing = -61

    /// The disk and the inode that attributes of this request belong to: of an open file, or of what a path names. Nothing
    /// when that is neither a file nor a directory.
    let private owner (machine: Machine) (request: KernelRequest) : Result<struct (Disk * int) voption, int> =
        let fs = machine.Disk.FileSystem

        match request.Opcode, request.File with
        | (Opcode.GetAttribute | Opcode.SetAttribute), _ ->
            match FileSystem.resolve request.OtherPath true fs with
            | Error errno -> Error(fail errno)
            | Ok place when place.Inode < 0 -> Error(fail Errno.ENOENT)
            | Ok place when FileSystem.isDirectory place.Inode fs || Map.containsKey place.Inode fs.Files ->
                Ok(ValueSome(struct (machine.Disk, place.Inode)))
            | Ok _ -> Ok ValueNone
        | _, (:? RegularFile as file) -> Ok(ValueSome(struct (file.Disk, file.Inode)))
        | _, (:? DirectoryFile as directory) -> Ok(ValueSome(struct (directory.Disk, directory.Inode)))
        | _ -> Ok ValueNone

    /// The same, if a program may have attributes of this name there. `none` is said of what is neither a file nor a
    /// directory.
    let private place none (machine: Machine) (request: KernelRequest) : Result<struct (Disk * int), int> =
        let name = request.Path
        let isOfUsers = name.StartsWith("user.", StringComparison.Ordinal)

        match owner machine request with
        | _ when name.Length = 0 || name.Length > 255 -> Error outOfRange
        | Error result -> Error result
        | Ok ValueNone when isOfUsers -> Error none
        | Ok _ when not isOfUsers -> Error(fail Errno.EOPNOTSUPP)
        | Ok _ when name.Length = 5 -> Error(fail Errno.EINVAL)
        | Ok ValueNone -> Error(fail Errno.EOPNOTSUPP)
        | Ok(ValueSome place) -> Ok place

    /// fgetxattr(2), getxattr(2).
    let get (machine: Machine) (request: KernelRequest) : int =
        let submission = request.Submission
        let length = int submission.Length

        match place missing machine request with
        | Error result -> result
        | Ok(struct (disk, inode)) ->
            match Map.tryFind (struct (inode, request.Path)) disk.FileSystem.Attributes with
            | None -> missing
            | Some value when length = 0 -> value.Length
            | Some value when value.Length > length -> outOfRange
            | Some value ->
                machine.World.Memory.CheckWrite(submission.Offset, length, "GetAttributeOfFile")
                value.CopyTo(Mapped.span (nativeint submission.Offset) length)
                value.Length

    /// fsetxattr(2), setxattr(2).
    let set (machine: Machine) (request: KernelRequest) : int =
        let submission = request.Submission

        match place (fail Errno.EPERM) machine request with
        | _ when submission.OpFlags > 3u -> fail Errno.EINVAL
        | _ when submission.Length > 65536u -> tooBig
        | Error result -> result
        | Ok(struct (disk, inode)) ->
            let fs = disk.FileSystem
            let key = struct (inode, request.Path)

            match Map.containsKey key fs.Attributes with
            // XATTR_CREATE, XATTR_REPLACE.
            | true when (submission.OpFlags &&& 1u) <> 0u -> fail Errno.EEXIST
            | false when (submission.OpFlags &&& 2u) <> 0u -> missing
            | _ ->
                disk.FileSystem <- { fs with Attributes = Map.add key request.Address fs.Attributes }
                0
