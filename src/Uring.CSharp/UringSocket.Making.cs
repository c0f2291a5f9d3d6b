// A socket step by step: made, given options, bound, connected, or told to listen.
using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringSocket
{
    /// <summary>
    /// Makes a socket that is neither bound nor connected, so that options such as <see cref="ReusePort"/> can be set before
    /// <see cref="BindAsync(EndPoint, CancellationToken)"/>, <see cref="ConnectAsync(EndPoint, CancellationToken)"/> or
    /// <see cref="ListenAsync"/>. Linux 5.19; see man socket(2).
    /// </summary>
    /// <param name="addressFamily">InterNetwork, InterNetworkV6 or Unix.</param>
    /// <param name="socketType">Stream, Dgram, Seqpacket (over Unix sockets) or Raw.</param>
    /// <param name="protocolType">Unspecified lets the kernel choose.</param>
    /// <param name="ring">
    /// Where its operations go; without one, to the ring on whose thread this runs, else to <see cref="Ring.Default"/>.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such value.</exception>
    /// <exception cref="NotSupportedException">Another address family.</exception>
    /// <exception cref="SocketException">The three do not go together (ProtocolNotSupported, SocketNotSupported), they need a
    /// privilege (SocketError), or no descriptor is left (TooManyOpenSockets).</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public static ValueTask<UringSocket> CreateAsync(
        AddressFamily addressFamily,
        SocketType socketType,
        ProtocolType protocolType = ProtocolType.Unspecified,
        Ring? ring = null,
        CancellationToken cancellationToken = default) =>
        MakeAsync(
            addressFamily.Checked(),
            socketType.Checked(),
            protocolType.Checked(),
            isDirect: false,
            ring,
            cancellationToken);

    /// <summary>
    /// As <see cref="CreateAsync(AddressFamily, SocketType, ProtocolType, Ring, CancellationToken)"/>, in a free slot of the ring's
    /// own table (<see cref="RingOptions.DirectDescriptors"/>): options only by <see cref="SetRawSocketOptionAsync"/>, and binding
    /// and listening need Linux 6.11. See man io_uring_prep_socket_direct(3).
    /// </summary>
    /// <param name="addressFamily">InterNetwork, InterNetworkV6 or Unix.</param>
    /// <param name="socketType">Stream, Dgram, Seqpacket (over Unix sockets) or Raw.</param>
    /// <param name="protocolType">Unspecified lets the kernel choose.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such value.</exception>
    /// <exception cref="NotSupportedException">Another address family.</exception>
    /// <exception cref="SocketException">No slot is free (TooManyOpenSockets), or as above.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public static ValueTask<UringSocket> CreateDirectAsync(
        AddressFamily addressFamily,
        SocketType socketType,
        ProtocolType protocolType = ProtocolType.Unspecified,
        Ring? ring = null,
        CancellationToken cancellationToken = default) =>
        MakeAsync(
            addressFamily.Checked(),
            socketType.Checked(),
            protocolType.Checked(),
            isDirect: true,
            ring,
            cancellationToken);

    private static async ValueTask<UringSocket> MakeAsync(
        AddressFamily family,
        SocketType type,
        ProtocolType protocol,
        bool isDirect,
        Ring? ring,
        CancellationToken cancellationToken)
    {
        var loop = Ring.LoopFor(ring);
        var making = SocketMaking.CreateAsync(new(loop), family, type, protocol, isDirect, cancellationToken);
        return new UringSocket(loop, await making.ConfigureAwait(Ending.OnLoop));
    }

    /// <summary>
    /// Gives the socket an address of its own. Before Linux 6.11 by a system call on the ring's thread; see man bind(2).
    /// </summary>
    /// <param name="endPoint">
    /// An <see cref="IPEndPoint"/>, whose port may be 0 for a free one, or a <see cref="UnixDomainSocketEndPoint"/>.
    /// </param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="endPoint"/> is a name (resolve it first), or the socket is bound, or of
    /// another family.</exception>
    /// <exception cref="SocketException">AddressAlreadyInUse, AddressNotAvailable or AccessDenied.</exception>
    /// <exception cref="PlatformNotSupportedException">The socket is direct, and the kernel is older than 6.11.</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask BindAsync(EndPoint endPoint, CancellationToken cancellationToken = default)
    {
        SocketMaking.Check(endPoint);
        return StartEffect(SocketRequest.bind(descriptor, endPoint), cancellationToken);
    }

    /// <summary>
    /// Connects. Of a datagram socket it says whom <see cref="SendAsync(ReadOnlyMemory{byte}, CancellationToken)"/> sends to, and
    /// whom it hears; it may be called again. See man connect(2).
    /// </summary>
    /// <param name="endPoint">An <see cref="IPEndPoint"/> or a <see cref="UnixDomainSocketEndPoint"/>.</param>
    /// <param name="cancellationToken">Gives up: the socket is of no more use then.</param>
    /// <exception cref="ArgumentException"><paramref name="endPoint"/> is a name: resolve it first.</exception>
    /// <exception cref="SocketException">Nobody listens (ConnectionRefused), it is connected (IsConnected), the address is of
    /// another family (AddressFamilyNotSupported), or the network does not lead there.</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask ConnectAsync(EndPoint endPoint, CancellationToken cancellationToken = default)
    {
        SocketMaking.Check(endPoint);
        return StartEffect(SocketRequest.connect(descriptor, endPoint), cancellationToken);
    }

    /// <summary>
    /// Takes connections from now on. Before Linux 6.11 by a system call on the ring's thread; see man listen(2).
    /// </summary>
    /// <param name="backlog">How many connections may wait to be taken; bounded by net.core.somaxconn.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>What takes them. It is the same socket: disposing of either closes it.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="backlog"/> is negative.</exception>
    /// <exception cref="ArgumentException">It is connected.</exception>
    /// <exception cref="SocketException">Such a socket takes no connections (OperationNotSupported).</exception>
    /// <exception cref="PlatformNotSupportedException">The socket is direct, and the kernel is older than 6.11.</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<UringListener> ListenAsync(int backlog = 512, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        ArgumentOutOfRangeException.ThrowIfNegative(backlog);
        return StartListeningAsync(SocketRequest.listen(descriptor, backlog), cancellationToken);
    }

    private async ValueTask<UringListener> StartListeningAsync(Request request, CancellationToken cancellationToken)
    {
        await loop.Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
        return new UringListener(loop, descriptor);
    }
}
