// What a listener is asked by way of the ring, in its own terms and for its options: also a direct one.
using System;
using System.IO;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringListener
{
    /// <summary>
    /// Sends the listener, direct or not, a command of its own: what ioctl(2) is for, without waiting. Linux 5.19; see
    /// man io_uring_prep_uring_cmd(3).
    /// </summary>
    /// <param name="operation">The command's number; the listener says what it means.</param>
    /// <param name="payload">
    /// Up to 16 bytes that go with it, copied at once. What they point to has to stay where it is until the task has ended.
    /// </param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>What the listener says.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="payload"/> has more than 16 bytes.</exception>
    /// <exception cref="ArgumentException">It knows the command, and not on a listener (EINVAL, 22).</exception>
    /// <exception cref="NotSupportedException">It knows no such command, or none at all.</exception>
    /// <exception cref="IOException">The command failed; HResult is the errno.</exception>
    /// <exception cref="ObjectDisposedException">The listener or its ring was disposed of.</exception>
    public ValueTask<int> CommandAsync(
        uint operation,
        ReadOnlyMemory<byte> payload = default,
        CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        var request = Command.requestOn(descriptor, operation, payload);
        return loop.Start(in request, cancellationToken);
    }

    /// <summary>
    /// As <see cref="CommandAsync(uint, ReadOnlyMemory{byte}, CancellationToken)"/>, for a command that works on a registered
    /// buffer: where in it, <paramref name="payload"/> says. Linux 6.1; see IORING_URING_CMD_FIXED in
    /// man io_uring_enter(2).
    /// </summary>
    /// <param name="buffer">Of the same ring.</param>
    /// <param name="operation">The command's number; the listener says what it means.</param>
    /// <param name="payload">
    /// Up to 16 bytes that go with it, copied at once. What they point to has to stay where it is until the task has ended.
    /// </param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>What the listener says.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="buffer"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="buffer"/> is another ring's.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="payload"/> has more than 16 bytes.</exception>
    /// <exception cref="NotSupportedException">It knows no such command, or the kernel is older.</exception>
    /// <exception cref="IOException">The command failed; HResult is the errno.</exception>
    /// <exception cref="ObjectDisposedException">The listener, its ring or the buffer was disposed of.</exception>
    public ValueTask<int> CommandAsync(
        RegisteredBuffer buffer,
        uint operation,
        ReadOnlyMemory<byte> payload,
        CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        ArgumentNullException.ThrowIfNull(buffer);
        var request = Command.requestWithin(descriptor, buffer.Core, operation, payload);
        return loop.Start(in request, cancellationToken);
    }

    /// <summary>
    /// As <see cref="GetRawSocketOption"/>, by way of the ring: also of a direct descriptor, where the level is SOL_SOCKET and
    /// Linux 6.7 or newer. What the kernel cannot do so is a system call. See man io_uring_prep_cmd_sock(3).
    /// </summary>
    /// <param name="level">SOL_SOCKET is 1, IPPROTO_IP 0, IPPROTO_TCP 6, IPPROTO_IPV6 41.</param>
    /// <param name="name">As the system's headers say.</param>
    /// <param name="value">Room for its bytes: the kernel's until the task has ended.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>How many bytes it has.</returns>
    /// <exception cref="SocketException">The listener has no such option (ProtocolOption, OperationNotSupported).</exception>
    /// <exception cref="ObjectDisposedException">The listener or its ring was disposed of.</exception>
    public ValueTask<int> GetRawSocketOptionAsync(
        int level,
        int name,
        Memory<byte> value,
        CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        return new(Command.getOption(descriptor, level, name, value, cancellationToken));
    }

    /// <summary>
    /// As <see cref="SetRawSocketOption"/>, by way of the ring: also of a direct descriptor, on Linux 6.7 or newer. What the
    /// kernel cannot do so is a system call. See man io_uring_prep_cmd_sock(3).
    /// </summary>
    /// <param name="level">SOL_SOCKET is 1, IPPROTO_IP 0, IPPROTO_TCP 6, IPPROTO_IPV6 41.</param>
    /// <param name="name">As the system's headers say.</param>
    /// <param name="value">Its bytes: the kernel's until the task has ended.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="SocketException">The listener has no such option, or does not take the value.</exception>
    /// <exception cref="ObjectDisposedException">The listener or its ring was disposed of.</exception>
    public ValueTask SetRawSocketOptionAsync(
        int level,
        int name,
        ReadOnlyMemory<byte> value,
        CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        return new(Command.setOption(descriptor, level, name, value, cancellationToken));
    }
}
