// Signals to this process as an async stream: wraps Api/Signals.fs.
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

/// <summary>
/// Signals to this process, by way of .NET's own handlers (<see cref="PosixSignalRegistration"/>), which go on working for
/// others. Awaited on a ring's thread, it resumes there.
/// </summary>
/// <remarks>
/// From the constructor on nothing is lost: what comes while nobody waits is told later. As with signals themselves, one that
/// comes several times before it is told is told once. Until this is disposed of, what the signal does otherwise is left
/// out: SIGINT, SIGTERM, SIGQUIT and SIGHUP do not end the process.
/// </remarks>
public sealed class UringSignals : IAsyncEnumerable<PosixSignal>, IAsyncDisposable, IDisposable
{
    private readonly SignalListener listener;
    private bool isClosed;

    /// <summary>Listens from now on.</summary>
    /// <param name="signals">
    /// For which; others than .NET has names for by their number, as <c>(PosixSignal)10</c>, SIGUSR1.
    /// </param>
    /// <exception cref="ArgumentException">
    /// <paramref name="signals"/> is empty, or has SIGKILL or SIGSTOP, for which nobody can listen, or a fault such as
    /// SIGSEGV, which is the runtime's.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">One of them is no signal.</exception>
    public UringSignals(params PosixSignal[] signals)
    {
        ArgumentNullException.ThrowIfNull(signals);
        listener = Signals.listener(signals);
    }

    /// <summary>Waits for the next signal.</summary>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ObjectDisposedException">It was disposed of.</exception>
    public async ValueTask<PosixSignal> NextAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(isClosed, this);
        return await listener.Next(cancellationToken).ConfigureAwait(Ending.OnLoop);
    }

    /// <summary>All signals, one after another, until cancelled. Each is told once.</summary>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ObjectDisposedException">It was disposed of.</exception>
    public IAsyncEnumerator<PosixSignal> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(isClosed, this);
        return SignalsAsync(cancellationToken);
    }

    /// <summary>Listens no more: the signals do again what they did before. Disposing again does nothing.</summary>
    public void Dispose()
    {
        isClosed = true;
        ((IDisposable)listener).Dispose();
    }

    /// <summary>The same as <see cref="Dispose"/>: there is nothing to wait for.</summary>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    private async IAsyncEnumerator<PosixSignal> SignalsAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            yield return await NextAsync(cancellationToken).ConfigureAwait(Ending.OnLoop);
        }
    }
}
