/// `simulate --runs N --first S`, `simulate --seed S`: many simulated runs, or one of them in words.
module Uring.Tests.Simulation.Simulate

open System
open System.Diagnostics
open Argu
open Uring.Simulation
open Uring.Tests.Simulation.Workloads

type Arguments =
    | [<Unique>] Runs of count: int
    | [<Unique>] First of seed: uint64
    | [<Unique>] Seed of seed: uint64
    | [<Unique>] Differ of count: int
    | [<Unique>] Difference of seed: int
    | [<Unique>] Explore of operations: int

    interface IArgParserTemplate with
        member this.Usage =
            match this with
            | Runs _ -> "how many seeds to run (1000)"
            | First _ -> "the first seed (1)"
            | Seed _ -> "runs one seed and tells all that happened"
            | Differ _ -> "how many programs to run on the simulated and on the real kernel"
            | Explore _ -> "every way of every program with up to so many operations, 4 at most"
            | Difference _ -> "what the two kernels say to one of those programs, shrunk"

/// What many runs come to.
type Tally = {
    Runs: int
    Steps: int64
    Operations: int64
    Struck: Map<Fault, int>
    Bad: Report<unit> list
}

let private empty = { Runs = 0; Steps = 0L; Operations = 0L; Struck = Map.empty; Bad = [] }

let private add (tally: Tally) (report: Report<unit>) = {
    Runs = tally.Runs + 1
    Steps = tally.Steps + int64 report.Steps
    Operations = tally.Operations + report.Operations
    Struck =
        report.Struck
        |> List.fold
            (fun struck (fault, count) ->
                Map.add fault (count + (Map.tryFind fault struck |> Option.defaultValue 0)) struck)
            tally.Struck
    Bad = if report.IsGood then tally.Bad else report :: tally.Bad
}

let many (first: uint64) (count: int) : Tally =
    Seq.init count (fun index -> run (first + uint64 index)) |> Seq.fold add empty

let private one (seed: uint64) =
    let workload = ofSeed seed
    let report = run seed
    let again options = Simulation.runWith options (workload.Work seed)
    let shrunk = Simulation.shrink again report
    Console.Out.WriteLine $"Workload: {workload.Name}, Linux {report.Options.Kernel.Name}."

    if not report.IsGood then
        let enough = shrunk.Struck |> List.sumBy snd
        Console.Out.WriteLine $"{report.Struck |> List.sumBy snd} faults, of which {enough} are enough:"

    Console.Out.WriteLine(Simulation.describe 5000 shrunk)
    if report.IsGood then 0 else 1

let private summary (tally: Tally) (elapsed: TimeSpan) =
    let rate = float tally.Operations / elapsed.TotalSeconds

    Console.Out.WriteLine
        $"{tally.Runs} runs, {tally.Steps} steps, {tally.Operations} operations in {elapsed.TotalSeconds:F1} s ({rate:F0} operations/s)"

    for KeyValue(fault, count) in tally.Struck do
        Console.Out.WriteLine $"  {fault, -14} {count, 9}"

    for report in List.rev tally.Bad do
        let seed = report.Options.Seed

        let reason =
            match report.Violations, report.Outcome with
            | violation :: _, _ -> $"{violation.Rule}: {violation.Message}"
            | [], Error reason -> $"{reason.GetType().Name}: {reason.Message}"
            | [], Ok() -> "good"

        let first = reason.Split('\n')[0]
        Console.Out.WriteLine $"seed {seed} ({(ofSeed seed).Name}): {first}"

let private differ (first: int) (count: int) =
    let watch = Stopwatch.StartNew()
    let mutable differing = 0
    let mutable needed: Map<Allowed.Rule, int list> = Map.empty

    for seed in first .. first + count - 1 do
        let verdict = Differential.judge Allowed.runs (Programs.generate seed)

        match verdict.Difference with
        | Some _ ->
            differing <- differing + 1
            Console.Out.WriteLine $"program {seed} differs: --difference {seed} tells how"
        | None ->
            for rule in verdict.Needed do
                let before = Map.tryFind rule needed |> Option.defaultValue []
                needed <- Map.add rule (seed :: before) needed

    Console.Out.WriteLine
        $"{count} programs on both kernels in {watch.Elapsed.TotalSeconds:F0} s, {differing} differ"

    for KeyValue(rule, seeds) in needed do
        // Few are worth a look.
        let which = if seeds.Length > 20 then "" else "  " + String.Join(' ', List.rev seeds)
        Console.Out.WriteLine $"  {Allowed.nameOf rule, -26} {seeds.Length, 9}{which}"

    min 1 differing

let private explore (operations: int) =
    let watch = Stopwatch.StartNew()
    let struct (programs, runs, failure) = Scopes.exploreAll operations
    let elapsed = watch.Elapsed.TotalSeconds
    Console.Out.WriteLine $"{programs} programs of up to {operations} operations, {runs} ways, {elapsed:F0} s"

    match failure with
    | None -> 0
    | Some(scope, report) ->
        Console.Out.WriteLine $"%A{scope}"
        Console.Out.WriteLine(Simulation.describe 200 report)
        1

let main (arguments: string array) : int =
    let parser = ArgumentParser.Create<Arguments>(programName = "dotnet fsi build.fsx simulate")

    try
        let parsed = parser.Parse arguments

        let first = parsed.GetResult(First, 1UL)

        match parsed.GetAllResults() |> List.filter (fun argument -> not argument.IsFirst) with
        | [ Seed seed ] -> one seed
        | [ Differ count ] -> differ (int first) count
        | [ Difference seed ] ->
            Console.Out.WriteLine(Differential.tell seed)
            0
        | [ Explore operations ] -> explore (min 4 operations)
        | []
        | [ Runs _ ] ->
            let watch = Stopwatch.StartNew()
            let tally = many first (parsed.GetResult(Runs, 1000))
            summary tally watch.Elapsed
            Console.Out.WriteLine $"{tally.Runs - tally.Bad.Length} good, {tally.Bad.Length} bad"
            min 1 tally.Bad.Length
        | _ ->
            Console.Error.WriteLine(
                parser.PrintUsage "One of these at a time; --first goes with --runs and --differ."
            )

            2
    with :? ArguParseException as reason ->
        Console.Error.WriteLine reason.Message
        2
