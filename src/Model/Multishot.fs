// Decides how a stream of results goes on: when it is armed, paused, fed and over. Knows no socket and no buffer.
// Tested in MultishotLaws.fs; driven by Driver/Stream.fs.
namespace Uring.Model

open System.Runtime.CompilerServices

/// What the results of a stream are.
[<Struct; RequireQualifiedAccess>]
type Source =
    /// Numbers of bytes; 0 is the end.
    | Bytes
    /// Descriptors, of which 0 is one.
    | Descriptors
    /// Poll events, as a mask.
    | Events
    /// A timer's: each is -ETIME.
    | Ticks

/// Where a stream stands. The kernel ends a multishot for reasons that are not the stream's (the completion queue
/// overflowed, the buffers ran out), and the stream ends one when its consumer is slow.
///
///             enough is queued          last CQE
///   Armed -----------------> Pausing ------------> Paused --consumer caught up--> Armed
///     |  ^  last CQE: data, or a passing error: armed again
///     |  +---------------------------------------------
///     |  last CQE: ENOBUFS (while pausing: only once the consumer has caught up)
///     +----------------> Starving --a buffer came back--> Armed
///   Armed, Pausing --stopped--> Stopping --last CQE--> Ended
///   any other --stopped--> Ended; any --end of file, error--> Ended
///
/// Laws
///  1. what a completion brought is delivered, the last one's too: neither ending nor pausing loses anything
///  2. a stream whose source can still give is armed again, whatever ended it
///  3. without buffers it waits for one: arming at once would only fail again
///  4. end of file and errors end the stream
///  5. once the limit is queued the kernel is asked to pause; it is armed again when half of it has been taken
///  6. a stream that is stopped is never armed again
///  7. a stream that is not in the kernel and not over always waits for something that will come: its consumer or a
///     buffer
///  8. a counted stream ends when all of its results have come, and is armed for those that have not
[<Struct; RequireQualifiedAccess>]
type StreamPhase =
    | Armed
    | Pausing
    | Paused
    | Starving
    | Stopping
    | Ended

/// A stream's whole state, but for its source, which never changes.
[<Struct>]
type Multishot = {
    Phase: StreamPhase
    /// Results that the consumer has not taken.
    Queued: int
    /// So many queued are enough.
    Limit: int
    /// So many results have still to come; -1 where nobody counts.
    Remaining: int
}

/// What the caller has to do next.
[<Struct; RequireQualifiedAccess>]
type StreamVerdict =
    /// Nothing.
    | Nothing
    /// Ask the kernel to end the multishot; the stream goes on.
    | Pause
    /// Arm it (again).
    | Arm
    /// Keep it aside until its consumer has caught up.
    | Park
    /// Keep it aside until a buffer has come back.
    | Starve
    /// Ask the kernel to end the multishot, and the stream with it.
    | AskKernel
    /// The source has no more.
    | EndOfStream
    /// The source failed.
    | Fail
    /// It was stopped, and is over.
    | Cancelled

/// The transitions of a stream; see `StreamPhase` for the diagram and the laws.
[<RequireQualifiedAccess>]
module Multishot =

    /// A stream that is about to be armed for the first time.
    let armed limit = { Phase = StreamPhase.Armed; Queued = 0; Limit = max 1 limit; Remaining = -1 }

    /// So many results and no more; 0 for as many as there are.
    let counted count (stream: Multishot) = if count = 0 then stream else { stream with Remaining = count }

    /// One result has come.
    let came (stream: Multishot) =
        if stream.Remaining > 0 then { stream with Remaining = stream.Remaining - 1 } else stream

    /// The result is something for the consumer, whether more follows or not.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let carries source (result: int) =
        match source with
        | Source.Bytes -> result > 0
        | Source.Descriptors
        | Source.Events -> result >= 0
        | Source.Ticks -> result >= 0 || Errno.ofResult result = Errno.ETIME

    /// What the consumer is given: a tick counts one.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let value source (result: int) =
        match source with
        | Source.Ticks -> 1
        | Source.Bytes
        | Source.Descriptors
        | Source.Events -> result

    /// A result that the consumer has not taken can take up the next one, so that nothing piles up: ticks are counted,
    /// event masks united.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let merges source =
        match source with
        | Source.Events
        | Source.Ticks -> true
        | Source.Bytes
        | Source.Descriptors -> false

    /// Two results in one, for sources that merge.
    let merged source (earlier: int) (later: int) =
        match source with
        | Source.Ticks -> earlier + later
        | Source.Bytes
        | Source.Descriptors
        | Source.Events -> earlier ||| later

    /// `count` results were queued.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let queued count (stream: Multishot) =
        let stream = { stream with Queued = stream.Queued + count }

        match stream.Phase with
        | StreamPhase.Armed when stream.Queued >= stream.Limit ->
            struct ({ stream with Phase = StreamPhase.Pausing }, StreamVerdict.Pause)
        | StreamPhase.Armed
        | StreamPhase.Pausing
        | StreamPhase.Paused
        | StreamPhase.Starving
        | StreamPhase.Stopping
        | StreamPhase.Ended -> struct (stream, StreamVerdict.Nothing)

    let private over (stream: Multishot) verdict = struct ({ stream with Phase = StreamPhase.Ended }, verdict)

    let private hasRoom (stream: Multishot) = stream.Queued <= stream.Limit / 2

    /// In the kernel no longer, and its source can give more.
    let private goOn (stream: Multishot) =
        if stream.Phase = StreamPhase.Armed || hasRoom stream then
            struct ({ stream with Phase = StreamPhase.Armed }, StreamVerdict.Arm)
        else
            struct ({ stream with Phase = StreamPhase.Paused }, StreamVerdict.Park)

    /// The last completion of a stream of this source came (it had no MORE). What it carried has been queued before.
    let ended source (result: int) (stream: Multishot) =
        match stream.Phase with
        | StreamPhase.Ended -> struct (stream, StreamVerdict.Nothing)
        | StreamPhase.Stopping -> over stream StreamVerdict.Cancelled
        | StreamPhase.Armed
        | StreamPhase.Pausing
        | StreamPhase.Paused
        | StreamPhase.Starving ->
            if stream.Remaining = 0 then
                over stream StreamVerdict.EndOfStream
            elif carries source result then
                goOn stream
            elif result >= 0 then
                over stream StreamVerdict.EndOfStream
            else
                match Errno.ofResult result, source with
                // Enough is queued: its own buffers are what is missing.
                | Errno.ENOBUFS, Source.Bytes when stream.Phase = StreamPhase.Pausing && not (hasRoom stream) ->
                    struct ({ stream with Phase = StreamPhase.Paused }, StreamVerdict.Park)
                | Errno.ENOBUFS, Source.Bytes ->
                    struct ({ stream with Phase = StreamPhase.Starving }, StreamVerdict.Starve)
                // Our own asking.
                | Errno.ECANCELED, _ when stream.Phase = StreamPhase.Pausing -> goOn stream
                // One connection ended before it was accepted; the listener has more.
                | Errno.ECONNABORTED, Source.Descriptors -> goOn stream
                // An open set: every other error ends the stream.
                | _ -> over stream StreamVerdict.Fail

    /// The consumer took one result.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let taken (stream: Multishot) =
        let stream = { stream with Queued = stream.Queued - 1 }

        match stream.Phase with
        | StreamPhase.Paused when hasRoom stream ->
            struct ({ stream with Phase = StreamPhase.Armed }, StreamVerdict.Arm)
        | StreamPhase.Armed
        | StreamPhase.Pausing
        | StreamPhase.Paused
        | StreamPhase.Starving
        | StreamPhase.Stopping
        | StreamPhase.Ended -> struct (stream, StreamVerdict.Nothing)

    /// A buffer is there for it.
    let fed (stream: Multishot) =
        match stream.Phase with
        | StreamPhase.Starving -> struct ({ stream with Phase = StreamPhase.Armed }, StreamVerdict.Arm)
        | StreamPhase.Armed
        | StreamPhase.Pausing
        | StreamPhase.Paused
        | StreamPhase.Stopping
        | StreamPhase.Ended -> struct (stream, StreamVerdict.Nothing)

    /// Somebody wants its end.
    let stopped (stream: Multishot) =
        match stream.Phase with
        | StreamPhase.Armed
        | StreamPhase.Pausing ->
            struct ({ stream with Phase = StreamPhase.Stopping }, StreamVerdict.AskKernel)
        | StreamPhase.Paused
        | StreamPhase.Starving -> over stream StreamVerdict.Cancelled
        | StreamPhase.Stopping
        | StreamPhase.Ended -> struct (stream, StreamVerdict.Nothing)
