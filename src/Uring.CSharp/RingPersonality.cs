// Credentials that a ring remembers, for C#. Wraps Driver/Personality.fs.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

/// <summary>
/// Credentials (user, groups, capabilities) that a ring remembers, so that single operations are done with them:
/// <see cref="OpenAsync(string, FileMode, FileAccess, CancellationToken)"/>. A process that gives up
/// rights can keep a ring that opens files with those it had. Dispose of it when it is needed no more.
/// </summary>
public sealed class RingPersonality : IAsyncDisposable, IDisposable
{
    internal RingPersonality(Driver.Personality core) => Core = core;

    /// <summary>The kernel's number for them, 1 to 65535.</summary>
    public int Number => Core.Number;

    internal Driver.Personality Core { get; }

    /// <summary>
    /// Opens a file with these credentials: they decide whether that is allowed, and whose a new file is. It belongs to the ring
    /// that remembers them, and asks no more whose it is. See man open(2).
    /// </summary>
    /// <param name="path">Relative to the current directory, or absolute.</param>
    /// <param name="mode">As for FileStream.</param>
    /// <param name="access">What will be done with it.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/>, <paramref name="mode"/> or <paramref name="access"/> make
    /// no sense.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">It is a directory, or these credentials may not open it.</exception>
    /// <exception cref="IOException">Another error; HResult is the errno.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask<UringFile> OpenAsync(
        string path,
        FileMode mode = FileMode.Open,
        FileAccess access = FileAccess.Read,
        CancellationToken cancellationToken = default)
    {
        var request = FileRequest.openPath(path, FileOpening.Flags(mode, access), FileOpening.NewFileMode);
        return UringFile.OpenAsync(Core.Loop, Core.Sign(request), path, path, access, cancellationToken);
    }

    /// <summary>
    /// Opens a file with these credentials, as <see cref="OpenAsync(string, FileMode, FileAccess, CancellationToken)"/> does, by
    /// options. See man open(2).
    /// </summary>
    /// <param name="path">Relative to the current directory, or absolute.</param>
    /// <param name="options">How it is opened.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character, or
    /// <paramref name="options"/> make no sense.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">It is a directory, or these credentials may not open it.</exception>
    /// <exception cref="IOException">Another error; HResult is the errno.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask<UringFile> OpenAsync(
        string path,
        FileOpenOptions options,
        CancellationToken cancellationToken = default)
    {
        var flags = FileOpenOptions.Checked(options);
        var request = Core.Sign(FileRequest.openPath(path, flags, options.CreateMode));
        return UringFile.OpenAsync(Core.Loop, request, path, path, options.Allowed, cancellationToken);
    }

    /// <summary>Makes a directory with these credentials, whose it then is. Linux 5.15; see man mkdir(2).</summary>
    /// <param name="path">Its name; the directory that it shall be in has to exist.</param>
    /// <param name="mode">Its permissions, less the process's umask.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it shall be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">These credentials may not make it.</exception>
    /// <exception cref="IOException">The name exists already (EEXIST, 17), or another error; HResult is the errno.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask CreateDirectoryAsync(
        string path,
        UnixFileMode mode = UringFile.NewDirectoryMode,
        CancellationToken cancellationToken = default) =>
        PerformAsync(FileRequest.makeDirectory(path, mode.Checked()), path, cancellationToken);

    /// <summary>Removes the name of a file with these credentials. Linux 5.11; see man unlink(2).</summary>
    /// <param name="path">The name.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">It is a directory, or these credentials may not.</exception>
    /// <exception cref="IOException">Another error; HResult is the errno.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask DeleteAsync(string path, CancellationToken cancellationToken = default) =>
        PerformAsync(FileRequest.unlink(path), path, cancellationToken);

    /// <summary>Removes an empty directory with these credentials. Linux 5.11; see man rmdir(2).</summary>
    /// <param name="path">The directory.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character.</exception>
    /// <exception cref="FileNotFoundException">There is nothing of that name.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">These credentials may not.</exception>
    /// <exception cref="IOException">It is not empty (ENOTEMPTY, 39), no directory (ENOTDIR, 20), or another error; HResult is
    /// the errno.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask RemoveDirectoryAsync(string path, CancellationToken cancellationToken = default) =>
        PerformAsync(FileRequest.removeDirectory(path), path, cancellationToken);

    /// <summary>
    /// Gives a file or a directory another name with these credentials, in one step, by rules. Linux 5.11; see man renameat2(2).
    /// </summary>
    /// <param name="source">What to move.</param>
    /// <param name="destination">Its new name, on the same file system.</param>
    /// <param name="rules">What becomes of what <paramref name="destination"/> names.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException">One of the paths is empty or contains a zero character.</exception>
    /// <exception cref="FileNotFoundException">There is no <paramref name="source"/>.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory of <paramref name="destination"/> is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">These credentials may not.</exception>
    /// <exception cref="IOException">Another error; HResult is the errno.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask MoveAsync(
        string source,
        string destination,
        RenameRules rules = RenameRules.NoReplace,
        CancellationToken cancellationToken = default)
    {
        var request = FileRequest.renameAs((FSharp.RenameRules)rules.Checked(), source, destination);
        return PerformAsync(request, destination, cancellationToken);
    }

    private ValueTask PerformAsync(Driver.Request request, string path, CancellationToken cancellationToken)
    {
        var signed = Core.Sign(request);
        return PathOperation.DiscardAsync(Core.Loop, signed, path, cancellationToken);
    }

    /// <summary>The ring forgets the credentials; operations that have begun keep them. Disposing again does nothing.</summary>
    public ValueTask DisposeAsync() => ((IAsyncDisposable)Core).DisposeAsync();

    /// <summary>Begins what <see cref="DisposeAsync"/> does.</summary>
    public void Dispose() => _ = DisposeAsync();
}
