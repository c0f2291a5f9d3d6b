/// The same random programs on the real kernel and on the simulated one: what a program can observe must agree.
module Uring.Tests.Simulation.Differential

open System
open System.Collections.Generic
open System.IO
open System.Threading
open Uring.Kernel
open Uring.Model
open Uring.Simulation
open Uring.Simulation.Kernel
open Uring.Tests.Simulation.Allowed
open Uring.Tests.Simulation.Programs
open Uring.Tests.Simulation.Side

/// Where two kernels disagree.
type Difference =
    /// What both said to one batch.
    | Said of batch: int * real: Seen list * simulated: Seen list
    /// What the program finds in its memory at the end, in hexadecimal digits.
    | Memory of real: string * simulated: string

/// What came of a program: what differed, if anything did, and otherwise what was needed to agree.
type Verdict = {
    Difference: Difference option
    Needed: Set<Rule>
    /// Opcodes that have succeeded, on both kernels if they agree.
    Succeeded: Set<Opcode>
}

// Names sockets: several programs may run at once.
let mutable private started = 0

/// A chain that the batch cuts off runs in a worker.
let private ended (batch: Batch) =
    let command, flags = List.last batch
    let links = SqeFlags.Link ||| SqeFlags.HardLink
    List.updateAt (batch.Length - 1) (command, flags &&& ~~~links) batch

/// A simulated kernel at one pace of its workers, which the real one has not contradicted yet.
[<Sealed>]
type private Guess(program: Program, folder: string, unique: string, pace: WorkerPace) =
    let world = World(Dice(1UL, Faults.none, HashSet()), KernelVersion.linux6_18)
    let machine = Execution.Boot(world, "localhost", "10.0.0.1", world.NewDisk())
    do machine.Issuing.Pace <- pace

    // Every part of its path, so that names are the same on both sides.
    do
        let parts = folder.Split('/', StringSplitOptions.RemoveEmptyEntries)

        for count in 1 .. parts.Length do
            machine.Disk.MakeDirectory("/" + String.Join('/', Array.truncate count parts), 0o755) |> ignore

    // Ten milliseconds pass: what a program can wait for has come, and what waits for ever has not.
    let settle () =
        let limit = world.Timeline.Now + 10_000_000L

        while world.Timeline.TryStep() || world.Timeline.TryAdvance limit do
            ()

    let side = Side(SimulatedKernel machine, folder, unique, program.Incremental, settle)

    member _.Side = side
    /// The rules that its agreement has needed so far.
    member val Needed = set [ if pace <> WorkerPace.Later then Rule.Moment ] with get, set

    /// What it says to the batch.
    member val Said: Seen list = [] with get, set

    interface IDisposable with
        member _.Dispose() =
            side.Close()
            world.Memory.Free()

/// Runs a program on both kernels until they differ.
let compare (program: Program) : Verdict =
    let number = Interlocked.Increment &started
    let folder = Directory.CreateTempSubdirectory "uring-differential"
    let unique = $"uring-{Environment.ProcessId}-{number}-"
    let guesses = [ for pace in paces program.Batches -> new Guess(program, folder.FullName, unique, pace) ]
    let real = Side(LinuxKernel.Instance, folder.FullName, unique, program.Incremental, ignore)
    let polls = HashSet<int>()
    let mutable agreeing = guesses
    let mutable submitted = 0

    let step index (batch: Batch) =
        let batch = ended batch

        for command, _ in batch do
            match plain command with
            | Poll(_, _, true) -> polls.Add submitted |> ignore
            | _ -> ()

            submitted <- submitted + 1

        for guess in agreeing do
            guess.Side.Submit batch
            guess.Said <- guess.Side.Reap 0

        let lengths = agreeing |> List.map _.Said.Length |> List.distinct |> List.sort
        real.Submit batch
        let mutable found = real.Reap lengths.Head
        let agrees (guess: Guess) = ordered polls guess.Said = ordered polls found

        // As many as the shortest of them, and more only if that was none.
        for length in lengths.Tail do
            if not (List.exists agrees agreeing) then
                found <- found @ real.Reap(length - found.Length)

        match List.filter agrees agreeing with
        | [] -> Some(Said(index, ordered polls found, ordered polls agreeing.Head.Said))
        | agreed ->
            for guess in agreed do
                guess.Needed <- guess.Needed + needed guess.Said found

            agreeing <- agreed
            None

    let compareMemory () =
        let found = real.Received()
        let agrees (guess: Guess) = isSameMemory found (guess.Side.Received())

        match List.filter agrees agreeing with
        | [] ->
            let simulated = agreeing.Head.Side.Received()
            Some(Memory(Convert.ToHexString found, Convert.ToHexString simulated))
        | agreed ->
            agreeing <- agreed
            None

    try
        let difference = program.Batches |> Seq.mapi step |> Seq.tryPick id |> Option.orElseWith compareMemory

        {
            Difference = difference
            Needed = agreeing.Head.Needed
            Succeeded = Set.ofSeq real.Succeeded
        }
    finally
        real.Close()

        for guess in guesses do
            (guess :> IDisposable).Dispose()

        folder.Delete true

/// Runs a program until the kernels agree, at most so many times: see `Rule.Both`.
let judge (runs: int) (program: Program) : Verdict =
    let rec again (first: Verdict) left =
        if left = 0 then
            first
        else
            let verdict = compare program

            if verdict.Difference.IsNone then
                { verdict with Needed = Set.add Rule.Both verdict.Needed }
            else
                again first (left - 1)

    let first = compare program
    if first.Difference.IsNone then first else again first (runs - 1)

/// Leaves out what the difference does not need.
let shrink (program: Program) : Program =
    // Quicker than a verdict: it is asked often.
    let differs candidate = (judge 3 candidate).Difference.IsSome

    let without (candidate: Program) =
        let batches = candidate.Batches

        [
            for index in batches.Length - 1 .. -1 .. 0 do
                { candidate with Batches = List.removeAt index batches }

            for index in batches.Length - 1 .. -1 .. 0 do
                for place in batches[index].Length - 1 .. -1 .. 0 do
                    if batches[index].Length > 1 then
                        let smaller = List.removeAt place batches[index]
                        { candidate with Batches = List.updateAt index smaller batches }

            for index in 0 .. batches.Length - 1 do
                for place in 0 .. batches[index].Length - 1 do
                    let command, flags = batches[index][place]

                    if flags <> SqeFlags.None then
                        let plain = List.updateAt place (command, SqeFlags.None) batches[index]
                        { candidate with Batches = List.updateAt index plain batches }
        ]
        |> List.tryFind differs

    let rec go (candidate: Program) tries =
        match (if tries = 0 then None else without candidate) with
        | Some smaller -> go smaller (tries - 1)
        | None -> candidate

    go program 50

/// For people.
let tell (seed: int) : string =
    let program = shrink (generate seed)

    match (compare program).Difference with
    | None -> $"seed {seed}: agrees when it is run again"
    | Some difference ->
        $"seed {seed}: %A{program}
%A{difference}"
