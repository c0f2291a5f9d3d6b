// Files in the ring's own table, and the process's standard streams.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Uring.Driver;
using Uring.FSharp;

namespace Uring;

public sealed partial class UringFile
{
    /// <summary>It is a slot of the ring's own table, and has no descriptor of the process.</summary>
    public bool IsDirect => descriptor.IsDirect;

    /// <summary>
    /// Opens a file into a free slot of the ring's own table (<see cref="RingOptions.DirectDescriptors"/>): cheaper for the
    /// kernel, and beyond the process's limit of descriptors. Its <see cref="GetStatusAsync"/> costs a
    /// descriptor for a moment, and a directory is opened, too. Linux 5.19; see man io_uring_prep_openat_direct(3).
    /// </summary>
    /// <param name="path">Relative to the current directory, or absolute.</param>
    /// <param name="mode">
    /// <see cref="FileMode.Append"/> writes at the end of the file, whatever offset a write names.
    /// </param>
    /// <param name="access">What will be done with it. Append needs Write; Create, CreateNew and Truncate need a Write.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Asks for the end of a slow open; a file that was open by then is given to you.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character, or
    /// <paramref name="mode"/> and <paramref name="access"/> do not go together.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">Permissions forbid it.</exception>
    /// <exception cref="IOException">It exists already (CreateNew), no slot is free (ENFILE, 23), or another error; HResult is
    /// the errno.</exception>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public static ValueTask<UringFile> OpenDirectAsync(
        string path,
        FileMode mode = FileMode.Open,
        FileAccess access = FileAccess.Read,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        var request = FileRequest.openPathDirect(path, FileOpening.Flags(mode, access), FileOpening.NewFileMode);
        return OpenDirectAsync(Ring.LoopFor(ring), request, path, access, cancellationToken);
    }

    private static async ValueTask<UringFile> OpenDirectAsync(
        Loop loop,
        Request request,
        string path,
        FileAccess access,
        CancellationToken cancellationToken)
    {
        var slot = await PathOperation.PerformAsync(loop, request, path, cancellationToken).ConfigureAwait(Ending.OnLoop);
        return new UringFile(loop, loop.OwnDirect(slot), path, access);
    }

    /// <summary>
    /// Gives a direct file a descriptor of the process. Both are the same open file, and each is to be disposed of. Linux 6.8;
    /// see man io_uring_prep_fixed_fd_install(3).
    /// </summary>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="InvalidOperationException">It has a descriptor of the process already.</exception>
    /// <exception cref="IOException">No descriptor is left (EMFILE, 24).</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    public ValueTask<UringFile> InstallAsync(CancellationToken cancellationToken = default) =>
        InstallAsync(false, cancellationToken);

    /// <summary>As <see cref="InstallAsync(CancellationToken)"/>, with a choice.</summary>
    /// <param name="inherited">Programs that this process executes inherit the descriptor (no O_CLOEXEC).</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="InvalidOperationException">It has a descriptor of the process already.</exception>
    /// <exception cref="IOException">No descriptor is left (EMFILE, 24).</exception>
    /// <exception cref="PlatformNotSupportedException">The kernel is older than 6.8.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    public async ValueTask<UringFile> InstallAsync(bool inherited, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        var request = inherited ? FileRequest.installInherited(descriptor) : FileRequest.install(descriptor);
        var number = await loop.Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
        return new UringFile(loop, loop.Own(number), Path, access, isNamed);
    }

    /// <summary>
    /// Puts the file into a free slot of the ring's own table (<see cref="RingOptions.DirectDescriptors"/>). Both are the same
    /// open file, and each is to be disposed of. Linux 6.0; see man io_uring_prep_files_update(3).
    /// </summary>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <exception cref="InvalidOperationException">It is there already.</exception>
    /// <exception cref="IOException">No slot is free (ENFILE, 23), or there is no table (ENXIO, 6); HResult is the errno.</exception>
    /// <exception cref="ObjectDisposedException">The file or its ring was disposed of.</exception>
    public async ValueTask<UringFile> MakeDirectAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        var request = FileRequest.makeDirect(descriptor);
        await loop.Start(in request, cancellationToken).ConfigureAwait(Ending.OnLoop);
        return new UringFile(loop, loop.OwnDirect(FileRequest.slotOf(request)), Path, access, isNamed);
    }

    /// <summary>
    /// As <see cref="MakeDirectAsync(CancellationToken)"/>, for several files by one operation: all of them, or none. See
    /// man io_uring_prep_files_update(3).
    /// </summary>
    /// <param name="files">At least one; of one ring.</param>
    /// <param name="cancellationToken">Asks for its end.</param>
    /// <returns>Direct files, in the order of <paramref name="files"/>, which stay open.</returns>
    /// <exception cref="ArgumentException">They belong to several rings.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There are none.</exception>
    /// <exception cref="InvalidOperationException">One of them is direct already.</exception>
    /// <exception cref="IOException">There are not enough free slots (ENFILE, 23).</exception>
    /// <exception cref="ObjectDisposedException">One of them, or the ring, was disposed of.</exception>
    public static async ValueTask<IReadOnlyList<UringFile>> MakeDirectAsync(
        IReadOnlyList<UringFile> files,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentOutOfRangeException.ThrowIfZero(files.Count, nameof(files));
        var home = files[0].loop;

        if (files.Any(file => !ReferenceEquals(file.loop, home)))
        {
            throw new ArgumentException("They belong to several rings.", nameof(files));
        }

        var making = DirectSlots.makeAllDirect(home, [.. files.Select(file => file.descriptor)], cancellationToken);
        var made = await making.ConfigureAwait(Ending.OnLoop);

        return [.. files.Zip(
            made,
            (file, direct) => new UringFile(home, direct, file.Path, file.access, file.isNamed))];
    }

    /// <summary>
    /// Hands a direct file on to another ring's table: the result belongs to that ring, and this one is disposed of. Linux
    /// 6.0; see man io_uring_prep_msg_ring_fd_alloc(3).
    /// </summary>
    /// <param name="ring">Which, with <see cref="RingOptions.DirectDescriptors"/>.</param>
    /// <param name="cancellationToken">Asks for its end; then the file stays.</param>
    /// <exception cref="ArgumentException">The file is on this ring already.</exception>
    /// <exception cref="InvalidOperationException">It is not direct.</exception>
    /// <exception cref="IOException">The other has no table or no free slot (ENFILE, 23): the file stays.</exception>
    /// <exception cref="ObjectDisposedException">The file or one of the rings was disposed of.</exception>
    public ValueTask<UringFile> MoveToAsync(Ring ring, CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        ArgumentNullException.ThrowIfNull(ring);
        ObjectDisposedException.ThrowIf(ring.Loop.IsStopping, ring);
        return MoveAsync(ring.Loop, cancellationToken);
    }

    private async ValueTask<UringFile> MoveAsync(Loop target, CancellationToken cancellationToken)
    {
        var arrived = await FileModule.moved(target, descriptor, cancellationToken).ConfigureAwait(Ending.OnLoop);
        return new(target, arrived, Path, access, isNamed);
    }

    /// <summary>
    /// Standard input, for <see cref="ReadNextAsync"/> and <see cref="ReadAllAsync(CancellationToken)"/>. Disposing of it does
    /// nothing: it is the process's.
    /// </summary>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public static UringFile StandardInput(Ring? ring = null) => Standard(0, "standard input", FileAccess.Read, ring);

    /// <summary>
    /// Standard output, for <see cref="WriteNextAllAsync"/>. Disposing of it does nothing: it is the process's.
    /// </summary>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public static UringFile StandardOutput(Ring? ring = null) => Standard(1, "standard output", FileAccess.Write, ring);

    /// <summary>
    /// Standard error, for <see cref="WriteNextAllAsync"/>. Disposing of it does nothing: it is the process's.
    /// </summary>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <exception cref="ObjectDisposedException">The ring was disposed of.</exception>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public static UringFile StandardError(Ring? ring = null) => Standard(2, "standard error", FileAccess.Write, ring);

    private static UringFile Standard(int number, string name, FileAccess access, Ring? ring)
    {
        var loop = Ring.LoopFor(ring);
        ObjectDisposedException.ThrowIf(loop.IsStopping, typeof(Ring));
        return new UringFile(loop, loop.Borrow(number), name, access);
    }
}
