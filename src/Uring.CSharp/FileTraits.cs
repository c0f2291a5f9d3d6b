// The core's numbers (Api/FileStatus.fs).
using System;

namespace Uring;

/// <summary>A device: which driver, and which of its devices.</summary>
/// <param name="Major">The driver's number.</param>
/// <param name="Minor">The device's number.</param>
public readonly record struct DeviceNumber(uint Major, uint Minor);

/// <summary>What the file system does with a file. See man statx(2), file attributes.</summary>
[Flags]
public enum FileTraits : ulong
{
    /// <summary>Nothing in particular.</summary>
    None = 0,

    /// <summary>Its contents are compressed.</summary>
    Compressed = 0x4,

    /// <summary>It cannot be changed, renamed or removed.</summary>
    Immutable = 0x10,

    /// <summary>It can only be appended to.</summary>
    AppendOnly = 0x20,

    /// <summary>Left out by backups.</summary>
    NoDump = 0x40,

    /// <summary>A key is needed to read it.</summary>
    Encrypted = 0x800,

    /// <summary>A mount appears here when it is needed.</summary>
    AutoMount = 0x1000,

    /// <summary>The root of a mount.</summary>
    MountRoot = 0x2000,

    /// <summary>Its contents are protected by fs-verity, and cannot be changed.</summary>
    Verified = 0x10_0000,

    /// <summary>Past the page cache: it is in persistent memory.</summary>
    DirectAccess = 0x20_0000,

    /// <summary>Writes can be all or nothing. Linux 6.11.</summary>
    AtomicWrites = 0x40_0000,
}
