// Operations on what paths name. Each says what its system call says: unlike System.IO.File, deleting what is not there
// is an error, and a directory is made or removed alone.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringFile
{
    internal const UnixFileMode NewDirectoryMode = (UnixFileMode)0b111_111_111;

    /// <summary>What the file system knows of what a path names. See man statx(2).</summary>
    /// <param name="path">A file, a directory, or anything else.</param>
    /// <param name="followLinks">Look at a symbolic link's target rather than at the link.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="FileNotFoundException">The path names nothing.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">A directory on the way may not be searched.</exception>
    public static ValueTask<FileStatus> StatusAsync(
        string path,
        bool followLinks = true,
        Ring? ring = null,
        CancellationToken cancellationToken = default) =>
        StatusAsync(Ring.LoopFor(ring), FileRequest.status(path, followLinks), cancellationToken, path);

    /// <summary>Some of what the file system knows of what a path names. See man statx(2).</summary>
    /// <param name="path">A file, a directory, or anything else.</param>
    /// <param name="fields">What is wanted; <see cref="FileStatus.Filled"/> says what has come.</param>
    /// <param name="sync">Whether a file system that lives elsewhere is asked.</param>
    /// <param name="followLinks">Look at a symbolic link's target rather than at the link.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="FileNotFoundException">The path names nothing.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">A directory on the way may not be searched.</exception>
    public static ValueTask<FileStatus> StatusAsync(
        string path,
        StatusFields fields,
        StatusSync sync = StatusSync.AsUsual,
        bool followLinks = true,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        var wanted = (FSharp.StatusFields)fields.Checked();
        var request = FileRequest.statusAs(wanted, (FSharp.StatusSync)sync.Checked(), path, followLinks);
        return StatusAsync(Ring.LoopFor(ring), request, cancellationToken, path);
    }

    internal static async ValueTask<FileStatus> StatusAsync(
        Loop loop,
        Request request,
        CancellationToken cancellationToken,
        string path = "")
    {
        await PathOperation.PerformAsync(loop, request, path, cancellationToken).ConfigureAwait(Ending.OnLoop);
        return FileStatus.Of(request.Buffer.Span);
    }

    /// <summary>Removes a file's name, and the file with its last name. See man unlink(2).</summary>
    /// <param name="path">A file or a symbolic link.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="FileNotFoundException">The path names nothing.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">It is a directory, or permissions forbid it.</exception>
    public static ValueTask DeleteAsync(
        string path,
        Ring? ring = null,
        CancellationToken cancellationToken = default) =>
        PathOperation.DiscardAsync(Ring.LoopFor(ring), FileRequest.unlink(path), path, cancellationToken);

    /// <summary>Gives a file or a directory another name, in one step. See man rename(2).</summary>
    /// <param name="source">What to move.</param>
    /// <param name="destination">Its new name, on the same file system.</param>
    /// <param name="overwrite">Replace what <paramref name="destination"/> names; otherwise that is an error.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="FileNotFoundException"><paramref name="source"/> names nothing.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory of <paramref name="destination"/> is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">Permissions forbid it, or a file would replace a directory.</exception>
    /// <exception cref="IOException">The destination exists (EEXIST, 17), is not empty (ENOTEMPTY, 39), or is on another
    /// file system (EXDEV, 18); HResult is the errno.</exception>
    public static ValueTask MoveAsync(
        string source,
        string destination,
        bool overwrite = false,
        Ring? ring = null,
        CancellationToken cancellationToken = default) =>
        MoveAsync(source, destination, overwrite ? RenameRules.None : RenameRules.NoReplace, ring, cancellationToken);

    /// <summary>
    /// Gives a file or a directory another name in one step, by rules: two can exchange their names. See man renameat2(2).
    /// </summary>
    /// <param name="source">What to move.</param>
    /// <param name="destination">Its new name, on the same file system.</param>
    /// <param name="rules">What becomes of what <paramref name="destination"/> names.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException">The rules do not go together, or the file system lacks one.</exception>
    /// <exception cref="FileNotFoundException"><paramref name="source"/> names nothing; for an exchange, one of the
    /// two.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory of <paramref name="destination"/> is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">Permissions forbid it, or a file would replace a directory.</exception>
    /// <exception cref="IOException">The destination exists (EEXIST, 17), is not empty (ENOTEMPTY, 39), or is on another
    /// file system (EXDEV, 18); HResult is the errno.</exception>
    public static ValueTask MoveAsync(
        string source,
        string destination,
        RenameRules rules,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        var request = FileRequest.renameAs((FSharp.RenameRules)rules.Checked(), source, destination);
        return PathOperation.DiscardAsync(Ring.LoopFor(ring), request, destination, cancellationToken);
    }

    /// <summary>Makes one directory. See man mkdir(2).</summary>
    /// <param name="path">Its name; the directory that it shall be in has to exist.</param>
    /// <param name="mode">Its permissions, less the process's umask. Defaults to 0777.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="DirectoryNotFoundException">The directory that it shall be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">Permissions forbid it.</exception>
    /// <exception cref="IOException">It exists already (EEXIST, 17), or another error; HResult is the errno.</exception>
    public static ValueTask CreateDirectoryAsync(
        string path,
        UnixFileMode mode = NewDirectoryMode,
        Ring? ring = null,
        CancellationToken cancellationToken = default) =>
        PathOperation.DiscardAsync(Ring.LoopFor(ring), FileRequest.makeDirectory(path, mode.Checked()), path, cancellationToken);

    /// <summary>Removes an empty directory. See man rmdir(2).</summary>
    /// <param name="path">The directory.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such directory, or it is a file.</exception>
    /// <exception cref="UnauthorizedAccessException">Permissions forbid it.</exception>
    /// <exception cref="IOException">It is not empty (ENOTEMPTY, 39), or another error; HResult is the errno.</exception>
    public static ValueTask RemoveDirectoryAsync(
        string path,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        var request = FileRequest.removeDirectory(path);
        return RemoveDirectoryAsync(Ring.LoopFor(ring), request, cancellationToken);
    }

    internal static async ValueTask RemoveDirectoryAsync(
        Loop loop,
        Request request,
        CancellationToken cancellationToken)
    {
        try
        {
            await loop.Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
        }
        catch (FileNotFoundException reason)
        {
            throw new DirectoryNotFoundException(reason.Message, reason);
        }
    }
}
