// One entry of a tree, and what a copy keeps of it besides the data: permissions, times, where a link points. io_uring
// has no operations for these, so they are the BCL's. They come last, because writing changes them.

#load "blocks.fsx"

open System
open System.IO
open Uring.FSharp
open Blocks

/// A file, a directory or a link that was found.
type Entry = { Path: string; Status: FileStatus }

let isA kind (entry: Entry) = entry.Status.Kind = kind

/// A symbolic link has no permissions of its own.
let keep (status: FileStatus) (path: string) =
    if status.Kind <> FileKind.SymbolicLink then IO.File.SetUnixFileMode(path, status.Mode)

    IO.File.SetLastWriteTimeUtc(path, status.WriteTime)
    IO.File.SetLastAccessTimeUtc(path, status.AccessTime)

/// Private until `keep` gives it its permissions.
let makeDirectory (path: string) =
    let owner = UnixFileMode.UserRead ||| UnixFileMode.UserWrite ||| UnixFileMode.UserExecute

    if not (isNull (Directory.CreateDirectory(path, owner).LinkTarget)) then
        raise (IOException $"'{path}' is a link: what belongs into the copy would go elsewhere.")

let copyLink (entry: Entry) (target: string) =
    IO.File.Delete target
    IO.File.CreateSymbolicLink(target, FileInfo(entry.Path).LinkTarget) |> ignore
    keep entry.Status target

/// All but directories: these need more than one step.
let copyEntry (plan: Plan) (entry: Entry) (target: string) : Uring<unit> =
    uring {
        match entry.Status.Kind with
        | FileKind.Regular ->
            do! copyFile plan entry.Status entry.Path target
            keep entry.Status target
        | FileKind.SymbolicLink -> copyLink entry target
        | kind -> raise (NotSupportedException $"left out: a {kind} is no file, directory or link.")
    }

let isSame (one: FileStatus) (other: FileStatus) =
    one.Inode = other.Inode && one.BirthTime = other.BirthTime && one.ChangeTime = other.ChangeTime

/// Whether a directory is this tree or lies in it, whatever links lead there.
let rec isInside (tree: FileStatus) (directory: string) : Uring<bool> =
    uring {
        let! here = File.statusOfPath directory
        let! above = File.statusOfPath (directory + "/..")

        if isSame here tree then return true
        elif isSame here above then return false
        else return! isInside tree (directory + "/..")
    }

/// The nearest directory that exists, from here upwards.
let rec nearest (path: string) = if Directory.Exists path then path else nearest (Path.GetDirectoryName path)

/// Whether copying would write over what it reads.
let isOnItself (source: FileStatus) (target: string) : Uring<bool> =
    if source.Kind = FileKind.Directory then isInside source (nearest target)
    elif Path.Exists target then Uring.map (isSame source) (File.statusOfPath target)
    else Uring.result false
