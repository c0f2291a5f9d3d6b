// Decides where name, control data and payload lie in a buffer that a multishot RECVMSG has filled. Knows no socket.
// Tested in MessageLayoutLaws.fs. Source: man io_uring_prep_recvmsg_multishot(3), struct io_uring_recvmsg_out.
namespace Uring.Model

open System
open System.Buffers.Binary

/// A range of the buffer.
[<Struct>]
type Extent = { Start: int; Length: int }

/// How much room the request left for the sender's name and for control data in front of the payload.
[<Struct>]
type MessageRoom = { Name: int; Control: int }

/// What a buffer holds: a 16-byte header, the name area, the control area, the payload.
///
/// Laws
///  1. every extent lies within the bytes that came, and none overlaps another
///  2. what did not fit is reported: the payload, the control data
///  3. total: bytes that are no message decode to an empty one
///  4. of a header that one recvmsg(2) has answered in, no name and no control data is longer than its room, and what did
///     not fit is reported
[<Struct>]
type MessageLayout = {
    /// The sender's sockaddr.
    Name: Extent
    /// Control messages as recvmsg(2) gives them.
    Control: Extent
    /// The bytes.
    Payload: Extent
    /// The datagram was longer than the buffer (MSG_TRUNC): the rest is gone.
    IsTruncated: bool
    /// Control data did not fit (MSG_CTRUNC).
    IsControlTruncated: bool
}

/// How to read such a buffer; see `MessageLayout` for the laws.
[<RequireQualifiedAccess>]
module MessageLayout =

    /// Bytes of the header: name length @0, control length @4, payload length @8, flags @12.
    [<Literal>]
    let HeaderSize = 16

    [<Literal>]
    let private Truncated = 0x20u

    [<Literal>]
    let private ControlTruncated = 8u

    /// Bytes in front of the payload. A buffer that is smaller ends the multishot with EFAULT.
    let overhead (room: MessageRoom) = HeaderSize + room.Name + room.Control

    let private empty = { Start = 0; Length = 0 }

    /// No more than there is, whatever the header says: a name may be longer than its room.
    let private extent start (said: uint32) most = {
        Start = start
        Length = int (min said (uint32 (max 0 most)))
    }

    let private word (bytes: ReadOnlySpan<byte>) (at: int) =
        BinaryPrimitives.ReadUInt32LittleEndian(bytes.Slice at)

    /// Reads the header of `bytes`, which are what one completion brought.
    let read (room: MessageRoom) (bytes: ReadOnlySpan<byte>) =
        let before = overhead room

        if bytes.Length < before then
            {
                Name = empty
                Control = empty
                Payload = empty
                IsTruncated = true
                IsControlTruncated = true
            }
        else
            let flags = word bytes 12

            {
                Name = extent HeaderSize (word bytes 0) room.Name
                Control = extent (HeaderSize + room.Name) (word bytes 4) room.Control
                Payload = extent before (word bytes 8) (bytes.Length - before)
                IsTruncated = (flags &&& Truncated) <> 0u
                IsControlTruncated = (flags &&& ControlTruncated) <> 0u
            }

    /// Reads the struct msghdr that one recvmsg(2) has answered in: name length @8, control length @40, flags @48. Name and
    /// control data are behind it, at `nameAt` and `controlAt`; the payload is elsewhere, and its length the operation's
    /// result.
    let ofHeader (room: MessageRoom) (nameAt: int) (controlAt: int) (bytes: ReadOnlySpan<byte>) =
        let flags = word bytes 48

        {
            Name = extent nameAt (word bytes 8) room.Name
            Control = extent controlAt (word bytes 40) room.Control
            Payload = empty
            IsTruncated = (flags &&& Truncated) <> 0u
            IsControlTruncated = (flags &&& ControlTruncated) <> 0u
        }
