/// Polling descriptors that the library did not open.
module Uring.Tests.Linux.PollTests

open System
open System.Threading
open System.Threading.Tasks
open Expecto
open Microsoft.Win32.SafeHandles
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

let private case name (body: LoopThread -> unit) = testCase name (fun () -> withLoop body)

/// One end of a connection as a mere descriptor, and the other end.
let private lend (host: LoopThread) (body: SafeFileHandle -> Uring.FSharp.Socket -> Peer -> unit) =
    let struct (ours, theirs) = connectPair host
    use handle = new SafeFileHandle(nativeint ours.Descriptor.Number, false)
    body handle ours theirs
    theirs.Dispose()
    (ours :> IAsyncDisposable).DisposeAsync().AsTask() |> finished "close"

/// Waits for the next item of a stream.
let private next (stream: UringStream<'T>) : Uring<'T> =
    uring {
        let! more = UringStream.next stream
        Expect.isTrue more "goes on"
        return stream.Current
    }

let private leave (stream: UringStream<'T>) : Uring<unit> =
    uring { do! uring { do! (stream :> IAsyncDisposable).DisposeAsync() } }

/// A pipe, and what polls the end to read from.
let private withPipe (host: LoopThread) (body: Pipe -> unit) =
    let pipe = runOn host Pipe.create
    body pipe
    runOn host (Pipe.close pipe)

let private write (host: LoopThread) (pipe: Pipe) =
    runOn host (File.writeNext pipe.Writer (ReadOnlyMemory "x"B)) |> ignore

let private streams =
    testList "again and again" [
        case "Poll.many: each time, and the handle is held until the stream is left" (fun host ->
            lend host (fun handle ours theirs ->
                let stream = runOn host (Poll.many handle PollEvents.Readable)

                for _ in 1..3 do
                    theirs.Send "x"B |> ignore
                    Expect.equal (runOn host (next stream)) PollEvents.Readable "events"
                    runOn host (Socket.receive ours (Memory(Array.zeroCreate 9))) |> ignore

                handle.Dispose()
                theirs.Send "x"B |> ignore
                Expect.equal (runOn host (next stream)) PollEvents.Readable "disposed of, and held"
                Expect.equal (Observe.references handle) 1 "held"
                runOn host (leave stream)
                runOn host (leave stream)
                Expect.equal (Observe.references handle) 0 "released, once"

                match failureOf (fun () -> runOn host (Poll.many handle PollEvents.Readable)) with
                | :? ObjectDisposedException -> ()
                | other -> failtest $"{other}"))

        case "Poll.many: cancelled while somebody waits" (fun host ->
            lend host (fun handle _ _ ->
                use source = new CancellationTokenSource()

                let waiting =
                    Uring.startOn
                        host
                        source.Token
                        (uring {
                            use! stream = Poll.many handle PollEvents.Readable
                            return! next stream
                        })

                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                source.Cancel()
                ended "poll" waiting
                Expect.isTrue waiting.IsCanceled "during"
                Expect.equal (Observe.references handle) 1 "released, and not closed"))

        case "Poll.many: of what cannot be polled" (fun host ->
            use handle = new SafeFileHandle(nativeint 1_000_000, false)
            let stream = runOn host (Poll.many handle PollEvents.Readable)

            match failureOf (fun () -> runOn host (next stream)) with
            | :? ObjectDisposedException -> ()
            | other -> failtest $"{other}"

            runOn host (leave stream))

        case "File.pollMany: each time, changed, and over" (fun host ->
            withPipe host (fun pipe ->
                let stream = runOn host (File.pollMany pipe.Reader PollEvents.Readable)

                for _ in 1..3 do
                    write host pipe
                    Expect.equal (runOn host (next stream)) PollEvents.Readable "events"
                    runOn host (File.readNext pipe.Reader (Memory(Array.zeroCreate 9))) |> ignore

                Expect.isTrue (runOn host (Poll.change stream PollEvents.Error)) "changed"
                runOn host (File.close pipe.Writer)
                let found = runOn host (next stream)
                Expect.equal found PollEvents.HangUp "a hang-up is told in any case"
                runOn host (leave stream)
                Expect.isFalse (runOn host (Poll.change stream PollEvents.Readable)) "over"))

        case "File.pollMany: cancelled, and closed" (fun host ->
            withPipe host (fun pipe ->
                use source = new CancellationTokenSource()

                let waiting =
                    Uring.startOn
                        host
                        source.Token
                        (uring {
                            use! stream = File.pollMany pipe.Reader PollEvents.Readable
                            return! next stream
                        })

                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                source.Cancel()
                ended "poll" waiting
                Expect.isTrue waiting.IsCanceled "during"))
    ]

let private facade =
    testList "C#" [
        testCase "any descriptor, again and again, with other events" (fun () ->
            withLoop (fun host ->
                lend host (fun handle _ theirs ->
                    finished
                        "polls"
                        (task {
                            use ring = new Uring.Ring()
                            use source = new CancellationTokenSource()
                            let all = ring.PollAllAsync(handle, Uring.PollEvents.Readable, source.Token)
                            let watching = all.GetAsyncEnumerator()

                            for _ in 1..2 do
                                theirs.Send "x"B |> ignore
                                let! more = watching.MoveNextAsync()
                                Expect.isTrue more "told"
                                Expect.equal watching.Current Uring.PollEvents.Readable "events"

                            Expect.equal (Observe.references handle) 2 "held"
                            source.Cancel()

                            do!
                                Observe.isCancelled "watching" (fun () ->
                                    Observe.discard (watching.MoveNextAsync()))

                            do! watching.DisposeAsync()
                            do! watching.DisposeAsync()
                            Expect.equal (Observe.references handle) 1 "released, once"

                            let poll = ring.CreatePoll(handle, Uring.PollEvents.Readable)
                            let! early = poll.ChangeAsync Uring.PollEvents.Priority
                            Expect.isFalse early "nobody waits"
                            let watching = poll.WatchAsync().GetAsyncEnumerator()
                            let first = watching.MoveNextAsync().AsTask()
                            let! changed = poll.ChangeAsync Uring.PollEvents.Writable
                            Expect.isTrue changed "somebody waits"
                            let! more = first
                            Expect.isTrue more "told"
                            Expect.equal watching.Current Uring.PollEvents.Writable "what is there"
                            handle.Dispose()
                            Expect.equal (Observe.references handle) 1 "held, though disposed of"
                            do! watching.DisposeAsync()
                            Expect.equal (Observe.references handle) 0 "closed when it was left"

                            Expect.throwsT<ObjectDisposedException>
                                (fun () -> poll.WatchAsync() |> ignore)
                                "closed"

                            Expect.throwsT<ObjectDisposedException>
                                (fun () -> ring.CreatePoll(handle, Uring.PollEvents.Readable) |> ignore)
                                "closed"
                        }))))

        Observe.tidyCase "a file, once, again and again, with other events" (fun () ->
            task {
                use ring = new Uring.Ring()
                use! pipe = Uring.UringPipe.CreateAsync(Uring.PipeModes.None, ring)
                let! writable = pipe.Writer.PollAsync Uring.PollEvents.Writable
                Expect.equal writable Uring.PollEvents.Writable "once"
                use source = new CancellationTokenSource()
                let waiting = pipe.Reader.PollAsync(Uring.PollEvents.Readable, source.Token).AsTask()
                do! Observe.eventually "in flight" (fun () -> ring.InFlight = 1)
                source.Cancel()

                do!
                    Observe.isCancelled "once" (fun () ->
                        Observe.discard (ValueTask<Uring.PollEvents>(waiting: Task<Uring.PollEvents>)))

                let watching = pipe.Reader.PollAllAsync(Uring.PollEvents.Readable).GetAsyncEnumerator()
                let first = watching.MoveNextAsync().AsTask()
                let! _ = pipe.Writer.WriteNextAsync(ReadOnlyMemory "x"B)
                let! more = first
                Expect.isTrue more "told"
                Expect.equal watching.Current Uring.PollEvents.Readable "events"
                do! watching.DisposeAsync()
                let poll = pipe.Reader.CreatePoll Uring.PollEvents.Priority
                let watching = poll.WatchAsync().GetAsyncEnumerator()
                let first = watching.MoveNextAsync().AsTask()
                let! changed = poll.ChangeAsync Uring.PollEvents.Readable
                Expect.isTrue changed "changed"
                let! more = first
                Expect.isTrue more "told"
                Expect.equal watching.Current Uring.PollEvents.Readable "what is there"
                do! watching.DisposeAsync()
            })
    ]

[<Tests>]
let tests =
    testSequenced
    <| testList "Poll" [
        streams
        facade

        case "what is there is told at once" (fun host ->
            lend host (fun handle _ _ ->
                let found = runOn host (Poll.once handle (PollEvents.Readable ||| PollEvents.Writable))
                Expect.equal found PollEvents.Writable "events"))

        case "what is not there is waited for" (fun host ->
            lend host (fun handle _ theirs ->
                let waiting = startOn host (Poll.once handle PollEvents.Readable)
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                Expect.isFalse waiting.IsCompleted "waits"
                theirs.Send "x"B |> ignore
                Expect.equal (finish "poll" waiting) PollEvents.Readable "events"))

        case "a hang-up is told, whether asked for or not" (fun host ->
            lend host (fun handle _ theirs ->
                let waiting = startOn host (Poll.once handle PollEvents.ReadHangUp)
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                theirs.Dispose()
                let found = finish "poll" waiting
                Expect.isTrue (found.HasFlag PollEvents.ReadHangUp) "events"))

        case "cancelled during, and before" (fun host ->
            lend host (fun handle _ _ ->
                use source = new CancellationTokenSource()
                let waiting = Uring.startOn host source.Token (Poll.once handle PollEvents.Readable)
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                source.Cancel()
                ended "poll" waiting
                Expect.isTrue waiting.IsCanceled "during"
                let late = Uring.startOn host source.Token (Poll.once handle PollEvents.Readable)
                ended "poll" late
                Expect.isTrue late.IsCanceled "before"))

        case "the handle is held while somebody waits" (fun host ->
            lend host (fun handle _ theirs ->
                let waiting = startOn host (Poll.once handle PollEvents.Readable)
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                handle.Dispose()
                theirs.Send "x"B |> ignore
                Expect.equal (finish "poll" waiting) PollEvents.Readable "events"

                match failureOf (fun () -> runOn host (Poll.once handle PollEvents.Readable)) with
                | :? ObjectDisposedException -> ()
                | other -> failtest $"{other}"))

        case "level by level: the kernel refuses it (docs/operations.md)" (fun host ->
            lend host (fun handle _ _ ->
                let level = 8u

                for flags in [ level; level ||| OpFlags.PollMultishot ] do
                    let submission = {
                        Submission.poll (int (handle.DangerousGetHandle())) 1u with
                            Length = flags
                    }

                    Expect.equal (errnoOf host (Request.bare submission)) Errno.EINVAL "refused"))

        case "what is no descriptor: EBADF" (fun host ->
            use handle = new SafeFileHandle(nativeint 1_000_000, false)

            match failureOf (fun () -> runOn host (Poll.once handle PollEvents.Readable)) with
            | :? ObjectDisposedException -> ()
            | other -> failtest $"{other}")

        testCase "from C#" (fun () ->
            withLoop (fun host ->
                lend host (fun handle _ theirs ->
                    use ring = new Uring.Ring()
                    let waiting = ring.PollAsync(handle, Uring.PollEvents.Readable).AsTask()
                    eventually "in flight" (fun () -> ring.InFlight = 1)
                    theirs.Send "x"B |> ignore
                    Expect.equal (finish "poll" waiting) Uring.PollEvents.Readable "events"
                    use source = new CancellationTokenSource()
                    source.Cancel()
                    let late = ring.PollAsync(handle, Uring.PollEvents.Readable, source.Token).AsTask()
                    ended "poll" late
                    Expect.isTrue late.IsCanceled "before")))
    ]
