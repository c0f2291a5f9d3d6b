namespace Uring;

/// <summary>What a path or an open file is. See man inode(7), "The file type and mode".</summary>
public enum FileKind
{
    /// <summary>The file system does not say.</summary>
    Unknown = 0,

    /// <summary>A named pipe (FIFO), or either end of an anonymous one.</summary>
    NamedPipe = 1,

    /// <summary>A device that works byte by byte, such as a terminal or /dev/null.</summary>
    CharacterDevice = 2,

    /// <summary>A directory.</summary>
    Directory = 4,

    /// <summary>A device that works block by block, such as a disk.</summary>
    BlockDevice = 6,

    /// <summary>An ordinary file.</summary>
    Regular = 8,

    /// <summary>A symbolic link, itself and not its target.</summary>
    SymbolicLink = 10,

    /// <summary>A socket.</summary>
    Socket = 12,
}
