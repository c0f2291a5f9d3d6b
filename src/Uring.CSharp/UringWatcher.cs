// Watches files and directories: wraps Api/Watch.fs.
using System;
using System.Collections.Generic;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;
using CoreEvents = Uring.Model.WatchEvents;

namespace Uring;

/// <summary>
/// Watches files and directories, and tells what happens to them as an async stream. See man inotify(7).
/// </summary>
/// <remarks>
/// A recursive watch is one watch of the kernel for each directory. Directories that are made in it or moved into it are
/// watched too, and what was made in them before that is told as created; a directory that is moved within it is told of
/// under its new path from then on, one that is moved out no more. Symbolic links are not followed; a directory that may
/// not be read is left out. When more happens than the kernel keeps (the sysctl fs.inotify.max_queued_events), or so fast
/// that it cannot be put in order, <see cref="WatchEvents.Overflow"/> is told: look for yourself then. Names that are not
/// UTF-8 are told with replacement characters, and directories with such names are not watched.
/// </remarks>
public sealed class UringWatcher : IAsyncEnumerable<FileEvent>, IAsyncDisposable, IDisposable
{
    private readonly Watcher watcher;

    private UringWatcher(Watcher watcher) => this.watcher = watcher;

    /// <summary>Makes a watcher, which watches nothing yet. See man inotify_init1(2).</summary>
    /// <param name="ring">
    /// What reads its events; without one, the ring on whose thread this runs, else <see cref="Ring.Default"/>.
    /// </param>
    /// <param name="cancellationToken">Is looked at before it begins.</param>
    /// <exception cref="IOException">
    /// The user has too many watchers (EMFILE, 24; the sysctl fs.inotify.max_user_instances), or another error; HResult is
    /// the errno.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public static ValueTask<UringWatcher> CreateAsync(Ring? ring = null, CancellationToken cancellationToken = default)
    {
        var loop = Ring.LoopFor(ring);
        ObjectDisposedException.ThrowIf(loop.IsStopping, typeof(Ring));

        return cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<UringWatcher>(cancellationToken)
            : ValueTask.FromResult(new UringWatcher(Watcher.Create(loop)));
    }

    /// <summary>Watches a file or a directory from now on. See man inotify_add_watch(2).</summary>
    /// <param name="path">
    /// Relative to the current directory, or absolute. The watch stays with the file when its path is given to another.
    /// </param>
    /// <param name="interests">What to tell.</param>
    /// <param name="recursive">With all directories below it, and those that come to be there.</param>
    /// <param name="cancellationToken">Is looked at before it begins.</param>
    /// <returns>What its events have as their <see cref="FileEvent.Watch"/>.</returns>
    /// <exception cref="ArgumentException">
    /// <paramref name="path"/> is empty or contains a zero character; or <paramref name="interests"/> is empty, or has what
    /// is told unasked.
    /// </exception>
    /// <exception cref="FileNotFoundException">There is nothing of this name.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    /// <exception cref="IOException">
    /// The user has no watches left (ENOSPC, 28; the sysctl fs.inotify.max_user_watches), this watcher watches it already
    /// (EEXIST, 17), or another error; HResult is the errno.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The watcher was disposed of.</exception>
    public async ValueTask<FileWatch> WatchAsync(
        string path,
        WatchEvents interests = WatchEvents.All,
        bool recursive = false,
        CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        var asked = (CoreEvents)interests.Checked();
        Watch.check(path, asked);
        cancellationToken.ThrowIfCancellationRequested();

        // Walking a tree waits for the disk.
        return new FileWatch(
            recursive
                ? await Task.Run(() => watcher.Watches.Add(path, asked, true), CancellationToken.None).ConfigureAwait(Ending.OnLoop)
                : watcher.Watches.Add(path, asked, false));
    }

    /// <summary>Ends a watch. What it has told is told still. See man inotify_rm_watch(2).</summary>
    /// <param name="watch">Which.</param>
    /// <param name="cancellationToken">Is looked at before it begins.</param>
    /// <returns>False when it was ended before.</returns>
    /// <exception cref="ObjectDisposedException">The watcher was disposed of.</exception>
    public ValueTask<bool> RemoveAsync(FileWatch watch, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        return cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<bool>(cancellationToken)
            : ValueTask.FromResult(watcher.Watches.Remove(watch.Id));
    }

    /// <summary>
    /// Waits for the next event. For one at a time; what happens while nobody waits is kept. When it was cancelled, the next
    /// call goes on without a gap.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="InvalidOperationException">Somebody waits already.</exception>
    /// <exception cref="IOException">
    /// A new directory could not be watched: the user has no watches left (ENOSPC, 28). The others are watched still.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The watcher or its ring was disposed of.</exception>
    public async ValueTask<FileEvent> NextAsync(CancellationToken cancellationToken = default)
    {
        var news = await watcher.Next(cancellationToken).ConfigureAwait(Ending.OnLoop);

        return new FileEvent
        {
            Watch = new FileWatch(news.Root),
            Events = (WatchEvents)news.Events,
            Path = news.Path,
            OldPath = news.OldPath,
            Cookie = news.Cookie,
            IsDirectory = news.IsDirectory,
        };
    }

    /// <summary>All events, one after another, until cancelled. Each is told once.</summary>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <exception cref="ObjectDisposedException">The watcher was disposed of.</exception>
    public IAsyncEnumerator<FileEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        return EventsAsync(cancellationToken);
    }

    /// <summary>Ends all watches, and cancels who waits. Disposing again does nothing.</summary>
    public ValueTask DisposeAsync() => Ending.Closing(watcher.Close());

    /// <summary>Begins what <see cref="DisposeAsync"/> does and returns at once; the ring finishes it.</summary>
    public void Dispose() => _ = watcher.Close();

    private async IAsyncEnumerator<FileEvent> EventsAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            yield return await NextAsync(cancellationToken).ConfigureAwait(Ending.OnLoop);
        }
    }

    private void ThrowIfClosed() => ObjectDisposedException.ThrowIf(watcher.IsClosed, this);
}
