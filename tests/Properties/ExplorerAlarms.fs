// Decides what must hold in every state, and what must hold when nothing can happen any more.
// Knows no step. An alarm is an exception, so that a step may ring it as well.
module Uring.Laws.ExplorerAlarms

open Uring.Model
open Uring.Laws.ExplorerWorld
open Uring.Laws.ExplorerKernel

let private ringUnless holds text = if not holds then alarm (text ())

/// Ids in the part of the ring that the kernel sees, in its order.
let private idsInWindow world = [
    for nth in 0 .. visible world - 1 do
        let entry = world.Entries[int (world.KernelHead + uint16 nth) % world.Entries.Length]
        ringUnless entry.IsFresh (fun () -> $"the kernel sees an entry that was not written: number {nth}")

        for offset in entry.Start .. entry.Start + entry.Left - 1 do
            ringUnless (cell world entry.BufferId offset = Empty) (fun () ->
                $"byte {offset} of buffer {entry.BufferId} is in use, and the kernel may write it")

        entry.BufferId
]

let private leasesOf world id =
    let mine (items: Item list) = items |> List.filter (fun item -> item.Id = id) |> List.length
    mine world.Held + (world.Streams |> Array.sumBy (fun stream -> mine stream.Items))

let private checkBuffers world =
    let ring = world.Ring
    let window = idsInWindow world
    let buffers = world.Store.Buffers
    let published = buffers |> Seq.filter (fun buffer -> buffer.Owner = Owner.Kernel) |> Seq.length

    ringUnless (List.distinct window = window) (fun () -> $"a buffer is twice in the ring: %A{window}")
    ringUnless (visible world <= ring.Entries) (fun () -> "the kernel sees more entries than there are")

    ringUnless (int (ring.Written - ring.Head) <= ring.Entries) (fun () ->
        "more is written than there is room for")

    ringUnless (int16 (world.KernelHead - ring.Head) >= 0s) (fun () -> "the head is ahead of the kernel's")
    ringUnless (ring.Tail = world.SharedTail) (fun () -> "the tail is not what was stored")

    ringUnless (ring.Published = published) (fun () ->
        $"{ring.Published} counted, {published} are the kernel's")

    ringUnless (published > 0 || ring.Head = ring.Tail) (fun () ->
        "the kernel has no buffer, and the head stands before the tail")

    for id in window do
        ringUnless (buffers[id].Owner = Owner.Kernel) (fun () ->
            $"the kernel sees buffer {id}, which is not its own")

    for id in 0 .. world.Supply.Count - 1 do
        let buffer = buffers[id]
        let leases = leasesOf world id
        let waits = List.contains id world.Returned

        ringUnless (buffer.Leases = leases) (fun () ->
            $"buffer {id} counts {buffer.Leases} leases, and has {leases}")

        ringUnless (waits = (buffer.Owner = Owner.Returning)) (fun () ->
            $"buffer {id} is lost: it waits for nobody who publishes it, or is published while it waits")

let private checkStream world index =
    let stream = world.Streams[index]
    let isOut = stream.Request <> Request.None || List.exists (streamOf >> (=) index) world.Completions

    let isInKernel =
        match stream.Lifecycle.Phase with
        | Phase.Free
        | Phase.Queued -> false
        | Phase.InFlight
        | Phase.Streaming
        | Phase.Cancelling
        | Phase.Notifying -> true

    let flows =
        match stream.Flow.Phase with
        | StreamPhase.Armed
        | StreamPhase.Pausing
        | StreamPhase.Stopping -> true
        | StreamPhase.Paused
        | StreamPhase.Starving
        | StreamPhase.Ended -> false

    let over = stream.Flow.Phase = StreamPhase.Ended

    ringUnless (isOut = isInKernel) (fun () ->
        $"stream {index}: a request without an operation, or the reverse")

    ringUnless (flows = (stream.Lifecycle.Phase <> Phase.Free)) (fun () ->
        $"stream {index} is %A{stream.Flow.Phase} and its operation %A{stream.Lifecycle.Phase}")

    ringUnless (over = (stream.Outcome <> StreamVerdict.Nothing)) (fun () -> $"stream {index} has no outcome")

    ringUnless (stream.HasLeft || stream.Flow.Queued = stream.Items.Length) (fun () ->
        $"stream {index} counts {stream.Flow.Queued} results, and has {stream.Items.Length}")

    ringUnless (not stream.HasLeft || stream.Items.IsEmpty) (fun () ->
        $"stream {index} keeps items for nobody")

    ringUnless (stream.Outcome <> StreamVerdict.Cancelled || stream.IsStopped) (fun () ->
        $"stream {index} is cancelled, and nobody asked")

/// What must hold in every state.
let check world =
    checkBuffers world

    for index in 0 .. world.Streams.Length - 1 do
        checkStream world index

/// What must hold when neither the kernel nor the application has anything to do.
let checkRest world =
    let window = idsInWindow world

    for id in 0 .. world.Supply.Count - 1 do
        let isThere = world.Config.GivesUp || List.contains id window

        ringUnless (world.Store.Buffers[id].Owner = Owner.Kernel && isThere) (fun () ->
            $"all is quiet, and buffer {id} is not the kernel's")

    for index in 0 .. world.Streams.Length - 1 do
        let stream = world.Streams[index]
        let isHeard = stream.Flow.Phase = StreamPhase.Armed && stream.Request = Request.Polling
        let isOver = stream.Flow.Phase = StreamPhase.Ended && stream.Request = Request.None
        ringUnless (isHeard || isOver) (fun () -> $"stream {index} waits for ever: %A{stream.Flow.Phase}")
        ringUnless (not stream.HasLeft || isOver) (fun () -> $"stream {index} goes on, and nobody listens")

        // Who did not stop it hears everything, and how it ended.
        if not stream.IsStopped then
            let expected =
                match world.Config.Ending with
                | Silence -> StreamVerdict.Nothing
                | EndOfFile -> StreamVerdict.EndOfStream
                | Reset -> StreamVerdict.Fail

            ringUnless (stream.Consumed = world.Config.Bytes) (fun () ->
                $"stream {index}: {stream.Consumed} bytes came, of {world.Config.Bytes}")

            ringUnless (stream.Outcome = expected) (fun () -> $"stream {index} ends with %A{stream.Outcome}")
