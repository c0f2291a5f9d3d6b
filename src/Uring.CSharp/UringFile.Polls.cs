// Waiting for what a file has to tell: a pipe, a terminal, a device.
using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;
using CoreEvents = Uring.Model.PollEvents;

namespace Uring;

public sealed partial class UringFile
{
    /// <summary>
    /// Waits until one of the events is there: for pipes, terminals and what else poll(2) can wait for; others are always
    /// ready. See man io_uring_prep_poll_add(3).
    /// </summary>
    /// <param name="events">Which; errors and hang-ups are reported in any case.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>Those that are there.</returns>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<PollEvents> PollAsync(PollEvents events, CancellationToken cancellationToken = default)
    {
        var wanted = (CoreEvents)events.Checked();
        ThrowIfClosed();
        var request = Poll.on(descriptor, wanted);
        return (PollEvents)await loop.Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
    }

    /// <summary>
    /// Tells of events each time that they come, until cancelled; what was not looked at is united with what comes. One
    /// submission from Linux 5.13 on; see man io_uring_prep_poll_multishot(3).
    /// </summary>
    /// <param name="events">Which; errors and hang-ups are reported in any case.</param>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    public IAsyncEnumerable<PollEvents> PollAllAsync(PollEvents events, CancellationToken cancellationToken = default) =>
        CreatePoll(events).WatchAsync(cancellationToken);

    /// <summary>
    /// As <see cref="PollAllAsync"/>, with events that can be changed while somebody waits for them.
    /// </summary>
    /// <param name="events">Which; errors and hang-ups are reported in any case.</param>
    /// <exception cref="ObjectDisposedException">The file was disposed of.</exception>
    public UringPoll CreatePoll(PollEvents events)
    {
        var wanted = events.Checked();
        ThrowIfClosed();
        return new UringPoll(loop, descriptor, wanted);
    }
}
