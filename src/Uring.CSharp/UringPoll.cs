// Events that can be changed while somebody waits for them: wraps Driver/PollChange.fs.
using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;
using CoreEvents = Uring.Model.PollEvents;

namespace Uring;

/// <summary>
/// Tells of events again and again, and of others when asked to, without a pause in between: a proxy that has something to
/// write now, say. Made by <see cref="UringSocket.CreatePoll"/>, <see cref="UringFile.CreatePoll"/> and
/// <see cref="Ring.CreatePoll"/>.
/// </summary>
public sealed class UringPoll
{
    private readonly Loop loop;
    // One of the two: what is ours, or anybody's.
    private readonly FileDescriptor? descriptor;
    private readonly SafeHandle? handle;
    private volatile PollEvents events;
    private volatile Stream? stream;

    internal UringPoll(Loop loop, FileDescriptor descriptor, PollEvents events)
    {
        this.loop = loop;
        this.descriptor = descriptor;
        this.events = events;
    }

    internal UringPoll(Loop loop, SafeHandle handle, PollEvents events)
    {
        this.loop = loop;
        this.handle = handle;
        this.events = events;
    }

    private bool IsClosed => descriptor?.IsClosed ?? (handle!.IsClosed || loop.IsStopping);

    /// <summary>The events that it tells of; errors and hang-ups in any case.</summary>
    public PollEvents Events => events;

    /// <summary>
    /// Tells of events each time that they come, until cancelled. What the consumer has not taken is united with what
    /// comes. One at a time. See man io_uring_prep_poll_multishot(3).
    /// </summary>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>The events that are there.</returns>
    /// <exception cref="ObjectDisposedException">What is polled, or its ring, was disposed of.</exception>
    public IAsyncEnumerable<PollEvents> WatchAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);

        return new Results<PollEvents>(
            token => ValueTask.FromResult(Open(token)),
            static item => (PollEvents)item.Result,
            cancellationToken,
            handle is null ? null : handle.DangerousRelease);
    }

    /// <summary>
    /// Tells of other events from now on, also while somebody waits for them; what is there of them is told at once. Linux
    /// 5.13; see man io_uring_prep_poll_update(3).
    /// </summary>
    /// <param name="events">Which.</param>
    /// <param name="cancellationToken">Looked at before anything is changed.</param>
    /// <returns>False when nobody waits now: then the next to wait is told of them.</returns>
    /// <exception cref="ObjectDisposedException">What is polled, or its ring, was disposed of.</exception>
    public ValueTask<bool> ChangeAsync(PollEvents events, CancellationToken cancellationToken = default)
    {
        var wanted = events.Checked();
        ObjectDisposedException.ThrowIf(IsClosed, this);
        cancellationToken.ThrowIfCancellationRequested();
        this.events = wanted;
        var running = stream;
        return running is null ? new(false) : new(PollChange.perform(loop, running, (uint)events));
    }

    private Stream Open(CancellationToken cancellationToken)
    {
        var opened = descriptor is null
            ? Poll.openMany(loop, handle!, (CoreEvents)events, cancellationToken)
            : loop.Open(Poll.manyOn(descriptor, (CoreEvents)events), cancellationToken);
        stream = opened;
        return opened;
    }
}
