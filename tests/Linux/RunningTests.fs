/// Timers and polls that are changed while they run.
module Uring.Tests.Linux.RunningTests

open System
open System.Diagnostics
open System.Threading
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

let private case name (body: LoopThread -> unit) = testCase name (fun () -> withLoop body)
let private day = TimeSpan.FromDays 1.0
let private soon = TimeSpan.FromMilliseconds 30.0

let private timers =
    testList "timer" [
        case "runs out" (fun host ->
            let clock = Stopwatch.StartNew()

            let outcome =
                runOn
                    host
                    (uring {
                        let! timer = RunningTimer.start soon
                        return! RunningTimer.wait timer
                    })

            Expect.isTrue outcome "its time is over"
            Expect.isGreaterThanOrEqual clock.Elapsed soon "never early")

        case "sooner, later, and too late" (fun host ->
            let outcome =
                runOn
                    host
                    (uring {
                        let! timer = RunningTimer.start day
                        let! sooner = RunningTimer.change timer soon
                        let! ranOut = RunningTimer.wait timer
                        let! late = RunningTimer.change timer day
                        let! cancelled = RunningTimer.cancel timer
                        return sooner, ranOut, late, cancelled
                    })

            Expect.equal outcome (true, true, false, false) "sooner"
            let clock = Stopwatch.StartNew()

            let outcome =
                runOn
                    host
                    (uring {
                        let! timer = RunningTimer.start (TimeSpan.FromMilliseconds 200.0)
                        let! later = RunningTimer.change timer (TimeSpan.FromMilliseconds 500.0)
                        let! ranOut = RunningTimer.wait timer
                        return later && ranOut
                    })

            Expect.isTrue outcome "later"
            Expect.isGreaterThanOrEqual clock.ElapsedMilliseconds 500L "not at the first time")

        case "cancelled: once, and then it does not run any more" (fun host ->
            let outcome =
                runOn
                    host
                    (uring {
                        let! timer = RunningTimer.start day
                        let! first = RunningTimer.cancel timer
                        let! ranOut = RunningTimer.wait timer
                        let! again = RunningTimer.cancel timer
                        let! late = RunningTimer.change timer soon
                        return first, ranOut, again, late
                    })

            Expect.equal outcome (true, false, false, false) "outcome"
            Expect.equal host.Loop.InFlight 0 "in flight")

        case "another's change does not reach who uses the object next" (fun host ->
            runOn
                host
                (uring {
                    let! old = RunningTimer.start TimeSpan.Zero
                    let! _ = RunningTimer.wait old
                    let! next = RunningTimer.start day
                    let! changed = RunningTimer.change old TimeSpan.Zero
                    Expect.isFalse changed "the old one has ended"
                    let! cancelled = RunningTimer.cancel old
                    Expect.isFalse cancelled "the old one"
                    Expect.isFalse next.Ended.IsCompleted "the next runs"
                    let! _ = RunningTimer.cancel next
                    return ()
                }))

        case "ends with its scope" (fun host ->
            use source = new CancellationTokenSource()

            let running =
                Uring.startOn
                    host
                    source.Token
                    (uring {
                        let! timer = RunningTimer.start day
                        return! RunningTimer.wait timer
                    })

            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            source.Cancel()
            Expect.isFalse (finish "timer" running) "cancelled"
            let late = Uring.startOn host source.Token (RunningTimer.start day)
            ended "late" late
            Expect.isTrue late.IsCanceled "before")

        for name, clock in
            [ "monotonic", Clock.Monotonic; "boot time", Clock.BootTime; "real time", Clock.RealTime ] do
            case $"{name}: runs out, and is given other times by its clock" (fun host ->
                let watch = Stopwatch.StartNew()

                // What the clock shows, as near as .NET tells.
                let now () =
                    match clock with
                    | Clock.RealTime -> DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch
                    | _ -> TimeSpan.FromTicks(Stopwatch.GetTimestamp() / 100L)

                let outcome =
                    runOn
                        host
                        (uring {
                            let! timer = RunningTimer.startBy clock day
                            Expect.equal timer.Clock clock "its clock"
                            let! shorter = RunningTimer.change timer soon
                            let! ranOut = RunningTimer.wait timer
                            let elapsed = watch.Elapsed
                            let! timer = RunningTimer.startBy clock day
                            let! sooner = RunningTimer.changeTo timer (now () + soon)
                            let! again = RunningTimer.wait timer
                            let! at = RunningTimer.startAt clock (now () + soon)
                            let! third = RunningTimer.wait at
                            let! past = RunningTimer.startBy clock day
                            let! _ = RunningTimer.changeTo past TimeSpan.Zero
                            let! fourth = RunningTimer.wait past
                            return [ shorter; ranOut; sooner; again; third; fourth ], elapsed
                        })

                let all, elapsed = outcome
                Expect.allEqual all true "each"
                Expect.isGreaterThanOrEqual elapsed soon "never early")

        case "until a time of day, which another clock does not have" (fun host ->
            let outcome =
                runOn
                    host
                    (uring {
                        let! timer = RunningTimer.startUntil (DateTimeOffset.Now + day)
                        let! changed = RunningTimer.changeUntil timer (DateTimeOffset.Now + soon)
                        let! ranOut = RunningTimer.wait timer
                        use! other = RunningTimer.start day
                        let! refused = Uring.catch (RunningTimer.changeUntil other DateTimeOffset.Now)
                        return changed, ranOut, refused
                    })

            match outcome with
            | true, true, Error(:? InvalidOperationException) -> ()
            | other -> failtest $"{other}")

        case "a clock cannot be changed: the kernel refuses it" (fun host ->
            runOn
                host
                (uring {
                    use! timer = RunningTimer.start day
                    let time = Memory(Array.zeroCreate<byte> 16)

                    for clock in [ OpFlags.TimeoutBootTime; OpFlags.TimeoutRealTime ] do
                        let request = {
                            Request.bare (
                                Submission.changeTimeout UserData.none 0UL (OpFlags.TimeoutChange ||| clock)
                            ) with
                                Buffer = time
                                Reach = Reach.Offset
                        }

                        let! result = Uring.attempt request
                        Expect.equal (Errno.ofResult result) Errno.EINVAL "refused"

                    Expect.isFalse timer.Ended.IsCompleted "runs"
                }))

        case "a kernel that refuses the change says so" (fun host ->
            let submission = { Submission.changeTimeout UserData.none 0UL 0u with OpFlags = 0x80u }
            Expect.equal (errnoOf host (Request.bare submission)) Errno.EINVAL "flags"
            let missing = Submission.changeTimeout (UserData.pack 7u 7u CompletionKind.Wake) 0UL 0u
            Expect.equal (errnoOf host (Request.bare missing)) Errno.ENOENT "nobody")

        Observe.tidyCase "from C#" (fun () ->
            task {
                use ring = new Uring.Ring()
                use timer = ring.StartTimer day
                let! changed = timer.ChangeAsync soon
                Expect.isTrue changed "changed"
                let! ranOut = timer.Completion
                Expect.isTrue ranOut "its time is over"
                let! late = timer.ChangeAsync day
                Expect.isFalse late "too late"
                let other = ring.StartTimer day
                do! (other :> IAsyncDisposable).DisposeAsync()
                do! (other :> IAsyncDisposable).DisposeAsync()
                let! ranOut = other.Completion
                Expect.isFalse ranOut "disposed of"
                use third = ring.StartTimer day
                let! cancelled = third.CancelAsync()
                Expect.isTrue cancelled "cancelled"

                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> ring.StartTimer(TimeSpan.FromTicks -1L) |> ignore)
                    "negative"

                let! _ =
                    Observe.raises<ArgumentOutOfRangeException> "negative" (fun () ->
                        Observe.discard (timer.ChangeAsync(TimeSpan.FromTicks -1L)))

                use last = ring.StartTimer day
                do! ring.DisposeAsync()
                let! ranOut = last.Completion
                Expect.isFalse ranOut "the ring has ended"
            })
    ]

/// The next events, or nothing when there are none for a while.
let private next (stream: UringStream<PollEvents>) =
    uring {
        let! more = UringStream.next stream
        Expect.isTrue more "goes on"
        return stream.Current
    }

let private polls =
    testList "poll" [
        case "tells of what it is changed to, while somebody waits" (fun host ->
            let struct (ours, theirs) = connectPair host

            let watching =
                startOn
                    host
                    (uring {
                        use! stream = Socket.pollMany ours PollEvents.Readable
                        let! waiting = Uring.spawn (next stream)
                        let! changed = Poll.change stream PollEvents.Writable
                        let! found = uring { return! waiting }
                        let! again = Poll.change stream PollEvents.Readable
                        theirs.Send "x"B |> ignore
                        let! readable = next stream
                        return changed, found, again, readable
                    })

            let changed, found, again, readable = finish "poll" watching
            Expect.isTrue (changed && again) "changed"
            Expect.equal found PollEvents.Writable "what is there already"
            Expect.equal readable PollEvents.Readable "what comes")

        case "what it does not ask for any more is not told" (fun host ->
            let struct (ours, theirs) = connectPair host

            let watching =
                startOn
                    host
                    (uring {
                        use! stream = Socket.pollMany ours PollEvents.Readable
                        let! _ = Poll.change stream PollEvents.Priority
                        theirs.Send "x"B |> ignore
                        let! _ = Uring.catch (Socket.poll ours PollEvents.Readable)
                        theirs.Dispose()
                        return! next stream
                    })

            let found = finish "poll" watching
            Expect.isFalse (found.HasFlag PollEvents.Readable) $"{int found}")

        case "over: false" (fun host ->
            let struct (ours, _) = connectPair host

            let changed =
                runOn
                    host
                    (uring {
                        let! stream = Socket.pollMany ours PollEvents.Readable
                        do! uring { do! (stream :> IAsyncDisposable).DisposeAsync() }
                        return! Poll.change stream PollEvents.Writable
                    })

            Expect.isFalse changed "over")

        case "nobody to change: ENOENT" (fun host ->
            let missing = Submission.changePoll (UserData.pack 7u 7u CompletionKind.Wake) 1u
            Expect.equal (errnoOf host (Request.bare missing)) Errno.ENOENT "nobody")

        Observe.tidyCase "from C#" (fun () ->
            Pairs.connected (fun client server ->
                task {
                    let poll = client.CreatePoll Uring.PollEvents.Readable
                    let! early = poll.ChangeAsync Uring.PollEvents.Priority
                    Expect.isFalse early "nobody waits"
                    use source = new CancellationTokenSource()
                    let watching = poll.WatchAsync(source.Token).GetAsyncEnumerator()
                    let first = watching.MoveNextAsync().AsTask()
                    let! changed = poll.ChangeAsync Uring.PollEvents.Writable
                    Expect.isTrue changed "somebody waits"
                    let! more = first
                    Expect.isTrue more "told"
                    Expect.equal watching.Current Uring.PollEvents.Writable "events"
                    Expect.equal poll.Events Uring.PollEvents.Writable "events"
                    let! _ = poll.ChangeAsync Uring.PollEvents.Readable
                    do! server.SendAllAsync(Pairs.bytesOf "x")
                    let! _ = watching.MoveNextAsync()
                    Expect.equal watching.Current Uring.PollEvents.Readable "events"
                    source.Cancel()

                    do!
                        Observe.isCancelled "watching" (fun () ->
                            Observe.discard (watching.MoveNextAsync()))

                    do! watching.DisposeAsync()
                    let! late = poll.ChangeAsync Uring.PollEvents.Writable
                    Expect.isFalse late "over"
                }))
    ]

[<Tests>]
let tests = testSequenced <| testList "Running" [ timers; polls ]
