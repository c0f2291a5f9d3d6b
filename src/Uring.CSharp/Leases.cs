// A stream of received bytes as an async enumerable. The core's stream itself keeps the lease that was found last: copies of
// it on the way would cost more than all else here.
using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;

namespace Uring;

/// <summary>Each enumeration opens a stream of its own.</summary>
internal sealed class Leases(Func<CancellationToken, ValueTask<Stream>> open, CancellationToken cancellationToken)
    : StreamEnumerable<BufferLease>(cancellationToken)
{
    protected override IAsyncEnumerator<BufferLease> Enumerate(
        CancellationToken token,
        CancellationTokenSource? source) => new Enumerator(open, token, source);

    private sealed class Enumerator(
        Func<CancellationToken, ValueTask<Stream>> open,
        CancellationToken cancellationToken,
        CancellationTokenSource? source) : StreamEnumerator<BufferLease>(open, cancellationToken, source)
    {
        public override BufferLease Current => Opened is { } stream ? new BufferLease(stream.Lease) : default;

        public override ValueTask<bool> MoveNextAsync() => NextAsync();
    }
}
