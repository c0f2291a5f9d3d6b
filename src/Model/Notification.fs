// Decides what the bytes of an inotify say: struct inotify_event, 16 bytes and a name that is filled up with zeros.
// Tested in NotificationLaws.fs. Source: man inotify(7).
namespace Uring.Model

open System
open System.Buffers.Binary
open System.Text

/// What can happen to a file or a directory, to ask for and to be told. man inotify(7).
[<Flags>]
type WatchEvents =
    | None = 0
    /// It was read (IN_ACCESS).
    | Accessed = 0x1
    /// It was written to, or cut (IN_MODIFY).
    | Modified = 0x2
    /// Mode, owner, times, number of links or attributes have changed (IN_ATTRIB).
    | MetadataChanged = 0x4
    /// Who had opened it to write has closed it (IN_CLOSE_WRITE).
    | ClosedAfterWriting = 0x8
    /// Who had opened it only to read has closed it (IN_CLOSE_NOWRITE).
    | ClosedAfterReading = 0x10
    /// It was opened (IN_OPEN).
    | Opened = 0x20
    /// A name was moved away from a watched directory (IN_MOVED_FROM).
    | MovedFrom = 0x40
    /// A name was moved to a watched directory (IN_MOVED_TO).
    | MovedTo = 0x80
    /// A name was made in a watched directory (IN_CREATE).
    | Created = 0x100
    /// A name was removed from a watched directory (IN_DELETE).
    | Deleted = 0x200
    /// What is watched was itself removed (IN_DELETE_SELF).
    | SelfDeleted = 0x400
    /// What is watched was itself moved (IN_MOVE_SELF).
    | SelfMoved = 0x800
    /// All of the above.
    | All = 0xFFF
    /// Told unasked: its file system is gone (IN_UNMOUNT).
    | Unmounted = 0x2000
    /// Told unasked: events are missing (IN_Q_OVERFLOW).
    | Overflow = 0x4000
    /// Told unasked: the watch is over (IN_IGNORED).
    | WatchEnded = 0x8000

/// One event as the kernel tells it.
[<Struct>]
type Notification = {
    /// The number of the watch; -1 for an overflow.
    Watch: int
    Events: WatchEvents
    /// Two halves of a move have the same one; otherwise 0.
    Cookie: uint32
    /// It happened to a directory (IN_ISDIR).
    IsDirectory: bool
    /// In a watched directory; empty when it is about what is watched itself.
    Name: string
}

/// How to read them.
///
/// Laws
///  1. what was written is read: any number of events, names of any length, with any padding, in any script
///  2. total: of bytes that are cut off, the whole events before the cut are read
[<RequireQualifiedAccess>]
module Notification =

    /// Bytes before the name: watch @0, mask @4, cookie @8, length of the name with its padding @12.
    [<Literal>]
    let HeaderSize = 16

    /// Bytes that the longest event has: NAME_MAX and a zero, filled up to a multiple of the header.
    [<Literal>]
    let LongestSize = 272

    [<Literal>]
    let private OnDirectory = 0x4000_0000u

    let private known =
        uint32 (WatchEvents.All ||| WatchEvents.Unmounted ||| WatchEvents.Overflow ||| WatchEvents.WatchEnded)

    let private word (bytes: ReadOnlySpan<byte>) (at: int) =
        BinaryPrimitives.ReadUInt32LittleEndian(bytes.Slice at)

    let private one (bytes: ReadOnlySpan<byte>) (length: int) =
        let name = bytes.Slice(HeaderSize, length)
        let zero = name.IndexOf 0uy
        let mask = word bytes 4

        {
            Watch = int (word bytes 0)
            Events = enum<WatchEvents>(int (mask &&& known))
            Cookie = word bytes 8
            IsDirectory = (mask &&& OnDirectory) <> 0u
            Name = Encoding.UTF8.GetString(if zero < 0 then name else name.Slice(0, zero))
        }

    let rec private readFrom (bytes: ReadOnlySpan<byte>) (found: Notification list) =
        if bytes.Length < HeaderSize then
            List.rev found
        else
            let length = word bytes 12

            if length > uint32 (bytes.Length - HeaderSize) then
                List.rev found
            else
                readFrom (bytes.Slice(HeaderSize + int length)) (one bytes (int length) :: found)

    /// The events that one read has brought.
    let read (bytes: ReadOnlySpan<byte>) : Notification list = readFrom bytes []
