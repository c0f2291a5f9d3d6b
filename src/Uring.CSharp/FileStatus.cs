// What the file system knows of a file; the bytes are read by Api/FileStatus.fs.
using System;
using System.IO;

namespace Uring;

/// <summary>What the file system knows of a file. See man statx(2).</summary>
public readonly record struct FileStatus
{
    /// <summary>Which of the rest the file system has filled: without <see cref="StatusFields.CreationTime"/> none is
    /// known.</summary>
    public required StatusFields Filled { get; init; }

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

    /// <summary>Bytes that are best read and written at once.</summary>
    public required int BlockSize { get; init; }

    /// <summary>The device that the file is on.</summary>
    public required DeviceNumber Device { get; init; }

    /// <summary>The device that the file is, if it is one.</summary>
    public required DeviceNumber SpecialDevice { get; init; }

    /// <summary>What the file system does with it.</summary>
    public required FileTraits Traits { get; init; }

    /// <summary>Those of <see cref="Traits"/> that the file system would tell of.</summary>
    public required FileTraits KnownTraits { get; init; }

    /// <summary>The mount's number, as in /proc/self/mountinfo. Linux 5.8, else 0.</summary>
    public required ulong MountId { get; init; }

    /// <summary>Bytes that memory has to be aligned to for direct I/O (O_DIRECT). Linux 6.1, else 0.</summary>
    public required int DirectMemoryAlignment { get; init; }

    /// <summary>Bytes that offsets and lengths have to be aligned to for direct I/O. Linux 6.1, else 0.</summary>
    public required int DirectOffsetAlignment { get; init; }

    /// <summary>The same for reading, where it differs. Linux 6.14, else 0.</summary>
    public required int DirectReadAlignment { get; init; }

    /// <summary>The subvolume's number on btrfs and bcachefs. Linux 6.10, else 0.</summary>
    public required ulong Subvolume { get; init; }

    /// <summary>Bytes of the smallest write that can be all or nothing. Linux 6.11, else 0.</summary>
    public required int AtomicWriteMin { get; init; }

    /// <summary>Bytes of the largest such write. Linux 6.11, else 0.</summary>
    public required int AtomicWriteMax { get; init; }

    /// <summary>Bytes of the largest such write that costs no more than others. Linux 6.16, else 0.</summary>
    public required int AtomicWriteBest { get; init; }

    /// <summary>Pieces of memory that such a write may consist of. Linux 6.11, else 0.</summary>
    public required int AtomicWriteSegments { get; init; }

    internal static FileStatus Of(ReadOnlySpan<byte> statx)
    {
        var status = FSharp.FileStatusModule.ofBytes(statx);

        return new FileStatus
        {
            Filled = (StatusFields)status.Filled,
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
            BlockSize = status.BlockSize,
            Device = new DeviceNumber(status.Device.Major, status.Device.Minor),
            SpecialDevice = new DeviceNumber(status.SpecialDevice.Major, status.SpecialDevice.Minor),
            Traits = (FileTraits)status.Traits,
            KnownTraits = (FileTraits)status.KnownTraits,
            MountId = status.MountId,
            DirectMemoryAlignment = status.DirectMemoryAlignment,
            DirectOffsetAlignment = status.DirectOffsetAlignment,
            DirectReadAlignment = status.DirectReadAlignment,
            Subvolume = status.Subvolume,
            AtomicWriteMin = status.AtomicWriteMin,
            AtomicWriteMax = status.AtomicWriteMax,
            AtomicWriteBest = status.AtomicWriteBest,
            AtomicWriteSegments = status.AtomicWriteSegments,
        };
    }
}
