// Reads and writes that are more or less urgent than others.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;
using Uring.Model;

namespace Uring;

public sealed partial class UringFile
{
    /// <summary>Reads, with an I/O priority. See man ioprio_set(2), and io_uring_prep_read(3).</summary>
    /// <param name="buffer">Where to: the kernel's until the task has ended.</param>
    /// <param name="offset">Bytes from the start of the file.</param>
    /// <param name="priority">How urgent it is.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>The number of bytes, which can be fewer; 0 at the end of the file.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative.</exception>
    /// <exception cref="NotSupportedException">The file is not open to read.</exception>
    /// <exception cref="UnauthorizedAccessException">Who asks may not be so urgent.</exception>
    /// <exception cref="IOException">Another error; HResult is the errno.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    public ValueTask<int> ReadAsync(
        Memory<byte> buffer,
        long offset,
        FilePriority priority,
        CancellationToken cancellationToken = default)
    {
        var request = Urgent(FileRequest.read(descriptor, buffer, offset), priority);
        return Start(FileAccess.Read, in request, cancellationToken);
    }

    /// <summary>Writes what the kernel takes at once, with an I/O priority. See man ioprio_set(2).</summary>
    /// <param name="buffer">What: the kernel's until the task has ended.</param>
    /// <param name="offset">Bytes from the start of the file.</param>
    /// <param name="priority">How urgent it is.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>The number of bytes, which can be fewer.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative.</exception>
    /// <exception cref="NotSupportedException">The file is not open to write.</exception>
    /// <exception cref="UnauthorizedAccessException">Who asks may not be so urgent.</exception>
    /// <exception cref="IOException">Another error; HResult is the errno.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    public ValueTask<int> WriteSomeAsync(
        ReadOnlyMemory<byte> buffer,
        long offset,
        FilePriority priority,
        CancellationToken cancellationToken = default)
    {
        var request = Urgent(FileRequest.write(descriptor, buffer, offset), priority);
        return Start(FileAccess.Write, in request, cancellationToken);
    }

    private static Driver.Request Urgent(Driver.Request request, FilePriority priority) =>
        FileRequest.prioritized((PriorityClass)priority.Class, priority.Level, request);
}
