/// A tree of files with the kernel's watches on it, in memory: what inotify tells of it, as late as the test reads it.
module Uring.Laws.WatchTrees

open System
open System.Collections.Generic
open Uring.Model

type Step =
    | MakeDirectory of parent: int * name: int
    | MakeFile of parent: int * name: int
    | Remove of which: int
    /// Also from and to the directory that is not watched.
    | Move of which: int * parent: int * name: int
    /// Reads so many events, and does what the table says.
    | Read of most: int

type Node(isDirectory: bool) =
    member val Children = SortedDictionary<string, Node>()
    member val Watch = 0 with get, set
    member _.IsDirectory = isDirectory

/// Steps that happen between the watch of a directory and its listing are taken from `meanwhile`.
[<Sealed>]
type Tree() =
    let inside = Node true
    let outside = Node true
    let said = Queue<Notification>()
    let mutable cookie = 0u
    let mutable watches = 0
    let nodes = Dictionary<int, Node>()

    let rec all (path: string) (node: Node) : (string * Node) list = [
        for KeyValue(name, child) in node.Children do
            let path = path + "/" + name
            (path, child)
            yield! all path child
    ]

    let everything () = all "/t" inside @ all "/o" outside

    let directories () =
        [ "/t", inside; "/o", outside ] @ everything () |> List.filter (fun (_, node) -> node.IsDirectory)

    let find path =
        directories () @ everything () |> List.tryFind (fun (other, _) -> other = path) |> Option.map snd

    let pick (items: 'T list) (index: int) = items[abs (index % items.Length)]

    let say (node: Node) events cookie isDirectory name =
        if node.Watch > 0 then
            said.Enqueue {
                Watch = node.Watch
                Events = events
                Cookie = cookie
                IsDirectory = isDirectory
                Name = name
            }

    let forget (node: Node) =
        say node WatchEvents.WatchEnded 0u node.IsDirectory ""
        nodes.Remove node.Watch |> ignore
        node.Watch <- 0

    let parentOf (node: Node) =
        directories () |> List.find (fun (_, parent) -> parent.Children.ContainsValue node) |> snd

    let rec removeAll (parent: Node) (name: string) (node: Node) =
        for KeyValue(name, child) in List.ofSeq node.Children do
            removeAll node name child

        parent.Children.Remove name |> ignore
        if node.Watch > 0 then forget node
        say parent WatchEvents.Deleted 0u node.IsDirectory name

    let nameIn (parent: Node) node =
        (parent.Children |> Seq.find (fun entry -> obj.ReferenceEquals(entry.Value, node))).Key

    let make parent name isDirectory =
        let _, parent = pick (directories ()) parent
        let name = $"n{abs (name % 3)}"

        if not (parent.Children.ContainsKey name) then
            parent.Children[name] <- Node isDirectory
            say parent WatchEvents.Created 0u isDirectory name

    /// What the world does; `Read` is the test's.
    member _.Do step =
        match step with
        | MakeDirectory(parent, name) -> make parent name true
        | MakeFile(parent, name) -> make parent name false
        | Remove which ->
            match everything () with
            | [] -> ()
            | found ->
                let _, node = pick found which
                let parent = parentOf node
                removeAll parent (nameIn parent node) node
        | Move(which, target, name) ->
            match everything () with
            | [] -> ()
            | found ->
                let path, node = pick found which
                let targetPath, target = pick (directories ()) target
                let name = $"n{abs (name % 3)}"

                if
                    not (
                        targetPath = path
                        || targetPath.StartsWith(path + "/")
                        || target.Children.ContainsKey name
                    )
                then
                    let parent = parentOf node
                    let oldName = nameIn parent node
                    cookie <- cookie + 1u
                    parent.Children.Remove oldName |> ignore
                    target.Children[name] <- node
                    say parent WatchEvents.MovedFrom cookie node.IsDirectory oldName
                    say target WatchEvents.MovedTo cookie node.IsDirectory name
        | Read _ -> ()

    member _.Overflow() =
        said.Clear()

        said.Enqueue {
            Watch = -1
            Events = WatchEvents.Overflow
            Cookie = 0u
            IsDirectory = false
            Name = ""
        }

    /// inotify_add_watch of a directory: the same number for what is watched already, 0 when there is none.
    member _.Watch(path: string) =
        match find path with
        | Some node when node.IsDirectory ->
            if node.Watch = 0 then
                watches <- watches + 1
                node.Watch <- watches
                nodes[watches] <- node

            node.Watch
        | _ -> 0

    member _.Unwatch watch =
        match nodes.TryGetValue watch with
        | true, node -> forget node
        | _ -> ()

    member _.Next() = said.Dequeue()
    member _.Waiting = said.Count

    /// The paths below the watched directory, with whether each is a directory.
    member _.Truth = all "/t" inside |> List.map (fun (path, node) -> path, node.IsDirectory) |> Set.ofList

    member _.Watched = nodes |> Seq.map (fun entry -> entry.Key) |> Set.ofSeq

    /// What is in the directory that has this path now, if there is one.
    member _.List(path: string) =
        match find path with
        | Some node when node.IsDirectory ->
            Some [ for KeyValue(name, child) in node.Children -> struct (name, child.IsDirectory) ]
        | _ -> None
