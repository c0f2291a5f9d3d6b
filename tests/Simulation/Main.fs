// Runs every test of this assembly, or many simulated runs.
module Uring.Tests.Simulation.Main

open Expecto

[<EntryPoint>]
let main arguments =
    match List.ofArray arguments with
    | "simulate" :: rest -> Simulate.main (Array.ofList rest)
    | [ "canaries" ] ->
        CanaryTests.table () |> Seq.iter System.Console.Out.WriteLine
        0
    | _ -> runTestsInAssemblyWithCLIArgs [] arguments
