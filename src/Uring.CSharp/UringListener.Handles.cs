// A listener from elsewhere, and out of here: handles of the BCL. Decides nothing: see Api/Adopting.fs.
using System;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringListener
{
    /// <summary>
    /// Wraps a listener that was opened elsewhere: by the BCL (<see cref="System.Net.Sockets.Socket.SafeHandle"/>), by another library, by another
    /// process. What works here is a duplicate of its descriptor, so nobody can close it under an operation.
    /// </summary>
    /// <param name="handle">A socket that listens.</param>
    /// <param name="ownsHandle">
    /// True: the handle is disposed of at once, and the listener is closed with the result. False: it stays yours, and the
    /// listener is open until both are disposed of.
    /// </param>
    /// <param name="ring">
    /// Where its operations go; without one, to the ring on whose thread this runs, else to <see cref="Ring.Default"/>.
    /// </param>
    /// <exception cref="ArgumentException"><paramref name="handle"/> is no socket, or one that does not listen; it stays yours.</exception>
    /// <exception cref="System.IO.IOException">No descriptor is left (EMFILE, 24); the handle stays yours.</exception>
    /// <exception cref="ObjectDisposedException">The handle or the ring was disposed of.</exception>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public static UringListener FromHandle(SafeHandle handle, bool ownsHandle, Ring? ring = null)
    {
        ArgumentNullException.ThrowIfNull(handle);
        var loop = Ring.LoopFor(ring);
        var (descriptor, _) = Adopting.listener(loop, ownsHandle, handle);
        return new UringListener(loop, descriptor);
    }

    /// <summary>
    /// Another descriptor for the same listener. Each is to be disposed of, and it is closed with the last. See
    /// man fcntl(2), F_DUPFD_CLOEXEC.
    /// </summary>
    /// <exception cref="NotSupportedException">It is direct: it has no descriptor of the process.</exception>
    /// <exception cref="System.IO.IOException">No descriptor is left (EMFILE, 24).</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed of.</exception>
    public UringListener Duplicate()
    {
        ThrowIfClosed();
        return new UringListener(loop, loop.Own(Adopting.duplicate(descriptor)));
    }

    /// <summary>The same for use elsewhere: by the BCL, by another process. Yours to dispose of.</summary>
    /// <exception cref="NotSupportedException">It is direct: it has no descriptor of the process.</exception>
    /// <exception cref="System.IO.IOException">No descriptor is left (EMFILE, 24).</exception>
    /// <exception cref="ObjectDisposedException">The listener was disposed of.</exception>
    public SafeSocketHandle DuplicateHandle()
    {
        ThrowIfClosed();
        return new SafeSocketHandle(Adopting.duplicate(descriptor), ownsHandle: true);
    }
}
