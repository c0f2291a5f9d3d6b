// What names in a directory mean, and changes of them: as the methods of UringFile for paths.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringDirectory
{
    private const UnixFileMode NewDirectoryMode = (UnixFileMode)0b111_111_111;

    /// <summary>What the file system knows of what a path names. See man statx(2).</summary>
    /// <param name="path">Relative to this directory, or absolute.</param>
    /// <param name="followLinks">Look at a symbolic link's target rather than at the link.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character.</exception>
    /// <exception cref="FileNotFoundException">The path names nothing, or a directory on the way is missing.</exception>
    /// <exception cref="DirectoryNotFoundException">A file is where a directory should be.</exception>
    /// <exception cref="UnauthorizedAccessException">A directory on the way may not be searched.</exception>
    /// <exception cref="ObjectDisposedException">The directory or its ring was disposed of.</exception>
    public ValueTask<FileStatus> StatusAsync(
        string path,
        bool followLinks = true,
        CancellationToken cancellationToken = default) =>
        UringFile.StatusAsync(loop, Here(FileRequest.status(path, followLinks)), cancellationToken);

    /// <summary>Some of what the file system knows of what a path names. See man statx(2).</summary>
    /// <param name="path">Relative to this directory, or absolute.</param>
    /// <param name="fields">What is wanted; <see cref="FileStatus.Filled"/> says what has come.</param>
    /// <param name="sync">Whether a file system that lives elsewhere is asked.</param>
    /// <param name="followLinks">Look at a symbolic link's target rather than at the link.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character.</exception>
    /// <exception cref="FileNotFoundException">The path names nothing, or a directory on the way is missing.</exception>
    /// <exception cref="DirectoryNotFoundException">A file is where a directory should be.</exception>
    /// <exception cref="UnauthorizedAccessException">A directory on the way may not be searched.</exception>
    /// <exception cref="ObjectDisposedException">The directory or its ring was disposed of.</exception>
    public ValueTask<FileStatus> StatusAsync(
        string path,
        StatusFields fields,
        StatusSync sync = StatusSync.AsUsual,
        bool followLinks = true,
        CancellationToken cancellationToken = default)
    {
        var wanted = (FSharp.StatusFields)fields.Checked();
        var request = FileRequest.statusAs(wanted, (FSharp.StatusSync)sync.Checked(), path, followLinks);
        return UringFile.StatusAsync(loop, Here(request), cancellationToken);
    }

    /// <summary>Removes a file's name, and the file with its last name. See man unlinkat(2).</summary>
    /// <param name="path">A file or a symbolic link; relative to this directory, or absolute.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character.</exception>
    /// <exception cref="FileNotFoundException">The path names nothing, or a directory on the way is missing.</exception>
    /// <exception cref="DirectoryNotFoundException">A file is where a directory should be.</exception>
    /// <exception cref="UnauthorizedAccessException">It is a directory, or permissions forbid it.</exception>
    /// <exception cref="ObjectDisposedException">The directory or its ring was disposed of.</exception>
    public ValueTask DeleteAsync(string path, CancellationToken cancellationToken = default) =>
        Perform(FileRequest.unlink(path), cancellationToken);

    /// <summary>Makes one directory. Linux 5.15; see man mkdirat(2).</summary>
    /// <param name="path">Relative to this directory, or absolute; the directory that it shall be in has to exist.</param>
    /// <param name="mode">Its permissions, less the process's umask. Defaults to 0777.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character.</exception>
    /// <exception cref="FileNotFoundException">A directory on the way is missing.</exception>
    /// <exception cref="DirectoryNotFoundException">A file is where a directory should be.</exception>
    /// <exception cref="UnauthorizedAccessException">Permissions forbid it.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">The directory or its ring was disposed of.</exception>
    /// <exception cref="IOException">It exists already (EEXIST, 17), or another error; HResult is the errno.</exception>
    public ValueTask CreateDirectoryAsync(
        string path,
        UnixFileMode mode = NewDirectoryMode,
        CancellationToken cancellationToken = default) =>
        Perform(FileRequest.makeDirectory(path, mode.Checked()), cancellationToken);

    /// <summary>Removes an empty directory. See man unlinkat(2).</summary>
    /// <param name="path">Relative to this directory, or absolute.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such directory, or it is a file.</exception>
    /// <exception cref="UnauthorizedAccessException">Permissions forbid it.</exception>
    /// <exception cref="ObjectDisposedException">The directory or its ring was disposed of.</exception>
    /// <exception cref="IOException">It is not empty (ENOTEMPTY, 39), or another error; HResult is the errno.</exception>
    public ValueTask RemoveDirectoryAsync(string path, CancellationToken cancellationToken = default) =>
        UringFile.RemoveDirectoryAsync(loop, Here(FileRequest.removeDirectory(path)), cancellationToken);

    /// <summary>Makes a symbolic link. Linux 5.15; see man symlinkat(2).</summary>
    /// <param name="path">The link; relative to this directory, or absolute.</param>
    /// <param name="pathToTarget">Where it leads: kept as it is, whether it names something or not.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException">A path is empty or contains a zero character.</exception>
    /// <exception cref="FileNotFoundException">A directory on the way is missing.</exception>
    /// <exception cref="DirectoryNotFoundException">A file is where a directory should be.</exception>
    /// <exception cref="UnauthorizedAccessException">Permissions forbid it.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">The directory or its ring was disposed of.</exception>
    /// <exception cref="IOException">It exists already (EEXIST, 17), or another error; HResult is the errno.</exception>
    public ValueTask CreateSymbolicLinkAsync(
        string path,
        string pathToTarget,
        CancellationToken cancellationToken = default) =>
        Perform(FileRequest.makeSymbolicLink(path, pathToTarget), cancellationToken);

    /// <summary>Gives a file another name. Linux 5.15; see man linkat(2).</summary>
    /// <param name="path">The new name; relative to this directory, or absolute.</param>
    /// <param name="pathToTarget">The file; a symbolic link is not followed.</param>
    /// <param name="targetDirectory">What <paramref name="pathToTarget"/> is relative to, of the same ring; without it, this
    /// directory.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException">A path is empty or contains a zero character, or the directory belongs to another
    /// ring.</exception>
    /// <exception cref="FileNotFoundException"><paramref name="pathToTarget"/> names nothing, or a directory on the way is
    /// missing.</exception>
    /// <exception cref="DirectoryNotFoundException">A file is where a directory should be.</exception>
    /// <exception cref="UnauthorizedAccessException">It is a directory, or permissions forbid it.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">A directory or its ring was disposed of.</exception>
    /// <exception cref="IOException">The new name exists (EEXIST, 17), is on another file system (EXDEV, 18), or another error;
    /// HResult is the errno.</exception>
    public ValueTask CreateHardLinkAsync(
        string path,
        string pathToTarget,
        UringDirectory? targetDirectory = null,
        CancellationToken cancellationToken = default)
    {
        var from = OnOurRing(targetDirectory, nameof(targetDirectory));
        var request = FileRequest.fromBoth(from, descriptor, FileRequest.makeHardLink(path, pathToTarget));
        return PathOperation.DiscardAsync(loop, request, "", cancellationToken);
    }

    /// <summary>Gives a file or a directory another name in one step, by rules. See man renameat2(2).</summary>
    /// <param name="source">What to move; relative to this directory, or absolute.</param>
    /// <param name="destination">Its new name, on the same file system.</param>
    /// <param name="destinationDirectory">What <paramref name="destination"/> is relative to, of the same ring; without it, this
    /// directory.</param>
    /// <param name="rules">What becomes of what <paramref name="destination"/> names: by default that is an error.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException">A path is empty or contains a zero character, the rules do not go together, the file
    /// system lacks one, or the directory belongs to another ring.</exception>
    /// <exception cref="FileNotFoundException"><paramref name="source"/> names nothing, or a directory on the way is
    /// missing.</exception>
    /// <exception cref="DirectoryNotFoundException">A file is where a directory should be.</exception>
    /// <exception cref="UnauthorizedAccessException">Permissions forbid it, or a file would replace a directory.</exception>
    /// <exception cref="ObjectDisposedException">A directory or its ring was disposed of.</exception>
    /// <exception cref="IOException">The destination exists (EEXIST, 17), is not empty (ENOTEMPTY, 39), or is on another
    /// file system (EXDEV, 18); HResult is the errno.</exception>
    public ValueTask MoveAsync(
        string source,
        string destination,
        UringDirectory? destinationDirectory = null,
        RenameRules rules = RenameRules.NoReplace,
        CancellationToken cancellationToken = default)
    {
        var to = OnOurRing(destinationDirectory, nameof(destinationDirectory));
        var renaming = FileRequest.renameAs((FSharp.RenameRules)rules.Checked(), source, destination);
        var request = FileRequest.fromBoth(descriptor, to, renaming);
        return PathOperation.DiscardAsync(loop, request, "", cancellationToken);
    }

    /// <summary>The other directory, or this one.</summary>
    private FileDescriptor OnOurRing(UringDirectory? other, string parameter)
    {
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, this);

        if (other is null)
        {
            return descriptor;
        }

        ObjectDisposedException.ThrowIf(other.IsClosed, other);

        return ReferenceEquals(other.loop, loop)
            ? other.descriptor
            : throw new ArgumentException("Both directories have to belong to the same ring.", parameter);
    }

    private Request Here(in Request request)
    {
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, this);
        return FileRequest.from(descriptor, request);
    }

    private ValueTask Perform(in Request request, CancellationToken cancellationToken) =>
        PathOperation.DiscardAsync(loop, Here(in request), "", cancellationToken);
}
