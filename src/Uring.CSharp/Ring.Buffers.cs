// The buffer pools of a ring.
using System;
using System.Threading;
using System.Threading.Tasks;

namespace Uring;

public sealed partial class Ring
{
    /// <summary>Makes a fixed pool. See <see cref="CreateBufferPoolAsync(BufferPoolOptions, CancellationToken)"/>.</summary>
    /// <param name="count">Number of buffers, 1 to 32768; any number, not only powers of two.</param>
    /// <param name="bufferSize">Bytes in each, 1 to 1 GiB.</param>
    /// <param name="cancellationToken">Looked at before the pool is made.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is out of its range.</exception>
    /// <exception cref="UringUnavailableException">The kernel has no room for it (RLIMIT_MEMLOCK).</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask<BufferPool> CreateBufferPoolAsync(
        int count,
        int bufferSize,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 32768);
        ArgumentOutOfRangeException.ThrowIfLessThan(bufferSize, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bufferSize, 1 << 30);
        var options = new BufferPoolOptions { Count = count, BufferSize = bufferSize };
        return CreateBufferPoolAsync(options, cancellationToken);
    }

    /// <summary>
    /// Makes a pool of buffers to receive into. Linux 6.0; on older kernels it works without a buffer ring. See
    /// man io_uring_setup_buf_ring(3).
    /// </summary>
    /// <param name="options">Sizes, growth, and what helps debugging.</param>
    /// <param name="cancellationToken">Looked at before the pool is made.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value of <paramref name="options"/> is out of its range.</exception>
    /// <exception cref="UringUnavailableException">The kernel has no room for it (RLIMIT_MEMLOCK).</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask<BufferPool> CreateBufferPoolAsync(
        BufferPoolOptions options,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var core = options.ToCore();
        ObjectDisposedException.ThrowIf(Loop.IsStopping, this);
        cancellationToken.ThrowIfCancellationRequested();
        return MakeAsync(core);
    }

    private async ValueTask<BufferPool> MakeAsync(Driver.BufferPoolOptions options) =>
        new(Loop, await Loop.Call(() => Loop.Pools.Create(options)).ConfigureAwait(Ending.OnLoop));
}
