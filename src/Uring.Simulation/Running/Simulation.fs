// Runs programs in a simulated world: once, from many seeds, and again with fewer faults. For F# the functions, for C# the
// same with the BCL's types.
namespace Uring.Simulation

open System
open System.Collections.Generic
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.FSharp
open Uring.Simulation.Kernel
open Uring.Simulation.Running

/// Simulated runs of F# programs. For C# see the type of the same name.
[<RequireQualifiedAccess>]
module Simulation =

    let private struck (dice: Dice) = [
        for kind in Faults.kinds do
            if dice.Struck[int kind] > 0 then kind, dice.Struck[int kind]
    ]

    let private leaks (run: Run) =
        for number, name in run.Hosting.Machine.Descriptors.Open do
            run.World.Ledger.Broken(Rule.Leaked, $"descriptor {number} ({name}) is still open")

    let private close (run: Run) =
        let endings = [ for host in run.Hosting.Hosts.ToArray() -> host.DisposeAsync().AsTask() ]
        let isClosed = run.Until("closing the rings", (fun () -> endings |> List.forall _.IsCompleted))

        if isClosed then leaks run

    /// Runs a program to its end, and closes its ring.
    let runWith (options: SimulationOptions) (program: Uring<'T>) : Report<'T> =
        let dice = Dice(options.Seed, options.Faults, HashSet options.Spared)
        let run = Run(options, dice)

        try
            let started: Result<Task<'T>, exn> =
                try
                    Ok(Uring.startOn run.Hosting.Default CancellationToken.None program)
                with reason ->
                    Error reason

            let outcome =
                match started with
                | Error reason -> Error reason
                | Ok task ->
                    if run.Until("the program", (fun () -> task.IsCompleted)) then
                        try
                            Ok(task.GetAwaiter().GetResult())
                        with reason ->
                            Error reason
                    else
                        Error(TimeoutException "The program did not end.")

            close run
            let trace = run.World.Trace

            {
                Options = options
                Outcome = outcome
                Violations = List.ofSeq run.World.Ledger.Violations
                Steps = run.Scheduler.Steps
                Operations = trace.Submissions
                Struck = struck dice
                Drawn = dice.Drawn
                Elapsed = TimeSpan.FromTicks(run.World.Timeline.Now / 100L)
                Fingerprint = trace.Hash
                Tell = trace.Tell
            }
        finally
            run.End()

    /// Runs a program once.
    let run (seed: uint64) (faults: Faults) (program: Uring<'T>) : Report<'T> =
        runWith (SimulationOptions.ofSeed seed faults) program

    /// Runs a program from every seed, each time with other faults out of these, until a run fails. What `change` makes of
    /// the options (other queues, an older kernel) may depend on the seed.
    let searchWith
        (change: SimulationOptions -> SimulationOptions)
        (faults: Faults)
        (seeds: uint64 seq)
        (program: Uring<'T>)
        : Report<'T> option =
        seeds
        |> Seq.map (fun seed ->
            runWith (change (SimulationOptions.ofSeed seed (Swarm.ofSeed seed faults))) program)
        |> Seq.tryFind (fun report -> not report.IsGood)

    /// The first of these seeds with which the program fails.
    let search (faults: Faults) (seeds: uint64 seq) (program: Uring<'T>) : Report<'T> option =
        searchWith id faults seeds program

    /// Spares a failing run the faults that it does not need: the same run with fewer, which still fails.
    let shrink (program: Uring<'T>) (report: Report<'T>) : Report<'T> =
        let without (best: Report<'T>) (numbers: int Set) =
            let options = { best.Options with Spared = Set.union best.Options.Spared numbers }

            let next = runWith options program
            if next.IsGood then best else next

        // Half of them at a time, then a quarter, and so on.
        let rec halve (best: Report<'T>) size =
            if size < 1 then
                best
            else
                let all = [ 0 .. best.Drawn - 1 ] |> List.filter (best.Options.Spared.Contains >> not)
                let best = all |> List.chunkBySize size |> List.map Set.ofList |> List.fold without best
                halve best (size / 2)

        if report.IsGood then report else halve report (max 1 (report.Drawn / 2))

    /// For people: what was broken, what replays it, and how it came about, in its last so many lines.
    let describe (lines: int) (report: Report<'T>) : string =
        let broken = [
            for violation in report.Violations do
                $"{violation.Rule}: {violation.Message}"
            match report.Outcome with
            | Error reason -> $"The program failed: {reason.GetType().Name}: {reason.Message}"
            | Ok _ -> ()
        ]

        let struck = [ for fault, count in report.Struck -> $"{fault} {count}" ] |> String.concat ", "

        String.Join(
            Environment.NewLine,
            [
                $"Seed {report.Options.Seed}, {report.Steps} steps, {report.Operations} operations, {report.Elapsed.TotalMilliseconds} ms of virtual time."
                (if struck = "" then "No faults." else $"Faults: {struck}.")
                yield! broken
                report.Tell lines
            ]
        )

/// What came of a simulated run of a C# program.
[<Sealed>]
type SimulationReport internal (report: Report<unit>) =
    /// Where its decisions came from: the same seed and faults make the same run.
    member _.Seed = report.Options.Seed
    /// Nothing was broken, and the program ended without an exception.
    member _.IsGood = report.IsGood

    /// What was broken, in words.
    member _.Violations: IReadOnlyList<string> = [|
        for violation in report.Violations -> $"{violation.Rule}: {violation.Message}"
    |]

    /// How the program failed, or null.
    member _.Failure: exn | null =
        match report.Outcome with
        | Ok() -> null
        | Error reason -> reason

    /// How often the scheduler chose what to do next.
    member _.Steps = report.Steps
    /// Operations that the kernel took.
    member _.Operations = report.Operations
    /// Virtual time that has passed.
    member _.Elapsed = report.Elapsed
    /// The same for the same run, on every machine.
    member _.Fingerprint = report.Fingerprint
    /// What happened, for people.
    override _.ToString() = Simulation.describe 200 report

/// Runs C# programs in a simulated world. Everything that a program does with files, sockets and timers of this library
/// happens there: no disk, no network, no waiting.
[<AbstractClass; Sealed>]
type Simulation private () =

    static let asProgram (program: Func<Task>) : Uring<unit> =
        ArgumentNullException.ThrowIfNull(program, nameof program)

        Program.ofScope (fun _ ->
            ValueTask<unit>(
                task {
                    do! program.Invoke()
                    return ()
                }
            ))

    /// Runs a program once, from a seed, with these faults.
    static member RunAsync(seed: uint64, faults: Faults, program: Func<Task>) : Task<SimulationReport> =
        let program = asProgram program
        Task.Run(fun () -> SimulationReport(Simulation.run seed faults program))

    /// Runs a program from `count` seeds, beginning with `first`, each time with other faults out of these, until a run
    /// fails. That run, with as few faults as it needs; null when every run is good.
    static member SearchAsync
        (first: uint64, count: int, faults: Faults, program: Func<Task>)
        : Task<SimulationReport | null> =
        let program = asProgram program

        Task.Run(fun () ->
            match Simulation.search faults (Seq.init count (fun index -> first + uint64 index)) program with
            | Some report -> SimulationReport(Simulation.shrink program report) |> withNull
            | None -> null)
