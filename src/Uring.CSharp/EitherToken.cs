// Decides what ends an enumeration: the token of the call, or the one of the loop.
using System.Threading;

namespace Uring;

/// <summary>Ends with either of two tokens. Whoever uses it disposes of the source, if there is one.</summary>
internal readonly record struct EitherToken(CancellationToken Token, CancellationTokenSource? Source)
{
    internal static EitherToken Of(CancellationToken call, CancellationToken loop)
    {
        if (!loop.CanBeCanceled || loop == call)
        {
            return new(call, null);
        }

        if (!call.CanBeCanceled)
        {
            return new(loop, null);
        }

        var both = CancellationTokenSource.CreateLinkedTokenSource(call, loop);
        return new(both.Token, both);
    }
}
