// Waits for descriptors that this library did not open.
using System;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;
using CoreEvents = Uring.Model.PollEvents;

namespace Uring;

public sealed partial class Ring
{
    /// <summary>
    /// Waits until one of the events is there, on any descriptor that poll(2) can wait for: an eventfd, a timerfd, a pipe,
    /// another library's socket. See man io_uring_prep_poll_add(3). For several events of a socket:
    /// <see cref="UringSocket.PollAllAsync"/>.
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
}
