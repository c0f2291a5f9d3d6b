namespace Uring;

/// <summary>How a <see cref="BufferPool"/> stands, and what it has done since it was made.</summary>
public readonly record struct BufferPoolStatistics
{
    /// <summary>Buffers that exist.</summary>
    public required int Count { get; init; }

    /// <summary>Buffers that the kernel can take now.</summary>
    public required int Available { get; init; }

    /// <summary>Leases that are held: by the program, or received and waiting to be looked at.</summary>
    public required int Leased { get; init; }

    /// <summary>Connections that wait for a buffer.</summary>
    public required int Starving { get; init; }

    /// <summary>How often a connection found no buffer. If it grows, the pool is too small or leases are held for long.</summary>
    public required long Starvations { get; init; }

    /// <summary>Leases that were dropped without having been disposed of.</summary>
    public required long Lost { get; init; }
}
