// A stream of the core as an async enumerable. No iterator: an item costs no more than the core's own wait.
using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;

namespace Uring;

/// <summary>Each enumeration opens a stream of its own.</summary>
internal sealed class Results<T>(
    Func<CancellationToken, ValueTask<Stream>> open,
    Func<StreamItem, T> take,
    CancellationToken cancellationToken) : IAsyncEnumerable<T>
{
    public IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken other = default)
    {
        if (!other.CanBeCanceled || other == cancellationToken)
        {
            return new Enumerator(open, take, cancellationToken, null);
        }

        if (!cancellationToken.CanBeCanceled)
        {
            return new Enumerator(open, take, other, null);
        }

        var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, other);
        return new Enumerator(open, take, both.Token, both);
    }

    private sealed class Enumerator(
        Func<CancellationToken, ValueTask<Stream>> open,
        Func<StreamItem, T> take,
        CancellationToken cancellationToken,
        CancellationTokenSource? source) : IAsyncEnumerator<T>
    {
        private Stream? stream;
        private T current = default!;
        private bool taken;

        /// <summary>Taken when it is asked for, and once: for some streams it is a new object.</summary>
        public T Current
        {
            get
            {
                if (!taken && stream is not null)
                {
                    taken = true;
                    current = take(stream.Take());
                }

                return current;
            }
        }

        public ValueTask<bool> MoveNextAsync()
        {
            taken = false;
            // Dropped by its consumer, it can be collected while this waits.
            current = default!;
            return stream is null ? OpenAsync() : stream.MoveNext();
        }

        private async ValueTask<bool> OpenAsync()
        {
            cancellationToken.ThrowIfCancellationRequested();
            stream = await open(cancellationToken).ConfigureAwait(Ending.OnLoop);
            return await stream.MoveNext().ConfigureAwait(Ending.OnLoop);
        }

        public ValueTask DisposeAsync()
        {
            source?.Dispose();
            return stream?.Abandon() ?? ValueTask.CompletedTask;
        }
    }
}
