module Uring.Laws.WatchTableLaws

open System
open System.Collections.Generic
open Expecto
open Uring.Model
open Uring.Laws.WatchTrees

let private asked interests = { Path = "/t"; Interests = interests; IsRecursive = true }

/// Who applies what is told: each path with whether it is a directory.
[<Sealed>]
type private Reader() =
    let mutable tree: Map<string, bool> = Map.empty
    let moved = Dictionary<uint32, Map<string, bool>>()

    let split (directory: string) =
        tree |> Map.partition (fun path _ -> path = directory || path.StartsWith(directory + "/"))

    /// A file has nothing below it.
    let put path isDirectory =
        if not isDirectory then tree <- snd (split path)
        tree <- Map.add path isDirectory tree

    member _.Tree = tree |> Map.toSeq |> Set.ofSeq

    member _.Hear(news: FileNews) =
        match news.Events with
        | WatchEvents.Created -> put news.Path news.IsDirectory
        | WatchEvents.Deleted -> tree <- snd (split news.Path)
        | WatchEvents.MovedFrom ->
            let taken, left = split news.Path
            moved[news.Cookie] <- if news.IsDirectory then taken else Map.empty
            tree <- left
        | WatchEvents.MovedTo ->
            match news.OldPath, moved.TryGetValue news.Cookie with
            | null, _
            | _, (false, _) -> ()
            | old, (true, taken) ->
                for KeyValue(path, kind) in taken do
                    tree <- Map.add (news.Path + path.Substring old.Length) kind tree

            put news.Path news.IsDirectory
        | _ -> ()

/// A watcher on a tree: the driver of the table, one step at a time.
type private Run(interests, meanwhile: Step list) =
    let tree = Tree()
    let reader = Reader()
    let news = List<FileNews>()
    let rest = Queue<Step> meanwhile
    let mutable table = WatchTable.empty |> WatchTable.ask 0 (asked interests)

    let rec perform verdicts =
        match verdicts with
        | [] -> ()
        | WatchVerdict.Tell told :: others ->
            news.Add told
            reader.Hear told
            perform others
        | WatchVerdict.Forget watch :: others ->
            tree.Unwatch watch
            perform others
        | WatchVerdict.Walk(root, path, tells) :: others ->
            let watch = tree.Watch path

            if watch > 0 then
                if rest.Count > 0 then tree.Do(rest.Dequeue())
                let found = tree.List path
                if rest.Count > 0 then tree.Do(rest.Dequeue())
                let now = tree.Watch path

                match found with
                | Some found when now = watch ->
                    let struct (next, more) = WatchTable.walked root path tells watch found table
                    table <- next
                    perform more
                | _ ->
                    for watch in List.distinct [ watch; now ] do
                        if watch > 0 then table <- WatchTable.missed root path watch table

            perform others

    let settle isDrained =
        let struct (next, verdicts) = WatchTable.settled isDrained table
        table <- next
        perform verdicts

    do
        let watch = tree.Watch "/t"
        table <- WatchTable.started 0 watch table

    member _.Tree = tree
    member _.Reader = reader
    member _.News = List.ofSeq news
    member _.Table = table

    member _.Read most =
        let batch = [ for _ in 1 .. min most tree.Waiting -> tree.Next() ]
        let isDrained = tree.Waiting = 0

        for said in batch do
            let struct (next, verdicts) = WatchTable.notify said table
            table <- next
            perform verdicts

        settle isDrained

    member this.Step step =
        match step with
        | Read most -> this.Read(1 + abs (most % 4))
        | step -> tree.Do step

    /// Reads all, twice more than there is: what is moved out is known by a later read.
    member this.Finish() =
        for _ in 1..6 do
            this.Read 1000

let private play interests steps meanwhile =
    let run = Run(interests, meanwhile)
    List.iter run.Step steps
    run.Finish()
    run

let private isOverflow (news: FileNews) = news.Events = WatchEvents.Overflow

let private config = { FsCheckConfig.defaultConfig with maxTest = 2000; endSize = 60 }

/// Mostly moves within a tree of few names: where the difficulties are.
let private decode (numbers: (byte * byte * byte) list) = [
    for kind, first, second in numbers do
        let first, second = int first, int second

        match kind % 11uy with
        | 0uy
        | 1uy
        | 2uy -> MakeDirectory(first, second)
        | 3uy
        | 4uy -> MakeFile(first, second)
        | 5uy -> Remove first
        | 6uy
        | 7uy
        | 8uy -> Move(first, second, int kind)
        | _ -> Read first
]

let private told (run: Run) = run.News |> List.map (fun news -> news.Events, news.Path)

/// `/t/a/b` is watched and told of, and so is the directory beside the tree.
let private withDirectories () =
    let run = Run(WatchEvents.All, [])
    run.Tree.Do(MakeDirectory(0, 0))
    run.Tree.Do(MakeDirectory(2, 1))
    run.Read 100
    Expect.equal run.Tree.Truth (set [ "/t/n0", true; "/t/n0/n1", true ]) "the tree"
    run

[<Tests>]
let laws =
    testList "WatchTable" [
        testPropertyWithConfig
            config
            "1. who applies what is told knows the tree, however late it is read, or is told of an overflow"
        <| fun (steps: (byte * byte * byte) list) (meanwhile: (byte * byte * byte) list) ->
            let run = play WatchEvents.All (decode steps) (decode meanwhile |> List.truncate 5)
            // What could not be put in order is told as an overflow: who hears it looks for himself.
            List.exists isOverflow run.News || run.Reader.Tree = run.Tree.Truth

        test "1. ... and is seldom told to look for himself" {
            let random = Random 1
            let next () = byte (random.Next 256)

            let overflows =
                Seq.init 2000 (fun _ ->
                    let steps = decode [ for _ in 1 .. random.Next 25 -> next (), next (), next () ]
                    List.exists isOverflow (play WatchEvents.All steps []).News)

            Expect.isLessThan (overflows |> Seq.filter id |> Seq.length) 100 "of 2000"
        }

        testPropertyWithConfig
            config
            "2. in the end exactly the directories of the tree are watched, each under its path"
        <| fun (steps: (byte * byte * byte) list) (meanwhile: (byte * byte * byte) list) ->
            let run = play WatchEvents.All (decode steps) (decode meanwhile |> List.truncate 5)
            let directories = run.Tree.Truth |> Set.filter snd |> Set.map fst |> Set.add "/t"
            let paths = [ for entry in run.Table.Entries.Values -> entry.Path ]

            Set.ofList paths = directories
            && paths.Length = directories.Count
            && run.Tree.Watched = Set.ofSeq run.Table.Entries.Keys

        test "3. a directory that was moved out is watched no more, and nothing is told of it" {
            let run = withDirectories ()
            let before = run.News.Length
            // To the other directory, and a file in it.
            run.Tree.Do(Move(0, 1, 2))
            run.Tree.Do(MakeFile(2, 0))
            run.Finish()
            Expect.equal (told run |> List.skip before) [ WatchEvents.MovedFrom, "/t/n0" ] "told"
            Expect.equal run.Tree.Watched.Count 1 "watches"
        }

        testProperty "4. only what was asked for is told, and what the kernel tells unasked"
        <| fun (steps: (byte * byte * byte) list) (interests: byte) ->
            let interests = enum<WatchEvents>(int interests <<< 4) &&& WatchEvents.All
            let run = play interests (decode steps) []
            let unasked = WatchEvents.Overflow ||| WatchEvents.Unmounted ||| WatchEvents.WatchEnded

            run.News
            |> List.forall (fun news ->
                news.Events <> WatchEvents.None
                && news.Events &&& ~~~(interests ||| unasked) = WatchEvents.None)

        test "5. both halves of a move have its cookie, and the second one has both paths" {
            let run = withDirectories ()
            let before = run.News.Length
            run.Tree.Do(Move(1, 0, 2))
            run.Tree.Do(MakeFile(2, 0))
            run.Finish()

            match run.News |> List.skip before with
            | [ from; ``to``; made ] ->
                Expect.equal (from.Events, from.Path) (WatchEvents.MovedFrom, "/t/n0/n1") "from"
                Expect.equal (``to``.Events, ``to``.Path) (WatchEvents.MovedTo, "/t/n2") "to"
                Expect.equal ``to``.OldPath "/t/n0/n1" "both paths"
                Expect.equal ``to``.Cookie from.Cookie "cookie"
                Expect.isTrue (made.Path.StartsWith "/t/n") "made"
            | other -> failtest $"{other}"
        }

        testProperty "6. an overflow is told, and the tree is walked again"
        <| fun
               (before: (byte * byte * byte) list)
               (lost: (byte * byte * byte) list)
               (after: (byte * byte * byte) list) ->
            let run = Run(WatchEvents.All, [])
            List.iter run.Step (decode before)
            decode lost |> List.iter run.Tree.Do
            run.Tree.Overflow()
            List.iter run.Step (decode after)
            run.Finish()
            let directories = run.Tree.Truth |> Set.filter snd |> Set.map fst |> Set.add "/t"
            let paths = [ for entry in run.Table.Entries.Values -> entry.Path ]

            List.exists isOverflow run.News
            && Set.ofList paths = directories
            && paths.Length = directories.Count
    ]
