// Decides how a transfer that must be complete goes on after a short result. Knows no buffer.
// Tested in TransferLaws.fs; driven by Driver/Operation.fs.
namespace Uring.Model

/// What to do after a result.
///
/// Laws
///  1. it ends with all bytes, or with an error, or when nothing more is taken: never short without a reason
///  2. what was transferred is never transferred again, and nothing is left out
///  3. it ends: each step but the last transfers something
[<Struct; RequireQualifiedAccess>]
type TransferVerdict =
    /// Submit the rest.
    | Again
    /// All bytes have been transferred.
    | Complete
    /// It ends short: with an error, or because nothing more is taken.
    | Broken

/// The steps of a transfer; see `TransferVerdict` for the laws.
[<RequireQualifiedAccess>]
module Transfer =

    /// Bytes that are left when `result` of `left` came back.
    let rest left (result: int) = if result > 0 then left - result else left

    /// `left` bytes were submitted, with this result.
    let next left (result: int) =
        if result <= 0 then TransferVerdict.Broken
        elif result >= left then TransferVerdict.Complete
        else TransferVerdict.Again
