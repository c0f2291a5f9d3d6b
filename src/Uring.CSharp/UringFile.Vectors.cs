// Reading into and writing from several buffers at once.
using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringFile
{
    /// <summary>
    /// Fills several buffers in their order, with what the file has from <paramref name="offset"/> on. Linux 5.1; see
    /// man readv(2).
    /// </summary>
    /// <param name="buffers">
    /// The kernel's until the task has ended; the list itself is copied. Empty ones are passed over. One read fills the
    /// first 1024 at most.
    /// </param>
    /// <param name="offset">Bytes from the start of the file; ignored by pipes and terminals.</param>
    /// <param name="cancellationToken">Asks for its end; after that the buffers are yours again.</param>
    /// <returns>The number of bytes, which can be fewer than there is room for; 0 at the end of the file.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="buffers"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative.</exception>
    /// <exception cref="NotSupportedException">The file is not open to read.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">The device failed; HResult is the errno.</exception>
    public ValueTask<int> ReadAsync(
        IReadOnlyList<Memory<byte>> buffers,
        long offset,
        CancellationToken cancellationToken = default) =>
        Start(FileAccess.Read, VectorRequest.read(descriptor, buffers, offset), cancellationToken);

    /// <summary>
    /// Writes all of several buffers in their order at <paramref name="offset"/>, in several steps if need be: another
    /// writer can come between two of them. Linux 5.1; see man writev(2).
    /// </summary>
    /// <param name="buffers">
    /// The kernel's until the task has ended; the list itself is copied. One step takes 1024 at most.
    /// </param>
    /// <param name="offset">
    /// Bytes from the start of the file; ignored by pipes and terminals, and in <see cref="FileMode.Append"/>.
    /// </param>
    /// <param name="cancellationToken">Asks for its end; part of the buffers may have been written.</param>
    /// <exception cref="ArgumentNullException"><paramref name="buffers"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative.</exception>
    /// <exception cref="NotSupportedException">The file is not open to write.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">The disk is full (ENOSPC, 28), or it failed; HResult is the errno.</exception>
    public ValueTask WriteAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> buffers,
        long offset,
        CancellationToken cancellationToken = default) =>
        WriteAllAsync(buffers, offset, TransferFlags.None, cancellationToken);

    /// <summary>Reads until all of several buffers are full, in their order. See man readv(2).</summary>
    /// <param name="buffers">The kernel's until the task has ended; the list itself is copied.</param>
    /// <param name="offset">Bytes from the start of the file; ignored by pipes and terminals.</param>
    /// <param name="cancellationToken">Asks for its end; part of the buffers may have been filled.</param>
    /// <exception cref="EndOfStreamException">The file ends before they are full.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative.</exception>
    /// <exception cref="NotSupportedException">The file is not open to read.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">The device failed; HResult is the errno.</exception>
    public ValueTask ReadExactlyAsync(
        IReadOnlyList<Memory<byte>> buffers,
        long offset,
        CancellationToken cancellationToken = default)
    {
        var vector = MemoryVector.Of(buffers);
        var at = VectorRequest.checkedOffset(offset);
        ThrowUnlessOpenTo(FileAccess.Read);
        return new ValueTask(Whole.startReading(Model.Goal.All, Model.TransferFlags.None, descriptor, vector, at, cancellationToken));
    }

    private ValueTask WriteAllAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> buffers,
        long offset,
        TransferFlags flags,
        CancellationToken cancellationToken)
    {
        var vector = MemoryVector.Of(buffers);
        var at = VectorRequest.checkedOffset(offset);
        ThrowUnlessOpenTo(FileAccess.Write);
        return new ValueTask(
            Whole.startWriting((Model.TransferFlags)flags, descriptor, vector, at, cancellationToken));
    }
}
