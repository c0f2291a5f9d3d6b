// Timers: for a while, by which clock, and until when.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.Model;
using CoreClock = Uring.Model.Clock;

namespace Uring;

public sealed partial class Ring
{
    /// <summary>Completes after a while, never early. See man io_uring_prep_timeout(3).</summary>
    /// <param name="delay">How long; <see cref="Timeout.InfiniteTimeSpan"/> waits for the cancellation.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="delay"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask DelayAsync(TimeSpan delay, CancellationToken cancellationToken = default)
    {
        var request = FSharp.Uring.timer(delay == Timeout.InfiniteTimeSpan ? TimeSpan.MaxValue : delay);
        return WaitAsync(request, cancellationToken);
    }

    /// <summary>Completes after a while by another clock, never early. See man io_uring_prep_timeout(3).</summary>
    /// <param name="delay">How long; <see cref="Timeout.InfiniteTimeSpan"/> waits for the cancellation.</param>
    /// <param name="clock">
    /// By <see cref="Clock.BootTime"/>, the time that the machine is suspended counts. All but
    /// <see cref="Clock.Monotonic"/> need Linux 5.15.
    /// </param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="delay"/> is negative, or <paramref name="clock"/> is none.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than 5.15.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask DelayAsync(TimeSpan delay, Clock clock, CancellationToken cancellationToken = default)
    {
        var span = delay == Timeout.InfiniteTimeSpan ? TimeSpan.MaxValue : delay;
        return WaitAsync(FSharp.Uring.timerBy((CoreClock)clock, span), cancellationToken);
    }

    /// <summary>
    /// Completes at a time of day, never early: at once when it is past. When the clock is set meanwhile, the wait ends by
    /// the new time. Needs Linux 5.15. See man io_uring_prep_timeout(3), IORING_TIMEOUT_REALTIME.
    /// </summary>
    /// <param name="time">Until when.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than 5.15.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask DelayUntilAsync(DateTimeOffset time, CancellationToken cancellationToken = default) =>
        WaitAsync(FSharp.Uring.alarm(time), cancellationToken);

    /// <summary>
    /// Completes when <see cref="Stopwatch.GetTimestamp"/> has come to a value, never early: at once when it is past. A
    /// deadline that no change of the time of day moves, for several steps that share it. See
    /// man io_uring_prep_timeout(3), IORING_TIMEOUT_ABS.
    /// </summary>
    /// <param name="timestamp">As <see cref="Stopwatch.GetTimestamp"/> returns it: in Linux, in nanoseconds.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask DelayUntilTimestampAsync(long timestamp, CancellationToken cancellationToken = default) =>
        WaitAsync(FSharp.Uring.alarmAtTimestamp(timestamp), cancellationToken);

    /// <summary>
    /// Starts a timer that can be changed while it runs. To wait for a while and no more: <see cref="DelayAsync(TimeSpan,
    /// CancellationToken)"/>. See man io_uring_prep_timeout(3).
    /// </summary>
    /// <param name="delay">How long from now on; never early.</param>
    /// <returns>Yours to dispose of, which cancels it.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="delay"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public UringTimer StartTimer(TimeSpan delay) => StartTimer(delay, Clock.Monotonic);

    /// <summary>As <see cref="StartTimer(TimeSpan)"/>, by another clock. See man io_uring_prep_timeout(3).</summary>
    /// <param name="delay">How long from now on; never early.</param>
    /// <param name="clock">All but <see cref="Clock.Monotonic"/> need Linux 5.15: else its end is an exception.</param>
    /// <returns>Yours to dispose of, which cancels it.</returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="delay"/> is negative, or <paramref name="clock"/> is none.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public UringTimer StartTimer(TimeSpan delay, Clock clock) =>
        new(Loop, FSharp.Uring.timerBy((CoreClock)clock, delay), (CoreClock)clock);

    /// <summary>
    /// Starts a timer that ends at a time of day, by <see cref="Clock.RealTime"/>, and can be changed while it runs: at once
    /// when that is past. Linux 5.15: before, its end is an exception. See man io_uring_prep_timeout(3).
    /// </summary>
    /// <param name="time">Until when; when the clock is set, by the new time.</param>
    /// <returns>Yours to dispose of, which cancels it.</returns>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public UringTimer StartTimerUntil(DateTimeOffset time) =>
        new(Loop, FSharp.Uring.alarm(time), CoreClock.RealTime);

    /// <summary>
    /// Starts a timer that ends when <see cref="Stopwatch.GetTimestamp"/> has come to a value, and can be changed while it
    /// runs: at once when that is past. See man io_uring_prep_timeout(3), IORING_TIMEOUT_ABS.
    /// </summary>
    /// <param name="timestamp">As <see cref="Stopwatch.GetTimestamp"/> returns it: in Linux, in nanoseconds.</param>
    /// <returns>Yours to dispose of, which cancels it.</returns>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public UringTimer StartTimerUntilTimestamp(long timestamp) =>
        new(Loop, FSharp.Uring.alarmAtTimestamp(timestamp), CoreClock.Monotonic);

    /// <summary>
    /// Waits until so many completions have come on the ring, of whatever operation but timers, the library's own (that wake
    /// the ring, say) included, or until the time is over. See man io_uring_prep_timeout(3).
    /// </summary>
    /// <param name="count">How many from now on; at least 1.</param>
    /// <param name="limit">How long; <see cref="Timeout.InfiniteTimeSpan"/> waits for the completions alone.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>False when the time was over before.</returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="count"/> is below 1, or <paramref name="limit"/> is negative.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask<bool> WaitForCompletionsAsync(
        int count,
        TimeSpan limit,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var span = limit == Timeout.InfiniteTimeSpan ? TimeSpan.MaxValue : limit;
        ArgumentOutOfRangeException.ThrowIfLessThan(span, TimeSpan.Zero, nameof(limit));
        return CountAsync(FSharp.Uring.countdown(count, span), cancellationToken);
    }

    private async ValueTask<bool> CountAsync(Request request, CancellationToken cancellationToken)
    {
        var result = await Loop.TryStart(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);

        return result >= 0
            || (ErrnoModule.ofResult(result) == Errno.ETIME
                ? false
                : throw FSharp.Uring.timerFault(request, result, cancellationToken));
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WaitAsync(Request request, CancellationToken cancellationToken)
    {
        var result = await Loop.TryStart(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);

        // A timer that ran out says so with an error.
        if (ErrnoModule.ofResult(result) != Errno.ETIME)
        {
            throw FSharp.Uring.timerFault(request, result, cancellationToken);
        }
    }

    /// <summary>
    /// Ticks each time that <paramref name="period"/> has passed, until cancelled. See
    /// man io_uring_prep_timeout(3); one submission from Linux 6.4 on.
    /// </summary>
    /// <param name="period">From one tick to the next.</param>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>How many ticks since the item before: more than one when the consumer was slow.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="period"/> is not positive.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public IAsyncEnumerable<int> TicksAsync(TimeSpan period, CancellationToken cancellationToken = default) =>
        Ticks(period, 0, cancellationToken);

    /// <summary>
    /// As <see cref="TicksAsync(TimeSpan, CancellationToken)"/>, and ends after so many ticks. See
    /// man io_uring_prep_timeout(3); one submission from Linux 6.4 on.
    /// </summary>
    /// <param name="period">From one tick to the next.</param>
    /// <param name="count">How many; at least 1.</param>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>How many ticks since the item before: more than one when the consumer was slow.</returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// <paramref name="period"/> is not positive, or <paramref name="count"/> is below 1.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public IAsyncEnumerable<int> TicksAsync(
        TimeSpan period,
        int count,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        return Ticks(period, count, cancellationToken);
    }

    private Results<int> Ticks(TimeSpan period, int count, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(period, TimeSpan.Zero);
        ObjectDisposedException.ThrowIf(Loop.IsStopping, this);

        return new Results<int>(
            token => ValueTask.FromResult(Loop.Open(FSharp.Uring.tickRequest(period, count), token)),
            static item => item.Result,
            cancellationToken);
    }
}
