// What a stream asks of the ring, as a value: nothing happens until a loop opens it.
namespace Uring.Driver

open System
open Uring.Model

/// What a stream asks of the ring: a multishot and, for kernels without it, the single operation that stands for it.
[<NoEquality; NoComparison>]
type StreamRequest = {
    Multishot: Request
    /// Started again and again, if there is one. With a pool, its buffer comes from there.
    Single: Request voption
    Source: Source
    /// Where the buffers come from; null for sources without.
    Pool: BufferPool | null
    /// What has to be done with bytes that nobody takes before their buffer goes back; null when there is nothing.
    Discard: Action<BufferLease> | null
}
