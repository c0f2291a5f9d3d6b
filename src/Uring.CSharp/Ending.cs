// How an operation's number becomes what a method returns, without an allocation.
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;

namespace Uring;

internal static class Ending
{
    /// <summary>What a method of several steps asks of each: see <see cref="Hosting.StaysOnLoop"/>.</summary>
    internal static bool OnLoop => Hosting.StaysOnLoop;

    /// <summary>Only that it ended well matters.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask Discard(ValueTask<int> operation) => await operation.ConfigureAwait(OnLoop);

    /// <summary>The same, for what has mostly ended already.</summary>
    internal static ValueTask Closing(ValueTask<int> operation)
    {
        if (!operation.IsCompletedSuccessfully)
        {
            return Discard(operation);
        }

        operation.GetAwaiter().GetResult();
        return ValueTask.CompletedTask;
    }

    /// <summary>A cancel ends the wait alone: what is waited for goes on.</summary>
    internal static ValueTask Within(ValueTask wait, CancellationToken cancellationToken) =>
        wait.IsCompleted || !cancellationToken.CanBeCanceled
            ? wait
            : new ValueTask(wait.AsTask().WaitAsync(cancellationToken));
}
