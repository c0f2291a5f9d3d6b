// A tree of files: all that is in it, and its copy. The ring says what each entry is; a list of names is the BCL's,
// because io_uring has no operation for it.

#load "entry.fsx"

open System.IO
open Uring.FSharp
open Workers
open Blocks
open Entry

let ofKind kind (entries: Entry seq) = entries |> Seq.filter (isA kind) |> Seq.toArray

/// The length of all files.
let bytes entries = ofKind FileKind.Regular entries |> Array.sumBy _.Status.Length

/// What fails for one entry is reported, and the others go on.
let eachEntry (workers: int) (entries: Entry seq) (work: Entry -> Uring<unit>) : Uring<unit> =
    each workers entries (fun entry -> attempt entry.Path (work entry))

/// Everything in a tree, level by level: a directory comes before what is in it. The root may be a link to a tree.
let explore (workers: int) (root: string) : Uring<Entry array> =
    uring {
        let found = ResizeArray<Entry>()
        let mutable level = [| root |]

        let ask path =
            uring {
                let! status = if path = root then File.statusOfPath path else File.statusOfLink path
                found.Add { Path = path; Status = status }
            }

        while level.Length > 0 do
            let known = found.Count
            do! each workers level (fun path -> attempt path (ask path))
            let directories = found.GetRange(known, found.Count - known).FindAll(isA FileKind.Directory)
            let next = ResizeArray<string>()

            for directory in directories do
                do!
                    attempt
                        directory.Path
                        (uring { next.AddRange(Directory.GetFileSystemEntries directory.Path) })

            level <- next.ToArray()

        return found.ToArray()
    }

/// What has been copied.
let copied = ResizeArray<Entry>()

/// Directories come first, because files go into them; what they keep comes last, because files change it.
let copyTree (plan: Plan) (targetOf: Entry -> string) (entries: Entry array) : Uring<unit> =
    uring {
        let directories, others = entries |> Array.partition (isA FileKind.Directory)

        let copy entry =
            uring {
                do! copyEntry plan entry (targetOf entry)
                copied.Add entry
            }

        let finish directory =
            uring {
                keep directory.Status (targetOf directory)
                copied.Add directory
            }

        // One that cannot be made ends it all: there is no other place for what belongs into it.
        directories |> Array.iter (targetOf >> makeDirectory)
        do! eachEntry plan.Workers others copy
        do! eachEntry 1 (Array.rev directories) finish
    }
