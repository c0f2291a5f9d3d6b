// Sending without a copy: leases handed on, and queues. Zero copy: UringSocket.ZeroCopy.cs.
using System;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringSocket
{
    /// <summary>
    /// Sends all bytes of a lease without a copy, and gives its buffer back: the lease is handed on. It is given back in
    /// any case, also when sending fails. Allocates nothing on the ring's thread.
    /// </summary>
    /// <param name="lease">Not to be used after this.</param>
    /// <param name="cancellationToken">Asks for its end; part of the bytes may have been sent.</param>
    /// <exception cref="SocketException">The peer is gone (ConnectionReset, Shutdown).</exception>
    /// <exception cref="ObjectDisposedException">The lease, the socket or its ring was disposed of.</exception>
    public ValueTask SendAllAsync(BufferLease lease, CancellationToken cancellationToken = default)
    {
        if (!loop.IsCurrent)
        {
            return SendElsewhereAsync(lease, cancellationToken);
        }

        var length = lease.Length;

        if (IsClosed || length == 0 || cancellationToken.IsCancellationRequested)
        {
            lease.Dispose();
            ThrowIfClosed();

            return cancellationToken.IsCancellationRequested
                ? ValueTask.FromCanceled(cancellationToken)
                : ValueTask.CompletedTask;
        }

        // Handed on: the lease is done, and the buffer goes back when the operation has ended.
        var request = SocketRequest.sendPinned(descriptor, length);
        return loop.StartPinned(in request, lease.Core.Pass(), cancellationToken);
    }

    private async ValueTask SendElsewhereAsync(BufferLease lease, CancellationToken cancellationToken)
    {
        using (lease)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await SendAllAsync(lease.Memory, cancellationToken).ConfigureAwait(Ending.OnLoop);
        }
    }

    /// <summary>
    /// Makes a queue in front of the socket: for many small messages from many places, in order, with few submissions.
    /// See man io_uring_prep_send(3), IORING_RECVSEND_BUNDLE.
    /// </summary>
    /// <param name="count">Number of buffers, 1 to 32768.</param>
    /// <param name="bufferSize">Bytes in each.</param>
    /// <param name="cancellationToken">Looked at before the queue is made.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is out of its range.</exception>
    /// <exception cref="UringUnavailableException">The kernel has no room for it (RLIMIT_MEMLOCK).</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<SendQueue> CreateSendQueueAsync(
        int count = 16,
        int bufferSize = 16384,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 32768);
        ArgumentOutOfRangeException.ThrowIfLessThan(bufferSize, 1);
        ThrowIfClosed();
        cancellationToken.ThrowIfCancellationRequested();
        return MakeQueueAsync(count, bufferSize);
    }

    /// <summary>
    /// Makes a queue of leases in front of the socket: each is sent from where it lies, while their sender goes on.
    /// </summary>
    /// <param name="limit">A sender waits while more leases than these are in the queue; at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="limit"/> is less than 1.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public LeaseQueue CreateLeaseQueue(int limit = 16)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ThrowIfClosed();
        return new LeaseQueue(FSharp.LeaseQueue.Create(loop, descriptor, limit));
    }

    private async ValueTask<SendQueue> MakeQueueAsync(int count, int bufferSize) =>
        new(await FSharp.SendQueue.Create(loop, descriptor, count, bufferSize).ConfigureAwait(Ending.OnLoop));

    /// <summary>
    /// Drops the connection at once, with what it has not sent; the peer sees a reset. The socket has to be disposed of as
    /// well. See man connect(2), AF_UNSPEC.
    /// </summary>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask AbortAsync(CancellationToken cancellationToken = default) =>
        StartEffect(SocketRequest.abort(descriptor), cancellationToken);
}
