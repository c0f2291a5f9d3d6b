module Uring.Tests.Simulation.DifferentialTests

open System
open System.Collections.Generic
open Expecto
open Uring.Model
open Uring.Tests.Simulation.Allowed
open Uring.Tests.Simulation.Differential
open Uring.Tests.Simulation.Side

/// The simulated kernel is compared as what it was learned from.
let private needsLinux () =
    let version = Environment.OSVersion.Version

    if not (OperatingSystem.IsLinux()) || struct (version.Major, version.Minor) <> struct (6, 18) then
        skiptest "compares with Linux 6.18"

let private agrees (name: string) (program: Program) =
    needsLinux ()

    match (judge runs program).Difference with
    | None -> ()
    | Some difference ->
        failtest
            $"{name}: %A{program}
%A{difference}"

let private alone command : Command * SqeFlags = command, SqeFlags.None
let private linked command : Command * SqeFlags = command, SqeFlags.Link
let private tied command : Command * SqeFlags = command, SqeFlags.HardLink

/// What random programs have found, one thing at a time.
let private facts: (string * Batch list) list = [
    "a file that is closed in a chain is let go of behind the next two steps",
    [
        [ alone MakePipe ]
        [
            tied (Close 0)
            tied (Write(0, 10, -1))
            tied (Write(0, 14, -1))
            alone (Write(0, 15, -1))
        ]
    ]
    "what a worker does finds its file when the worker comes to it",
    [ [ alone (Connect true) ]; [ alone (Close 0); alone (Shutdown(0, 2)) ] ]
    "a shutdown that fails does not break its chain",
    [
        [ alone (Connect true) ]
        [ alone (Shutdown(0, 2)) ]
        [ alone (Shutdown(1, 2)) ]
        [ linked (Shutdown(0, 2)); alone (Nop 1) ]
    ]
    "a multishot receive meets the end behind the last bytes",
    [
        [ alone (Provide 2); alone (Connect true) ]
        [ alone (Shutdown(0, 0)) ]
        [ alone (Send(1, 8)); alone (ReceiveMany(0, false)); alone (Send(1, 3)) ]
    ]
    "the last who waits on a socket is the first to be woken, and the next is not",
    [
        [ alone (Connect false) ]
        [ alone (Receive(0, 13, false)) ]
        [ alone (Receive(0, 17, true)) ]
        [ alone (Send(1, 4)) ]
        [ alone (Send(1, 19)) ]
    ]
    "a multishot poll hears of the other side's answer to an end",
    [
        [ alone (Connect true) ]
        [ alone (Shutdown(0, 1)) ]
        [ alone (Poll(1, PollEvents.Readable, true)) ]
        [ alone (Write(1, 19, -1)) ]
    ]
]

/// Seeds that have differed once.
let private seeds = [ 3087; 3296; 5412; 12174; 13250; 30830; 38355; 73123; 87015; 89636; 91118; 91597 ]

let private seen index result flags : Seen = { Index = index; Result = result; Flags = flags }
let private noPolls = HashSet<int>()

[<Tests>]
let tests =
    testList "Differential" [
        for name, batches in facts do
            testCase name (fun () -> agrees name { Incremental = false; Batches = batches })

        testCase "programs that have differed once agree" (fun () ->
            for seed in seeds do
                agrees $"seed {seed}" (generate seed))

        testCase "five hundred programs agree" (fun () ->
            for seed in 1..500 do
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
            Expect.equal (count [ [ alone (Shutdown(0, 2)) ]; [ alone (Nop 1) ] ]) 1 "nothing beside it"
            Expect.equal (count [ [ alone (Shutdown(0, 2)); alone (Nop 1) ] ]) 4 "a race"
        }

        test "a byte that was received must be the same" {
            Expect.isTrue (isSameMemory [| 1uy; 2uy |] [| 1uy; 2uy |]) "the same"
            Expect.isFalse (isSameMemory [| 1uy; 2uy |] [| 1uy; 3uy |]) "another"
            Expect.isTrue (isSameMemory [| 1uy; 0uy |] [| 1uy; 0xDBuy |]) "scribbled over"
            Expect.isFalse (isSameMemory [| 1uy; 0xDBuy |] [| 1uy; 0uy |]) "only by the simulated one"
        }
    ]
