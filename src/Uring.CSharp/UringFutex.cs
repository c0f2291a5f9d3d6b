// A word of memory to wait for: wraps Api/Futex.fs.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.FSharp.Collections;
using Uring.Driver;
using Uring.FSharp;
using Uring.Model;

namespace Uring;

/// <summary>
/// Four bytes of memory that programs wait for and wake each other by, on one ring, on several, in one process or in
/// several that share the memory. Needs Linux 6.7. See man futex(2).
/// </summary>
/// <remarks>
/// Change <see cref="Value"/> first, then wake: who waits names the value that it has seen, and does not wait if that is
/// not the value any more, so no wake is lost.
/// </remarks>
public sealed class UringFutex
{
    private readonly Futex futex;

    /// <summary>Makes a word of its own, for this process, with the value 0.</summary>
    public UringFutex() => futex = new Futex();

    /// <summary>Uses memory of yours. It is pinned while somebody waits; between waits it may move.</summary>
    /// <param name="memory">Four bytes, at an address that four divides.</param>
    /// <param name="isShared">The memory is mapped into several processes, which wait for it and wake each other.</param>
    /// <exception cref="ArgumentException"><paramref name="memory"/> has not four bytes.</exception>
    public UringFutex(Memory<byte> memory, bool isShared = false) => futex = new Futex(memory, isShared);

    /// <summary>The word, for <see cref="Volatile"/> and <see cref="Interlocked"/>.</summary>
    public ref int Value => ref futex.Value;

    /// <summary>
    /// Waits while the word has a value, until somebody wakes it. See man io_uring_prep_futex_wait(3).
    /// </summary>
    /// <param name="expected">The value that the caller has seen.</param>
    /// <param name="ring">
    /// Where it waits; without one, on the ring on whose thread this runs, else on <see cref="Ring.Default"/>.
    /// </param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>
    /// False when the word had another value at once, so that nobody had to wake it. Look at it again in either case.
    /// </returns>
    /// <exception cref="ArgumentException">Four does not divide the address of the memory.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than 6.7.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public async ValueTask<bool> WaitAsync(
        int expected,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        var request = FutexModule.waiting(futex, expected);
        var result = await Ring.LoopFor(ring).TryStart(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);

        if (result >= 0)
        {
            return true;
        }

        return ErrnoModule.ofResult(result) == Errno.EAGAIN
            ? false
            : throw Fault.ofResult(request.Submission.Opcode, request.Subject, result, cancellationToken);
    }

    /// <summary>Wakes some of those who wait. See man io_uring_prep_futex_wake(3).</summary>
    /// <param name="count">How many at most.</param>
    /// <param name="ring">
    /// What does it; without one, the ring on whose thread this runs, else <see cref="Ring.Default"/>.
    /// </param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>How many were woken.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is negative.</exception>
    /// <exception cref="ArgumentException">Four does not divide the address of the memory.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than 6.7.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask<int> WakeAsync(int count = 1, Ring? ring = null, CancellationToken cancellationToken = default)
    {
        var request = FutexModule.waking(futex, count);
        return Ring.LoopFor(ring).Start(in request, cancellationToken);
    }

    /// <summary>
    /// Waits while each of several words has a value, until somebody wakes one of them. See man futex_waitv(2).
    /// </summary>
    /// <param name="futexes">The words, 1 to 128.</param>
    /// <param name="expected">The values that the caller has seen, in the same order.</param>
    /// <param name="ring">
    /// Where it waits; without one, on the ring on whose thread this runs, else on <see cref="Ring.Default"/>.
    /// </param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>
    /// The index of the word that was woken; -1 when one had another value at once, so that nobody had to wake it. Look at
    /// them again in either case.
    /// </returns>
    /// <exception cref="ArgumentNullException">A list, or a word, is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are no words, or more than 128.</exception>
    /// <exception cref="ArgumentException">
    /// The lists are not as long as each other, or four does not divide an address of a word.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than 6.7.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public static ValueTask<int> WaitAnyAsync(
        IReadOnlyList<UringFutex> futexes,
        IReadOnlyList<int> expected,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(futexes);
        ArgumentNullException.ThrowIfNull(expected);
        ArgumentOutOfRangeException.ThrowIfZero(futexes.Count, nameof(futexes));

        if (futexes.Count != expected.Count)
        {
            throw new ArgumentException("Each word needs the value that was seen, and one alone.", nameof(expected));
        }

        var words = futexes.Select((word, index) =>
        {
            ArgumentNullException.ThrowIfNull(word, nameof(futexes));
            return (word.futex, expected[index]);
        });

        return WaitAnyAsync(FutexModule.waitingAny(ListModule.OfSeq(words)), Ring.LoopFor(ring), cancellationToken);
    }

    private static async ValueTask<int> WaitAnyAsync(Request request, Loop loop, CancellationToken cancellationToken)
    {
        var result = await loop.TryStart(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);

        if (result >= 0)
        {
            return result;
        }

        return ErrnoModule.ofResult(result) == Errno.EAGAIN
            ? -1
            : throw Fault.ofResult(request.Submission.Opcode, request.Subject, result, cancellationToken);
    }
}
