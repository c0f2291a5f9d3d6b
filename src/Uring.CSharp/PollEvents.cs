using System;

namespace Uring;

/// <summary>What poll(2) waits for.</summary>
[Flags]
public enum PollEvents
{
    /// <summary>Nothing but errors and hang-ups.</summary>
    None = 0,

    /// <summary>There is something to read (POLLIN).</summary>
    Readable = 0x1,

    /// <summary>Urgent data of TCP, or another exceptional condition (POLLPRI).</summary>
    Priority = 0x2,

    /// <summary>Something can be written (POLLOUT).</summary>
    Writable = 0x4,

    /// <summary>An error is pending (POLLERR). Reported whether asked for or not.</summary>
    Error = 0x8,

    /// <summary>The peer has hung up (POLLHUP). Reported whether asked for or not.</summary>
    HangUp = 0x10,

    /// <summary>The peer has finished sending (POLLRDHUP).</summary>
    ReadHangUp = 0x2000,

    /// <summary>
    /// Of several who wait for this descriptor, one is woken and not all (EPOLLEXCLUSIVE). Is asked for, and never told.
    /// </summary>
    Exclusive = 0x1000_0000,
}
