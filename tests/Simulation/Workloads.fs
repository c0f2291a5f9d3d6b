/// What `simulate` runs, by name.
module Uring.Tests.Simulation.Workloads

open Uring.FSharp
open Uring.Model
open Uring.Simulation

/// A program made from a seed, and the faults that it has to stand.
type Workload = { Name: string; Work: uint64 -> Uring<unit>; Faults: Faults }

/// Fails of itself: what it holds must come back all the same.
let private careless (work: uint64 -> Uring<unit>) (seed: uint64) : Uring<unit> =
    uring {
        // Who waits for somebody that has failed waits no longer than this.
        match! Uring.catch (Uring.timeout (System.TimeSpan.FromMinutes 1.0) (work seed)) with
        | Error(:? System.IO.InvalidDataException as reason) -> return raise reason
        | Ok()
        | Error _ -> ()
    }

let private ordinary name work = { Name = name; Work = work; Faults = Faults.ordinary }

/// Operations fail and connections break: the program may fail, and nothing may be lost.
let private rough name work = { Name = name + ", rough"; Work = careless work; Faults = Faults.all }

let all = [
    ordinary "files" FileWork.work
    ordinary "echo" EchoWork.work
    ordinary "cancel" CancelWork.work
    ordinary "dispose" DisposeWork.work
    rough "files" FileWork.work
    rough "echo" EchoWork.work
    rough "cancel" CancelWork.work
    rough "dispose" DisposeWork.work
]

/// The one that a seed runs, with its options.
let ofSeed (seed: uint64) : Workload = all[int (seed % uint64 all.Length)]

/// Old kernels take their turn: most runs are on the newest.
let private kernelOf (seed: uint64) =
    let needed = [ Opcode.Socket; Opcode.Truncate; Opcode.Bind; Opcode.Listen ]

    match seed / 8UL % 8UL with
    | 0UL -> KernelVersion.withOpcodes needed KernelVersion.linux5_15
    | 1UL -> KernelVersion.withOpcodes needed KernelVersion.linux6_1
    | 2UL -> KernelVersion.withOpcodes needed KernelVersion.linux6_8
    | 3UL -> KernelVersion.linux6_12
    | _ -> KernelVersion.linux6_18

let options (seed: uint64) (workload: Workload) : SimulationOptions = {
    SimulationOptions.ofSeed seed (Swarm.ofSeed seed workload.Faults) with
        Kernel = kernelOf seed
}

let run (seed: uint64) : Report<unit> =
    let workload = ofSeed seed
    Simulation.runWith (options seed workload) (workload.Work seed)
