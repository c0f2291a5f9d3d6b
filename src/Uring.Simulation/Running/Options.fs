// How a simulated run is made, and what comes of it.
namespace Uring.Simulation

open System
open Uring.Driver

/// One of all runs that a program can make.
type Explored = {
    /// What was decided, in its order; whatever is not in it takes its first possibility.
    Decisions: int list
    /// At most so many faults strike, of those that have a rate.
    FaultLimit: int
}

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
    /// An explored run instead of a drawn one: the seed decides nothing.
    Explored: Explored option
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
        Explored = None
        Spared = Set.empty
    }

/// What happened in a run, line by line: `Report.Tell` and `SequenceView` put it into words.
[<Sealed>]
type Story internal (trace: Trace) =
    member internal _.Trace = trace

/// What came of a run.
[<NoEquality; NoComparison>]
type Report<'T> = {
    /// What replays it.
    Options: SimulationOptions
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
    /// What happened.
    Story: Story
} with

    /// What happened, in words: the last so many lines.
    member this.Tell(lines: int) : string = this.Story.Trace.Tell lines

    /// Nothing was broken, and the program ended well.
    member this.IsGood = this.Violations.IsEmpty && this.Outcome.IsOk

/// What came of running a program in all ways that there are.
[<NoEquality; NoComparison>]
type Exploration<'T> = {
    /// How many ways were tried.
    Runs: int
    /// These were all.
    IsComplete: bool
    /// The first that failed; `Simulation.runWith` with its options runs it again.
    Failure: Report<'T> option
}
