// How a message is sent or received: the core's numbers (Api/MessageFlags.fs), which are the kernel's.
using System;

namespace Uring;

/// <summary>How a message is sent or received. See man sendmsg(2) and recvmsg(2).</summary>
[Flags]
public enum MessageFlags
{
    /// <summary>As usual.</summary>
    None = 0,

    /// <summary>Urgent data (MSG_OOB).</summary>
    OutOfBand = 1,

    /// <summary>Leaves it there: the next one receives it again (MSG_PEEK). Descriptors come each time.</summary>
    Peek = 2,

    /// <summary>Sends to directly connected networks alone (MSG_DONTROUTE).</summary>
    DontRoute = 4,

    /// <summary>The result is the real length, also when the rest is gone (MSG_TRUNC).</summary>
    RealLength = 0x20,

    /// <summary>Fails where it would wait (MSG_DONTWAIT).</summary>
    DontWait = 0x40,

    /// <summary>Ends a record of a sequenced-packet socket (MSG_EOR).</summary>
    EndOfRecord = 0x80,

    /// <summary>Waits until the buffers are full (MSG_WAITALL).</summary>
    WaitAll = 0x100,

    /// <summary>Takes from the queue of errors (MSG_ERRQUEUE).</summary>
    ErrorQueue = 0x2000,

    /// <summary>More will follow: a packet that is not full waits for it (MSG_MORE).</summary>
    More = 0x8000,
}
