/// What of one program's outcome is left to the kernel, so that two kernels that are both right may differ in it. Each rule
/// names what may differ and why; everything else must agree.
module Uring.Tests.Simulation.Allowed

open System.Collections.Generic
open Uring.Model
open Uring.Simulation.Kernel
open Uring.Tests.Simulation.Side

/// Rule "the order of others": completions of one submission come in their order; how those of several mix depends on workers
/// and timers. Rule "changes at once": a multishot poll that is woken several times before the ring runs its task work tells
/// of them once or several times, as that happens; the last that it says is compared.
let ordered (polls: HashSet<int>) (seen: Seen list) : Seen list =
    seen
    |> List.groupBy _.Index
    |> List.sortBy fst
    |> List.collect (fun (index, seen) -> if polls.Contains index then [ List.last seen ] else seen)

/// What a worker does, and nobody else.
let private isWorkers (command: Command) =
    match command with
    | Write _
    | Sync _
    | Truncate _
    | Size _
    | Unlink _
    | Rename _
    | MakeDirectory _
    | Shutdown _ -> true
    | _ -> false

/// Rule "a worker's moment": what a worker does, and what else was submitted with it, happen in any order: the worker may be
/// done before the next submission is looked at, between the batch and its task work, or after all of it. The real kernel
/// must do what the simulated one does at one of these paces, to the end of the program.
let internal paces (batches: Batch list) : WorkerPace list =
    let races (batch: Batch) = batch.Length > 1 && List.exists (fst >> isWorkers) batch

    if List.exists races batches then
        [ WorkerPace.Later; WorkerPace.AtOnce; WorkerPace.AfterBatch; WorkerPace.InSteps ]
    else
        [ WorkerPace.Later ]
