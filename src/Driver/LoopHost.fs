// Who turns a loop, and who makes loops for those who name no kernel: threads, or a simulation on its own thread.
namespace Uring.Driver

open System
open System.Threading
open System.Threading.Tasks
open Uring.Kernel

/// A loop and what turns it.
[<AbstractClass>]
type LoopHost() =
    /// The loop.
    abstract Loop: Loop

    /// It was disposed of, or its ring has failed.
    abstract IsStopping: bool

    /// Stops, cancels everything in flight, waits for its end, and gives the ring back. A second call waits as well.
    abstract DisposeAsync: unit -> ValueTask

    /// Without waiting for the end, where that would be waiting for oneself.
    abstract Dispose: unit -> unit

    interface IAsyncDisposable with
        member this.DisposeAsync() = this.DisposeAsync()

    interface IDisposable with
        member this.Dispose() = this.Dispose()

/// Asks a loop to stop, once.
[<Sealed>]
type internal StopLoop(loop: Loop) =
    inherit Work()
    let mutable claimed = 0
    member _.TryClaim() = Interlocked.Exchange(&claimed, 1) = 0
    member _.IsClaimed = Volatile.Read &claimed <> 0
    override _.Run() = loop.Stop()
