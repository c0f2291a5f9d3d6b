// Waits for child processes: wraps Api/Child.fs.
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

/// <summary>
/// Waits for child processes: how they end, and when they are stopped or go on. Needs Linux 6.7. See man waitid(2).
/// </summary>
/// <remarks>
/// .NET reaps the children that <see cref="Process"/> has started as soon as they end. What waits here leaves a child as it
/// is, unless asked to reap it, so that .NET still can; but .NET can be quicker, and then the kernel knows no such child any
/// more (ECHILD). For children of <see cref="Process"/> there is <see cref="WaitAsync(Process, Ring, CancellationToken)"/>,
/// which asks .NET then. Stops and continues are never taken away by .NET.
/// </remarks>
public static partial class UringProcess
{
    /// <summary>Waits until something happens to a child. See man io_uring_prep_waitid(3), P_PID.</summary>
    /// <param name="id">Its process id.</param>
    /// <param name="events">What to wait for.</param>
    /// <param name="reap">
    /// Takes note of it: a child that has ended is gone then, and nobody is told again. Not for children of
    /// <see cref="Process"/>, which .NET reaps.
    /// </param>
    /// <param name="ring">
    /// Where it waits; without one, on the ring on whose thread this runs, else on <see cref="Ring.Default"/>.
    /// </param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>What has happened: the exit code, or the signal.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="id"/> is not positive.</exception>
    /// <exception cref="ArgumentException"><paramref name="events"/> is empty, or not known to the kernel.</exception>
    /// <exception cref="IOException">It is no child of this process, or was reaped: HResult is ECHILD (10).</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than 6.7.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public static ValueTask<ChildStatus> WaitAsync(
        int id,
        ChildEvents events = ChildEvents.Exited,
        bool reap = false,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(id);
        return WaitAsync(Ring.LoopFor(ring), OpFlags.WaitProcess, id, events, Options(reap), cancellationToken);
    }

    /// <summary>
    /// Waits until something happens to a child, by a descriptor of it (man pidfd_open(2)): the number of a process can be
    /// given to another one, a descriptor cannot. See man io_uring_prep_waitid(3), P_PIDFD.
    /// </summary>
    /// <param name="child">The descriptor. It is not closed before this ends, whoever disposes of it meanwhile.</param>
    /// <param name="events">What to wait for.</param>
    /// <param name="reap">As for <see cref="WaitAsync(int, ChildEvents, bool, Ring, CancellationToken)"/>.</param>
    /// <param name="ring">
    /// Where it waits; without one, on the ring on whose thread this runs, else on <see cref="Ring.Default"/>.
    /// </param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>What has happened: the exit code, or the signal.</returns>
    /// <exception cref="ArgumentException"><paramref name="events"/> is empty, or not known to the kernel.</exception>
    /// <exception cref="IOException">It is no child of this process, or was reaped: HResult is ECHILD (10).</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than 6.7.</exception>
    /// <exception cref="ObjectDisposedException">
    /// The handle or the ring was disposed of, or it is no descriptor of a process.
    /// </exception>
    public static async ValueTask<ChildStatus> WaitAsync(
        SafeHandle child,
        ChildEvents events = ChildEvents.Exited,
        bool reap = false,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(child);
        var descriptor = Poll.hold(child);

        try
        {
            var loop = Ring.LoopFor(ring);

            return await WaitAsync(loop, OpFlags.WaitDescriptor, descriptor, events, Options(reap), cancellationToken)
                .ConfigureAwait(Ending.OnLoop);
        }
        finally
        {
            child.DangerousRelease();
        }
    }

    /// <summary>
    /// Waits until a child that <see cref="Process"/> has started ends. When .NET has reaped it before the kernel was asked,
    /// its exit code is .NET's: after signal n that is 128 + n, as if it had exited with it.
    /// </summary>
    /// <param name="process">A child that this object has started.</param>
    /// <param name="ring">
    /// Where it waits; without one, on the ring on whose thread this runs, else on <see cref="Ring.Default"/>.
    /// </param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>What has happened: the exit code, or the signal.</returns>
    /// <exception cref="InvalidOperationException"><paramref name="process"/> has started no child.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than 6.7.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public static async ValueTask<ChildStatus> WaitAsync(
        Process process,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(process);
        var id = process.Id;

        try
        {
            return await WaitAsync(id, ChildEvents.Exited, false, ring, cancellationToken).ConfigureAwait(Ending.OnLoop);
        }
        catch (IOException reason) when (reason.HResult == (int)Errno.ECHILD)
        {
            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(Ending.OnLoop);
            return ChildStatus.Of(id, ChildChange.Exited, process.ExitCode);
        }
    }

    private static async ValueTask<ChildStatus> WaitAsync(
        Loop loop,
        uint kind,
        int id,
        ChildEvents events,
        uint options,
        CancellationToken cancellationToken)
    {
        var info = Child.room();
        var request = Child.request(kind, id, (FSharp.ChildEvents)events.Checked(), options, info);
        _ = await loop.Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
        return ChildStatus.Of(info);
    }

    private static uint Options(bool reap) => reap ? 0 : OpFlags.WaitKeep;
}
