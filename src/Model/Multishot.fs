// Decides what the last completion of a multishot means for the stream that it fed. Knows no socket and no buffer.
// Tested in MultishotLaws.fs; driven by Driver/Stream.fs.
namespace Uring.Model

/// What to do when a multishot has ended (its completion had no MORE). The kernel ends one for reasons that are not
/// the stream's: the completion queue overflowed, the buffers ran out.
///
/// Laws
///  1. what the last completion brought is delivered: ending loses nothing
///  2. a stream whose source can still give is armed again, whatever ended it
///  3. without buffers it waits for one: arming at once would only fail again
///  4. end of file and errors end the stream
[<Struct; RequireQualifiedAccess>]
type StreamVerdict =
    /// Deliver the result, then arm again.
    | DeliverAndRearm
    /// Nothing to deliver; arm again.
    | Rearm
    /// Nothing to deliver; arm again when a buffer has come back.
    | RearmWithBuffer
    /// The source has no more.
    | EndOfStream
    /// The source failed.
    | Fail

/// The end of a multishot; see `StreamVerdict` for the laws.
[<RequireQualifiedAccess>]
module Multishot =

    /// `countsBytes`: a result of 0 is end of file, as for receive; otherwise it is a descriptor, as for accept.
    let ended (countsBytes: bool) (result: int) =
        if result > 0 || (result = 0 && not countsBytes) then
            StreamVerdict.DeliverAndRearm
        elif result = 0 then
            StreamVerdict.EndOfStream
        else
            match Errno.ofResult result with
            | Errno.ENOBUFS -> StreamVerdict.RearmWithBuffer
            // One connection ended before it was accepted; the listener has more.
            | Errno.ECONNABORTED when not countsBytes -> StreamVerdict.Rearm
            // An open set: every other error ends the stream.
            | _ -> StreamVerdict.Fail
