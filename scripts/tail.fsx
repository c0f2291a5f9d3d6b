// Follows files as they grow: `dotnet fsi scripts/tail.fsx -- app.log other.log`. Goes on when a log is rotated (another
// file has its name then), cut, or made only later. Ends with Ctrl-C.
// Shows file watching: one watch for each directory, and one look at a file for each thing that happens to it.

#load "shared.fsx"
#load "tail/followed.fsx"

open System.IO
open Argu
open Uring.FSharp
open Uring.Model
open Followed

type Arguments =
    | [<MainCommand; ExactlyOnce>] Files of path: string list
    | Lines of count: int

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Files _ -> "files to follow, which need not be there yet."
            | Lines _ -> "to print of each file before that, 10 if not given."

let arguments = Shared.arguments<Arguments>()
let lines = arguments.GetResult(Lines, 10) |> Shared.within 0 1_000_000 "--lines"

let followed = [
    for path in List.distinct (arguments.GetResult Files) do
        if path = "" then Shared.refuse "a path is empty"
        { Path = Path.GetFullPath path; File = None; At = 0L }
]

Followed.areSeveral <- followed.Length > 1

let first (one: Log) : Uring<unit> =
    uring {
        if Path.Exists one.Path then
            let! file = File.openRead one.Path
            let! status = File.status file
            // Without a newline at its end, the file's last line counts as one.
            let! start = lastLines file status.Length lines
            one.File <- Some file
            one.At <- start
            do! copy one file
        else
            note one "is not there yet"
    }

Shared.main (
    uring {
        use! watcher = Watch.create

        let events = WatchEvents.Modified ||| WatchEvents.Created ||| WatchEvents.MovedTo

        for folder in followed |> List.map (fun one -> Path.GetDirectoryName one.Path) |> List.distinct do
            do! Uring.discard (Watch.add watcher folder events)

        for one in followed do
            do! first one

        while true do
            let! news = Watch.next watcher
            // After an overflow nobody knows which.
            let isMeant one = news.Path = one.Path || news.Events = WatchEvents.Overflow

            for one in List.filter isMeant followed do
                do! look one
    }
)
