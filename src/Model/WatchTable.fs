// Decides what a watcher's watches mean: which path a watch has by now, what is told of an event, which directories are
// to be watched as well. Knows no kernel and no disk. Tested in WatchTableLaws.fs against random trees; driven by Api/Watch.fs.
namespace Uring.Model

open System

/// All watches of one inotify.
///
///   unknown --walked--> at a path --IGNORED--> unknown
///                        |   ^  \--CREATE, MOVED_TO of a directory--> Walk (recursive)
///             MOVED_FROM |   | MOVED_TO with its cookie: under the new path; what was held is told
///                        v   | walked: found somewhere
///                       adrift --a read later--> Forget: moved out
///
/// Laws
///  1. who applies what is told knows the tree, however late it is read, or is told of an overflow
///  2. in the end exactly the directories of the tree are watched, each under its path
///  3. a directory that was moved out is watched no more, and nothing is told of it
///  4. only what was asked for is told, and what the kernel tells unasked
///  5. both halves of a move have its cookie, and the second one has both paths
///  6. an overflow is told, and the tree is walked again
type WatchTable = {
    Roots: Map<int, WatchRoot>
    Entries: Map<int, WatchEntry>
    Departures: Map<uint32, Departure>
    /// Paths that were told because they were found: the kernel may tell of them as well. `Known` are those of this
    /// read, `KnownBefore` of the one before.
    Known: Set<string>
    KnownBefore: Set<string>
    /// Recursive watches whose walks have met what the events do not explain yet.
    Doubtful: Set<int>
}

/// The transitions; see `WatchTable` for the laws.
[<RequireQualifiedAccess>]
module WatchTable =

    /// In place of a cookie: the events do not say yet where it is.
    [<Literal>]
    let private unexplained = 0u

    let empty = {
        Roots = Map.empty
        Entries = Map.empty
        Departures = Map.empty
        Known = Set.empty
        KnownBefore = Set.empty
        Doubtful = Set.empty
    }

    /// What a walk needs to be told, whatever was asked for.
    let private structure =
        WatchEvents.Created ||| WatchEvents.Deleted ||| WatchEvents.MovedFrom ||| WatchEvents.MovedTo

    let private unasked = WatchEvents.Unmounted ||| WatchEvents.Overflow ||| WatchEvents.WatchEnded

    /// What the kernel is asked for.
    let mask (root: WatchRoot) = if root.IsRecursive then root.Interests ||| structure else root.Interests

    let private tell (root: int) (news: FileNews) table =
        match Map.tryFind root table.Roots with
        | None -> []
        | Some asked ->
            let events = news.Events &&& (asked.Interests ||| unasked)

            if events = WatchEvents.None then
                []
            else
                [ WatchVerdict.Tell { news with Events = events } ]

    let private isRecursive root table =
        match Map.tryFind root table.Roots with
        | Some asked -> asked.IsRecursive
        | None -> false

    /// Somebody asks to watch something; `root` is new. The first watch is added with `started`.
    let ask root asked table = { table with Roots = Map.add root asked table.Roots }

    /// The watch of the root itself stands. What is there already is not told.
    let started root watch table =
        let path = table.Roots[root].Path

        {
            table with
                Entries = Map.add watch { Root = root; Path = path; Adrift = ValueNone } table.Entries
        }

    /// Nobody wants it any more.
    let remove root table : struct (WatchTable * WatchVerdict list) =
        let mine, others = table.Entries |> Map.partition (fun _ entry -> entry.Root = root)

        struct ({
                    table with
                        Roots = Map.remove root table.Roots
                        Entries = others
                        Doubtful = Set.remove root table.Doubtful
                },
                [ for watch in Map.keys mine -> WatchVerdict.Forget watch ])

    let private unknow path table = {
        table with
            Known = Set.remove path table.Known
            KnownBefore = Set.remove path table.KnownBefore
    }

    let private know path table = { table with Known = Set.add path table.Known }

    let private isKnown path table = table.Known.Contains path || table.KnownBefore.Contains path

    let private departs cookie path table =
        // What nobody knows where it went has no path of its own, and no later time.
        if cookie = unexplained && table.Departures.ContainsKey cookie then
            table
        else
            {
                table with
                    Departures = Map.add cookie { From = path; IsOld = false; Held = [] } table.Departures
            }

    /// The answer to `Walk` when the path has come to name something else meanwhile: what was watched is to be found yet.
    let missed root path watch table =
        match Map.tryFind watch table.Entries with
        | Some _ -> table
        | None ->
            let entry = { Root = root; Path = path; Adrift = ValueSome unexplained }
            departs unexplained path { table with Entries = Map.add watch entry table.Entries }

    /// What was thought to be here is somewhere else, and so may be what was told of it.
    let private displace root path watch table =
        let isDisplaced other (entry: WatchEntry) = other <> watch && entry.Adrift.IsNone && entry.Path = path

        if Map.exists isDisplaced table.Entries then
            let drift other entry =
                if isDisplaced other entry then { entry with Adrift = ValueSome unexplained } else entry

            departs unexplained path {
                table with
                    Entries = Map.map drift table.Entries
                    Doubtful = Set.add root table.Doubtful
            }
        else
            table

    /// The answer to `Walk`: which watch the directory has, and what is in it, with whether that is a directory.
    let walked
        root
        (path: string)
        tells
        watch
        (found: struct (string * bool) list)
        table
        : struct (WatchTable * WatchVerdict list) =
        let entry = { Root = root; Path = path; Adrift = ValueNone }

        let further tells = [
            for struct (name, isDirectory) in found do
                if isDirectory then WatchVerdict.Walk(root, WatchPath.below path name, tells)
        ]

        match Map.tryFind watch table.Entries with
        // What another watch has stays that one's: the kernel has one watch for a directory.
        | Some known when known.Root <> root -> struct (table, [])
        | Some known when known = entry -> struct (displace root path watch table, further tells)
        // The events that explain it are to be read yet.
        | Some known when known.Adrift.IsNone ->
            struct ({ table with Doubtful = Set.add root table.Doubtful }, [])
        | known ->
            let isAdrift = known.IsSome
            let table = displace root path watch table
            let table = { table with Entries = Map.add watch entry table.Entries }

            if not tells then
                struct (table, further false)
            else
                // Found again where nobody has told that it is.
                let isNews = isAdrift && not (isKnown path table)
                let paths = found |> List.map (fun struct (name, _) -> WatchPath.below path name)

                let verdicts = [
                    if isNews then yield! tell root (FileNews.creation root path true) table

                    for struct (name, isDirectory) in found do
                        let path = WatchPath.below path name
                        yield! tell root (FileNews.creation root path isDirectory) table
                        if isDirectory then WatchVerdict.Walk(root, path, true)
                ]

                struct (List.fold (fun table path -> know path table) table paths, verdicts)

    /// All entries of these become adrift, and their trees are walked again: those that are not found are forgotten.
    let private again (roots: Set<int>) table : struct (WatchTable * WatchVerdict list) =
        let drift (entry: WatchEntry) =
            if roots.Contains entry.Root && entry.Path <> table.Roots[entry.Root].Path then
                { entry with Adrift = ValueSome unexplained }
            else
                entry

        struct (departs unexplained "" {
                    table with
                        Entries = Map.map (fun _ entry -> drift entry) table.Entries
                        Doubtful = table.Doubtful - roots
                },
                [ for root in roots -> WatchVerdict.Walk(root, table.Roots[root].Path, false) ])

    let private followedBy (verdict: WatchVerdict list) struct (table, verdicts) =
        struct (table, verdicts @ verdict)

    let private leaves path (said: Notification) table =
        // Where a file was, a directory can be by now, and have a watch: a walk will find it.
        let cookie = if said.IsDirectory then said.Cookie else unexplained

        let drift (entry: WatchEntry) =
            if
                entry.Adrift.IsNone
                && entry.Path <> table.Roots[entry.Root].Path
                && WatchPath.isWithin path entry.Path
            then
                { entry with Adrift = ValueSome cookie }
            else
                entry

        let entries = Map.map (fun _ entry -> drift entry) table.Entries

        // What was found below it went with it.
        let others = Set.filter (WatchPath.isWithin path >> not)

        {
            table with
                Entries = entries
                Known = others table.Known
                KnownBefore = others table.KnownBefore
        }
        |> departs said.Cookie path
        |> departs unexplained path

    /// What the first half took away is there now. What was held is to be read again, the first first.
    let private arrives root path (said: Notification) (departure: Departure) table =
        let land' (entry: WatchEntry) =
            if entry.Adrift = ValueSome said.Cookie then
                {
                    Root = root
                    Path = path + entry.Path.Substring departure.From.Length
                    Adrift = ValueNone
                }
            else
                entry

        let isLanding (held: Notification) =
            match Map.tryFind held.Watch table.Entries with
            | Some entry -> entry.Adrift = ValueSome said.Cookie
            | None -> false

        struct ({
                    table with
                        Entries = Map.map (fun _ entry -> land' entry) table.Entries
                        Departures = Map.remove said.Cookie table.Departures
                },
                departure.Held |> List.rev |> List.filter isLanding)

    let private hold cookie said table =
        let add (departure: Departure) = { departure with Held = said :: departure.Held }
        { table with Departures = Map.change cookie (Option.map add) table.Departures }

    let private has (event: WatchEvents) (said: Notification) = (said.Events &&& event) <> WatchEvents.None

    /// The kernel has told something. Do what it says before the next one.
    let rec notify (said: Notification) table : struct (WatchTable * WatchVerdict list) =
        if has WatchEvents.Overflow said then
            let recursive =
                table.Roots |> Map.filter (fun _ root -> root.IsRecursive) |> Map.keys |> Set.ofSeq

            again recursive table |> followedBy [ WatchVerdict.Tell(FileNews.overflow -1) ]
        else
            match Map.tryFind said.Watch table.Entries with
            // Of a watch that was forgotten.
            | None -> struct (table, [])
            | Some entry when has WatchEvents.WatchEnded said -> ended said entry table
            | Some { Adrift = ValueSome cookie } -> struct (hold cookie said table, [])
            | Some entry -> happened said entry table

    and private ended said entry table =
        let left = { table with Entries = Map.remove said.Watch table.Entries }

        let isRoot =
            table.Roots |> Map.exists (fun root asked -> root = entry.Root && asked.Path = entry.Path)

        struct (left,
                if isRoot then
                    tell
                        entry.Root
                        {
                            Root = entry.Root
                            Events = said.Events
                            Path = entry.Path
                            OldPath = null
                            Cookie = 0u
                            IsDirectory = said.IsDirectory
                        }
                        table
                else
                    [])

    and private happened said entry table =
        let path = WatchPath.below entry.Path said.Name

        let told oldPath =
            tell
                entry.Root
                {
                    Root = entry.Root
                    Events = said.Events
                    Path = path
                    OldPath = oldPath
                    Cookie = said.Cookie
                    IsDirectory = said.IsDirectory
                }
                table

        let walk =
            if said.IsDirectory && isRecursive entry.Root table then
                [ WatchVerdict.Walk(entry.Root, path, true) ]
            else
                []

        if has WatchEvents.Created said then
            // Found before, and told then.
            if isKnown path table then
                struct (unknow path table, walk)
            else
                struct ((if walk.IsEmpty then table else know path table), told null @ walk)
        elif has WatchEvents.Deleted said then
            // Another one can have its name already, and its watch: a walk will find it.
            struct (leaves path { said with Cookie = unexplained } table, told null)
        elif has WatchEvents.MovedFrom said then
            struct (leaves path said table, told null)
        elif has WatchEvents.MovedTo said then
            match Map.tryFind said.Cookie table.Departures with
            | None -> struct (know path table, told null @ walk)
            | Some departure ->
                let struct (table, held) = arrives entry.Root path said departure (know path table)

                // Directories that were made and moved before they could be walked are found by the walk.
                let replay struct (table, verdicts) said =
                    let struct (next, more) = notify said table
                    struct (next, verdicts @ more)

                List.fold replay (struct (table, told departure.From @ walk)) held
        else
            struct (table, told null)

    /// All events of a read were told and done. `isDrained`: there were no more at that time.
    let settled isDrained table : struct (WatchTable * WatchVerdict list) =
        if not isDrained then
            struct (table, [])
        else
            let gone cookie =
                match Map.tryFind cookie table.Departures with
                | Some departure -> departure.IsOld
                | None -> true

            let isLost (entry: WatchEntry) =
                match entry.Adrift with
                | ValueSome cookie -> gone cookie
                | ValueNone -> false

            let lost, left = table.Entries |> Map.partition (fun _ entry -> isLost entry)

            let table = {
                table with
                    Entries = left
                    Departures =
                        table.Departures
                        |> Map.filter (fun _ departure -> not departure.IsOld)
                        |> Map.map (fun _ departure -> { departure with IsOld = true })
                    Known = Set.empty
                    KnownBefore = table.Known
            }

            let forgotten = [ for watch in Map.keys lost -> WatchVerdict.Forget watch ]

            if table.Doubtful.IsEmpty then
                struct (table, forgotten)
            else
                let doubtful = table.Doubtful
                let struct (table, walks) = again doubtful table

                struct (table,
                        forgotten
                        @ walks
                        @ [ for root in doubtful -> WatchVerdict.Tell(FileNews.overflow root) ])
