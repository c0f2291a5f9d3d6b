// A group of equal buffers that the kernel takes when data comes, so that an idle connection holds none. Applies
// Model/BufferGroup, Model/Supply and Model/Features. Its state belongs to the loop's thread; leases may be released
// from any. Longer than others: the verdicts' effects on memory, leases and streams meet here.
namespace Uring.Driver

open System
open System.Collections.Generic
open System.Threading
open System.Threading.Tasks
open Uring
open Uring.Kernel
open Uring.Model

/// A stream that found no buffer.
type internal IStarving =
    /// On the loop's thread: there may be one now.
    abstract Feed: unit -> unit

/// A group of equal buffers in a provided buffer ring (5.19). Made by `Loop.CreatePool`. On a kernel without buffer
/// rings it is a plain pool: then a receive that waits holds a buffer.
[<Sealed>]
type BufferPool internal (host: IHost, plan: Plan, ring: int, group: uint16, options: BufferPoolOptions) =
    let entries = BufferRing.entriesFor options.Limit
    let size = options.BufferSize

    let store = {
        Buffers = Array.create options.Limit BufferRing.fresh
        Order = Array.zeroCreate entries
    }

    let slabs = Slabs(host.Kernel, options)
    // Returned while the ring had no room for them.
    let unpublished = Queue<int>()
    let starved = Queue<IStarving>()
    let users = HashSet<Pending>()
    let idle = Stack<LeaseCell>()
    // What one completion brought goes on in this buffer, with so many bytes.
    let mutable following = -1
    let mutable left = 0
    let closed = TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    let lost = Event<string>()
    // After the loop's end, releases come from any thread.
    let lateGate = obj ()
    let mutable state = BufferRing.create entries
    let mutable memory: BufferRingMemory | null = null
    let mutable mode = Features.poolMode options.Incremental plan
    let mutable turnsStarved = 0
    let mutable leased = 0
    let mutable starvations = 0L
    let mutable losses = 0L
    let mutable closing = false
    let mutable isOver = false

    let mutable supply = {
        Count = 0
        Limit = options.Limit
        Step = options.Count
        LowWater = if options.LowWater > 0 then options.LowWater else Supply.lowWaterFor options.Count
    }

    let publish id =
        let slot = BufferRing.slot state
        let struct (next, _, verdict) = BufferGroup.publish state store id size
        state <- next

        match verdict with
        | BufferVerdict.Write ->
            slabs.Guard(id, false)

            match memory with
            | null -> ()
            | memory -> memory.Write(slot, slabs.KernelAddress id, size, uint16 id)
        | BufferVerdict.Full -> unpublished.Enqueue id
        | BufferVerdict.StoreTail
        | BufferVerdict.Take
        | BufferVerdict.TakePart
        | BufferVerdict.Return
        | BufferVerdict.Keep
        | BufferVerdict.Ignore
        | BufferVerdict.Violation -> ()

    /// Adds buffers, up to the limit. False when there is no more to be had.
    let grow () =
        let count = Supply.toAdd supply

        if count = 0 then
            Ok false
        else
            match slabs.Add count with
            | Error errno -> Error errno
            | Ok() ->
                let first = supply.Count
                supply <- Supply.grown count supply

                for id in first .. first + count - 1 do
                    publish id

                Ok true

    let violation id bytes =
        raise (
            InvalidOperationException(
                String.Concat(
                    String.Concat("The kernel named buffer ", id.ToString(), " of group ", group.ToString()),
                    String.Concat(" with ", bytes.ToString(), " bytes, which it did not own"),
                    ". This is a bug in Uring: please report it with this message."
                )
            )
        )

    let lease (home: ILeaseHome) id start length : LeaseCell =
        let buffer = store.Buffers[id]

        if buffer.Leases = 1 then slabs.Guard(id, true)

        let cell = if idle.Count > 0 then idle.Pop() else new LeaseCell(home, null)
        cell.Id <- id
        leased <- leased + 1

        // The room behind a part of an incremental buffer belongs to the next part.
        let room =
            match mode with
            | PoolMode.Incremental -> length
            | PoolMode.Whole
            | PoolMode.Plain -> buffer.Length - start

        cell.Open(slabs.Address id + nativeint start, room, length) |> ignore
        cell

    /// Buffers that the kernel gave up without saying so.
    let rec passOver id =
        let struct (next, _, passed) = BufferGroup.passOver state store id
        state <- next

        if passed >= 0 then
            publish passed
            passOver id

    let takePart home id bytes more : LeaseCell =
        let struct (next, _, verdict, part) = BufferGroup.take state store id bytes more

        match verdict with
        | BufferVerdict.Take
        | BufferVerdict.TakePart ->
            state <- next
            following <- part.Next
            left <- part.Left
            lease home part.Id part.Start part.Length
        | BufferVerdict.Write
        | BufferVerdict.StoreTail
        | BufferVerdict.Return
        | BufferVerdict.Keep
        | BufferVerdict.Ignore
        | BufferVerdict.Full
        | BufferVerdict.Violation -> violation id bytes

    /// What a completion brought: several, when it is a bundle's.
    let take home id bytes more : LeaseCell =
        let first = takePart home id bytes more
        let mutable last = first

        while left > 0 do
            let cell = takePart home following left more
            last.After <- cell
            last <- cell

        first

    let release id =
        let struct (_, verdict) = BufferGroup.release store id
        leased <- leased - 1
        verdict

    /// On the loop's thread. Makes the buffers and hands them to the kernel.
    member internal _.Register() =
        let struct (agreed, mapped) = PoolRing.register host.Kernel ring group entries mode
        mode <- agreed
        memory <- mapped

        match grow () with
        | Ok _ -> ()
        | Error errno ->
            PoolRing.unregister host.Kernel ring group memory
            raise (PoolRing.refused errno)

    /// The loop that it belongs to.
    member internal _.Host = host

    /// The kernel has let go of the group's id.
    member internal _.IsUnregistered = closed.Task.IsCompleted

    /// The group's id, for submissions.
    member _.Group = group

    /// How the pool was made.
    member _.Options: BufferPoolOptions = options

    /// Number of buffers.
    member _.Count = supply.Count

    /// Bytes in each.
    member _.BufferSize = size

    /// Buffers that the kernel can take now. Exact on the loop's thread, a snapshot elsewhere.
    member _.Available = state.Published

    /// The kernel takes the buffers itself. If not, a receive is given one before it starts.
    member internal _.IsRing = mode <> PoolMode.Plain

    /// The pool lies in huge pages.
    member _.HasHugePages = slabs.AreHuge

    /// One receive may fill several buffers.
    member internal _.UsesBundles = options.Bundles && mode <> PoolMode.Plain && Features.canBundle plan

    /// It was disposed of.
    member _.IsClosed = Volatile.Read &closing

    /// A snapshot.
    member _.Statistics = {
        Count = supply.Count
        Available = state.Published
        Leased = leased
        Starving = starved.Count
        Starvations = starvations
        Lost = losses
    }

    /// A lease was dropped without being disposed of. Raised on a pool thread, with a description.
    [<CLIEvent>]
    member _.LeaseLost = lost.Publish

    /// How far the kernel's own head has come (6.8), and how far the model's: the same when nothing is in flight.
    /// On the loop's thread.
    member internal _.Heads() : struct (int * int) =
        struct (PoolRing.head host.Kernel ring group, int state.Head)

    /// On the loop's thread: what a completion brought, in order, linked by `After`. Null when no buffer came. Unlink each
    /// before it is handed on: a lease that something still refers to is never collected.
    member internal this.Take(completion: inref<Completion>) : LeaseCell | null =
        if Completion.hasBuffer completion then
            let id = Completion.buffer completion
            passOver id
            take this id (max 0 completion.Result) (Completion.bufferMore completion)
        else
            null

    /// On the loop's thread, without a ring: a whole buffer for a receive that is about to start. Null when there is none.
    member internal this.TakeNext() : LeaseCell | null =
        // There is no kernel to show them to.
        this.Commit()

        if state.Published = 0 then
            null
        else
            take this (int store.Order[BufferRing.slotOf state.Head state]) size false

    // ---- streams

    /// On the loop's thread. False when the pool takes no more streams.
    member internal _.Enter(stream: Pending) = not closing && users.Add stream

    /// On the loop's thread: the stream has ended.
    member internal this.Leave(stream: Pending) =
        if users.Remove stream && closing && users.Count = 0 then this.Unregister()

    /// A stream that found no buffer waits for one, first come first served. The pool grows if it may.
    member internal _.Starve(stream: Pending, starving: IStarving) =
        host.Park stream

        if starved.Count = 0 then turnsStarved <- 0

        starved.Enqueue starving
        starvations <- starvations + 1L
        // Without memory the pool stays as it is: buffers will come back.
        if state.Published = 0 then grow () |> ignore

    /// Somebody starves and there is a buffer.
    member internal _.CanFeed = starved.Count > 0 && state.Published > 0

    /// Once a turn: arms as many as there are buffers. One that has no data yet is armed and takes none (the kernel
    /// answers ENOBUFS at issue, not when data comes), so the next turn goes on with the rest.
    member internal _.Feed() =
        if starved.Count > 0 then
            turnsStarved <- turnsStarved + 1

            if Supply.mayFeed state.Published turnsStarved supply then
                turnsStarved <- 0

                for _ in 1 .. Supply.toFeed state.Published starved.Count do
                    starved.Dequeue().Feed()

    /// Before each enter: shows the kernel what has come back.
    member internal _.Commit() =
        for _ in 1 .. unpublished.Count do
            publish (unpublished.Dequeue())

        let struct (next, verdict) = BufferRing.commit state
        state <- next

        match verdict with
        | BufferVerdict.StoreTail ->
            match memory with
            | null -> ()
            | memory -> memory.PublishTail state.Tail
        | BufferVerdict.Write
        | BufferVerdict.Take
        | BufferVerdict.TakePart
        | BufferVerdict.Return
        | BufferVerdict.Keep
        | BufferVerdict.Ignore
        | BufferVerdict.Full
        | BufferVerdict.Violation -> ()

    // ---- the end

    /// On the loop's thread: refuses new streams and ends those that use it. The task ends when the kernel has let go
    /// of the buffers; the memory goes with the last lease.
    member internal this.Close() : Task =
        if not closing then
            Volatile.Write(&closing, true)

            for stream in Seq.toArray users do
                host.Cancel stream

            if users.Count = 0 then this.Unregister()

        closed.Task

    member private this.Unregister() =
        PoolRing.unregister host.Kernel ring group memory
        memory <- null
        this.End()
        closed.TrySetResult() |> ignore

    member private _.End() =
        lock lateGate (fun () ->
            isOver <- true

            if leased = 0 then slabs.Free())

    /// On the loop's thread, when the loop ends: no stream is left. If the ring has failed the kernel may still write:
    /// then the memory is kept for good.
    member internal this.LoopEnded(hasFailed: bool) =
        if hasFailed then leased <- leased + 1

        if not isOver then this.Unregister()

    member private this.GoBack(isHere: bool, cell: LeaseCell) =
        if isHere then (this :> ILeaseHome).TakeBack cell else host.HandOver cell.Returning

    interface ILeaseHome with

        member this.Return cell = this.GoBack(host.IsCurrentThread, cell)

        member this.ReturnOn(other, cell) = this.GoBack(obj.ReferenceEquals(other, host), cell)

        member this.TakeBack cell =
            if isOver then
                (this :> ILeaseHome).TakeBackLate cell
            else
                match release cell.Id with
                | BufferVerdict.Return -> publish cell.Id
                | BufferVerdict.Write
                | BufferVerdict.StoreTail
                | BufferVerdict.Take
                | BufferVerdict.TakePart
                | BufferVerdict.Keep
                | BufferVerdict.Ignore
                | BufferVerdict.Full
                | BufferVerdict.Violation -> ()

                // Both of those that are not used again: nothing is left for the finalizer to do.
                if cell.IsReusable then idle.Push cell else GC.SuppressFinalize cell

        member this.TakeBackLate cell =
            lock lateGate (fun () ->
                release cell.Id |> ignore

                if isOver && leased = 0 then slabs.Free())

        member _.Lost place =
            Interlocked.Increment &losses |> ignore
            let message = LostLease.describe place
            Diagnostics.Trace.TraceWarning message
            ThreadPool.UnsafeQueueUserWorkItem((fun _ -> lost.Trigger message), null) |> ignore
