// What can be changed on a ring that runs: its sizes, and whose credentials it remembers.
using System;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;

namespace Uring;

public sealed partial class Ring
{
    /// <summary>
    /// A slot of the ring's own table that is yours to fill and to empty. See <see cref="RingOptions.ReservedDescriptors"/>.
    /// </summary>
    /// <param name="number">From 0 on.</param>
    /// <exception cref="ArgumentOutOfRangeException">The ring reserves fewer slots.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public RingSlot GetSlot(int number)
    {
        ObjectDisposedException.ThrowIf(Loop.IsStopping, this);
        return new(Loop, number);
    }

    /// <summary>
    /// Gives the ring queues of other sizes, which the kernel rounds up to powers of two; what is in flight goes on. Helps a
    /// program that learns of its load only when it comes: rings are charged against RLIMIT_MEMLOCK. Needs Linux 6.13, and a
    /// ring without <see cref="RingOptions.SubmissionPolling"/>. See man io_uring_resize_rings(3).
    /// </summary>
    /// <param name="submissionEntries">1 to 32768.</param>
    /// <param name="completionEntries">At least <paramref name="submissionEntries"/>, at most 65536.</param>
    /// <param name="cancellationToken">Looked at before it begins.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is out of its range.</exception>
    /// <exception cref="NotSupportedException">The kernel cannot do it for this ring.</exception>
    /// <exception cref="InvalidOperationException">More results wait than would fit.</exception>
    /// <exception cref="UnauthorizedAccessException">The ring's restrictions do not allow it.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public async ValueTask ResizeAsync(
        int submissionEntries,
        int completionEntries,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(submissionEntries, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(submissionEntries, 32768);
        ArgumentOutOfRangeException.ThrowIfLessThan(completionEntries, submissionEntries);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(completionEntries, 65536);
        cancellationToken.ThrowIfCancellationRequested();
        _ = await Resizing.resize(Loop, submissionEntries, completionEntries).ConfigureAwait(Ending.OnLoop);
    }

    /// <summary>
    /// Remembers the credentials that the ring's thread has now. Credentials that the whole process changes (as libc does) are
    /// those of the ring's thread, too; one's own, run on the ring
    /// (<see cref="RunAsync(Func{ValueTask}, CancellationToken)"/>), are the ring's alone. Linux 5.6. See
    /// man io_uring_register(2), IORING_REGISTER_PERSONALITY.
    /// </summary>
    /// <param name="cancellationToken">Looked at before it begins.</param>
    /// <exception cref="NotSupportedException">The kernel refused it: too many, or the ring's restrictions.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public async ValueTask<RingPersonality> RegisterPersonalityAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(await Driver.Personality.Register(Loop).ConfigureAwait(Ending.OnLoop));
    }
}
