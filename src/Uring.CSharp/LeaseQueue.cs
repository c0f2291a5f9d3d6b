// The core's queue of leases (Api/LeaseQueue.fs) under the facade's namespace.
using System;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;

namespace Uring;

/// <summary>
/// Leases that are sent on one socket, in order and each from where it lies, while their sender goes on: the fastest way to
/// answer. Made by <see cref="UringSocket.CreateLeaseQueue"/>. While it exists nobody else may send on the socket. From any
/// thread. To copy bytes from elsewhere: <see cref="SendQueue"/>.
/// </summary>
public sealed class LeaseQueue : IAsyncDisposable, IDisposable
{
    private readonly FSharp.LeaseQueue core;
    // The core's own: at hand, without a look into another object at each message.
    private readonly LeaseLine line;

    internal LeaseQueue(FSharp.LeaseQueue core)
    {
        this.core = core;
        line = core.Line;
    }

    /// <summary>Leases that were handed on and not yet sent. A snapshot.</summary>
    public int Unsent => core.Unsent;

    /// <summary>
    /// As <see cref="SendAsync"/>, if that would end at once: there is room, this is the ring's thread, and the connection has
    /// not failed as far as is known. Costs the least.
    /// </summary>
    /// <param name="lease">Yours still when the answer is false; else not to be used after this.</param>
    /// <exception cref="ObjectDisposedException">The lease, the queue or its ring was disposed of.</exception>
    public bool TrySend(BufferLease lease) => line.TryOffer(lease.Core) || core.Refused();

    /// <summary>
    /// Hands a lease on: all of its bytes are sent behind those that were handed on before, and its buffer goes back when they
    /// have been, or when that failed. Ends at once, unless more leases than the limit are in the queue. Allocates nothing
    /// then on the ring's thread.
    /// </summary>
    /// <param name="lease">Not to be used after this.</param>
    /// <param name="cancellationToken">
    /// Looked at before the lease is handed on; gives it back then. Later it ends the wait alone: the lease is on its way.
    /// </param>
    /// <exception cref="System.Net.Sockets.SocketException">The connection has failed, perhaps with an earlier lease.</exception>
    /// <exception cref="ObjectDisposedException">The lease, the queue, the socket or its ring was disposed of.</exception>
    public ValueTask SendAsync(BufferLease lease, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            lease.Dispose();
            return ValueTask.FromCanceled(cancellationToken);
        }

        return Ending.Within(core.Send(lease.Core), cancellationToken);
    }

    /// <summary>Ends when all that was handed on before has been sent.</summary>
    /// <param name="cancellationToken">Ends the wait; sending goes on.</param>
    /// <exception cref="System.Net.Sockets.SocketException">The connection has failed.</exception>
    /// <exception cref="ObjectDisposedException">The queue, the socket or its ring was disposed of.</exception>
    public ValueTask FlushAsync(CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled(cancellationToken)
            : Ending.Within(core.Flush(), cancellationToken);

    /// <summary>
    /// Drops what was not sent (see <see cref="FlushAsync"/>) and ends when the kernel has let go of it.
    /// </summary>
    public ValueTask DisposeAsync() => ((IAsyncDisposable)core).DisposeAsync();

    /// <summary>Begins what <see cref="DisposeAsync"/> does and returns at once; the ring finishes it.</summary>
    public void Dispose() => _ = DisposeAsync().AsTask();
}
