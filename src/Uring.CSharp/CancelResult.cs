// What became of operations that were to end at once; counted by Driver/Loop.fs.
using System.Threading.Tasks;
using Uring.Driver;

namespace Uring;

/// <summary>What became of operations that were to end at once: see <see cref="Ring.CancelAllNowAsync(System.TimeSpan,
/// System.Threading.CancellationToken)"/>.</summary>
/// <param name="Asked">How many were asked to end.</param>
/// <param name="Running">
/// How many of them had not ended when the time was over: they end as soon as they can.
/// </param>
public readonly record struct CancelResult(int Asked, int Running)
{
    internal static async ValueTask<CancelResult> OfAsync(ValueTask<CancelCount> counting)
    {
        var count = await counting.ConfigureAwait(Ending.OnLoop);
        return new(count.Asked, count.Running);
    }
}
