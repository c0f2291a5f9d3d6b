// What has no offsets: reading and writing at the file's own position, and by way of pipes.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringFile
{
    /// <summary>
    /// Reads up to <c>buffer.Length</c> bytes at the file's own position, and moves that: for pipes, terminals, and files that
    /// are shared with others. One at a time. Allocates nothing: await the task once. See man read(2).
    /// </summary>
    /// <param name="buffer">The kernel's until the task has ended. An empty one gives 0.</param>
    /// <param name="cancellationToken">Asks for its end; after that the buffer is yours again.</param>
    /// <returns>The number of bytes, which can be fewer than asked for; 0 at the end.</returns>
    /// <exception cref="NotSupportedException">The file is not open to read.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">The device failed; HResult is the errno.</exception>
    public ValueTask<int> ReadNextAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Start(FileAccess.Read, FileRequest.readNext(descriptor, buffer), cancellationToken);

    /// <summary>
    /// Writes at the file's own position what the kernel takes at once, and moves that. Allocates nothing: await the task once.
    /// See man write(2).
    /// </summary>
    /// <param name="buffer">The kernel's until the task has ended.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>The number of bytes, which can be fewer than <c>buffer.Length</c>; a regular file has no room then, and its
    /// position may not have moved (6.18).</returns>
    /// <exception cref="NotSupportedException">The file is not open to write.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">The reader of a pipe is gone (EPIPE, 32), or another error; HResult is the errno.</exception>
    public ValueTask<int> WriteNextAsync(
        ReadOnlyMemory<byte> buffer,
        CancellationToken cancellationToken = default) =>
        Start(FileAccess.Write, FileRequest.writeNext(descriptor, buffer), cancellationToken);

    /// <summary>
    /// Writes all of <paramref name="buffer"/> at the file's own position, in several steps if need be: for pipes and
    /// terminals. With <see cref="FileMode.Append"/> that is the end of the file. See man write(2).
    /// </summary>
    /// <param name="buffer">The kernel's until the task has ended.</param>
    /// <param name="cancellationToken">Asks for its end; part of the buffer may have been written.</param>
    /// <exception cref="NotSupportedException">The file is not open to write.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">The reader of a pipe is gone (EPIPE, 32), or another error; HResult is the errno.</exception>
    public ValueTask WriteNextAllAsync(
        ReadOnlyMemory<byte> buffer,
        CancellationToken cancellationToken = default)
    {
        ThrowUnlessOpenTo(FileAccess.Write);
        return new ValueTask(Whole.startNext(descriptor, buffer, cancellationToken));
    }

    /// <summary>
    /// Reads from the file's own position to its end, into the buffers that all connections of the ring share. See
    /// <see cref="ReadAllAsync(BufferPool, CancellationToken)"/>.
    /// </summary>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>What came, in order. Leaving the loop gives back what was not looked at.</returns>
    /// <exception cref="NotSupportedException">The file is not open to read.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    public LeaseStream ReadAllAsync(CancellationToken cancellationToken = default)
    {
        ThrowUnlessOpenTo(FileAccess.Read);

        return new LeaseStream(
            async token => Open(await loop.Call(() => loop.Pools.Shared).ConfigureAwait(Ending.OnLoop), token),
            cancellationToken);
    }

    /// <summary>
    /// Reads from the file's own position to its end, into buffers of a pool: pipes, terminals, files. Dispose of each lease
    /// to give its buffer back: while none is left, reading waits. From a <see cref="UringPipe"/> it is one submission (Linux
    /// 6.7); what was opened by a path is read one by one. See man io_uring_prep_read_multishot(3).
    /// </summary>
    /// <param name="pool">Of the file's ring.</param>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>What came, in order. Leaving the loop gives back what was not looked at.</returns>
    /// <exception cref="ArgumentException"><paramref name="pool"/> belongs to another ring.</exception>
    /// <exception cref="NotSupportedException">The file is not open to read.</exception>
    /// <exception cref="ObjectDisposedException">The file, the pool or the ring was disposed of.</exception>
    public LeaseStream ReadAllAsync(
        BufferPool pool,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pool);
        ThrowUnlessOpenTo(FileAccess.Read);
        ObjectDisposedException.ThrowIf(pool.IsClosed, pool);

        if (!ReferenceEquals(pool.Loop, loop))
        {
            throw new ArgumentException("The pool and the file belong to different rings.", nameof(pool));
        }

        return new LeaseStream(
            token => ValueTask.FromResult(Open(pool.Core, token)),
            cancellationToken);
    }

    private Driver.Stream Open(Driver.BufferPool pool, CancellationToken cancellationToken) =>
        loop.Open(
            isNamed ? FileRequest.readManyNamed(descriptor, pool) : FileRequest.readMany(descriptor, pool),
            cancellationToken);

    /// <summary>
    /// Moves up to <paramref name="length"/> bytes to another file without copying them through the program's memory: one of
    /// the two is a pipe's end. Waits for the pipe. See man splice(2).
    /// </summary>
    /// <param name="target">Where to, on the same ring.</param>
    /// <param name="length">Bytes, at least 1.</param>
    /// <param name="offset">Where it starts to read; -1 is the file's own position, and the only one that a pipe has.</param>
    /// <param name="targetOffset">Where it starts to write; -1 is as above.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>The number of bytes, which can be fewer; 0 when no more will come.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is less than 1, or an offset than -1.</exception>
    /// <exception cref="ArgumentException">Neither is a pipe, the target is open to append, or the two belong to different
    /// rings.</exception>
    /// <exception cref="NotSupportedException">This is not open to read, or the target is not open to write.</exception>
    /// <exception cref="ObjectDisposedException">One of the two or their ring was disposed of.</exception>
    /// <exception cref="IOException">An offset of a pipe (ESPIPE, 29), no reader is left (EPIPE, 32), or another error.</exception>
    public ValueTask<int> SpliceAsync(
        UringFile target,
        int length,
        long offset = -1,
        long targetOffset = -1,
        CancellationToken cancellationToken = default) =>
        SpliceAsync(target, length, SpliceModes.None, offset, targetOffset, cancellationToken);

    /// <summary>
    /// Moves up to <paramref name="length"/> bytes to another file, as
    /// <see cref="SpliceAsync(UringFile, int, long, long, CancellationToken)"/> does, with modes. See man splice(2).
    /// </summary>
    /// <param name="target">Where to, on the same ring.</param>
    /// <param name="length">Bytes, at least 1.</param>
    /// <param name="modes">Without waiting for the pipe, for example.</param>
    /// <param name="offset">Where it starts to read; -1 is the file's own position, and the only one that a pipe has.</param>
    /// <param name="targetOffset">Where it starts to write; -1 is as above.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>The number of bytes, which can be fewer; 0 when no more will come.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is less than 1, or an offset less than
    /// -1.</exception>
    /// <exception cref="ArgumentException">Neither of the two is a pipe, or they belong to different rings.</exception>
    /// <exception cref="NotSupportedException">One of the two is not open to read or to write.</exception>
    /// <exception cref="ObjectDisposedException">One of the two or their ring was disposed of.</exception>
    /// <exception cref="IOException">The pipe is empty or full (NonBlocking; EAGAIN, 11), or another error; HResult is the
    /// errno.</exception>
    public ValueTask<int> SpliceAsync(
        UringFile target,
        int length,
        SpliceModes modes,
        long offset = -1,
        long targetOffset = -1,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        target.ThrowUnlessOpenTo(FileAccess.Write);
        var core = (FSharp.SpliceModes)modes.Checked();
        var request = FileRequest.spliceAs(core, descriptor, offset, target.descriptor, targetOffset, length);
        return Start(FileAccess.Read, in request, cancellationToken);
    }

    /// <summary>
    /// Moves up to <paramref name="length"/> bytes from a pipe's end to a socket, as
    /// <see cref="SpliceAsync(UringFile, int, long, long, CancellationToken)"/> does. See man splice(2).
    /// </summary>
    /// <param name="target">Where to, on the same ring.</param>
    /// <param name="length">Bytes, at least 1.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>The number of bytes, which can be fewer; 0 when no more will come.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is less than 1.</exception>
    /// <exception cref="ArgumentException">This is no pipe, or the two belong to different rings.</exception>
    /// <exception cref="NotSupportedException">This is not open to read.</exception>
    /// <exception cref="ObjectDisposedException">One of the two or their ring was disposed of.</exception>
    /// <exception cref="IOException">The connection broke (EPIPE, 32; ECONNRESET, 104), or another error.</exception>
    public ValueTask<int> SpliceAsync(
        UringSocket target,
        int length,
        CancellationToken cancellationToken = default) =>
        SpliceAsync(target, length, SpliceModes.None, cancellationToken);

    /// <summary>
    /// Moves up to <paramref name="length"/> bytes from a pipe's end to a socket, with modes: more can be said to follow. See
    /// man splice(2).
    /// </summary>
    /// <param name="target">Where to, on the same ring.</param>
    /// <param name="length">Bytes, at least 1.</param>
    /// <param name="modes">Without waiting for the pipe, for example.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>The number of bytes, which can be fewer; 0 when no more will come.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is less than 1.</exception>
    /// <exception cref="ArgumentException">This is no pipe, or the two belong to different rings.</exception>
    /// <exception cref="NotSupportedException">The file is not open to read.</exception>
    /// <exception cref="ObjectDisposedException">One of the two or their ring was disposed of.</exception>
    /// <exception cref="IOException">The pipe is empty (NonBlocking; EAGAIN, 11), or another error; HResult is the
    /// errno.</exception>
    public ValueTask<int> SpliceAsync(
        UringSocket target,
        int length,
        SpliceModes modes,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        target.ThrowIfClosed();
        var core = (FSharp.SpliceModes)modes.Checked();
        var request = FileRequest.spliceAs(core, descriptor, -1, target.Descriptor, -1, length);
        return Start(FileAccess.Read, in request, cancellationToken);
    }

    /// <summary>
    /// Copies up to <paramref name="length"/> bytes from this end of a pipe to the end of another, and leaves them here. Waits
    /// for both. Linux 5.8; see man tee(2).
    /// </summary>
    /// <param name="target">Where to, on the same ring.</param>
    /// <param name="length">Bytes, at least 1.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>The number of bytes, which can be fewer; 0 when no more will come.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is less than 1.</exception>
    /// <exception cref="ArgumentException">They are not ends of two pipes, or belong to different rings.</exception>
    /// <exception cref="NotSupportedException">This is not open to read, or the target is not open to write.</exception>
    /// <exception cref="ObjectDisposedException">One of the two or their ring was disposed of.</exception>
    /// <exception cref="IOException">No reader is left (EPIPE, 32), or another error; HResult is the errno.</exception>
    public ValueTask<int> TeeAsync(UringFile target, int length, CancellationToken cancellationToken = default) =>
        TeeAsync(target, length, SpliceModes.None, cancellationToken);

    /// <summary>
    /// Copies up to <paramref name="length"/> bytes from this end of a pipe to the end of another, with modes. Linux 5.8; see
    /// man tee(2).
    /// </summary>
    /// <param name="target">Where to, on the same ring.</param>
    /// <param name="length">Bytes, at least 1.</param>
    /// <param name="modes">Without waiting, for example.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>The number of bytes, which can be fewer; 0 when no more will come.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is less than 1.</exception>
    /// <exception cref="ArgumentException">One of the two is no pipe, both are the same, or they belong to different
    /// rings.</exception>
    /// <exception cref="NotSupportedException">One of the two is not open to read or to write.</exception>
    /// <exception cref="ObjectDisposedException">One of the two or their ring was disposed of.</exception>
    /// <exception cref="IOException">One is empty or the other full (NonBlocking; EAGAIN, 11), or another error; HResult is the
    /// errno.</exception>
    public ValueTask<int> TeeAsync(
        UringFile target,
        int length,
        SpliceModes modes,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        target.ThrowUnlessOpenTo(FileAccess.Write);
        var core = (FSharp.SpliceModes)modes.Checked();
        return Start(FileAccess.Read, FileRequest.teeAs(core, descriptor, target.descriptor, length), cancellationToken);
    }
}
