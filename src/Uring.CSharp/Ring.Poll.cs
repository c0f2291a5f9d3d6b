// Waits for descriptors that this library did not open.
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Win32.SafeHandles;
using Uring.Driver;
using Uring.FSharp;
using CoreEvents = Uring.Model.PollEvents;

namespace Uring;

public sealed partial class Ring
{
    /// <summary>
    /// Waits until one of the events is there, on any descriptor that poll(2) can wait for: an eventfd, a timerfd, a pipe,
    /// another library's socket. See man io_uring_prep_poll_add(3). Again and again: <see cref="PollAllAsync"/>.
    /// </summary>
    /// <param name="handle">The descriptor. It is not closed before this ends, whoever disposes of it meanwhile.</param>
    /// <param name="events">What to wait for; errors and hang-ups are reported whether asked for or not.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>Those of the events that are there.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="handle"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The handle or the ring was disposed of.</exception>
    public async ValueTask<PollEvents> PollAsync(
        SafeHandle handle,
        PollEvents events,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handle);
        var descriptor = Poll.hold(handle);

        try
        {
            var request = Poll.request(descriptor, (CoreEvents)events.Checked());
            return (PollEvents)await Loop.Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
        }
        finally
        {
            handle.DangerousRelease();
        }
    }

    /// <summary>
    /// Tells of events of any descriptor each time that they come, until cancelled; what was not looked at is united with
    /// what comes. One submission from Linux 5.13 on; see man io_uring_prep_poll_multishot(3).
    /// </summary>
    /// <param name="handle">
    /// The descriptor. While somebody enumerates, it is not closed, whoever disposes of it meanwhile.
    /// </param>
    /// <param name="events">What to wait for; errors and hang-ups are reported whether asked for or not.</param>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>The events that are there.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="handle"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The handle or the ring was disposed of.</exception>
    public IAsyncEnumerable<PollEvents> PollAllAsync(
        SafeHandle handle,
        PollEvents events,
        CancellationToken cancellationToken = default) => CreatePoll(handle, events).WatchAsync(cancellationToken);

    /// <summary>
    /// As <see cref="PollAllAsync"/>, with events that can be changed while somebody waits for them. Linux 5.13; see
    /// man io_uring_prep_poll_update(3).
    /// </summary>
    /// <param name="handle">
    /// The descriptor. While somebody enumerates, it is not closed, whoever disposes of it meanwhile.
    /// </param>
    /// <param name="events">Which; errors and hang-ups are reported in any case.</param>
    /// <exception cref="ArgumentNullException"><paramref name="handle"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The handle or the ring was disposed of.</exception>
    public UringPoll CreatePoll(SafeHandle handle, PollEvents events)
    {
        ArgumentNullException.ThrowIfNull(handle);
        var wanted = events.Checked();
        ObjectDisposedException.ThrowIf(handle.IsClosed, handle);
        ObjectDisposedException.ThrowIf(Loop.IsStopping, this);
        return new UringPoll(Loop, handle, wanted);
    }

    /// <summary>
    /// A handle of the ring itself, for poll(2), epoll(7) and other rings (<see cref="PollAsync"/>): it is readable when
    /// completions come. They are the ring's to take all the same, so that they may be gone when somebody looks. See
    /// man io_uring(7).
    /// </summary>
    /// <returns>Yours to dispose of: what the ring holds in the kernel goes with the last.</returns>
    /// <exception cref="System.IO.IOException">No descriptor is left (EMFILE, 24).</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public SafeFileHandle DuplicateHandle() => RingHandle.ofLoop(Loop);
}
