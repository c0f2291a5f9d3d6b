// One simulated run, while it runs: a machine with its loops, first with faults (safety), then without (liveness).
namespace Uring.Simulation.Running

open System
open System.Collections.Generic
open System.Threading
open Uring.Driver
open Uring.Simulation
open Uring.Simulation.Kernel
open Uring.Simulation.World

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

    override this.Start(options, name) =
        threads <- threads + 1
        let host = new SimulatedHost(kernel, scheduler, this, options, threads, name)
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
type internal Run(options: SimulationOptions) =

    let choices: Choices =
        match options.Explored with
        | None -> Dice(options.Seed, options.Faults, HashSet options.Spared)
        | Some explored -> Path(options.Faults, explored.FaultLimit, Array.ofList explored.Decisions)

    let world = World(choices, options.Kernel)
    let scheduler = Scheduler(world.Timeline, choices, world.Ledger)
    let hostings = List<SimulatedHosting>()
    let before = Hosting.Current
    let context = SynchronizationContext.Current
    let loop = Loop.Current

    do choices.Heard <- fun fault -> world.Trace.Struck(fault, choices.Drawn - 1)

    member _.World = world
    member _.Scheduler = scheduler
    member _.Choices = choices
    member _.Hostings = hostings

    /// A machine that is switched on, with this disk.
    member _.Boot(name: string, address: string, disk: Disk) : SimulatedHosting =
        let machine = Execution.Boot(world, name, address, disk)
        let hosting = SimulatedHosting(machine, scheduler, options.Loop)
        hostings.Add hosting
        hosting

    /// The power of all machines fails: nothing goes on, nobody is told, and of the disks remains what remains.
    member _.PowerLoss() =
        world.Timeline.Clear()

        for hosting in hostings do
            for host in hosting.Hosts do
                host.Vanish()

            hosting.Machine.Disk.PowerLoss()

        hostings.Clear()
        world.Trace.Noted "power loss"

    /// Steps until `isDone`. False when the run is stuck or goes round in circles.
    member _.Until(what: string, isDone: unit -> bool) : bool =
        if hostings.Count > 0 then Hosting.Current <- hostings[0]

        let mutable goes = true
        let limit = scheduler.Steps + options.SafetySteps
        let end' = limit + options.LivenessSteps

        while goes && not (isDone ()) do
            if scheduler.Steps >= limit then choices.Calm()

            if scheduler.Steps >= end' then
                world.Ledger.Broken(
                    Rule.NobodyWaitsForEver,
                    $"{what} did not end within {options.LivenessSteps} steps after the last fault"
                )

                goes <- false
            elif not (scheduler.TryProgress()) then
                let inFlight () =
                    hostings |> Seq.map (fun hosting -> Waiting.tell hosting.Machine) |> String.concat " "

                if not (scheduler.HearsFromOutside()) then
                    world.Ledger.Broken(Rule.NobodyWaitsForEver, $"{what} waits for ever. {inFlight ()}")

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
