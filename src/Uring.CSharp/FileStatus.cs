// What the file system knows of a file; the bytes are read by Api/FileStatus.fs.
using System;
using System.IO;

namespace Uring;

/// <summary>What the file system knows of a file. See man statx(2).</summary>
public readonly record struct FileStatus
{
    /// <summary>What it is.</summary>
    public required FileKind Kind { get; init; }

    /// <summary>Its permissions, with the set-user, set-group and sticky bits.</summary>
    public required UnixFileMode Mode { get; init; }

    /// <summary>Its length in bytes; 0 for what has none, such as a pipe or a disk.</summary>
    public required long Length { get; init; }

    /// <summary>Bytes that it takes on disk: fewer than <see cref="Length"/> when it has holes.</summary>
    public required long AllocatedLength { get; init; }

    /// <summary>How many names (hard links) it has.</summary>
    public required int LinkCount { get; init; }

    /// <summary>The owner's user id.</summary>
    public required uint UserId { get; init; }

    /// <summary>The owning group's id.</summary>
    public required uint GroupId { get; init; }

    /// <summary>Its number within its file system.</summary>
    public required ulong Inode { get; init; }

    /// <summary>When it was read last, in UTC; file systems may keep this loosely (relatime).</summary>
    public required DateTime LastAccessTimeUtc { get; init; }

    /// <summary>When its contents changed last, in UTC.</summary>
    public required DateTime LastWriteTimeUtc { get; init; }

    /// <summary>When its contents or its status changed last, in UTC.</summary>
    public required DateTime LastChangeTimeUtc { get; init; }

    /// <summary>When it was made, in UTC; 1970-01-01 where the file system does not keep it.</summary>
    public required DateTime CreationTimeUtc { get; init; }

    internal static FileStatus Of(ReadOnlySpan<byte> statx)
    {
        var status = FSharp.FileStatusModule.ofBytes(statx);

        return new FileStatus
        {
            Kind = (FileKind)status.Kind,
            Mode = status.Mode,
            Length = status.Length,
            AllocatedLength = status.Allocated,
            LinkCount = status.Links,
            UserId = status.Owner,
            GroupId = status.Group,
            Inode = status.Inode,
            LastAccessTimeUtc = status.AccessTime,
            LastWriteTimeUtc = status.WriteTime,
            LastChangeTimeUtc = status.ChangeTime,
            CreationTimeUtc = status.BirthTime,
        };
    }
}
