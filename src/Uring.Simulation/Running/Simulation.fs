// Runs programs in a simulated world: from a seed, with faults, first for safety and then for liveness, and tells what
// was broken.
namespace Uring.Simulation

open System
open System.Collections.Generic
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Simulation.Kernel
open Uring.Simulation.Running

/// How a simulated run is made.
type SimulationOptions = {
    /// Where all decisions come from.
    Seed: uint64
    Faults: Faults
    /// Which kernel the programs run on.
    Kernel: KernelVersion
    /// How the program's ring is made.
    Loop: LoopOptions
    /// After so many scheduling steps faults stop, and everything has to finish.
    SafetySteps: int
    /// After so many more the run has failed: something goes round in circles.
    LivenessSteps: int
    /// Numbers of faults that do not happen, counted from 0 in the run with all of them: how a failing run is shrunk.
    Spared: int Set
}

/// Ready-made options.
[<RequireQualifiedAccess>]
module SimulationOptions =

    /// The newest kernel, small queues (which is where bugs are), 20,000 steps with faults and 200,000 without.
    let ofSeed (seed: uint64) (faults: Faults) = {
        Seed = seed
        Faults = faults
        Kernel = KernelVersion.linux6_18
        Loop = { LoopOptions.standard with Entries = 16; Completions = 32 }
        SafetySteps = 20_000
        LivenessSteps = 200_000
        Spared = Set.empty
    }

/// What came of a run.
type Report<'T> = {
    Seed: uint64
    /// The program's result, or how it failed.
    Outcome: Result<'T, exn>
    /// The rules that were broken; none in a good run.
    Violations: Violation list
    /// Scheduling steps.
    Steps: int
    /// Submissions that the kernel took.
    Operations: int64
    /// How often each fault struck, by kind.
    Struck: (Fault * int) list
    /// How many faults were drawn.
    Drawn: int
    /// Virtual time that has passed.
    Elapsed: TimeSpan
    /// The same for the same seed, on every machine.
    Fingerprint: uint64
    /// What happened, in words: the last so many lines.
    Tell: int -> string
} with

    /// Nothing was broken, and the program ended well.
    member this.IsGood = this.Violations.IsEmpty && this.Outcome.IsOk

/// Makes loops for programs in a simulation that name none.
[<Sealed>]
type internal SimulatedHosting(machine: Machine, scheduler: Scheduler, standard: LoopOptions) =
    inherit Hosting()
    let kernel = SimulatedKernel machine
    let mutable threads = 0
    let mutable shared: LoopHost | null = null
    let hosts = List<SimulatedHost>()

    member _.Machine = machine
    member _.Hosts = hosts

    override _.Start(options, name) =
        threads <- threads + 1
        let host = new SimulatedHost(kernel, scheduler, options, threads, name)
        host.Begin()
        hosts.Add host
        host

    override this.Default =
        match shared with
        | null ->
            let host = this.Start(standard, "uring")
            shared <- host
            host
        | host when host.IsStopping ->
            shared <- null
            this.Default
        | host -> host

/// One run, while it runs.
[<Sealed>]
type internal Run(options: SimulationOptions, dice: Dice) =
    let world = World(dice, options.Kernel)
    let scheduler = Scheduler(world.Timeline, dice, world.Ledger)
    let machine = Execution.Boot(world, "localhost", "10.0.0.1")
    let hosting = SimulatedHosting(machine, scheduler, options.Loop)
    let before = Hosting.Current
    let context = SynchronizationContext.Current
    let loop = Loop.Current

    do
        dice.Heard <- fun fault -> world.Trace.Struck(fault, "")
        Hosting.Current <- hosting

    member _.World = world
    member _.Scheduler = scheduler
    member _.Hosting = hosting

    /// Steps until `isDone`. False when the run is stuck or goes round in circles.
    member _.Until(what: string, isDone: unit -> bool) : bool =
        let mutable goes = true
        let limit = scheduler.Steps + options.SafetySteps
        let end' = limit + options.LivenessSteps

        while goes && not (isDone ()) do
            if scheduler.Steps >= limit then dice.Calm()

            if scheduler.Steps >= end' then
                world.Ledger.Broken(
                    Rule.NobodyWaitsForEver,
                    $"{what} did not end within {options.LivenessSteps} steps after the last fault"
                )

                goes <- false
            elif not (scheduler.TryProgress()) then
                if not (scheduler.HearsFromOutside()) then
                    world.Ledger.Broken(
                        Rule.NobodyWaitsForEver,
                        $"{what} waits for ever. {Waiting.tell hosting.Machine}"
                    )

                // What came from outside is noted as broken; there is no going on from it.
                scheduler.TryStep() |> ignore
                goes <- false

        isDone ()

    /// Gives everything back.
    member _.End() =
        world.Memory.Free()
        Hosting.Current <- before
        Loop.Attend loop
        SynchronizationContext.SetSynchronizationContext context

/// Simulated runs of F# programs.
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
                Seed = options.Seed
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
