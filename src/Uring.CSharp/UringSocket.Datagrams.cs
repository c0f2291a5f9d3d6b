// Datagrams by themselves, each with an address. Many of them: ReceiveMessagesAsync.
using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringSocket
{
    /// <summary>Sends one datagram to an address. Linux 5.3; see man sendmsg(2).</summary>
    /// <param name="buffer">The kernel's until the task has ended.</param>
    /// <param name="endPoint">Whom it is for. The socket of a connection ignores it.</param>
    /// <param name="cancellationToken">Asks for its end; after that the buffer is yours again.</param>
    /// <returns>The number of bytes.</returns>
    /// <exception cref="ArgumentException"><paramref name="endPoint"/> is a name: resolve it first.</exception>
    /// <exception cref="SocketException">It is too long (MessageSize), nobody is there (ConnectionRefused), or the network
    /// does not lead there.</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<int> SendToAsync(
        ReadOnlyMemory<byte> buffer,
        EndPoint endPoint,
        CancellationToken cancellationToken = default)
    {
        SocketMaking.Check(endPoint);
        return Start(SocketRequest.sendTo(descriptor, buffer, endPoint), cancellationToken);
    }

    /// <summary>Receives one datagram, and who sent it. Linux 5.3; see man recvmsg(2).</summary>
    /// <param name="buffer">The kernel's until the task has ended. What it has no room for is lost.</param>
    /// <param name="cancellationToken">Asks for its end; after that the buffer is yours again.</param>
    /// <exception cref="SocketException">An earlier datagram found nobody (ConnectionRefused, if connected).</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public async ValueTask<ReceivedDatagram> ReceiveFromAsync(
        Memory<byte> buffer,
        CancellationToken cancellationToken = default)
    {
        var request = SocketRequest.receiveFrom(descriptor, buffer);
        var length = await Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
        var (sender, isTruncated) = SocketRequest.senderOf(request);
        return new ReceivedDatagram(length, sender, isTruncated);
    }
}
