// A socket from elsewhere, and out of here: handles of the BCL. Decides nothing: see Api/Adopting.fs.
using System;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringSocket
{
    /// <summary>
    /// Wraps a socket that was opened elsewhere: by the BCL (<see cref="System.Net.Sockets.Socket.SafeHandle"/>), by another library, by another
    /// process. What works here is a duplicate of its descriptor, so nobody can close it under an operation.
    /// </summary>
    /// <param name="handle">A socket that does not listen.</param>
    /// <param name="ownsHandle">
    /// True: the handle is disposed of at once, and the socket is closed with the result. False: it stays yours, and the
    /// socket is open until both are disposed of.
    /// </param>
    /// <param name="ring">
    /// Where its operations go; without one, to the ring on whose thread this runs, else to <see cref="Ring.Default"/>.
    /// </param>
    /// <exception cref="ArgumentException"><paramref name="handle"/> is no socket, or one that listens; it stays yours.</exception>
    /// <exception cref="System.IO.IOException">No descriptor is left (EMFILE, 24); the handle stays yours.</exception>
    /// <exception cref="ObjectDisposedException">The handle or the ring was disposed of.</exception>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public static UringSocket FromHandle(SafeHandle handle, bool ownsHandle, Ring? ring = null)
    {
        ArgumentNullException.ThrowIfNull(handle);
        var loop = Ring.LoopFor(ring);
        var (descriptor, _) = Adopting.connection(loop, ownsHandle, handle);
        return new UringSocket(loop, descriptor);
    }

    /// <summary>
    /// Another descriptor for the same socket. Each is to be disposed of, and it is closed with the last. See
    /// man fcntl(2), F_DUPFD_CLOEXEC.
    /// </summary>
    /// <exception cref="NotSupportedException">It is direct: <see cref="InstallAsync(CancellationToken)"/> it first.</exception>
    /// <exception cref="System.IO.IOException">No descriptor is left (EMFILE, 24).</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public UringSocket Duplicate()
    {
        ThrowIfClosed();
        return new UringSocket(loop, loop.Own(Adopting.duplicate(descriptor)), peer);
    }

    /// <summary>The same for use elsewhere: by the BCL, by another process. Yours to dispose of.</summary>
    /// <exception cref="NotSupportedException">It is direct: <see cref="InstallAsync(CancellationToken)"/> it first.</exception>
    /// <exception cref="System.IO.IOException">No descriptor is left (EMFILE, 24).</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public SafeSocketHandle DuplicateHandle()
    {
        ThrowIfClosed();
        return new SafeSocketHandle(Adopting.duplicate(descriptor), ownsHandle: true);
    }
}
