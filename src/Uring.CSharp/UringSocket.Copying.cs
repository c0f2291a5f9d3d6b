// What a socket gives to a pipe, a file or another socket.
using System;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringSocket
{
    /// <summary>
    /// Moves up to <paramref name="length"/> bytes that came to a pipe, without copying them through the program's memory.
    /// Waits for them by a poll first: a splice that waits would hold up who uses the pipe. See man splice(2).
    /// </summary>
    /// <param name="target">A pipe's end to write to, on the same ring.</param>
    /// <param name="length">Bytes, at least 1.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>The number of bytes, which can be fewer; 0 when the peer has finished sending.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is less than 1.</exception>
    /// <exception cref="ArgumentException">The target is no pipe, or belongs to another ring.</exception>
    /// <exception cref="NotSupportedException">The target is not open to write.</exception>
    /// <exception cref="ObjectDisposedException">One of the two or their ring was disposed of.</exception>
    /// <exception cref="System.IO.IOException">The connection broke, or another error; HResult is the errno.</exception>
    public ValueTask<int> SpliceAsync(UringFile target, int length, CancellationToken cancellationToken = default) =>
        SpliceAsync(target, length, SpliceModes.None, cancellationToken);

    /// <summary>
    /// As <see cref="SpliceAsync(UringFile, int, CancellationToken)"/>, by modes, which concern the pipe: it waits for the
    /// peer in any case. See man splice(2).
    /// </summary>
    /// <param name="target">A pipe's end to write to, on the same ring.</param>
    /// <param name="length">Bytes, at least 1.</param>
    /// <param name="modes">How.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>The number of bytes, which can be fewer; 0 when the peer has finished sending.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is less than 1, or
    /// <paramref name="modes"/> has something else.</exception>
    /// <exception cref="ArgumentException">The target is no pipe, or belongs to another ring.</exception>
    /// <exception cref="NotSupportedException">The target is not open to write.</exception>
    /// <exception cref="ObjectDisposedException">One of the two or their ring was disposed of.</exception>
    /// <exception cref="System.IO.IOException">The pipe is full (NonBlocking; EAGAIN, 11), the connection broke, or another
    /// error; HResult is the errno.</exception>
    public ValueTask<int> SpliceAsync(
        UringFile target,
        int length,
        SpliceModes modes,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        target.ThrowUnlessOpenTo(System.IO.FileAccess.Write);
        var core = (FSharp.SpliceModes)modes.Checked();
        var request = FileRequest.spliceAs(core, descriptor, -1, target.Descriptor, -1, length);
        return SpliceAsync(request, cancellationToken);
    }

    // A splice that waits has the lock of its pipe, and a read or write there would stop the ring's thread.
    private async ValueTask<int> SpliceAsync(Request splice, CancellationToken cancellationToken)
    {
        _ = await PollAsync(PollEvents.Readable, cancellationToken).ConfigureAwait(Ending.OnLoop);
        return await Start(in splice, cancellationToken).ConfigureAwait(Ending.OnLoop);
    }

    /// <summary>
    /// Sends to another peer what comes from this one, until it has finished. For a proxy: one for each direction, and
    /// <see cref="ShutdownAsync"/> of the target's sending when it has ended. Through a buffer of 256 KiB.
    /// </summary>
    /// <param name="target">The other connection. It may belong to another ring.</param>
    /// <param name="cancellationToken">Asks for its end; what has been received by then may be lost.</param>
    /// <returns>The number of bytes.</returns>
    /// <exception cref="System.Net.Sockets.SocketException">One of the connections broke.</exception>
    /// <exception cref="ObjectDisposedException">One of the two or its ring was disposed of.</exception>
    public ValueTask<long> CopyToAsync(UringSocket target, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        ThrowIfClosed();
        target.ThrowIfClosed();
        var copying = FSharp.Copying.relay(descriptor, target.Descriptor);
        return new ValueTask<long>(FSharp.Copying.start(loop, copying, cancellationToken));
    }

    /// <summary>Writes to a file what comes from the peer, through a buffer of 256 KiB.</summary>
    /// <param name="target">Where to. It may belong to another ring.</param>
    /// <param name="targetOffset">Where it starts to write.</param>
    /// <param name="length">Bytes at most; without it, until the peer has finished.</param>
    /// <param name="cancellationToken">Asks for its end; what has been received by then may be lost.</param>
    /// <returns>The number of bytes: less than <paramref name="length"/> only when the peer has finished.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="targetOffset"/> or <paramref name="length"/> is
    /// negative.</exception>
    /// <exception cref="NotSupportedException">The target is not open to write.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The connection broke (ConnectionReset, TimedOut).</exception>
    /// <exception cref="ObjectDisposedException">One of the two or its ring was disposed of.</exception>
    /// <exception cref="System.IO.IOException">The disk is full (ENOSPC, 28), or it failed; HResult is the errno.</exception>
    public ValueTask<long> CopyToAsync(
        UringFile target,
        long targetOffset = 0,
        long length = long.MaxValue,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        ThrowIfClosed();
        target.ThrowUnlessOpenTo(System.IO.FileAccess.Write);
        var copying = FSharp.Copying.socketToFile(descriptor, target.Descriptor, targetOffset, length);
        return new ValueTask<long>(FSharp.Copying.start(loop, copying, cancellationToken));
    }
}
