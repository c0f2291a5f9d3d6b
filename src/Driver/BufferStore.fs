// Where a pool keeps its buffers' states and the order in which they were published: arrays, changed in place, each
// state used once (Model/BufferGroup). And what a pool tells about itself.
namespace Uring.Driver

open Uring.Model

/// Where a pool keeps its group: arrays, changed in place.
[<Struct>]
type internal BufferStore = {
    Buffers: Buffer array
    Order: uint16 array
} with

    interface IBuffers<BufferStore> with
        /// An id that no buffer has is one that the kernel does not own.
        member this.Buffer id =
            if uint32 id < uint32 this.Buffers.Length then this.Buffers[id] else BufferRing.fresh

        member this.WithBuffer(id, buffer) =
            this.Buffers[id] <- buffer
            this

        member this.IdAt slot = int this.Order[slot]

        member this.WithIdAt(slot, id) =
            this.Order[slot] <- uint16 id
            this

/// What a pool has done so far, and how it stands. A snapshot.
[<Struct>]
type BufferPoolStatistics = {
    /// Buffers that exist.
    Count: int
    /// Buffers that the kernel can take now.
    Available: int
    /// Leases that the application holds, and what waits in streams.
    Leased: int
    /// Streams that wait for a buffer.
    Starving: int
    /// How often a stream found no buffer.
    Starvations: int64
    /// Leases that were dropped without being disposed of.
    Lost: int64
}
