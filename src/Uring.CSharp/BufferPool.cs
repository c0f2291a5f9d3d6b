// The core's pool (Driver/BufferPool.fs) under the facade's namespace.
using System;
using System.Threading.Tasks;
using Uring.Driver;

namespace Uring;

/// <summary>
/// Buffers that the kernel fills when data comes, so that a connection that waits holds none. Made by
/// <see cref="Ring.CreateBufferPoolAsync(BufferPoolOptions, System.Threading.CancellationToken)"/>; who names no pool uses
/// the ring's shared one. Linux 6.0; on older kernels a receive that waits holds a buffer. See
/// man io_uring_setup_buf_ring(3).
/// </summary>
public sealed class BufferPool : IAsyncDisposable, IDisposable
{
    internal BufferPool(Loop loop, Driver.BufferPool core)
    {
        Loop = loop;
        Core = core;
        core.LeaseLost += (_, description) => LeaseLost?.Invoke(this, new LeaseLostEventArgs(description));
    }

    /// <summary>
    /// A lease was dropped without having been disposed of; its buffer has come back late. Raised on a pool thread.
    /// </summary>
    public event EventHandler<LeaseLostEventArgs>? LeaseLost;

    /// <summary>Number of buffers, which grows up to the limit.</summary>
    public int Count => Core.Count;

    /// <summary>Bytes in each buffer.</summary>
    public int BufferSize => Core.BufferSize;

    /// <summary>Buffers that wait for data now; the others are lent out. A snapshot.</summary>
    public int Available => Core.Available;

    /// <summary>It was disposed of: nothing can be received into it any more.</summary>
    public bool IsClosed => Core.IsClosed;

    /// <summary>What it has done so far, and how it stands. A snapshot: the numbers may be a moment apart.</summary>
    public BufferPoolStatistics Statistics
    {
        get
        {
            var now = Core.Statistics;

            return new BufferPoolStatistics
            {
                Count = now.Count,
                Available = now.Available,
                Leased = now.Leased,
                Starving = now.Starving,
                Starvations = now.Starvations,
                Lost = now.Lost,
            };
        }
    }

    internal Loop Loop { get; }

    internal Driver.BufferPool Core { get; }

    /// <summary>
    /// Ends what receives into the pool (with an <see cref="ObjectDisposedException"/> for what starts later, an
    /// <see cref="OperationCanceledException"/> for what is under way) and takes the buffers back from the kernel. Leases
    /// that are still held stay valid; the memory goes with the last of them. Disposing again waits as well.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        // A ring that ends closes its pools itself.
        if (!Loop.IsStopping)
        {
            await (await Loop.Call(() => Loop.Pools.Close(Core)).ConfigureAwait(Ending.OnLoop)).ConfigureAwait(Ending.OnLoop);
        }
    }

    /// <summary>Begins what <see cref="DisposeAsync"/> does and returns at once; the ring finishes it.</summary>
    public void Dispose() => _ = DisposeAsync().AsTask();
}
