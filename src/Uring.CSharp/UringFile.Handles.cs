// A file from elsewhere, and out of here: handles of the BCL. Decides nothing: see Api/Adopting.fs.
using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using Microsoft.Win32.SafeHandles;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringFile
{
    /// <summary>
    /// Wraps a file that was opened elsewhere: by the BCL (<see cref="FileStream.SafeFileHandle"/>), by another library, by
    /// another process; also an end of a pipe, a device, an event. What works here is a duplicate of its descriptor, so nobody
    /// can close it under an operation; both have the same position.
    /// </summary>
    /// <remarks>If it was opened with O_NONBLOCK, what would have to wait fails with EAGAIN (11).</remarks>
    /// <param name="handle">Neither a socket nor a directory. What may be done with it is as it was opened.</param>
    /// <param name="ownsHandle">
    /// True: the handle is disposed of at once, and the file is closed with the result. False: it stays yours, and the file is
    /// open until both are disposed of.
    /// </param>
    /// <param name="ring">
    /// Where its operations go; without one, to the ring on whose thread this runs, else to <see cref="Ring.Default"/>.
    /// </param>
    /// <exception cref="ArgumentException"><paramref name="handle"/> is a socket, a directory, or only a name (O_PATH); it stays
    /// yours.</exception>
    /// <exception cref="IOException">No descriptor is left (EMFILE, 24); the handle stays yours.</exception>
    /// <exception cref="ObjectDisposedException">The handle or the ring was disposed of.</exception>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public static UringFile FromHandle(SafeHandle handle, bool ownsHandle, Ring? ring = null)
    {
        ArgumentNullException.ThrowIfNull(handle);
        var loop = Ring.LoopFor(ring);
        var (descriptor, mode) = Adopting.file(loop, ownsHandle, handle);

        // O_RDONLY 0, O_WRONLY 1, O_RDWR 2.
        var access = mode switch
        {
            0 => FileAccess.Read,
            1 => FileAccess.Write,
            _ => FileAccess.ReadWrite,
        };

        return new UringFile(loop, descriptor, descriptor.Name!, access);
    }

    /// <summary>
    /// Another descriptor for the same open file, with the same position. Each is to be disposed of, and it is closed with the
    /// last. See man fcntl(2), F_DUPFD_CLOEXEC.
    /// </summary>
    /// <exception cref="NotSupportedException">It is direct: <see cref="InstallAsync(CancellationToken)"/> it first.</exception>
    /// <exception cref="IOException">No descriptor is left (EMFILE, 24).</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed of.</exception>
    public UringFile Duplicate()
    {
        ThrowIfClosed();
        return new UringFile(loop, loop.Own(Adopting.duplicate(descriptor)), Path, access, isNamed);
    }

    /// <summary>The same for use elsewhere: by the BCL, by another process. Yours to dispose of.</summary>
    /// <exception cref="NotSupportedException">It is direct: <see cref="InstallAsync(CancellationToken)"/> it first.</exception>
    /// <exception cref="IOException">No descriptor is left (EMFILE, 24).</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed of.</exception>
    public SafeFileHandle DuplicateHandle()
    {
        ThrowIfClosed();
        return new SafeFileHandle(Adopting.duplicate(descriptor), ownsHandle: true);
    }
}
