// What a watcher is asked for, what it tells, what its table holds and has its driver do: the values of Model/WatchTable.
namespace Uring.Model

open System

/// What somebody has asked to watch.
type WatchRoot = {
    Path: string
    Interests: WatchEvents
    /// With all directories below it.
    IsRecursive: bool
}

/// What is told.
type FileNews = {
    /// Whose watch; -1 for an overflow of them all.
    Root: int
    Events: WatchEvents
    Path: string
    /// Of what was moved, where it was before; null when that is not known.
    OldPath: string | null
    Cookie: uint32
    IsDirectory: bool
}

/// What to do, in this order.
[<RequireQualifiedAccess>]
type WatchVerdict =
    /// Report it.
    | Tell of FileNews
    /// Watch this directory, then list it, then say what was found with `walked` before anything else: nothing that
    /// happens in between is in neither. When it is gone: nothing.
    | Walk of root: int * path: string * tells: bool
    /// Take this watch from the kernel.
    | Forget of watch: int

/// One watch of the kernel's.
type WatchEntry = {
    Root: int
    Path: string
    /// The cookie of the move whose first half took it away: where it is now is not known.
    Adrift: uint32 voption
}

/// The first half of a move.
type Departure = {
    From: string
    /// It is older than what was read last: the second half will not come any more.
    IsOld: bool
    /// What has happened in what was taken away, the last first.
    Held: Notification list
}

/// Paths as the table joins and compares them: by their text.
[<RequireQualifiedAccess>]
module internal WatchPath =

    /// A name in a directory; the directory itself when the name is empty.
    let below (path: string) (name: string) =
        if name = "" then path
        elif path.EndsWith('/') then path + name
        else String.Concat(path, "/", name)

    /// The path is this directory, or lies in it.
    let isWithin (directory: string) (path: string) =
        path.StartsWith(directory, StringComparison.Ordinal)
        && (path.Length = directory.Length || path[directory.Length] = '/')

/// What a walk and an overflow tell.
[<RequireQualifiedAccess>]
module internal FileNews =

    let private about root events path isDirectory = {
        Root = root
        Events = events
        Path = path
        OldPath = null
        Cookie = 0u
        IsDirectory = isDirectory
    }

    /// It was found: somebody has made it.
    let creation root path isDirectory = about root WatchEvents.Created path isDirectory

    /// Of one tree, or of them all.
    let overflow root = about root WatchEvents.Overflow "" false
