// What credentials that a ring remembers may learn of a path, and set: as the statics of UringFile.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

public sealed partial class RingPersonality
{
    /// <summary>
    /// What the file system knows of what a path names, as far as these credentials may ask. See man statx(2).
    /// </summary>
    /// <param name="path">A file, a directory, or anything else.</param>
    /// <param name="followLinks">Look at a symbolic link's target rather than at the link.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character.</exception>
    /// <exception cref="FileNotFoundException">The path names nothing.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">A directory on the way may not be searched with them.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask<FileStatus> StatusAsync(
        string path,
        bool followLinks = true,
        CancellationToken cancellationToken = default) =>
        UringFile.StatusAsync(Core.Loop, Core.Sign(FileRequest.status(path, followLinks)), cancellationToken, path);

    /// <summary>
    /// Some of what the file system knows of what a path names, as far as these credentials may ask. See man statx(2).
    /// </summary>
    /// <param name="path">A file, a directory, or anything else.</param>
    /// <param name="fields">What is wanted; <see cref="FileStatus.Filled"/> says what has come.</param>
    /// <param name="sync">Whether a file system that lives elsewhere is asked.</param>
    /// <param name="followLinks">Look at a symbolic link's target rather than at the link.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character.</exception>
    /// <exception cref="FileNotFoundException">The path names nothing.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">A directory on the way may not be searched with them.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask<FileStatus> StatusAsync(
        string path,
        StatusFields fields,
        StatusSync sync = StatusSync.AsUsual,
        bool followLinks = true,
        CancellationToken cancellationToken = default)
    {
        var wanted = (FSharp.StatusFields)fields.Checked();
        var request = FileRequest.statusAs(wanted, (FSharp.StatusSync)sync.Checked(), path, followLinks);
        return UringFile.StatusAsync(Core.Loop, Core.Sign(request), cancellationToken, path);
    }

    /// <summary>
    /// The value of an extended attribute of what a path names, after symbolic links, with these credentials. Linux 5.19; see
    /// man getxattr(2), xattr(7).
    /// </summary>
    /// <param name="path">Relative to the current directory, or absolute.</param>
    /// <param name="name">With its namespace: "user.note".</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> or <paramref name="name"/> is empty or contains a zero
    /// character.</exception>
    /// <exception cref="FileNotFoundException">The path names nothing.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="NotSupportedException">The file system has no such attributes.</exception>
    /// <exception cref="UnauthorizedAccessException">These credentials may not read it.</exception>
    /// <exception cref="IOException">There is no such attribute (ENODATA, 61), it became longer meanwhile (ERANGE, 34), or
    /// another error; HResult is the errno.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask<byte[]> GetAttributeAsync(string path, string name, CancellationToken cancellationToken = default)
    {
        Driver.Request Ask(int room) => Core.Sign(FileRequest.attributeOfPath(path, name, room));
        return UringFile.ValueAsync(Core.Loop, Ask(0), Ask, path, cancellationToken);
    }

    /// <summary>
    /// Sets an extended attribute of what a path names, after symbolic links, with these credentials. Linux 5.19; see
    /// man setxattr(2), xattr(7).
    /// </summary>
    /// <param name="path">Relative to the current directory, or absolute.</param>
    /// <param name="name">With its namespace: "user.note".</param>
    /// <param name="value">At most 64 KiB, and often less; copied.</param>
    /// <param name="change">Whether it may be there already.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> or <paramref name="name"/> is empty or contains a zero
    /// character.</exception>
    /// <exception cref="FileNotFoundException">The path names nothing.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="NotSupportedException">The file system has no such attributes.</exception>
    /// <exception cref="UnauthorizedAccessException">These credentials may not write it.</exception>
    /// <exception cref="IOException">It is there (EEXIST, 17), is missing (ENODATA, 61), is too long (E2BIG, 7; ENOSPC,
    /// 28), or another error; HResult is the errno.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">The ring or the credentials were disposed of.</exception>
    public ValueTask SetAttributeAsync(
        string path,
        string name,
        ReadOnlyMemory<byte> value,
        AttributeChange change = AttributeChange.CreateOrReplace,
        CancellationToken cancellationToken = default)
    {
        var request = FileRequest.setAttributeOfPath(path, name, value, (FSharp.AttributeChange)change.Checked());
        return PerformAsync(request, path, cancellationToken);
    }
}
