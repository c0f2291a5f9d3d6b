// Files in the ring's own table, and the process's standard streams.
using System;
using System.IO;
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
    /// kernel, and beyond the process's limit of descriptors. Such a file has no <see cref="GetStatusAsync(CancellationToken)"/>, and a directory
    /// is opened, too. Linux 5.19; see man io_uring_prep_openat_direct(3).
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
        return OpenDirectAsync(Ring.LoopFor(ring), request, path, path, access, cancellationToken);
    }

    /// <summary>
    /// Opens a file into a free slot of the ring's own table by options, as
    /// <see cref="OpenDirectAsync(string, FileMode, FileAccess, Ring?, CancellationToken)"/> does. Linux 5.19; see
    /// man io_uring_prep_openat_direct(3).
    /// </summary>
    /// <param name="path">Relative to the current directory, or absolute.</param>
    /// <param name="options">How it is opened.</param>
    /// <param name="ring">Without one: the ring on whose thread this runs, else <see cref="Ring.Default"/>.</param>
    /// <param name="cancellationToken">Asks for the end of a slow open; a file that was open by then is given to you.</param>
    /// <exception cref="ArgumentException"><paramref name="path"/> is empty or contains a zero character, or
    /// <paramref name="options"/> make no sense.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="DirectoryNotFoundException">The directory that it should be in is missing.</exception>
    /// <exception cref="UnauthorizedAccessException">Permissions forbid it.</exception>
    /// <exception cref="IOException">It exists already (CreateNew), no slot is free (ENFILE, 23), or another error; HResult is
    /// the errno.</exception>
    /// <exception cref="UringUnavailableException">No ring can be had here; the message names cause and remedy.</exception>
    public static ValueTask<UringFile> OpenDirectAsync(
        string path,
        FileOpenOptions options,
        Ring? ring = null,
        CancellationToken cancellationToken = default)
    {
        var flags = FileOpenOptions.Checked(options);
        var request = FileRequest.openPathDirect(path, flags, options.CreateMode);
        return OpenDirectAsync(Ring.LoopFor(ring), request, path, path, options.Allowed, cancellationToken);
    }

    /// <summary>When the kernel finds nothing, the directory of <paramref name="missing"/> is looked for.</summary>
    internal static async ValueTask<UringFile> OpenDirectAsync(
        Loop loop,
        Request request,
        string path,
        string missing,
        FileAccess access,
        CancellationToken cancellationToken)
    {
        var slot = await PathOperation.PerformAsync(loop, request, missing, cancellationToken).ConfigureAwait(Ending.OnLoop);
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
    public async ValueTask<UringFile> InstallAsync(CancellationToken cancellationToken = default)
    {
        ThrowIfClosed();
        var request = FileRequest.install(descriptor);
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
