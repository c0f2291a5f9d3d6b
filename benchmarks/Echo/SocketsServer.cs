// The same echo server on System.Net.Sockets, as one writes it today: one async method and one buffer for each connection,
// and the overloads that allocate nothing per call.
using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Uring.Benchmarks;

internal static class SocketsServer
{
    internal static async Task RunAsync(int bufferSize, CancellationToken stop)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(4096);
        Console.WriteLine(((IPEndPoint)listener.LocalEndPoint!).Port);

        while (true)
        {
            var connection = await listener.AcceptAsync(stop);
            connection.NoDelay = true;
            _ = EchoAsync(connection, bufferSize);
        }
    }

    private static async Task EchoAsync(Socket connection, int bufferSize)
    {
        using (connection)
        {
            var buffer = new byte[bufferSize];

            try
            {
                while (await connection.ReceiveAsync(buffer.AsMemory()) is > 0 and var count)
                {
                    for (var sent = 0; sent < count;)
                    {
                        sent += await connection.SendAsync(buffer.AsMemory(sent, count - sent));
                    }
                }
            }
            catch (SocketException)
            {
                // The peer broke the connection: the others go on.
            }
        }
    }
}
