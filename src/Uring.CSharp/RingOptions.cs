// How a ring is made. The numbers go to Driver/LoopOptions.fs, whose defaults these are.
using System.Collections.Generic;
using Uring.Driver;

namespace Uring;

/// <summary>
/// How a <see cref="Ring"/> is made. The values are checked, and read, when the ring is made: changing them afterwards
/// changes no ring.
/// </summary>
public sealed partial class RingOptions
{
    private const int MostSubmissions = 32768;
    private const int MostCompletions = 65536;

    /// <summary>
    /// How many operations one system call submits at most, 1 to 32768; the kernel rounds it up to a power of two. It
    /// does not limit how many can be in flight. See man io_uring_setup(2). Defaults to 256.
    /// </summary>
    public int SubmissionEntries { get; set; } = LoopOptionsModule.standard.Entries;

    /// <summary>
    /// How many results fit before the kernel has to keep them aside, which is slow: at least
    /// <see cref="SubmissionEntries"/>, at most 65536; the kernel rounds it up to a power of two. See
    /// man io_uring_setup(2), IORING_SETUP_CQSIZE. Defaults to 4096.
    /// </summary>
    public int CompletionEntries { get; set; } = LoopOptionsModule.standard.Completions;

    /// <summary>
    /// At most so many kernel threads for operations on files and block devices that have to block; 0 leaves the
    /// kernel's own limit. Linux 5.15; older kernels ignore it. See man io_uring_register(2),
    /// IORING_REGISTER_IOWQ_MAX_WORKERS. Defaults to 0.
    /// </summary>
    public int BoundedWorkers { get; set; } = LoopOptionsModule.standard.BoundedWorkers;

    /// <summary>
    /// At most so many kernel threads for operations on sockets, pipes and the like that have to block; 0 leaves the
    /// kernel's own limit, which is tens of thousands. Linux 5.15; older kernels ignore it. Defaults to 64.
    /// </summary>
    public int UnboundedWorkers { get; set; } = LoopOptionsModule.standard.UnboundedWorkers;

    /// <summary>
    /// The processors that these threads may run on, by number; none: any. Helps when other processors are reserved; hurts
    /// when the few become busy. Linux 5.14; see man io_uring_register(2), IORING_REGISTER_IOWQ_AFF. Defaults to none.
    /// </summary>
    public IReadOnlyList<int> WorkerProcessors { get; set; } = [];

    /// <summary>
    /// Slots of the ring's own descriptor table, for <see cref="UringListener.AcceptAllDirectAsync"/>; at most RLIMIT_NOFILE.
    /// 0 makes no table. Linux 5.19; see man io_uring_registered_files(7). Defaults to 0.
    /// </summary>
    public int DirectDescriptors { get; set; } = LoopOptionsModule.standard.DirectDescriptors;

    /// <summary>
    /// So many of <see cref="DirectDescriptors"/>, from the first on, are yours to fill and to empty
    /// (<see cref="Ring.GetSlot"/>): the kernel puts nothing there by itself. Their numbers are known beforehand, so that one
    /// chain can open a file, work on it and close it. Linux 6.0; see man io_uring_register_file_alloc_range(3).
    /// Defaults to 0.
    /// </summary>
    public int ReservedDescriptors { get; set; } = LoopOptionsModule.standard.ReservedDescriptors;

    /// <summary>
    /// Slots of the ring's table of registered buffers, which is made for the first of them: 1 to 16384. A slot costs the kernel
    /// eight bytes. Linux 5.19; see man io_uring_registered_buffers(7). Defaults to 1024.
    /// </summary>
    public int RegisteredBuffers { get; set; } = LoopOptionsModule.standard.RegisteredBuffers;

    /// <summary>
    /// How often a ring with nothing to do looks for results before its thread sleeps, about 150 ns each: to sleep and be
    /// woken costs tens of microseconds, which a request and its answer on few connections would pay each time. A ring that
    /// has looked in vain looks less often, down to one wait of 64. 0 sleeps at once. Defaults to 300.
    /// </summary>
    public int Looks { get; set; } = LoopOptionsModule.standard.Looks;

    /// <summary>The name of the ring's thread, for debuggers and <c>top -H</c>. Defaults to "uring".</summary>
    public string Name { get; set; } = "uring";
}
