// A connected stream socket.
using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;

namespace Uring;

/// <summary>
/// A connected stream socket (TCP over IPv4 or IPv6, or a Unix domain socket), or a socket for datagrams, whose operations
/// go through io_uring.
/// Operations may be started from any thread; one that sends and one that receives run side by side. A buffer belongs to
/// the kernel until its task has ended, cancelled or not.
/// </summary>
public sealed partial class UringSocket : IAsyncDisposable, IDisposable
{
    private readonly Loop loop;
    private readonly FileDescriptor descriptor;

    // Who was at the other end when the connection was made, if anybody asked.
    private readonly EndPoint? peer;

    internal UringSocket(Loop loop, FileDescriptor descriptor, EndPoint? peer = null)
    {
        this.loop = loop;
        this.descriptor = descriptor;
        this.peer = peer;
        descriptor.IsSocket = true;
    }

    internal FileDescriptor Descriptor => descriptor;

    internal Loop Loop => loop;

    /// <summary>It was disposed of: nothing can be started on it any more.</summary>
    public bool IsClosed => descriptor.IsClosed;

    /// <summary>This side's address. See man getsockname(2).</summary>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public EndPoint LocalEndPoint => SocketNames.Local(descriptor, this);

    /// <summary>
    /// The peer's address; of a connection of <see cref="UringListener"/> also when it has gone, and of a direct one
    /// that was accepted or connected by itself. See man getpeername(2).
    /// </summary>
    /// <exception cref="SocketException">The connection is gone (NotConnected).</exception>
    /// <exception cref="NotSupportedException">The socket is direct, and was accepted by <see cref="UringListener.AcceptAllDirectAsync"/>
    /// or made otherwise: <see cref="InstallAsync(CancellationToken)"/> it.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public EndPoint RemoteEndPoint => SocketNames.Remote(descriptor, this, peer);

    /// <summary>
    /// Connects to an address. Linux 5.19 (it makes the socket by io_uring); see man connect(2).
    /// </summary>
    /// <param name="endPoint">An <see cref="IPEndPoint"/> or a <see cref="UnixDomainSocketEndPoint"/>.</param>
    /// <param name="ring">
    /// Where its operations go; without one, to the ring on whose thread this runs, else to <see cref="Ring.Default"/>.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException"><paramref name="endPoint"/> is a name: resolve it first.</exception>
    /// <exception cref="SocketException">Nobody listens (ConnectionRefused), or the network does not lead there
    /// (NetworkUnreachable, HostUnreachable, TimedOut): see <see cref="SocketException.SocketErrorCode"/>.</exception>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public static ValueTask<UringSocket> ConnectAsync(
        EndPoint endPoint,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        SocketMaking.Check(endPoint);
        return ConnectAsync(Ring.LoopFor(ring), endPoint, isDirect: false, cancellationToken);
    }

    /// <summary>
    /// As <see cref="ConnectAsync(EndPoint, Ring, CancellationToken)"/>, with a socket in a free slot of the ring's own table
    /// (<see cref="RingOptions.DirectDescriptors"/>): see <see cref="GetLocalEndPointAsync"/>. See man io_uring_prep_socket_direct(3).
    /// </summary>
    /// <param name="endPoint">An <see cref="IPEndPoint"/> or a <see cref="UnixDomainSocketEndPoint"/>.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException"><paramref name="endPoint"/> is a name: resolve it first.</exception>
    /// <exception cref="SocketException">No slot is free (TooManyOpenSockets), or as above.</exception>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public static ValueTask<UringSocket> ConnectDirectAsync(
        EndPoint endPoint,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        SocketMaking.Check(endPoint);
        return ConnectAsync(Ring.LoopFor(ring), endPoint, isDirect: true, cancellationToken);
    }

    private static async ValueTask<UringSocket> ConnectAsync(
        Loop loop,
        EndPoint endPoint,
        bool isDirect,
        CancellationToken cancellationToken)
    {
        var making = SocketMaking.ConnectAsync(new(loop), endPoint, isDirect, cancellationToken);
        return new UringSocket(loop, await making.ConfigureAwait(Ending.OnLoop), isDirect ? endPoint : null);
    }

    /// <summary>It is a slot of the ring's own table, and has no descriptor of the process.</summary>
    public bool IsDirect => descriptor.IsDirect;

    /// <summary>
    /// Puts the socket into a free slot of the ring's own table (<see cref="RingOptions.DirectDescriptors"/>). Both are the same
    /// connection, and each is to be disposed of. Linux 6.0; see man io_uring_prep_files_update(3).
    /// </summary>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="InvalidOperationException">It is there already.</exception>
    /// <exception cref="System.IO.IOException">No slot is free (ENFILE, 23), or there is no table (ENXIO, 6); HResult is the
    /// errno.</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public async ValueTask<UringSocket> MakeDirectAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        var request = FileRequest.makeDirect(descriptor);
        await loop.Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
        return new UringSocket(loop, loop.OwnDirect(FileRequest.slotOf(request)));
    }

    /// <summary>
    /// Sends what the kernel takes at once. Allocates nothing: await the task once. See man send(2).
    /// </summary>
    /// <param name="buffer">The kernel's until the task has ended.</param>
    /// <param name="cancellationToken">Asks for its end; after that the buffer is yours again.</param>
    /// <returns>The number of bytes, which can be fewer than <c>buffer.Length</c>.</returns>
    /// <exception cref="SocketException">The peer is gone (ConnectionReset, Shutdown).</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<int> SendAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        Start(SocketRequest.send(descriptor, buffer), cancellationToken);

    /// <summary>
    /// Sends all of <paramref name="buffer"/>, in several steps if need be. Allocates nothing: await the task once. See
    /// man send(2).
    /// </summary>
    /// <param name="buffer">The kernel's until the task has ended.</param>
    /// <param name="cancellationToken">Asks for its end; part of the buffer may have been sent.</param>
    /// <exception cref="SocketException">The peer is gone (ConnectionReset, Shutdown).</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask SendAllAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();

        var request = SocketRequest.send(descriptor, buffer);
        return loop.StartWhole(in request, cancellationToken);
    }

    /// <summary>
    /// Receives up to <c>buffer.Length</c> bytes. Allocates nothing: await the task once. See man recv(2).
    /// </summary>
    /// <param name="buffer">The kernel's until the task has ended. Over TCP an empty one waits for data.</param>
    /// <param name="cancellationToken">Asks for its end; after that the buffer is yours again.</param>
    /// <returns>The number of bytes; 0 when the peer has finished sending.</returns>
    /// <exception cref="SocketException">The connection broke (ConnectionReset, TimedOut).</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Start(SocketRequest.receive(descriptor, buffer), cancellationToken);

    /// <summary>
    /// Gives a socket of <see cref="UringListener.AcceptAllDirectAsync"/> a descriptor of the process, so that it has names and
    /// options. Both are the same connection, and each is to be disposed of. Linux 6.8; see man io_uring_prep_fixed_fd_install(3).
    /// </summary>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="InvalidOperationException">It has a descriptor of the process already.</exception>
    /// <exception cref="SocketException">No descriptor is left (TooManyOpenSockets).</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<UringSocket> InstallAsync(CancellationToken cancellationToken = default) =>
        InstallAsync(false, cancellationToken);

    /// <summary>As <see cref="InstallAsync(CancellationToken)"/>, with a choice.</summary>
    /// <param name="inherited">Programs that this process executes inherit the descriptor (no O_CLOEXEC).</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="InvalidOperationException">It has a descriptor of the process already.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than 6.8.</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public async ValueTask<UringSocket> InstallAsync(bool inherited, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        var request = inherited ? FileRequest.installInherited(descriptor) : SocketRequest.install(descriptor);
        var number = await loop.Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
        return new UringSocket(loop, loop.Own(number));
    }

    /// <summary>
    /// Ends one direction, or both: after <see cref="SocketShutdown.Send"/> the peer receives 0 bytes. See
    /// man shutdown(2).
    /// </summary>
    /// <param name="how">Which.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="SocketException">The connection is gone (NotConnected).</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask ShutdownAsync(SocketShutdown how, CancellationToken cancellationToken = default) =>
        StartEffect(SocketRequest.shutdown(descriptor, how.Checked()), cancellationToken);

    /// <summary>
    /// Asks for the end of all that is in flight on the socket or waits to go on, whoever started it. They end with an
    /// <see cref="OperationCanceledException"/>, or with what they have done by then. The socket stays open. See
    /// man io_uring_prep_cancel(3).
    /// </summary>
    /// <param name="cancellationToken">Looked at before anything is asked.</param>
    /// <returns>How many operations were asked to end.</returns>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
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
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<CancelResult> CancelNowAsync(TimeSpan limit, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, TimeSpan.Zero);
        cancellationToken.ThrowIfCancellationRequested();
        return CancelResult.OfAsync(Cancel.onNow(descriptor, limit));
    }

    /// <summary>
    /// Cancels what is in flight on the socket (it ends with an <see cref="OperationCanceledException"/>), waits for its
    /// end, and closes. Disposing again does nothing. See man close(2).
    /// </summary>
    public ValueTask DisposeAsync() => Ending.Closing(loop.CloseDescriptor(descriptor));

    /// <summary>Begins what <see cref="DisposeAsync"/> does and returns at once; the ring finishes it.</summary>
    public void Dispose() => _ = loop.CloseDescriptor(descriptor);

    private ValueTask<int> Start(in Request request, CancellationToken cancellationToken)
    {
        ThrowIfClosed();
        return loop.Start(in request, cancellationToken);
    }

    private ValueTask StartEffect(in Request request, CancellationToken cancellationToken)
    {
        ThrowIfClosed();
        return loop.StartEffect(in request, cancellationToken);
    }

    internal void ThrowIfClosed() => ObjectDisposedException.ThrowIf(descriptor.IsClosed, this);
}
