module Uring.Tests.Linux.RingFacadeTests

open System
open System.Diagnostics
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Tests.Linux.Observe

let private run (ring: Ring) (program: unit -> Task<'T>) =
    ring.RunAsync(Func<ValueTask<'T>>(fun () -> ValueTask<'T>(program ())))

let private outOfRange = [
    "no submissions", RingOptions(SubmissionEntries = 0)
    "negative submissions", RingOptions(SubmissionEntries = -1)
    "too many submissions", RingOptions(SubmissionEntries = 32769, CompletionEntries = 65536)
    "fewer completions than submissions", RingOptions(SubmissionEntries = 512, CompletionEntries = 511)
    "too many completions", RingOptions(CompletionEntries = 65537)
    "negative bounded workers", RingOptions(BoundedWorkers = -1)
    "negative unbounded workers", RingOptions(UnboundedWorkers = -1)
    "negative looks", RingOptions(Looks = -1)
]

let private options =
    testList "options" [
        for what, options in outOfRange do
            testCase what (fun () ->
                Expect.throwsT<ArgumentOutOfRangeException> (fun () -> (new Ring(options)).Dispose()) what)

        testCase "a ring needs a name" (fun () ->
            Expect.throwsT<ArgumentException>
                (fun () -> (new Ring(RingOptions(Name = ""))).Dispose())
                "empty")

        for submissions, completions in [ 1, 1; 3, 5; 8, 4096; 4096, 4096 ] do
            tidyCase $"{submissions} submissions and {completions} completions work" (fun () ->
                task {
                    use ring =
                        new Ring(
                            RingOptions(SubmissionEntries = submissions, CompletionEntries = completions)
                        )

                    let nops = [| for _ in 1..1000 -> ring.NopAsync().AsTask() |]
                    do! Task.WhenAll nops
                    Expect.isGreaterThanOrEqual ring.Statistics.Completions 1000L "all have completed"
                })
    ]

let private running =
    testList "RunAsync" [
        tidyCase "runs on the ring's thread, and comes back to it" (fun () ->
            task {
                use ring = new Ring(RingOptions(Name = "own"))
                let here () = Thread.CurrentThread.Name

                let! seen =
                    run ring (fun () ->
                        task {
                            let first = here ()
                            do! ring.NopAsync()
                            let second = here ()
                            do! Task.Delay 1
                            let third = here ()
                            do! Task.Yield()
                            return [ first; second; third; here () ]
                        })

                Expect.equal seen [ "own"; "own"; "own"; "own" ] "where it ran"
                Expect.notEqual (here ()) "own" "the caller does not continue there"
            })

        tidyCase "operations without a ring go to the ring they run on" (fun () ->
            task {
                use ring = new Ring()
                let own = ring.Statistics.Submissions
                let others = Ring.Default.Statistics.Submissions
                let! status = run ring (fun () -> UringFile.StatusAsync("/").AsTask())
                Expect.equal status.Kind FileKind.Directory "the root"
                Expect.isGreaterThan ring.Statistics.Submissions own "this ring has worked"
                Expect.equal Ring.Default.Statistics.Submissions others "the shared one has not"
            })

        tidyCase "hands on what the program raises" (fun () ->
            task {
                use ring = new Ring()
                let fail () : ValueTask = raise (TimeoutException "at once")
                let! reason = raises<TimeoutException> "sync" (fun () -> ValueTask(ring.RunAsync fail))
                Expect.equal reason.Message "at once" "the reason"

                let failLater () =
                    ValueTask(
                        task {
                            do! ring.NopAsync()
                            raise (TimeoutException "later")
                        }
                    )

                let! reason = raises<TimeoutException> "async" (fun () -> ValueTask(ring.RunAsync failLater))
                Expect.equal reason.Message "later" "the reason"
            })

        tidyCase "a cancellation is one, with its token" (fun () ->
            task {
                use ring = new Ring()
                use source = new CancellationTokenSource(20)
                let forever () = ring.DelayAsync(Timeout.InfiniteTimeSpan, source.Token)
                let ran = ring.RunAsync forever
                do! isCancelled "inside" (fun () -> ValueTask ran)
                Expect.isTrue ran.IsCanceled "the task says so"
                let mutable started = false

                let never () =
                    started <- true
                    ValueTask.CompletedTask

                do! isCancelled "before" (fun () -> ValueTask(ring.RunAsync(never, source.Token)))
                Expect.isFalse started "it did not run"
            })

        tidyCase "a disposed ring runs nothing" (fun () ->
            task {
                let ring = new Ring()
                do! ring.DisposeAsync()
                let nothing () = ValueTask.CompletedTask
                let! _ = raises<ObjectDisposedException> "run" (fun () -> ValueTask(ring.RunAsync nothing))
                ()
            })

        tidyCase "a ring can be disposed of on its own thread" (fun () ->
            task {
                let ring = new Ring()
                do! ring.RunAsync(fun () -> ring.DisposeAsync())
                let! _ = raises<ObjectDisposedException> "nop" (fun () -> ring.NopAsync())
                ()
            })
    ]

let private delays =
    testList "DelayAsync" [
        testCaseTask "is never early" (fun () ->
            task {
                let clock = Stopwatch.StartNew()
                do! Ring.Default.DelayAsync(TimeSpan.FromMilliseconds 30.0)
                Expect.isGreaterThanOrEqual clock.Elapsed.TotalMilliseconds 30.0 "elapsed"
                do! Ring.Default.DelayAsync TimeSpan.Zero
            })

        testCaseTask "refuses negative spans" (fun () ->
            task {
                let! _ =
                    raises<ArgumentOutOfRangeException> "negative" (fun () ->
                        Ring.Default.DelayAsync(TimeSpan.FromSeconds -2.0))

                ()
            })

        testCaseTask "waits for ever until cancelled" (fun () ->
            task {
                use source = new CancellationTokenSource()
                let delay = Ring.Default.DelayAsync(Timeout.InfiniteTimeSpan, source.Token).AsTask()
                do! Ring.Default.DelayAsync(TimeSpan.FromMilliseconds 10.0)
                Expect.isFalse delay.IsCompleted "still waiting"
                source.Cancel()
                do! isCancelled "during" (fun () -> ValueTask delay)
                do! isCancelled "before" (fun () -> Ring.Default.DelayAsync(TimeSpan.Zero, source.Token))
            })
    ]

let private lifetimes =
    testList "lifetime" [
        tidyCase "disposing ends what is in flight, and waits for it" (fun () ->
            task {
                let ring = new Ring()
                let delays = [| for _ in 1..100 -> ring.DelayAsync(Timeout.InfiniteTimeSpan).AsTask() |]
                do! eventually "all in flight" (fun () -> ring.InFlight = 100)
                do! ring.DisposeAsync()
                Expect.equal ring.InFlight 0 "nothing is in flight"

                for delay in delays do
                    do! isCancelled "in flight" (fun () -> ValueTask delay)

                do! ring.DisposeAsync()
                let! _ = raises<ObjectDisposedException> "nop" (fun () -> ring.NopAsync())
                let! _ = raises<ObjectDisposedException> "delay" (fun () -> ring.DelayAsync TimeSpan.Zero)

                let! _ =
                    raises<ObjectDisposedException> "open" (fun () ->
                        discard (UringFile.OpenAsync("/etc/passwd", ring = ring)))

                ()
            })

        tidyCase "Dispose begins the same and does not wait" (fun () ->
            task {
                let ring = new Ring()
                let delay = ring.DelayAsync(Timeout.InfiniteTimeSpan).AsTask()
                ring.Dispose()
                do! isCancelled "in flight" (fun () -> ValueTask delay)
                do! ring.DisposeAsync()
            })

        tidyCase "rings come and go" (fun () ->
            task {
                for _ in 1..50 do
                    use ring = new Ring(RingOptions(SubmissionEntries = 8, CompletionEntries = 16))
                    do! ring.NopAsync()
            })

        testCaseTask "the shared ring is one, and starts again after its end" (fun () ->
            task {
                let first = Ring.Default
                Expect.isTrue (obj.ReferenceEquals(first, Ring.Default)) "one ring"
                do! first.DisposeAsync()
                let second = Ring.Default
                Expect.isFalse (obj.ReferenceEquals(first, second)) "another ring"
                do! second.NopAsync()
                let! _ = raises<ObjectDisposedException> "the old one" (fun () -> first.NopAsync())
                ()
            })

        testCaseTask "the shared ring serves at once after Dispose" (fun () ->
            task {
                for _ in 1..100 do
                    Ring.Default.Dispose()
                    do! Ring.Default.NopAsync()
            })
    ]

[<Tests>]
let tests =
    testSequenced
    <| testList "C# Ring" [
        testCase "is supported here, and says no reason" (fun () ->
            Expect.isTrue Ring.IsSupported "supported"
            Expect.isNull Ring.UnsupportedReason "no reason")

        tidyCase "counts" (fun () ->
            task {
                use ring = new Ring()
                let before = ring.Statistics
                do! ring.NopAsync()
                let after = ring.Statistics
                Expect.isGreaterThan after.Submissions before.Submissions "submissions"
                Expect.isGreaterThan after.Completions before.Completions "completions"
                Expect.isGreaterThan after.Enters before.Enters "enters"
                do! eventually "nothing in flight" (fun () -> ring.InFlight = 0)
            })

        tidyCase "several threads share a ring" (fun () ->
            task {
                use ring = new Ring(RingOptions(SubmissionEntries = 8, CompletionEntries = 8))

                let work () =
                    task {
                        for _ in 1..2500 do
                            do! ring.NopAsync()
                    }

                do! Task.WhenAll [| for _ in 1..4 -> Task.Run(fun () -> work () :> Task) |]
                Expect.isGreaterThanOrEqual ring.Statistics.Completions 10_000L "completions"
            })

        testCaseTask "buffer pools have bounds" (fun () ->
            task {
                for count, size in [ 0, 1; -1, 1; 32769, 1; 1, 0; 1, -1; 1, (1 <<< 30) + 1 ] do
                    let! _ =
                        raises<ArgumentOutOfRangeException> $"{count} of {size}" (fun () ->
                            discard (Ring.Default.CreateBufferPoolAsync(count, size)))

                    ()
            })

        options
        running
        delays
        lifetimes
    ]
