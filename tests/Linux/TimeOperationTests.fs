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
let tests = testSequenced <| testList "TimeOperation" [ nops; timers; cancels ]
