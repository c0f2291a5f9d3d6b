// Extended attributes: names and values that the file system keeps with a file.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringFile
{
    /// <summary>The value of an extended attribute. Linux 5.19; see man fgetxattr(2), xattr(7).</summary>
    /// <param name="name">With its namespace: "user.note".</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="name"/> is empty or contains a zero character.</exception>
    /// <exception cref="NotSupportedException">The file system has no such attributes.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">There is no such attribute (ENODATA, 61), it became longer meanwhile (ERANGE, 34), or
    /// another error; HResult is the errno.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    public ValueTask<byte[]> GetAttributeAsync(string name, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        var length = FileRequest.attribute(descriptor, name, 0);
        return ValueAsync(loop, length, room => FileRequest.attribute(descriptor, name, room), "", cancellationToken);
    }

    /// <summary>
    /// The value of an extended attribute of what a path names, after symbolic links. Linux 5.19; see man getxattr(2),
    /// xattr(7). io_uring has no operations to list or to remove attributes.
    /// </summary>
    /// <param name="path">Relative to the current directory, or absolute.</param>
    /// <param name="name">With its namespace: "user.note".</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> or <paramref name="name"/> is empty or contains a zero
    /// character.</exception>
    /// <exception cref="FileNotFoundException">The path names nothing.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="NotSupportedException">The file system has no such attributes.</exception>
    /// <exception cref="UnauthorizedAccessException">Permissions forbid it.</exception>
    /// <exception cref="IOException">There is no such attribute (ENODATA, 61), it became longer meanwhile (ERANGE, 34), or
    /// another error; HResult is the errno.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    public static ValueTask<byte[]> GetAttributeAsync(
        string path,
        string name,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        var length = FileRequest.attributeOfPath(path, name, 0);

        return ValueAsync(
            Ring.LoopFor(ring),
            length,
            room => FileRequest.attributeOfPath(path, name, room),
            path,
            cancellationToken);
    }

    internal static async ValueTask<byte[]> ValueAsync(
        Loop loop,
        Request length,
        Func<int, Request> ask,
        string path,
        CancellationToken cancellationToken)
    {
        var room = await PathOperation.PerformAsync(loop, length, path, cancellationToken).ConfigureAwait(Ending.OnLoop);

        if (room == 0)
        {
            return [];
        }

        var request = ask(room);
        var found = await PathOperation.PerformAsync(loop, request, path, cancellationToken).ConfigureAwait(Ending.OnLoop);
        return request.Buffer[..found].ToArray();
    }

    /// <summary>
    /// Sets an extended attribute of what a path names, after symbolic links. Linux 5.19; see man setxattr(2), xattr(7).
    /// </summary>
    /// <param name="path">Relative to the current directory, or absolute.</param>
    /// <param name="name">With its namespace: "user.note".</param>
    /// <param name="value">At most 64 KiB, and often less; copied.</param>
    /// <param name="change">Whether it may be there already.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> or <paramref name="name"/> is empty or contains a zero
    /// character.</exception>
    /// <exception cref="FileNotFoundException">The path names nothing.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="NotSupportedException">The file system has no such attributes.</exception>
    /// <exception cref="UnauthorizedAccessException">Permissions forbid it.</exception>
    /// <exception cref="IOException">It is there (EEXIST, 17), is missing (ENODATA, 61), is too long (E2BIG, 7; ENOSPC,
    /// 28), or another error; HResult is the errno.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    public static ValueTask SetAttributeAsync(
        string path,
        string name,
        ReadOnlyMemory<byte> value,
        AttributeChange change = AttributeChange.CreateOrReplace,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        var request = FileRequest.setAttributeOfPath(path, name, value, (FSharp.AttributeChange)change.Checked());
        return PathOperation.DiscardAsync(Ring.LoopFor(ring), request, path, cancellationToken);
    }

    /// <summary>Sets an extended attribute. Linux 5.19; see man fsetxattr(2), xattr(7).</summary>
    /// <param name="name">With its namespace: "user.note".</param>
    /// <param name="value">At most 64 KiB, and often less; copied.</param>
    /// <param name="change">Whether it may be there already.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="name"/> is empty or contains a zero character.</exception>
    /// <exception cref="NotSupportedException">The file system has no such attributes.</exception>
    /// <exception cref="UnauthorizedAccessException">Permissions forbid it.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    /// <exception cref="IOException">It is there (EEXIST, 17), is missing (ENODATA, 61), is too long (E2BIG, 7; ENOSPC,
    /// 28), or another error; HResult is the errno.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    public ValueTask SetAttributeAsync(
        string name,
        ReadOnlyMemory<byte> value,
        AttributeChange change = AttributeChange.CreateOrReplace,
        CancellationToken cancellationToken = default)
    {
        var request = FileRequest.setAttribute(descriptor, name, value, (FSharp.AttributeChange)change.Checked());
        return StartEffect(FileAccess.ReadWrite, in request, cancellationToken);
    }
}
