// What surrounds a loop: the thread pool in production, the scheduler of a simulation in a simulated run.
namespace Uring.Driver

open System.Threading

/// Where runs what belongs to no loop, and who hears of work that comes from elsewhere.
type internal ISurroundings =
    /// Runs it, outside of every loop.
    abstract Queue: item: IThreadPoolWorkItem -> unit
    /// Work was handed over to a loop, from the calling thread: a simulation knows the one that may.
    abstract HandedOver: unit -> unit

/// Real threads.
[<Sealed>]
type internal ThreadPoolSurroundings private () =
    static member val Instance: ISurroundings = ThreadPoolSurroundings()

    interface ISurroundings with
        member _.Queue item = ThreadPool.UnsafeQueueUserWorkItem(item, false) |> ignore
        member _.HandedOver() = ()
