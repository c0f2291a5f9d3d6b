// A buffer group's memory as an immutable value, so that histories and the explorer can go back to any state.
// Knows no rule: the driver keeps the same in arrays that it changes in place.
module Uring.Laws.BufferValues

open Uring.Model

/// The buffers by id, and the ids by slot.
type Store = {
    Buffers: Buffer array
    Order: int array
} with

    interface IBuffers<Store> with
        /// An id that no buffer has is one that the kernel does not own.
        member store.Buffer id =
            if uint32 id < uint32 store.Buffers.Length then store.Buffers[id] else BufferRing.fresh

        member store.WithBuffer(id, buffer) = { store with Buffers = Array.updateAt id buffer store.Buffers }
        member store.IdAt slot = store.Order[slot]
        member store.WithIdAt(slot, id) = { store with Order = Array.updateAt slot id store.Order }

/// So many buffers that were never published.
let fresh buffers entries = {
    Buffers = Array.create buffers BufferRing.fresh
    Order = Array.zeroCreate entries
}

/// A ring whose counters start here, so that short histories pass the wrap.
let ringAt position entries = {
    BufferRing.create entries with
        Tail = position
        Written = position
        Head = position
}
