/// What of one program's outcome is left to the kernel, so that two kernels that are both right may differ in it. Each rule
/// names what may differ and why; everything else must agree.
module Uring.Tests.Simulation.Allowed

open System.Collections.Generic
open Uring.Simulation.Kernel
open Uring.Tests.Simulation
open Uring.Tests.Simulation.Side

/// What was needed for two kernels to agree.
[<RequireQualifiedAccess>]
type Rule =
    /// Completions of one submission come in their order; how those of several mix depends on workers and timers.
    | Order
    /// A multishot poll that is woken several times before the ring runs its task work tells of them once or several times,
    /// as that happens; the last that it says is compared.
    | Changes
    /// What a worker does, and what else was submitted with it, happen in any order: the worker may be done before the next
    /// submission is looked at, between the batch and its task work, or after all of it. A shutdown, which is always a
    /// worker's, wakes one side of a connection after the other: the ring may come between the two, and be through with what
    /// the first has woken, down to the close of a file. A write at its file's own position takes that, writes and gives it
    /// back in three steps, and a read of the same batch comes between any two of them. The real kernel must do what the simulated one does at one of these
    /// paces, to the end of the program.
    | Moment
    /// The real kernel does not always do the same: it disagreed in one run of the program, and agreed in another. What it
    /// never does within so many runs is a difference.
    | Both

/// For people.
let nameOf (rule: Rule) =
    match rule with
    | Rule.Order -> "the order of others"
    | Rule.Changes -> "changes at once"
    | Rule.Moment -> "a worker's moment"
    | Rule.Both -> "the real kernel does both"

/// Runs of a program before what the real kernel did is a difference.
let runs = 20

/// In the order of submissions. `polls` are the multishot polls, of which the last completion counts.
let ordered (polls: HashSet<int>) (seen: Seen list) : Seen list =
    seen
    |> List.groupBy _.Index
    |> List.sortBy fst
    |> List.collect (fun (index, seen) -> if polls.Contains index then [ List.last seen ] else seen)

/// The rules without which these would not be the same; they are, once ordered.
let needed (one: Seen list) (other: Seen list) : Set<Rule> =
    let indices seen = seen |> List.map _.Index |> List.distinct

    set [
        if indices one <> indices other then Rule.Order
        if ordered (HashSet()) one <> ordered (HashSet()) other then Rule.Changes
        elif one <> other then Rule.Order
    ]

// The simulated kernel writes it over the ends of each buffer that a program hands out, so that a program that still reads
// it finds out; Linux does not.
let private scribble = 0xDBuy

/// Whether a program finds the same in its memory. What is scribbled over has not been received.
let isSameMemory (real: byte array) (simulated: byte array) =
    Array.forall2 (fun one other -> one = other || other = scribble) real simulated

/// What a worker does, and nobody else.
let private isWorkers (command: Command) =
    match Side.plain command with
    | Write _
    | Sync _
    | Truncate _
    | Size _
    | Unlink _
    | Rename _
    | MakeDirectory _
    | OfFile _
    | OfSlot(SlotCommand.WriteOne _ | SlotCommand.WriteTwo _)
    | OfVector(VectorCommand.WriteParts _)
    | OfWay(WayCommand.WriteClass _ | WayCommand.WriteQuietly _ | WayCommand.SpliceHow _ | WayCommand.TeeHow _)
    | OfName _
    | OfTable(TableCommand.OpenInto _ | TableCommand.TeeSlot _)
    | Shutdown _ -> true
    | _ -> false

/// A worker writes at its file's own position.
let private moves (command: Command) =
    match Side.plain command with
    | Write(_, _, -1)
    | OfWay(WayCommand.WriteClass(_, _, -1, _) | WayCommand.WriteQuietly(_, _, -1))
    | OfFile(FileCommand.WriteAs(_, _, -1, _))
    | OfSlot(SlotCommand.WriteOne(_, _, _, _, -1) | SlotCommand.WriteTwo(_, _, _, _, -1))
    | OfVector(VectorCommand.WriteParts(_, _, _, -1, _)) -> true
    | _ -> false

/// It reads at its file's own position, and may find another's write there.
let private follows (command: Command) =
    match Side.plain command with
    | Read(_, _, -1)
    | OfWay(WayCommand.ReadClass(_, _, -1, _) | WayCommand.ReadQuietly(_, _, -1) | WayCommand.SpliceHow _)
    | ReadBuffer _
    | ReadMany _
    | OfFile(FileCommand.Splice _)
    | OfSlot(SlotCommand.ReadOne(_, _, _, _, -1) | SlotCommand.ReadTwo(_, _, _, _, -1))
    | OfVector(VectorCommand.ReadParts(_, _, _, -1, _)) -> true
    | _ -> false

/// The paces of workers that a program can tell apart: see `Rule.Moment`.
let internal paces (batches: Batch list) : WorkerPace list =
    let races (batch: Batch) = batch.Length > 1 && List.exists (fst >> isWorkers) batch

    // A shutdown races with what has waited before it as well, so it need not have company.
    let hasSteps (batch: Batch) = batch |> List.exists (fst >> Side.plain >> _.IsShutdown)

    let hasPositions (batch: Batch) = List.exists (fst >> moves) batch && List.exists (fst >> follows) batch

    [
        WorkerPace.Later

        if List.exists races batches then
            WorkerPace.AtOnce
            WorkerPace.AfterBatch

        if List.exists hasSteps batches then WorkerPace.InSteps

        if List.exists hasPositions batches then
            WorkerPace.LateBytes
            WorkerPace.LatePosition
            WorkerPace.LateBytesBeforeReaders
            WorkerPace.LatePositionBeforeReaders
    ]
