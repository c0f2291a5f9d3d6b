// A slot of the ring's own table that the program chooses: wraps Driver/DirectSlot.fs and Api/SlotRequest.fs.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;

namespace Uring;

/// <summary>
/// A slot of the ring's own table that is yours to fill and to empty (<see cref="RingOptions.ReservedDescriptors"/>, Linux
/// 6.0). Its number is known before anything is in it, so that the steps of one chain can fill it, work on it and empty it:
/// <c>chain.Open(slot, path).Read(slot.File, buffer, 0).Close(slot)</c>. Made by <see cref="Ring.GetSlot"/>; two of the same
/// number are the same slot.
/// </summary>
public sealed class RingSlot
{
    internal RingSlot(Loop loop, int number)
    {
        Core = new DirectSlot(loop, number);
        File = new UringFile(loop, Core.Descriptor, $"slot {number}", FileAccess.ReadWrite);
        Socket = new UringSocket(loop, loop.BorrowDirect(number));
    }

    /// <summary>Which slot, from 0 on.</summary>
    public int Number => Core.Number;

    /// <summary>
    /// What is in the slot, as a file; what it was opened for, the kernel knows. Disposing of it does nothing.
    /// </summary>
    public UringFile File { get; }

    /// <summary>What is in the slot, as a socket. Disposing of it does nothing.</summary>
    public UringSocket Socket { get; }

    internal DirectSlot Core { get; }

    /// <summary>
    /// Opens a file into the slot, in place of what is there. See man io_uring_prep_openat_direct(3).
    /// </summary>
    /// <param name="path">Relative to the current directory, or absolute.</param>
    /// <param name="mode">As for FileStream.</param>
    /// <param name="access">What will be done with it.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character, or
    /// <paramref name="mode"/> and <paramref name="access"/> do not go together.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">Permissions forbid it.</exception>
    /// <exception cref="IOException">Another error; HResult is the errno.</exception>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    public async ValueTask OpenAsync(
        string path,
        FileMode mode = FileMode.Open,
        FileAccess access = FileAccess.Read,
        CancellationToken cancellationToken = default)
    {
        var request = Opening(path, mode, access);
        _ = await PathOperation.PerformAsync(Core.Loop, request, path, cancellationToken).ConfigureAwait(Ending.OnLoop);
    }

    /// <summary>
    /// Takes one connection into the slot, in place of what is there. See man io_uring_prep_accept_direct(3).
    /// </summary>
    /// <param name="listener">On the slot's own ring.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="ArgumentException"><paramref name="listener"/> is another ring's.</exception>
    /// <exception cref="ObjectDisposedException">The listener or the ring was disposed of.</exception>
    public async ValueTask AcceptAsync(UringListener listener, CancellationToken cancellationToken = default)
    {
        var request = Accepting(listener);
        _ = await Core.Loop.Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
    }

    /// <summary>
    /// Puts open files into this slot and those behind it, in place of what is there. They stay open: both are the same. See
    /// man io_uring_prep_files_update(3).
    /// </summary>
    /// <param name="files">At least one; of the slot's own ring.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>How many were put: fewer when one in the middle could not be.</returns>
    /// <exception cref="ArgumentException">One of them is another ring's.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are none, or more than slots from here on.</exception>
    /// <exception cref="InvalidOperationException">One of them is direct already.</exception>
    /// <exception cref="ObjectDisposedException">One of them, or the ring, was disposed of.</exception>
    public ValueTask<int> PutAsync(IReadOnlyList<UringFile> files, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentOutOfRangeException.ThrowIfZero(files.Count, nameof(files));
        var descriptors = files.Select(file => file.Descriptor).ToArray();

        if (descriptors.Any(one => !ReferenceEquals(one.Home, Core.Loop)))
        {
            throw new ArgumentException("A file belongs to another ring.", nameof(files));
        }

        return new(DirectSlots.putOn(Core, descriptors, cancellationToken));
    }

    /// <summary>Empties the slot. See man io_uring_prep_close_direct(3).</summary>
    /// <param name="cancellationToken">Looked at before it begins.</param>
    /// <exception cref="ObjectDisposedException">Nothing is in it (EBADF), or the ring was disposed of.</exception>
    public async ValueTask CloseAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var request = SlotRequest.close(Core);
        _ = await Core.Loop.Start(in request, CancellationToken.None).ConfigureAwait(Ending.OnLoop);
    }

    internal Request Opening(string path, FileMode mode, FileAccess access) =>
        SlotRequest.openPath(Core, path, FileOpening.Flags(mode, access), FileOpening.NewFileMode);

    internal Request Making(AddressFamily family, SocketType kind, ProtocolType protocol) =>
        SlotRequest.socket(Core, family, kind, protocol);

    internal Request Accepting(UringListener listener)
    {
        ArgumentNullException.ThrowIfNull(listener);
        ObjectDisposedException.ThrowIf(listener.IsClosed, listener);

        return ReferenceEquals(listener.Descriptor.Home, Core.Loop)
            ? SlotRequest.accept(Core, listener.Descriptor)
            : throw new ArgumentException("It belongs to another ring.", nameof(listener));
    }
}
