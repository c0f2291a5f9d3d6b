// An open directory: where paths start that must not lead astray.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;

namespace Uring;

/// <summary>
/// An open directory, to open files from. It stays the same directory when it is moved or its name is given to another.
/// Operations may be started from any thread.
/// </summary>
public sealed partial class UringDirectory : IAsyncDisposable, IDisposable
{
    private const UnixFileMode NoMode = UnixFileMode.None;
    private readonly Loop loop;
    private readonly FileDescriptor descriptor;

    private UringDirectory(Loop loop, FileDescriptor descriptor, string path)
    {
        this.loop = loop;
        this.descriptor = descriptor;
        descriptor.Name = path;
        Path = path;
    }

    /// <summary>The path that it was opened by, as it was given.</summary>
    public string Path { get; }

    /// <summary>It was disposed of: nothing can be opened from it any more.</summary>
    public bool IsClosed => descriptor.IsClosed;

    /// <summary>Opens a directory. See man open(2), O_DIRECTORY.</summary>
    /// <param name="path">Relative to the current directory, or absolute.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such directory, or it is a file.</exception>
    /// <exception cref="UnauthorizedAccessException">Permissions forbid it.</exception>
    /// <exception cref="IOException">Another error; HResult is the errno.</exception>
    public static ValueTask<UringDirectory> OpenAsync(
        string path,
        Ring? ring = null,
        CancellationToken cancellationToken = default) =>
        OpenAsync(Ring.LoopFor(ring), Opening(path), path, cancellationToken);

    internal static Request Opening(string path) =>
        FileRequest.openPath(path, OpenFlags.Read | OpenFlags.Directory, NoMode);

    internal static async ValueTask<UringDirectory> OpenAsync(
        Loop loop,
        Request request,
        string path,
        CancellationToken cancellationToken)
    {
        try
        {
            var number = await loop.Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
            return new UringDirectory(loop, loop.Own(number), path);
        }
        catch (FileNotFoundException reason)
        {
            throw new DirectoryNotFoundException(reason.Message, reason);
        }
    }

    /// <summary>Opens a file from here. Linux 5.6; see man openat2(2), and <see cref="FileStream"/> for modes and access.</summary>
    /// <param name="path">Relative to this directory, or absolute.</param>
    /// <param name="mode">
    /// <see cref="FileMode.Append"/> writes at the end of the file, whatever offset a write names.
    /// </param>
    /// <param name="access">What will be done with it. Append needs Write; Create, CreateNew and Truncate need a Write.</param>
    /// <param name="rules">What the path may lead through.</param>
    /// <param name="cancellationToken">Asks for the end of a slow open; a file that was open by then is given to you.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character,
    /// <paramref name="mode"/> and <paramref name="access"/> do not go together, or <paramref name="rules"/> are Beneath
    /// and InRoot at once.</exception>
    /// <exception cref="FileNotFoundException">There is no such file, or a directory on the way is missing.</exception>
    /// <exception cref="DirectoryNotFoundException">A file is where a directory should be.</exception>
    /// <exception cref="UnauthorizedAccessException">It is a directory, or permissions forbid it.</exception>
    /// <exception cref="ObjectDisposedException">The directory or its ring was disposed of.</exception>
    /// <exception cref="IOException">It exists already (CreateNew), the path leads out of the directory or to another file
    /// system (EXDEV, 18), or through a link (ELOOP, 40) against the rules, or another error; HResult is the errno.</exception>
    public ValueTask<UringFile> OpenFileAsync(
        string path,
        FileMode mode = FileMode.Open,
        FileAccess access = FileAccess.Read,
        PathRules rules = PathRules.None,
        CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, this);
        var flags = FileOpening.Flags(mode, access);
        var request = FileRequest.openFrom(descriptor, (FSharp.PathRules)rules.Checked(), path, flags, FileOpening.NewFileMode);
        return UringFile.OpenAsync(loop, request, path, "", access, cancellationToken);
    }

    /// <summary>Opens a file from here by options. Linux 5.6; see man openat2(2).</summary>
    /// <param name="path">Relative to this directory, or absolute.</param>
    /// <param name="options">How it is opened.</param>
    /// <param name="rules">What the path may lead through.</param>
    /// <param name="cancellationToken">Asks for the end of a slow open; a file that was open by then is given to you.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character, or
    /// <paramref name="options"/> or <paramref name="rules"/> make no sense.</exception>
    /// <exception cref="FileNotFoundException">There is no such file, or a directory on the way is missing.</exception>
    /// <exception cref="DirectoryNotFoundException">A file is where a directory should be.</exception>
    /// <exception cref="UnauthorizedAccessException">It is a directory, or permissions forbid it.</exception>
    /// <exception cref="PlatformNotSupportedException"><see cref="PathRules.Cached"/>, and the kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">The directory or its ring was disposed of.</exception>
    /// <exception cref="IOException">It exists already (CreateNew), the path leads where the rules forbid (EXDEV, 18; ELOOP, 40),
    /// what is in memory is not enough (EAGAIN, 11), or another error; HResult is the errno.</exception>
    public ValueTask<UringFile> OpenFileAsync(
        string path,
        FileOpenOptions options,
        PathRules rules = PathRules.None,
        CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, this);
        var flags = FileOpenOptions.Checked(options);
        var request = FileRequest.openFrom(descriptor, (FSharp.PathRules)rules.Checked(), path, flags, options.CreateMode);
        return UringFile.OpenAsync(loop, request, path, "", options.Allowed, cancellationToken);
    }

    /// <summary>
    /// Opens a file from here into a free slot of the ring's own table (<see cref="RingOptions.DirectDescriptors"/>). A directory
    /// is opened, too. Linux 5.19; see man io_uring_prep_openat2_direct(3).
    /// </summary>
    /// <param name="path">Relative to this directory, or absolute.</param>
    /// <param name="options">How it is opened.</param>
    /// <param name="rules">What the path may lead through.</param>
    /// <param name="cancellationToken">Asks for the end of a slow open; a file that was open by then is given to you.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character, or
    /// <paramref name="options"/> or <paramref name="rules"/> make no sense.</exception>
    /// <exception cref="FileNotFoundException">There is no such file, or a directory on the way is missing.</exception>
    /// <exception cref="DirectoryNotFoundException">A file is where a directory should be.</exception>
    /// <exception cref="UnauthorizedAccessException">Permissions forbid it.</exception>
    /// <exception cref="PlatformNotSupportedException"><see cref="PathRules.Cached"/>, and the kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">The directory or its ring was disposed of.</exception>
    /// <exception cref="IOException">It exists already (CreateNew), no slot is free (ENFILE, 23), the path leads where the rules
    /// forbid (EXDEV, 18; ELOOP, 40), or another error; HResult is the errno.</exception>
    public ValueTask<UringFile> OpenFileDirectAsync(
        string path,
        FileOpenOptions options,
        PathRules rules = PathRules.None,
        CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, this);
        var flags = FileOpenOptions.Checked(options);
        var core = (FSharp.PathRules)rules.Checked();
        var request = FileRequest.openFromDirect(descriptor, core, path, flags, options.CreateMode);
        return UringFile.OpenDirectAsync(loop, request, path, "", options.Allowed, cancellationToken);
    }

    /// <summary>
    /// Cancels what is being opened from here (it ends with an <see cref="OperationCanceledException"/>), waits for its
    /// end, and closes. Disposing again does nothing.
    /// </summary>
    public ValueTask DisposeAsync() => Ending.Closing(loop.CloseDescriptor(descriptor));

    /// <summary>Begins what <see cref="DisposeAsync"/> does and returns at once; the ring finishes it.</summary>
    public void Dispose() => _ = loop.CloseDescriptor(descriptor);
}
