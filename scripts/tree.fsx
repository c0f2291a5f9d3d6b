// What a tree takes on the disk, as `du` counts it: `dotnet fsi scripts/tree.fsx -- /usr --depth 2`. Also how many files and
// directories there are, and the biggest files.
// Shows thousands of statx at once on one ring. io_uring cannot list directories (it has no getdents): System.IO does
// that, on threads of the pool.

#load "shared.fsx"

open System
open System.Collections.Generic
open System.IO
open System.Threading.Tasks
open Argu
open Uring.FSharp

type Arguments =
    | [<MainCommand; ExactlyOnce>] Tree of path: string
    | Depth of levels: int
    | Biggest of files: int

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Tree _ -> "a directory."
            | Depth _ -> "levels to print, 1 if not given."
            | Biggest _ -> "files to print, 5 if not given."

let arguments = Shared.arguments<Arguments>()
let depth = arguments.GetResult(Depth, 1) |> Shared.within 0 1000 "--depth"
let biggest = arguments.GetResult(Biggest, 5) |> Shared.within 0 1_000_000 "--biggest"

let root =
    let path = arguments.GetResult Tree
    if not (Directory.Exists path) then Shared.refuse $"'{path}' is no directory"
    Path.TrimEndingDirectorySeparator path

// All of it belongs to the ring's thread.
let totals = List<struct (string * int64)>()
let files = List<struct (string * int64)>()
let linked = HashSet<struct (uint64 * DeviceNumber)>()
let mutable fileCount = 0
let mutable directoryCount = 0

/// Bytes on disk. A file of several names counts once.
let take (path: string) (status: FileStatus) : int64 =
    fileCount <- fileCount + 1

    if status.Links > 1 && not (linked.Add(struct (status.Inode, status.Device))) then
        0L
    else
        files.Add(struct (path, status.Allocated))
        status.Allocated

let list (path: string) : Uring<string array> =
    uring {
        try
            return! Task.Run(fun () -> Directory.GetFileSystemEntries path)
        with
        | :? IOException
        | :? UnauthorizedAccessException as reason ->
            Shared.complain reason.Message
            return [||]
    }

let rec measure (level: int) (path: string) : Uring<int64> =
    uring {
        match! Uring.catch (File.statusOfLink path) with
        | Error reason ->
            Shared.complain reason.Message
            return 0L
        | Ok status when status.Kind <> FileKind.Directory -> return take path status
        | Ok status ->
            directoryCount <- directoryCount + 1
            let! names = list path
            let! sizes = Uring.``parallel`` (names |> Seq.map (measure (level + 1)))
            let total = status.Allocated + Array.sum sizes
            if level <= depth then totals.Add(struct (path, total))
            return total
    }

let print (struct (path: string, bytes: int64)) = Console.Out.WriteLine $"{bytes / 1024L}\t{path}"
let bySize (struct (_: string, bytes: int64)) = -bytes

Shared.main (
    uring {
        let! _ = measure 0 root
        totals |> Seq.sortBy bySize |> Seq.iter print
        Console.Out.WriteLine $"{fileCount} files, {directoryCount} directories (sizes in KiB)"
        files |> Seq.sortBy bySize |> Seq.truncate biggest |> Seq.iter print
    }
)
