using System;

namespace Uring;

/// <summary>What of a status is asked for, or is known. See man statx(2).</summary>
[Flags]
public enum StatusFields : uint
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary><see cref="FileStatus.Kind"/>.</summary>
    Kind = 0x1,

    /// <summary><see cref="FileStatus.Mode"/>.</summary>
    Mode = 0x2,

    /// <summary><see cref="FileStatus.LinkCount"/>.</summary>
    LinkCount = 0x4,

    /// <summary><see cref="FileStatus.UserId"/>.</summary>
    UserId = 0x8,

    /// <summary><see cref="FileStatus.GroupId"/>.</summary>
    GroupId = 0x10,

    /// <summary><see cref="FileStatus.LastAccessTimeUtc"/>.</summary>
    LastAccessTime = 0x20,

    /// <summary><see cref="FileStatus.LastWriteTimeUtc"/>.</summary>
    LastWriteTime = 0x40,

    /// <summary><see cref="FileStatus.LastChangeTimeUtc"/>.</summary>
    LastChangeTime = 0x80,

    /// <summary><see cref="FileStatus.Inode"/>.</summary>
    Inode = 0x100,

    /// <summary><see cref="FileStatus.Length"/>.</summary>
    Length = 0x200,

    /// <summary><see cref="FileStatus.AllocatedLength"/>.</summary>
    AllocatedLength = 0x400,

    /// <summary>What stat(2) tells: all of the above.</summary>
    Basic = 0x7ff,

    /// <summary><see cref="FileStatus.CreationTimeUtc"/>.</summary>
    CreationTime = 0x800,

    /// <summary><see cref="FileStatus.MountId"/>. Linux 5.8.</summary>
    MountId = 0x1000,

    /// <summary><see cref="FileStatus.DirectMemoryAlignment"/> and <see cref="FileStatus.DirectOffsetAlignment"/>.
    /// Linux 6.1.</summary>
    DirectAlignment = 0x2000,

    /// <summary><see cref="FileStatus.Subvolume"/>. Linux 6.10.</summary>
    Subvolume = 0x8000,

    /// <summary><see cref="FileStatus.AtomicWriteMin"/> and its like. Linux 6.11.</summary>
    AtomicWrites = 0x1_0000,

    /// <summary><see cref="FileStatus.DirectReadAlignment"/>. Linux 6.14.</summary>
    DirectReadAlignment = 0x2_0000,
}

/// <summary>Whether a file system that lives elsewhere is asked. See man statx(2).</summary>
public enum StatusSync
{
    /// <summary>As stat(2) does.</summary>
    AsUsual = 0,

    /// <summary>It is asked, at whatever cost.</summary>
    Force = 0x2000,

    /// <summary>What is known here is enough.</summary>
    Cached = 0x4000,
}
