/// Timers that count completions, and limits of chains that are changed while they run.
module Uring.Tests.Linux.RunningChainTests

open System
open System.Diagnostics
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

let private case name (body: LoopThread -> unit) = testCase name (fun () -> withLoop body)
let private day = TimeSpan.FromDays 1.0
let private soon = TimeSpan.FromMilliseconds 30.0

let private counts =
    testList "count" [
        // What wakes the loop is a completion, too: a few more than those of the programs.
        case "so many completions, or the time" (fun host ->
            let nops = Uring.discard (Uring.``parallel`` [ for _ in 1..30 -> Uring.nop ])
            let waiting = startOn host (Uring.afterCompletions 50 day)
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            runOn host nops
            Expect.equal host.Loop.InFlight 1 "30 of them"
            runOn host nops
            Expect.isTrue (finish "count" waiting) "50 of them"
            Expect.isFalse (runOn host (Uring.afterCompletions 1000 soon)) "the time is over")

        case "ends of timers are not counted" (fun host ->
            let repeat (one: Uring<unit>) =
                uring {
                    for _ in 1..20 do
                        do! one
                }

            let waiting = startOn host (Uring.afterCompletions 15 day)
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            runOn host (repeat (Uring.sleep TimeSpan.Zero))
            Expect.equal host.Loop.InFlight 1 "waits"
            runOn host (repeat (Uring.discard Uring.nop))
            Expect.isTrue (finish "count" waiting) "nops are")

        case "cancelled during, and before" (fun host ->
            use source = new CancellationTokenSource()
            let waiting = Uring.startOn host source.Token (Uring.afterCompletions 1000 day)
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            source.Cancel()
            ended "count" waiting
            Expect.isTrue waiting.IsCanceled "during"
            let late = Uring.startOn host source.Token (Uring.afterCompletions 1000 day)
            ended "count" late
            Expect.isTrue late.IsCanceled "before")

        case "of none, and below no time" (fun _ ->
            for count, limit in [ 0, day; -1, day; 1, TimeSpan.FromTicks -1L ] do
                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> Uring.countdown count limit |> ignore)
                    $"{count}")

        Observe.tidyCase "from C#" (fun () ->
            task {
                use ring = new Uring.Ring()
                let waiting = ring.WaitForCompletionsAsync(2, Timeout.InfiniteTimeSpan).AsTask()
                do! Observe.eventually "in flight" (fun () -> ring.InFlight = 1)

                for _ in 1..3 do
                    do! ring.NopAsync()

                let! reached = waiting
                Expect.isTrue reached "reached"
                let! reached = ring.WaitForCompletionsAsync(1000, soon)
                Expect.isFalse reached "the time is over"
                use source = new CancellationTokenSource()
                let waiting = ring.WaitForCompletionsAsync(1000, day, source.Token).AsTask()
                do! Observe.eventually "in flight" (fun () -> ring.InFlight = 1)
                source.Cancel()

                do!
                    Observe.isCancelled "count" (fun () ->
                        Observe.discard (ValueTask<bool>(waiting: Task<bool>)))
            })
    ]

/// A read that nothing comes for, with a limit.
let private bounded (pipe: Pipe) (limit: TimeSpan) : BoundedStep<Request> = {
    Step = FileRequest.readNext pipe.Reader.Descriptor (Memory(Array.zeroCreate 8))
    Limit = ValueSome(Uring.within limit)
    Link = Link.Soft
}

let private afterwards: BoundedStep<Request> = { Step = nop; Limit = ValueNone; Link = Link.Soft }

let private withPipe (host: LoopThread) (body: Pipe -> unit) =
    let pipe = runOn host Pipe.create
    body pipe
    runOn host (Pipe.close pipe)

let private limits =
    testList "limit" [
        case "shorter: the step ends by it" (fun host ->
            withPipe host (fun pipe ->
                let outcome =
                    runOn
                        host
                        (uring {
                            let! chain = RunningChain.start [ bounded pipe day; afterwards ]
                            let! changed = RunningChain.changeLimit chain 0 soon
                            let! outcome = RunningChain.wait chain
                            let! late = RunningChain.changeLimit chain 0 day
                            return changed, outcome, late
                        })

                Expect.equal
                    outcome
                    (true, [ StepOutcome.Failed Errno.ETIME; StepOutcome.Cancelled ], false)
                    "outcome"))

        case "longer: the step goes on" (fun host ->
            withPipe host (fun pipe ->
                let clock = Stopwatch.StartNew()

                let outcome =
                    runOn
                        host
                        (uring {
                            let! chain =
                                RunningChain.start [
                                    bounded pipe (TimeSpan.FromMilliseconds 200.0)
                                    afterwards
                                ]

                            let! changed = RunningChain.changeLimit chain 0 day
                            do! Uring.sleep (TimeSpan.FromMilliseconds 300.0)
                            let! _ = File.writeNext pipe.Writer (ReadOnlyMemory "abcdefgh"B)
                            let! outcome = RunningChain.wait chain
                            return changed, outcome
                        })

                Expect.isGreaterThan clock.ElapsedMilliseconds 299L "past the first limit"
                Expect.equal outcome (true, [ StepOutcome.Ran 8; StepOutcome.Ran 0 ]) "outcome"))

        case "of a step that waits for the one before it: false, and it has its own" (fun host ->
            withPipe host (fun pipe ->
                let pausing = { afterwards with Step = Uring.pause (TimeSpan.FromMilliseconds 50.0) }

                let outcome =
                    runOn
                        host
                        (uring {
                            let! chain = RunningChain.start [ pausing; bounded pipe soon ]
                            let! early = RunningChain.changeLimit chain 1 day
                            let! outcome = RunningChain.wait chain
                            return early, outcome
                        })

                Expect.equal
                    outcome
                    (false, [ StepOutcome.Failed Errno.ETIME; StepOutcome.Failed Errno.ETIME ])
                    "outcome"))

        case "cancelled with its scope" (fun host ->
            withPipe host (fun pipe ->
                use source = new CancellationTokenSource()

                let running =
                    Uring.startOn
                        host
                        source.Token
                        (uring {
                            let! chain = RunningChain.start [ bounded pipe day; afterwards ]
                            return! RunningChain.wait chain
                        })

                eventually "in flight" (fun () -> host.Loop.InFlight = 3)
                source.Cancel()

                Expect.equal
                    (finish "chain" running)
                    [ StepOutcome.Cancelled; StepOutcome.Cancelled ]
                    "cancelled"))

        case "no step, no limit, no time" (fun host ->
            withPipe host (fun pipe ->
                let outcome =
                    runOn
                        host
                        (uring {
                            let! chain = RunningChain.start [ bounded pipe day; afterwards ]

                            for step, limit in [ -1, soon; 2, soon; 0, TimeSpan.FromTicks -1L; 1, soon ] do
                                match! Uring.catch (RunningChain.changeLimit chain step limit) with
                                | Error(:? ArgumentException as reason) ->
                                    let expected = if limit < TimeSpan.Zero then "limit" else "step"
                                    Expect.equal reason.ParamName expected $"{step}"
                                | other -> failtest $"{step}: {other}"

                            let! _ = RunningChain.changeLimit chain 0 TimeSpan.Zero
                            return! RunningChain.wait chain
                        })

                Expect.equal outcome [ StepOutcome.Failed Errno.ETIME; StepOutcome.Cancelled ] "outcome"))

        testCase "a kernel before 5.15 changes none" (fun () ->
            withLoopOf (FaultyKernel(Hidden = [ Opcode.MakeDirectoryAt ])) LoopOptions.standard (fun host ->
                withPipe host (fun pipe ->
                    runOn
                        host
                        (uring {
                            let! chain = RunningChain.start [ bounded pipe day ]
                            let! outcome = Uring.catch (RunningChain.changeLimit chain 0 soon)

                            match outcome with
                            | Error(:? PlatformNotSupportedException as reason) ->
                                Expect.stringContains reason.Message "Linux 5.15" "which"
                            | other -> failtest $"{other}"

                            let! _ = File.writeNext pipe.Writer (ReadOnlyMemory "abcdefgh"B)
                            let! outcome = RunningChain.wait chain
                            Expect.equal outcome [ StepOutcome.Ran 8 ] "outcome"
                        }))))

        Observe.tidyCase "from C#" (fun () ->
            task {
                use ring = new Uring.Ring()
                use! pipe = Uring.UringPipe.CreateAsync(Uring.PipeModes.None, ring)

                let chain =
                    ring.StartChain(fun chain ->
                        chain.Read(pipe.Reader, Memory(Array.zeroCreate 8), 0L).Within(day).Pause(soon)
                        |> ignore)

                let! changed = chain.ChangeLimitAsync(0, soon)
                Expect.isTrue changed "changed"
                let! results = chain.Completion
                Expect.equal results.Count 2 "results"
                Expect.equal results[0].ErrorCode (int Errno.ETIME) "its time was over"
                let! late = chain.ChangeLimitAsync(0, day)
                Expect.isFalse late "over"
                let change step () = Observe.discard (chain.ChangeLimitAsync(step, day))
                let! _ = Observe.raises<ArgumentException> "no limit" (change 1)
                let! _ = Observe.raises<ArgumentOutOfRangeException> "no step" (change 2)
                ()
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "Running chain" [ counts; limits ]
