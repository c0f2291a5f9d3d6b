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

    /// <summary>The ring forgets the credentials; operations that have begun keep them. Disposing again does nothing.</summary>
    public ValueTask DisposeAsync() => ((IAsyncDisposable)Core).DisposeAsync();

    /// <summary>Begins what <see cref="DisposeAsync"/> does.</summary>
    public void Dispose() => _ = DisposeAsync();
}
