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

    /// The disk and the inode that attributes of this request belong to: of an open file, or of what a path names.
    let private owner (machine: Machine) (request: KernelRequest) : Result<struct (Disk * int), int> =
        let fs = machine.Disk.FileSystem

        match request.Opcode, request.File with
        | (Opcode.GetAttribute | Opcode.SetAttribute), _ ->
            match FileSystem.resolve request.OtherPath true fs with
            | Error errno -> Error(fail errno)
            | Ok place when place.Inode < 0 -> Error(fail Errno.ENOENT)
            | Ok place when FileSystem.isDirectory place.Inode fs || Map.containsKey place.Inode fs.Files ->
                Ok(struct (machine.Disk, place.Inode))
            // What is neither has no attributes of its users.
            | Ok _ -> Error(fail Errno.EPERM)
        | _, (:? RegularFile as file) -> Ok(struct (file.Disk, file.Inode))
        | _, (:? DirectoryFile as directory) -> Ok(struct (directory.Disk, directory.Inode))
        | _ -> Error(fail Errno.EOPNOTSUPP)

    /// The same, if a program may have attributes of this name there.
    let private place (machine: Machine) (request: KernelRequest) : Result<struct (Disk * int), int> =
        let name = request.Path

        match owner machine request with
        | _ when name.Length = 0 || name.Length > 255 -> Error outOfRange
        | Error result -> Error result
        | Ok _ when not (name.StartsWith("user.", StringComparison.Ordinal)) -> Error(fail Errno.EOPNOTSUPP)
        | Ok _ when name.Length = 5 -> Error(fail Errno.EINVAL)
        | Ok place -> Ok place

    /// fgetxattr(2), getxattr(2).
    let get (machine: Machine) (request: KernelRequest) : int =
        let submission = request.Submission
        let length = int submission.Length

        match place machine request with
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

        match place machine request with
        | _ when submission.OpFlags > 2u -> fail Errno.EINVAL
        | _ when submission.Length > 65536u -> tooBig
        | Error result -> result
        | Ok(struct (disk, inode)) ->
            let fs = disk.FileSystem
            let key = struct (inode, request.Path)

            match submission.OpFlags, Map.containsKey key fs.Attributes with
            | 1u, true -> fail Errno.EEXIST
            | 2u, false -> missing
            | _ ->
                disk.FileSystem <- { fs with Attributes = Map.add key request.Address fs.Attributes }
                0
