// What an epoll tells of, and how; the bytes are read by Api/Epoll.fs.
using System;

namespace Uring;

/// <summary>How an epoll tells of events. See man epoll(7).</summary>
[Flags]
public enum EpollModes : uint
{
    /// <summary>As long as they are there.</summary>
    None = 0,

    /// <summary>Once, until the descriptor is changed again (EPOLLONESHOT).</summary>
    OneShot = 0x4000_0000,

    /// <summary>When they come (EPOLLET).</summary>
    Edge = 0x8000_0000,
}

/// <summary>What an epoll tells of.</summary>
public readonly record struct EpollEvent
{
    /// <summary>The events that are there.</summary>
    public required PollEvents Events { get; init; }

    /// <summary>What was given when the descriptor was added.</summary>
    public required ulong Data { get; init; }
}
