// The operations of a chain: wraps Api/Chains.fs.
using System;
using System.Collections.Generic;
using System.Net.Sockets;
using Uring.Driver;
using Uring.FSharp;
using Uring.Model;

namespace Uring;

/// <summary>
/// Operations that the kernel runs one after another without coming back in between: see <see cref="Ring.ChainAsync"/>. Each
/// waits for the success of the one before it. What counts as a failure is the kernel's decision: a failed read, write or
/// sync does, and so does a short read; a failed <see cref="Delete"/> or <see cref="Move"/> does not (Linux 6.18).
/// </summary>
public sealed partial class UringChain
{
    private readonly Loop loop;
    private readonly List<BoundedStep<Request>> steps = [];

    internal UringChain(Loop loop) => this.loop = loop;

    internal IReadOnlyList<BoundedStep<Request>> Steps => steps;

    /// <summary>Reads; fewer bytes than <c>buffer.Length</c> end the chain. See man io_uring_prep_read(3).</summary>
    /// <param name="file">A file of the ring.</param>
    /// <param name="buffer">The kernel's until the chain has ended.</param>
    /// <param name="offset">Bytes from the start of the file.</param>
    /// <exception cref="ArgumentException">The file belongs to another ring.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed of.</exception>
    public UringChain Read(UringFile file, Memory<byte> buffer, long offset) =>
        Add(FileRequest.read(Ours(file), buffer, offset));

    /// <summary>Writes; fewer bytes than <c>buffer.Length</c> end the chain. See man io_uring_prep_write(3).</summary>
    /// <param name="file">A file of the ring.</param>
    /// <param name="buffer">The kernel's until the chain has ended.</param>
    /// <param name="offset">Bytes from the start of the file.</param>
    /// <exception cref="ArgumentException">The file belongs to another ring.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="offset"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed of.</exception>
    public UringChain Write(UringFile file, ReadOnlyMemory<byte> buffer, long offset) =>
        Add(FileRequest.write(Ours(file), buffer, offset));

    /// <summary>Waits until a file is on its device. See man io_uring_prep_fsync(3).</summary>
    /// <param name="file">A file of the ring.</param>
    /// <param name="dataOnly">Not what describes it, such as its times.</param>
    /// <exception cref="ArgumentException">The file belongs to another ring.</exception>
    /// <exception cref="ObjectDisposedException">The file was disposed of.</exception>
    public UringChain Sync(UringFile file, bool dataOnly = false) => Add(FileRequest.sync(Ours(file), dataOnly));

    /// <summary>Gives a file another name, and replaces what has it. See man io_uring_prep_renameat(3).</summary>
    /// <param name="source">What to move.</param>
    /// <param name="destination">Its new name, on the same file system.</param>
    public UringChain Move(string source, string destination) => Add(FileRequest.rename(source, destination));

    /// <summary>Removes the name of a file. See man io_uring_prep_unlinkat(3).</summary>
    /// <param name="path">Its name.</param>
    public UringChain Delete(string path) => Add(FileRequest.unlink(path));

    /// <summary>Sends what the kernel takes at once. See man io_uring_prep_send(3).</summary>
    /// <param name="socket">A socket of the ring.</param>
    /// <param name="buffer">The kernel's until the chain has ended.</param>
    /// <exception cref="ArgumentException">The socket belongs to another ring.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public UringChain Send(UringSocket socket, ReadOnlyMemory<byte> buffer) =>
        Add(SocketRequest.send(Ours(socket), buffer));

    /// <summary>Receives what comes, up to <c>buffer.Length</c> bytes. See man io_uring_prep_recv(3).</summary>
    /// <param name="socket">A socket of the ring.</param>
    /// <param name="buffer">The kernel's until the chain has ended.</param>
    /// <exception cref="ArgumentException">The socket belongs to another ring.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public UringChain Receive(UringSocket socket, Memory<byte> buffer) =>
        Add(SocketRequest.receive(Ours(socket), buffer));

    /// <summary>Ends one direction of a connection, or both. See man io_uring_prep_shutdown(3).</summary>
    /// <param name="socket">A socket of the ring.</param>
    /// <param name="how">Which.</param>
    /// <exception cref="ArgumentException">The socket belongs to another ring.</exception>
    /// <exception cref="ObjectDisposedException">The socket was disposed of.</exception>
    public UringChain Shutdown(UringSocket socket, SocketShutdown how) =>
        Add(SocketRequest.shutdown(Ours(socket), how.Checked()));

    /// <summary>
    /// Bounds the operation before it: when its time is over it is cancelled, and the chain with it unless
    /// <see cref="Always"/> follows. See man io_uring_prep_link_timeout(3).
    /// </summary>
    /// <param name="limit">How long it may take, from when it begins.</param>
    /// <exception cref="InvalidOperationException">There is no operation before it, or that has a limit.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="limit"/> is negative.</exception>
    public UringChain Within(TimeSpan limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, TimeSpan.Zero);
        var last = Last();

        if (last.Limit.IsValueSome)
        {
            throw new InvalidOperationException("The operation has a limit already.");
        }

        return Replace(new(last.Step, FSharp.Uring.within(limit), last.Link));
    }

    /// <summary>
    /// The next operation waits for the end of the one before it, whatever came of it. See man io_uring_linked_requests(7).
    /// </summary>
    /// <exception cref="InvalidOperationException">There is no operation before it.</exception>
    public UringChain Always()
    {
        var last = Last();
        return Replace(new(last.Step, last.Limit, Link.Hard));
    }

    private BoundedStep<Request> Last()
    {
        ObjectDisposedException.ThrowIf(loop.IsStopping, typeof(Ring));
        return steps.Count > 0 ? steps[^1] : throw new InvalidOperationException("There is no operation before it.");
    }

    private UringChain Replace(BoundedStep<Request> step)
    {
        steps[^1] = step;
        return this;
    }

    private UringChain Add(Request request)
    {
        ObjectDisposedException.ThrowIf(loop.IsStopping, typeof(Ring));
        steps.Add(new(request, default, Link.Soft));
        return this;
    }

    private FileDescriptor Ours(UringFile file, string name = "file")
    {
        ArgumentNullException.ThrowIfNull(file, name);
        ObjectDisposedException.ThrowIf(file.IsClosed, file);
        return Ours(file.Descriptor, name);
    }

    private FileDescriptor Ours(UringSocket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ObjectDisposedException.ThrowIf(socket.IsClosed, socket);
        return Ours(socket.Descriptor, nameof(socket));
    }

    private FileDescriptor Ours(FileDescriptor descriptor, string name) =>
        ReferenceEquals(descriptor.Home, loop)
            ? descriptor
            : throw new ArgumentException("It belongs to another ring, and a chain runs on one.", name);
}
