// How a pool is made. The values are checked by Driver/BufferPoolOptions.fs, whose defaults these are.

namespace Uring;

/// <summary>How a <see cref="BufferPool"/> is made. The values are read when the pool is made.</summary>
public sealed class BufferPoolOptions
{
    /// <summary>Buffers to begin with, and to add at a time: 1 to 32768, any number. Defaults to 64.</summary>
    public int Count { get; set; } = Driver.BufferPoolOptionsModule.shared.Count;

    /// <summary>
    /// Most buffers: the pool grows by <see cref="Count"/> when nothing is left. At most 32768; 0 means
    /// <see cref="Count"/>, so that it does not grow. Defaults to 0.
    /// </summary>
    public int Limit { get; set; }

    /// <summary>Bytes in each buffer, 1 to 1 GiB. Multiples of 4096 suit the kernel best. Defaults to 16384.</summary>
    public int BufferSize { get; set; } = Driver.BufferPoolOptionsModule.shared.BufferSize;

    /// <summary>
    /// About so many buffers of received data wait for a slow consumer; then receiving pauses until half of them have been
    /// taken. So one connection cannot empty a pool that others use. Defaults to 16.
    /// </summary>
    public int PerStream { get; set; } = Driver.BufferPoolOptionsModule.shared.PerStream;

    /// <summary>
    /// So many free buffers are enough for connections that found none to go on; 0 chooses an eighth of
    /// <see cref="Count"/>, at most 32. Defaults to 0.
    /// </summary>
    public int LowWater { get; set; }

    /// <summary>
    /// Each receive uses only the part of a buffer that it fills, and the next goes on behind it. For many small messages
    /// in few large buffers. Linux 6.16 (IOU_PBUF_RING_INC, which puts bytes in the wrong order on some kernels before); on
    /// older kernels each receive uses a whole buffer.
    /// </summary>
    public bool Incremental { get; set; }

    /// <summary>
    /// One receive may fill several buffers at once. For large messages. Linux 6.16 (IORING_RECVSEND_BUNDLE, which puts
    /// bytes in the wrong order on some kernels before); on older kernels it fills one.
    /// </summary>
    public bool Bundles { get; set; }

    /// <summary>
    /// Wishes for huge pages, which need <c>vm.nr_hugepages</c>; without, they are ordinary pages.
    /// </summary>
    public bool HugePages { get; set; }

    /// <summary>
    /// For debugging: touching a buffer that is the kernel's ends the process at that very instruction (SIGSEGV). Costs two
    /// system calls per buffer that is received into.
    /// </summary>
    public bool Guarded { get; set; }

    /// <summary>
    /// For debugging: remembers where each lease was taken, for <see cref="BufferPool.LeaseLost"/>. Costs a stack trace per
    /// lease.
    /// </summary>
    public bool TrackLeases { get; set; }

    internal Driver.BufferPoolOptions ToCore()
    {
        var core = new Driver.BufferPoolOptions(
            Count,
            Limit == 0 ? Count : Limit,
            BufferSize,
            PerStream,
            LowWater,
            Incremental,
            Bundles,
            HugePages,
            Guarded,
            TrackLeases);

        Driver.BufferPoolOptionsModule.check(core);
        return core;
    }
}
