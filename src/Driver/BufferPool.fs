// Buffers that the kernel takes when data comes, so that an idle connection holds none. Applies Model/BufferRing.
// Its state belongs to the loop's thread; leases may be released from any.
namespace Uring.Driver

open System
open System.Buffers.Binary
open System.Collections.Generic
open System.Numerics
open System.Runtime.InteropServices
open System.Threading
open Uring.Kernel
open Uring.Model

/// A group of equal buffers in a provided buffer ring (5.19). Made by `Loop.CreatePool`.
[<Sealed>]
type BufferPool internal (host: IHost, ring: int, group: uint16, count: int, size: int) =
    // The kernel writes here: pinned for good.
    let storage = GC.AllocateUninitializedArray<byte>(count * size, true)
    let buffers = Array.create count BufferRing.fresh
    let entries = int (BitOperations.RoundUpToPowerOf2(uint32 count))
    let starved = Queue<Pending>()
    let mutable state = BufferRing.create entries
    let mutable memory: BufferRingMemory | null = null

    let publish id =
        let struct (nextRing, nextBuffer, verdict) = BufferRing.publish state buffers[id]

        match verdict with
        | BufferVerdict.Publish ->
            match memory with
            | null -> ()
            | memory ->
                let address = Mapped.addressOfPinned storage + nativeint (id * size)
                // The entry before the tail: `PublishTail` is the release that makes it visible.
                memory.Write(BufferRing.slot state, address, size, uint16 id)
                memory.PublishTail nextRing.Tail
        | BufferVerdict.Take
        | BufferVerdict.TakePart
        | BufferVerdict.Return
        | BufferVerdict.Ignore
        | BufferVerdict.Full
        | BufferVerdict.Violation -> ()

        state <- nextRing
        buffers[id] <- nextBuffer

    /// struct io_uring_buf_reg: address @0, entries @8, group @12.
    let registration (address: nativeint) =
        let argument = Array.zeroCreate<byte> 40
        BinaryPrimitives.WriteInt64LittleEndian(argument.AsSpan 0, int64 address)
        BinaryPrimitives.WriteInt32LittleEndian(argument.AsSpan 8, entries)
        BinaryPrimitives.WriteUInt16LittleEndian(argument.AsSpan 12, group)
        argument

    /// On the loop's thread. Registers the ring and hands every buffer to the kernel; a negative errno on refusal.
    member internal _.Register() : int =
        let length = unativeint entries * 16un
        let address = host.Kernel.Map(-1, length, 0L)

        if address < 0n then
            int address
        else
            let result =
                host.Kernel.Register(ring, RegisterOpcode.BufferRing, (registration address).AsSpan(), 1u)

            if Errno.isError result then
                host.Kernel.Unmap(address, length) |> ignore
            else
                memory <- BufferRingMemory(address, entries)

                for id in 0 .. count - 1 do
                    publish id

            result

    /// On the loop's thread, when nothing uses the group any more.
    member internal _.Unregister() =
        match memory with
        | null -> ()
        | mapped ->
            memory <- null

            host.Kernel.Register(ring, RegisterOpcode.UnregisterBufferRing, (registration 0n).AsSpan(), 1u)
            |> ignore

            host.Kernel.Unmap(mapped.Address, mapped.Length) |> ignore

    /// The group's id, for submissions.
    member _.Group = group

    /// Number of buffers.
    member _.Count = count

    /// Bytes in each.
    member _.BufferSize = size

    /// Buffers that the kernel can take now. Exact on the loop's thread, a snapshot elsewhere.
    member _.Available = state.Published

    /// A completion brought buffer `id` with `bytes` in it. Where they start; -1 if the kernel does not own it.
    member internal _.Selected(id: int, bytes: int, more: bool) : int =
        let start = buffers[id].Offset
        let struct (nextRing, nextBuffer, verdict) = BufferRing.selected state buffers[id] bytes more
        state <- nextRing
        buffers[id] <- nextBuffer

        match verdict with
        | BufferVerdict.Take
        | BufferVerdict.TakePart -> start
        | BufferVerdict.Publish
        | BufferVerdict.Return
        | BufferVerdict.Ignore
        | BufferVerdict.Full
        | BufferVerdict.Violation -> -1

    /// A stream that found no buffer waits for one, first come first served.
    member internal _.Starve(stream: Pending) =
        host.Park stream
        starved.Enqueue stream

    /// Somebody starves and there is a buffer.
    member internal _.CanFeed = starved.Count > 0 && state.Published > 0

    /// Once a turn: arms as many as there are buffers. One that has no data yet is armed and takes none (the kernel
    /// answers ENOBUFS at issue, not when data comes), so the next turn goes on with the rest.
    member internal _.Feed() =
        for _ in 1 .. min starved.Count state.Published do
            let stream = starved.Dequeue()

            // Those that were cancelled while they waited have ended already.
            if not stream.CancelAsked then host.Begin stream

    /// On the loop's thread: the application is done with buffer `id`.
    member internal _.Return(id: int) =
        let struct (buffer, verdict) = BufferRing.released buffers[id]
        buffers[id] <- buffer

        match verdict with
        | BufferVerdict.Return -> publish id
        | BufferVerdict.Publish
        | BufferVerdict.Take
        | BufferVerdict.TakePart
        | BufferVerdict.Ignore
        | BufferVerdict.Full
        | BufferVerdict.Violation -> ()

    /// From any thread.
    member internal this.Release(id: int) =
        if host.IsCurrentThread then this.Return id else host.HandOver(ReturnWork(this, id))

    member internal _.Slice(id: int, offset: int, length: int) =
        MemoryMarshal.CreateFromPinnedArray(storage, id * size + offset, length)

/// A release that came from another thread.
and [<Sealed>] internal ReturnWork(pool: BufferPool, id: int) =
    inherit Work()
    override _.Run() = pool.Return id

/// Received bytes, yours until you dispose of them; then the buffer goes back to the kernel. Disposing twice is
/// harmless. After that every access throws ObjectDisposedException.
[<Sealed>]
type BufferLease internal (pool: BufferPool, id: int, offset: int, length: int) =
    let mutable live = 1

    /// Number of bytes received.
    member _.Length = length

    member _.Memory: Memory<byte> =
        ObjectDisposedException.ThrowIf(Volatile.Read &live = 0, typeof<BufferLease>)
        pool.Slice(id, offset, length)

    member this.Span: Span<byte> = this.Memory.Span

    member _.Dispose() = if Interlocked.Exchange(&live, 0) = 1 then pool.Release id

    interface IDisposable with
        member this.Dispose() = this.Dispose()
