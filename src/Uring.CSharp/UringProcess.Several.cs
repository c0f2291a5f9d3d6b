// Waits for one of several children, or looks without waiting, and signals many: wraps Api/Child.fs.
using System;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;
using Uring.Model;

namespace Uring;

public static partial class UringProcess
{
    /// <summary>
    /// Waits until something happens to any child of this process, those of <see cref="Process"/> among them. See
    /// man io_uring_prep_waitid(3), P_ALL.
    /// </summary>
    /// <param name="events">What to wait for.</param>
    /// <param name="reap">
    /// Takes note of it: a child that has ended is gone then. Without it the next to wait is told of the same child. In a
    /// process that uses <see cref="Process"/> this takes away what .NET wants to reap itself.
    /// </param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>What has happened, and to whom.</returns>
    /// <exception cref="ArgumentException"><paramref name="events"/> is empty, or not known to the kernel.</exception>
    /// <exception cref="IOException">There is no child: HResult is ECHILD (10).</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than 6.7.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public static ValueTask<ChildStatus> WaitAnyAsync(
        ChildEvents events = ChildEvents.Exited,
        bool reap = false,
        Ring? ring = null,
        CancellationToken cancellationToken = default) =>
        WaitAsync(Ring.LoopFor(ring), OpFlags.WaitAll, 0, events, Options(reap), cancellationToken);

    /// <summary>
    /// Waits until something happens to any child of a process group. See man io_uring_prep_waitid(3), P_PGID.
    /// </summary>
    /// <param name="group">The group's number; 0 is this process's own.</param>
    /// <param name="events">What to wait for.</param>
    /// <param name="reap">As for <see cref="WaitAnyAsync"/>.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>What has happened, and to whom.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="group"/> is negative.</exception>
    /// <exception cref="ArgumentException"><paramref name="events"/> is empty, or not known to the kernel.</exception>
    /// <exception cref="IOException">The group has no child of this process: HResult is ECHILD (10).</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than 6.7.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public static ValueTask<ChildStatus> WaitGroupAsync(
        int group,
        ChildEvents events = ChildEvents.Exited,
        bool reap = false,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(group);
        return WaitAsync(Ring.LoopFor(ring), OpFlags.WaitGroup, group, events, Options(reap), cancellationToken);
    }

    /// <summary>
    /// Looks whether something has happened to a child, and does not wait. See man waitid(2), WNOHANG.
    /// </summary>
    /// <param name="id">Its process id.</param>
    /// <param name="events">What to look for.</param>
    /// <param name="reap">As for <see cref="WaitAsync(int, ChildEvents, bool, Ring, CancellationToken)"/>.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Looked at before the kernel is asked.</param>
    /// <returns>What has happened; null when nothing has.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="id"/> is not positive.</exception>
    /// <exception cref="ArgumentException"><paramref name="events"/> is empty, or not known to the kernel.</exception>
    /// <exception cref="IOException">It is no child of this process, or was reaped: HResult is ECHILD (10).</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than 6.7.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public static ValueTask<ChildStatus?> TryWaitAsync(
        int id,
        ChildEvents events = ChildEvents.Exited,
        bool reap = false,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(id);
        return LookAsync(Ring.LoopFor(ring), OpFlags.WaitProcess, id, events, reap, cancellationToken);
    }

    /// <summary>
    /// Looks whether something has happened to any child, and does not wait. See man waitid(2), P_ALL and WNOHANG.
    /// </summary>
    /// <param name="events">What to look for.</param>
    /// <param name="reap">As for <see cref="WaitAnyAsync"/>.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Looked at before the kernel is asked.</param>
    /// <returns>What has happened, and to whom; null when nothing has.</returns>
    /// <exception cref="ArgumentException"><paramref name="events"/> is empty, or not known to the kernel.</exception>
    /// <exception cref="IOException">There is no child: HResult is ECHILD (10).</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than 6.7.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public static ValueTask<ChildStatus?> TryWaitAnyAsync(
        ChildEvents events = ChildEvents.Exited,
        bool reap = false,
        Ring? ring = null,
        CancellationToken cancellationToken = default) =>
        LookAsync(Ring.LoopFor(ring), OpFlags.WaitAll, 0, events, reap, cancellationToken);

    /// <summary>
    /// Looks whether something has happened to any child of a process group, and does not wait. See man waitid(2), P_PGID
    /// and WNOHANG.
    /// </summary>
    /// <param name="group">The group's number; 0 is this process's own.</param>
    /// <param name="events">What to look for.</param>
    /// <param name="reap">As for <see cref="WaitAnyAsync"/>.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Looked at before the kernel is asked.</param>
    /// <returns>What has happened, and to whom; null when nothing has.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="group"/> is negative.</exception>
    /// <exception cref="ArgumentException"><paramref name="events"/> is empty, or not known to the kernel.</exception>
    /// <exception cref="IOException">The group has no child of this process: HResult is ECHILD (10).</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than 6.7.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public static ValueTask<ChildStatus?> TryWaitGroupAsync(
        int group,
        ChildEvents events = ChildEvents.Exited,
        bool reap = false,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(group);
        return LookAsync(Ring.LoopFor(ring), OpFlags.WaitGroup, group, events, reap, cancellationToken);
    }

    /// <summary>Sends a signal to every process of a group. See man kill(2).</summary>
    /// <param name="group">The group's number; 0 is this process's own.</param>
    /// <param name="signal">Which; others than .NET has names for by their number, as <c>(PosixSignal)9</c>.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="group"/> is negative, or <paramref name="signal"/> is none.
    /// </exception>
    /// <exception cref="ArgumentException">
    /// <paramref name="group"/> is 1, which kill(2) has no way to name.
    /// </exception>
    /// <exception cref="IOException">Nobody is in it: HResult is ESRCH (3).</exception>
    /// <exception cref="UnauthorizedAccessException">Nobody in it is this user's.</exception>
    public static void SignalGroup(int group, PosixSignal signal) => Child.signalGroup(group, signal);

    /// <summary>
    /// Sends a signal to every process that this one may signal, but itself and process 1: inside a container its last
    /// resort, outside of one the whole session and more. See man kill(2).
    /// </summary>
    /// <param name="signal">Which; others than .NET has names for by their number, as <c>(PosixSignal)9</c>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="signal"/> is none.</exception>
    /// <exception cref="IOException">There is nobody else: HResult is ESRCH (3).</exception>
    public static void SignalAll(PosixSignal signal) => Child.signalAll(signal);

    private static async ValueTask<ChildStatus?> LookAsync(
        Loop loop,
        uint kind,
        int id,
        ChildEvents events,
        bool reap,
        CancellationToken cancellationToken)
    {
        var info = Child.room();
        var options = Options(reap) | OpFlags.WaitNever;
        var request = Child.request(kind, id, (FSharp.ChildEvents)events.Checked(), options, info);
        _ = await loop.Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
        return Child.hasHappened(info) ? ChildStatus.Of(info) : null;
    }
}
