// One simulated world: its time, its decisions, what happened in it and what was broken, and what its machines share.
namespace Uring.Simulation.Kernel

open Uring.Simulation
open Uring.Simulation.World

[<Sealed>]
type internal World(choices: Choices, version: KernelVersion) =
    let timeline = Timeline choices
    let trace = Trace(fun () -> timeline.Now)
    let ledger = Ledger trace
    let memory = SimulatedMemory ledger
    let network = Network(timeline, choices)
    let clocks = Clocks()

    /// A disk with nothing on it.
    member _.NewDisk() = Disk(choices, (fun () -> timeline.Now))

    member _.Choices = choices
    member _.Timeline = timeline
    member _.Clocks = clocks
    member _.Trace = trace
    member _.Ledger = ledger
    member _.Memory = memory
    member _.Network = network
    member _.Version = version
