// What has come with a received message: wraps the core's (Api/MessageReceipt.fs).
using System;
using System.Collections.Generic;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Win32.SafeHandles;
using Core = Uring.FSharp.MessageReceipt;

namespace Uring;

/// <summary>
/// What <see cref="UringSocket.ReceiveMessageAsync"/> has received. It owns the descriptors that came along, and closes those
/// that nobody has taken when it is disposed of. See man recvmsg(2).
/// </summary>
public sealed class MessageReceipt : IDisposable, IAsyncDisposable
{
    private readonly Core core;
    private int disposed;

    internal MessageReceipt(Core core)
    {
        this.core = core;
        Control = ControlMessage.All(core.Control);
        Sender = core.Sender;
    }

    /// <summary>Number of bytes; 0 when the peer of a connection has finished.</summary>
    public int Length => core.Length;

    /// <summary>Who sent it; null when the sender has no name (an unbound Unix socket), and on a connection.</summary>
    public EndPoint? Sender { get; }

    /// <summary>It was longer than the buffers: the rest is gone.</summary>
    public bool IsTruncated => core.IsTruncated;

    /// <summary>Control data did not fit: descriptors that found no room are closed.</summary>
    public bool IsControlTruncated => core.IsControlTruncated;

    /// <summary>What came along, but for descriptors.</summary>
    public IReadOnlyList<ControlMessage> Control { get; }

    /// <summary>
    /// The descriptors that came along, in their order: yours from now on, and closed on exec. None the second time.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The receipt was disposed of, and they are closed.</exception>
    public SafeFileHandle[] TakeHandles()
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref disposed) != 0, this);
        return core.TakeHandles();
    }

    /// <summary>Closes the descriptors that nobody has taken. Again does nothing.</summary>
    public void Dispose()
    {
        Volatile.Write(ref disposed, 1);
        core.Dispose();
    }

    /// <summary>As <see cref="Dispose"/>: there is nothing to wait for.</summary>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }
}
