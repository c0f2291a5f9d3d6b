// MSG_ of man sendmsg(2) and recvmsg(2), as far as it makes sense with a ring.
namespace Uring.FSharp

open System

/// How a message is sent or received: MSG_ of man sendmsg(2) and recvmsg(2).
[<Flags>]
type MessageFlags =
    | None = 0
    /// Urgent data (MSG_OOB).
    | OutOfBand = 1
    /// Leaves it there: the next one receives it again (MSG_PEEK). Descriptors come each time.
    | Peek = 2
    /// Sends to directly connected networks alone (MSG_DONTROUTE).
    | DontRoute = 4
    /// The result is the real length, also when the rest is gone (MSG_TRUNC).
    | RealLength = 0x20
    /// Fails with EAGAIN where it would wait (MSG_DONTWAIT).
    | DontWait = 0x40
    /// Ends a record of a SOCK_SEQPACKET (MSG_EOR).
    | EndOfRecord = 0x80
    /// Waits until the buffers are full (MSG_WAITALL).
    | WaitAll = 0x100
    /// Takes from the queue of errors (MSG_ERRQUEUE).
    | ErrorQueue = 0x2000
    /// More will follow: a packet that is not full waits for it (MSG_MORE).
    | More = 0x8000
