// The core's numbers (Api/FileFlags.fs).
using System;

namespace Uring;

/// <summary>How to make a pipe.</summary>
[Flags]
public enum PipeModes
{
    /// <summary>A stream of bytes, whose ends are descriptors of the process.</summary>
    None = 0,

    /// <summary>What is written at once, up to 4096 bytes, is read at once. See man pipe(2), O_DIRECT.</summary>
    Packets = 0x4000,

    /// <summary>
    /// Both ends are slots of the ring's own table (<see cref="RingOptions.DirectDescriptors"/>). Linux 6.16.
    /// </summary>
    Direct = 0x4000_0000,
}
