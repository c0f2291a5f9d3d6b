// Addresses and options, which io_uring has no opcode for on every kernel we support. None blocks.
using System;
using System.Net;
using Uring.Driver;

namespace Uring;

internal static class SocketNames
{
    internal static EndPoint Local(FileDescriptor descriptor, object owner)
    {
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, owner);
        return FSharp.SocketOptions.localEndPoint(descriptor);
    }

    internal static EndPoint Remote(FileDescriptor descriptor, object owner)
    {
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, owner);
        return FSharp.SocketOptions.remoteEndPoint(descriptor);
    }

    internal static bool NoDelay(FileDescriptor descriptor, object owner)
    {
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, owner);
        return FSharp.SocketOptions.getNoDelay(descriptor);
    }

    internal static void SetNoDelay(FileDescriptor descriptor, object owner, bool value)
    {
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, owner);
        FSharp.SocketOptions.setNoDelay(descriptor, value);
    }
}
