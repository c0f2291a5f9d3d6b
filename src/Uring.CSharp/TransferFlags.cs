using System;

namespace Uring;

/// <summary>
/// What one read or write asks for besides its bytes. What a file system cannot do ends with a
/// <see cref="NotSupportedException"/>. See man preadv2(2).
/// </summary>
[Flags]
public enum TransferFlags : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>
    /// Polls the device for the end (RWF_HIPRI). A ring that polls devices always does; on others it is an
    /// <see cref="ArgumentException"/>.
    /// </summary>
    HighPriority = 0x1,

    /// <summary>The write ends when its data are on the device (RWF_DSYNC).</summary>
    DataSync = 0x2,

    /// <summary>The write ends when its data and metadata are on the device (RWF_SYNC).</summary>
    Sync = 0x4,

    /// <summary>Fails with an <see cref="System.IO.IOException"/> (EAGAIN, 11) rather than wait (RWF_NOWAIT).</summary>
    NoWait = 0x8,

    /// <summary>Writes at the end of the file, whatever the offset (RWF_APPEND).</summary>
    Append = 0x10,

    /// <summary>Writes at the offset, though the file was opened with
    /// <see cref="System.IO.FileMode.Append"/> (RWF_NOAPPEND). Linux 6.9.</summary>
    NoAppend = 0x20,

    /// <summary>All of the write or nothing, whatever happens to the machine (RWF_ATOMIC): past the page cache, in the sizes that
    /// <see cref="FileStatus.AtomicWriteMin"/> and <see cref="FileStatus.AtomicWriteMax"/> tell. Linux 6.11.</summary>
    Atomic = 0x40,

    /// <summary>What it puts into the page cache goes from there as soon as it can (RWF_DONTCACHE). Linux 6.14.</summary>
    DontCache = 0x80,

    /// <summary>
    /// A write to a pipe or socket that nobody reads ends with EPIPE (32), and brings no SIGPIPE. In .NET, which ignores that
    /// signal, it never does. Linux 6.18.
    /// </summary>
    NoSignal = 0x100,
}
