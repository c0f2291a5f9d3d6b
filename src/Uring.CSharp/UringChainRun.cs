// A chain that runs: wraps Api/RunningChain.fs.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

/// <summary>
/// Operations that run one after another, with limits that can be changed meanwhile: a transfer that makes progress gets
/// more time, say. Made by <see cref="Ring.StartChain"/>.
/// </summary>
public sealed class UringChainRun
{
    private readonly RunningChain chain;

    internal UringChainRun(RunningChain chain)
    {
        this.chain = chain;
        Completion = ResultsAsync(chain);
    }

    /// <summary>
    /// What became of each operation, in their order, once all have ended. One that failed is no exception: look at its
    /// result.
    /// </summary>
    public Task<IReadOnlyList<ChainResult>> Completion { get; }

    /// <summary>
    /// Gives the limit of an operation another time, counted from now. Linux 5.15; see man io_uring_prep_timeout_update(3).
    /// </summary>
    /// <param name="step">Which operation, counted from 0.</param>
    /// <param name="limit">How long from now on.</param>
    /// <param name="cancellationToken">Looked at before anything is changed.</param>
    /// <returns>False when it does not run: it has ended, or waits for the one before it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// There is no such operation, or <paramref name="limit"/> is negative.
    /// </exception>
    /// <exception cref="ArgumentException">The operation has no limit (<see cref="UringChain.Within"/>).</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask<bool> ChangeLimitAsync(int step, TimeSpan limit, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, TimeSpan.Zero);
        cancellationToken.ThrowIfCancellationRequested();
        return new(chain.ChangeLimit(step, nameof(limit), limit));
    }

    private static async Task<IReadOnlyList<ChainResult>> ResultsAsync(RunningChain chain)
    {
        var outcomes = await chain.Ended.ConfigureAwait(Ending.OnLoop);
        return [.. outcomes.Select(outcome => new ChainResult(outcome))];
    }
}
