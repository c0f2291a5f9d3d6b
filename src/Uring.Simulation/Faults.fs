// Names what can go wrong in a simulated run, and how often. Decides nothing: Choices.fs draws.
namespace Uring.Simulation

/// A kind of fault. Each is something that Linux really does.
type Fault =
    /// A later completion overtakes an earlier one.
    | Reordered = 0
    /// The disk, a worker or the network takes its time.
    | Delayed = 1
    /// A read, write, send or receive moves fewer bytes than it could.
    | Shortened = 2
    /// An operation fails with an errno that its man page lists.
    | Failed = 3
    /// io_uring_enter returns EINTR, EBUSY or EAGAIN, or consumes only some submissions.
    | Interrupted = 4
    /// The completion queue counts as full: completions wait in the kernel's backlog, a multishot ends.
    | Overflowed = 5
    /// A multishot ends though nothing is wrong.
    | Ended = 6
    /// A buffer group counts as empty: ENOBUFS.
    | Starved = 7
    /// A cancel comes when its target is already executing, or already done.
    | CancelledLate = 8
    /// An established connection is reset.
    | Reset = 9
    /// The ring's thread counts as dead: io_uring_enter fails for good.
    | Killed = 10
    /// At a power loss, what was written and not synced is kept, lost, or torn: how much of it is lost.
    | Torn = 11

/// How often each fault happens, as a probability from 0.0 to 1.0.
type Faults = {
    /// Indexed by `Fault`.
    Rates: float array
} with

    /// How many kinds there are.
    static member internal Count = 12

    /// Nothing goes wrong.
    static member None = { Rates = Array.zeroCreate Faults.Count }

    /// The same with another rate for one fault.
    member this.With(fault: Fault, rate: float) : Faults =
        let rates = Array.copy this.Rates
        rates[int fault] <- min 1.0 (max 0.0 rate)
        { Rates = rates }

    /// What every program has to stand: everything that is ordinary on Linux, each at a moderate rate. No errors, no dead
    /// rings.
    static member Ordinary =
        Faults.None
            .With(Fault.Reordered, 0.2)
            .With(Fault.Delayed, 0.2)
            .With(Fault.Shortened, 0.1)
            .With(Fault.Interrupted, 0.05)
            .With(Fault.Overflowed, 0.02)
            .With(Fault.Ended, 0.05)
            .With(Fault.Starved, 0.02)
            .With(Fault.CancelledLate, 0.2)
            .With(Fault.Torn, 0.5)

    /// The same, and operations and connections fail.
    static member All = Faults.Ordinary.With(Fault.Failed, 0.02).With(Fault.Reset, 0.01)

/// Ready-made sets of faults.
[<RequireQualifiedAccess>]
module Faults =

    /// How many kinds there are.
    let internal count = Faults.Count

    /// Every kind, in its order.
    let kinds: Fault list = List.init count enum

    /// Nothing goes wrong.
    let none = Faults.None

    /// How often a fault happens.
    let rate (fault: Fault) faults = faults.Rates[int fault]

    /// The same with another rate for one fault.
    let withRate (fault: Fault) (rate: float) (faults: Faults) = faults.With(fault, rate)

    /// What every program has to stand: everything that is ordinary on Linux, each at a moderate rate. No errors, no dead
    /// rings.
    let ordinary = Faults.Ordinary

    /// The same, and operations and connections fail.
    let all = Faults.All

    /// Swarm testing: each run has other faults, and they strike more or less often. A run with everything at once finds
    /// less, because one fault hides another.
    let internal drawn (pick: int -> int) (faults: Faults) : Faults = {
        Rates =
            faults.Rates
            |> Array.map (fun rate ->
                match pick 6 with
                | 0
                | 1 -> 0.0
                | 2 -> rate * 0.25
                | 3 -> rate
                | 4 -> rate * 2.0
                | _ -> rate * 4.0)
            |> Array.map (min 0.9)
    }
