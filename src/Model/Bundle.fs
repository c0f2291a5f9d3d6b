// Decides how a queue of outgoing buffers goes on after a bundled send has ended. Knows no buffer and no socket.
// Tested in BundleLaws.fs; driven by Driver/SendBuffers.fs. Source: man io_uring_prep_send_bundle(3), and measured.
namespace Uring.Model

/// What to do after the last completion of a bundled send.
///
/// The kernel takes the buffers of a bundle when it chooses them. If the connection breaks in the middle it says how many
/// bytes have gone, and it has the rest of the buffers no more: to arm again would end with ENOBUFS, for ever.
///
/// Laws
///  1. what was filled while a bundle went out is sent by the next one
///  2. after a bundle that came short the rest is sent from the first unsent byte on, one by one: so the error behind it is
///     heard, and nothing is lost or sent twice
///  3. buffers that were published and that the kernel does not find are gone there: they are sent one by one as well
///  4. any other error is the connection's end
[<Struct; RequireQualifiedAccess>]
type BundleVerdict =
    /// The next bundle, if there is anything to send.
    | Again
    /// No more bundles: what is left is sent one by one.
    | OneByOne
    /// The connection has failed.
    | Fail

/// The rule of bundled sends; see `BundleVerdict` for the laws.
[<RequireQualifiedAccess>]
module Bundle =

    /// `result` is the last completion's; `isShort` says that it ended in the middle of a buffer, `hasSent` that this send
    /// had an earlier completion.
    let ended (result: int) (isShort: bool) (hasSent: bool) : BundleVerdict =
        if not (Errno.isError result) then
            if isShort then BundleVerdict.OneByOne else BundleVerdict.Again
        else
            match Errno.ofResult result with
            | Errno.ENOBUFS when hasSent -> BundleVerdict.Again
            | Errno.ENOBUFS -> BundleVerdict.OneByOne
            // An open set: every other error is the connection's.
            | _ -> BundleVerdict.Fail
