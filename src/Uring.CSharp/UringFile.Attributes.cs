// Extended attributes: names and values that the file system keeps with a file.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
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
        return GetAttributeAsync(FileRequest.attribute(descriptor, name, 0), name, cancellationToken);
    }

    private async ValueTask<byte[]> GetAttributeAsync(
        Driver.Request length,
        string name,
        CancellationToken cancellationToken)
    {
        var capacity = await loop.Start(in length, cancellationToken).ConfigureAwait(Ending.OnLoop);

        if (capacity == 0)
        {
            return [];
        }

        var request = FileRequest.attribute(descriptor, name, capacity);
        var found = await loop.Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
        return request.Buffer[..found].ToArray();
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
        return Ending.Discard(Start(FileAccess.ReadWrite, in request, cancellationToken));
    }
}
