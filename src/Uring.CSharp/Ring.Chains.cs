// Operations that are submitted together and run one after another.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.FSharp.Collections;
using Uring.FSharp;

namespace Uring;

public sealed partial class Ring
{
    /// <summary>
    /// Runs operations one after another with one submission: each starts when the one before it has succeeded, without a way
    /// back in between. <c>await ring.ChainAsync(chain => chain.Write(file, data, 0).Sync(file))</c>. See
    /// man io_uring_linked_requests(7).
    /// </summary>
    /// <param name="build">Says which, in their order. Called once, at once.</param>
    /// <param name="cancellationToken">Ends those that have not ended: their results say so.</param>
    /// <returns>
    /// What became of each, in their order, once all have ended. An operation that failed is no exception: look at its
    /// result.
    /// </returns>
    /// <exception cref="ArgumentNullException"><paramref name="build"/> is null.</exception>
    /// <exception cref="ArgumentException">
    /// There are more operations than one submission holds (<see cref="RingOptions.SubmissionEntries"/>; a limit counts as
    /// one).
    /// </exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask<IReadOnlyList<ChainResult>> ChainAsync(
        Action<UringChain> build,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(build);
        var chain = new UringChain(Loop);
        build(chain);
        return RunAsync(chain, cancellationToken);
    }

    /// <summary>
    /// As <see cref="ChainAsync"/>, with limits that can be changed while the operations run. See
    /// man io_uring_prep_timeout_update(3), IORING_LINK_TIMEOUT_UPDATE.
    /// </summary>
    /// <param name="build">Says which, in their order. Called once, at once.</param>
    /// <param name="cancellationToken">Ends those that have not ended: their results say so.</param>
    /// <exception cref="ArgumentNullException"><paramref name="build"/> is null.</exception>
    /// <exception cref="ArgumentException">
    /// There are more operations than one submission holds (<see cref="RingOptions.SubmissionEntries"/>; a limit counts as
    /// one).
    /// </exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public UringChainRun StartChain(Action<UringChain> build, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(build);
        var chain = new UringChain(Loop);
        build(chain);
        return new(RunningChain.Start(Loop, ListModule.OfSeq(chain.Steps), cancellationToken));
    }

    private async ValueTask<IReadOnlyList<ChainResult>> RunAsync(UringChain chain, CancellationToken cancellationToken)
    {
        var running = Chains.startBounded(Loop, ListModule.OfSeq(chain.Steps), cancellationToken);
        var outcomes = await running.ConfigureAwait(Ending.OnLoop);
        return [.. outcomes.Select(outcome => new ChainResult(outcome))];
    }
}
