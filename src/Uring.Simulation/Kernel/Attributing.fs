// Extended attributes of what is on a disk. They are there at once, also after a power loss. Source: man xattr(7),
// fgetxattr(2), fsetxattr(2).
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

    /// The disk and the inode, if a program may have attributes of this name there. `none` is for what is neither a file
    /// nor a directory.
    let private place none (request: KernelRequest) (file: OpenFile) : Result<struct (Disk * int), int> =
        let name = request.Path

        let inode =
            match file with
            | :? RegularFile as file -> ValueSome(struct (file.Disk, file.Inode))
            | :? DirectoryFile as directory -> ValueSome(struct (directory.Disk, directory.Inode))
            | _ -> ValueNone

        match inode with
        | _ when name.Length = 0 || name.Length > 255 -> Error outOfRange
        | ValueNone when name.StartsWith("user.", StringComparison.Ordinal) -> Error none
        | ValueNone -> Error(fail Errno.EOPNOTSUPP)
        | ValueSome _ when not (name.StartsWith("user.", StringComparison.Ordinal)) ->
            Error(fail Errno.EOPNOTSUPP)
        | ValueSome _ when name.Length = 5 -> Error(fail Errno.EINVAL)
        | ValueSome place -> Ok place

    /// fgetxattr(2).
    let get (machine: Machine) (request: KernelRequest) (file: OpenFile) : int =
        let submission = request.Submission
        let length = int submission.Length

        match place missing request file with
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

    /// fsetxattr(2).
    let set (request: KernelRequest) (file: OpenFile) : int =
        let submission = request.Submission

        match place (fail Errno.EPERM) request file with
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
