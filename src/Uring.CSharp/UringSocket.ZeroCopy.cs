// Sends whose buffers the kernel reads after their result.
using System;
using System.Collections.Generic;
using System.Net;
using System.Threading;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringSocket
{
    /// <summary>
    /// Starts to send without copying: worth it from about 10 KB on, and on a real network card. Linux 6.0; older kernels
    /// copy. See man io_uring_prep_send_zc(3).
    /// </summary>
    /// <param name="buffer">The kernel's until <see cref="ZeroCopySend.Released"/> has ended.</param>
    /// <param name="holdAtMost">
    /// A peer that reads nothing would hold the buffer for ever: after this time the connection is dropped, which frees
    /// it. <see cref="Timeout.InfiniteTimeSpan"/> sets no bound.
    /// </param>
    /// <param name="cancellationToken">Asks for the end of the send, not of the hold.</param>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ZeroCopySend SendZeroCopy(
        ReadOnlyMemory<byte> buffer,
        TimeSpan holdAtMost,
        CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        return new ZeroCopySend(
            FSharp.ZeroCopySend.Start(loop, descriptor, buffer, default, holdAtMost, cancellationToken));
    }

    /// <summary>
    /// Starts to send registered memory without copying or pinning it. Linux 6.0; older kernels copy. See
    /// man io_uring_prep_send_zc_fixed(3).
    /// </summary>
    /// <param name="memory">The kernel's until <see cref="ZeroCopySend.Released"/> has ended; of the socket's own ring.</param>
    /// <param name="holdAtMost">
    /// After this time the connection is dropped if the kernel still has the memory.
    /// <see cref="Timeout.InfiniteTimeSpan"/> sets no bound.
    /// </param>
    /// <param name="cancellationToken">Asks for the end of the send, not of the hold.</param>
    /// <exception cref="ArgumentException"><paramref name="memory"/> is another ring's.</exception>
    /// <exception cref="ObjectDisposedException">The buffer, the socket or its ring was disposed of.</exception>
    public ZeroCopySend SendZeroCopy(
        RegisteredMemory memory,
        TimeSpan holdAtMost,
        CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        var slot = RegisteredRequest.slotFor(nameof(memory), descriptor, memory.Inner.Owner);

        return new ZeroCopySend(
            FSharp.ZeroCopySend.Start(loop, descriptor, memory.Memory, slot, holdAtMost, cancellationToken));
    }

    /// <summary>
    /// Starts to send all of a buffer without copying it, in several steps if need be. Linux 6.0; older kernels copy. See
    /// man io_uring_prep_send_zc(3).
    /// </summary>
    /// <param name="buffer">The kernel's until <see cref="ZeroCopySend.Released"/> has ended.</param>
    /// <param name="holdAtMost">
    /// After this time the connection is dropped if the kernel still has a part of the memory.
    /// <see cref="Timeout.InfiniteTimeSpan"/> sets no bound.
    /// </param>
    /// <param name="cancellationToken">Asks for the end of the send, not of the hold; part of it may have been sent.</param>
    /// <returns>
    /// Its <see cref="ZeroCopySend.Sent"/> ends with all of the bytes, or with an error, of which
    /// <see cref="UringFault.TransferredBytes"/> tells how many were sent.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="holdAtMost"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ZeroCopySend SendAllZeroCopy(
        ReadOnlyMemory<byte> buffer,
        TimeSpan holdAtMost,
        CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        return new ZeroCopySend(
            FSharp.ZeroCopySend.StartWhole(loop, descriptor, buffer, default, holdAtMost, cancellationToken));
    }

    /// <summary>The same with registered memory, which is not pinned.</summary>
    /// <param name="memory">The kernel's until <see cref="ZeroCopySend.Released"/> has ended; of the socket's own ring.</param>
    /// <param name="holdAtMost">As above.</param>
    /// <param name="cancellationToken">Asks for the end of the send, not of the hold; part of it may have been sent.</param>
    /// <exception cref="ArgumentException"><paramref name="memory"/> is another ring's.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="holdAtMost"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The buffer, the socket or its ring was disposed of.</exception>
    public ZeroCopySend SendAllZeroCopy(
        RegisteredMemory memory,
        TimeSpan holdAtMost,
        CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        var slot = RegisteredRequest.slotFor(nameof(memory), descriptor, memory.Inner.Owner);

        return new ZeroCopySend(
            FSharp.ZeroCopySend.StartWhole(loop, descriptor, memory.Memory, slot, holdAtMost, cancellationToken));
    }

    /// <summary>
    /// Starts to send one datagram to an address without copying it. Linux 6.0; older kernels copy. See
    /// man io_uring_prep_send_zc(3).
    /// </summary>
    /// <param name="buffer">The kernel's until <see cref="ZeroCopySend.Released"/> has ended.</param>
    /// <param name="endPoint">Whom it is for. Not over Unix sockets, which send nothing without a copy.</param>
    /// <param name="holdAtMost">As above; <see cref="Timeout.InfiniteTimeSpan"/> sets no bound.</param>
    /// <param name="cancellationToken">Asks for the end of the send, not of the hold.</param>
    /// <exception cref="ArgumentException"><paramref name="endPoint"/> is a name: resolve it first.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="holdAtMost"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ZeroCopySend SendZeroCopyTo(
        ReadOnlyMemory<byte> buffer,
        EndPoint endPoint,
        TimeSpan holdAtMost,
        CancellationToken cancellationToken = default)
    {
        SocketMaking.Check(endPoint);
        ThrowIfClosed();
        return new ZeroCopySend(
            FSharp.ZeroCopySend.StartTo(loop, descriptor, buffer, endPoint, holdAtMost, cancellationToken));
    }

    /// <summary>
    /// Starts to send several buffers as one message without copying them. Linux 6.1; older kernels copy. See
    /// man io_uring_prep_sendmsg_zc(3).
    /// </summary>
    /// <param name="buffers">1024 at most. The kernel's until <see cref="ZeroCopySend.Released"/> has ended.</param>
    /// <param name="extras">What goes along, but for handles, which Unix sockets take with a copy; null for nothing.</param>
    /// <param name="holdAtMost">As above; <see cref="Timeout.InfiniteTimeSpan"/> sets no bound.</param>
    /// <param name="cancellationToken">Asks for the end of the send, not of the hold.</param>
    /// <exception cref="ArgumentNullException"><paramref name="buffers"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are more than 1024, or <paramref name="holdAtMost"/> is negative.</exception>
    /// <exception cref="ArgumentException">There are handles, or the address is a name: resolve it first.</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ZeroCopySend SendMessageZeroCopy(
        IReadOnlyList<ReadOnlyMemory<byte>> buffers,
        MessageExtras? extras,
        TimeSpan holdAtMost,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(buffers);
        ThrowIfClosed();
        var along = extras?.Checked(nameof(extras)) ?? MessageExtrasModule.none;

        return new ZeroCopySend(
            SocketMessages.startZeroCopy(loop, descriptor, buffers, along, holdAtMost, cancellationToken));
    }

    /// <summary>
    /// The same from parts of one registered buffer, without pinning them. Linux 6.15; older kernels pin them, or copy. See
    /// man io_uring_prep_sendmsg_zc_fixed(3).
    /// </summary>
    /// <param name="memories">At least one; of one buffer, which is of the socket's own ring.</param>
    /// <param name="extras">What goes along, but for handles; null for nothing.</param>
    /// <param name="holdAtMost">As above; <see cref="Timeout.InfiniteTimeSpan"/> sets no bound.</param>
    /// <param name="cancellationToken">Asks for the end of the send, not of the hold.</param>
    /// <exception cref="ArgumentNullException"><paramref name="memories"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are none, or too many, or <paramref name="holdAtMost"/> is negative.</exception>
    /// <exception cref="ArgumentException">They are of several buffers, or another ring's; or there are handles.</exception>
    /// <exception cref="ObjectDisposedException">The buffer, the socket or its ring was disposed of.</exception>
    public ZeroCopySend SendMessageZeroCopy(
        IReadOnlyList<RegisteredMemory> memories,
        MessageExtras? extras,
        TimeSpan holdAtMost,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(memories);
        ThrowIfClosed();
        var along = extras?.Checked(nameof(extras)) ?? MessageExtrasModule.none;
        var inner = RegisteredMemory.InnerOf(memories);

        return new ZeroCopySend(
            SocketMessages.startZeroCopyRegistered(loop, descriptor, inner, along, holdAtMost, cancellationToken));
    }
}
