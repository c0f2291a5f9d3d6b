// Links: other names of a file, and names that stand for a path.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringFile
{
    /// <summary>Makes a symbolic link. Linux 5.15; see man symlink(2).</summary>
    /// <param name="path">The link's name; the directory that it shall be in has to exist.</param>
    /// <param name="pathToTarget">
    /// Where it leads: relative to the link's directory, or absolute. It is stored as it is, whether it names something or
    /// not.
    /// </param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException">One of the paths is empty or contains a zero character.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that the link shall be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">Permissions forbid it, or the file system has no such links.</exception>
    /// <exception cref="IOException">The name exists already (EEXIST, 17), or another error; HResult is the errno.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    public static ValueTask CreateSymbolicLinkAsync(
        string path,
        string pathToTarget,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        var request = FileRequest.makeSymbolicLink(path, pathToTarget);
        return PathOperation.DiscardAsync(Ring.LoopFor(ring), request, path, cancellationToken);
    }

    /// <summary>
    /// Gives a file another name, which is as good as its first: the file lives until its last name is removed. Linux
    /// 5.15; see man link(2).
    /// </summary>
    /// <param name="path">The new name, on the same file system; its directory has to exist.</param>
    /// <param name="pathToTarget">The file. A symbolic link here is not followed: it gets another name itself.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException">One of the paths is empty or contains a zero character.</exception>
    /// <exception cref="FileNotFoundException"><paramref name="pathToTarget"/> names nothing.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory of <paramref name="path"/> is missing.</exception>
    /// <exception cref="UnauthorizedAccessException"><paramref name="pathToTarget"/> is a directory, or permissions
    /// forbid it.</exception>
    /// <exception cref="IOException">The name exists already (EEXIST, 17), is on another file system (EXDEV, 18), or the
    /// file has too many names (EMLINK, 31); HResult is the errno.</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    public static ValueTask CreateHardLinkAsync(
        string path,
        string pathToTarget,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        var request = FileRequest.makeHardLink(path, pathToTarget);
        return PathOperation.DiscardAsync(Ring.LoopFor(ring), request, path, cancellationToken);
    }
}
