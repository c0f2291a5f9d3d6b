// A timer that is changed while it runs: wraps Api/RunningTimer.fs.
using System;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;
using CoreClock = Uring.Model.Clock;

namespace Uring;

/// <summary>
/// A timer that can be changed while it runs, for what is put off again and again: one timer for a connection's idle time,
/// say, and no new one for each message. Made by <see cref="Ring.StartTimer(TimeSpan)"/> and its kin.
/// </summary>
public sealed class UringTimer : IAsyncDisposable, IDisposable
{
    private readonly RunningTimer timer;

    internal UringTimer(Loop loop, Request request, CoreClock clock) =>
        timer = RunningTimer.Start(loop, request, clock, CancellationToken.None);

    /// <summary>What it counts by.</summary>
    public Clock Clock => (Clock)timer.Clock;

    /// <summary>
    /// Ends with true when the time is over, with false when it was cancelled, or disposed of, or its ring was.
    /// </summary>
    public Task<bool> Completion => timer.Ended;

    /// <summary>
    /// Gives it another time, counted from now by its clock. Linux 5.11; see man io_uring_prep_timeout_update(3).
    /// </summary>
    /// <param name="delay">How long from now on.</param>
    /// <param name="cancellationToken">Looked at before anything is changed.</param>
    /// <returns>False when it had ended: then nothing changes.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="delay"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask<bool> ChangeAsync(TimeSpan delay, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(delay, TimeSpan.Zero);
        cancellationToken.ThrowIfCancellationRequested();
        return new(timer.ChangeBy(nameof(delay), delay));
    }

    /// <summary>
    /// As <see cref="ChangeAsync"/>, until a time of day: of a timer by <see cref="Clock.RealTime"/>. At once when that is
    /// past.
    /// </summary>
    /// <param name="time">Until when.</param>
    /// <param name="cancellationToken">Looked at before anything is changed.</param>
    /// <returns>False when it had ended: then nothing changes.</returns>
    /// <exception cref="InvalidOperationException">The timer counts by another clock.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask<bool> ChangeUntilAsync(DateTimeOffset time, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(timer.ChangeUntil(CoreClock.RealTime, nameof(time), FSharp.Uring.sinceEpoch(time)));
    }

    /// <summary>
    /// As <see cref="ChangeAsync"/>, until <see cref="Stopwatch.GetTimestamp"/> has come to a value: of a timer by
    /// <see cref="Clock.Monotonic"/>. At once when that is past.
    /// </summary>
    /// <param name="timestamp">As <see cref="Stopwatch.GetTimestamp"/> returns it: in Linux, in nanoseconds.</param>
    /// <param name="cancellationToken">Looked at before anything is changed.</param>
    /// <returns>False when it had ended: then nothing changes.</returns>
    /// <exception cref="InvalidOperationException">The timer counts by another clock.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask<bool> ChangeUntilTimestampAsync(long timestamp, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var time = FSharp.Uring.ofTimestamp(timestamp);
        return new(timer.ChangeUntil(CoreClock.Monotonic, nameof(timestamp), time));
    }

    /// <summary>Ends it. See man io_uring_prep_cancel(3).</summary>
    /// <param name="cancellationToken">Looked at before anything is asked.</param>
    /// <returns>False when it had ended, or was cancelled before.</returns>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public ValueTask<bool> CancelAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(timer.Cancel());
    }

    /// <summary>Cancels it, and waits for its end. Disposing again does nothing.</summary>
    public ValueTask DisposeAsync() => ((IAsyncDisposable)timer).DisposeAsync();

    /// <summary>Begins what <see cref="DisposeAsync"/> does and returns at once.</summary>
    public void Dispose() => _ = DisposeAsync();
}
