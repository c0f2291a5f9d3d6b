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

    internal static EndPoint Remote(FileDescriptor descriptor, object owner) =>
        SocketOptions.tryRemoteEndPoint(Open(descriptor, owner)) ??
        throw new SocketException((int)SocketError.NotConnected);

    internal static bool NoDelay(FileDescriptor descriptor, object owner) =>
        SocketOptions.noDelay(Open(descriptor, owner));

    internal static void SetNoDelay(FileDescriptor descriptor, object owner, bool value) =>
        SocketOptions.setNoDelay(Open(descriptor, owner), value);

    /// <summary>Names the caller's object where the descriptor is closed.</summary>
    private static FileDescriptor Open(FileDescriptor descriptor, object owner)
    {
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, owner);
        return descriptor;
    }
}
