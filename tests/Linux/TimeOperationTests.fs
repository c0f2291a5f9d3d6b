/// Nop, timers and cancel requests on the real kernel.
module Uring.Tests.Linux.TimeOperationTests

open System
open System.Diagnostics
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

let private case name (body: LoopThread -> unit) = testCase name (fun () -> withLoop body)

let private elapsed (body: unit -> unit) =
    let clock = Stopwatch.StartNew()
    body ()
    clock.Elapsed

let private isBetween low high (span: TimeSpan) =
    Expect.isTrue
        (span.TotalMilliseconds >= low && span.TotalMilliseconds < high)
        $"{span.TotalMilliseconds} ms are not between {low} and {high}"

let private nops =
    testList "nop" [
        case "ends with 0" (fun host -> Expect.equal (attempt host nop) 0 "result")

        case "ends as it is told to" (fun host ->
            Expect.equal (runOn host (Uring.nopWith 4711)) 4711 "result"

            for errno, failure in
                [
                    Errno.ENOENT, typeof<IO.FileNotFoundException>
                    Errno.EACCES, typeof<UnauthorizedAccessException>
                    Errno.ENOSPC, typeof<IO.IOException>
                ] do
                match failureOf (fun () -> runOn host (Uring.nopWith (Errno.toResult errno))) with
                | null -> failtest "no failure"
                | reason -> Expect.equal (reason.GetType()) failure "exception")

        testCase "10,000 in flight through 8 entries" (fun () ->
            withLoopOf Uring.Kernel.LinuxKernel.Instance small (fun host ->
                let programs = [| for _ in 1..10_000 -> Uring.nop |]
                let results = runOn host (Uring.``parallel`` programs)
                Expect.equal (Array.sum results, results.Length) (0, 10_000) "all"
                let enters = host.Loop.Statistics.Enters
                Expect.isLessThan enters 5_000L "they went in batches"))
    ]

let private timers =
    testList "timeout" [
        case "ends with ETIME, not before its time" (fun host ->
            let span = elapsed (fun () -> Expect.equal (errnoOf host (timerOf 30.0)) Errno.ETIME "result")
            isBetween 30.0 5_000.0 span)

        case "of no time at all" (fun host -> Expect.equal (errnoOf host (timerOf 0.0)) Errno.ETIME "result")

        case "fractions of a second are not lost" (fun host ->
            let span = elapsed (fun () -> Expect.equal (errnoOf host (timerOf 1_100.0)) Errno.ETIME "result")

            isBetween 1_100.0 6_000.0 span)

        case "end in the order of their times" (fun host ->
            let order = Collections.Concurrent.ConcurrentQueue<int>()

            let timer (milliseconds: int) =
                uring {
                    do! Uring.sleep (TimeSpan.FromMilliseconds(float milliseconds))
                    order.Enqueue milliseconds
                }

            runOn host (Uring.``parallel`` [ for ms in [ 40; 10; 30; 20 ] -> timer ms ]) |> ignore
            Expect.sequenceEqual order [ 10; 20; 30; 40 ] "order")

        testCase "below zero never reaches the kernel" (fun () ->
            Expect.throwsT<ArgumentOutOfRangeException>
                (fun () -> Uring.timer (TimeSpan.FromTicks -1L) |> ignore)
                "refused")

        case "the longest time that .NET knows" (fun host ->
            use source = new CancellationTokenSource()
            let sleeping = Uring.startOn host source.Token (Uring.sleep TimeSpan.MaxValue)
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            Expect.isFalse sleeping.IsCompleted "sleeps"
            source.Cancel()
            ended "sleep" sleeping
            Expect.isTrue sleeping.IsCanceled "cancelled")
    ]

let private uptime () = TimeSpan.FromTicks(Stopwatch.GetTimestamp() / 100L)

let private clocks =
    testList "clock" [
        for name, clock in
            [ "monotonic", Clock.Monotonic; "boot time", Clock.BootTime; "real time", Clock.RealTime ] do
            case $"{name}: a span, not before its time" (fun host ->
                let request = Uring.timerBy clock (TimeSpan.FromMilliseconds 30.0)
                let span = elapsed (fun () -> Expect.equal (errnoOf host request) Errno.ETIME "result")
                isBetween 30.0 5_000.0 span)

            case $"{name}: a time that is past ends at once" (fun host ->
                let request = Uring.deadline clock (TimeSpan.FromSeconds 1.0)
                let span = elapsed (fun () -> Expect.equal (errnoOf host request) Errno.ETIME "result")
                isBetween 0.0 5_000.0 span)

            case $"{name}: the longest time that .NET knows, cancelled" (fun host ->
                use source = new CancellationTokenSource()
                let waiting = startAs host (Uring.deadline clock TimeSpan.MaxValue) source.Token
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                Expect.isFalse waiting.IsCompleted "waits"
                source.Cancel()
                ended "timer" waiting
                Expect.isTrue waiting.IsCanceled "cancelled")

        case "until a time of day" (fun host ->
            let until = DateTimeOffset.UtcNow.AddMilliseconds 40.0
            runOn host (Uring.sleepUntil until)
            Expect.isGreaterThanOrEqual DateTimeOffset.UtcNow until "not early")

        case "until a time of day that is past, however long" (fun host ->
            let span =
                elapsed (fun () ->
                    runOn host (Uring.sleepUntil (DateTimeOffset.UtcNow.AddHours -1.0))
                    runOn host (Uring.sleepUntil DateTimeOffset.MinValue))

            isBetween 0.0 5_000.0 span)

        case "until a timestamp" (fun host ->
            let until = Stopwatch.GetTimestamp() + 40L * Stopwatch.Frequency / 1000L
            runOn host (Uring.sleepUntilTimestamp until)
            Expect.isGreaterThanOrEqual (Stopwatch.GetTimestamp()) until "not early"
            runOn host (Uring.sleepUntilTimestamp 0L)
            runOn host (Uring.sleepUntilTimestamp -1L))

        case "a deadline bounds several steps" (fun host ->
            let until = Stopwatch.GetTimestamp() + 60L * Stopwatch.Frequency / 1000L

            let steps =
                uring {
                    for _ in 1..3 do
                        do! Uring.sleep (TimeSpan.FromMilliseconds 5.0)
                        do! Uring.sleepUntilTimestamp until
                }

            isBetween 60.0 5_000.0 (elapsed (fun () -> runOn host steps)))

        case "waits by another clock can be cancelled, before and during" (fun host ->
            for program in
                [
                    Uring.sleepBy Clock.BootTime (TimeSpan.FromMinutes 1.0)
                    Uring.sleepUntil (DateTimeOffset.UtcNow.AddMinutes 1.0)
                ] do
                use source = new CancellationTokenSource()
                let sleeping = Uring.startOn host source.Token program
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                source.Cancel()
                ended "sleep" sleeping
                Expect.isTrue sleeping.IsCanceled "during"
                let late = Uring.startOn host source.Token program
                ended "sleep" late
                Expect.isTrue late.IsCanceled "before")

        testCase "what is no clock, or below zero, never reaches the kernel" (fun () ->
            Expect.throwsT<ArgumentOutOfRangeException>
                (fun () -> Uring.timerBy (enum<Clock> 3) TimeSpan.Zero |> ignore)
                "no clock"

            Expect.throwsT<ArgumentOutOfRangeException>
                (fun () -> Uring.deadline Clock.Monotonic (TimeSpan.FromTicks -1L) |> ignore)
                "below zero")

        case "flags that no kernel knows are no clock" (fun host ->
            let known = Uring.timerBy Clock.BootTime TimeSpan.Zero

            // Two clocks at once.
            let both = { known with Submission = { known.Submission with OpFlags = 12u } }
            Expect.equal (errnoOf host both) Errno.EINVAL "result"
            let fault = Uring.timerFault both (attempt host both) CancellationToken.None
            Expect.equal (fault.GetType()) typeof<PlatformNotSupportedException> "what programs see")

        case "uptime is what deadlines count by" (fun host ->
            let request = Uring.deadline Clock.Monotonic (uptime () + TimeSpan.FromMilliseconds 30.0)
            let span = elapsed (fun () -> Expect.equal (errnoOf host request) Errno.ETIME "result")
            isBetween 29.0 5_000.0 span)
    ]

let private cancels =
    testList "cancel" [
        case "of nothing: ENOENT" (fun host ->
            let stranger = UserData.pack 4711u 3u CompletionKind.Operation
            let request = Request.bare (Submission.cancel stranger)
            Expect.equal (errnoOf host request) Errno.ENOENT "result")

        case "of everything ends what is in flight" (fun host ->
            let timers = [| for _ in 1..10 -> startAs host (timerOf 60_000.0) CancellationToken.None |]
            eventually "in flight" (fun () -> host.Loop.InFlight = 10)
            Expect.equal (attempt host (Request.bare (Submission.cancelEverything ()))) 10 "count"

            for timer in timers do
                ended "timer" timer
                Expect.isTrue timer.IsCanceled "cancelled")

        case "of a descriptor ends what is on it, and nothing else" (fun host ->
            let struct (ours, theirs) = connectPair host
            let struct (other, otherPeer) = connectPair host

            let receive (socket: Uring.FSharp.Socket) =
                startAs
                    host
                    (SocketRequest.receive socket.Descriptor (Memory(Array.zeroCreate<byte> 1)))
                    CancellationToken.None

            let onOurs = [| for _ in 1..3 -> receive ours |]
            let onOther = receive other
            eventually "in flight" (fun () -> host.Loop.InFlight = 4)
            let request = Request.bare (Submission.cancelDescriptor ours.Descriptor.Number)
            Expect.equal (attempt host request) 3 "count"

            for task in onOurs do
                ended "receive" task

            Expect.isFalse onOther.IsCompleted "the other goes on"
            otherPeer.Send "x"B |> ignore
            Expect.equal (finish "other" onOther) 1 "and ends well"
            theirs.Dispose()
            otherPeer.Dispose())
    ]

[<Tests>]
let tests = testSequenced <| testList "TimeOperation" [ nops; timers; clocks; cancels ]
