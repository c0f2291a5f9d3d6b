// The servers that `bench echo` loads: `uring <buffers> <bytes in each>` or `sockets <bytes in each buffer>`.
// Each prints its port on 127.0.0.1 and runs until its input ends.
using System;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;
using Uring.Benchmarks;

using var stop = new CancellationTokenSource();

_ = Task.Run(() =>
{
    Console.In.ReadToEnd();
    stop.Cancel();
});

try
{
    switch (args)
    {
        case ["uring", var count, var size]:
            await UringServer.RunAsync(Number(count), Number(size), stop.Token);
            return 0;
        case ["sockets", var size]:
            await SocketsServer.RunAsync(Number(size), stop.Token);
            return 0;
        default:
            Console.Error.WriteLine("Which server: `uring <buffers> <bytes in each>` or `sockets <bytes in each buffer>`?");
            return 2;
    }
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 0;
}

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
