// Addresses and options, which io_uring has no opcode for on every kernel we support. None blocks.
using System;
using System.Net;
using System.Net.Sockets;
using Uring.Driver;
using Uring.FSharp;

namespace Uring;

internal static class SocketNames
{
    internal static EndPoint Local(FileDescriptor descriptor, object owner) =>
        SocketOptions.tryLocalEndPoint(Open(descriptor, owner)) ??
        throw new InvalidOperationException("The socket has no address yet.");

    internal static EndPoint Remote(FileDescriptor descriptor, object owner, EndPoint? known = null) =>
        SocketOptions.peerOr(known, Open(descriptor, owner)) ??
        throw new SocketException((int)SocketError.NotConnected);

    internal static T Get<T>(FileDescriptor descriptor, object owner, SocketOption<T> option) =>
        SocketOptions.read(option, Open(descriptor, owner));

    internal static void Set<T>(FileDescriptor descriptor, object owner, SocketOption<T> option, T value) =>
        SocketOptions.write(option, value, Open(descriptor, owner));

    internal static SocketError TakeError(FileDescriptor descriptor, object owner)
    {
        var errno = SocketOptions.read(SocketOption.error, Open(descriptor, owner));
        return errno == 0 ? SocketError.Success : Fault.socketError(errno);
    }

    internal static int GetRaw(FileDescriptor descriptor, object owner, int level, int name, Span<byte> value) =>
        SocketOptions.getBytes(Open(descriptor, owner), level, name, value);

    internal static void SetRaw(FileDescriptor descriptor, object owner, int level, int name, ReadOnlySpan<byte> value) =>
        SocketOptions.setBytes(Open(descriptor, owner), level, name, value);

    /// <summary>Names the caller's object where the descriptor is closed.</summary>
    private static FileDescriptor Open(FileDescriptor descriptor, object owner)
    {
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, owner);
        return descriptor;
    }
}
