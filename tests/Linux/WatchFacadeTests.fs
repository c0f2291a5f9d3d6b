/// The C# face of watching.
module Uring.Tests.Linux.WatchFacadeTests

open System
open System.Collections.Generic
open System.IO
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Tests.Linux.Observe

let private structure =
    WatchEvents.Created ||| WatchEvents.Deleted ||| WatchEvents.MovedFrom ||| WatchEvents.MovedTo

[<Tests>]
let tests =
    testSequenced
    <| testList "Watch facade" [
        testCaseTask "a tree, as a stream" (fun () ->
            inFolder (fun folder ->
                task {
                    use ring = new Ring()
                    let! watcher = UringWatcher.CreateAsync ring
                    let! watch = watcher.WatchAsync(folder, structure, recursive = true)
                    Directory.CreateDirectory(Path.Combine(folder, "a")) |> ignore
                    Directory.Move(Path.Combine(folder, "a"), Path.Combine(folder, "b"))
                    let events = watcher.GetAsyncEnumerator()
                    let seen = List<FileEvent>()

                    while seen.Count < 3 do
                        let! _ = events.MoveNextAsync().AsTask().WaitAsync Hosting.limit
                        seen.Add events.Current

                    do! events.DisposeAsync()
                    let last = seen[2]

                    Expect.equal
                        [ for one in seen -> one.Events ]
                        [ WatchEvents.Created; WatchEvents.MovedFrom; WatchEvents.MovedTo ]
                        "events"

                    Expect.equal last.Path (Path.Combine(folder, "b")) "path"
                    Expect.equal last.OldPath (Path.Combine(folder, "a")) "old path"
                    Expect.isTrue last.IsDirectory "directory"
                    Expect.equal (last.Watch, last.Cookie) (watch, seen[1].Cookie) "watch, cookie"
                    let! removed = watcher.RemoveAsync watch
                    Expect.isTrue removed "removed"
                    do! watcher.DisposeAsync()
                }))

        testCaseTask "cancelled before and during" (fun () ->
            inFolder (fun folder ->
                task {
                    use ring = new Ring()
                    let! watcher = UringWatcher.CreateAsync ring
                    let! _ = watcher.WatchAsync folder
                    use source = new CancellationTokenSource()
                    let waiting = watcher.NextAsync source.Token
                    Hosting.eventually "in flight" (fun () -> ring.InFlight = 1)
                    source.Cancel()
                    do! isCancelled "during" (fun () -> discard waiting)
                    do! isCancelled "before" (fun () -> discard (watcher.NextAsync source.Token))

                    do!
                        isCancelled "watch" (fun () ->
                            discard (watcher.WatchAsync(folder, cancellationToken = source.Token)))

                    do!
                        isCancelled "create" (fun () ->
                            discard (UringWatcher.CreateAsync(ring, source.Token)))

                    do! watcher.DisposeAsync()
                }))

        testCaseTask "leaves nothing open" (fun () ->
            inFolder (fun folder ->
                leavesNothingOpen (fun () ->
                    task {
                        use ring = new Ring()

                        for _ in 1..10 do
                            let! watcher = UringWatcher.CreateAsync ring
                            let! _ = watcher.WatchAsync(folder, recursive = true)
                            do! watcher.DisposeAsync()
                    })))
    ]
