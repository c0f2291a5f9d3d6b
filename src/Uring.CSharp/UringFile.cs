// An open file: opening, what it is, closing. Reading and writing: UringFile.Contents.cs; paths: UringFile.Paths.cs.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;

namespace Uring;

/// <summary>
/// An open file whose operations go through io_uring. It has no position: every read and write says where. Operations may
/// be started from any thread and run side by side. A buffer belongs to the kernel until its task has ended, cancelled
/// or not.
/// </summary>
/// <remarks>
/// Pipes, terminals and other things without positions can be opened as well; they ignore offsets. Opening a named pipe
/// with <see cref="FileMode.Open"/> does not wait for its other end: the first read does, and opening it to write fails
/// with ENXIO (6) until somebody reads. Nothing is buffered and nothing is locked: unlike FileStream there is no
/// FileShare.
/// </remarks>
public sealed partial class UringFile : IAsyncDisposable, IDisposable
{
    private readonly Loop loop;
    private readonly FileDescriptor descriptor;
    private readonly FileAccess access;

    private readonly bool isNamed;

    // Named: it was opened by a path, and may be anything.
    internal UringFile(Loop loop, FileDescriptor descriptor, string path, FileAccess access, bool isNamed = true)
    {
        this.isNamed = isNamed;
        this.loop = loop;
        this.descriptor = descriptor;
        this.access = access;
        descriptor.Name = path;
        Path = path;
    }

    /// <summary>The path that it was opened by, as it was given.</summary>
    public string Path { get; }

    internal FileDescriptor Descriptor => descriptor;

    internal Loop Loop => loop;

    /// <summary>
    /// What is started on it begins on one of the kernel's worker threads, which costs some microseconds. For file systems that
    /// are programs (FUSE: sshfs and its like): there the kernel reads where the read is submitted, and an answer that takes
    /// its time holds up the ring's thread and all that waits on it (Linux 6.18). See man io_uring_enter(2), IOSQE_ASYNC.
    /// </summary>
    /// <exception cref="ObjectDisposedException">Set after the file was disposed of.</exception>
    public bool BeginsOnWorker
    {
        get => descriptor.BeginsOnWorker;
        set
        {
            ThrowIfClosed();
            descriptor.BeginsOnWorker = value;
        }
    }

    /// <summary>It was disposed of: nothing can be started on it any more.</summary>
    public bool IsClosed => descriptor.IsClosed;

    /// <summary>
    /// Opens a file. See man open(2), and <see cref="FileStream"/> for modes and access.
    /// </summary>
    /// <param name="path">Relative to the current directory, or absolute.</param>
    /// <param name="mode">
    /// <see cref="FileMode.Append"/> writes at the end of the file, whatever offset a write names.
    /// </param>
    /// <param name="access">What will be done with it. Append needs Write; Create, CreateNew and Truncate need a Write.</param>
    /// <param name="ring">
    /// Where its operations go; without one, to the ring on whose thread this runs, else to <see cref="Ring.Default"/>.
    /// </param>
    /// <param name="cancellationToken">Asks for the end of a slow open; a file that was open by then is given to you.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character, or
    /// <paramref name="mode"/> and <paramref name="access"/> do not go together.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">It is a directory, or permissions forbid it.</exception>
    /// <exception cref="IOException">It exists already (CreateNew), or another error; HResult is the errno.</exception>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public static ValueTask<UringFile> OpenAsync(
        string path,
        FileMode mode = FileMode.Open,
        FileAccess access = FileAccess.Read,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        var request = FileRequest.openPath(path, FileOpening.Flags(mode, access), FileOpening.NewFileMode);
        return OpenAsync(Ring.LoopFor(ring), request, path, path, access, cancellationToken);
    }

    /// <summary>
    /// Opens a file by options: past the page cache, synchronously, without following links, and the like. See man open(2).
    /// </summary>
    /// <param name="path">Relative to the current directory, or absolute.</param>
    /// <param name="options">How it is opened.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Asks for the end of a slow open; a file that was open by then is given to you.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character,
    /// <paramref name="options"/> make no sense, or the file system has no direct I/O.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">It is a directory, or permissions forbid it.</exception>
    /// <exception cref="IOException">It exists already (CreateNew), is a symbolic link (NoFollow; ELOOP, 40), or another error;
    /// HResult is the errno.</exception>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public static ValueTask<UringFile> OpenAsync(
        string path,
        FileOpenOptions options,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        var flags = FileOpenOptions.Checked(options);
        var request = FileRequest.openPath(path, flags, options.CreateMode);
        return OpenAsync(Ring.LoopFor(ring), request, path, path, options.Allowed, cancellationToken);
    }

    /// <summary>
    /// Makes a file without a name: nobody else can open it, and it goes when it is closed. See man open(2), O_TMPFILE.
    /// </summary>
    /// <param name="directory">It is on the file system of this directory.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="directory"/> is empty or contains a zero character.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such directory.</exception>
    /// <exception cref="UnauthorizedAccessException">Permissions forbid it.</exception>
    /// <exception cref="NotSupportedException">The file system has no such files.</exception>
    /// <exception cref="IOException">Another error; HResult is the errno.</exception>
    public static ValueTask<UringFile> CreateTemporaryAsync(
        string directory,
        Ring? ring = null,
        CancellationToken cancellationToken = default) =>
        CreateTemporaryAsync(Ring.LoopFor(ring), Temporary(directory), directory, cancellationToken);

    internal static Request Temporary(string directory) =>
        FileRequest.openTemporary(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite);

    internal static ValueTask<UringFile> CreateTemporaryAsync(
        Loop loop,
        Request request,
        string directory,
        CancellationToken cancellationToken)
    {
        // What is missing is a directory: it is looked for below its own name.
        var missing = System.IO.Path.Join(directory, "x");
        return OpenAsync(loop, request, directory, missing, FileAccess.ReadWrite, cancellationToken);
    }

    /// <summary>When the kernel finds nothing, the directory of <paramref name="missing"/> is looked for.</summary>
    internal static async ValueTask<UringFile> OpenAsync(
        Loop loop,
        Request request,
        string path,
        string missing,
        FileAccess access,
        CancellationToken cancellationToken)
    {
        var number = await PathOperation.PerformAsync(loop, request, missing, cancellationToken).ConfigureAwait(Ending.OnLoop);
        var file = new UringFile(loop, loop.Own(number), path, access);

        // For writing the kernel refuses a directory by itself.
        if (access == FileAccess.Read && await file.IsDirectoryAsync().ConfigureAwait(Ending.OnLoop))
        {
            file.Dispose();
            throw new UnauthorizedAccessException($"'{path}' is a directory, not a file.");
        }

        return file;
    }

    private async ValueTask<bool> IsDirectoryAsync()
    {
        try
        {
            return (await GetStatusAsync().ConfigureAwait(Ending.OnLoop)).Kind == FileKind.Directory;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>
    /// What the file system knows of it. A direct file gets a descriptor of the process for it, and gives it back (Linux 6.8).
    /// See man statx(2).
    /// </summary>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="PlatformNotSupportedException">It is direct, and the kernel is older than 6.8.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    public ValueTask<FileStatus> GetStatusAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();

        return IsDirect
            ? InstalledStatusAsync(cancellationToken)
            : StatusAsync(loop, FileRequest.statusOf(descriptor), cancellationToken);
    }

    private async ValueTask<FileStatus> InstalledStatusAsync(CancellationToken cancellationToken)
    {
        var installed = await InstallAsync(cancellationToken).ConfigureAwait(Ending.OnLoop);

        try
        {
            return await installed.GetStatusAsync(cancellationToken).ConfigureAwait(Ending.OnLoop);
        }
        finally
        {
            await installed.DisposeAsync().ConfigureAwait(Ending.OnLoop);
        }
    }

    /// <summary>Some of what the file system knows of it. See man statx(2).</summary>
    /// <param name="fields">What is wanted; <see cref="FileStatus.Filled"/> says what has come.</param>
    /// <param name="sync">Whether a file system that lives elsewhere is asked.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="NotSupportedException">It is a direct file.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    public ValueTask<FileStatus> GetStatusAsync(
        StatusFields fields,
        StatusSync sync = StatusSync.AsUsual,
        CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        var request = FileRequest.statusOfAs((FSharp.StatusFields)fields.Checked(), (FSharp.StatusSync)sync.Checked(), descriptor);
        return StatusAsync(loop, request, cancellationToken);
    }

    /// <summary>Its length in bytes; 0 for what has none, such as a pipe or a disk. See man statx(2).</summary>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    public async ValueTask<long> GetLengthAsync(CancellationToken cancellationToken = default) =>
        (await GetStatusAsync(cancellationToken).ConfigureAwait(Ending.OnLoop)).Length;

    /// <summary>
    /// Asks for the end of all that is in flight on the file or waits to go on, whoever started it. They end with an
    /// <see cref="OperationCanceledException"/>, or with what they have done by then. The file stays open. See
    /// man io_uring_prep_cancel(3).
    /// </summary>
    /// <param name="cancellationToken">Looked at before anything is asked.</param>
    /// <returns>How many operations were asked to end.</returns>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    public ValueTask<int> CancelAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        cancellationToken.ThrowIfCancellationRequested();
        return Cancel.on(descriptor);
    }

    /// <summary>
    /// As <see cref="CancelAsync"/>, and the kernel waits until each has ended: see
    /// <see cref="Ring.CancelAllNowAsync(TimeSpan, CancellationToken)"/>. Linux 6.0; see
    /// man io_uring_register_sync_cancel(3).
    /// </summary>
    /// <param name="limit">How long the kernel waits for one operation, and with it the ring's thread.</param>
    /// <param name="cancellationToken">Looked at before anything is asked.</param>
    /// <returns>How many were asked to end, and how many of them run on.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="limit"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    public ValueTask<CancelResult> CancelNowAsync(TimeSpan limit, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, TimeSpan.Zero);
        cancellationToken.ThrowIfCancellationRequested();
        return CancelResult.OfAsync(Cancel.onNow(descriptor, limit));
    }

    /// <summary>
    /// Cancels what is in flight on the file (it ends with an <see cref="OperationCanceledException"/>), waits for its
    /// end, and closes. Disposing again does nothing. Raises what man close(2) reports.
    /// </summary>
    public ValueTask DisposeAsync() => Ending.Closing(loop.CloseDescriptor(descriptor));

    /// <summary>Begins what <see cref="DisposeAsync"/> does and returns at once; the ring finishes it.</summary>
    public void Dispose() => _ = loop.CloseDescriptor(descriptor);

    private void ThrowIfClosed() => ObjectDisposedException.ThrowIf(descriptor.IsClosed, this);

    /// <summary>The kernel would say EBADF, as of a closed descriptor.</summary>
    internal void ThrowUnlessOpenTo(FileAccess needed)
    {
        ThrowIfClosed();

        if (access == 0)
        {
            throw new NotSupportedException($"'{Path}' was opened as a name alone (FileOpenFlags.PathOnly).");
        }

        if ((access & needed) == 0)
        {
            throw new NotSupportedException(
                $"'{Path}' was opened with FileAccess.{access}, and this needs FileAccess.{needed}.");
        }
    }
}
