// A pipe: wraps Api/Pipe.fs.
using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;

namespace Uring;

/// <summary>
/// Both ends of a pipe, which has room for 64 KiB. What reads waits for what is written, and the other way round; when the
/// writer has been disposed of, reading gives 0, and when the reader has, writing fails with EPIPE (32).
/// </summary>
public sealed class UringPipe : IAsyncDisposable, IDisposable
{
    private UringPipe(UringFile reader, UringFile writer)
    {
        Reader = reader;
        Writer = writer;
    }

    /// <summary>The end to read from.</summary>
    public UringFile Reader { get; }

    /// <summary>The end to write to.</summary>
    public UringFile Writer { get; }

    /// <summary>
    /// Makes a pipe. Before Linux 6.16 by a system call on the ring's thread; see man pipe2(2).
    /// </summary>
    /// <param name="modes">Packets, and where the ends live.</param>
    /// <param name="ring">
    /// Where its operations go; without one, to the ring on whose thread this runs, else to <see cref="Ring.Default"/>.
    /// </param>
    /// <param name="cancellationToken">Asks for its end; a pipe that was made by then is given to you.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such mode.</exception>
    /// <exception cref="IOException">No descriptor is left (EMFILE, 24), or no slot of the ring's own table
    /// (ENFILE, 23); HResult is the errno.</exception>
    /// <exception cref="PlatformNotSupportedException">Direct, and the kernel is older than 6.16.</exception>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public static ValueTask<UringPipe> CreateAsync(
        PipeModes modes = PipeModes.None,
        Ring? ring = null,
        CancellationToken cancellationToken = default) =>
        CreateAsync(Ring.LoopFor(ring), (FSharp.PipeModes)modes.Checked(), cancellationToken);

    private static async ValueTask<UringPipe> CreateAsync(
        Loop loop,
        FSharp.PipeModes modes,
        CancellationToken cancellationToken)
    {
        var request = FileRequest.pipe(modes);
        await loop.Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
        var (reader, writer) = PipeModule.own(loop, modes, request);

        return new UringPipe(
            new UringFile(loop, reader, "pipe (end to read)", FileAccess.Read, isNamed: false),
            new UringFile(loop, writer, "pipe (end to write)", FileAccess.Write, isNamed: false));
    }

    /// <summary>Disposes of both ends: what is in flight on them is cancelled, and awaited.</summary>
    public async ValueTask DisposeAsync()
    {
        await Writer.DisposeAsync().ConfigureAwait(Ending.OnLoop);
        await Reader.DisposeAsync().ConfigureAwait(Ending.OnLoop);
    }

    /// <summary>Begins what <see cref="DisposeAsync"/> does and returns at once; the ring finishes it.</summary>
    public void Dispose()
    {
        Writer.Dispose();
        Reader.Dispose();
    }
}
