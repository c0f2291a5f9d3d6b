// A socket that takes connections.
using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;

namespace Uring;

/// <summary>
/// A socket that takes connections through io_uring: over TCP (with SO_REUSEADDR), or over a Unix domain socket.
/// </summary>
public sealed partial class UringListener : IAsyncDisposable, IDisposable
{
    private readonly Loop loop;
    private readonly FileDescriptor descriptor;

    internal UringListener(Loop loop, FileDescriptor descriptor)
    {
        this.loop = loop;
        this.descriptor = descriptor;
        descriptor.IsSocket = true;
    }

    internal FileDescriptor Descriptor => descriptor;

    /// <summary>It was disposed of: it takes no more connections.</summary>
    public bool IsClosed => descriptor.IsClosed;

    /// <summary>It is a slot of the ring's own table, and has no descriptor of the process.</summary>
    public bool IsDirect => descriptor.IsDirect;

    /// <summary>Where it listens: with the port that the kernel chose, if it was asked for port 0.</summary>
    /// <exception cref="ObjectDisposedException">The listener was disposed of.</exception>
    public EndPoint LocalEndPoint => SocketNames.Local(descriptor, this);

    /// <summary>
    /// Starts listening. Linux 5.19; before 6.11 it binds by system calls on the ring's thread. See man bind(2) and listen(2).
    /// </summary>
    /// <param name="endPoint">
    /// An <see cref="IPEndPoint"/>, whose port may be 0 for a free one, or a <see cref="UnixDomainSocketEndPoint"/>.
    /// </param>
    /// <param name="backlog">How many connections may wait to be taken; bounded by net.core.somaxconn.</param>
    /// <param name="ring">
    /// Where its operations, and those of its connections, go; without one, to the ring on whose thread this runs, else
    /// to <see cref="Ring.Default"/>.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException"><paramref name="endPoint"/> is a name: resolve it first.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="backlog"/> is negative.</exception>
    /// <exception cref="SocketException">AddressAlreadyInUse, AddressNotAvailable or AccessDenied: see
    /// <see cref="SocketException.SocketErrorCode"/>.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public static ValueTask<UringListener> ListenAsync(
        EndPoint endPoint,
        int backlog = 512,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        SocketMaking.Check(endPoint);
        ArgumentOutOfRangeException.ThrowIfNegative(backlog);
        return ListenAsync(new SocketMaker(Ring.LoopFor(ring)), endPoint, backlog, isDirect: false, cancellationToken);
    }

    /// <summary>
    /// As <see cref="ListenAsync(EndPoint, int, Ring, CancellationToken)"/>, with a socket in a free slot of the ring's own table
    /// (<see cref="RingOptions.DirectDescriptors"/>): it has no <see cref="LocalEndPoint"/>, and options by <see cref="GetRawSocketOptionAsync"/> only. Linux 6.11; see
    /// man io_uring_prep_socket_direct(3).
    /// </summary>
    /// <param name="endPoint">
    /// An <see cref="IPEndPoint"/> or a <see cref="UnixDomainSocketEndPoint"/>. With port 0 nobody could say which it is.
    /// </param>
    /// <param name="backlog">How many connections may wait to be taken; bounded by net.core.somaxconn.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException"><paramref name="endPoint"/> is a name: resolve it first.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="backlog"/> is negative.</exception>
    /// <exception cref="SocketException">No slot is free (TooManyOpenSockets), AddressAlreadyInUse, AddressNotAvailable or
    /// AccessDenied.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public static ValueTask<UringListener> ListenDirectAsync(
        EndPoint endPoint,
        int backlog = 512,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        SocketMaking.Check(endPoint);
        ArgumentOutOfRangeException.ThrowIfNegative(backlog);
        return ListenAsync(new SocketMaker(Ring.LoopFor(ring)), endPoint, backlog, isDirect: true, cancellationToken);
    }

    internal static async ValueTask<UringListener> ListenAsync(
        SocketMaker maker,
        EndPoint endPoint,
        int backlog,
        bool isDirect,
        CancellationToken cancellationToken)
    {
        var making = SocketMaking.ListenAsync(maker, endPoint, backlog, isDirect, cancellationToken);
        return new UringListener(maker.Loop, await making.ConfigureAwait(Ending.OnLoop));
    }

    /// <summary>Takes one connection. See man accept(2).</summary>
    /// <param name="cancellationToken">Asks for its end; a connection that was taken by then is given to you.</param>
    /// <exception cref="SocketException">No descriptor is left, or another error.</exception>
    /// <exception cref="ObjectDisposedException">The listener or its ring was disposed of.</exception>
    public ValueTask<UringSocket> AcceptAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        return TakeAsync(SocketRequest.acceptFrom(descriptor), isDirect: false, cancellationToken);
    }

    /// <summary>
    /// Takes one connection into a free slot of the ring's own table (<see cref="RingOptions.DirectDescriptors"/>). See
    /// <see cref="AcceptAllDirectAsync"/>, and man io_uring_prep_accept_direct(3). Linux 5.19.
    /// </summary>
    /// <param name="cancellationToken">Asks for its end; a connection that was taken by then is given to you.</param>
    /// <exception cref="System.Net.Sockets.SocketException">No slot is free (TooManyOpenSockets), and a connection is lost, or
    /// another error.</exception>
    /// <exception cref="ObjectDisposedException">The listener or its ring was disposed of.</exception>
    public ValueTask<UringSocket> AcceptDirectAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        return TakeAsync(SocketRequest.acceptDirectFrom(descriptor), isDirect: true, cancellationToken);
    }

    /// <summary>Takes one connection, as the flags say. See man io_uring_prep_accept(3).</summary>
    /// <param name="flags">How.</param>
    /// <param name="cancellationToken">Asks for its end; a connection that was taken by then is given to you.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such flag.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">It would have to wait (WouldBlock), or another error.</exception>
    /// <exception cref="PlatformNotSupportedException">DontWait, and the kernel is older than 6.10.</exception>
    /// <exception cref="ObjectDisposedException">The listener or its ring was disposed of.</exception>
    public ValueTask<UringSocket> AcceptAsync(AcceptFlags flags, CancellationToken cancellationToken = default)
    {
        var how = (FSharp.AcceptFlags)flags.Checked();
        ThrowIfClosed();
        var request = SocketRequest.acceptWith(how, SocketRequest.acceptFrom(descriptor));
        return TakeAsync(request, isDirect: false, cancellationToken);
    }

    private async ValueTask<UringSocket> TakeAsync(Request request, bool isDirect, CancellationToken cancellationToken)
    {
        var number = await loop.Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
        return new UringSocket(loop, loop.OwnAs(isDirect, number), SocketRequest.peerOf(request));
    }

    /// <summary>
    /// Takes connections with one submission, until cancelled or until the listener is disposed of, which ends the
    /// enumeration. Linux 5.19; see man io_uring_prep_multishot_accept(3).
    /// </summary>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>Connections, each yours to dispose of. Leaving the loop closes those that were not looked at, and waits
    /// until no more are taken.</returns>
    /// <exception cref="ObjectDisposedException">The listener or its ring was disposed of before.</exception>
    public IAsyncEnumerable<UringSocket> AcceptAllAsync(CancellationToken cancellationToken = default) =>
        AcceptAllAsync(AcceptFlags.None, cancellationToken);

    /// <summary>
    /// As <see cref="AcceptAllAsync(CancellationToken)"/>, with flags. With <see cref="AcceptFlags.DontWait"/> it takes those
    /// that wait, and fails when there is none.
    /// </summary>
    /// <param name="flags">How they are taken.</param>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>Connections, each yours to dispose of.</returns>
    /// <exception cref="System.Net.Sockets.SocketException">Nobody waits (DontWait; WouldBlock).</exception>
    /// <exception cref="PlatformNotSupportedException">DontWait, and the kernel is older than 6.10.</exception>
    /// <exception cref="ObjectDisposedException">The listener or its ring was disposed of before.</exception>
    public IAsyncEnumerable<UringSocket> AcceptAllAsync(
        AcceptFlags flags,
        CancellationToken cancellationToken = default)
    {
        var how = (FSharp.AcceptFlags)flags.Checked();
        ThrowIfClosed();
        var request = SocketRequest.acceptManyAs(how, descriptor);

        return new Results<UringSocket>(
            token => ValueTask.FromResult(loop.Open(request, token)),
            item => new UringSocket(loop, loop.Own(item.Result)),
            cancellationToken);
    }

    /// <summary>
    /// As <see cref="AcceptAllAsync(CancellationToken)"/>, into slots of the ring's own table (<see cref="RingOptions.DirectDescriptors"/>):
    /// cheaper for the kernel, and beyond the process's limit of descriptors. Such a socket has no
    /// <see cref="UringSocket.LocalEndPoint"/>, <see cref="UringSocket.RemoteEndPoint"/> and
    /// <see cref="UringSocket.NoDelay"/>. When the table is full, the enumeration ends with a
    /// <see cref="System.Net.Sockets.SocketException"/> (TooManyOpenSockets), and one connection is lost. Linux 5.19; see
    /// man io_uring_prep_multishot_accept_direct(3).
    /// </summary>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>Connections, each yours to dispose of. Leaving the loop closes those that were not looked at, and waits
    /// until no more are taken.</returns>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">The listener or its ring was disposed of before.</exception>
    public IAsyncEnumerable<UringSocket> AcceptAllDirectAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();

        return new Results<UringSocket>(
            token => ValueTask.FromResult(loop.Open(SocketRequest.acceptManyDirect(descriptor), token)),
            item => new UringSocket(loop, loop.OwnDirect(item.Result)),
            cancellationToken);
    }

    /// <summary>
    /// Asks for the end of all that is in flight on the listener or waits to go on, whoever started it. They end with an
    /// <see cref="OperationCanceledException"/>, or with what they have done by then. The listener stays open. See
    /// man io_uring_prep_cancel(3).
    /// </summary>
    /// <param name="cancellationToken">Looked at before anything is asked.</param>
    /// <returns>How many operations were asked to end.</returns>
    /// <exception cref="ObjectDisposedException">The listener or its ring was disposed of.</exception>
    public ValueTask<int> CancelAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        cancellationToken.ThrowIfCancellationRequested();
        return Cancel.on(descriptor);
    }

    /// <summary>
    /// As <see cref="CancelAsync"/>, and the kernel waits until each has ended: see
    /// <see cref="Ring.CancelAllNowAsync(TimeSpan, CancellationToken)"/>. Linux 6.0; see
    /// man io_uring_register_sync_cancel(3).
    /// </summary>
    /// <param name="limit">How long the kernel waits for one operation, and with it the ring's thread.</param>
    /// <param name="cancellationToken">Looked at before anything is asked.</param>
    /// <returns>How many were asked to end, and how many of them run on.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="limit"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The listener or its ring was disposed of.</exception>
    public ValueTask<CancelResult> CancelNowAsync(TimeSpan limit, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, TimeSpan.Zero);
        cancellationToken.ThrowIfCancellationRequested();
        return CancelResult.OfAsync(Cancel.onNow(descriptor, limit));
    }

    /// <summary>
    /// Cancels what waits for connections, waits for its end, and closes. Connections that were taken stay open.
    /// Disposing again does nothing. See man close(2).
    /// </summary>
    public ValueTask DisposeAsync() => Ending.Closing(loop.CloseDescriptor(descriptor));

    /// <summary>Begins what <see cref="DisposeAsync"/> does and returns at once; the ring finishes it.</summary>
    public void Dispose() => _ = loop.CloseDescriptor(descriptor);

    private void ThrowIfClosed() => ObjectDisposedException.ThrowIf(descriptor.IsClosed, this);
}
