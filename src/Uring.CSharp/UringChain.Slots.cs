// Steps of a chain that fill and empty slots of the ring's own table, that wait, and that are made to block.
using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using Uring.Driver;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringChain
{
    /// <summary>
    /// Opens a file into a slot, in place of what is there; the next steps work on <see cref="RingSlot.File"/>. See
    /// man io_uring_prep_openat_direct(3).
    /// </summary>
    /// <param name="slot">A slot of the ring.</param>
    /// <param name="path">Relative to the current directory, or absolute.</param>
    /// <param name="mode">As for FileStream.</param>
    /// <param name="access">What will be done with it.</param>
    /// <exception cref="ArgumentException">The slot belongs to another ring; <paramref name="path"/> is empty or contains
    /// a zero character; or <paramref name="mode"/> and <paramref name="access"/> do not go together.</exception>
    public UringChain Open(
        RingSlot slot,
        string path,
        FileMode mode = FileMode.Open,
        FileAccess access = FileAccess.Read) =>
        Add(Ours(slot).Opening(path, mode, access));

    /// <summary>
    /// Makes a socket in a slot, in place of what is there; the next steps work on <see cref="RingSlot.Socket"/>. See
    /// man io_uring_prep_socket_direct(3).
    /// </summary>
    /// <param name="slot">A slot of the ring.</param>
    /// <param name="family">IPv4, IPv6 or Unix.</param>
    /// <param name="kind">Of which sort.</param>
    /// <param name="protocol">TCP for streams of the internet; Unspecified lets the kernel choose.</param>
    /// <exception cref="ArgumentException">The slot belongs to another ring.</exception>
    /// <exception cref="NotSupportedException"><paramref name="family"/> is another.</exception>
    public UringChain Socket(
        RingSlot slot,
        AddressFamily family,
        SocketType kind = SocketType.Stream,
        ProtocolType protocol = ProtocolType.Unspecified) =>
        Add(Ours(slot).Making(family.Checked(), kind.Checked(), protocol.Checked()));

    /// <summary>
    /// Takes one connection into a slot, in place of what is there; the next steps work on <see cref="RingSlot.Socket"/>. See
    /// man io_uring_prep_accept_direct(3).
    /// </summary>
    /// <param name="slot">A slot of the ring.</param>
    /// <param name="listener">Of the same ring.</param>
    /// <exception cref="ArgumentException">One of them belongs to another ring.</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed of.</exception>
    public UringChain Accept(RingSlot slot, UringListener listener) => Add(Ours(slot).Accepting(listener));

    /// <summary>Connects a socket. See man io_uring_prep_connect(3).</summary>
    /// <param name="socket">A socket of the ring, such as one that a step before this made in a slot.</param>
    /// <param name="endPoint">An <see cref="IPEndPoint"/> or a <see cref="UnixDomainSocketEndPoint"/>.</param>
    /// <exception cref="ArgumentException">
    /// The socket belongs to another ring, or <paramref name="endPoint"/> is a name: resolve it first.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public UringChain Connect(UringSocket socket, EndPoint endPoint) =>
        Add(SocketRequest.connect(Ours(socket), endPoint));

    /// <summary>Empties a slot. See man io_uring_prep_close_direct(3).</summary>
    /// <param name="slot">A slot of the ring.</param>
    /// <exception cref="ArgumentException">The slot belongs to another ring.</exception>
    public UringChain Close(RingSlot slot) => Add(SlotRequest.close(Ours(slot).Core));

    /// <summary>
    /// Waits before the next operation. Its own result says ETIME (62), and the chain goes on. Linux 5.16; see
    /// man io_uring_prep_timeout(3), IORING_TIMEOUT_ETIME_SUCCESS.
    /// </summary>
    /// <param name="delay">How long.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="delay"/> is negative.</exception>
    public UringChain Pause(TimeSpan delay) => Add(FSharp.Uring.pause(delay));

    /// <summary>
    /// The operation before this begins on one of the kernel's worker threads at once, instead of being tried first: for one
    /// of which it is known that it blocks. See man io_uring_enter(2), IOSQE_ASYNC.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is no operation before it.</exception>
    public UringChain OnWorker()
    {
        var last = Last();
        return Replace(new(RequestModule.onWorker(last.Step), last.Limit, last.Link));
    }

    private RingSlot Ours(RingSlot slot)
    {
        ArgumentNullException.ThrowIfNull(slot);
        _ = Ours(slot.Core.Descriptor, nameof(slot));
        return slot;
    }
}
