// The core's lease (Driver/BufferPool.fs) under the facade's namespace; copies are the same lease.
using System;

namespace Uring;

/// <summary>
/// Received bytes, yours until you dispose of them; then their buffer goes back to the kernel. Dispose of every lease:
/// a pool without buffers receives nothing. Disposing twice is harmless, and so is disposing on another thread.
/// </summary>
public readonly struct BufferLease : IDisposable
{
    private readonly Driver.BufferLease? core;

    internal BufferLease(Driver.BufferLease core) => this.core = core;

    /// <summary>Number of bytes received.</summary>
    public int Length => core?.Length ?? 0;

    /// <summary>The bytes. Do not use it after <see cref="Dispose"/>: the kernel writes there again.</summary>
    /// <exception cref="ObjectDisposedException">The lease was given back.</exception>
    public Memory<byte> Memory => core?.Memory ?? default;

    /// <summary>The bytes. Do not use it after <see cref="Dispose"/>: the kernel writes there again.</summary>
    /// <exception cref="ObjectDisposedException">The lease was given back.</exception>
    public Span<byte> Span => Memory.Span;

    /// <summary>Gives the buffer back to the kernel. From any thread; again does nothing.</summary>
    public void Dispose() => core?.Dispose();
}
