// Who makes the loops of those who name no kernel. Decides nothing: a simulation puts itself here for its own thread.
namespace Uring.Driver

open System
open System.Threading
open Uring.Kernel

/// Makes loops.
[<AbstractClass>]
type internal Hosting() =

    [<ThreadStatic; DefaultValue>]
    static val mutable private current: Hosting | null

    /// A new loop with a host of its own.
    abstract Start: options: LoopOptions * name: string -> LoopHost

    /// The loop of those who name none.
    abstract Default: LoopHost

    /// The simulation that the calling thread runs, or null.
    static member Current
        with get (): Hosting | null = Hosting.current
        and set (value: Hosting | null) = Hosting.current <- value

    /// The calling thread runs a simulation, which has rings whatever there is outside.
    static member IsSimulated = not (isNull Hosting.current)

    /// Started on a loop, what takes several steps stays there: without its context each step would go by way of the thread
    /// pool, which a loop pays for. In a simulation it would leave by that way.
    static member StaysOnLoop =
        match SynchronizationContext.Current with
        | :? Loop -> true
        | _ -> Hosting.IsSimulated

    /// A new loop: on a thread of its own, or in the simulation that the calling thread runs.
    static member StartLoop(options: LoopOptions, name: string) : LoopHost =
        match Hosting.current with
        | null -> LoopThread.Start(ProcessKernel.Current, options, name)
        | hosting -> hosting.Start(options, name)

    /// The process's shared loop, or the simulation's.
    static member DefaultLoop: LoopHost =
        match Hosting.current with
        | null -> LoopThread.Default
        | hosting -> hosting.Default
