// What the kernel says of a zero-copy send, for C#: the numbers of Model/ZeroCopyUsage.fs.
namespace Uring;

/// <summary>
/// Whether the kernel has copied what it was to send without a copy, as it does over the loopback device. See
/// man io_uring_prep_send_zc(3), IORING_SEND_ZC_REPORT_USAGE.
/// </summary>
public enum ZeroCopyUsage
{
    /// <summary>Not known: the kernel has not let go of the bytes, or does not say it (before Linux 6.3).</summary>
    Unknown = 0,

    /// <summary>It has read them where they are.</summary>
    NotCopied = 1,

    /// <summary>It has copied them, or some of them. What an older kernel sends is copied.</summary>
    Copied = 2,
}
