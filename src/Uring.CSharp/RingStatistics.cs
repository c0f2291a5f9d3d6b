namespace Uring;

/// <summary>
/// What a ring has done since it was made. <see cref="Submissions"/> divided by <see cref="Enters"/> is what batching
/// saves: how many operations one system call carried.
/// </summary>
public readonly record struct RingStatistics
{
    /// <summary>Calls of io_uring_enter(2).</summary>
    public required long Enters { get; init; }

    /// <summary>Operations that the kernel has taken, cancel requests included.</summary>
    public required long Submissions { get; init; }

    /// <summary>Results that the kernel has given.</summary>
    public required long Completions { get; init; }
}
