namespace Uring;

/// <summary>What a timer counts by. See man clock_gettime(2).</summary>
public enum Clock
{
    /// <summary>
    /// Time since some point in the past, without the time that the machine was suspended (CLOCK_MONOTONIC).
    /// </summary>
    Monotonic = 0,

    /// <summary>The same, with the time that the machine was suspended (CLOCK_BOOTTIME). Linux 5.15.</summary>
    BootTime = 1,

    /// <summary>The time of day, which can be set (CLOCK_REALTIME). Linux 5.15.</summary>
    RealTime = 2,
}
