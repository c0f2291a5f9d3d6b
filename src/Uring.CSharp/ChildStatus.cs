// What has happened to a child process; the bytes are read by Api/Child.fs.
using System;

namespace Uring;

/// <summary>Changes of a child process that can be waited for.</summary>
[Flags]
public enum ChildEvents
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>A signal has stopped it (WSTOPPED).</summary>
    Stopped = 2,

    /// <summary>It has ended, by itself or by a signal (WEXITED).</summary>
    Exited = 4,

    /// <summary>A signal has let it go on (WCONTINUED).</summary>
    Continued = 8,
}

/// <summary>What has happened to a child process. See man waitid(2), si_code.</summary>
public enum ChildChange
{
    /// <summary>Not known.</summary>
    None = 0,

    /// <summary>It has ended by itself (CLD_EXITED).</summary>
    Exited = 1,

    /// <summary>A signal has ended it (CLD_KILLED).</summary>
    Killed = 2,

    /// <summary>A signal has ended it, with a core dump (CLD_DUMPED).</summary>
    Dumped = 3,

    /// <summary>Its tracer has stopped it (CLD_TRAPPED).</summary>
    Trapped = 4,

    /// <summary>A signal has stopped it (CLD_STOPPED).</summary>
    Stopped = 5,

    /// <summary>SIGCONT has let it go on (CLD_CONTINUED).</summary>
    Continued = 6,
}

/// <summary>What became of a child process. See man waitid(2).</summary>
public readonly record struct ChildStatus
{
    /// <summary>Its process id.</summary>
    public required int Id { get; init; }

    /// <summary>What has happened.</summary>
    public required ChildChange Change { get; init; }

    /// <summary>The exit code, 0 to 255; null when it has not ended by itself.</summary>
    public required int? ExitCode { get; init; }

    /// <summary>The number of the signal that did it; null when it has ended by itself.</summary>
    public required int? Signal { get; init; }

    internal static ChildStatus Of(byte[] info) => Of(FSharp.Child.readStatus(info));

    internal static ChildStatus Of(FSharp.ChildStatus status)
    {
        var change = (ChildChange)status.Change;
        return Of(status.Id, change, status.Status);
    }

    internal static ChildStatus Of(int id, ChildChange change, int status) => new()
    {
        Id = id,
        Change = change,
        ExitCode = change == ChildChange.Exited ? status : null,
        Signal = change == ChildChange.Exited ? null : status,
    };
}

/// <summary>What a program did from its start to its end.</summary>
public sealed record ProcessOutcome
{
    /// <summary>How it ended.</summary>
    public required ChildStatus Status { get; init; }

    /// <summary>What it wrote to standard output, when that was redirected.</summary>
    public required ReadOnlyMemory<byte> Output { get; init; }

    /// <summary>What it wrote to standard error, when that was redirected.</summary>
    public required ReadOnlyMemory<byte> Error { get; init; }
}
