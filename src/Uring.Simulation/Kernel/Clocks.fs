// What the clocks of a machine show, and how long it is until they show something. Nobody sets them.
namespace Uring.Simulation.Kernel

open Uring.Model

/// In nanoseconds. In a simulated run all start at zero, so the run begins in 1970; a machine in real time shows what the
/// clocks of the computer show.
[<Sealed>]
type internal Clocks() =

    /// What CLOCK_MONOTONIC and CLOCK_BOOTTIME showed when the simulation started.
    member val Uptime = 0L with get, set

    /// What CLOCK_REALTIME showed then.
    member val TimeOfDay = 0L with get, set

    /// An absolute time of a timer with these flags as nanoseconds since the start of the simulation.
    member this.SinceStart(flags: uint32, time: int64) : int64 =
        let start = if (flags &&& OpFlags.TimeoutRealTime) <> 0u then this.TimeOfDay else this.Uptime
        if time = System.Int64.MaxValue then time else max 0L (time - start)
