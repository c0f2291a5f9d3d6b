// What helps the kernel to read and write in time, and changes nothing.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringFile
{
    /// <summary>Says how the file will be read. Linux 5.6; see man posix_fadvise(2).</summary>
    /// <param name="advice">How it will be read.</param>
    /// <param name="offset">Where the stretch starts, in bytes.</param>
    /// <param name="length">Bytes; 0 means to the end of the file. More than 4 GiB need Linux 6.10.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> or <paramref name="length"/> is
    /// negative.</exception>
    /// <exception cref="ArgumentException">The kernel has no such advice.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">It is a pipe (ESPIPE, 29), or another error; HResult is the errno.</exception>
    public ValueTask AdviseAsync(
        FileAdvice advice,
        long offset = 0,
        long length = 0,
        CancellationToken cancellationToken = default)
    {
        var request = FileRequest.advise(descriptor, offset, length, (FSharp.FileAdvice)advice.Checked());
        return StartEffect(FileAccess.ReadWrite, in request, cancellationToken);
    }

    /// <summary>
    /// Has a stretch of the file written to the device: neither its metadata nor the device's own cache. What has to
    /// survive a power loss needs <see cref="FlushAsync(bool, CancellationToken)"/>. Linux 5.2; see man sync_file_range(2).
    /// </summary>
    /// <param name="offset">Where the stretch starts, in bytes.</param>
    /// <param name="length">Bytes, at most 4 GiB less one; 0 means to the end of the file.</param>
    /// <param name="wait">Wait until it is written; otherwise writing is only begun.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> or <paramref name="length"/> is
    /// negative, or <paramref name="length"/> too large.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">It is a pipe or the like (ESPIPE, 29), the disk is full (ENOSPC, 28), or it failed;
    /// HResult is the errno.</exception>
    public ValueTask FlushRangeAsync(
        long offset,
        long length,
        bool wait = true,
        CancellationToken cancellationToken = default)
    {
        var how = wait ? RangeSync.WaitBefore | RangeSync.Write | RangeSync.WaitAfter : RangeSync.Write;
        var request = FileRequest.syncRange(descriptor, offset, length, how);
        return StartEffect(FileAccess.ReadWrite, in request, cancellationToken);
    }
}
