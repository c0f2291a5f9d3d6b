// Checks World/FileSystem.fs: an onlooker notes what was written and named since the last sync, and what a power loss
// may therefore leave.
module Uring.Laws.SimulatedFileSystemLaws

open System
open Expecto
open Uring.Model
open Uring.Simulation.World

/// Paths, open files and lengths are bytes that choose from the few that there are.
type Step =
    | Open of path: byte * truncates: bool
    | Close of nth: byte
    | Write of nth: byte * at: byte * length: byte
    | Resize of nth: byte * length: byte
    | MakeDirectory of path: byte
    | Link of target: byte * path: byte
    | HardLink of target: byte * path: byte * follows: bool
    | MakeFifo of path: byte
    | Remove of path: byte * directory: bool
    | Rename of source: byte * target: byte * flags: byte
    | Sync of nth: byte
    | PowerLoss of lost: byte * keep: byte

let private paths = [|
    "a"
    "d"
    "d/a"
    "d/e"
    "d/e/a"
    "l"
    "l/a"
    "l/"
    "a/"
    "."
    "d/."
    "d/.."
    "d/e/.."
    "/"
|]

/// What an onlooker knows of one file: its bytes now and at its sync, the values that each may have after a power loss,
/// newest first, and whether its length was changed since.
type private Seen = { Current: byte array; Synced: byte array; May: Map<int, byte list>; IsResized: bool }

type private World = {
    Fs: FileSystem
    Open: int list
    /// Names since the last sync, newest first; never empty.
    Versions: Names list
    Files: Map<int, Seen>
    /// How many writes there were.
    Writes: int
}

type private Transition = { Before: World; Step: Step; After: World }

let private startWith capacity =
    let fs = FileSystem.empty capacity
    { Fs = fs; Open = []; Versions = [ fs.Names ]; Files = Map.empty; Writes = 0 }

let private pathOf (n: byte) = paths[int n % paths.Length]

/// Up to six sectors, and not always whole ones.
let private lengthOf (n: byte) = int n * 12

/// What the next write puts at a place: another value than its neighbours, and than the write before it. Never zero.
let private valueAt world at = byte (1 + (world.Writes * 7 + at) % 255)

let private written world at length = Array.init length (fun n -> valueAt world (at + n))

/// All bytes of a file, now.
let private contentsOf inode (fs: FileSystem) =
    let contents = fs.Files[inode].Current
    let bytes = Array.zeroCreate (int contents.Length)
    Contents.read 0L (Span bytes) contents |> ignore
    bytes

let private certain (bytes: byte array) = {
    May = bytes |> Array.indexed |> Array.map (fun (at, value) -> at, [ value ]) |> Map.ofArray
    Current = bytes
    Synced = bytes
    IsResized = false
}

/// Every name with its path, from the root. It ends even where a directory lies within itself.
let private tree (fs: FileSystem) =
    let rec visit (path: string) inode =
        match Map.tryFind inode fs.Names.Directories with
        | Some entries when path.Length < 100 ->
            (path, inode)
            :: (entries |> Map.toList |> List.collect (fun (name, inode) -> visit $"{path}/{name}" inode))
        | _ -> [ path, inode ]

    visit "" FileSystem.root

let private nth (n: byte) (items: 'Item list) = List.tryItem (int n % max 1 items.Length) items

/// New names, if they are new.
let private named (fs: FileSystem) world =
    let isNew = fs.Names <> world.Versions.Head

    {
        world with
            Fs = fs
            Versions = if isNew then fs.Names :: world.Versions else world.Versions
    }

let private resized inode length world =
    let seen = world.Files[inode]
    let current = Array.init length (fun at -> if at < seen.Current.Length then seen.Current[at] else 0uy)

    {
        world with
            Files = Map.add inode { seen with Current = current; IsResized = true } world.Files
    }

let private wrote inode at length world =
    let seen = world.Files[inode]
    let current = Array.zeroCreate<byte>(max seen.Current.Length (at + length))
    seen.Current.CopyTo(current, 0)
    Array.blit (written world at length) 0 current at length

    let may =
        seq { at .. at + length - 1 }
        |> Seq.fold
            (fun may at ->
                Map.add at (valueAt world at :: (Map.tryFind at may |> Option.defaultValue [])) may)
            seen.May

    {
        world with
            Files = Map.add inode { seen with May = may; Current = current } world.Files
            Writes = world.Writes + 1
    }

/// The choices of a power loss: how many changes of names, and of each change of a file all, nothing, or some sectors.
let private lose (lost: byte) (keep: byte) fs =
    let mutable drawn = int keep

    let version count = int lost % (count + 1)

    let kept length =
        drawn <- (drawn * 5 + 3) &&& 0xffff

        match drawn / 4 % 3 with
        | 0 -> length
        | 1 -> 0
        | _ -> min length (512 * (drawn / 16 % 5))

    FileSystem.powerLoss version kept fs

let private applyNames world (result: Result<FileSystem, Errno>) =
    match result with
    | Ok fs -> named fs world
    | Error _ -> world

let private apply world step =
    match step with
    | Open(path, truncates) ->
        let flags = 0o102 ||| (if truncates then 0o1000 else 0)

        match FileSystem.openAt (pathOf path) flags 0o644 0L world.Fs with
        | Ok struct (fs, inode) when FileSystem.isFifo inode fs -> { world with Fs = fs }
        | Ok struct (fs, inode) ->
            let world = named (FileSystem.opened inode fs) { world with Open = world.Open @ [ inode ] }

            if Map.containsKey inode world.Files then
                if truncates then resized inode 0 world else world
            else
                { world with Files = Map.add inode (certain [||]) world.Files }
        | Error _ -> world
    | Close n ->
        match nth n world.Open with
        | Some inode -> {
            world with
                Fs = FileSystem.closed inode world.Fs
                Open = List.removeAt (int n % world.Open.Length) world.Open
          }
        | None -> world
    | Write(n, at, length) ->
        match nth n world.Open with
        | Some inode ->
            let bytes = written world (lengthOf at) (lengthOf length)
            let at = lengthOf at
            let struct (fs, result) = FileSystem.write inode (int64 at) (ReadOnlySpan bytes) 0L world.Fs
            let world = { world with Fs = fs }
            if result > 0 then wrote inode at result world else world
        | None -> world
    | Resize(n, length) ->
        match nth n world.Open with
        | Some inode ->
            let length = lengthOf length
            resized inode length { world with Fs = FileSystem.resize inode length 0L world.Fs }
        | None -> world
    | MakeDirectory path -> applyNames world (FileSystem.makeDirectory (pathOf path) world.Fs)
    | Link(target, path) -> applyNames world (FileSystem.makeLink (pathOf target) (pathOf path) world.Fs)
    | HardLink(target, path, follows) ->
        FileSystem.makeHardLink (pathOf target) (pathOf path) follows world.Fs |> applyNames world
    | MakeFifo path -> applyNames world (FileSystem.makeFifo (pathOf path) world.Fs)
    | Remove(path, directory) -> applyNames world (FileSystem.remove (pathOf path) directory world.Fs)
    | Rename(source, target, flags) ->
        FileSystem.rename (pathOf source) (pathOf target) (int flags % 3) world.Fs |> applyNames world
    | Sync n ->
        // Of the directory, when no file is open.
        let inode = nth n world.Open |> Option.defaultValue FileSystem.root

        {
            world with
                Fs = FileSystem.sync inode world.Fs
                Versions = [ world.Versions.Head ]
                Files = world.Files |> Map.change inode (Option.map (fun seen -> certain seen.Current))
        }
    | PowerLoss(lost, keep) ->
        let fs = lose lost keep world.Fs
        // What is left is certain from now on.
        let files = fs.Files |> Map.map (fun inode _ -> certain (contentsOf inode fs))
        { world with Fs = fs; Open = []; Versions = [ fs.Names ]; Files = files }

let private transitions (world: World) (steps: Step list) =
    steps
    |> List.scan apply world
    |> List.pairwise
    |> List.zip steps
    |> List.map (fun (step, (before, after)) -> { Before = before; Step = step; After = after })

// ---- the laws

let private synced (it: Transition) =
    match it.Step with
    | PowerLoss _ ->
        it.After.Fs.Files
        |> Map.forall (fun inode _ ->
            let seen = it.Before.Files[inode]
            let left = contentsOf inode it.After.Fs

            seen.IsResized
            || (seen.Synced.Length <= left.Length
                && seen.Synced
                   |> Array.indexed
                   |> Array.forall (fun (at, value) -> seen.May[at].Length > 1 || left[at] = value)))
        && (it.Before.Versions.Length > 1 || it.After.Fs.Names = it.Before.Fs.Names)
    | _ -> true

let private prefix (it: Transition) =
    match it.Step with
    | PowerLoss(lost, _) -> it.After.Fs.Names = it.Before.Versions[int lost % it.Before.Versions.Length]
    | _ -> true

let private openLives (it: Transition) =
    it.After.Open
    |> List.forall (fun inode ->
        FileSystem.isDirectory inode it.After.Fs
        || not (Map.containsKey inode it.After.Files)
        || (Map.containsKey inode it.After.Fs.Files
            && contentsOf inode it.After.Fs = it.After.Files[inode].Current))

let private isTree (it: Transition) =
    let places = tree it.After.Fs
    let inodes = places |> List.map snd
    let fs = it.After.Fs
    let folders = inodes |> List.filter (fun inode -> FileSystem.isDirectory inode fs)

    List.distinct folders = folders
    && inodes
       |> List.forall (fun inode ->
           FileSystem.isDirectory inode fs
           || FileSystem.isLink inode fs
           || FileSystem.isFifo inode fs
           || Map.containsKey inode fs.Files)
    && fs.Names.Directories |> Map.forall (fun inode _ -> List.contains inode inodes)
    // The path of a directory leads back to it.
    && folders
       |> List.forall (fun inode ->
           match FileSystem.pathOf inode fs with
           | None -> false
           | Some path ->
               match FileSystem.resolve (path + "/") true fs with
               | Ok place -> place.Inode = inode
               | Error _ -> false)

let private madeUp (it: Transition) =
    match it.Step with
    | PowerLoss _ ->
        it.After.Fs.Files
        |> Map.forall (fun inode _ ->
            let may = it.Before.Files[inode].May

            contentsOf inode it.After.Fs
            |> Array.indexed
            |> Array.forall (fun (at, value) ->
                value = 0uy || (Map.tryFind at may |> Option.exists (List.contains value))))
    | _ -> true

let private reachable (it: Transition) =
    let names (names: Names) = names.Directories |> Map.values |> Seq.collect Map.values |> Set.ofSeq
    let known = it.After.Versions |> List.map names |> Set.unionMany

    it.After.Fs.Files
    |> Map.forall (fun inode _ -> known.Contains inode || List.contains inode it.After.Open)

let private fits (it: Transition) =
    let used = FileSystem.used it.After.Fs

    used <= max it.After.Fs.Capacity (FileSystem.used it.Before.Fs)
    && (it.After.Files
        |> Map.forall (fun inode seen ->
            not (Map.containsKey inode it.After.Fs.Files) || contentsOf inode it.After.Fs = seen.Current))

/// A few files, directories and a link are there from the start, so that short histories find something to break.
let private populated capacity =
    [
        MakeDirectory 1uy
        Open(0uy, false)
        Open(2uy, false)
        MakeDirectory 3uy
        Link(1uy, 5uy)
    ]
    |> List.fold apply (startWith capacity)

let private law name capacity holds =
    testProperty name
    <| fun (steps: Step list) -> transitions (populated capacity) steps |> List.forall holds

let private unlimited = Int64.MaxValue

[<Tests>]
let laws =
    testList "SimulatedFileSystem" [
        law "1. what was synced survives every power loss" unlimited synced

        law "2. of the names a prefix survives: if one change is there, all before it are" unlimited prefix

        testProperty "3. a rename is there or it is not: the target names the old file or the new one"
        <| fun (steps: Step list) (flags: byte) ->
            let world = List.fold apply (populated unlimited) steps
            let committed = FileSystem.sync FileSystem.root world.Fs
            let before = tree committed

            List.allPairs (List.ofArray paths) (List.ofArray paths)
            |> List.forall (fun (source, target) ->
                match FileSystem.rename source target (int flags % 3) committed with
                | Error _ -> true
                | Ok renamed ->
                    let after = tree renamed

                    [ 0uy .. 3uy ]
                    |> List.forall (fun lost ->
                        let left = tree (lose lost 0uy renamed)
                        left = before || left = after))

        law "4. a file without a name lives until its last descriptor is closed" unlimited openLives
        law "5. a full disk takes what fits and nothing away" 12288L fits

        testProperty "5. ... and a write comes short only where it needs a page and none is free"
        <| fun (steps: Step list) (at: byte) (length: byte) ->
            let world = List.fold apply (startWith 12288L) (Open(0uy, false) :: steps)
            let at, length = int at * 80, int length * 80

            match world.Open with
            | [] -> true
            | inode :: _ ->
                let bytes = Array.create length 1uy
                let struct (after, result) = FileSystem.write inode at (ReadOnlySpan bytes) 0L world.Fs
                let next = int64 (at + max 0 result) / int64 Contents.pageSize
                let isThere = Map.containsKey next after.Files[inode].Current.Pages
                let isFull = FileSystem.used after > 12288L - int64 Contents.pageSize

                if result = length then
                    true
                else
                    not isThere && isFull && (result > 0 || result = Errno.toResult Errno.ENOSPC)

        law
            "6. names form a tree: each leads to something, and each directory is reached from the root in one way"
            unlimited
            isTree

        law "7. a power loss makes nothing up: each byte is zero, or was written there" unlimited madeUp

        law
            "8. nothing is kept that nobody can reach: a file is open, or has a name, or would have one after a \
             power loss"
            unlimited
            reachable
    ]
