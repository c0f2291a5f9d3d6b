// A simulated machine for the real threads of a process, in real time: nothing is deterministic, everything else is as in a
// simulated run. What the process does there happens under one lock, one call at a time.
namespace Uring.Simulation.Live

open System
open System.Collections.Generic
open System.Diagnostics
open System.Threading
open Uring.Simulation
open Uring.Simulation.Kernel

/// Virtual time follows the clock, and who waits lets others in.
[<Sealed>]
type internal RealTime(machine: Machine, gate: obj) =
    inherit Patience()
    let timeline = machine.World.Timeline
    let clock = Stopwatch.StartNew()

    /// Virtual time is now real time.
    member _.Follow() = timeline.Follow(clock.Elapsed.Ticks * 100L)

    override this.Pass deadline =
        this.Follow()
        let next = min deadline timeline.Next

        if timeline.IsDue then
            true
        elif timeline.Now >= deadline then
            false
        else
            let thread = machine.Thread
            // Rounded up: woken before the time is over, it would only wait again.
            let wait = if next = Int64.MaxValue then -1L else (next - timeline.Now) / 1_000_000L + 1L
            // Pairs with the PulseAll of whoever leaves.
            Monitor.Wait(gate, int (min wait (int64 Int32.MaxValue))) |> ignore
            machine.Thread <- thread
            this.Follow()
            true

    // Without it who sends more than a connection holds would wait for ever: the receiver takes it without leaving.
    override _.Worked() = Monitor.PulseAll gate

    override _.IsSimulated = true

/// The machine, and the way in.
[<Sealed>]
type internal LiveMachine(seed: uint64, faults: Faults, version: KernelVersion) =
    let gate = obj ()
    let world = World(Dice(seed, faults, HashSet()), version)
    let machine = Execution.Boot(world, "live", "10.0.0.1", world.NewDisk())

    // Programs name times by the clocks that they see. Read before the simulation's own clock starts: never early.
    do
        world.Clocks.Uptime <- Stopwatch.GetTimestamp()
        world.Clocks.TimeOfDay <- (DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).Ticks * 100L

    let time = RealTime(machine, gate)

    let leaving = {
        new IDisposable with
            member _.Dispose() =
                // Those who wait look again: something may have changed.
                Monitor.PulseAll gate
                Monitor.Exit gate
    }

    member _.Machine = machine
    member _.World = world
    member internal _.Patience: Patience = time

    /// The calling thread is inside, alone, until it disposes of what it gets.
    member _.Enter() : IDisposable =
        Monitor.Enter gate
        machine.Thread <- Environment.CurrentManagedThreadId
        time.Follow()
        leaving

    /// Inside, as soon as `attempt` has something to say; ValueNone when nothing came of it in time.
    member this.Until(limit: TimeSpan, attempt: unit -> 'T voption) : 'T voption =
        use _ = this.Enter()

        let deadline =
            if limit < TimeSpan.Zero then Int64.MaxValue else world.Timeline.Now + limit.Ticks * 100L

        let mutable found = attempt ()
        let mutable goes = found.IsNone

        while goes do
            goes <- world.Timeline.TryStep() || time.Pass deadline
            Monitor.PulseAll gate
            found <- attempt ()
            goes <- goes && found.IsNone

        found
