// Looks for work a little longer before the loop blocks. Applies Model/Idle, which says how long. Belongs to the
// loop's thread.
namespace Uring.Driver

open System.Threading
open Uring.Model

[<Sealed>]
type internal Lookout(ring: Ring, inbox: Inbox, limit: int) =
    let mutable idle = Idle.create limit

    /// Something has come since the last enter.
    let hasNews () = ring.HasPendingWork || ring.Ready() > 0 || not inbox.IsEmpty

    let rec look left =
        if left = 0 then
            false
        else
            // About 150 ns (.NET makes it so on every processor), and no system call.
            Thread.SpinWait 4
            hasNews () || look (left - 1)

    /// The next wait looks first.
    member _.Looks = Idle.looks idle > 0

    /// True when work has come; false when it is time to block.
    member _.FindsWork() =
        let found = look (Idle.looks idle)
        idle <- if found then Idle.found idle else Idle.blocked idle
        found
