// What happens to watched files; the bytes are read by Model/Notification.fs.
using System;

namespace Uring;

/// <summary>What can happen to a file or a directory, to ask for and to be told. See man inotify(7).</summary>
[Flags]
public enum WatchEvents
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>It was read (IN_ACCESS).</summary>
    Accessed = 0x1,

    /// <summary>It was written to, or cut (IN_MODIFY).</summary>
    Modified = 0x2,

    /// <summary>Mode, owner, times, number of links or attributes have changed (IN_ATTRIB).</summary>
    MetadataChanged = 0x4,

    /// <summary>Who had opened it to write has closed it (IN_CLOSE_WRITE).</summary>
    ClosedAfterWriting = 0x8,

    /// <summary>Who had opened it only to read has closed it (IN_CLOSE_NOWRITE).</summary>
    ClosedAfterReading = 0x10,

    /// <summary>It was opened (IN_OPEN).</summary>
    Opened = 0x20,

    /// <summary>A name was moved away from a watched directory (IN_MOVED_FROM).</summary>
    MovedFrom = 0x40,

    /// <summary>A name was moved to a watched directory (IN_MOVED_TO).</summary>
    MovedTo = 0x80,

    /// <summary>A name was made in a watched directory (IN_CREATE).</summary>
    Created = 0x100,

    /// <summary>A name was removed from a watched directory (IN_DELETE).</summary>
    Deleted = 0x200,

    /// <summary>What is watched was itself removed (IN_DELETE_SELF).</summary>
    SelfDeleted = 0x400,

    /// <summary>What is watched was itself moved (IN_MOVE_SELF).</summary>
    SelfMoved = 0x800,

    /// <summary>All of the above.</summary>
    All = 0xFFF,

    /// <summary>Told unasked: its file system is gone (IN_UNMOUNT).</summary>
    Unmounted = 0x2000,

    /// <summary>Told unasked: events are missing (IN_Q_OVERFLOW). Look for yourself.</summary>
    Overflow = 0x4000,

    /// <summary>Told unasked: the watch is over (IN_IGNORED).</summary>
    WatchEnded = 0x8000,
}

/// <summary>Something that a watcher watches.</summary>
/// <param name="Id">Its number with its watcher; -1 stands for all of them.</param>
public readonly record struct FileWatch(int Id);

/// <summary>What has happened to a watched file or directory.</summary>
public readonly record struct FileEvent
{
    /// <summary>Whose event it is.</summary>
    public required FileWatch Watch { get; init; }

    /// <summary>What has happened.</summary>
    public required WatchEvents Events { get; init; }

    /// <summary>To what: it begins with the path that is watched. Empty for an overflow.</summary>
    public required string Path { get; init; }

    /// <summary>Where it was before it was moved; null when it was not, or that is not known.</summary>
    public required string? OldPath { get; init; }

    /// <summary>The same number for both halves of a move; otherwise 0.</summary>
    public required uint Cookie { get; init; }

    /// <summary>It is a directory.</summary>
    public required bool IsDirectory { get; init; }
}
