using Uring.Driver;

namespace Uring;

/// <summary>
/// Buffers that the kernel fills when data comes, so that a connection that waits holds none. Made by
/// <see cref="Ring.CreateBufferPoolAsync"/>; lives as long as its ring. Linux 5.19; see man io_uring_setup_buf_ring(3).
/// </summary>
public sealed class BufferPool
{
    internal BufferPool(Loop loop, Driver.BufferPool core)
    {
        Loop = loop;
        Core = core;
    }

    /// <summary>Number of buffers.</summary>
    public int Count => Core.Count;

    /// <summary>Bytes in each buffer.</summary>
    public int BufferSize => Core.BufferSize;

    /// <summary>Buffers that wait for data now; the others are lent out. A snapshot.</summary>
    public int Available => Core.Available;

    internal Loop Loop { get; }

    internal Driver.BufferPool Core { get; }
}
