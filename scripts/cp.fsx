// Copies a file or a tree: `dotnet fsi scripts/cp.fsx -- <from> <to> --verify`. Keeps modes, times, links and holes.
// Shows how small programs make a bigger one: blocks, files, a tree, and a bar that is drawn beside it all, by one
// thread on one ring. A file that fails is reported and the others go on; a full disk cancels them.

#load "shared.fsx"
#load "cp/blocks.fsx"
#load "cp/tree.fsx"
#load "cp/progress.fsx"

open System.IO
open Argu
open Uring.FSharp
open Blocks
open Entry
open Tree
open Progress

type Arguments =
    | [<MainCommand; ExactlyOnce>] Paths of from: string * ``to``: string
    | Verify
    | Parallel of workers: int
    | Chunk of bytes: int

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Paths _ ->
                "a file or a directory, and the name of its copy; files of the same name are replaced."
            | Verify -> "read both back and compare them by SHA-256."
            | Parallel _ -> "files at a time, and blocks of a large file at a time; 16 if not given."
            | Chunk _ -> "bytes to read and write at once; 262144 if not given."

let arguments = Shared.arguments<Arguments>()

let plan = {
    Workers = arguments.GetResult(Parallel, 16) |> Shared.within 1 4096 "--parallel"
    Chunk = arguments.GetResult(Chunk, 256 * 1024) |> Shared.within 1 (1 <<< 30) "--chunk"
}

let from, target =
    let full path =
        if path = "" then Shared.refuse "a path is empty"
        Path.TrimEndingDirectorySeparator(Path.GetFullPath path)

    let from, target = arguments.GetResult Paths
    full from, full target

let targetOf (entry: Entry) = Path.Join(target, entry.Path.Substring from.Length)

let verify (entry: Entry) : Uring<unit> =
    uring {
        let! expected = digest plan entry.Path
        and! actual = digest plan (targetOf entry)
        if expected <> actual then Shared.complain $"{targetOf entry} differs from {entry.Path}"
        // Reading it back was no access of its user's.
        keep entry.Status (targetOf entry)
    }

let copy: Uring<unit> =
    uring {
        let! source = File.statusOfPath from
        let! isOnItself = isOnItself source target
        if isOnItself then raise (IOException $"'{target}' is '{from}' or lies in it.")

        if source.Kind <> FileKind.Directory && Directory.Exists target then
            raise (IOException $"'{target}' is a directory: name the copy itself.")

        Directory.CreateDirectory(Path.GetDirectoryName target) |> ignore
        let! entries = explore plan.Workers from
        do! withBar (bytes entries) (fun () -> carried) (copyTree plan targetOf entries)
    }

let count kind = (ofKind kind copied).Length

let counts () =
    $"{count FileKind.Regular} files, {count FileKind.Directory} directories, {count FileKind.SymbolicLink} links"

Shared.main (
    uring {
        do! copy |> measured (fun () -> $"copied {counts ()}", bytes copied)

        if arguments.Contains Verify then
            let verifyAll = eachEntry plan.Workers (ofKind FileKind.Regular copied) verify
            do! verifyAll |> measured (fun () -> $"verified {count FileKind.Regular} files", bytes copied)
    }
)
