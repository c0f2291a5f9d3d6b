// Runs ordinary async code on the ring's own thread.
using System;
using System.Threading;
using System.Threading.Tasks;

namespace Uring;

public sealed partial class Ring
{
    /// <summary>
    /// Runs an async program on the ring's own thread. Its awaits resume there, without locks or hops, so what it shares
    /// with other programs on the same ring needs no lock; and it must not block, since nothing else runs meanwhile.
    /// </summary>
    /// <param name="program">What to run.</param>
    /// <param name="cancellationToken">Looked at before the program starts; pass it on to the operations inside.</param>
    /// <returns>Ends as the program ends, on the caller's side of the fence: its continuations leave the ring alone.</returns>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public Task RunAsync(Func<ValueTask> program, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(program);

        return RunAsync(
            async () =>
            {
                await program();
                return true;
            },
            cancellationToken);
    }

    /// <summary>As <see cref="RunAsync(Func{ValueTask}, CancellationToken)"/>, with a result.</summary>
    /// <typeparam name="T">What the program returns.</typeparam>
    /// <param name="program">What to run.</param>
    /// <param name="cancellationToken">Looked at before the program starts; pass it on to the operations inside.</param>
    /// <returns>The program's result.</returns>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public Task<T> RunAsync<T>(Func<ValueTask<T>> program, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(program);
        ObjectDisposedException.ThrowIf(Loop.IsStopping, this);

        var ended = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Loop.Post(_ => _ = DriveAsync(program, ended, cancellationToken), null);
        return ended.Task;
    }

    private async Task DriveAsync<T>(
        Func<ValueTask<T>> program,
        TaskCompletionSource<T> ended,
        CancellationToken cancellationToken)
    {
        try
        {
            // The ring may have ended before it came to this; then it runs elsewhere.
            ObjectDisposedException.ThrowIf(!ReferenceEquals(Driver.Loop.Current, Loop), this);
            cancellationToken.ThrowIfCancellationRequested();
            ended.SetResult(await program());
        }
        catch (OperationCanceledException reason)
        {
            ended.SetCanceled(reason.CancellationToken);
        }
        catch (Exception reason)
        {
            ended.SetException(reason);
        }
    }
}
