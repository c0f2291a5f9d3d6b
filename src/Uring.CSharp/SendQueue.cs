// The core's send queue (Api/SendQueue.fs) under the facade's namespace.
using System;
using System.Threading;
using System.Threading.Tasks;

namespace Uring;

/// <summary>
/// Outgoing bytes of one socket, in order: they are copied, and one submission sends as many as there are (Linux 6.16;
/// older kernels send them one by one). Made by <see cref="UringSocket.CreateSendQueueAsync"/>. While it exists nobody else
/// may send on the socket. From any thread.
/// </summary>
public sealed class SendQueue : IAsyncDisposable, IDisposable
{
    private readonly FSharp.SendQueue core;

    internal SendQueue(FSharp.SendQueue core) => this.core = core;

    /// <summary>Bytes that were queued and that the kernel has not taken. A snapshot.</summary>
    public long Unsent => core.Unsent;

    /// <summary>
    /// Queues a copy of the bytes. Ends when the last of them has a place in the queue, which is at once unless it is full:
    /// <paramref name="bytes"/> are yours again then. Allocates nothing on the ring's thread.
    /// </summary>
    /// <param name="bytes">What to send.</param>
    /// <param name="cancellationToken">Looked at before anything is queued: the stream of bytes has no holes.</param>
    /// <exception cref="System.Net.Sockets.SocketException">The connection has failed, perhaps with earlier bytes.</exception>
    /// <exception cref="ObjectDisposedException">The queue, the socket or its ring was disposed of.</exception>
    public ValueTask SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled(cancellationToken) : core.Send(bytes);

    /// <summary>Ends when the kernel has taken all that was queued before.</summary>
    /// <param name="cancellationToken">Ends the wait; sending goes on.</param>
    /// <exception cref="System.Net.Sockets.SocketException">The connection has failed.</exception>
    /// <exception cref="ObjectDisposedException">The queue, the socket or its ring was disposed of.</exception>
    public ValueTask FlushAsync(CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled(cancellationToken)
            : Ending.Within(core.Flush(), cancellationToken);

    /// <summary>
    /// Drops what was not sent (see <see cref="FlushAsync"/>) and ends when the kernel has let go of the buffers.
    /// </summary>
    public ValueTask DisposeAsync() => ((IAsyncDisposable)core).DisposeAsync();

    /// <summary>Begins what <see cref="DisposeAsync"/> does and returns at once; the ring finishes it.</summary>
    public void Dispose() => _ = DisposeAsync().AsTask();
}
