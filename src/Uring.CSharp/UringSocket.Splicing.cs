// What a socket gives to a pipe without a copy.
using System;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringSocket
{
    /// <summary>
    /// Moves up to <paramref name="length"/> bytes that came to a pipe, without copying them through the program's memory.
    /// Waits for them, on a worker thread of the kernel: for many connections receive and send. See man splice(2).
    /// </summary>
    /// <param name="target">A pipe's end to write to, on the same ring.</param>
    /// <param name="length">Bytes, at least 1.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>The number of bytes, which can be fewer; 0 when the peer has finished sending.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="length"/> is less than 1.</exception>
    /// <exception cref="ArgumentException">The target is no pipe, or belongs to another ring.</exception>
    /// <exception cref="NotSupportedException">The target is not open to write.</exception>
    /// <exception cref="ObjectDisposedException">One of the two or their ring was disposed of.</exception>
    /// <exception cref="System.IO.IOException">The connection broke, or another error; HResult is the errno.</exception>
    public ValueTask<int> SpliceAsync(UringFile target, int length, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        target.ThrowUnlessOpenTo(System.IO.FileAccess.Write);
        return Start(FileRequest.splice(descriptor, -1, target.Descriptor, -1, length), cancellationToken);
    }
}
