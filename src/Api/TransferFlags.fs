// How bytes are sent and received, and connections taken: MSG_ of man send(2) and recv(2), and hints for the ring.
namespace Uring.FSharp

open System

/// How bytes and messages are sent: MSG_ of man send(2).
[<Flags>]
type SendFlags =
    | None = 0
    /// Urgent data: the last byte is (MSG_OOB).
    | OutOfBand = 1
    /// To directly connected networks alone (MSG_DONTROUTE).
    | DontRoute = 4
    /// Fails with EAGAIN where it would wait (MSG_DONTWAIT).
    | DontWait = 0x40
    /// Ends a record of a SOCK_SEQPACKET (MSG_EOR).
    | EndOfRecord = 0x80
    /// The kernel goes on until all is sent (MSG_WAITALL, Linux 5.19).
    | WaitAll = 0x100
    /// The peer has answered: its address need not be looked up anew (MSG_CONFIRM).
    | Confirm = 0x800
    /// More will follow: a packet that is not full waits for it, a datagram is not sent yet (MSG_MORE).
    | More = 0x8000
    /// A hint: there is no room now, so it waits before it tries (IORING_RECVSEND_POLL_FIRST, Linux 5.19; older kernels do
    /// without).
    | PollFirst = 0x100_0000

/// How bytes and messages are received: MSG_ of man recv(2).
[<Flags>]
type ReceiveFlags =
    | None = 0
    /// Urgent data (MSG_OOB).
    | OutOfBand = 1
    /// Leaves it there: the next one receives it again (MSG_PEEK). Descriptors come each time.
    | Peek = 2
    /// Of a datagram: the result is its real length, also when the rest is gone. Of TCP: the bytes are thrown away (MSG_TRUNC).
    | RealLength = 0x20
    /// Fails with EAGAIN where it would wait (MSG_DONTWAIT).
    | DontWait = 0x40
    /// Waits until the buffer is full (MSG_WAITALL).
    | WaitAll = 0x100
    /// Takes from the queue of errors (MSG_ERRQUEUE).
    | ErrorQueue = 0x2000
    /// A hint: nothing is there now, so it waits before it looks (IORING_RECVSEND_POLL_FIRST, Linux 5.19; older kernels do
    /// without).
    | PollFirst = 0x100_0000

/// How a connection is taken.
[<Flags>]
type AcceptFlags =
    | None = 0
    /// Fails with EAGAIN where it would wait (IORING_ACCEPT_DONTWAIT, Linux 6.10).
    | DontWait = 2
    /// A hint: nobody is there now, so it waits before it looks (IORING_ACCEPT_POLL_FIRST, Linux 6.10; older kernels do without).
    | PollFirst = 4
