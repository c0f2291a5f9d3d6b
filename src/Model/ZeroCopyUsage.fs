// Decides what the notifications of a zero-copy send say of its bytes. Knows no memory.
// Tested in ZeroCopyUsageLaws.fs. Source: man io_uring_prep_send_zc(3), IORING_SEND_ZC_REPORT_USAGE.
namespace Uring.Model

/// Whether the kernel has copied what it was to send without a copy, as it does over the loopback device.
///
/// Laws
///  1. nothing is said unless it was asked for, whatever the result is
///  2. parts in any order and in any groups come to the same, and no part adds anything to itself
///  3. one part that was copied makes the whole copied; the whole is not copied only when every part says so
type ZeroCopyUsage =
    /// Nobody knows: the kernel has not let go of the bytes, or does not say it (before Linux 6.3).
    | Unknown = 0
    /// It has read them where they are.
    | NotCopied = 1
    /// It has copied them, or some of them.
    | Copied = 2

/// How to read it; see `ZeroCopyUsage` for the laws.
[<RequireQualifiedAccess>]
module ZeroCopyUsage =

    /// IORING_NOTIF_USAGE_ZC_COPIED.
    [<Literal>]
    let private CopiedBit = 0x8000_0000u

    /// What a notification says with its result; `isAsked`: with `Submission.reportingUsage`.
    let ofNotification (isAsked: bool) (result: int) : ZeroCopyUsage =
        if not isAsked then ZeroCopyUsage.Unknown
        elif (uint32 result &&& CopiedBit) <> 0u then ZeroCopyUsage.Copied
        else ZeroCopyUsage.NotCopied

    /// Of a send that was made in two parts.
    let both (one: ZeroCopyUsage) (other: ZeroCopyUsage) : ZeroCopyUsage =
        if one = ZeroCopyUsage.Copied || other = ZeroCopyUsage.Copied then
            ZeroCopyUsage.Copied
        elif one = ZeroCopyUsage.NotCopied && other = ZeroCopyUsage.NotCopied then
            ZeroCopyUsage.NotCopied
        else
            ZeroCopyUsage.Unknown
