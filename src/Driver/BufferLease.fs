// Received bytes in the application's hands: the handle of one use of a LeaseCell. Decides only what arguments it takes.
namespace Uring.Driver

open System
open System.Buffers
open System.Runtime.CompilerServices

/// Received bytes, yours until you dispose of them; then the buffer goes back to the kernel. After that every access
/// throws ObjectDisposedException, and disposing again is harmless. A lease that is dropped without being disposed of is
/// reported (`BufferPool.LeaseLost`), and its buffer comes back when it is collected. Copies are the same lease. For one
/// thread at a time: `Share` gives another thread a lease of its own. The default value is an empty lease.
[<Struct; IsReadOnly; NoEquality; NoComparison>]
type BufferLease internal (cell: LeaseCell | null, version: int) =

    /// Of the default value: null.
    member internal _.Cell = cell

    /// Names the use of the cell.
    member internal _.Version = version

    /// The default value.
    static member internal Empty = Unchecked.defaultof<BufferLease>

    member private _.Open: LeaseCell =
        match cell with
        | null -> raise (InvalidOperationException "The default lease has no buffer: it holds no bytes.")
        | cell ->
            cell.Check version
            cell

    /// Number of bytes.
    member this.Length = if isNull cell then 0 else this.Open.Length

    /// Bytes that fit: `Length`, and what can be appended.
    member this.Capacity = if isNull cell then 0 else this.Open.Capacity

    /// It was disposed of. The default lease never is.
    member _.IsDisposed =
        match cell with
        | null -> false
        | cell -> not (cell.IsOpen version)

    /// The same use of the same lease.
    member internal _.IsSame(other: BufferLease) = other.Is(cell, version)

    member private _.Is(otherCell: LeaseCell | null, otherVersion: int) =
        obj.ReferenceEquals(cell, otherCell) && version = otherVersion

    member internal _.Identity = HashCode.Combine(RuntimeHelpers.GetHashCode cell, version)

    /// The bytes. After Dispose the memory throws ObjectDisposedException. An operation that works on it holds the
    /// buffer until its end, even if the lease is disposed of meanwhile. Costs one small object; `Span` costs nothing.
    member this.Memory: Memory<byte> = if isNull cell then Memory.Empty else this.Open.Exposed

    /// The bytes. Do not keep it beyond Dispose: a span cannot know.
    member this.Span: Span<byte> = if isNull cell then Span.Empty else this.Open.View

    /// Remembers who takes it, for the report when it is lost.
    member internal _.Track() =
        match cell with
        | null -> ()
        | cell -> cell.Track()

    /// Memory for an operation that starts at once on the loop's thread, and that the lease outlives.
    member internal this.Lent: Memory<byte> = if isNull cell then Memory.Empty else this.Open.Unexposed

    /// Hands the bytes on to an operation: the lease is done, and the buffer goes back when the pin is disposed of.
    member internal this.Pass() : MemoryHandle =
        match cell with
        | null -> Unchecked.defaultof<MemoryHandle>
        | cell -> cell.Pass version

    /// Hands the lease on as it is: the lease is done, and its hold is the caller's, who drops it. Null for an empty lease.
    member internal this.Take() : LeaseCell | null =
        match cell with
        | null -> null
        | cell ->
            cell.Take version
            cell

    /// Keeps the first `length` bytes. No effect when it holds fewer.
    member this.Truncate(length: int) =
        ArgumentOutOfRangeException.ThrowIfNegative(length, nameof length)

        if length < this.Length then this.Open.Shorten length

    /// Takes `count` bytes out, from `start` on; what follows moves down.
    member this.Remove(start: int, count: int) =
        ArgumentOutOfRangeException.ThrowIfNegative(start, nameof start)
        ArgumentOutOfRangeException.ThrowIfNegative(count, nameof count)

        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            int64 start + int64 count,
            int64 this.Length,
            nameof count
        )

        if count > 0 then
            let cell = this.Open

            if start > 0 && start + count < cell.Length && not cell.IsAlone then
                raise (
                    InvalidOperationException
                        "These bytes are shared or in use by an operation, so they cannot be moved. Remove them at the start or at the end, or copy them."
                )

            cell.Remove(start, count)

    /// Appends into the spare capacity: all of `bytes`, or nothing and false. Received parts of an incremental buffer,
    /// and shares, have none; nor has a lease that was truncated, while others see what was cut off.
    member this.TryAppend(bytes: ReadOnlySpan<byte>) =
        if isNull cell then bytes.IsEmpty else this.Open.TryAppend bytes

    /// Another lease on some of the bytes, without a copy. The buffer goes back when all are disposed of.
    member this.Slice(start: int, length: int) : BufferLease =
        ArgumentOutOfRangeException.ThrowIfNegative(start, nameof start)
        ArgumentOutOfRangeException.ThrowIfNegative(length, nameof length)

        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            int64 start + int64 length,
            int64 this.Length,
            nameof length
        )

        if isNull cell then
            BufferLease.Empty
        else
            let struct (share, opened) = this.Open.Share(version, start, length)
            new BufferLease(share, opened)

    /// Another lease on the same bytes, for another reader.
    member this.Share() : BufferLease = this.Slice(0, this.Length)

    /// Gives the buffer back, from any thread. Harmless when it was done before.
    member _.Dispose() =
        match cell with
        | null -> ()
        | cell -> cell.Close version

    interface IMemoryOwner<byte> with
        member this.Memory = this.Memory
        member this.Dispose() = this.Dispose()
