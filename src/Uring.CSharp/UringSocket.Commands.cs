// What a socket is asked by way of the ring: for options that also a direct descriptor has, and for how much waits.
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
    /// How many bytes can be received at once; of datagrams, how many the next one has. Linux 6.5; see SIOCINQ in
    /// man tcp(7).
    /// </summary>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="NotSupportedException">The kernel is older, or it is a Unix domain socket.</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<int> GetAvailableAsync(CancellationToken cancellationToken = default) =>
        Start(SocketRequest.available(descriptor), cancellationToken);

    /// <summary>
    /// How many bytes the peer has not acknowledged. Linux 6.5; see SIOCOUTQ in man tcp(7).
    /// </summary>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="NotSupportedException">The kernel is older, or it is a Unix domain socket.</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<int> GetUnsentAsync(CancellationToken cancellationToken = default) =>
        Start(SocketRequest.unsent(descriptor), cancellationToken);

    /// <summary>
    /// As <see cref="GetRawSocketOption"/>, by way of the ring: also of a direct descriptor, where the level is SOL_SOCKET and
    /// Linux 6.7 or newer. What the kernel cannot do so is a system call. See man io_uring_prep_cmd_sock(3).
    /// </summary>
    /// <param name="level">SOL_SOCKET is 1, IPPROTO_IP 0, IPPROTO_TCP 6, IPPROTO_IPV6 41.</param>
    /// <param name="name">As the system's headers say.</param>
    /// <param name="value">Room for its bytes: the kernel's until the task has ended.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>How many bytes it has.</returns>
    /// <exception cref="SocketException">The socket has no such option (ProtocolOption, OperationNotSupported).</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<int> GetRawSocketOptionAsync(
        int level,
        int name,
        Memory<byte> value,
        CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        return new(Command.getOption(descriptor, level, name, value, cancellationToken));
    }

    /// <summary>
    /// As <see cref="SetRawSocketOption"/>, by way of the ring: also of a direct descriptor, on Linux 6.7 or newer. What the
    /// kernel cannot do so is a system call. See man io_uring_prep_cmd_sock(3).
    /// </summary>
    /// <param name="level">SOL_SOCKET is 1, IPPROTO_IP 0, IPPROTO_TCP 6, IPPROTO_IPV6 41.</param>
    /// <param name="name">As the system's headers say.</param>
    /// <param name="value">Its bytes: the kernel's until the task has ended.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="SocketException">The socket has no such option, or does not take the value.</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask SetRawSocketOptionAsync(
        int level,
        int name,
        ReadOnlyMemory<byte> value,
        CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        return new(Command.setOption(descriptor, level, name, value, cancellationToken));
    }

    /// <summary>
    /// Hands a socket of <see cref="UringListener.AcceptAllDirectAsync"/> on to another ring's table: the result works there,
    /// and this one is closed. Linux 6.0; see man io_uring_prep_msg_ring_fd_alloc(3).
    /// </summary>
    /// <param name="ring">One with a table (<see cref="RingOptions.DirectDescriptors"/>), and another than the socket's.</param>
    /// <param name="cancellationToken">Asks for its end: then the socket stays here.</param>
    /// <exception cref="ArgumentNullException"><paramref name="ring"/> is null.</exception>
    /// <exception cref="ArgumentException">The socket is on this ring already.</exception>
    /// <exception cref="InvalidOperationException">It has a descriptor of the process, which belongs to no ring.</exception>
    /// <exception cref="SocketException">
    /// The ring has no table, or no free slot (TooManyOpenSockets): the socket stays here.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">The socket, or one of the rings, was disposed of.</exception>
    public ValueTask<UringSocket> MoveToAsync(Ring ring, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        ArgumentNullException.ThrowIfNull(ring);
        ObjectDisposedException.ThrowIf(ring.Loop.IsStopping, ring);
        return MoveAsync(ring.Loop, cancellationToken);
    }

    /// <summary>
    /// This side's address, also of a direct socket, which gets a descriptor of the process for it and gives it back (Linux
    /// 6.8). See man getsockname(2).
    /// </summary>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="PlatformNotSupportedException">It is direct, and the kernel is older than 6.8.</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<EndPoint> GetLocalEndPointAsync(CancellationToken cancellationToken = default) =>
        NameAsync(SocketNames.Local, cancellationToken);

    /// <summary>
    /// The peer's address, in the same way as <see cref="GetLocalEndPointAsync"/>. See man getpeername(2).
    /// </summary>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="SocketException">The connection is gone (NotConnected).</exception>
    /// <exception cref="PlatformNotSupportedException">It is direct, and the kernel is older than 6.8.</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<EndPoint> GetRemoteEndPointAsync(CancellationToken cancellationToken = default) =>
        NameAsync((asked, owner) => SocketNames.Remote(asked, owner, peer), cancellationToken);

    private async ValueTask<EndPoint> NameAsync(
        Func<FileDescriptor, object, EndPoint> ask,
        CancellationToken cancellationToken)
    {
        ThrowIfClosed();
        ObjectDisposedException.ThrowIf(loop.IsStopping, this);
        cancellationToken.ThrowIfCancellationRequested();

        if (!IsDirect)
        {
            return ask(descriptor, this);
        }

        var installed = await InstallAsync(cancellationToken).ConfigureAwait(Ending.OnLoop);

        try
        {
            return ask(installed.descriptor, installed);
        }
        finally
        {
            await installed.DisposeAsync().ConfigureAwait(Ending.OnLoop);
        }
    }

    private async ValueTask<UringSocket> MoveAsync(Loop target, CancellationToken cancellationToken) =>
        new(target, await SocketModule.moved(target, descriptor, cancellationToken).ConfigureAwait(Ending.OnLoop));
}
