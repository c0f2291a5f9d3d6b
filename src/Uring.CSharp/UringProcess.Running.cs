// Runs programs, and sends signals to processes: wraps Api/Child.fs.
using System;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Win32.SafeHandles;
using Uring.FSharp;

namespace Uring;

public static partial class UringProcess
{
    /// <summary>
    /// Runs a program from its start to its end. What is redirected of its output is read by the ring; standard input, if
    /// redirected, is empty. When .NET reaps it before the kernel was asked, and before Linux 6.7, its exit code is .NET's:
    /// 128 + n after signal n.
    /// </summary>
    /// <param name="start">What to start.</param>
    /// <param name="ring">
    /// Where it reads and waits; without one, on the ring on whose thread this runs, else on <see cref="Ring.Default"/>.
    /// </param>
    /// <param name="cancellationToken">
    /// Kills it (SIGKILL; not the processes that it has started), waits for its end, and ends with an
    /// <see cref="OperationCanceledException"/>.
    /// </param>
    /// <exception cref="InvalidOperationException"><paramref name="start"/> names no program.</exception>
    /// <exception cref="System.ComponentModel.Win32Exception">It cannot be started.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public static async ValueTask<ProcessOutcome> RunAsync(
        ProcessStartInfo start,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(start);
        var loop = Ring.LoopFor(ring);
        ObjectDisposedException.ThrowIf(loop.IsStopping, typeof(Ring));
        var outcome = await Child.runOn(loop, start, cancellationToken).ConfigureAwait(Ending.OnLoop);

        return new ProcessOutcome
        {
            Status = ChildStatus.Of(outcome.Status),
            Output = outcome.Output,
            Error = outcome.Error,
        };
    }

    /// <summary>
    /// Opens a descriptor of a process, any process: its number can be given to another one, this cannot. Needs Linux 5.3. See
    /// man pidfd_open(2).
    /// </summary>
    /// <param name="id">Its process id.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="id"/> is not positive.</exception>
    /// <exception cref="IOException">There is no such process: HResult is ESRCH (3).</exception>
    public static SafeFileHandle Open(int id) => Child.openProcess(id);

    /// <summary>Sends a signal by a descriptor of the process. See man pidfd_send_signal(2).</summary>
    /// <param name="child">The descriptor.</param>
    /// <param name="signal">Which; others than .NET has names for by their number, as <c>(PosixSignal)9</c>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="signal"/> is none.</exception>
    /// <exception cref="IOException">The process has ended: HResult is ESRCH (3).</exception>
    /// <exception cref="UnauthorizedAccessException">It is somebody else's.</exception>
    /// <exception cref="ObjectDisposedException">The handle was disposed of, or it is no descriptor of a process.</exception>
    public static void Signal(SafeHandle child, PosixSignal signal)
    {
        ArgumentNullException.ThrowIfNull(child);
        Child.signal(child, signal);
    }

    /// <summary>
    /// Sends a signal to a child of <see cref="Process"/>, and to nobody else: not to another process that has got its
    /// number meanwhile. See man pidfd_send_signal(2).
    /// </summary>
    /// <param name="process">A child that this object has started.</param>
    /// <param name="signal">Which; others than .NET has names for by their number, as <c>(PosixSignal)9</c>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="signal"/> is none.</exception>
    /// <exception cref="InvalidOperationException">It has ended.</exception>
    public static void Signal(Process process, PosixSignal signal)
    {
        ArgumentNullException.ThrowIfNull(process);
        Child.signalProcess(process, signal);
    }
}
