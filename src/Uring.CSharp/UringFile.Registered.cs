// Reading into and writing from memory that the ring knows.
using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringFile
{
    /// <summary>Reads into registered memory, without pinning it. See man io_uring_prep_read_fixed(3).</summary>
    /// <param name="memory">The kernel's until the task has ended; of the file's own ring.</param>
    /// <param name="offset">Bytes from the start of the file; ignored by pipes and terminals.</param>
    /// <param name="cancellationToken">Asks for its end; after that the memory is yours again.</param>
    /// <returns>The number of bytes, which can be fewer than asked for; 0 at the end of the file.</returns>
    /// <exception cref="ArgumentException"><paramref name="memory"/> is another ring's.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative.</exception>
    /// <exception cref="NotSupportedException">The file is not open to read.</exception>
    /// <exception cref="ObjectDisposedException">The buffer, the file or its ring was disposed of.</exception>
    /// <exception cref="IOException">The device failed; HResult is the errno.</exception>
    public ValueTask<int> ReadAsync(
        RegisteredMemory memory,
        long offset,
        CancellationToken cancellationToken = default) =>
        Start(FileAccess.Read, RegisteredRequest.read(descriptor, memory.Inner, offset), cancellationToken);

    /// <summary>
    /// Fills parts of one registered buffer in their order, with one read. Linux 6.15, older kernels pin them;
    /// see man io_uring_prep_readv_fixed(3).
    /// </summary>
    /// <param name="memories">At least one; of one buffer.</param>
    /// <param name="offset">Bytes from the start of the file; ignored by pipes and terminals.</param>
    /// <param name="cancellationToken">Asks for its end; after that the memory is yours again.</param>
    /// <returns>The number of bytes, which can be fewer than asked for; 0 at the end of the file.</returns>
    /// <exception cref="ArgumentException">They are of several buffers, or another ring's.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are none, or <paramref name="offset"/> is negative.</exception>
    /// <exception cref="NotSupportedException">The file is not open to read.</exception>
    /// <exception cref="ObjectDisposedException">The buffer, the file or its ring was disposed of.</exception>
    public ValueTask<int> ReadAsync(
        IReadOnlyList<RegisteredMemory> memories,
        long offset,
        CancellationToken cancellationToken = default) =>
        Start(FileAccess.Read, RegisteredRequest.readVector(descriptor, Inner(memories), offset), cancellationToken);

    /// <summary>Reads until registered memory is full. See man io_uring_prep_read_fixed(3).</summary>
    /// <param name="memory">The kernel's until the task has ended; of the file's own ring.</param>
    /// <param name="offset">Bytes from the start of the file; ignored by pipes and terminals.</param>
    /// <param name="cancellationToken">Asks for its end; part of the memory may have been filled.</param>
    /// <exception cref="EndOfStreamException">The file ends before it is full.</exception>
    /// <exception cref="ArgumentException">The memory is registered with another ring.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative.</exception>
    /// <exception cref="NotSupportedException">The file is not open to read.</exception>
    /// <exception cref="ObjectDisposedException">The file, its ring or the buffer was disposed of.</exception>
    /// <exception cref="IOException">The device failed; HResult is the errno.</exception>
    public ValueTask ReadExactlyAsync(
        RegisteredMemory memory,
        long offset,
        CancellationToken cancellationToken = default) =>
        StartWhole(FileAccess.Read, RegisteredRequest.read(descriptor, memory.Inner, offset), cancellationToken);

    /// <summary>
    /// Writes all of registered memory, in several steps if need be, without pinning it. See
    /// man io_uring_prep_write_fixed(3).
    /// </summary>
    /// <param name="memory">The kernel's until the task has ended; of the file's own ring.</param>
    /// <param name="offset">Bytes from the start of the file; ignored by pipes, and in <see cref="FileMode.Append"/>.</param>
    /// <param name="cancellationToken">Asks for its end; part of the memory may have been written.</param>
    /// <exception cref="ArgumentException"><paramref name="memory"/> is another ring's.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative.</exception>
    /// <exception cref="NotSupportedException">The file is not open to write.</exception>
    /// <exception cref="ObjectDisposedException">The buffer, the file or its ring was disposed of.</exception>
    /// <exception cref="IOException">The disk is full (ENOSPC, 28), or it failed; HResult is the errno.</exception>
    public ValueTask WriteAsync(
        RegisteredMemory memory,
        long offset,
        CancellationToken cancellationToken = default) =>
        StartWhole(FileAccess.Write, RegisteredRequest.write(descriptor, memory.Inner, offset), cancellationToken);

    /// <summary>
    /// Writes from parts of one registered buffer in their order, with one write. Linux 6.15, older kernels
    /// pin them; see man io_uring_prep_writev_fixed(3).
    /// </summary>
    /// <param name="memories">At least one; of one buffer.</param>
    /// <param name="offset">Bytes from the start of the file; ignored by pipes, and in <see cref="FileMode.Append"/>.</param>
    /// <param name="cancellationToken">Asks for its end; part of it may have been written.</param>
    /// <returns>The number of bytes, which can be fewer than there are.</returns>
    /// <exception cref="ArgumentException">They are of several buffers, or another ring's.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are none, or <paramref name="offset"/> is negative.</exception>
    /// <exception cref="NotSupportedException">The file is not open to write.</exception>
    /// <exception cref="ObjectDisposedException">The buffer, the file or its ring was disposed of.</exception>
    public ValueTask<int> WriteSomeAsync(
        IReadOnlyList<RegisteredMemory> memories,
        long offset,
        CancellationToken cancellationToken = default) =>
        Start(FileAccess.Write, RegisteredRequest.writeVector(descriptor, Inner(memories), offset), cancellationToken);

    private static Driver.RegisteredMemory[] Inner(IReadOnlyList<RegisteredMemory> memories)
    {
        ArgumentNullException.ThrowIfNull(memories);
        return RegisteredMemory.InnerOf(memories);
    }
}
