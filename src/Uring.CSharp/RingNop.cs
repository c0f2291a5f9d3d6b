// What a NOP meets on its way: wraps Api/Nop.fs.
using System;
using Uring.FSharp;

namespace Uring;

/// <summary>
/// What an operation that does nothing meets on its way: what an operation on a file would, or on registered memory. For
/// <see cref="Ring.NopAsync(RingNop, System.Threading.CancellationToken)"/>.
/// </summary>
public sealed class RingNop
{
    // MAX_ERRNO: what is below is no error.
    internal const int MostErrno = 4095;

    private readonly int result;

    /// <summary>
    /// What it ends with; an error number, negative, is raised as if an operation had met it. Linux 6.10. Defaults to 0.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is below -4095, which is no error.</exception>
    public int Result
    {
        get => result;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, -MostErrno);
            result = value;
        }
    }

    /// <summary>A file that is looked up, direct or not (IORING_NOP_FILE). Linux 6.13. Defaults to none.</summary>
    public UringFile? File { get; init; }

    /// <summary>A socket that is looked up, direct or not (IORING_NOP_FILE). Linux 6.13. Defaults to none.</summary>
    public UringSocket? Socket { get; init; }

    /// <summary>A registered buffer that is looked up (IORING_NOP_FIXED_BUFFER). Linux 6.13. Defaults to none.</summary>
    public RegisteredBuffer? Buffer { get; init; }

    /// <summary>
    /// It ends by task work, as what had to wait does (IORING_NOP_TW), and not where it begins. Linux 6.17. Defaults to
    /// false.
    /// </summary>
    public bool ByTaskWork { get; init; }

    internal NopOptions Checked(string parameter)
    {
        if (File is not null && Socket is not null)
        {
            throw new ArgumentException("It looks up a file or a socket, not both.", parameter);
        }

        var descriptor = File?.Descriptor ?? Socket?.Descriptor;
        ObjectDisposedException.ThrowIf(descriptor is { IsClosed: true }, (object?)File ?? Socket!);
        return new NopOptions(Result, descriptor, Buffer?.Core, ByTaskWork);
    }
}
