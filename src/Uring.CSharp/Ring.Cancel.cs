// Ends what is in flight on a ring.
using System;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;
using Uring.Model;

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

    /// <summary>
    /// As <see cref="CancelAllAsync(CancellationToken)"/>, for operations of one sort alone: every receive, say. See
    /// man io_uring_prep_cancel(3).
    /// </summary>
    /// <param name="operation">Which.</param>
    /// <param name="cancellationToken">Looked at before anything is asked.</param>
    /// <returns>How many operations were asked to end.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="operation"/> is none.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask<int> CancelAllAsync(RingOperation operation, CancellationToken cancellationToken = default)
    {
        var opcode = (Opcode)operation.Checked();
        cancellationToken.ThrowIfCancellationRequested();
        return Cancel.ofOpcode(opcode, Loop);
    }

    /// <summary>
    /// As <see cref="CancelAllAsync(CancellationToken)"/>, and the kernel waits until each has ended before it goes on. Until
    /// then the ring's thread does nothing else: for the moment before memory goes away, or a file system. Older kernels
    /// than 6.0 do not wait. See man io_uring_register_sync_cancel(3).
    /// </summary>
    /// <param name="limit">
    /// How long the kernel waits for one operation; after the first that has not ended by then it waits for none.
    /// </param>
    /// <param name="cancellationToken">Looked at before anything is asked.</param>
    /// <returns>How many were asked to end, and how many of them run on.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="limit"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask<CancelResult> CancelAllNowAsync(TimeSpan limit, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, TimeSpan.Zero);
        cancellationToken.ThrowIfCancellationRequested();
        return CancelResult.OfAsync(Cancel.allNow(limit, Loop));
    }

    /// <summary>
    /// As <see cref="CancelAllNowAsync(TimeSpan, CancellationToken)"/>, for operations of one sort alone.
    /// </summary>
    /// <param name="operation">Which.</param>
    /// <param name="limit">As there.</param>
    /// <param name="cancellationToken">Looked at before anything is asked.</param>
    /// <returns>How many were asked to end, and how many of them run on.</returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="operation"/> is none, or <paramref name="limit"/> is negative.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask<CancelResult> CancelAllNowAsync(
        RingOperation operation,
        TimeSpan limit,
        CancellationToken cancellationToken = default)
    {
        var opcode = (Opcode)operation.Checked();
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, TimeSpan.Zero);
        cancellationToken.ThrowIfCancellationRequested();
        return CancelResult.OfAsync(Cancel.ofOpcodeNow(opcode, limit, Loop));
    }
}
