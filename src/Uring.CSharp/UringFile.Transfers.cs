// Reading and writing with flags for the one transfer.
using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringFile
{
    private static Request With(TransferFlags flags, in Request request) =>
        FileRequest.transferring((Model.TransferFlags)flags, request);

    /// <summary>Reads up to <c>buffer.Length</c> bytes, with flags. See man preadv2(2).</summary>
    /// <param name="buffer">The kernel's until the task has ended.</param>
    /// <param name="offset">Bytes from the start of the file; ignored by pipes and terminals.</param>
    /// <param name="flags">What else is asked for.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>The number of bytes, which can be fewer than asked for; 0 at the end of the file.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative, or there are no such
    /// flags.</exception>
    /// <exception cref="ArgumentException">The flags do not go together, or not with this ring.</exception>
    /// <exception cref="NotSupportedException">The file system cannot do it, or the file is not open to read.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than one of the flags.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">It would have to wait (NoWait; EAGAIN, 11), or failed; HResult is the errno.</exception>
    public ValueTask<int> ReadAsync(
        Memory<byte> buffer,
        long offset,
        TransferFlags flags,
        CancellationToken cancellationToken = default) =>
        Start(
            FileAccess.Read,
            With(flags.Checked(), FileRequest.read(descriptor, buffer, offset)),
            cancellationToken);

    /// <summary>Fills several buffers in their order with one read, with flags. See man preadv2(2).</summary>
    /// <param name="buffers">The kernel's until the task has ended.</param>
    /// <param name="offset">Bytes from the start of the file; ignored by pipes and terminals.</param>
    /// <param name="flags">What else is asked for.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>The number of bytes, which can be fewer than asked for; 0 at the end of the file.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative, or there are no such
    /// flags.</exception>
    /// <exception cref="ArgumentException">The flags do not go together, or not with this ring.</exception>
    /// <exception cref="NotSupportedException">The file system cannot do it, or the file is not open to read.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than one of the flags.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">It would have to wait (NoWait; EAGAIN, 11), or failed; HResult is the errno.</exception>
    public ValueTask<int> ReadAsync(
        IReadOnlyList<Memory<byte>> buffers,
        long offset,
        TransferFlags flags,
        CancellationToken cancellationToken = default) =>
        Start(
            FileAccess.Read,
            With(flags.Checked(), VectorRequest.read(descriptor, buffers, offset)),
            cancellationToken);

    /// <summary>Reads into registered memory, with flags. See man preadv2(2).</summary>
    /// <param name="memory">The kernel's until the task has ended.</param>
    /// <param name="offset">Bytes from the start of the file; ignored by pipes and terminals.</param>
    /// <param name="flags">What else is asked for.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>The number of bytes, which can be fewer than asked for; 0 at the end of the file.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative, or there are no such
    /// flags.</exception>
    /// <exception cref="ArgumentException">The flags do not go together, or not with this ring.</exception>
    /// <exception cref="NotSupportedException">The file system cannot do it, or the file is not open to read.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than one of the flags.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">It would have to wait (NoWait; EAGAIN, 11), or failed; HResult is the errno.</exception>
    public ValueTask<int> ReadAsync(
        RegisteredMemory memory,
        long offset,
        TransferFlags flags,
        CancellationToken cancellationToken = default) =>
        Start(
            FileAccess.Read,
            With(flags.Checked(), RegisteredRequest.read(descriptor, memory.Inner, offset)),
            cancellationToken);

    /// <summary>Fills parts of one registered buffer in their order with one read, with flags. See man preadv2(2).</summary>
    /// <param name="memories">The kernel's until the task has ended.</param>
    /// <param name="offset">Bytes from the start of the file; ignored by pipes and terminals.</param>
    /// <param name="flags">What else is asked for.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>The number of bytes, which can be fewer than asked for; 0 at the end of the file.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative, or there are no such
    /// flags.</exception>
    /// <exception cref="ArgumentException">The flags do not go together, or not with this ring.</exception>
    /// <exception cref="NotSupportedException">The file system cannot do it, or the file is not open to read.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than one of the flags.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">It would have to wait (NoWait; EAGAIN, 11), or failed; HResult is the errno.</exception>
    public ValueTask<int> ReadAsync(
        IReadOnlyList<RegisteredMemory> memories,
        long offset,
        TransferFlags flags,
        CancellationToken cancellationToken = default) =>
        Start(
            FileAccess.Read,
            With(flags.Checked(), RegisteredRequest.readVector(descriptor, Inner(memories), offset)),
            cancellationToken);

    /// <summary>Writes all of <paramref name="buffer"/>, in several steps if need be, with flags. See man pwritev2(2).</summary>
    /// <param name="buffer">The kernel's until the task has ended.</param>
    /// <param name="offset">Bytes from the start of the file; ignored by pipes and terminals.</param>
    /// <param name="flags">What else is asked for.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative, or there are no such
    /// flags.</exception>
    /// <exception cref="ArgumentException">The flags do not go together, or not with this ring.</exception>
    /// <exception cref="NotSupportedException">The file system cannot do it, or the file is not open to write.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than one of the flags.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">It would have to wait (NoWait; EAGAIN, 11), or failed; HResult is the errno.</exception>
    public ValueTask WriteAsync(
        ReadOnlyMemory<byte> buffer,
        long offset,
        TransferFlags flags,
        CancellationToken cancellationToken = default) =>
        StartWhole(
            FileAccess.Write,
            With(flags.Checked(), FileRequest.write(descriptor, buffer, offset)),
            cancellationToken);

    /// <summary>Writes all of several buffers in their order, with flags. See man pwritev2(2).</summary>
    /// <param name="buffers">The kernel's until the task has ended.</param>
    /// <param name="offset">Bytes from the start of the file; ignored by pipes and terminals.</param>
    /// <param name="flags">What else is asked for.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative, or there are no such
    /// flags.</exception>
    /// <exception cref="ArgumentException">The flags do not go together, or not with this ring.</exception>
    /// <exception cref="NotSupportedException">The file system cannot do it, or the file is not open to write.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than one of the flags.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">It would have to wait (NoWait; EAGAIN, 11), or failed; HResult is the errno.</exception>
    public ValueTask WriteAsync(
        IReadOnlyList<ReadOnlyMemory<byte>> buffers,
        long offset,
        TransferFlags flags,
        CancellationToken cancellationToken = default) =>
        WriteAllAsync(buffers, offset, flags.Checked(), cancellationToken);

    /// <summary>Writes all of registered memory, in several steps if need be, with flags. See man pwritev2(2).</summary>
    /// <param name="memory">The kernel's until the task has ended.</param>
    /// <param name="offset">Bytes from the start of the file; ignored by pipes and terminals.</param>
    /// <param name="flags">What else is asked for.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative, or there are no such
    /// flags.</exception>
    /// <exception cref="ArgumentException">The flags do not go together, or not with this ring.</exception>
    /// <exception cref="NotSupportedException">The file system cannot do it, or the file is not open to write.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than one of the flags.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">It would have to wait (NoWait; EAGAIN, 11), or failed; HResult is the errno.</exception>
    public ValueTask WriteAsync(
        RegisteredMemory memory,
        long offset,
        TransferFlags flags,
        CancellationToken cancellationToken = default) =>
        StartWhole(
            FileAccess.Write,
            With(flags.Checked(), RegisteredRequest.write(descriptor, memory.Inner, offset)),
            cancellationToken);

    /// <summary>Writes what the kernel takes at once, with flags. See man pwritev2(2).</summary>
    /// <param name="buffer">The kernel's until the task has ended.</param>
    /// <param name="offset">Bytes from the start of the file; ignored by pipes and terminals.</param>
    /// <param name="flags">What else is asked for.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>The number of bytes, which can be fewer than there are.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative, or there are no such
    /// flags.</exception>
    /// <exception cref="ArgumentException">The flags do not go together, or not with this ring.</exception>
    /// <exception cref="NotSupportedException">The file system cannot do it, or the file is not open to write.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than one of the flags.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">It would have to wait (NoWait; EAGAIN, 11), or failed; HResult is the errno.</exception>
    public ValueTask<int> WriteSomeAsync(
        ReadOnlyMemory<byte> buffer,
        long offset,
        TransferFlags flags,
        CancellationToken cancellationToken = default) =>
        Start(
            FileAccess.Write,
            With(flags.Checked(), FileRequest.write(descriptor, buffer, offset)),
            cancellationToken);

    /// <summary>Writes from parts of one registered buffer in their order with one write, with flags. See man pwritev2(2).</summary>
    /// <param name="memories">The kernel's until the task has ended.</param>
    /// <param name="offset">Bytes from the start of the file; ignored by pipes and terminals.</param>
    /// <param name="flags">What else is asked for.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>The number of bytes, which can be fewer than there are.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative, or there are no such
    /// flags.</exception>
    /// <exception cref="ArgumentException">The flags do not go together, or not with this ring.</exception>
    /// <exception cref="NotSupportedException">The file system cannot do it, or the file is not open to write.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than one of the flags.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">It would have to wait (NoWait; EAGAIN, 11), or failed; HResult is the errno.</exception>
    public ValueTask<int> WriteSomeAsync(
        IReadOnlyList<RegisteredMemory> memories,
        long offset,
        TransferFlags flags,
        CancellationToken cancellationToken = default) =>
        Start(
            FileAccess.Write,
            With(flags.Checked(), RegisteredRequest.writeVector(descriptor, Inner(memories), offset)),
            cancellationToken);
}
