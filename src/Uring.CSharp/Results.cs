// A stream of the core as an async enumerable. No iterator: an item costs no more than the core's own wait.
using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;

namespace Uring;

/// <summary>Each enumeration opens a stream of its own, and says when it has left it.</summary>
internal sealed class Results<T>(
    Func<CancellationToken, ValueTask<Stream>> open,
    Func<StreamItem, T> take,
    CancellationToken cancellationToken,
    Action? left = null) : IAsyncEnumerable<T>
{
    public IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken other = default) =>
        new Enumerator(open, take, EitherToken.Of(cancellationToken, other), left);

    private sealed class Enumerator(
        Func<CancellationToken, ValueTask<Stream>> open,
        Func<StreamItem, T> take,
        EitherToken ending,
        Action? left) : StreamEnumerator<T>(open, ending, left)
    {
        private T current = default!;
        private bool taken;

        /// <summary>Taken when it is asked for, and once: for some streams it is a new object.</summary>
        public override T Current
        {
            get
            {
                if (!taken && Opened is { } stream)
                {
                    taken = true;
                    current = take(stream.Take());
                }

                return current;
            }
        }

        public override ValueTask<bool> MoveNextAsync()
        {
            taken = false;
            // Dropped by its consumer, it can be collected while this waits.
            current = default!;
            return NextAsync();
        }
    }
}
