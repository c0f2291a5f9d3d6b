// The core's zero-copy send (Api/ZeroCopySend.fs) under the facade's namespace.
using System.Net.Sockets;
using System.Threading.Tasks;

namespace Uring;

/// <summary>A send that has started, and whose buffer the kernel reads after its result.</summary>
public sealed class ZeroCopySend
{
    private readonly FSharp.ZeroCopySend core;

    internal ZeroCopySend(FSharp.ZeroCopySend core)
    {
        this.core = core;
        Sent = core.Sent;
        Released = core.Released;
    }

    /// <summary>
    /// Ends when the kernel has taken the bytes: how many, which can be fewer than asked for, unless all were wanted. Fails with a
    /// <see cref="SocketException"/> when the peer is gone.
    /// </summary>
    public Task<int> Sent { get; }

    /// <summary>
    /// Ends when the kernel no longer reads the buffer: only then may it be changed. Never fails, and ends after an error
    /// of <see cref="Sent"/>, too.
    /// </summary>
    public Task Released { get; }

    /// <summary>
    /// Whether the kernel has copied the bytes after all: if it always does, a plain send is cheaper. Not known before
    /// <see cref="Released"/> has ended.
    /// </summary>
    public ZeroCopyUsage Usage => (ZeroCopyUsage)core.Usage;
}
