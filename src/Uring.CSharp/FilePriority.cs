// How urgent a read or write is: the numbers of Model/Abi.fs.
using System;

namespace Uring;

/// <summary>How the device orders the reads and writes of several. See man ioprio_set(2).</summary>
public enum FilePriorityClass
{
    /// <summary>As the process's, or by its nice value.</summary>
    None = 0,

    /// <summary>Before all others, for those who may (CAP_SYS_ADMIN, CAP_SYS_NICE).</summary>
    RealTime = 1,

    /// <summary>As ordinary work.</summary>
    BestEffort = 2,

    /// <summary>When nobody else wants the device.</summary>
    Idle = 3,
}

/// <summary>
/// How urgent a read or write is. What the device makes of it is its scheduler's. See man ioprio_set(2).
/// </summary>
public readonly record struct FilePriority
{
    /// <summary>So urgent; the value that nobody has made is as urgent as the process.</summary>
    /// <param name="priorityClass">Of what sort it is.</param>
    /// <param name="level">Within its class: 0 is first, 7 is last; 0 for <see cref="FilePriorityClass.None"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such class, or no such level.</exception>
    public FilePriority(FilePriorityClass priorityClass, int level = 0)
    {
        Class = priorityClass.Checked();
        ArgumentOutOfRangeException.ThrowIfNegative(level);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, priorityClass == FilePriorityClass.None ? 0 : 7);
        Level = level;
    }

    /// <summary>Of what sort it is.</summary>
    public FilePriorityClass Class { get; }

    /// <summary>Within its class: 0 is first, 7 is last.</summary>
    public int Level { get; }
}
