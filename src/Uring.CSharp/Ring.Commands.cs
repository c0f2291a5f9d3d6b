// Commands that a file gives a meaning of its own.
using System;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

public sealed partial class Ring
{
    /// <summary>
    /// Sends a file, a device or a socket a command of its own: what ioctl(2) is for, without waiting. Linux 5.19; see
    /// man io_uring_prep_uring_cmd(3).
    /// </summary>
    /// <param name="handle">What it is sent to. It is not closed before this ends, whoever disposes of it meanwhile.</param>
    /// <param name="operation">The command's number; the file says what it means.</param>
    /// <param name="payload">
    /// Up to 16 bytes that go with it, copied at once. What they point to has to stay where it is until the task has ended.
    /// </param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>What the file says.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="handle"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="payload"/> has more than 16 bytes.</exception>
    /// <exception cref="NotSupportedException">The file knows no such command, or none at all.</exception>
    /// <exception cref="IOException">The command failed; HResult is the errno.</exception>
    /// <exception cref="ObjectDisposedException">The handle or the ring was disposed of.</exception>
    public async ValueTask<int> CommandAsync(
        SafeHandle handle,
        uint operation,
        ReadOnlyMemory<byte> payload = default,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handle);
        var descriptor = Poll.hold(handle);

        try
        {
            var request = Command.request(descriptor, operation, payload);
            return await Loop.Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
        }
        finally
        {
            handle.DangerousRelease();
        }
    }
}
