// More steps of a chain that work on files: space, vectors, registered memory, splices.
using System;
using System.Collections.Generic;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringChain
{
    /// <summary>
    /// Fills buffers in their order; fewer bytes than they have room for end the chain. See man io_uring_prep_readv(3).
    /// </summary>
    /// <param name="file">A file of the ring.</param>
    /// <param name="buffers">The kernel's until the chain has ended.</param>
    /// <param name="offset">Bytes from the start of the file.</param>
    /// <exception cref="ArgumentException">The file belongs to another ring.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed of.</exception>
    public UringChain Read(UringFile file, IReadOnlyList<Memory<byte>> buffers, long offset)
    {
        ArgumentNullException.ThrowIfNull(buffers);
        return Add(VectorRequest.read(Ours(file), buffers, offset));
    }

    /// <summary>
    /// Reads into registered memory; fewer bytes than it has room for end the chain. See man io_uring_prep_read_fixed(3).
    /// </summary>
    /// <param name="file">A file of the ring.</param>
    /// <param name="memory">The kernel's until the chain has ended; of the same ring.</param>
    /// <param name="offset">Bytes from the start of the file.</param>
    /// <exception cref="ArgumentException">The file or the memory belongs to another ring.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The file or the buffer was disposed of.</exception>
    public UringChain Read(UringFile file, RegisteredMemory memory, long offset) =>
        Add(RegisteredRequest.read(Ours(file), memory.Inner, offset));

    /// <summary>
    /// Writes buffers in their order; fewer bytes than there are end the chain. See man io_uring_prep_writev(3).
    /// </summary>
    /// <param name="file">A file of the ring.</param>
    /// <param name="buffers">The kernel's until the chain has ended.</param>
    /// <param name="offset">Bytes from the start of the file.</param>
    /// <exception cref="ArgumentException">The file belongs to another ring.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed of.</exception>
    public UringChain Write(UringFile file, IReadOnlyList<ReadOnlyMemory<byte>> buffers, long offset)
    {
        ArgumentNullException.ThrowIfNull(buffers);
        return Add(VectorRequest.write(Ours(file), buffers, offset));
    }

    /// <summary>
    /// Writes registered memory; fewer bytes than there are end the chain. See man io_uring_prep_write_fixed(3).
    /// </summary>
    /// <param name="file">A file of the ring.</param>
    /// <param name="memory">The kernel's until the chain has ended; of the same ring.</param>
    /// <param name="offset">Bytes from the start of the file.</param>
    /// <exception cref="ArgumentException">The file or the memory belongs to another ring.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The file or the buffer was disposed of.</exception>
    public UringChain Write(UringFile file, RegisteredMemory memory, long offset) =>
        Add(RegisteredRequest.write(Ours(file), memory.Inner, offset));

    /// <summary>Reserves space, extending the file if need be. See man io_uring_prep_fallocate(3).</summary>
    /// <param name="file">A file of the ring.</param>
    /// <param name="offset">Bytes from the start of the file.</param>
    /// <param name="length">Bytes.</param>
    /// <exception cref="ArgumentException">The file belongs to another ring.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="offset"/> is negative, or <paramref name="length"/> not positive.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The file was disposed of.</exception>
    public UringChain Allocate(UringFile file, long offset, long length) =>
        Add(FileRequest.allocate(Ours(file), offset, length));

    /// <summary>
    /// Cuts the file, or extends it with a hole. Linux 6.9: in a chain nothing else can do it, and the step fails with
    /// ENOSYS (38) on an older kernel. See man io_uring_prep_ftruncate(3).
    /// </summary>
    /// <param name="file">A file of the ring.</param>
    /// <param name="length">Bytes.</param>
    /// <exception cref="ArgumentException">The file belongs to another ring.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed of.</exception>
    public UringChain SetLength(UringFile file, long length) => Add(FileRequest.truncate(Ours(file), length));

    /// <summary>
    /// Moves bytes without copying them through user memory: one of the two is a pipe's end. See man io_uring_prep_splice(3).
    /// </summary>
    /// <param name="source">Where they come from; a file of the ring.</param>
    /// <param name="offset">Bytes from its start; -1 for a pipe.</param>
    /// <param name="target">Where they go; a file of the ring.</param>
    /// <param name="targetOffset">Bytes from its start; -1 for a pipe.</param>
    /// <param name="length">How many at most.</param>
    /// <exception cref="ArgumentException">One of the files belongs to another ring.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="length"/> is not positive, or an offset is less than -1.
    /// </exception>
    /// <exception cref="ObjectDisposedException">One of the files was disposed of.</exception>
    public UringChain Splice(UringFile source, long offset, UringFile target, long targetOffset, int length) =>
        Add(FileRequest.splice(
            Ours(source, nameof(source)),
            offset,
            Ours(target, nameof(target)),
            targetOffset,
            length));
}
