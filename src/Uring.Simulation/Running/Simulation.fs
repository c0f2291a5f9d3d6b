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

    let private struck (choices: Choices) = [
        for kind in Faults.kinds do
            if choices.Struck[int kind] > 0 then kind, choices.Struck[int kind]
    ]

    let private leaks (run: Run) =
        for hosting in run.Hostings do
            for number, name in hosting.Machine.Descriptors.Open do
                let where = if run.Hostings.Count > 1 then $" on {hosting.Machine.Name}" else ""
                run.World.Ledger.Broken(Rule.Leaked, $"descriptor {number} ({name}){where} is still open")

    let private close (run: Run) =
        let endings = [
            for hosting in run.Hostings do
                for host in hosting.Hosts.ToArray() do
                    host.DisposeAsync().AsTask()
        ]

        if run.Until("closing the rings", (fun () -> endings |> List.forall _.IsCompleted)) then
            leaks run

    let private start (hosting: SimulatedHosting) (program: Uring<'T>) : Task<'T> =
        try
            Uring.startOn hosting.Default CancellationToken.None program
        with reason ->
            Task.FromException<'T> reason

    let private resultOf (task: Task<'T>) : Result<'T, exn> =
        try
            if task.IsCompleted then
                Ok(task.GetAwaiter().GetResult())
            else
                Error(TimeoutException "The program did not end.")
        with reason ->
            Error reason

    let private report (options: SimulationOptions) (run: Run) (outcome: Result<'T, exn>) : Report<'T> =
        let trace = run.World.Trace

        {
            Options = options
            Outcome = outcome
            Violations = List.ofSeq run.World.Ledger.Violations
            Steps = run.Scheduler.Steps
            Operations = trace.Submissions
            Struck = struck run.Choices
            Drawn = run.Choices.Drawn
            Elapsed = TimeSpan.FromTicks(run.World.Timeline.Now / 100L)
            Fingerprint = trace.Hash
            Story = Story trace
        }

    let private decided (options: SimulationOptions) (body: Run -> Result<'T, exn>) =
        let run = Run options

        try
            let outcome = body run
            struct (report options run outcome, run.Choices)
        finally
            run.End()

    let private within (options: SimulationOptions) (body: Run -> Result<'T, exn>) : Report<'T> =
        let struct (report, _) = decided options body
        report

    let private here = "10.0.0.1"

    let private toEnd (run: Run) (program: Uring<'T>) (hosting: SimulatedHosting) =
        let task = start hosting program
        run.Until("the program", (fun () -> task.IsCompleted)) |> ignore
        let outcome = resultOf task
        close run
        outcome

    /// Runs a program to its end, and closes its ring. Its machine has the address 10.0.0.1 and an empty disk.
    let runWith (options: SimulationOptions) (program: Uring<'T>) : Report<'T> =
        within options (fun run -> run.Boot("localhost", here, run.World.NewDisk()) |> toEnd run program)

    /// Runs a program once.
    let run (seed: uint64) (faults: Faults) (program: Uring<'T>) : Report<'T> =
        runWith (SimulationOptions.ofSeed seed faults) program

    /// Runs programs on machines of their own, which share a network: each has a name, an IPv4 address, and a program.
    let together
        (options: SimulationOptions)
        (machines: (string * string * Uring<'T>) list)
        : Report<'T list> =
        within options (fun run ->
            let tasks = [
                for name, address, program in machines do
                    start (run.Boot(name, address, run.World.NewDisk())) program
            ]

            run.Until("the programs", (fun () -> tasks |> List.forall _.IsCompleted)) |> ignore
            let outcomes = tasks |> List.map resultOf
            close run

            List.foldBack
                (fun outcome rest ->
                    match outcome, rest with
                    | Ok value, Ok values -> Ok(value :: values)
                    | Error reason, _
                    | _, Error reason -> Error reason)
                outcomes
                (Ok []))

    /// Runs a program, cuts the power at any moment, and then runs another on what the disk has kept. The two share what
    /// `program` makes for them: what the first has been told is safe, the second must find.
    let crashWith (options: SimulationOptions) (program: unit -> Uring<unit> * Uring<'T>) : Report<'T> =
        within options (fun run ->
            let work, recover = program ()
            let disk = run.World.NewDisk()
            let task = start (run.Boot("localhost", here, disk)) work
            // Early as well as late: up to 2, 4, 8 ... 2048 steps.
            let last = run.Choices.Between(1, 1 <<< run.Choices.Between(1, 11))

            let isOver () = task.IsCompleted || run.Scheduler.Steps >= last

            if run.Until("the work", isOver) then
                run.PowerLoss()
                run.Boot("localhost", here, disk) |> toEnd run recover
            else
                Error(TimeoutException "The work did not end."))

    /// Runs a program once, with a power loss in the middle.
    let crash (seed: uint64) (faults: Faults) (program: unit -> Uring<unit> * Uring<'T>) : Report<'T> =
        crashWith (SimulationOptions.ofSeed seed faults) program

    /// The first of these seeds with which a run fails. Each run has other faults, some of these: one fault can hide
    /// another. `run` is, say, `fun options -> Simulation.runWith options program`.
    let search
        (faults: Faults)
        (seeds: uint64 seq)
        (run: SimulationOptions -> Report<'T>)
        : Report<'T> option =
        seeds
        |> Seq.map (fun seed -> run (SimulationOptions.ofSeed seed (Swarm.ofSeed seed faults)))
        |> Seq.tryFind (fun report -> not report.IsGood)

    /// One of `count` possibilities, for a program in a simulated run: what it does in which order can be drawn from the seed,
    /// or explored, with everything else.
    let choose (count: int) : int =
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count, nameof count)

        match Hosting.Current with
        | :? SimulatedHosting as hosting -> hosting.Machine.World.Choices.Pick count
        | _ ->
            raise (
                InvalidOperationException
                    "Nothing is simulated here: `choose` is for programs in a simulation."
            )

    /// Runs a program in every way in which it can go, up to `most` ways: every order of what is ready at the same time,
    /// every choice, and each fault that has a rate wherever it can come, up to `faultLimit` faults in a run. Ends with the
    /// first run that fails. For small programs: the number of ways multiplies with every operation.
    let explore
        (most: int)
        (faultLimit: int)
        (options: SimulationOptions)
        (program: Uring<'T>)
        : Exploration<'T> =
        let body (run: Run) = run.Boot("localhost", here, run.World.NewDisk()) |> toEnd run program

        let rec go runs (decisions: int array) =
            let explored = { Decisions = List.ofArray decisions; FaultLimit = faultLimit }
            let struct (report, choices) = decided { options with Explored = Some explored } body
            let path = choices :?> Path

            if not report.IsGood then
                let explored = { explored with Decisions = path.Decisions }
                let report = { report with Options = { options with Explored = Some explored } }
                { Runs = runs; IsComplete = false; Failure = Some report }
            else
                match path.Next with
                | ValueNone -> { Runs = runs; IsComplete = true; Failure = None }
                | ValueSome _ when runs >= most -> { Runs = runs; IsComplete = false; Failure = None }
                | ValueSome next -> go (runs + 1) next

        go 1 [||]

    /// Spares a failing run the faults that it does not need: the same run with fewer, which still fails.
    let shrink (run: SimulationOptions -> Report<'T>) (report: Report<'T>) : Report<'T> =
        let without (best: Report<'T>) (numbers: int Set) =
            let next = run { best.Options with Spared = Set.union best.Options.Spared numbers }

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

        let origin =
            match report.Options.Explored with
            | None -> $"Seed {report.Options.Seed}"
            | Some explored -> "Decisions " + String.Join(" ", explored.Decisions)

        let struck = [ for fault, count in report.Struck -> $"{fault} {count}" ] |> String.concat ", "

        String.Join(
            Environment.NewLine,
            [
                $"{origin}, {report.Steps} steps, {report.Operations} operations, {report.Elapsed.TotalMilliseconds} ms of virtual time."
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

    /// How often each fault struck.
    member _.Struck: IReadOnlyDictionary<Fault, int> =
        let struck = Dictionary<Fault, int>()

        for fault, count in report.Struck do
            struck.Add(fault, count)

        struck

    /// What was decided, in its order, if the run was explored and not drawn from a seed; otherwise null.
    member _.Decisions: IReadOnlyList<int> | null =
        match report.Options.Explored with
        | None -> null
        | Some explored -> Array.ofList explored.Decisions

    /// How often the scheduler chose what to do next.
    member _.Steps = report.Steps
    /// Operations that the kernel took.
    member _.Operations = report.Operations
    /// Virtual time that has passed.
    member _.Elapsed = report.Elapsed
    /// The same for the same run, on every machine.
    member _.Fingerprint = report.Fingerprint
    /// What happened, as one page of HTML that needs nothing else.
    member _.ToHtml() : string = SequenceView.html report
    /// What happened, as a Markdown table of the last so many lines.
    member _.ToMarkdown(lines: int) : string = SequenceView.markdown lines report
    /// What happened, for people.
    override _.ToString() = Simulation.describe 200 report

/// What came of running a C# program in all ways that there are.
[<Sealed>]
type ExplorationReport internal (exploration: Exploration<unit>) =
    /// How many ways were tried.
    member _.Runs = exploration.Runs
    /// These were all.
    member _.IsComplete = exploration.IsComplete

    /// The first way that failed, or null.
    member _.Failure: SimulationReport | null =
        match exploration.Failure with
        | None -> null
        | Some report -> SimulationReport report

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

    static let searched (first: uint64) (count: int) faults (run: SimulationOptions -> Report<unit>) =
        match Simulation.search faults (Seq.init count (fun index -> first + uint64 index)) run with
        | Some report -> SimulationReport(Simulation.shrink run report) |> withNull
        | None -> null

    /// Runs a program once, from a seed, with these faults.
    static member RunAsync(seed: uint64, faults: Faults, program: Func<Task>) : Task<SimulationReport> =
        let program = asProgram program
        Task.Run(fun () -> SimulationReport(Simulation.run seed faults program))

    /// Runs programs on machines of their own, which share a network: each has a name, an IPv4 address, and a program.
    static member RunTogetherAsync
        (seed: uint64, faults: Faults, [<ParamArray>] machines: struct (string * string * Func<Task>) array)
        : Task<SimulationReport> =
        ArgumentNullException.ThrowIfNull(machines, nameof machines)

        let machines = [
            for struct (name, address, program) in machines do
                name, address, asProgram program
        ]

        let together () =
            let report = Simulation.together (SimulationOptions.ofSeed seed faults) machines

            // Of what the programs return nothing is told.
            SimulationReport {
                Options = report.Options
                Outcome = Result.map ignore report.Outcome
                Violations = report.Violations
                Steps = report.Steps
                Operations = report.Operations
                Struck = report.Struck
                Drawn = report.Drawn
                Elapsed = report.Elapsed
                Fingerprint = report.Fingerprint
                Story = report.Story
            }

        Task.Run together

    /// Runs a program from `count` seeds, beginning with `first`, each time with other faults out of these, until a run
    /// fails. That run, with as few faults as it needs; null when every run is good.
    static member SearchAsync
        (first: uint64, count: int, faults: Faults, program: Func<Task>)
        : Task<SimulationReport | null> =
        let program = asProgram program
        Task.Run(fun () -> searched first count faults (fun options -> Simulation.runWith options program))

    /// One of `count` possibilities, for a program in a simulated run: what it does in which order can be drawn from the
    /// seed, or explored, with everything else. Raises InvalidOperationException where nothing is simulated.
    static member Choose(count: int) : int = Simulation.choose count

    /// Runs a program in every way in which it can go, up to `most` ways: every order of what is ready at the same time,
    /// every choice, and each of these faults wherever it can come, up to `faultLimit` of them in a run. For small programs.
    static member ExploreAsync
        (most: int, faultLimit: int, faults: Faults, program: Func<Task>)
        : Task<ExplorationReport> =
        let program = asProgram program
        let options = SimulationOptions.ofSeed 0UL faults
        Task.Run(fun () -> ExplorationReport(Simulation.explore most faultLimit options program))

    /// As `SearchAsync`, with a power loss in the middle of `work`; then `recover` runs on what the disk has kept. `program`
    /// makes both, so that they can share what the first was told is safe.
    static member SearchCrashAsync
        (first: uint64, count: int, faults: Faults, program: Func<struct (Func<Task> * Func<Task>)>)
        : Task<SimulationReport | null> =
        ArgumentNullException.ThrowIfNull(program, nameof program)

        let make () =
            let struct (work, recover) = program.Invoke()
            asProgram work, asProgram recover

        Task.Run(fun () -> searched first count faults (fun options -> Simulation.crashWith options make))
