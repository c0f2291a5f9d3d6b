// Hosts a loop on a thread of its own: never a pool thread, because what a thread has submitted is cancelled by the
// kernel when that thread ends. The thread outlives every operation.
namespace Uring.Driver

open System
open System.Runtime.ExceptionServices
open System.Threading
open System.Threading.Tasks
open Uring.Kernel
open Uring.Model

/// A loop and the thread that turns it.
[<Sealed>]
type LoopThread private (kernel: IKernel, options: LoopOptions, name: string) =
    inherit LoopHost()
    let loop = Loop(kernel, options, ThreadPoolSurroundings.Instance)
    let ended = TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    let stop = StopLoop loop

    let started = TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)

    let turn () =
        try
            started.SetResult()

            while not loop.IsDrained do
                loop.Turn true
        with reason ->
            loop.Fail reason

    let run () =
        let mutable obstacle: exn | null = null

        try
            try
                loop.Enter()
                turn ()
            with reason ->
                obstacle <- reason
        finally
            loop.Leave()
            ended.SetResult()

            // Told when nothing is left behind.
            match obstacle with
            | null -> ()
            | reason -> started.TrySetException reason |> ignore

    let thread = Thread(run, IsBackground = true, Name = name)

    static let mutable shared: LoopThread | null = null
    static let gate = obj ()

    /// Starts a loop on the given kernel. Raises UringUnavailableException when there is no ring to be had.
    static member Start(kernel: IKernel, options: LoopOptions, name: string) : LoopThread =
        let host = new LoopThread(kernel, options, name)
        host.Begin()
        host

    /// The process's shared loop, started on first use and again if it was disposed of.
    static member Default: LoopThread =
        lock gate (fun () ->
            match shared with
            | null -> LoopThread.StartShared()
            | host when host.IsStopping -> LoopThread.StartShared()
            | host -> host)

    static member private StartShared() =
        let host = LoopThread.Start(ProcessKernel.Current, LoopOptions.standard, "uring")
        shared <- host
        host

    /// Returns when the ring is enabled, or raises the reason why it is not.
    member private _.Begin() =
        thread.Start()
        started.Task.GetAwaiter().GetResult()

    override _.Loop = loop

    override _.IsStopping = stop.IsClaimed || loop.IsStopping

    override _.DisposeAsync() =
        if stop.TryClaim() then (loop :> IHost).HandOver stop

        ValueTask ended.Task

    override this.Dispose() =
        let ending = this.DisposeAsync()

        // On the loop's own thread waiting would be waiting for oneself.
        if not (obj.ReferenceEquals(Loop.Current, loop)) then
            ending.AsTask().GetAwaiter().GetResult()
