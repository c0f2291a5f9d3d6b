// Decides when a stream of the core is opened, and what ends it: each enumeration has one of its own, opened by the first step.
using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;

namespace Uring;

/// <summary>Ends with either of two tokens: the one of the call, and the one of the loop.</summary>
internal abstract class StreamEnumerable<T>(CancellationToken cancellationToken) : IAsyncEnumerable<T>
{
    public IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken other = default)
    {
        if (!other.CanBeCanceled || other == cancellationToken)
        {
            return Enumerate(cancellationToken, null);
        }

        if (!cancellationToken.CanBeCanceled)
        {
            return Enumerate(other, null);
        }

        var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, other);
        return Enumerate(both.Token, both);
    }

    /// <summary>A new enumeration, which disposes of <paramref name="source"/> in the end.</summary>
    protected abstract IAsyncEnumerator<T> Enumerate(CancellationToken token, CancellationTokenSource? source);
}

/// <summary>One enumeration.</summary>
internal abstract class StreamEnumerator<T>(
    Func<CancellationToken, ValueTask<Stream>> open,
    CancellationToken cancellationToken,
    CancellationTokenSource? source) : IAsyncEnumerator<T>
{
    private Stream? stream;

    public abstract T Current { get; }

    /// <summary>Null before the first step.</summary>
    protected Stream? Opened => stream;

    public abstract ValueTask<bool> MoveNextAsync();

    public ValueTask DisposeAsync()
    {
        source?.Dispose();
        return stream?.Abandon() ?? ValueTask.CompletedTask;
    }

    protected ValueTask<bool> NextAsync() => stream is null ? OpenAsync() : stream.MoveNext();

    private async ValueTask<bool> OpenAsync()
    {
        cancellationToken.ThrowIfCancellationRequested();
        stream = await open(cancellationToken).ConfigureAwait(Ending.OnLoop);
        return await stream.MoveNext().ConfigureAwait(Ending.OnLoop);
    }
}
