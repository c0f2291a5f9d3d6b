// What credentials that a ring remembers may do to names: as the statics of UringFile.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

public sealed partial class RingPersonality
{
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
    /// <exception cref="DirectoryNotFoundException">There is no such directory, or it is a file.</exception>
    /// <exception cref="UnauthorizedAccessException">These credentials may not.</exception>
    /// <exception cref="IOException">It is not empty (ENOTEMPTY, 39), or another error; HResult is the errno.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask RemoveDirectoryAsync(string path, CancellationToken cancellationToken = default) =>
        UringFile.RemoveDirectoryAsync(Core.Loop, Core.Sign(FileRequest.removeDirectory(path)), cancellationToken);

    /// <summary>
    /// Gives a file or a directory another name with these credentials, in one step. Linux 5.11; see man rename(2).
    /// </summary>
    /// <param name="source">What to move.</param>
    /// <param name="destination">Its new name, on the same file system.</param>
    /// <param name="overwrite">Replace what <paramref name="destination"/> names; otherwise that is an error.</param>
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
        bool overwrite = false,
        CancellationToken cancellationToken = default) =>
        MoveAsync(source, destination, overwrite ? RenameRules.None : RenameRules.NoReplace, cancellationToken);

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
        RenameRules rules,
        CancellationToken cancellationToken = default)
    {
        var request = FileRequest.renameAs((FSharp.RenameRules)rules.Checked(), source, destination);
        return PerformAsync(request, destination, cancellationToken);
    }

    /// <summary>
    /// Makes a symbolic link with these credentials, whose it then is. Linux 5.15; see man symlink(2).
    /// </summary>
    /// <param name="path">The link's name; the directory that it shall be in has to exist.</param>
    /// <param name="pathToTarget">Where it leads: stored as it is, whether it names something or not.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException">One of the paths is empty or contains a zero character.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that the link shall be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">These credentials may not, or the file system has no such links.</exception>
    /// <exception cref="IOException">The name exists already (EEXIST, 17), or another error; HResult is the errno.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask CreateSymbolicLinkAsync(
        string path,
        string pathToTarget,
        CancellationToken cancellationToken = default) =>
        PerformAsync(FileRequest.makeSymbolicLink(path, pathToTarget), path, cancellationToken);

    /// <summary>
    /// Gives a file another name with these credentials, as
    /// <see cref="UringFile.CreateHardLinkAsync(string, string, Ring?, CancellationToken)"/> does. Where links are protected
    /// (/proc/sys/fs/protected_hardlinks), they have to be its owner's, or those of somebody who may read and write it. Linux
    /// 5.15; see man link(2).
    /// </summary>
    /// <param name="path">The new name, on the same file system; its directory has to exist.</param>
    /// <param name="pathToTarget">The file. A symbolic link here is not followed.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException">One of the paths is empty or contains a zero character.</exception>
    /// <exception cref="FileNotFoundException"><paramref name="pathToTarget"/> names nothing.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory of <paramref name="path"/> is missing.</exception>
    /// <exception cref="UnauthorizedAccessException"><paramref name="pathToTarget"/> is a directory, or these credentials may
    /// not.</exception>
    /// <exception cref="IOException">The name exists already (EEXIST, 17), is on another file system (EXDEV, 18), or another
    /// error; HResult is the errno.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask CreateHardLinkAsync(
        string path,
        string pathToTarget,
        CancellationToken cancellationToken = default) =>
        PerformAsync(FileRequest.makeHardLink(path, pathToTarget), path, cancellationToken);

    private ValueTask PerformAsync(Driver.Request request, string path, CancellationToken cancellationToken)
    {
        var signed = Core.Sign(request);
        return PathOperation.DiscardAsync(Core.Loop, signed, path, cancellationToken);
    }
}
