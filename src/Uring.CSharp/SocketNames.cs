// Addresses and options, which io_uring has no opcode for on every kernel we support: by way of the BCL. None blocks.
using System;
using System.Net;
using System.Net.Sockets;
using Microsoft.FSharp.Core;
using Uring.Driver;

namespace Uring;

internal static class SocketNames
{
    internal static EndPoint Local(FileDescriptor descriptor, object owner) =>
        Borrow(descriptor, owner, static socket => socket.LocalEndPoint) ??
        throw new InvalidOperationException("The socket has no address yet.");

    internal static EndPoint Remote(FileDescriptor descriptor, object owner) =>
        Borrow(descriptor, owner, static socket => socket.RemoteEndPoint) ??
        throw new SocketException((int)SocketError.NotConnected);

    /// <summary>Lends the descriptor to a BCL socket for one synchronous call.</summary>
    internal static T Borrow<T>(FileDescriptor descriptor, object owner, Converter<Socket, T> action)
    {
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, owner);
        var result = FSharp.SocketOptions.borrow(descriptor, FSharpFunc<Socket, T>.FromConverter(action));

        // A descriptor that nobody holds is closed when it is collected: not in the middle of this.
        GC.KeepAlive(descriptor);
        return result;
    }
}
