// Turns a loop inside a simulation: what LoopThread does on a thread of its own.
namespace Uring.Simulation.Running

open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.Simulation.Kernel

[<Sealed>]
type internal SimulatedHost
    (
        kernel: SimulatedKernel,
        scheduler: Scheduler,
        hosting: Hosting,
        options: LoopOptions,
        thread: int,
        name: string
    ) as this =
    inherit LoopHost()

    let machine = kernel.Machine
    // Looking is waiting: there is nothing to look for between two steps.
    let loop = Loop(kernel, { options with Looks = 0 }, scheduler)
    let stop = StopLoop loop
    let ended = TaskCompletionSource()
    let mutable hasEnded = false

    /// The loop that ran before goes on when this has had its turn.
    let attended (action: unit -> unit) =
        let before = Loop.Current
        let hostingBefore = Hosting.Current
        let contextBefore = SynchronizationContext.Current
        machine.Thread <- thread
        Hosting.Current <- hosting
        action ()
        Hosting.Current <- hostingBefore
        Loop.Attend before
        // Who runs outside of every loop, and makes one, has a context of his own.
        SynchronizationContext.SetSynchronizationContext contextBefore

    let leave () =
        hasEnded <- true
        scheduler.Remove this
        Loop.Attend loop
        loop.Leave()
        ended.SetResult()

    let turn () =
        try
            Loop.Attend loop
            loop.Turn false
        with reason ->
            loop.Fail reason

        if loop.IsDrained || loop.HasFailed then leave ()

    /// Enables the ring; raises what that raises.
    member _.Begin() =
        attended (fun () ->
            try
                loop.Enter()
                scheduler.Add this
            with _ ->
                loop.Leave()
                reraise ())

    member _.Name = name
    member _.Machine = machine
    override _.Loop = loop
    override _.IsStopping = stop.IsClaimed || loop.IsStopping

    override _.DisposeAsync() =
        if stop.TryClaim() then (loop :> IHost).HandOver stop

        ValueTask ended.Task

    override this.Dispose() = this.DisposeAsync() |> ignore

    /// The machine is gone: nothing of this loop runs any more, and nobody is told.
    member _.Vanish() =
        hasEnded <- true
        scheduler.Remove this

    interface IRunnable with
        member _.CanRun = not hasEnded && loop.HasWork
        member _.Turn() = attended turn
