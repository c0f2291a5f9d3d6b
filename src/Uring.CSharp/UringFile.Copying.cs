// Copying to another file or a connection: wraps Api/Copying.fs.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace Uring;

public sealed partial class UringFile
{
    /// <summary>
    /// Copies to another file, through a buffer of 256 KiB. What is there beyond the end of the copy stays: see
    /// <see cref="SetLengthAsync"/>.
    /// </summary>
    /// <param name="target">Where to. It may belong to another ring.</param>
    /// <param name="offset">Where it starts to read; ignored by pipes and terminals.</param>
    /// <param name="targetOffset">Where it starts to write; ignored by those, and in <see cref="FileMode.Append"/>.</param>
    /// <param name="length">Bytes at most; without it, to the end of this file.</param>
    /// <param name="cancellationToken">Asks for its end; part of it may have been copied.</param>
    /// <returns>The number of bytes: less than <paramref name="length"/> only where this file ends.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An offset or <paramref name="length"/> is negative.</exception>
    /// <exception cref="ArgumentException">Both are the same file.</exception>
    /// <exception cref="NotSupportedException">This is not open to read, or the target is not open to write.</exception>
    /// <exception cref="ObjectDisposedException">One of the two or its ring was disposed of.</exception>
    /// <exception cref="IOException">The disk is full (ENOSPC, 28), or it failed; HResult is the errno.</exception>
    public ValueTask<long> CopyToAsync(
        UringFile target,
        long offset = 0,
        long targetOffset = 0,
        long length = long.MaxValue,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        ThrowUnlessOpenTo(FileAccess.Read);
        target.ThrowUnlessOpenTo(FileAccess.Write);
        var copying = FSharp.Copying.files(descriptor, offset, target.descriptor, targetOffset, length);
        return new ValueTask<long>(FSharp.Copying.start(loop, copying, cancellationToken));
    }

    /// <summary>Sends contents of this file to a peer, through a buffer of 256 KiB.</summary>
    /// <param name="target">The connection. It may belong to another ring.</param>
    /// <param name="offset">Where it starts to read; ignored by pipes and terminals.</param>
    /// <param name="length">Bytes at most; without it, to the end of this file.</param>
    /// <param name="cancellationToken">Asks for its end; part of it may have been sent.</param>
    /// <returns>The number of bytes: less than <paramref name="length"/> only where this file ends.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> or <paramref name="length"/> is negative.</exception>
    /// <exception cref="NotSupportedException">The file is not open to read.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The peer is gone (ConnectionReset, Shutdown).</exception>
    /// <exception cref="ObjectDisposedException">One of the two or its ring was disposed of.</exception>
    /// <exception cref="IOException">The disk failed; HResult is the errno.</exception>
    public ValueTask<long> CopyToAsync(
        UringSocket target,
        long offset = 0,
        long length = long.MaxValue,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        ThrowUnlessOpenTo(FileAccess.Read);
        target.ThrowIfClosed();
        var copying = FSharp.Copying.fileToSocket(descriptor, offset, target.Descriptor, length);
        return new ValueTask<long>(FSharp.Copying.start(loop, copying, cancellationToken));
    }
}
