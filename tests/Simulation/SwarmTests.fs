module Uring.Tests.Simulation.SwarmTests

open Expecto
open Uring.Simulation

let private good first count =
    let tally = Simulate.many first count

    match tally.Bad with
    | [] -> Expect.equal tally.Runs count "all of them ran"
    | report :: _ -> failtest (Simulation.describe 200 report)

[<Tests>]
let tests =
    testList "Swarm" [
        testCase "a thousand runs of the driver under faults break no rule" (fun () -> good 1UL 1000)

        testCase "the same seed makes the same run" (fun () ->
            for seed in 1UL .. 16UL do
                let one = Workloads.run seed
                let other = Workloads.run seed
                Expect.equal other.Fingerprint one.Fingerprint $"seed {seed}"
                Expect.equal (other.Tell 100_000) (one.Tell 100_000) $"seed {seed}, word by word")
    ]
