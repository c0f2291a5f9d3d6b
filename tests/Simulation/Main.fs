// Runs every test of this assembly, or many simulated runs.
module Uring.Tests.Simulation.Main

open Expecto

[<EntryPoint>]
let main arguments =
    match List.ofArray arguments with
    | "simulate" :: rest -> Simulate.main (Array.ofList rest)
    | [ "explore"; count ] ->
        for scope in Scopes.all (int count) do
            let watch = System.Diagnostics.Stopwatch.StartNew()
            let found = Scopes.explore scope
            System.Console.Out.WriteLine $"{List.length scope.Acts} {scope} {found.Runs} {found.IsComplete} {watch.ElapsedMilliseconds}"
            match found.Failure with
            | None -> ()
            | Some report -> System.Console.Out.WriteLine(Uring.Simulation.Simulation.describe 100 report)
        0
    | [ "canaries" ] ->
        CanaryTests.table () |> Seq.iter System.Console.Out.WriteLine
        0
    | _ -> runTestsInAssemblyWithCLIArgs [] arguments
