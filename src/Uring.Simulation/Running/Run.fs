// One simulated run, while it runs: a machine with its loops, first with faults (safety), then without (liveness).
namespace Uring.Simulation.Running

open System
open System.Collections.Generic
open System.Threading
open Uring.Driver
open Uring.Simulation
open Uring.Simulation.Kernel

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
