// What is done with an open file's contents.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringFile
{
    /// <summary>
    /// Reads up to <c>buffer.Length</c> bytes at <paramref name="offset"/>. Allocates nothing: await the task once. See
    /// man io_uring_prep_read(3).
    /// </summary>
    /// <param name="buffer">The kernel's until the task has ended. An empty one gives 0.</param>
    /// <param name="offset">Bytes from the start of the file; ignored by pipes and terminals.</param>
    /// <param name="cancellationToken">Asks for its end; after that the buffer is yours again.</param>
    /// <returns>The number of bytes, which can be fewer than asked for; 0 at the end of the file.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative.</exception>
    /// <exception cref="NotSupportedException">The file is not open to read.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">The device failed; HResult is the errno.</exception>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, long offset, CancellationToken cancellationToken = default) =>
        Start(FileAccess.Read, FileRequest.read(descriptor, buffer, offset), cancellationToken);

    /// <summary>Reads until <paramref name="buffer"/> is full. See man io_uring_prep_read(3).</summary>
    /// <param name="buffer">The kernel's until the task has ended.</param>
    /// <param name="offset">Bytes from the start of the file; ignored by pipes and terminals.</param>
    /// <param name="cancellationToken">Asks for its end; part of the buffer may have been filled.</param>
    /// <exception cref="EndOfStreamException">The file ends before the buffer is full.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative.</exception>
    /// <exception cref="NotSupportedException">The file is not open to read.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">The device failed; HResult is the errno.</exception>
    public ValueTask ReadExactlyAsync(
        Memory<byte> buffer,
        long offset,
        CancellationToken cancellationToken = default) =>
        StartWhole(FileAccess.Read, FileRequest.read(descriptor, buffer, offset), cancellationToken);

    /// <summary>
    /// Writes all of <paramref name="buffer"/> at <paramref name="offset"/>, in several steps if need be. See
    /// man io_uring_prep_write(3).
    /// </summary>
    /// <param name="buffer">The kernel's until the task has ended.</param>
    /// <param name="offset">
    /// Bytes from the start of the file; ignored by pipes and terminals, and in <see cref="FileMode.Append"/>.
    /// </param>
    /// <param name="cancellationToken">Asks for its end; part of the buffer may have been written.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative.</exception>
    /// <exception cref="NotSupportedException">The file is not open to write.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">The disk is full (ENOSPC, 28), or it failed; HResult is the errno.</exception>
    public ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer,
        long offset,
        CancellationToken cancellationToken = default) =>
        StartWhole(FileAccess.Write, FileRequest.write(descriptor, buffer, offset), cancellationToken);

    /// <summary>
    /// Writes at <paramref name="offset"/> what the kernel takes at once. Allocates nothing: await the task once. See
    /// man io_uring_prep_write(3).
    /// </summary>
    /// <param name="buffer">The kernel's until the task has ended.</param>
    /// <param name="offset">
    /// Bytes from the start of the file; ignored by pipes and terminals, and in <see cref="FileMode.Append"/>.
    /// </param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>The number of bytes, which can be fewer than <c>buffer.Length</c>.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative.</exception>
    /// <exception cref="NotSupportedException">The file is not open to write.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">The disk is full (ENOSPC, 28), or it failed; HResult is the errno.</exception>
    public ValueTask<int> WriteSomeAsync(
        ReadOnlyMemory<byte> buffer,
        long offset,
        CancellationToken cancellationToken = default) =>
        Start(FileAccess.Write, FileRequest.write(descriptor, buffer, offset), cancellationToken);

    /// <summary>Waits until what was written has reached the device. See man fsync(2).</summary>
    /// <param name="dataOnly">Leaves out metadata that reading does not need, such as times (fdatasync).</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException">This sort of file (a pipe, for example) has nothing to flush.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">The device failed, and data may be lost; HResult is the errno.</exception>
    public ValueTask FlushAsync(bool dataOnly = false, CancellationToken cancellationToken = default) =>
        StartEffect(FileAccess.ReadWrite, FileRequest.sync(descriptor, dataOnly), cancellationToken);

    /// <summary>
    /// Waits until a stretch of what was written has reached the device. Many file systems flush the whole file. See
    /// man fsync(2), io_uring_prep_fsync(3).
    /// </summary>
    /// <param name="offset">Where the stretch starts, in bytes.</param>
    /// <param name="length">Bytes, at least 1 and at most 4 GiB less one.</param>
    /// <param name="dataOnly">Leaves out metadata that reading does not need, such as times (fdatasync).</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative, or
    /// <paramref name="length"/> out of range.</exception>
    /// <exception cref="ArgumentException">This sort of file (a pipe, for example) has nothing to flush.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">The device failed, and data may be lost; HResult is the errno.</exception>
    public ValueTask FlushAsync(
        long offset,
        long length,
        bool dataOnly = false,
        CancellationToken cancellationToken = default)
    {
        var request = FileRequest.syncPart(descriptor, offset, length, dataOnly);
        return StartEffect(FileAccess.ReadWrite, in request, cancellationToken);
    }

    /// <summary>
    /// Sets the length: cuts the file, or extends it with a hole that reads as zeros. Before Linux 6.9 by a
    /// system call on the ring's thread; see man ftruncate(2).
    /// </summary>
    /// <param name="length">Bytes.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative.</exception>
    /// <exception cref="ArgumentException">It is not an ordinary file.</exception>
    /// <exception cref="NotSupportedException">The file is not open to write.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">Too large for the file system (EFBIG, 27), or another error.</exception>
    public ValueTask SetLengthAsync(long length, CancellationToken cancellationToken = default) =>
        StartEffect(FileAccess.Write, FileRequest.truncate(descriptor, length), cancellationToken);

    /// <summary>
    /// Reserves disk space, so that writing there cannot fail for want of it; extends the file if need be. See
    /// man fallocate(2).
    /// </summary>
    /// <param name="offset">Where the space starts, in bytes.</param>
    /// <param name="length">Bytes, at least 1.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative, or
    /// <paramref name="length"/> is less than 1.</exception>
    /// <exception cref="NotSupportedException">The file system cannot do it, or the file is not open to write.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">The disk is full (ENOSPC, 28), or another error; HResult is the errno.</exception>
    public ValueTask AllocateAsync(long offset, long length, CancellationToken cancellationToken = default) =>
        StartEffect(FileAccess.Write, FileRequest.allocate(descriptor, offset, length), cancellationToken);

    /// <summary>
    /// Reserves, frees or moves space. See man fallocate(2); which of it there is depends on the file system.
    /// </summary>
    /// <param name="offset">Where the stretch starts, in bytes.</param>
    /// <param name="length">Bytes, at least 1.</param>
    /// <param name="mode">What becomes of the stretch.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative, or
    /// <paramref name="length"/> is less than 1.</exception>
    /// <exception cref="ArgumentException">What moves bytes wants whole blocks before the end of the file.</exception>
    /// <exception cref="NotSupportedException">The file system cannot do it, or the file is not open to write.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">The disk is full (ENOSPC, 28), or another error; HResult is the errno.</exception>
    public ValueTask AllocateAsync(
        long offset,
        long length,
        FileAllocation mode,
        CancellationToken cancellationToken = default)
    {
        var request = FileRequest.allocateAs(descriptor, (Allocation)mode.Checked(), offset, length);
        return StartEffect(FileAccess.Write, in request, cancellationToken);
    }

    private ValueTask<int> Start(FileAccess needed, in Request request, CancellationToken cancellationToken)
    {
        ThrowUnlessOpenTo(needed);
        return loop.Start(in request, cancellationToken);
    }

    private ValueTask StartEffect(FileAccess needed, in Request request, CancellationToken cancellationToken)
    {
        ThrowUnlessOpenTo(needed);
        return loop.StartEffect(in request, cancellationToken);
    }

    private ValueTask StartWhole(FileAccess needed, in Request request, CancellationToken cancellationToken)
    {
        ThrowUnlessOpenTo(needed);
        return loop.StartWhole(in request, cancellationToken);
    }
}
