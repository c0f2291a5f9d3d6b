// Messages with several buffers and control data, one at a time. Many of them: ReceiveMessagesAsync.
using System;
using System.Collections.Generic;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringSocket
{
    /// <summary>Sends several buffers in their order, with one system call's worth of work. See man sendmsg(2).</summary>
    /// <param name="buffers">1024 at most. The kernel's until the task has ended; the list itself is copied.</param>
    /// <param name="cancellationToken">Asks for its end; after that the buffers are yours again.</param>
    /// <returns>The number of bytes, which on a connection can be fewer than there are.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="buffers"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are more than 1024.</exception>
    /// <exception cref="SocketException">The peer is gone (ConnectionReset, Shutdown), or there is none (NotConnected).</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<int> SendAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> buffers,
        CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        return new(SocketMessages.startSend(descriptor, buffers, MessageExtrasModule.none, cancellationToken));
    }

    /// <summary>
    /// Sends several buffers as one message, with what goes along: descriptors, credentials, other control data. Linux 5.3;
    /// see man sendmsg(2).
    /// </summary>
    /// <param name="buffers">1024 at most. The kernel's until the task has ended; the list itself is copied.</param>
    /// <param name="extras">What goes along, and whom it is for.</param>
    /// <param name="cancellationToken">Asks for its end; after that the buffers are yours again.</param>
    /// <returns>The number of bytes, which on a connection can be fewer than there are.</returns>
    /// <exception cref="ArgumentNullException">One of the arguments is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are more than 1024 buffers or 253 handles, or a flag is unknown.</exception>
    /// <exception cref="ArgumentException"><see cref="MessageExtras.EndPoint"/> is a name: resolve it first.</exception>
    /// <exception cref="SocketException">It is too long (MessageSize), nobody is there (ConnectionRefused, NotConnected), or the
    /// peer does not take what goes along.</exception>
    /// <exception cref="ObjectDisposedException">A handle, the socket or its ring was disposed of.</exception>
    public ValueTask<int> SendMessageAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> buffers,
        MessageExtras extras,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(buffers);
        ArgumentNullException.ThrowIfNull(extras);
        ThrowIfClosed();
        return new(SocketMessages.startSend(descriptor, buffers, extras.Checked(nameof(extras)), cancellationToken));
    }

    /// <summary>Receives into several buffers, which are filled in their order. See man recvmsg(2).</summary>
    /// <param name="buffers">1024 at most. The kernel's until the task has ended; the list itself is copied.</param>
    /// <param name="cancellationToken">Asks for its end; after that the buffers are yours again.</param>
    /// <returns>The number of bytes; 0 when the peer of a connection has finished.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="buffers"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are more than 1024.</exception>
    /// <exception cref="SocketException">The connection broke (ConnectionReset, TimedOut).</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public async ValueTask<int> ReceiveAsync(
        IReadOnlyList<Memory<byte>> buffers,
        CancellationToken cancellationToken = default)
    {
        using var receipt = await ReceiveMessageAsync(buffers, 0, ReceiveFlags.None, cancellationToken)
            .ConfigureAwait(Ending.OnLoop);

        return receipt.Length;
    }

    /// <summary>
    /// Receives one message into several buffers, which are filled in their order, with who sent it and what came along. Linux
    /// 5.3; see man recvmsg(2).
    /// </summary>
    /// <param name="buffers">1024 at most. The kernel's until the task has ended; the list itself is copied.</param>
    /// <param name="controlRoom">
    /// Bytes for what comes along: <see cref="ControlMessage.RoomForDescriptors"/> and its like; 131,072 at most.
    /// </param>
    /// <param name="flags">How.</param>
    /// <param name="cancellationToken">Asks for its end; after that the buffers are yours again.</param>
    /// <returns>To be disposed of: it owns the descriptors that came along.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="buffers"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are more than 1024 buffers, or another argument is out of its range.</exception>
    /// <exception cref="SocketException">The connection broke (ConnectionReset, TimedOut), or an earlier datagram found nobody
    /// (ConnectionRefused, if connected).</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<MessageReceipt> ReceiveMessageAsync(
        IReadOnlyList<Memory<byte>> buffers,
        int controlRoom = 0,
        ReceiveFlags flags = ReceiveFlags.None,
        CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        var how = (FSharp.ReceiveFlags)flags.Checked();
        return Wrapped(SocketMessages.startReceive(descriptor, buffers, controlRoom, how, cancellationToken));
    }

    private static async ValueTask<MessageReceipt> Wrapped(Task<FSharp.MessageReceipt> receiving) =>
        new(await receiving.ConfigureAwait(Ending.OnLoop));
}
