/// What a scope promises: whatever was started in it has ended when it ends, and the reason is the right one.
module Uring.Tests.Linux.ScopeTests

open System
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Tests.Linux.Hosting

let private case name (body: LoopThread -> unit) = testCase name (fun () -> withLoop body)

let private hours (count: float) = TimeSpan.FromHours count

let private milliseconds (count: float) = TimeSpan.FromMilliseconds count

let private forHours: Uring<unit> = Uring.sleep (hours 1.0)

/// Its message names the span: that tells which of several timeouts it was.
let private isTimeoutOf (span: TimeSpan) (failure: exn | null) =
    match failure with
    | :? TimeoutException as reason -> Expect.stringContains reason.Message $"{span}" "whose timeout"
    | other -> failtest $"expected a TimeoutException, but: {other}"

/// Takes another turn of the loop on its way out, whatever happens around it, and then says so.
let private slowToLeave (left: int ref) (body: Uring<unit>) : Uring<unit> =
    uring {
        let! outcome = Uring.catch body
        // A task of its own: a cancelled scope starts no operations any more.
        do! Task.Delay 20
        left.Value <- left.Value + 1

        match outcome with
        | Ok() -> ()
        | Error reason -> return raise reason
    }

let private timeouts =
    testList "timeout" [
        case "the inner one is shorter" (fun host ->
            let left = ref 0
            let inner = Uring.timeout (milliseconds 20.0) (slowToLeave left forHours)

            failureOf (fun () -> runOn host (Uring.timeout (hours 2.0) inner))
            |> isTimeoutOf (milliseconds 20.0)

            Expect.equal left.Value 1 "the program has ended"
            Expect.equal host.Loop.InFlight 0 "nothing in flight")

        case "the outer one is shorter" (fun host ->
            let left = ref 0
            let inner = Uring.timeout (hours 2.0) (slowToLeave left forHours)

            failureOf (fun () -> runOn host (Uring.timeout (milliseconds 20.0) inner))
            |> isTimeoutOf (milliseconds 20.0)

            Expect.equal left.Value 1 "the program has ended"
            Expect.equal host.Loop.InFlight 0 "nothing in flight")

        case "after an inner one that was caught, the outer one goes on" (fun host ->
            let program =
                uring {
                    let! outcome = Uring.catch (Uring.timeout (milliseconds 5.0) forHours)
                    let! _ = Uring.nop
                    return outcome
                }

            match runOn host (Uring.timeout (hours 2.0) program) with
            | Error reason -> isTimeoutOf (milliseconds 5.0) reason
            | Ok() -> failtest "it slept for an hour"

            Expect.equal host.Loop.InFlight 0 "nothing in flight")

        case "ten of them around a program that ends in time" (fun host ->
            let program =
                Seq.fold (fun inner _ -> Uring.timeout (hours 1.0) inner) (Uring.result 42) [ 1..10 ]

            Expect.equal (runOn host program) 42 "result"
            Expect.equal host.Loop.InFlight 0 "nothing in flight")

        case "two that expire together, and a program that ends then" (fun host ->
            let mutable inTime = 0
            let mutable late = 0

            for round in 1..500 do
                let span = milliseconds 1.0
                let sleep = Uring.sleep (TimeSpan.FromMicroseconds(800.0 + float (round % 40) * 10.0))

                match failureOf (fun () -> runOn host (Uring.timeout span (Uring.timeout span sleep))) with
                | null -> inTime <- inTime + 1
                | failure ->
                    isTimeoutOf span failure
                    late <- late + 1

                Expect.equal host.Loop.InFlight 0 "nothing in flight"

            Expect.isGreaterThan inTime 10 "sometimes in time"
            Expect.isGreaterThan late 10 "sometimes not")
    ]

let private spawned =
    testList "spawn" [
        case "the scope waits for it" (fun host ->
            let left = ref 0

            let program =
                uring {
                    for _ in 1..10 do
                        let! _ = Uring.spawn (slowToLeave left (Uring.sleep (milliseconds 5.0)))
                        ()

                    return left.Value
                }

            Expect.equal (runOn host program) 0 "the program itself does not wait"
            Expect.equal left.Value 10 "its scope does")

        case "so do `timeout` and `parallel`, each with what was spawned in it" (fun host ->
            let left = ref 0

            let spawning =
                uring {
                    let! _ = Uring.spawn (slowToLeave left (Uring.sleep (milliseconds 5.0)))
                    ()
                }

            let program =
                uring {
                    do! Uring.timeout (hours 1.0) spawning
                    let afterTimeout = left.Value
                    let! _ = Uring.``parallel`` [ spawning; spawning ]
                    return afterTimeout, left.Value
                }

            Expect.equal (runOn host program) (1, 3) "ended")

        case "one that spawns another is waited for as well" (fun host ->
            let left = ref 0

            let rec generations count =
                uring {
                    do! Uring.sleep (milliseconds 1.0)

                    if count > 1 then
                        let! _ = Uring.spawn (generations (count - 1))
                        ()

                    left.Value <- left.Value + 1
                }

            runOn host (Uring.map ignore (Uring.spawn (generations 20)))
            Expect.equal left.Value 20 "all generations")

        case "a program that fails cancels it, waits for it, and raises its own failure" (fun host ->
            let left = ref 0

            let program =
                uring {
                    let! _ = Uring.spawn (slowToLeave left forHours)
                    let! _ = Uring.nop
                    return raise (InvalidOperationException "mine")
                }

            match failureOf (fun () -> runOn host program) with
            | :? InvalidOperationException as mine -> Expect.equal mine.Message "mine" "message"
            | other -> failtest $"{other}"

            Expect.equal left.Value 1 "it has ended"
            Expect.equal host.Loop.InFlight 0 "nothing in flight")

        case "its failure is its task's, and ends nobody else" (fun host ->
            let failing = uring { return raise (InvalidOperationException "mine") }

            let program =
                uring {
                    let! failed = Uring.spawn failing
                    let! _ = Uring.nop
                    return failed.IsFaulted
                }

            Expect.isTrue (runOn host program) "the program went on")

        case "a token ends it, and the scope still waits" (fun host ->
            let left = ref 0
            use source = new CancellationTokenSource()

            let program =
                uring {
                    for _ in 1..10 do
                        let! _ = Uring.spawn (slowToLeave left forHours)
                        ()

                    do! forHours
                }

            let running = Uring.startOn host source.Token program
            eventually "in flight" (fun () -> host.Loop.InFlight = 11)
            source.Cancel()
            ended "program" running
            Expect.isTrue running.IsCanceled "cancelled"
            Expect.equal left.Value 10 "all have ended"
            Expect.equal host.Loop.InFlight 0 "nothing in flight")
    ]

[<Tests>]
let tests = testSequenced <| testList "Scope" [ timeouts; spawned ]
