/// Timers of the C# facade that the ring's own tests do not have: other clocks, and points in time.
module Uring.Tests.Linux.TimerFacadeTests

open System
open System.Diagnostics
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Tests.Linux.Observe

let private soon = TimeSpan.FromMilliseconds 30.0

[<Tests>]
let tests =
    testSequenced
    <| testList "C# Timers" [
        for name, clock in
            [ "monotonic", Clock.Monotonic; "boot time", Clock.BootTime; "real time", Clock.RealTime ] do
            tidyCase $"{name}: never early, and cancelled" (fun () ->
                task {
                    use ring = new Ring()
                    let watch = Stopwatch.StartNew()
                    do! ring.DelayAsync(soon, clock)
                    Expect.isGreaterThanOrEqual watch.Elapsed soon "elapsed"
                    use source = new CancellationTokenSource()
                    let waiting = ring.DelayAsync(Timeout.InfiniteTimeSpan, clock, source.Token).AsTask()
                    do! eventually "in flight" (fun () -> ring.InFlight = 1)
                    source.Cancel()
                    do! isCancelled "during" (fun () -> ValueTask waiting)
                    do! isCancelled "before" (fun () -> ring.DelayAsync(soon, clock, source.Token))
                })

        tidyCase "until a time of day, and until a timestamp" (fun () ->
            task {
                use ring = new Ring()
                let time = DateTimeOffset.Now + soon
                do! ring.DelayUntilAsync time
                Expect.isGreaterThanOrEqual DateTimeOffset.Now time "time of day"
                let timestamp = Stopwatch.GetTimestamp() + 30_000_000L
                do! ring.DelayUntilTimestampAsync timestamp
                Expect.isGreaterThanOrEqual (Stopwatch.GetTimestamp()) timestamp "timestamp"
                do! ring.DelayUntilAsync DateTimeOffset.MinValue
                do! ring.DelayUntilTimestampAsync 0L
            })

        tidyCase "points in time far away can be cancelled" (fun () ->
            task {
                use ring = new Ring()
                use source = new CancellationTokenSource()
                let one = ring.DelayUntilAsync(DateTimeOffset.MaxValue, source.Token).AsTask()
                let other = ring.DelayUntilTimestampAsync(Int64.MaxValue - 100L, source.Token).AsTask()
                do! eventually "in flight" (fun () -> ring.InFlight = 2)
                source.Cancel()
                do! isCancelled "time of day" (fun () -> ValueTask one)
                do! isCancelled "timestamp" (fun () -> ValueTask other)
            })

        tidyCase "refuses what is no clock, and a disposed ring" (fun () ->
            task {
                let ring = new Ring()

                let! _ =
                    raises<ArgumentOutOfRangeException> "clock" (fun () ->
                        ring.DelayAsync(soon, enum<Clock> 9))

                do! ring.DisposeAsync()

                let! _ =
                    raises<ObjectDisposedException> "until" (fun () ->
                        ring.DelayUntilAsync DateTimeOffset.Now)

                ()
            })

        tidyCase "timers by each clock and until points in time, changed while they run" (fun () ->
            task {
                use ring = new Ring()
                let day = TimeSpan.FromDays 1.0

                for clock in [ Clock.Monotonic; Clock.BootTime; Clock.RealTime ] do
                    use timer = ring.StartTimer(day, clock)
                    Expect.equal timer.Clock clock "its clock"
                    let! changed = timer.ChangeAsync soon
                    let! ranOut = timer.Completion
                    Expect.isTrue (changed && ranOut) "changed"

                let time = DateTimeOffset.Now + soon
                use alarm = ring.StartTimerUntil time
                let! ranOut = alarm.Completion
                Expect.isTrue ranOut "ran out"
                Expect.isGreaterThanOrEqual DateTimeOffset.Now time "never early"
                use later = ring.StartTimerUntil(DateTimeOffset.Now + day)
                let! changed = later.ChangeUntilAsync(DateTimeOffset.Now + soon)
                let! ranOut = later.Completion
                Expect.isTrue (changed && ranOut) "changed"
                let timestamp = Stopwatch.GetTimestamp() + 30_000_000L
                use exact = ring.StartTimerUntilTimestamp timestamp
                let! ranOut = exact.Completion
                Expect.isTrue ranOut "ran out"
                Expect.isGreaterThanOrEqual (Stopwatch.GetTimestamp()) timestamp "never early"
                use exact = ring.StartTimerUntilTimestamp Int64.MaxValue
                let! changed = exact.ChangeUntilTimestampAsync 0L
                let! ranOut = exact.Completion
                Expect.isTrue (changed && ranOut) "changed"
                use monotonic = ring.StartTimer day
                let until () = discard (monotonic.ChangeUntilAsync DateTimeOffset.Now)
                let! _ = raises<InvalidOperationException> "another clock" until
                use alarm = ring.StartTimerUntil(DateTimeOffset.Now + day)

                let! _ =
                    raises<InvalidOperationException> "another clock" (fun () ->
                        discard (alarm.ChangeUntilTimestampAsync 0L))

                ()
            })

        tidyCase "so many ticks, and no more" (fun () ->
            task {
                use ring = new Ring()
                let ticks = ring.TicksAsync(TimeSpan.FromMilliseconds 5.0, 3).GetAsyncEnumerator()
                let mutable count = 0
                let mutable goes = true

                while goes do
                    let! more = ticks.MoveNextAsync()
                    goes <- more
                    if more then count <- count + ticks.Current

                Expect.equal count 3 "ticks"
                do! ticks.DisposeAsync()
                Expect.equal ring.InFlight 0 "over"

                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> ring.TicksAsync(soon, 0) |> ignore)
                    "none"
            })

        tidyCase "a nop ends as it is told to" (fun () ->
            task {
                use ring = new Ring()
                let! result = ring.NopAsync 17
                Expect.equal result 17 "result"
                let! reason = raises<IO.IOException> "ENOSPC" (fun () -> discard (ring.NopAsync -28))
                Expect.equal reason.HResult 28 "errno"
            })
    ]
