// What a socket tells again and again: received bytes, messages, readiness.
using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;
using Uring.Model;
using CoreEvents = Uring.Model.PollEvents;

namespace Uring;

public sealed partial class UringSocket
{
    /// <summary>
    /// Receives until the peer has finished, with one submission, into the buffers that all connections of the ring share.
    /// See <see cref="ReceiveAllAsync(BufferPool, CancellationToken)"/>.
    /// </summary>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>What came, in order. Leaving the loop gives back what was not looked at, and waits until
    /// no more is taken.</returns>
    /// <exception cref="SocketException">The connection broke (ConnectionReset, TimedOut).</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public LeaseStream ReceiveAllAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();

        return new LeaseStream(
            async token => Open(await loop.Call(() => loop.Pools.Shared).ConfigureAwait(Ending.OnLoop), token),
            cancellationToken);
    }

    /// <summary>
    /// Receives until the peer has finished, with one submission; the kernel takes a buffer of the pool only when data is
    /// there. Dispose of each lease to give its buffer back: while none is left, receiving waits. A consumer that is slow
    /// makes it pause (<see cref="BufferPoolOptions.PerStream"/>). One at a time; it cannot be mixed with
    /// <see cref="ReceiveAsync(Memory{byte}, CancellationToken)"/>. Linux 6.0, older kernels receive one by one; see
    /// man io_uring_prep_recv_multishot(3).
    /// </summary>
    /// <param name="pool">Of the socket's ring.</param>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>What came, in order. Leaving the loop gives back what was not looked at, and waits until
    /// no more is taken.</returns>
    /// <exception cref="ArgumentException"><paramref name="pool"/> belongs to another ring.</exception>
    /// <exception cref="SocketException">The connection broke (ConnectionReset, TimedOut).</exception>
    /// <exception cref="ObjectDisposedException">The socket, the pool or the ring was disposed of.</exception>
    public LeaseStream ReceiveAllAsync(
        BufferPool pool,
        CancellationToken cancellationToken = default)
    {
        ThrowUnlessOurs(pool);

        return new LeaseStream(
            token => ValueTask.FromResult(Open(pool.Core, token)),
            cancellationToken);
    }

    /// <summary>
    /// Makes a socket for datagrams (UDP, or a Unix domain socket) and binds it. Linux 5.19; before 6.11 it
    /// binds by a system call on the ring's thread. See man bind(2).
    /// </summary>
    /// <param name="endPoint">
    /// An <see cref="System.Net.IPEndPoint"/>, whose port may be 0 for a free one, or a
    /// <see cref="UnixDomainSocketEndPoint"/>.
    /// </param>
    /// <param name="ring">
    /// Where its operations go; without one, to the ring on whose thread this runs, else to <see cref="Ring.Default"/>.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException"><paramref name="endPoint"/> is a name: resolve it first.</exception>
    /// <exception cref="SocketException">AddressAlreadyInUse, AddressNotAvailable or AccessDenied.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public static ValueTask<UringSocket> BindAsync(
        EndPoint endPoint,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        SocketMaking.Check(endPoint);
        return BindAsync(Ring.LoopFor(ring), endPoint, cancellationToken);
    }

    private static async ValueTask<UringSocket> BindAsync(
        Loop loop,
        EndPoint endPoint,
        CancellationToken cancellationToken) =>
        new(loop, await SocketMaking.BindAsync(new(loop), endPoint, cancellationToken).ConfigureAwait(Ending.OnLoop));

    /// <summary>
    /// Receives datagrams until cancelled. Each comes with its
    /// sender and with control data, in a buffer of the pool, which holds 16 bytes and both rooms before the payload.
    /// Linux 6.0; see man io_uring_prep_recvmsg_multishot(3).
    /// </summary>
    /// <param name="pool">Of the socket's ring, not incremental.</param>
    /// <param name="controlRoom">Bytes for control data; see man cmsg(3).</param>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>Messages, each yours to dispose of. Leaving the loop gives back what was not looked at, and waits until
    /// no more is taken.</returns>
    /// <exception cref="ArgumentException"><paramref name="pool"/> belongs to another ring.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The pool's buffers are too small.</exception>
    /// <exception cref="NotSupportedException">It is the socket of a connection.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">The socket, the pool or the ring was disposed of.</exception>
    public IAsyncEnumerable<ReceivedMessage> ReceiveMessagesAsync(
        BufferPool pool,
        int controlRoom = 0,
        CancellationToken cancellationToken = default)
    {
        ThrowUnlessOurs(pool);
        ArgumentOutOfRangeException.ThrowIfNegative(controlRoom);
        FSharp.SocketOptions.requireDatagrams(descriptor);
        var room = new MessageRoom(LargestName, controlRoom);
        var request = SocketRequest.receiveMessages(descriptor, pool.Core, room);

        return new Results<ReceivedMessage>(
            token => ValueTask.FromResult(loop.Open(request, token)),
            item => new ReceivedMessage(new Message(item.Lease, room)),
            cancellationToken);
    }

    /// <summary>Waits until one of the events is there. See man poll(2).</summary>
    /// <param name="events">Which; errors and hang-ups are reported in any case.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>Those that are there.</returns>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<PollEvents> PollAsync(PollEvents events, CancellationToken cancellationToken = default) =>
        (PollEvents)await Start(SocketRequest.poll(descriptor, (CoreEvents)events.Checked()), cancellationToken).ConfigureAwait(Ending.OnLoop);

    /// <summary>
    /// As <see cref="PollAllAsync"/>, with events that can be changed while somebody waits for them.
    /// </summary>
    /// <param name="events">Which; errors and hang-ups are reported in any case.</param>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public UringPoll CreatePoll(PollEvents events)
    {
        ThrowIfClosed();
        return new UringPoll(loop, descriptor, events.Checked());
    }

    /// <summary>
    /// Tells of events each time that they come, until cancelled; what was not looked at is united with what comes. One
    /// submission from Linux 5.13 on; see man io_uring_prep_poll_multishot(3).
    /// </summary>
    /// <param name="events">Which; errors and hang-ups are reported in any case.</param>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public IAsyncEnumerable<PollEvents> PollAllAsync(PollEvents events, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        var request = SocketRequest.pollMany(descriptor, (CoreEvents)events.Checked());

        return new Results<PollEvents>(
            token => ValueTask.FromResult(loop.Open(request, token)),
            static item => (PollEvents)item.Result,
            cancellationToken);
    }

    private const int LargestName = 128;

    private Stream Open(Driver.BufferPool pool, CancellationToken cancellationToken) =>
        loop.Open(SocketRequest.receiveMany(descriptor, pool), cancellationToken);

    private void ThrowUnlessOurs(BufferPool pool)
    {
        ArgumentNullException.ThrowIfNull(pool);
        ThrowIfClosed();
        ObjectDisposedException.ThrowIf(pool.IsClosed, pool);

        if (!ReferenceEquals(pool.Loop, loop))
        {
            throw new ArgumentException("The pool and the socket belong to different rings.", nameof(pool));
        }
    }
}
