namespace Uring;

/// <summary>What becomes of a stretch of a file. See man fallocate(2).</summary>
public enum FileAllocation
{
    /// <summary>Space is reserved, and the file is at least as long.</summary>
    Extend = 0,

    /// <summary>Space is reserved, past the end as well, and the length stays.</summary>
    KeepSize = 1,

    /// <summary>A hole: space goes back, and it reads as zeros. The length stays.</summary>
    PunchHole = 3,

    /// <summary>Cut out: what is behind comes forward. Whole blocks only, and not up to the end.</summary>
    Collapse = 8,

    /// <summary>Zeros, with their space; the file is at least as long.</summary>
    Zero = 16,

    /// <summary>Zeros, with their space; the length stays.</summary>
    ZeroKeepSize = 17,

    /// <summary>A hole is put in: what is there goes behind it. Whole blocks only, and before the end.</summary>
    Insert = 32,

    /// <summary>What is shared with another file (a reflink) gets space of its own; the file is at least as long. Of file systems
    /// that share blocks, such as XFS.</summary>
    Unshare = 64,

    /// <summary>The same, and the length stays.</summary>
    UnshareKeepSize = 65,

    /// <summary>Zeros that are really written, by the device if it can; the file is at least as long. Linux 6.17.</summary>
    WriteZeros = 128,
}
