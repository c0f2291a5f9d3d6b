// Runs loops, what belongs to no loop, and events, one at a time on one thread, in an order that the choices decide. Finds
// out when nothing can run any more, and when something comes from outside.
namespace Uring.Simulation.Running

open System
open System.Collections.Generic
open System.Threading
open Uring.Driver
open Uring.Simulation
open Uring.Simulation.World

/// Something that takes turns.
type internal IRunnable =
    /// A turn would do something.
    abstract CanRun: bool
    abstract Turn: unit -> unit

/// A callback for what runs outside of every loop.
[<Sealed>]
type internal Callback(callback: SendOrPostCallback, state: obj | null) =
    interface IThreadPoolWorkItem with
        member _.Execute() = callback.Invoke state

/// Where code runs that belongs to no loop: in the simulation's own pool, which is a queue.
[<Sealed>]
type internal PoolContext(queue: Queue<IThreadPoolWorkItem>) =
    inherit SynchronizationContext()
    override _.Post(callback, state) = queue.Enqueue(Callback(callback, state))
    override _.Send(callback, state) = callback.Invoke state
    override this.CreateCopy() = this

[<Sealed>]
type internal Scheduler(timeline: Timeline, choices: Choices, ledger: Ledger) =
    let runnables = List<IRunnable>()
    let pool = Queue<IThreadPoolWorkItem>()
    let context = PoolContext pool
    let thread = Environment.CurrentManagedThreadId
    let ready = List<IRunnable>()
    let foreigner = new ManualResetEventSlim false
    // Where work came from that no simulated thread handed over.
    let mutable escape: string | null = null
    let mutable steps = 0

    let runPooled () =
        let item = pool.Dequeue()
        Loop.Attend null
        SynchronizationContext.SetSynchronizationContext context
        item.Execute()

    let noteEscape () =
        match Interlocked.Exchange(&escape, null) with
        | null -> ()
        | from ->
            ledger.Broken(
                Rule.NothingEscapes,
                "a thread that is not the simulation's came in: something used a real thread, a real timer, or ConfigureAwait(false) on a task that completes elsewhere. It came from:\n"
                + from
            )

    /// How many scheduling steps were made.
    member _.Steps = steps

    member _.Context: SynchronizationContext = context

    member _.Add(runnable: IRunnable) = runnables.Add runnable
    member _.Remove(runnable: IRunnable) = runnables.Remove runnable |> ignore

    /// One step: a turn of a loop, a piece of pooled work, or an event that is due. False when nothing can run now.
    member _.TryStep() =
        noteEscape ()
        ready.Clear()

        for runnable in runnables do
            if runnable.CanRun then ready.Add runnable

        let pooled = if pool.Count > 0 then 1 else 0
        let count = ready.Count + pooled

        // Events and turns take turns; how the two mix is a matter of choice.
        let eventFirst = count = 0 || (timeline.IsDue && choices.Pick 2 = 0)

        if eventFirst && timeline.TryStep() then
            steps <- steps + 1
            true
        elif count = 0 then
            false
        else
            steps <- steps + 1
            let index = choices.Pick count
            if index < ready.Count then ready[index].Turn() else runPooled ()
            true

    /// Steps, and lets time pass when nothing can run. False when nothing ever will, as far as the simulation knows.
    member this.TryProgress() = this.TryStep() || timeline.TryAdvance()

    /// Nothing can run: is somebody outside at work, whom the program waits for? Waits a moment for them.
    member _.HearsFromOutside() =
        let heard = not (isNull escape) || foreigner.Wait 200
        foreigner.Reset()
        heard

    interface ISurroundings with
        member _.Queue item =
            if Environment.CurrentManagedThreadId = thread then
                pool.Enqueue item
            else
                ThreadPool.UnsafeQueueUserWorkItem(item, false) |> ignore

        member _.HandedOver() =
            let isForeign = Environment.CurrentManagedThreadId <> thread
            // The collector may find what was lost at any time: that is no escape.
            let isCollector = isForeign && Thread.CurrentThread.Name = ".NET Finalizer"

            if isForeign && not isCollector && isNull escape then
                escape <- Environment.StackTrace
                foreigner.Set()
