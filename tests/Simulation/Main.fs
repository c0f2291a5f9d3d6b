// Runs every test of this assembly, or many simulated runs.
module Uring.Tests.Simulation.Main

open Expecto

[<EntryPoint>]
let main arguments =
    match List.ofArray arguments with
    | "simulate" :: rest -> Simulate.main (Array.ofList rest)
    | [ "differ"; first; count ] ->
        for seed in int first .. int first + int count - 1 do
            if (Differential.compareAgain (Differential.generate seed)).IsSome then
                System.Console.Out.WriteLine(Differential.tell seed)

        0
    | _ -> runTestsInAssemblyWithCLIArgs [] arguments
