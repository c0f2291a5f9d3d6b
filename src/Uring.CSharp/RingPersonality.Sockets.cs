// Sockets with credentials that a ring remembers: permissions decide which names of Unix sockets may be made and reached, which
// low ports may be bound, and who may make a raw socket. As the statics of UringSocket and UringListener.
using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

public sealed partial class RingPersonality
{
    /// <summary>
    /// Makes a socket with these credentials, as
    /// <see cref="UringSocket.CreateAsync(AddressFamily, SocketType, ProtocolType, Ring?, CancellationToken)"/> does: for a raw
    /// one they need CAP_NET_RAW. Linux 5.19; see man socket(2).
    /// </summary>
    /// <param name="addressFamily">InterNetwork, InterNetworkV6, Unix, or another that Linux has.</param>
    /// <param name="socketType">Stream, Dgram, Seqpacket, or Raw.</param>
    /// <param name="protocolType">Unspecified means the usual one.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentOutOfRangeException">Linux has no such family, type or protocol.</exception>
    /// <exception cref="SocketException">They do not go together, no descriptor is left, or these credentials may not
    /// (AccessDenied).</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask<UringSocket> CreateSocketAsync(
        AddressFamily addressFamily,
        SocketType socketType,
        ProtocolType protocolType = ProtocolType.Unspecified,
        CancellationToken cancellationToken = default) =>
        SocketAsync(SocketMaking.CreateAsync(
            new(Core),
            addressFamily.Checked(),
            socketType.Checked(),
            protocolType.Checked(),
            isDirect: false,
            cancellationToken));

    /// <summary>
    /// Connects a stream socket with these credentials: they may have to write to a Unix socket's name, and the peer learns of
    /// them (SO_PEERCRED). Linux 5.19; see man connect(2), unix(7).
    /// </summary>
    /// <param name="endPoint">An <see cref="IPEndPoint"/> or a <see cref="UnixDomainSocketEndPoint"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException"><paramref name="endPoint"/> is a name: resolve it first.</exception>
    /// <exception cref="SocketException">These credentials may not (AccessDenied), nobody listens (ConnectionRefused), or another
    /// error.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask<UringSocket> ConnectAsync(EndPoint endPoint, CancellationToken cancellationToken = default)
    {
        SocketMaking.Check(endPoint);
        return SocketAsync(SocketMaking.ConnectAsync(new(Core), endPoint, isDirect: false, cancellationToken));
    }

    /// <summary>
    /// Connects a socket with these credentials, as <see cref="UringSocket.ConnectAsync(EndPoint, CancellationToken)"/> does. See
    /// man connect(2).
    /// </summary>
    /// <param name="socket">One of the ring's, not yet connected.</param>
    /// <param name="endPoint">Of its family.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="endPoint"/> is a name, or <paramref name="socket"/> is another
    /// ring's.</exception>
    /// <exception cref="SocketException">These credentials may not (AccessDenied), nobody listens (ConnectionRefused), or another
    /// error.</exception>
    /// <exception cref="ObjectDisposedException">The socket, the ring or the credentials were disposed of.</exception>
    public ValueTask ConnectAsync(UringSocket socket, EndPoint endPoint, CancellationToken cancellationToken = default)
    {
        var descriptor = OnOurRing(socket);
        SocketMaking.Check(endPoint);
        return SocketMaking.StartAsync(new(Core), SocketRequest.connect(descriptor, endPoint), cancellationToken);
    }

    /// <summary>
    /// Starts listening with these credentials: a Unix socket's name is theirs, and for a port below 1024 they need
    /// CAP_NET_BIND_SERVICE. Linux 6.11; see man bind(2) and listen(2).
    /// </summary>
    /// <param name="endPoint">
    /// An <see cref="IPEndPoint"/>, whose port may be 0 for a free one, or a <see cref="UnixDomainSocketEndPoint"/>.
    /// </param>
    /// <param name="backlog">How many connections may wait to be taken; bounded by net.core.somaxconn.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException"><paramref name="endPoint"/> is a name: resolve it first.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="backlog"/> is negative.</exception>
    /// <exception cref="SocketException">AddressAlreadyInUse, AddressNotAvailable, or these credentials may not
    /// (AccessDenied).</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older: a system call would know no credentials.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask<UringListener> ListenAsync(
        EndPoint endPoint,
        int backlog = 512,
        CancellationToken cancellationToken = default)
    {
        SocketMaking.Check(endPoint);
        ArgumentOutOfRangeException.ThrowIfNegative(backlog);
        return UringListener.ListenAsync(new SocketMaker(Core), endPoint, backlog, isDirect: false, cancellationToken);
    }

    /// <summary>
    /// Makes a datagram socket and binds it with these credentials, as
    /// <see cref="UringSocket.BindAsync(EndPoint, Ring?, CancellationToken)"/> does. Linux 6.11; see man bind(2).
    /// </summary>
    /// <param name="endPoint">
    /// An <see cref="IPEndPoint"/>, whose port may be 0 for a free one, or a <see cref="UnixDomainSocketEndPoint"/>.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException"><paramref name="endPoint"/> is a name: resolve it first.</exception>
    /// <exception cref="SocketException">AddressAlreadyInUse, AddressNotAvailable, or these credentials may not
    /// (AccessDenied).</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older: a system call would know no credentials.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask<UringSocket> BindAsync(EndPoint endPoint, CancellationToken cancellationToken = default)
    {
        SocketMaking.Check(endPoint);
        return SocketAsync(SocketMaking.BindAsync(new(Core), endPoint, cancellationToken));
    }

    /// <summary>
    /// Binds a socket with these credentials, as <see cref="UringSocket.BindAsync(EndPoint, CancellationToken)"/> does: a Unix
    /// socket's name is theirs. Linux 6.11; see man bind(2).
    /// </summary>
    /// <param name="socket">One of the ring's, not yet bound.</param>
    /// <param name="endPoint">Of its family.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="endPoint"/> is a name, or <paramref name="socket"/> is another
    /// ring's.</exception>
    /// <exception cref="SocketException">AddressAlreadyInUse, AddressNotAvailable, or these credentials may not
    /// (AccessDenied).</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older: a system call would know no credentials.</exception>
    /// <exception cref="ObjectDisposedException">The socket, the ring or the credentials were disposed of.</exception>
    public ValueTask BindAsync(UringSocket socket, EndPoint endPoint, CancellationToken cancellationToken = default)
    {
        var descriptor = OnOurRing(socket);
        SocketMaking.Check(endPoint);
        return SocketMaking.StartAsync(new(Core), SocketRequest.bind(descriptor, endPoint), cancellationToken);
    }

    private Driver.FileDescriptor OnOurRing(UringSocket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        socket.ThrowIfClosed();

        return ReferenceEquals(socket.Loop, Core.Loop)
            ? socket.Descriptor
            : throw new ArgumentException("The socket belongs to another ring than the credentials.", nameof(socket));
    }

    private async ValueTask<UringSocket> SocketAsync(ValueTask<Driver.FileDescriptor> making) =>
        new(Core.Loop, await making.ConfigureAwait(Ending.OnLoop));
}
