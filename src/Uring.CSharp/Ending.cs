// How an operation's number becomes what a method returns, without an allocation.
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;

namespace Uring;

internal static class Ending
{
    /// <summary>
    /// Started on a loop, a method of several steps stays there: without its context each step would go by way of the
    /// thread pool, which a loop pays for. In a simulation it would leave by that way.
    /// </summary>
    internal static bool OnLoop => SynchronizationContext.Current is Loop || Hosting.IsSimulated;

    /// <summary>Only that it ended well matters.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    internal static async ValueTask Discard(ValueTask<int> operation) => await operation.ConfigureAwait(OnLoop);

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
}
