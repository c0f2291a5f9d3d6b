// Sending and receiving with flags and hints, and until all of it is done.
using System;
using System.Collections.Generic;
using System.IO;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;
using Uring.Model;

namespace Uring;

public sealed partial class UringSocket
{
    /// <summary>
    /// Sends what the kernel takes at once, as the flags say. Allocates nothing: await the task once. See man send(2).
    /// </summary>
    /// <param name="buffer">The kernel's until the task has ended.</param>
    /// <param name="flags">How.</param>
    /// <param name="cancellationToken">Asks for its end; after that the buffer is yours again.</param>
    /// <returns>The number of bytes, which can be fewer than <c>buffer.Length</c>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such flag.</exception>
    /// <exception cref="SocketException">The peer is gone (ConnectionReset, Shutdown), it would have to wait (WouldBlock), or the
    /// socket does not know the flag (OperationNotSupported).</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<int> SendAsync(
        ReadOnlyMemory<byte> buffer,
        SendFlags flags,
        CancellationToken cancellationToken = default) =>
        Start(SocketRequest.sendWith((FSharp.SendFlags)flags.Checked(), descriptor, buffer), cancellationToken);

    /// <summary>The same with the BCL's flags: OutOfBand and DontRoute. See man send(2).</summary>
    /// <param name="buffer">The kernel's until the task has ended.</param>
    /// <param name="socketFlags">How.</param>
    /// <param name="cancellationToken">Asks for its end; after that the buffer is yours again.</param>
    /// <returns>The number of bytes, which can be fewer than <c>buffer.Length</c>.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Another flag: see <see cref="SendFlags"/>.</exception>
    /// <exception cref="SocketException">The peer is gone (ConnectionReset, Shutdown).</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<int> SendAsync(
        ReadOnlyMemory<byte> buffer,
        SocketFlags socketFlags,
        CancellationToken cancellationToken = default) =>
        SendAsync(buffer, socketFlags.ForSending(), cancellationToken);

    /// <summary>
    /// Receives up to <c>buffer.Length</c> bytes, as the flags say. Allocates nothing: await the task once. See man recv(2).
    /// </summary>
    /// <param name="buffer">The kernel's until the task has ended.</param>
    /// <param name="flags">How.</param>
    /// <param name="cancellationToken">Asks for its end; after that the buffer is yours again.</param>
    /// <returns>The number of bytes; 0 when the peer has finished sending.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such flag.</exception>
    /// <exception cref="ArgumentException">OutOfBand, and nothing urgent is there (EINVAL).</exception>
    /// <exception cref="SocketException">The connection broke (ConnectionReset, TimedOut), or it would have to wait
    /// (WouldBlock).</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<int> ReceiveAsync(
        Memory<byte> buffer,
        ReceiveFlags flags,
        CancellationToken cancellationToken = default) =>
        Start(SocketRequest.receiveWith((FSharp.ReceiveFlags)flags.Checked(), descriptor, buffer), cancellationToken);

    /// <summary>The same with the BCL's flags: OutOfBand and Peek. See man recv(2).</summary>
    /// <param name="buffer">The kernel's until the task has ended.</param>
    /// <param name="socketFlags">How.</param>
    /// <param name="cancellationToken">Asks for its end; after that the buffer is yours again.</param>
    /// <returns>The number of bytes; 0 when the peer has finished sending.</returns>
    /// <exception cref="ArgumentOutOfRangeException">Another flag: see <see cref="ReceiveFlags"/>.</exception>
    /// <exception cref="ArgumentException">OutOfBand, and nothing urgent is there (EINVAL).</exception>
    /// <exception cref="SocketException">The connection broke (ConnectionReset, TimedOut).</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<int> ReceiveAsync(
        Memory<byte> buffer,
        SocketFlags socketFlags,
        CancellationToken cancellationToken = default) =>
        ReceiveAsync(buffer, socketFlags.ForReceiving(), cancellationToken);

    /// <summary>
    /// Receives up to <c>buffer.Length</c> bytes (1 GiB at most), and whether there is more. If not, the next one can do with
    /// <see cref="ReceiveFlags.PollFirst"/>: it waits before it looks, which saves an attempt that would find nothing. See
    /// man io_uring_prep_recv(3).
    /// </summary>
    /// <param name="buffer">The kernel's until the task has ended.</param>
    /// <param name="flags">How.</param>
    /// <param name="cancellationToken">Asks for its end; after that the buffer is yours again.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such flag.</exception>
    /// <exception cref="SocketException">The connection broke (ConnectionReset, TimedOut), or it would have to wait
    /// (WouldBlock).</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<ReceivedBytes> ReceiveHintedAsync(
        Memory<byte> buffer,
        ReceiveFlags flags = ReceiveFlags.None,
        CancellationToken cancellationToken = default) =>
        Hinted(Start(SocketRequest.receiveHinted((FSharp.ReceiveFlags)flags.Checked(), descriptor, buffer), cancellationToken));

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private static async ValueTask<ReceivedBytes> Hinted(ValueTask<int> receiving)
    {
        var (count, hasMore) = Hint.ofResult(await receiving.ConfigureAwait(Ending.OnLoop));
        return new ReceivedBytes(count, hasMore);
    }

    /// <summary>
    /// Receives until <paramref name="buffer"/> is full, with one submission as a rule (MSG_WAITALL). When it fails or is
    /// cancelled, <see cref="UringFault.TransferredBytes"/> tells how many bytes are there. See man recv(2).
    /// </summary>
    /// <param name="buffer">The kernel's until the task has ended. An empty one is full: that waits for nothing.</param>
    /// <param name="cancellationToken">Asks for its end; part of the buffer may have been filled.</param>
    /// <exception cref="EndOfStreamException">The peer has finished before the buffer was full.</exception>
    /// <exception cref="SocketException">The connection broke (ConnectionReset, TimedOut).</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask ReceiveExactlyAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        var request = SocketRequest.receiveWith(FSharp.ReceiveFlags.WaitAll, descriptor, buffer);
        return loop.StartWhole(in request, cancellationToken);
    }

    /// <summary>
    /// Receives until several buffers are full, in their order. When it fails or is cancelled,
    /// <see cref="UringFault.TransferredBytes"/> tells how many bytes are there. See man recvmsg(2).
    /// </summary>
    /// <param name="buffers">The kernel's until the task has ended; the list itself is copied. Empty ones are passed over.</param>
    /// <param name="cancellationToken">Asks for its end; part of the buffers may have been filled.</param>
    /// <exception cref="ArgumentNullException"><paramref name="buffers"/> is null.</exception>
    /// <exception cref="EndOfStreamException">The peer has finished before they were full.</exception>
    /// <exception cref="SocketException">The connection broke (ConnectionReset, TimedOut).</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask ReceiveExactlyAsync(
        IReadOnlyList<Memory<byte>> buffers,
        CancellationToken cancellationToken = default)
    {
        var vector = MemoryVector.Of(buffers);
        ThrowIfClosed();
        return new ValueTask(Whole.startReceiving(descriptor, vector, cancellationToken));
    }

    /// <summary>
    /// Sends all of several buffers in their order, in as few steps as the kernel lets it. When it fails or is cancelled,
    /// <see cref="UringFault.TransferredBytes"/> tells how many bytes had been sent. See man sendmsg(2).
    /// </summary>
    /// <param name="buffers">
    /// The kernel's until the task has ended; the list itself is copied. One step takes 1024 at most.
    /// </param>
    /// <param name="cancellationToken">Asks for its end; part of the buffers may have been sent.</param>
    /// <exception cref="ArgumentNullException"><paramref name="buffers"/> is null.</exception>
    /// <exception cref="SocketException">The peer is gone (ConnectionReset, Shutdown).</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask SendAllAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> buffers,
        CancellationToken cancellationToken = default)
    {
        var vector = MemoryVector.Of(buffers);
        ThrowIfClosed();
        return new ValueTask(Whole.startSending(descriptor, vector, cancellationToken));
    }
}
