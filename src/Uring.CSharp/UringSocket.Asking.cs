// Commands that a socket gives a meaning of its own.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringSocket
{
    /// <summary>
    /// Sends the socket, direct or not, a command of its own: what ioctl(2) is for, without waiting. Linux 5.19; see
    /// man io_uring_prep_uring_cmd(3).
    /// </summary>
    /// <param name="operation">The command's number; the socket says what it means.</param>
    /// <param name="payload">
    /// Up to 16 bytes that go with it, copied at once. What they point to has to stay where it is until the task has ended.
    /// </param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>What the socket says.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="payload"/> has more than 16 bytes.</exception>
    /// <exception cref="NotSupportedException">It knows no such command, or none at all.</exception>
    /// <exception cref="IOException">The command failed; HResult is the errno.</exception>
    /// <exception cref="ObjectDisposedException">The socket or its ring was disposed of.</exception>
    public ValueTask<int> CommandAsync(
        uint operation,
        ReadOnlyMemory<byte> payload = default,
        CancellationToken cancellationToken = default) =>
        Start(Command.requestOn(descriptor, operation, payload), cancellationToken);

    /// <summary>
    /// As <see cref="CommandAsync(uint, ReadOnlyMemory{byte}, CancellationToken)"/>, for a command that works on a registered
    /// buffer: where in it, <paramref name="payload"/> says. Linux 6.1; see IORING_URING_CMD_FIXED in
    /// man io_uring_enter(2).
    /// </summary>
    /// <param name="buffer">Of the same ring.</param>
    /// <param name="operation">The command's number; the socket says what it means.</param>
    /// <param name="payload">
    /// Up to 16 bytes that go with it, copied at once. What they point to has to stay where it is until the task has ended.
    /// </param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>What the socket says.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="buffer"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="buffer"/> is another ring's.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="payload"/> has more than 16 bytes.</exception>
    /// <exception cref="NotSupportedException">It knows no such command, or the kernel is older.</exception>
    /// <exception cref="IOException">The command failed; HResult is the errno.</exception>
    /// <exception cref="ObjectDisposedException">The socket, its ring or the buffer was disposed of.</exception>
    public ValueTask<int> CommandAsync(
        RegisteredBuffer buffer,
        uint operation,
        ReadOnlyMemory<byte> payload,
        CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        ArgumentNullException.ThrowIfNull(buffer);
        return Start(Command.requestWithin(descriptor, buffer.Core, operation, payload), cancellationToken);
    }
}
