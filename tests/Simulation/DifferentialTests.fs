module Uring.Tests.Simulation.DifferentialTests

open System
open System.Collections.Generic
open Expecto
open Uring.Model
open Uring.Simulation.Kernel
open Uring.Tests.Simulation.Allowed
open Uring.Tests.Simulation.Differential
open Uring.Tests.Simulation.Facts
open Uring.Tests.Simulation.Programs
open Uring.Tests.Simulation.Side

/// The simulated kernel is compared as what it was learned from.
let private needsLinux () =
    let version = Environment.OSVersion.Version

    if not (OperatingSystem.IsLinux()) || struct (version.Major, version.Minor) <> struct (6, 18) then
        skiptest "compares with Linux 6.18"

/// A fault of the simulated kernel shows in every run. What a busy machine does once (a worker that was kept waiting
/// longer than any pace allows for) does not show three times in a row.
let rec private agreesWithin (attempts: int) (name: string) (program: Program) : Verdict =
    let verdict = judge runs program

    match verdict.Difference with
    | None -> verdict
    | Some _ when attempts > 1 ->
        printfn $"{name}: differed once, and is run again"
        agreesWithin (attempts - 1) name program
    | Some difference ->
        failtest
            $"{name}: %A{program}
%A{difference}"

let private agrees (name: string) (program: Program) =
    needsLinux ()
    agreesWithin 3 name program |> ignore

/// Seeds that have differed once.
let private seeds = [
    3087
    3296
    5412
    8458
    10735
    12174
    13250
    13935
    14961
    15769
    18540
    26879
    28018
    30257
    30830
    32713
    38242
    38355
    39575
    40791
    41010
    42147
    47024
    48565
    48712
    49928
    52065
    53896
    55722
    65306
    67181
    73123
    77346
    79211
    87015
    89247
    89636
    91118
    91597
    93709
    93759
    94390
    95918
    361074
    366711
    368392
    397469
    460602
    208143
    5001375
    5001913
    8000588
    8000819
    8000901
    5002742
    8001423
    20000040
    20000049
    20000193
    20000196
    20000200
    20000253
    20001986
]

/// Operations of the simulated kernel that no random program does, and why.
let private untried: Map<Opcode, string> = Map.empty

let private seen index result flags : Seen = { Index = index; Result = result; Flags = flags }
let private noPolls = HashSet<int>()

[<Tests>]
let tests =
    testList "Differential" [
        for name, batches in facts do
            testCase name (fun () ->
                agrees name { Incremental = false; Batches = batches }
                agrees name { Incremental = true; Batches = batches })

        for seed in seeds do
            testCase $"seed {seed} agrees" (fun () -> agrees $"seed {seed}" (generate seed))

        testCase "five hundred programs agree" (fun () ->
            for seed in 1..500 do
                agrees $"seed {seed}" (generate seed))

        testCase "three hundred programs with words to wait for agree" (fun () ->
            for seed in newer + 1 .. newer + 300 do
                agrees $"seed {seed}" (generate seed))

        testCase "three hundred programs with registered buffers agree" (fun () ->
            for seed in latest + 1 .. latest + 300 do
                agrees $"seed {seed}" (generate seed))

        testCase "three hundred programs with messages agree" (fun () ->
            for seed in messages + 1 .. messages + 300 do
                agrees $"seed {seed}" (generate seed))

        testCase "three hundred programs with more of files agree" (fun () ->
            for seed in newest + 1 .. newest + 300 do
                agrees $"seed {seed}" (generate seed))

        testCase
            "three hundred programs with flags of writes, rules of renames, and names from directories agree"
            (fun () ->
                for seed in named + 1 .. named + 300 do
                    agrees $"seed {seed}" (generate seed))

        testCase
            "six hundred programs of all commands agree, and each operation succeeds in one of them"
            (fun () ->
                needsLinux ()

                let succeeded =
                    Set.unionMany [
                        for seed in everything + 1 .. everything + 600 do
                            (agreesWithin 3 $"seed {seed}" (generate seed)).Succeeded
                    ]

                let simulated = Enum.GetValues<Opcode>() |> Seq.filter Strictness.knows |> Set.ofSeq
                let never = simulated - succeeded
                Expect.equal never (Set.ofSeq (Map.keys untried)) "operations that no program has done")

        // Most of the time it is the same one of six ways: the others are rare, and none of them may be a difference.
        testCase "a write and a read at one position of a file come between each other" (fun () ->
            needsLinux ()

            let program = {
                Incremental = false
                Batches = [
                    [ alone (OpenFile(0, true)) ]
                    [ alone (Write(0, 39, 0)) ]
                    [
                        alone (Write(0, 20, -1))
                        yield! [ for _ in 1..24 -> alone (Nop 1) ]
                        alone (Read(0, 5, -1))
                    ]
                    [ alone (Read(0, 5, -1)) ]
                ]
            }

            let verdicts = List.init 200 (fun _ -> (judge 1 program).Difference)
            Expect.equal (verdicts |> List.choose id) [] "differences")

        testCase "three hundred programs with flags that say how something is done agree" (fun () ->
            for seed in ways + 1 .. ways + 300 do
                agrees $"seed {seed}" (generate seed))

        test "the order of others is free, and that of one submission is not" {
            let one = [ seen 1 8 2u; seen 1 0 0u; seen 2 5 0u ]
            let mixed = [ seen 2 5 0u; seen 1 8 2u; seen 1 0 0u ]
            let reversed = [ seen 1 0 0u; seen 1 8 2u; seen 2 5 0u ]
            Expect.equal (ordered noPolls mixed) (ordered noPolls one) "mixed"
            Expect.notEqual (ordered noPolls reversed) (ordered noPolls one) "reversed"
            Expect.equal (needed one one) Set.empty "nothing is needed"
            Expect.equal (needed one mixed) (set [ Rule.Order ]) "needed"
        }

        test "what a multishot poll says at last is compared, and whether it says anything" {
            let polls = HashSet [ 1 ]
            let twice = [ seen 1 1 2u; seen 1 17 2u ]
            Expect.equal (ordered polls twice) (ordered polls [ seen 1 17 2u ]) "once or twice"
            Expect.equal (needed twice [ seen 1 17 2u ]) (set [ Rule.Changes ]) "needed"
            Expect.notEqual (ordered polls twice) (ordered polls [ seen 1 1 2u ]) "another end"
            Expect.notEqual (ordered polls twice) (ordered polls []) "nothing"
            Expect.notEqual (ordered noPolls twice) (ordered noPolls [ seen 1 17 2u ]) "no poll"
        }

        test "only what races with a worker has several paces" {
            let count batches = (paces batches).Length
            Expect.equal (count [ [ alone (Send(0, 1)); alone (Nop 1) ] ]) 1 "no worker"
            Expect.equal (count [ [ alone (Sync 0) ]; [ alone (Nop 1) ] ]) 1 "nothing beside it"
            Expect.equal (count [ [ alone (Sync 0); alone (Nop 1) ] ]) 3 "a race"
            Expect.equal (count [ [ alone (Shutdown(0, 2)) ]; [ alone (Nop 1) ] ]) 2 "two steps"
            Expect.equal (count [ [ alone (Shutdown(0, 2)); alone (Nop 1) ] ]) 4 "both"
            Expect.equal (count [ [ alone (Write(0, 1, -1)); alone (Read(0, 1, -1)) ] ]) 7 "one position"
            Expect.equal (count [ [ alone (Write(0, 1, 0)); alone (Read(0, 1, -1)) ] ]) 3 "no position"
        }

        test "a byte that was received must be the same" {
            Expect.isTrue (isSameMemory [| 1uy; 2uy |] [| 1uy; 2uy |]) "the same"
            Expect.isFalse (isSameMemory [| 1uy; 2uy |] [| 1uy; 3uy |]) "another"
            Expect.isTrue (isSameMemory [| 1uy; 0uy |] [| 1uy; 0xDBuy |]) "scribbled over"
            Expect.isFalse (isSameMemory [| 1uy; 0xDBuy |] [| 1uy; 0uy |]) "only by the simulated one"
        }
    ]
