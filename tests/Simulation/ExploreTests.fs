module Uring.Tests.Simulation.ExploreTests

open System
open System.IO
open Expecto
open Uring.FSharp
open Uring.Simulation

let private options faults = SimulationOptions.ofSeed 0UL faults
let private reordered = Faults.none |> Faults.withRate Fault.Reordered 1.0
let private moment = Uring.sleep (TimeSpan.FromMilliseconds 1.0)

/// Two programs add one each, and look away in between.
let private lostUpdate: Uring<unit> =
    uring {
        let mutable total = 0

        let add =
            uring {
                if Simulation.choose 2 = 1 then do! moment

                let before = total

                if Simulation.choose 2 = 1 then do! moment

                total <- before + 1
            }

        let! () = add
        and! () = add

        if total <> 2 then return raise (InvalidDataException $"{total} of 2")
    }

[<Tests>]
let tests =
    testList "Explore" [
        testCase
            "up to three operations, cancelled, closed and short at any moment, go well in every way"
            (fun () ->
                let struct (programs, runs, failure) = Scopes.exploreAll 3
                Console.Out.WriteLine $"{programs} programs went in {runs} ways"

                match failure with
                | Some(scope, report) ->
                    failtest $"%A{scope}{Environment.NewLine}{Simulation.describe 200 report}"
                | None -> Expect.isGreaterThan runs 50_000L "ways")

        testCase "what is due at the same time comes in every order" (fun () ->
            let orders = Collections.Generic.HashSet<string>()

            let program =
                uring {
                    let mutable order = ""

                    let timer index =
                        uring {
                            do! moment
                            order <- order + string index
                        }

                    let! _ = Uring.``parallel`` [ timer 1; timer 2; timer 3 ]
                    orders.Add order |> ignore
                }

            let found = Simulation.explore 1000 0 (options reordered) program
            Expect.isTrue found.IsComplete "all of them"
            Expect.sequenceEqual (Seq.sort orders) [ "123"; "132"; "213"; "231"; "312"; "321" ] "orders")

        testCase "finds the one way that fails, and replays it" (fun () ->
            let found = Simulation.explore 1000 0 (options Faults.none) lostUpdate

            match found.Failure with
            | None -> failtest $"not found in {found.Runs} runs"
            | Some report ->
                let again = Simulation.runWith report.Options lostUpdate
                Expect.isFalse again.IsGood "it fails again"
                Expect.equal again.Fingerprint report.Fingerprint "in the same way"
                Expect.stringContains (Simulation.describe 10 report) "Decisions" "what replays it")

        testCase "says when there were more ways than it was to try" (fun () ->
            let program =
                uring {
                    for _ in 1..10 do
                        ignore (Simulation.choose 2)
                }

            let some = Simulation.explore 100 0 (options Faults.none) program
            let all = Simulation.explore 5000 0 (options Faults.none) program
            Expect.equal (some.Runs, some.IsComplete) (100, false) "a hundred of them"
            Expect.equal (all.Runs, all.IsComplete) (1024, true) "all of them")

        testCase "nothing is chosen outside of a simulation" (fun () ->
            Expect.throwsT<InvalidOperationException> (fun () -> Simulation.choose 2 |> ignore) "choose"

            Expect.throwsT<ArgumentOutOfRangeException>
                (fun () -> Simulation.choose 0 |> ignore)
                "of nothing")
    ]
