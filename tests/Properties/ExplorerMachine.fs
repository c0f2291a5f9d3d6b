// Names the decisions that the explorer asks for: the model's functions, of which a canary replaces one.
// Knows no world. Whatever is not in this record, the explorer's application does exactly as the driver.
module Uring.Laws.ExplorerMachine

open Uring.Model
open Uring.Laws.BufferValues
open Uring.Laws.ExplorerWorld

type Machine = {
    // The buffers.
    Publish: BufferRing -> Store -> int -> int -> struct (BufferRing * Store * BufferVerdict)
    Commit: BufferRing -> struct (BufferRing * BufferVerdict)
    PassOver: BufferRing -> Store -> int -> struct (BufferRing * Store * int)
    Take: BufferRing -> Store -> int -> int -> bool -> struct (BufferRing * Store * BufferVerdict * Part)
    /// The consumer is done with a part.
    Release: Store -> int -> struct (Store * BufferVerdict)
    /// Nobody wants the part that a completion brought.
    Discard: Store -> int -> struct (Store * BufferVerdict)
    ToAdd: Supply -> int
    MayFeed: int -> int -> Supply -> bool
    // The operation.
    Begin: Lifecycle -> struct (Lifecycle * Verdict)
    Submit: Lifecycle -> struct (Lifecycle * Verdict)
    Complete: Completion -> Lifecycle -> struct (Lifecycle * Verdict)
    Cancel: Lifecycle -> struct (Lifecycle * Verdict)
    Abandon: Lifecycle -> Lifecycle
    // The stream.
    BufferOf: Completion -> uint16 voption
    Queue: int -> Multishot -> struct (Multishot * StreamVerdict)
    End: int -> Multishot -> struct (Multishot * StreamVerdict)
    Consume: Multishot -> struct (Multishot * StreamVerdict)
    Feed: Multishot -> struct (Multishot * StreamVerdict)
    Stop: Multishot -> struct (Multishot * StreamVerdict)
    /// What goes on waiting for the consumer after the last completion: everything, whatever the verdict.
    Keep: StreamVerdict -> Item list -> Item list
}

/// The functions that the driver runs.
let real = {
    Publish = BufferGroup.publish
    Commit = BufferRing.commit
    PassOver = BufferGroup.passOver
    Take = BufferGroup.take
    Release = BufferGroup.release
    Discard = BufferGroup.release
    ToAdd = Supply.toAdd
    MayFeed = Supply.mayFeed
    Begin = Lifecycle.queued Shape.Multishot
    Submit = Lifecycle.published
    Complete =
        fun completion ->
            Lifecycle.completed (Completion.more completion) (Completion.notification completion)
    Cancel = Lifecycle.cancelled
    Abandon = Lifecycle.abandoned
    BufferOf = Completion.bufferId
    Queue = Multishot.queued
    End = Multishot.ended Source.Bytes
    Consume = Multishot.taken
    Feed = Multishot.fed
    Stop = Multishot.stopped
    Keep = fun _ items -> items
}
