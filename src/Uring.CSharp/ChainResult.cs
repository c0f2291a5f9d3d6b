using Uring.Model;

namespace Uring;

/// <summary>What became of an operation in a chain.</summary>
public enum ChainOutcome
{
    /// <summary>It ran.</summary>
    Completed,

    /// <summary>It ran and failed.</summary>
    Failed,

    /// <summary>It did not run, or was ended: one before it failed or came up short, or the chain was cancelled.</summary>
    Cancelled,

    /// <summary>Its time was over.</summary>
    TimedOut,
}

/// <summary>What became of an operation in a chain: see <see cref="Ring.ChainAsync"/>.</summary>
public readonly record struct ChainResult
{
    internal ChainResult(StepOutcome step)
    {
        (Outcome, Value, ErrorCode) = step switch
        {
            { IsRan: true } => (ChainOutcome.Completed, step.result, 0),
            { IsFailed: true, errno: Errno.ETIME } => (ChainOutcome.TimedOut, 0, (int)Errno.ETIME),
            { IsFailed: true } => (ChainOutcome.Failed, 0, (int)step.errno),
            _ => (ChainOutcome.Cancelled, 0, (int)Errno.ECANCELED),
        };
    }

    /// <summary>How it ended.</summary>
    public ChainOutcome Outcome { get; }

    /// <summary>What it returned, the number of bytes for what moves bytes; 0 if it did not complete.</summary>
    public int Value { get; }

    /// <summary>The errno of man errno(3); 0 if it completed.</summary>
    public int ErrorCode { get; }
}
