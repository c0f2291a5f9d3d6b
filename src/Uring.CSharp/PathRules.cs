using System;

namespace Uring;

/// <summary>What a path may lead through when it is opened from a directory. See man openat2(2).</summary>
[Flags]
public enum PathRules
{
    /// <summary>Whatever it likes.</summary>
    None = 0,

    /// <summary>No other file system.</summary>
    NoCrossDevice = 1,

    /// <summary>None of the links that lead elsewhere by themselves, as those of /proc/self/fd do.</summary>
    NoMagicLinks = 2,

    /// <summary>No symbolic links at all.</summary>
    NoLinks = 4,

    /// <summary>Nothing outside the directory: what leads there is an error (EXDEV, 18).</summary>
    Beneath = 8,

    /// <summary>The directory is the root: absolute paths and ".." end there.</summary>
    InRoot = 16,

    /// <summary>Only by what the kernel has of the path in memory. When that is not enough, and when the file would be made or
    /// emptied, it is an <see cref="System.IO.IOException"/> (EAGAIN, 11). Linux 5.12.</summary>
    Cached = 32,
}
