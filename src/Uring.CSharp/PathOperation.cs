// Performs an operation that names paths. The exceptions are the core's (Driver/Fault.fs), except where the errno alone
// does not say what FileStream says: whether a file or its directory is missing, and that a directory is no file.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.Model;

namespace Uring;

internal static class PathOperation
{
    internal static async ValueTask<int> PerformAsync(
        Loop loop,
        Request request,
        string path,
        CancellationToken cancellationToken)
    {
        var result = await loop.TryStart(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);

        if (result >= 0)
        {
            return result;
        }

        var opcode = request.Submission.Opcode;

        if (ErrnoModule.ofResult(result) == Errno.EACCES && ((IHost)loop).Forbids(opcode))
        {
            throw Fault.forbidden(opcode);
        }

        var reason = Fault.ofResult(opcode, request.Subject, result, cancellationToken);

        throw ErrnoModule.ofResult(result) switch
        {
            Errno.EISDIR => new UnauthorizedAccessException(reason.Message, reason),
            Errno.ENOENT when await IsFolderMissingAsync(loop, path, request.Submission.Personality).ConfigureAwait(Ending.OnLoop) =>
                new DirectoryNotFoundException(reason.Message, reason),
            _ => reason,
        };
    }

    internal static async ValueTask DiscardAsync(
        Loop loop,
        Request request,
        string path,
        CancellationToken cancellationToken) =>
        await PerformAsync(loop, request, path, cancellationToken).ConfigureAwait(Ending.OnLoop);

    // Whoever may not see the folder is not told of it.
    private static async ValueTask<bool> IsFolderMissingAsync(Loop loop, string path, ushort personality)
    {
        var folder = Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(path));

        if (string.IsNullOrEmpty(folder))
        {
            return false;
        }

        var request = Personality.Signed(FSharp.FileRequest.status(folder, true), personality);
        return await loop.TryStart(in request, CancellationToken.None).ConfigureAwait(Ending.OnLoop) < 0;
    }
}
