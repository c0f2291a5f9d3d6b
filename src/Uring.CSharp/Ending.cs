// How an operation's number becomes what a method returns, without an allocation.
using System.Runtime.CompilerServices;
using System.Threading.Tasks;

namespace Uring;

internal static class Ending
{
    /// <summary>Only that it ended well matters.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    internal static async ValueTask Discard(ValueTask<int> operation) => await operation.ConfigureAwait(false);

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
