// Runs the benchmarks: Uring.Benchmarks [case] --controls <folder of the compiled C controls>.
module Uring.Benchmarks.Main

open System
open System.Diagnostics
open System.Reflection

let private cases: (string * (string -> unit)) list = [
    "nop", Nop.bench
    "reads", Reads.bench
    "echo", Echo.bench
    "simulation", Simulated.bench
]

/// In a process of its own: the JIT compiles hot code for what it has seen, and another case's habits are not this one's.
let private alone (controls: string) (name: string) =
    let program = Assembly.GetExecutingAssembly().Location

    let arguments = [ program; name; "--controls"; controls ]
    use child = Process.Start(nonNull Environment.ProcessPath, arguments)
    child.WaitForExit()
    child.ExitCode

[<EntryPoint>]
let main arguments =
    let controls =
        arguments
        |> Array.tryFindIndex ((=) "--controls")
        |> Option.map (fun index -> arguments[index + 1])
        |> Option.defaultValue "artifacts/controls"

    let wanted =
        arguments
        |> Array.filter (fun argument -> argument <> "--controls" && argument <> controls)
        |> Array.toList

    let names = cases |> List.map fst

    match wanted with
    | [ name ] when List.contains name names ->
        (cases |> List.find (fst >> (=) name) |> snd) controls
        0
    | [] -> names |> List.map (alone controls) |> List.max
    | several when several |> List.forall (fun name -> List.contains name names) ->
        several |> List.map (alone controls) |> List.max
    | _ ->
        eprintfn "There are the benchmarks %s." (String.Join(", ", names))
        2
