// How a loop with nothing to do sleeps: until how many completions are there, and how long at least and at most. Decides
// nothing that Model/Enter does not. Belongs to the loop's thread.
namespace Uring.Driver

open Uring.Model

[<Sealed>]
type internal Nap(ring: Ring, waker: Waker, options: LoopOptions) =

    // Before 6.12 there is no minimum, and to wait for several without one is to wait for ever.
    let hasMinimum = (ring.Plan.Features &&& FeatureFlags.MinimumTimeout) <> FeatureFlags.None
    let minimum = if hasMinimum then uint32 options.MinimumWait else 0u
    let waitFor = if minimum > 0u then options.WaitFor else 1

    let mutable isHurried = false

    do if options.NoIoWait then ring.DoNotCountWaits()

    /// From now on it wakes for each completion: when a loop ends, there are no others to wait for.
    member _.Hurry() = isHurried <- true

    /// Sleeps in the kernel, until something comes.
    member _.Take() =
        if isHurried then
            ring.Enter(1, waker.SleepLimit) |> ignore
        else
            ring.Enter(waitFor, Enter.limitOf minimum waker.SleepLimit, minimum) |> ignore
