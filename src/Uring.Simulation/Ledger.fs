// What must hold at every step of a simulated run. A rule that is broken is written down, and the run has failed.
namespace Uring.Simulation

open System.Collections.Generic

/// Which rule was broken.
type Rule =
    /// An operation whose last completion never came, or a ring closed with operations in flight.
    | OneFinalCompletion = 0
    /// A provided buffer with two owners.
    | OneOwnerPerBuffer = 1
    /// A descriptor that was closed twice, or closed while it belongs to nobody.
    | ClosedOnce = 2
    /// A descriptor that was still open at the end.
    | Leaked = 3
    /// Memory that the kernel reads or writes was given back or changed.
    | MemoryKept = 4
    /// Somebody waits for ever.
    | NobodyWaitsForEver = 5
    /// The program said so: it failed, or a check of its own did.
    | ProgramHolds = 6
    /// Something came from outside of the simulation: another thread, the real clock.
    | NothingEscapes = 7

/// A rule that was broken, and where.
type Violation = { Rule: Rule; Message: string }

/// What was broken so far.
[<Sealed>]
type internal Ledger(trace: Trace) =
    let violations = List<Violation>()

    member _.Violations = violations

    member _.Broken(rule: Rule, message: string) =
        // One is enough to fail, and the first tells most.
        if violations.Count < 20 then
            violations.Add { Rule = rule; Message = message }
            trace.Violated $"{rule}: {message}"
