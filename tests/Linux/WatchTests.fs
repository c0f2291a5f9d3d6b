/// Watching files and directories on the real kernel; what the table of watches decides is tested by its laws.
module Uring.Tests.Linux.WatchTests

open System
open System.IO
open System.Threading
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

let private create = WatchEvents.Created
let private structure = create ||| WatchEvents.Deleted ||| WatchEvents.MovedFrom ||| WatchEvents.MovedTo

/// A watcher and a folder of its own.
let private case name (body: LoopThread -> string -> Watcher -> unit) =
    folderCase name (fun host folder ->
        let watcher = runOn host Watch.create
        body host folder watcher
        (watcher :> IAsyncDisposable).DisposeAsync().AsTask() |> finished "close")

let private next host watcher = runOn host (Watch.next watcher)

/// The next events, each with the path as it is below the folder.
let private take host watcher (folder: string) count = [
    for _ in 1..count do
        let news = next host watcher
        news.Events, news.Path.Substring folder.Length
]

let private errno (expected: Errno) (body: unit -> 'T) =
    match failureOf body with
    | :? IOException as reason ->
        Expect.equal reason.HResult (int expected) "errno"
        reason.Message
    | other -> failtest $"{other}"

let private limitOf name = File.ReadAllText $"/proc/sys/fs/inotify/{name}"

/// The limit counts for everybody: the tests that lower it are alone, and put it back.
let private withLimit name (value: int) (body: unit -> unit) =
    if Environment.UserName <> "root" then
        skiptest "only root may lower the limits of inotify"

    let before = limitOf name
    File.WriteAllText($"/proc/sys/fs/inotify/{name}", string value)

    try
        body ()
    finally
        File.WriteAllText($"/proc/sys/fs/inotify/{name}", before)

[<Tests>]
let tests =
    testSequenced
    <| testList "Watch" [
        case "all: one after another, cancelled, and disposed of" (fun host folder watcher ->
            runOn host (Watch.add watcher folder create) |> ignore
            let stream = runOn host (Watch.all watcher)

            let take =
                uring {
                    let! more = UringStream.next stream
                    Expect.isTrue more "goes on"
                    return stream.Current.Path.Substring folder.Length
                }

            File.WriteAllText(at folder "one", "")
            File.WriteAllText(at folder "two", "")
            Expect.equal [ runOn host take; runOn host take ] [ "/one"; "/two" ] "in their order"
            use source = new CancellationTokenSource()

            let waiting =
                Uring.startOn
                    host
                    source.Token
                    (uring {
                        use! all = Watch.all watcher

                        for news in all do
                            failtest news.Path
                    })

            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            source.Cancel()
            ended "all" waiting
            Expect.isTrue waiting.IsCanceled "cancelled"
            File.WriteAllText(at folder "three", "")
            Expect.equal (runOn host take) "/three" "nothing was lost"
            (watcher :> IAsyncDisposable).DisposeAsync().AsTask() |> finished "close"
            Expect.throwsT<ObjectDisposedException> (fun () -> runOn host take |> ignore) "disposed of")

        case "a file: each thing that happens, in its order" (fun host folder watcher ->
            let path = at folder "file"
            File.WriteAllText(path, "1")
            let watch = runOn host (Watch.add watcher path WatchEvents.All)
            File.AppendAllText(path, "2")
            let seen = take host watcher folder 3
            let name = "/file"

            Expect.equal
                seen
                [
                    WatchEvents.Opened, name
                    WatchEvents.Modified, name
                    WatchEvents.ClosedAfterWriting, name
                ]
                "append"

            File.ReadAllText path |> ignore

            Expect.equal
                (take host watcher folder 3)
                [
                    WatchEvents.Opened, name
                    WatchEvents.Accessed, name
                    WatchEvents.ClosedAfterReading, name
                ]
                "read"

            File.SetUnixFileMode(path, UnixFileMode.UserRead)
            Expect.equal (take host watcher folder 1) [ WatchEvents.MetadataChanged, name ] "mode"
            File.Move(path, path + "2")
            Expect.equal (next host watcher).Events WatchEvents.SelfMoved "moved"
            File.Delete(path + "2")

            Expect.equal
                (take host watcher folder 3 |> List.map fst)
                [ WatchEvents.MetadataChanged; WatchEvents.SelfDeleted; WatchEvents.WatchEnded ]
                "deleted"

            Expect.isFalse (runOn host (Watch.remove watcher (watch + 1))) "no such watch")

        case "a directory: names in any script, and both halves of a move" (fun host folder watcher ->
            runOn host (Watch.add watcher folder structure) |> ignore
            let old, name = at folder "größe 大きさ", at folder "x"
            File.WriteAllText(old, "")
            File.Move(old, name)
            File.Delete name
            let made = next host watcher
            Expect.equal (made.Events, made.Path, made.OldPath) (create, old, null) "made"
            let from = next host watcher
            let moved = next host watcher
            Expect.equal (from.Events, from.Path) (WatchEvents.MovedFrom, old) "from"
            Expect.equal (moved.Events, moved.Path, moved.OldPath) (WatchEvents.MovedTo, name, old) "to"
            Expect.equal (from.Cookie, from.Cookie = 0u) (moved.Cookie, false) "cookie"
            Expect.equal (next host watcher).Events WatchEvents.Deleted "deleted")

        case "waits, and can be cancelled without a gap" (fun host folder watcher ->
            runOn host (Watch.add watcher folder structure) |> ignore
            use source = new CancellationTokenSource()
            let waiting = Uring.startOn host source.Token (Watch.next watcher)
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)

            Expect.throwsT<InvalidOperationException> (fun () -> next host watcher |> ignore) "one at a time"
            source.Cancel()
            ended "next" waiting
            Expect.isTrue waiting.IsCanceled "during"
            File.WriteAllText(at folder "a", "")
            Expect.equal (take host watcher folder 1) [ create, "/a" ] "no gap")

        case
            "a tree that is made faster than it can be watched: nothing is missing"
            (fun host folder watcher ->
                runOn host (Watch.addTree watcher folder structure) |> ignore

                let expected =
                    set [
                        for one in 1..20 do
                            $"/{one}"

                            for two in 1..5 do
                                $"/{one}/{two}"
                                $"/{one}/{two}/file"
                    ]

                let making =
                    Tasks.Task.Run(fun () ->
                        for one in 1..20 do
                            for two in 1..5 do
                                Directory.CreateDirectory(at folder $"{one}/{two}") |> ignore
                                File.WriteAllText(at folder $"{one}/{two}/file", ""))

                let mutable seen = Set.empty

                while seen <> expected do
                    let news = next host watcher
                    Expect.equal news.Events create "only creations"
                    let path = news.Path.Substring folder.Length
                    Expect.isFalse (seen.Contains path) $"{path} is told once"
                    seen <- Set.add path seen

                finished "making" making)

        case "a tree: moved within it, moved out of it, moved in" (fun host folder watcher ->
            let tree, beside = at folder "tree", at folder "beside"
            Directory.CreateDirectory(at tree "a/b") |> ignore
            Directory.CreateDirectory beside |> ignore
            runOn host (Watch.addTree watcher tree structure) |> ignore
            Directory.Move(at tree "a", at tree "c")
            File.WriteAllText(at tree "c/b/file", "")
            let seen = take host watcher tree 3

            Expect.equal
                seen
                [ WatchEvents.MovedFrom, "/a"; WatchEvents.MovedTo, "/c"; create, "/c/b/file" ]
                "within"

            Directory.Move(at tree "c", at beside "c")
            Expect.equal (take host watcher tree 1) [ WatchEvents.MovedFrom, "/c" ] "out"
            File.WriteAllText(at beside "c/b/unseen", "")
            Directory.Move(at beside "c", at tree "d")

            Expect.equal
                (take host watcher tree 4 |> List.map snd |> List.sort)
                [ "/d"; "/d/b"; "/d/b/file"; "/d/b/unseen" ]
                "in, with what is in it"

            File.WriteAllText(at tree "d/b/later", "")
            Expect.equal (take host watcher tree 1) [ create, "/d/b/later" ] "watched")

        case "a link to a directory is not followed" (fun host folder watcher ->
            let tree, beside = at folder "tree", at folder "beside"
            Directory.CreateDirectory tree |> ignore
            Directory.CreateDirectory beside |> ignore
            Directory.CreateSymbolicLink(at tree "link", beside) |> ignore
            runOn host (Watch.addTree watcher tree structure) |> ignore
            File.WriteAllText(at beside "unseen", "")
            File.WriteAllText(at tree "seen", "")
            Expect.equal (take host watcher tree 1) [ create, "/seen" ] "the first event")

        case "a watch that was removed tells nothing more" (fun host folder watcher ->
            let one, two = at folder "one", at folder "two"

            for path in [ at one "in"; two ] do
                Directory.CreateDirectory path |> ignore

            let first = runOn host (Watch.addTree watcher one structure)
            let second = runOn host (Watch.add watcher two structure)
            Expect.isTrue (runOn host (Watch.remove watcher first)) "removed"
            Expect.isFalse (runOn host (Watch.remove watcher first)) "once"
            File.WriteAllText(at one "in/unseen", "")
            File.WriteAllText(at two "seen", "")
            let news = next host watcher
            Expect.equal (news.Path, news.Root) (at two "seen", second) "the other one")

        case "what is watched already, what is not there, and bad input" (fun host folder watcher ->
            let add path interests = runOn host (Watch.add watcher path interests)
            add folder structure |> ignore
            let message = errno Errno.EEXIST (fun () -> add folder WatchEvents.All)
            Expect.stringContains message "another one" "remedy"

            Expect.throwsT<FileNotFoundException>
                (fun () -> add (at folder "x") structure |> ignore)
                "ENOENT"

            Expect.throwsT<DirectoryNotFoundException>
                (fun () -> add "/etc/passwd/x" structure |> ignore)
                "ENOTDIR"

            Expect.throwsT<ArgumentException> (fun () -> add "" structure |> ignore) "no path"
            Expect.throwsT<ArgumentException> (fun () -> add folder WatchEvents.None |> ignore) "nothing"
            Expect.throwsT<ArgumentException> (fun () -> add folder WatchEvents.Overflow |> ignore) "unasked")

        case "closed while somebody waits, and afterwards" (fun host folder watcher ->
            runOn host (Watch.add watcher folder structure) |> ignore
            let waiting = startOn host (Watch.next watcher)
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            (watcher :> IAsyncDisposable).DisposeAsync().AsTask() |> finished "close"
            ended "next" waiting
            Expect.isTrue (waiting.IsCanceled || waiting.IsFaulted) "ends"
            Expect.throwsT<ObjectDisposedException> (fun () -> next host watcher |> ignore) "next"

            Expect.throwsT<ObjectDisposedException>
                (fun () -> runOn host (Watch.add watcher folder structure) |> ignore)
                "add")

        // The limits are per user namespace: no other test of this process watches anything meanwhile.
        case
            "more than the kernel keeps is told as an overflow, and the tree is known afterwards"
            (fun host folder _ ->
                let limit = 16

                withLimit "max_queued_events" limit (fun () ->
                    let watcher = runOn host Watch.create
                    runOn host (Watch.addTree watcher folder structure) |> ignore

                    for number in 1 .. 2 * limit do
                        Directory.CreateDirectory(at folder $"{number}") |> ignore

                    while (next host watcher).Events <> WatchEvents.Overflow do
                        ()

                    File.WriteAllText(at folder $"{2 * limit}/file", "")

                    Expect.equal
                        (take host watcher folder 1)
                        [ create, $"/{2 * limit}/file" ]
                        "walked again"

                    (watcher :> IAsyncDisposable).DisposeAsync().AsTask() |> finished "close"))

        case "no watches left: the sysctl has a name" (fun host folder watcher ->
            Directory.CreateDirectory(at folder "a/b/c") |> ignore

            withLimit "max_user_watches" 1 (fun () ->
                let message =
                    errno Errno.ENOSPC (fun () -> runOn host (Watch.addTree watcher folder structure))

                Expect.stringContains message "fs.inotify.max_user_watches" "remedy")

            // Nothing of the tree is left behind.
            runOn host (Watch.addTree watcher folder structure) |> ignore)

        case "no watchers left: the sysctl has a name" (fun host _ _ ->
            withLimit "max_user_instances" 0 (fun () ->
                let message = errno Errno.EMFILE (fun () -> runOn host Watch.create)
                Expect.stringContains message "fs.inotify.max_user_instances" "remedy"))
    ]
