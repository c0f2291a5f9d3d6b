// Decides what a line of sends on one socket does next: who is sent, who waits, and when nothing is sent any more.
// Knows no bytes and no socket. Tested in SendLineLaws.fs; driven by Driver/LeaseLine.fs.
namespace Uring.Model

open System.Runtime.CompilerServices

/// Where a line stands. One send is in the kernel at a time: what two send at once may be mixed.
///
///           offered                the last of them was sent
///   Idle ------------> Sending ------------------------------> Idle
///    |                  |  ^ | offered; sent in part; sent, and another waits
///    |                  |  +-+
///    |                  | closed                    its send has ended
///    |                  +---------------> Closing ----------------------> Over
///    |                  | failed                                           ^
///    |                  +--------------------------------------------------+
///    | closed                                                              |
///    +---------------------------------------------------------------------+
///
/// Laws
///  1. what is offered is sent in its order and whole, one at a time; nothing is sent twice
///  2. each that was taken goes back exactly once: when it was sent, or when the line is over; and never while the kernel
///     has it
///  3. after a failure or a close nothing more is sent, and nothing is taken: the stream of bytes has no holes
///  4. as long as something is in the line, one of them is in the kernel: it never stands still
///  5. who offers more than the limit waits for exactly as many as there are too many, and nobody else waits
[<Struct; RequireQualifiedAccess>]
type SendLinePhase =
    | Idle
    | Sending
    | Closing
    | Over

/// A line's whole state.
[<Struct>]
type SendLine = {
    Phase: SendLinePhase
    /// Taken and not yet back, the one in the kernel among them.
    Count: int
    /// So many are enough.
    Limit: int
}

/// What the caller has to do next.
[<Struct; RequireQualifiedAccess>]
type SendLineVerdict =
    /// Taken: send it.
    | Send
    /// Taken: its turn comes.
    | Keep
    /// Not taken: the line is over, or about to be.
    | Refuse
    /// The rest of the one that is being sent is next.
    | Rest
    /// It was sent and goes back; the next one's turn has come.
    | Next
    /// It was sent and goes back; nothing else waits.
    | Done
    /// The connection has failed: all go back, and who waits is told why.
    | Fail
    /// Those that wait for their turn go back; ask the kernel for the end of the one that it has.
    | AskKernel
    /// The kernel is done with the last one, which goes back: the line is over.
    | End
    /// Nothing to do.
    | Ignore
    /// A send ended that never began.
    | Violation

/// The transitions of a line; see `SendLinePhase` for the diagram and the laws.
[<RequireQualifiedAccess>]
module SendLine =

    /// A line in which `limit` are enough.
    let create limit = { Phase = SendLinePhase.Idle; Count = 0; Limit = limit }

    let private over (line: SendLine) = { line with Phase = SendLinePhase.Over; Count = 0 }

    /// Somebody hands one on.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let offered (line: SendLine) =
        match line.Phase with
        | SendLinePhase.Idle ->
            struct ({ line with Phase = SendLinePhase.Sending; Count = 1 }, SendLineVerdict.Send)
        | SendLinePhase.Sending -> struct ({ line with Count = line.Count + 1 }, SendLineVerdict.Keep)
        | SendLinePhase.Closing
        | SendLinePhase.Over -> struct (line, SendLineVerdict.Refuse)

    /// Another one is taken, and who offers it need not wait.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let hasRoom (line: SendLine) =
        match line.Phase with
        | SendLinePhase.Idle
        | SendLinePhase.Sending -> line.Count < line.Limit
        | SendLinePhase.Closing
        | SendLinePhase.Over -> false

    /// So many have to go back before who offered last goes on.
    let excess (line: SendLine) = max 0 (line.Count - line.Limit)

    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let private took (left: int64) result (line: SendLine) =
        match Transfer.next Goal.All left result with
        | TransferVerdict.Again -> struct (line, SendLineVerdict.Rest)
        | TransferVerdict.Complete when line.Count > 1 ->
            struct ({ line with Count = line.Count - 1 }, SendLineVerdict.Next)
        | TransferVerdict.Complete ->
            struct ({ line with Phase = SendLinePhase.Idle; Count = 0 }, SendLineVerdict.Done)
        | TransferVerdict.Failed
        | TransferVerdict.Stopped -> struct (over line, SendLineVerdict.Fail)

    /// The send of `left` bytes has ended with this result.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let ended left result (line: SendLine) =
        match line.Phase with
        | SendLinePhase.Sending -> took left result line
        | SendLinePhase.Closing -> struct (over line, SendLineVerdict.End)
        | SendLinePhase.Idle
        | SendLinePhase.Over -> struct (line, SendLineVerdict.Violation)

    /// Nobody wants it any more.
    let closed (line: SendLine) =
        match line.Phase with
        | SendLinePhase.Sending ->
            struct ({ line with Phase = SendLinePhase.Closing; Count = 1 }, SendLineVerdict.AskKernel)
        | SendLinePhase.Idle -> struct (over line, SendLineVerdict.End)
        | SendLinePhase.Closing
        | SendLinePhase.Over -> struct (line, SendLineVerdict.Ignore)
