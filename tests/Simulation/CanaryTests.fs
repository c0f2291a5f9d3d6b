module Uring.Tests.Simulation.CanaryTests

open Expecto
open Microsoft.FSharp.Reflection
open Uring.Tests.Simulation.Binding

let private mistakes = [
    for case in FSharpType.GetUnionCases typeof<Mistake> ->
        nonNull (FSharpValue.MakeUnion(case, [||])) :?> Mistake
]

/// The first seed that finds it, and what it says.
let find (mistake: Mistake) : (uint64 * string) option =
    seq { 1UL .. 1000UL }
    |> Seq.tryPick (fun seed -> run seed (Some mistake) |> Option.map (fun message -> seed, message))

/// For docs/simulation.md.
let table () : string seq =
    seq {
        for mistake in mistakes do
            match find mistake with
            | Some(seed, message) -> $"| {mistake} | {seed} | {(message.Split '\n')[0]} |"
            | None -> $"| {mistake} | - | not found |"
    }

[<Tests>]
let tests =
    testList "Canaries" [
        test "a binding that makes no mistake is good from a thousand seeds" {
            for seed in 1UL .. 1000UL do
                match run seed None with
                | Some message -> failtest $"seed {seed}: {message}"
                | None -> ()
        }

        for mistake in mistakes do
            test $"{mistake} is found within a thousand seeds" {
                Expect.isSome (find mistake) "no seed has found it"
            }
    ]
