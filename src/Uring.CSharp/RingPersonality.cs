// Credentials that a ring remembers, for C#, and what is opened with them. Wraps Driver/Personality.fs.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

/// <summary>
/// Credentials (user, groups, capabilities) that a ring remembers, so that single operations are done with them: all whose
/// permission is asked for, as the statics of <see cref="UringFile"/> and <see cref="UringSocket"/>. A process that gives up
/// rights can keep a ring that opens files with those it had. Dispose of it when it is needed no more.
/// </summary>
public sealed partial class RingPersonality : IAsyncDisposable, IDisposable
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

    /// <summary>
    /// Opens a file into a free slot of the ring's own table (<see cref="RingOptions.DirectDescriptors"/>) with these credentials:
    /// as <see cref="UringFile.OpenDirectAsync(string, FileMode, FileAccess, Ring?, CancellationToken)"/>. Linux 5.19; see
    /// man io_uring_prep_openat_direct(3).
    /// </summary>
    /// <param name="path">Relative to the current directory, or absolute.</param>
    /// <param name="mode">As for FileStream.</param>
    /// <param name="access">What will be done with it.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/>, <paramref name="mode"/> or <paramref name="access"/> make
    /// no sense.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">These credentials may not open it.</exception>
    /// <exception cref="IOException">No slot is free (ENFILE, 23), or another error; HResult is the errno.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask<UringFile> OpenDirectAsync(
        string path,
        FileMode mode = FileMode.Open,
        FileAccess access = FileAccess.Read,
        CancellationToken cancellationToken = default)
    {
        var request = FileRequest.openPathDirect(path, FileOpening.Flags(mode, access), FileOpening.NewFileMode);
        return UringFile.OpenDirectAsync(Core.Loop, Core.Sign(request), path, path, access, cancellationToken);
    }

    /// <summary>
    /// Opens a file into a free slot of the ring's own table with these credentials, by options. Linux 5.19; see
    /// man io_uring_prep_openat_direct(3).
    /// </summary>
    /// <param name="path">Relative to the current directory, or absolute.</param>
    /// <param name="options">How it is opened.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character, or
    /// <paramref name="options"/> make no sense.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">These credentials may not open it.</exception>
    /// <exception cref="IOException">No slot is free (ENFILE, 23), or another error; HResult is the errno.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask<UringFile> OpenDirectAsync(
        string path,
        FileOpenOptions options,
        CancellationToken cancellationToken = default)
    {
        var flags = FileOpenOptions.Checked(options);
        var request = Core.Sign(FileRequest.openPathDirect(path, flags, options.CreateMode));
        return UringFile.OpenDirectAsync(Core.Loop, request, path, path, options.Allowed, cancellationToken);
    }

    /// <summary>
    /// Makes a file without a name with these credentials, whose it then is. See man open(2), O_TMPFILE.
    /// </summary>
    /// <param name="directory">It is on the file system of this directory.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="directory"/> is empty or contains a zero character.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such directory.</exception>
    /// <exception cref="UnauthorizedAccessException">These credentials may not.</exception>
    /// <exception cref="NotSupportedException">The file system has no such files.</exception>
    /// <exception cref="IOException">Another error; HResult is the errno.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask<UringFile> CreateTemporaryAsync(string directory, CancellationToken cancellationToken = default)
    {
        var request = Core.Sign(UringFile.Temporary(directory));
        return UringFile.CreateTemporaryAsync(Core.Loop, request, directory, cancellationToken);
    }

    /// <summary>
    /// Opens a directory with these credentials; what is then done in it is done with the ring's own. See man open(2),
    /// O_DIRECTORY.
    /// </summary>
    /// <param name="path">Relative to the current directory, or absolute.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such directory, or it is a file.</exception>
    /// <exception cref="UnauthorizedAccessException">These credentials may not open it.</exception>
    /// <exception cref="IOException">Another error; HResult is the errno.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask<UringDirectory> OpenDirectoryAsync(string path, CancellationToken cancellationToken = default) =>
        UringDirectory.OpenAsync(Core.Loop, Core.Sign(UringDirectory.Opening(path)), path, cancellationToken);

    /// <summary>The ring forgets the credentials; operations that have begun keep them. Disposing again does nothing.</summary>
    public ValueTask DisposeAsync() => ((IAsyncDisposable)Core).DisposeAsync();

    /// <summary>Begins what <see cref="DisposeAsync"/> does.</summary>
    public void Dispose() => _ = DisposeAsync();
}
