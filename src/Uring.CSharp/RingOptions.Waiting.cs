// How a ring waits, and what it is told while it does.
using System;
using System.Runtime.InteropServices;
using Uring.Driver;

namespace Uring;

public sealed partial class RingOptions
{
    /// <summary>
    /// A ring that sleeps wakes for so many results at once, or for fewer when <see cref="MinimumWait"/> is over. Helps
    /// throughput when many small results come close together, since each wake does more; hurts the latency of each.
    /// Linux 6.12; older kernels wake for each. More than 1 needs a <see cref="MinimumWait"/>. Defaults to 1.
    /// </summary>
    public int WaitFor { get; set; } = LoopOptionsModule.standard.WaitFor;

    /// <summary>
    /// How long a ring waits for <see cref="WaitFor"/> results before one is enough, to the microsecond; work from other
    /// threads waits as long. Linux 6.12. See man io_uring_enter(2), min_wait_usec. Defaults to no time.
    /// </summary>
    public TimeSpan MinimumWait { get; set; }

    /// <summary>
    /// Waiting for results does not count as waiting for a disk: <c>top</c> shows an idle processor as idle, and the
    /// processor may save power. Hurts fast disks a little: a processor that counts as waiting is kept at speed.
    /// Linux 6.15; older kernels ignore it. See man io_uring_enter(2), IORING_ENTER_NO_IOWAIT. Defaults to false.
    /// </summary>
    public bool NoIoWait { get; set; }

    /// <summary>
    /// The ring's thread names the ring by a table of its own, which saves a lookup (about 45 of 245 ns) at each call of the
    /// kernel. Turn it off where a sandbox forbids IORING_REGISTER_RING_FDS and logs it. Linux 5.18; older kernels go
    /// without. See man io_uring_register(2). Defaults to true.
    /// </summary>
    public bool RegistersRing { get; set; } = LoopOptionsModule.standard.RegistersRing;

    /// <summary>
    /// How long a ring that waits for sockets polls their devices (NAPI) instead of waiting for interrupts, to the
    /// microsecond. Helps latency on a network card with a processor to spare; hurts every other load, and does nothing for
    /// loopback. Linux 6.9; see man io_uring_register_napi(3). Defaults to no time.
    /// </summary>
    public TimeSpan BusyPolling { get; set; }

    /// <summary>With <see cref="BusyPolling"/>: devices keep their interrupts back meanwhile. Defaults to false.</summary>
    public bool PrefersBusyPolling { get; set; }

    /// <summary>
    /// The clock of the ring's own bounded waits: <see cref="Clock.Monotonic"/> or <see cref="Clock.BootTime"/>, which goes on
    /// while the machine is suspended. Timers have clocks of their own. Linux 6.12; see man io_uring_register(2),
    /// IORING_REGISTER_CLOCK. Defaults to Monotonic.
    /// </summary>
    public Clock WaitClock { get; set; }

    /// <summary>
    /// A descriptor of eventfd(2) that is signalled when results come, so that an epoll of somebody else's can watch the
    /// ring; the ring takes them itself. Costs a write for each batch of results. Read when the ring is made. See
    /// man io_uring_register_eventfd(3). Defaults to none.
    /// </summary>
    public SafeHandle? EventDescriptor { get; set; }
}
