// An epoll of somebody else's by way of the ring: wraps Api/Epoll.fs.
using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;
using CoreEvents = Uring.Model.PollEvents;

namespace Uring;

/// <summary>
/// Waits with an epoll that another library has made: a bridge for programs that have an epoll loop. What is opened by this
/// library needs none. See man epoll(7).
/// </summary>
public sealed class UringEpoll
{
    private readonly SafeHandle epoll;
    private readonly Ring? ring;

    /// <summary>Uses an epoll, which stays its owner's.</summary>
    /// <param name="epoll">A descriptor of epoll_create1(2). It is not closed while an operation on it is in flight.</param>
    /// <param name="ring">
    /// Where its operations go; without one, to the ring on whose thread they start, else to <see cref="Ring.Default"/>.
    /// </param>
    public UringEpoll(SafeHandle epoll, Ring? ring = null)
    {
        ArgumentNullException.ThrowIfNull(epoll);
        this.epoll = epoll;
        this.ring = ring;
    }

    /// <summary>Tells of events on a descriptor from now on. See man epoll_ctl(2), EPOLL_CTL_ADD.</summary>
    /// <param name="target">The descriptor.</param>
    /// <param name="events">Of what; errors and hang-ups are told of whether asked for or not.</param>
    /// <param name="modes">How.</param>
    /// <param name="data">Comes with each event.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="IOException">It is there already (EEXIST), or another error; HResult is the errno.</exception>
    /// <exception cref="UnauthorizedAccessException">It is nothing to wait for, such as a file (EPERM).</exception>
    /// <exception cref="ObjectDisposedException">A handle or the ring was disposed of.</exception>
    public ValueTask AddAsync(
        SafeHandle target,
        PollEvents events,
        EpollModes modes = EpollModes.None,
        ulong data = 0,
        CancellationToken cancellationToken = default) =>
        ControlAsync(Epoll.adding, target, events, modes, data, cancellationToken);

    /// <summary>
    /// Tells of other events on a descriptor, or in another way. What was told once is told again. See man epoll_ctl(2),
    /// EPOLL_CTL_MOD.
    /// </summary>
    /// <param name="target">The descriptor.</param>
    /// <param name="events">Of what; errors and hang-ups are told of whether asked for or not.</param>
    /// <param name="modes">How.</param>
    /// <param name="data">Comes with each event.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="FileNotFoundException">It was not added (ENOENT).</exception>
    /// <exception cref="ObjectDisposedException">A handle or the ring was disposed of.</exception>
    public ValueTask ChangeAsync(
        SafeHandle target,
        PollEvents events,
        EpollModes modes = EpollModes.None,
        ulong data = 0,
        CancellationToken cancellationToken = default) =>
        ControlAsync(Epoll.changing, target, events, modes, data, cancellationToken);

    /// <summary>Tells of a descriptor no more. See man epoll_ctl(2), EPOLL_CTL_DEL.</summary>
    /// <param name="target">The descriptor.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="FileNotFoundException">It was not added (ENOENT).</exception>
    /// <exception cref="ObjectDisposedException">A handle or the ring was disposed of.</exception>
    public ValueTask RemoveAsync(SafeHandle target, CancellationToken cancellationToken = default) =>
        ControlAsync(Epoll.removing, target, PollEvents.None, EpollModes.None, 0, cancellationToken);

    /// <summary>
    /// Waits until there is something to tell. Needs Linux 6.15. See man io_uring_prep_epoll_wait(3).
    /// </summary>
    /// <param name="maxEvents">How many events it tells of at most.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>At least one event.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxEvents"/> is not positive, or above
    /// 178956970.</exception>
    /// <exception cref="ArgumentException">The descriptor is no epoll.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than 6.15.</exception>
    /// <exception cref="ObjectDisposedException">The handle or the ring was disposed of.</exception>
    public async ValueTask<EpollEvent[]> WaitAsync(int maxEvents = 64, CancellationToken cancellationToken = default)
    {
        var room = Epoll.room(maxEvents);
        var descriptor = Poll.hold(epoll);

        try
        {
            var request = Epoll.waiting(descriptor, room);
            var count = await Ring.LoopFor(ring).Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);

            return Array.ConvertAll(
                Epoll.read(room, count),
                static found => new EpollEvent { Events = (PollEvents)found.Events, Data = found.Data });
        }
        finally
        {
            epoll.DangerousRelease();
        }
    }

    private async ValueTask ControlAsync(
        uint operation,
        SafeHandle target,
        PollEvents events,
        EpollModes modes,
        ulong data,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(target);
        var onto = Poll.hold(epoll);

        try
        {
            var descriptor = Poll.hold(target);

            try
            {
                var request = Epoll.control(operation, onto, descriptor, (CoreEvents)events.Checked(), (EpollMode)modes.Checked(), data);
                _ = await Ring.LoopFor(ring).Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
            }
            finally
            {
                target.DangerousRelease();
            }
        }
        finally
        {
            epoll.DangerousRelease();
        }
    }
}
