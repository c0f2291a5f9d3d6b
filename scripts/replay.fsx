// Replays one seed of `simulate` and tells what happened: `dotnet fsi scripts/replay.fsx -- 42 --html run.html`.
// A run is a value: the seed decides everything in it, so a run that failed last night fails again here, as often as
// you like, and with only those faults that it needs. Build the tests first: it loads their workloads.

#load "shared.fsx"
#r "../artifacts/bin/Simulation/release/Uring.Simulation.dll"
#r "../artifacts/bin/Simulation/release/Uring.Tests.Simulation.dll"

open System
open System.IO
open Argu
open Uring.Simulation
open Uring.Tests.Simulation

type Arguments =
    | [<MainCommand; ExactlyOnce>] Seed of seed: uint64
    | [<Unique>] Html of file: string
    | Markdown
    | [<Unique>] Lines of count: int
    | All

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Seed _ -> "the seed, as `simulate` names it."
            | Html _ -> "also write the run to this file: a page to look at in a browser."
            | Markdown -> "tell it as a Markdown table."
            | Lines _ -> "tell so many of the last lines (200)."
            | All -> "do not spare a failing run the faults that it does not need."

let arguments = Shared.arguments<Arguments>()
let seed = arguments.GetResult Seed
let lines = arguments.GetResult(Lines, 200) |> Shared.within 1 100_000 "--lines"
let workload = Workloads.ofSeed seed
let whole = Workloads.run seed

let report =
    if whole.IsGood || arguments.Contains All then
        whole
    else
        Simulation.shrink (fun options -> Simulation.runWith options (workload.Work seed)) whole

let faults (report: Report<unit>) = report.Struck |> List.sumBy snd

printfn "Workload: %s, Linux %s." workload.Name report.Options.Kernel.Name

if not whole.IsGood && not (arguments.Contains All) then
    printfn "%d faults, of which %d are enough:" (faults whole) (faults report)

if arguments.Contains Markdown then
    printfn "%s\n%s" (Simulation.describe 0 report) (SequenceView.markdown lines report)
else
    printfn "%s" (Simulation.describe lines report)

match arguments.TryGetResult Html with
| Some file ->
    try
        File.WriteAllText(file, SequenceView.html report)
        printfn "Written to %s." (Path.GetFullPath file)
    with
    | :? IOException
    | :? UnauthorizedAccessException as reason -> Shared.refuse reason.Message
| None -> ()

exit (if report.IsGood then 0 else 1)
