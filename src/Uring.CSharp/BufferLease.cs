// The core's lease (Driver/BufferLease.fs) under the facade's namespace; copies are the same lease.
using System;
using System.Buffers;
using Uring.Driver;

namespace Uring;

/// <summary>
/// Received bytes, yours until you dispose of them; then their buffer goes back to the kernel. Dispose of every lease:
/// a pool without buffers receives nothing. After that every access throws <see cref="ObjectDisposedException"/>, and
/// disposing again, on whatever thread, is harmless. A lease that is dropped instead is reported
/// (<see cref="BufferPool.LeaseLost"/>), and its buffer comes back when it is collected.
/// </summary>
/// <remarks>
/// For one thread at a time: <see cref="Share"/> gives another reader a lease of its own. The default value is an empty
/// lease. The methods that change what the lease covers change it for all copies.
/// </remarks>
public readonly struct BufferLease : IMemoryOwner<byte>, IEquatable<BufferLease>
{
    // The core's two, and not the core's struct: one struct inside another is copied by way of memory, at each hand-over.
    private readonly LeaseCell? cell;
    private readonly int version;

    internal BufferLease(LeaseCell? cell, int version)
    {
        this.cell = cell;
        this.version = version;
    }

    internal BufferLease(Driver.BufferLease core)
        : this(core.Cell, core.Version)
    {
    }

    internal Driver.BufferLease Core => new(cell, version);

    /// <summary>Number of bytes.</summary>
    /// <exception cref="ObjectDisposedException">The lease was given back.</exception>
    public int Length => Core.Length;

    /// <summary>Bytes that fit: <see cref="Length"/>, and what <see cref="TryAppend"/> can add.</summary>
    /// <exception cref="ObjectDisposedException">The lease was given back.</exception>
    public int Capacity => Core.Capacity;

    /// <summary>It was given back. The default lease never is.</summary>
    public bool IsDisposed => Core.IsDisposed;

    /// <summary>
    /// The bytes. After <see cref="Dispose"/> the memory itself throws <see cref="ObjectDisposedException"/>. An operation
    /// that works on it holds the buffer until its end, even if the lease is given back meanwhile. Costs one small object;
    /// <see cref="Span"/> costs nothing.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The lease was given back.</exception>
    public Memory<byte> Memory => Core.Memory;

    /// <summary>The bytes. Do not use it after <see cref="Dispose"/>: a span cannot know that the kernel writes there.</summary>
    /// <exception cref="ObjectDisposedException">The lease was given back.</exception>
    public Span<byte> Span => Core.Span;

    /// <summary>Two handles of the same lease are equal.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator ==(BufferLease left, BufferLease right) => left.Equals(right);

    /// <summary>Two handles of different leases are not equal.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator !=(BufferLease left, BufferLease right) => !left.Equals(right);

    /// <summary>Keeps the first <paramref name="length"/> bytes; no effect when there are fewer.</summary>
    /// <param name="length">How many.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The lease was given back.</exception>
    public void Truncate(int length) => Core.Truncate(length);

    /// <summary>Takes bytes out; what follows moves down. At the start and at the end nothing has to move.</summary>
    /// <param name="start">The first byte to take out.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the lease.</exception>
    /// <exception cref="InvalidOperationException">The bytes would have to move, and are shared or in use.</exception>
    /// <exception cref="ObjectDisposedException">The lease was given back.</exception>
    public void Remove(int start, int count) => Core.Remove(start, count);

    /// <summary>
    /// Appends into the spare capacity of the buffer: all of <paramref name="bytes"/>, or nothing. Slices and parts of
    /// incremental buffers have no spare capacity.
    /// </summary>
    /// <param name="bytes">What to append.</param>
    /// <returns>False when it does not fit.</returns>
    /// <exception cref="ObjectDisposedException">The lease was given back.</exception>
    public bool TryAppend(ReadOnlySpan<byte> bytes) => Core.TryAppend(bytes);

    /// <summary>Another lease on some of the bytes, without a copy. The buffer goes back when all are given back.</summary>
    /// <param name="start">The first byte.</param>
    /// <param name="length">How many.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is not within the lease.</exception>
    /// <exception cref="ObjectDisposedException">The lease was given back.</exception>
    public BufferLease Slice(int start, int length) => new(Core.Slice(start, length));

    /// <summary>Another lease on the same bytes, for another reader.</summary>
    /// <exception cref="ObjectDisposedException">The lease was given back.</exception>
    public BufferLease Share() => new(Core.Share());

    /// <summary>Gives the buffer back to the kernel. From any thread; again does nothing.</summary>
    public void Dispose() => Core.Dispose();

    /// <summary>The same use of the same lease.</summary>
    /// <param name="other">The other handle.</param>
    public bool Equals(BufferLease other) => Core.IsSame(other.Core);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is BufferLease other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Core.Identity;
}
