// Memory that a ring knows.
using System;
using System.Threading;
using System.Threading.Tasks;
using Module = Uring.FSharp.RegisteredBuffer;

namespace Uring;

public sealed partial class Ring
{
    /// <summary>
    /// Registers new memory, which starts with a page: operations of this ring on it need not pin it. A ring has at most
    /// <see cref="RingOptions.RegisteredBuffers"/>; a long one can be used in slices.
    /// </summary>
    /// <param name="length">Bytes, 1 to 1 GiB.</param>
    /// <param name="hugePages">In pages of 2 MiB, if the system has some ready.</param>
    /// <param name="cancellationToken">Looked at before anything is done.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is out of its range.</exception>
    /// <exception cref="InvalidOperationException">All <see cref="RingOptions.RegisteredBuffers"/> are taken.</exception>
    /// <exception cref="UringUnavailableException">The kernel has no room for it (RLIMIT_MEMLOCK).</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask<RegisteredBuffer> RegisterBufferAsync(
        int length,
        bool hugePages = false,
        CancellationToken cancellationToken = default)
    {
        Module.checkLength(length);
        return RegisterAsync(() => Loop.Buffers.Create(length, hugePages), cancellationToken);
    }

    /// <summary>Registers memory of yours, which stays pinned until the buffer is disposed of.</summary>
    /// <param name="memory">1 byte to 1 GiB, in any place.</param>
    /// <param name="cancellationToken">Looked at before anything is done.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="memory"/> is empty, or too long.</exception>
    /// <exception cref="NotSupportedException">It is a shared mapping of a file, or cannot be written.</exception>
    /// <exception cref="InvalidOperationException">All <see cref="RingOptions.RegisteredBuffers"/> are taken.</exception>
    /// <exception cref="UringUnavailableException">The kernel has no room for it (RLIMIT_MEMLOCK).</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask<RegisteredBuffer> RegisterBufferAsync(
        Memory<byte> memory,
        CancellationToken cancellationToken = default)
    {
        Module.checkMemory(memory);
        return RegisterAsync(() => Loop.Buffers.Adopt(memory), cancellationToken);
    }

    private async ValueTask<RegisteredBuffer> RegisterAsync(
        Func<Driver.RegisteredBuffer> register,
        CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(Loop.IsStopping, this);
        cancellationToken.ThrowIfCancellationRequested();
        return new RegisteredBuffer(await Loop.Call(register).ConfigureAwait(Ending.OnLoop));
    }
}
