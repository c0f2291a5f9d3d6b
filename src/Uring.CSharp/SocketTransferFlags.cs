// How bytes are sent and received, and connections taken: the core's numbers (Api/TransferFlags.fs), which are the kernel's.
using System;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Uring;

/// <summary>How bytes and messages are sent. See man send(2).</summary>
[Flags]
public enum SendFlags
{
    /// <summary>As usual.</summary>
    None = 0,

    /// <summary>Urgent data: the last byte is (MSG_OOB).</summary>
    OutOfBand = 1,

    /// <summary>To directly connected networks alone (MSG_DONTROUTE).</summary>
    DontRoute = 4,

    /// <summary>Fails where it would wait (MSG_DONTWAIT): WouldBlock.</summary>
    DontWait = 0x40,

    /// <summary>Ends a record of a sequenced-packet socket (MSG_EOR).</summary>
    EndOfRecord = 0x80,

    /// <summary>The kernel goes on until all is sent (MSG_WAITALL). Linux 5.19.</summary>
    WaitAll = 0x100,

    /// <summary>The peer has answered: its address need not be looked up anew (MSG_CONFIRM).</summary>
    Confirm = 0x800,

    /// <summary>More will follow: a packet that is not full waits for it, a datagram is not sent yet (MSG_MORE).</summary>
    More = 0x8000,

    /// <summary>
    /// A hint: there is no room now, so it waits before it tries (IORING_RECVSEND_POLL_FIRST). Linux 5.19; older kernels do without.
    /// </summary>
    PollFirst = 0x1000000,
}

/// <summary>How bytes and messages are received. See man recv(2).</summary>
[Flags]
public enum ReceiveFlags
{
    /// <summary>As usual.</summary>
    None = 0,

    /// <summary>Urgent data (MSG_OOB).</summary>
    OutOfBand = 1,

    /// <summary>Leaves it there: the next one receives it again (MSG_PEEK). Descriptors come each time.</summary>
    Peek = 2,

    /// <summary>
    /// Of a datagram: the result is its real length, also when the rest is gone. Of TCP: the bytes are thrown away (MSG_TRUNC).
    /// </summary>
    RealLength = 0x20,

    /// <summary>Fails where it would wait (MSG_DONTWAIT): WouldBlock.</summary>
    DontWait = 0x40,

    /// <summary>Waits until the buffer is full (MSG_WAITALL).</summary>
    WaitAll = 0x100,

    /// <summary>Takes from the queue of errors (MSG_ERRQUEUE).</summary>
    ErrorQueue = 0x2000,

    /// <summary>
    /// A hint: nothing is there now, so it waits before it looks (IORING_RECVSEND_POLL_FIRST). Linux 5.19; older kernels do without.
    /// </summary>
    PollFirst = 0x1000000,
}

/// <summary>How a connection is taken. See man io_uring_prep_accept(3).</summary>
[Flags]
public enum AcceptFlags
{
    /// <summary>As usual.</summary>
    None = 0,

    /// <summary>Fails where it would wait (IORING_ACCEPT_DONTWAIT): WouldBlock. Linux 6.10.</summary>
    DontWait = 2,

    /// <summary>
    /// A hint: nobody is there now, so it waits before it looks (IORING_ACCEPT_POLL_FIRST). Linux 6.10; older kernels do without.
    /// </summary>
    PollFirst = 4,
}

/// <summary>Decides which of the BCL's flags can be asked for: those that the kernel has under the same number.</summary>
internal static class SocketTransferFlags
{
    internal static SendFlags ForSending(this SocketFlags flags, [CallerArgumentExpression(nameof(flags))] string? name = null) =>
        (SendFlags)Among(flags, SocketFlags.OutOfBand | SocketFlags.DontRoute, name);

    internal static ReceiveFlags ForReceiving(
        this SocketFlags flags,
        [CallerArgumentExpression(nameof(flags))] string? name = null) =>
        (ReceiveFlags)Among(flags, SocketFlags.OutOfBand | SocketFlags.Peek, name);

    private static int Among(SocketFlags flags, SocketFlags known, string? name) =>
        (flags & ~known) == 0
            ? (int)flags
            : throw new ArgumentOutOfRangeException(name, flags, $"Only {known} can be asked for here; Uring's own flags have more.");
}
