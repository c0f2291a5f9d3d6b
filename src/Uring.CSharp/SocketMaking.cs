// A socket that is bound or connected step by step, and closed if a step fails.
using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;

namespace Uring;

internal static class SocketMaking
{
    internal static async ValueTask<FileDescriptor> ConnectAsync(
        Loop loop,
        EndPoint endPoint,
        bool isDirect,
        CancellationToken cancellationToken)
    {
        var descriptor = await CreateAsync(loop, endPoint.AddressFamily, SocketType.Stream, cancellationToken, isDirect)
            .ConfigureAwait(Ending.OnLoop);

        try
        {
            var connect = SocketRequest.connect(descriptor, endPoint);
            await loop.Start(in connect, cancellationToken).ConfigureAwait(Ending.OnLoop);
            return descriptor;
        }
        catch
        {
            await loop.CloseDescriptor(descriptor).ConfigureAwait(Ending.OnLoop);
            throw;
        }
    }

    internal static async ValueTask<FileDescriptor> ListenAsync(
        Loop loop,
        EndPoint endPoint,
        int backlog,
        CancellationToken cancellationToken)
    {
        var descriptor = await CreateAsync(loop, endPoint.AddressFamily, SocketType.Stream, cancellationToken)
            .ConfigureAwait(Ending.OnLoop);

        try
        {
            if (endPoint.AddressFamily != AddressFamily.Unix)
            {
                FSharp.SocketOptions.setReuseAddress(descriptor, true);
            }

            var bind = SocketRequest.bind(descriptor, endPoint);
            await loop.Start(in bind, cancellationToken).ConfigureAwait(Ending.OnLoop);
            var listen = SocketRequest.listen(descriptor, backlog);
            await loop.Start(in listen, cancellationToken).ConfigureAwait(Ending.OnLoop);
            return descriptor;
        }
        catch
        {
            await loop.CloseDescriptor(descriptor).ConfigureAwait(Ending.OnLoop);
            throw;
        }
    }

    internal static async ValueTask<FileDescriptor> BindAsync(
        Loop loop,
        EndPoint endPoint,
        CancellationToken cancellationToken)
    {
        var descriptor = await CreateAsync(loop, endPoint.AddressFamily, SocketType.Dgram, cancellationToken)
            .ConfigureAwait(Ending.OnLoop);

        try
        {
            var bind = SocketRequest.bind(descriptor, endPoint);
            await loop.Start(in bind, cancellationToken).ConfigureAwait(Ending.OnLoop);
            return descriptor;
        }
        catch
        {
            await loop.CloseDescriptor(descriptor).ConfigureAwait(Ending.OnLoop);
            throw;
        }
    }

    /// <summary>Names have to be resolved before: which of several addresses to try is the caller's decision.</summary>
    internal static void Check(EndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);

        if (endPoint is DnsEndPoint)
        {
            throw new ArgumentException(
                "A name has to be resolved first: use Dns.GetHostAddressesAsync.",
                nameof(endPoint));
        }
    }

    private static async ValueTask<FileDescriptor> CreateAsync(
        Loop loop,
        AddressFamily family,
        SocketType type,
        CancellationToken cancellationToken,
        bool isDirect = false)
    {
        var protocol = (family, type) switch
        {
            (AddressFamily.Unix, _) => ProtocolType.Unspecified,
            (_, SocketType.Dgram) => ProtocolType.Udp,
            _ => ProtocolType.Tcp,
        };

        var request = isDirect
            ? SocketRequest.socketDirect(family, type, protocol)
            : SocketRequest.socket(family, type, protocol);

        var number = await loop.Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
        return loop.OwnAs(isDirect, number);
    }
}
