// How time passes for a thread that waits in the kernel, and whose calls count.
namespace Uring.Simulation.Kernel

open System
open Uring.Simulation.World

[<AbstractClass>]
type internal Patience() =
    /// Nothing can run now. True when something may after this; false at the deadline, or when nothing ever will.
    abstract Pass: deadline: int64 -> bool
    /// The waiting thread has done something, and goes on to wait: what others wait for may be there.
    abstract Worked: unit -> unit
    default _.Worked() = ()
    /// The calling thread belongs to the simulation.
    abstract IsSimulated: bool

/// One thread does everything, so nobody else can change anything: time jumps to the next event.
[<Sealed>]
type internal JumpingTime(timeline: Timeline) =
    inherit Patience()
    let thread = Environment.CurrentManagedThreadId
    override _.Pass deadline = timeline.TryAdvance deadline
    override _.IsSimulated = Environment.CurrentManagedThreadId = thread
