// Registered memory: wraps Driver/RegisteredBuffer.fs.
using System;
using System.Threading;
using System.Threading.Tasks;
using CoreBuffer = Uring.Driver.RegisteredBuffer;
using Module = Uring.FSharp.RegisteredBuffer;

namespace Uring;

/// <summary>
/// Memory that the kernel pins once instead of for each operation: for <c>O_DIRECT</c>, for many small transfers, and for
/// sends without a copy. Made by <see cref="Ring.RegisterBufferAsync(int, bool, CancellationToken)"/>, for that ring's files
/// and sockets. Use it whole, or in slices. Before Linux 5.19 it is memory like any other. See
/// man io_uring_registered_buffers(7).
/// </summary>
public sealed class RegisteredBuffer : IAsyncDisposable, IDisposable
{
    internal RegisteredBuffer(CoreBuffer core) => Core = core;

    /// <summary>Bytes.</summary>
    public int Length => Core.Length;

    /// <summary>The kernel knows it. Not so before Linux 5.19.</summary>
    public bool IsRegistered => Core.IsRegistered;

    /// <summary>The memory, for you and for operations that take any; valid until the buffer is disposed of.</summary>
    /// <exception cref="ObjectDisposedException">The buffer was disposed of.</exception>
    public Memory<byte> Memory => Core.Memory;

    internal CoreBuffer Core { get; }

    /// <summary>All of it.</summary>
    /// <param name="buffer">The buffer.</param>
    /// <exception cref="ArgumentNullException"><paramref name="buffer"/> is null.</exception>
    public static implicit operator RegisteredMemory(RegisteredBuffer buffer)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        return buffer.ToRegisteredMemory();
    }

    /// <summary>All of it.</summary>
    /// <exception cref="ObjectDisposedException">The buffer was disposed of.</exception>
    public RegisteredMemory ToRegisteredMemory()
    {
        ObjectDisposedException.ThrowIf(Core.IsClosed, this);
        return new RegisteredMemory(Module.whole(Core));
    }

    /// <summary>Part of it.</summary>
    /// <param name="start">Bytes from its start.</param>
    /// <param name="length">Bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not within the buffer.</exception>
    /// <exception cref="ObjectDisposedException">The buffer was disposed of.</exception>
    public RegisteredMemory Slice(int start, int length) => ToRegisteredMemory().Slice(start, length);

    /// <summary>
    /// The same memory for the files and sockets of another ring, without pinning it anew (Linux 6.12; older kernels do). The
    /// memory is there until both have been disposed of, and disposing of this one waits for that of its clones.
    /// </summary>
    /// <param name="ring">The other ring.</param>
    /// <param name="cancellationToken">Looked at before anything is done.</param>
    /// <exception cref="ArgumentNullException"><paramref name="ring"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The buffer or one of the rings was disposed of.</exception>
    /// <exception cref="UringUnavailableException">The kernel has no room for it (RLIMIT_MEMLOCK).</exception>
    /// <exception cref="InvalidOperationException">The other ring's <see cref="RingOptions.RegisteredBuffers"/> are taken.</exception>
    public async ValueTask<RegisteredBuffer> CloneToAsync(Ring ring, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ring);
        ObjectDisposedException.ThrowIf(Core.IsClosed, this);
        ObjectDisposedException.ThrowIf(ring.Loop.IsStopping, ring);
        cancellationToken.ThrowIfCancellationRequested();
        return new RegisteredBuffer(await Module.cloneTo(ring.Loop, Core).ConfigureAwait(Ending.OnLoop));
    }

    /// <summary>
    /// Disposes of this buffer and registers memory of yours in its slot, once the operations on it (and its clones) have
    /// ended. When that fails, this one is disposed of all the same. See man io_uring_register(2),
    /// IORING_REGISTER_BUFFERS_UPDATE.
    /// </summary>
    /// <param name="memory">1 byte to 1 GiB, in any place; pinned until the new buffer is disposed of.</param>
    /// <param name="cancellationToken">Looked at before anything is done.</param>
    /// <returns>The new buffer.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="memory"/> is empty, or too long.</exception>
    /// <exception cref="NotSupportedException">It is a shared mapping of a file, or cannot be written.</exception>
    /// <exception cref="UringUnavailableException">The kernel has no room for it (RLIMIT_MEMLOCK).</exception>
    /// <exception cref="ObjectDisposedException">The buffer or its ring was disposed of.</exception>
    public ValueTask<RegisteredBuffer> ExchangeAsync(Memory<byte> memory, CancellationToken cancellationToken = default)
    {
        Module.checkMemory(memory);
        ObjectDisposedException.ThrowIf(Core.IsClosed, this);
        cancellationToken.ThrowIfCancellationRequested();
        return ReplaceAsync(memory);
    }

    private async ValueTask<RegisteredBuffer> ReplaceAsync(Memory<byte> memory) =>
        new(await Module.exchangeFor(memory, Core).ConfigureAwait(Ending.OnLoop));

    /// <summary>Refuses new operations, and ends when those on it have ended and the memory has been given back.</summary>
    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(Core);
        return new ValueTask(Core.Close());
    }

    /// <summary>Begins what <see cref="DisposeAsync"/> does and returns at once; the ring finishes it.</summary>
    public void Dispose() => _ = DisposeAsync();
}
