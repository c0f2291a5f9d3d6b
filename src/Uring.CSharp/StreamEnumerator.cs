// Decides when a stream of the core is opened, and what ends it: each enumeration has one of its own, opened by the first step.
using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;

namespace Uring;

/// <summary>One enumeration.</summary>
internal abstract class StreamEnumerator<T>(
    Func<CancellationToken, ValueTask<Stream>> open,
    EitherToken ending,
    Action? left = null)
    : IAsyncEnumerator<T>
{
    private bool isLeft;

    public abstract T Current { get; }

    /// <summary>Null before the first step.</summary>
    internal Stream? Opened { get; private set; }

    public abstract ValueTask<bool> MoveNextAsync();

    public ValueTask DisposeAsync()
    {
        ending.Source?.Dispose();
        return left is null ? Opened?.Abandon() ?? ValueTask.CompletedTask : LeaveAsync(left);
    }

    protected ValueTask<bool> NextAsync() => Opened is null ? OpenAsync() : Opened.MoveNext();

    /// <summary>Once, and only if there was something to leave.</summary>
    private async ValueTask LeaveAsync(Action left)
    {
        if (Opened is { } opened && !isLeft)
        {
            isLeft = true;
            await opened.Abandon().ConfigureAwait(Ending.OnLoop);
            left();
        }
    }

    private async ValueTask<bool> OpenAsync()
    {
        ending.Token.ThrowIfCancellationRequested();
        Opened = await open(ending.Token).ConfigureAwait(Ending.OnLoop);
        return await Opened.MoveNext().ConfigureAwait(Ending.OnLoop);
    }
}
