using System;

namespace Uring;

/// <summary>How bytes go by way of a pipe. See man splice(2), tee(2).</summary>
[Flags]
public enum SpliceModes
{
    /// <summary>As usual.</summary>
    None = 0,

    /// <summary>Moves pages rather than copy them, if it can: a hint that Linux does not look at.</summary>
    Move = 1,

    /// <summary>Does not wait for the pipe: an error (EAGAIN, 11). The other side waits as it likes.</summary>
    NonBlocking = 2,

    /// <summary>More will follow: a hint to a socket.</summary>
    More = 4,
}
