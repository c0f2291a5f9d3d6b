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
    internal static ValueTask<FileDescriptor> ConnectAsync(
        SocketMaker maker,
        EndPoint endPoint,
        bool isDirect,
        CancellationToken cancellationToken) =>
        MakeAsync(
            maker,
            endPoint,
            SocketType.Stream,
            isDirect,
            descriptor => StartAsync(maker, SocketRequest.connect(descriptor, endPoint), cancellationToken),
            cancellationToken);

    internal static ValueTask<FileDescriptor> ListenAsync(
        SocketMaker maker,
        EndPoint endPoint,
        int backlog,
        bool isDirect,
        CancellationToken cancellationToken) =>
        MakeAsync(
            maker,
            endPoint,
            SocketType.Stream,
            isDirect,
            async descriptor =>
            {
                if (endPoint.AddressFamily != AddressFamily.Unix)
                {
                    await ReuseAddressAsync(descriptor, cancellationToken).ConfigureAwait(Ending.OnLoop);
                }

                await StartAsync(maker, SocketRequest.bind(descriptor, endPoint), cancellationToken).ConfigureAwait(Ending.OnLoop);
                await StartAsync(maker, SocketRequest.listen(descriptor, backlog), cancellationToken).ConfigureAwait(Ending.OnLoop);
            },
            cancellationToken);

    internal static ValueTask<FileDescriptor> BindAsync(
        SocketMaker maker,
        EndPoint endPoint,
        CancellationToken cancellationToken) =>
        MakeAsync(
            maker,
            endPoint,
            SocketType.Dgram,
            isDirect: false,
            descriptor => StartAsync(maker, SocketRequest.bind(descriptor, endPoint), cancellationToken),
            cancellationToken);

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

    /// <summary>As socket(2): nothing is decided for the caller.</summary>
    internal static async ValueTask<FileDescriptor> CreateAsync(
        SocketMaker maker,
        AddressFamily family,
        SocketType type,
        ProtocolType protocol,
        bool isDirect,
        CancellationToken cancellationToken)
    {
        var request = isDirect
            ? SocketRequest.socketDirect(family, type, protocol)
            : SocketRequest.socket(family, type, protocol);

        var number = await maker.Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
        return maker.Loop.OwnAs(isDirect, number);
    }

    internal static ValueTask StartAsync(SocketMaker maker, in Request request, CancellationToken cancellationToken) =>
        maker.StartEffect(in request, cancellationToken);

    private static async ValueTask<FileDescriptor> MakeAsync(
        SocketMaker maker,
        EndPoint endPoint,
        SocketType type,
        bool isDirect,
        Func<FileDescriptor, ValueTask> steps,
        CancellationToken cancellationToken)
    {
        var family = endPoint.AddressFamily;

        var protocol = (family, type) switch
        {
            (AddressFamily.Unix, _) => ProtocolType.Unspecified,
            (_, SocketType.Dgram) => ProtocolType.Udp,
            _ => ProtocolType.Tcp,
        };

        var descriptor = await CreateAsync(maker, family, type, protocol, isDirect, cancellationToken)
            .ConfigureAwait(Ending.OnLoop);

        try
        {
            await steps(descriptor).ConfigureAwait(Ending.OnLoop);
            return descriptor;
        }
        catch
        {
            await maker.Loop.CloseDescriptor(descriptor).ConfigureAwait(Ending.OnLoop);
            throw;
        }
    }

    // The ring has a way to a direct descriptor's options; a call is quicker.
    private static async ValueTask ReuseAddressAsync(FileDescriptor descriptor, CancellationToken cancellationToken)
    {
        if (descriptor.IsDirect)
        {
            var option = SocketOption.reuseAddress;
            var value = option.Encode(true);
            await Command.setOption(descriptor, option.Level, option.Name, value, cancellationToken).ConfigureAwait(Ending.OnLoop);
        }
        else
        {
            FSharp.SocketOptions.setReuseAddress(descriptor, true);
        }
    }
}
