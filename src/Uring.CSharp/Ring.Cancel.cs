// Ends what is in flight on a ring.
using System;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

public sealed partial class Ring
{
    /// <summary>
    /// Asks for the end of every operation that is in flight on the ring or waits to go on, whoever started it. They end with
    /// an <see cref="OperationCanceledException"/>, or with what they have done by then; files and sockets stay open, and what
    /// is being closed goes on. See man io_uring_prep_cancel(3).
    /// </summary>
    /// <param name="cancellationToken">Looked at before anything is asked.</param>
    /// <returns>How many operations were asked to end.</returns>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask<int> CancelAllAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Cancel.all(Loop);
    }
}
