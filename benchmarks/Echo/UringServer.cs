// An echo server as an application would write it on Uring: one async method for each connection, all on the ring's own
// thread, so that nothing is handed from thread to thread. Each lease is sent as it came, without a copy.
using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Uring.Benchmarks;

internal static class UringServer
{
    internal static async Task RunAsync(int buffers, int bufferSize, CancellationToken stop)
    {
        await using var ring = new Ring();
        await ring.RunAsync(() => ServeAsync(ring, buffers, bufferSize, stop), stop);
    }

    private static async ValueTask ServeAsync(Ring ring, int buffers, int bufferSize, CancellationToken stop)
    {
        var pool = await ring.CreateBufferPoolAsync(buffers, bufferSize, stop);
        var endPoint = new IPEndPoint(IPAddress.Loopback, 0);
        await using var listener = await UringListener.ListenAsync(endPoint, backlog: 4096, cancellationToken: stop);
        Console.WriteLine(((IPEndPoint)listener.LocalEndPoint).Port);

        await foreach (var connection in listener.AcceptAllAsync(stop))
        {
            connection.NoDelay = true;
            _ = EchoAsync(connection, pool);
        }
    }

    private static async Task EchoAsync(UringSocket connection, BufferPool pool)
    {
        await using (connection)
        {
            await using var answers = connection.CreateLeaseQueue();

            try
            {
                await foreach (var lease in connection.ReceiveAllAsync(pool))
                {
                    // Handed on: its buffer goes back when the kernel has sent it. Only a full queue has to be waited for.
                    if (!answers.TrySend(lease))
                    {
                        await answers.SendAsync(lease);
                    }
                }

                await answers.FlushAsync();
            }
            catch (SocketException)
            {
                // The peer broke the connection: the others go on.
            }
            catch (OperationCanceledException)
            {
                // The ring ends.
            }
        }
    }
}
