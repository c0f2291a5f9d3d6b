// How a file is opened, beyond FileMode and FileAccess.
using System;
using System.IO;
using Uring.FSharp;

namespace Uring;

/// <summary>What open(2) calls its flags, besides those of <see cref="FileMode"/> and <see cref="FileAccess"/>.</summary>
[Flags]
public enum FileOpenFlags
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Does not wait for the other end of a named pipe, or for a terminal (O_NONBLOCK).</summary>
    NonBlocking = 0x800,

    /// <summary>Each write ends when its data are on the device (O_DSYNC).</summary>
    DataSync = 0x1000,

    /// <summary>Past the page cache (O_DIRECT): memory, offsets and lengths are multiples of what
    /// <see cref="FileStatus.DirectMemoryAlignment"/> and <see cref="FileStatus.DirectOffsetAlignment"/> say.</summary>
    Direct = 0x4000,

    /// <summary>No symbolic link as the last name (O_NOFOLLOW): an error (ELOOP, 40).</summary>
    NoFollow = 0x2_0000,

    /// <summary>Reading does not change the access time (O_NOATIME). For the owner and root.</summary>
    NoAccessTime = 0x4_0000,

    /// <summary>Each write ends when its data and metadata are on the device (O_SYNC).</summary>
    Sync = 0x10_1000,

    /// <summary>The name alone (O_PATH): neither to read nor to write, and a directory as well. It has a status.</summary>
    PathOnly = 0x20_0000,
}

/// <summary>
/// How a file is opened: what <see cref="FileStreamOptions"/> is to a FileStream. See man open(2).
/// </summary>
public sealed class FileOpenOptions
{
    /// <summary>As for FileStream. <see cref="FileMode.Append"/> writes at the end, whatever offset a write names.</summary>
    public FileMode Mode { get; init; } = FileMode.Open;

    /// <summary>What will be done with it. Append needs Write; Create, CreateNew and Truncate need a Write.</summary>
    public FileAccess Access { get; init; } = FileAccess.Read;

    /// <summary>What else.</summary>
    public FileOpenFlags Flags { get; init; }

    /// <summary>The permissions of a file that this creates, less the process's umask. Defaults to 0666.</summary>
    public UnixFileMode CreateMode { get; init; } = FileOpening.NewFileMode;

    internal bool IsPathOnly => (Flags & FileOpenFlags.PathOnly) != 0;

    /// <summary>What the facade lets through: of a name alone nothing can be read or written.</summary>
    internal FileAccess Allowed => IsPathOnly ? 0 : Access;

    /// <summary>What open(2) is told. <paramref name="options"/> are the caller's argument of that name.</summary>
    internal static OpenFlags Checked(FileOpenOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);

        try
        {
            _ = options.CreateMode.Checked(nameof(CreateMode));
            return FileOpening.Flags(options.Mode, options.Access) | (OpenFlags)options.Flags.Checked(nameof(Flags));
        }
        catch (ArgumentException reason)
        {
            throw new ArgumentException(reason.Message, nameof(options), reason);
        }
    }
}
