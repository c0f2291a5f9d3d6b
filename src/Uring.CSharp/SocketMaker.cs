// Who makes a socket: a ring, and perhaps credentials that it remembers.
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;

namespace Uring;

/// <summary>The ring that a socket is made by, and perhaps with whose credentials.</summary>
internal readonly struct SocketMaker(Loop loop, Personality? personality)
{
    internal SocketMaker(Loop loop)
        : this(loop, null)
    {
    }

    internal SocketMaker(Personality personality)
        : this(personality.Loop, personality)
    {
    }

    internal Loop Loop => loop;

    internal ValueTask<int> Start(in Request request, CancellationToken cancellationToken)
    {
        var signed = Signed(in request);
        return loop.Start(in signed, cancellationToken);
    }

    internal ValueTask StartEffect(in Request request, CancellationToken cancellationToken)
    {
        var signed = Signed(in request);
        return loop.StartEffect(in signed, cancellationToken);
    }

    private Request Signed(in Request request) => personality is null ? request : personality.Sign(request);
}
