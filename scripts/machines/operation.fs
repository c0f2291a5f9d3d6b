// The machines of one operation and of one stream, as Model/Lifecycle and Model/Multishot have them.
// Knows what can happen when; what comes of it, the model says.
module Uring.Machines.Operation

open Uring.Model
open Uring.Machines.Diagram

type OperationEvent =
    | Queue of Shape
    | Publish
    | Complete of more: bool * notification: bool
    | Cancel
    | Miss
    | Abandon

let private operationEvents (operation: Lifecycle) =
    let isOut =
        match operation.Phase with
        | Phase.InFlight
        | Phase.Streaming
        | Phase.Cancelling -> true
        | Phase.Free
        | Phase.Queued
        | Phase.Notifying -> false

    // Only what would reach the caller is another thing when nobody waits.
    let heard name = if operation.Abandoned then $"{name}, abandoned" else name

    [
        if operation.Phase = Phase.Free then
            for shape in [ Shape.Single; Shape.Multishot; Shape.ZeroCopy ] do
                Queue shape, "queued"
        else
            if operation.Phase = Phase.Queued then Publish, "published"

            if isOut then
                if operation.Shape <> Shape.Single then
                    Complete(true, false), heard $"CQE + MORE (%A{operation.Shape})"

                Complete(false, false), heard "last CQE"

            if operation.Phase = Phase.Notifying then Complete(false, true), "NOTIF"

            Cancel, (if operation.Phase = Phase.Queued then heard "cancel" else "cancel")
            if operation.Phase = Phase.Cancelling then Miss, "not found"
            Abandon, "abandon"
    ]

let private applyOperation operation event =
    let struct (after, verdict) =
        match event with
        | Queue shape -> Lifecycle.queued shape operation
        | Publish -> Lifecycle.published operation
        | Complete(more, notification) -> Lifecycle.completed more notification operation
        | Cancel -> Lifecycle.cancelled operation
        | Miss -> Lifecycle.missed operation
        | Abandon -> struct (Lifecycle.abandoned operation, Verdict.Ignore)

    after, $"%A{verdict}"

let operation = {
    Title = "Lifecycle"
    Start = [ Lifecycle.free ]
    Events = operationEvents
    Apply = applyOperation
    PhaseOf = fun operation -> $"%A{operation.Phase}"
    Quiet = [ "Ignore" ]
}

type StreamEvent =
    | Arrive
    | End of result: int
    | Take
    | Feed
    | Stop

/// What a source may say last, and how that is called.
let private lastWords source = [
    match source with
    | Source.Bytes ->
        5, "last CQE: data"
        0, "last CQE: end of file"
        Errno.toResult Errno.ENOBUFS, "last CQE: ENOBUFS"
    | Source.Descriptors ->
        5, "last CQE: data"
        Errno.toResult Errno.ECONNABORTED, "last CQE: ECONNABORTED"
    | Source.Events -> 5, "last CQE: data"
    | Source.Ticks -> Errno.toResult Errno.ETIME, "last CQE: data"

    Errno.toResult Errno.EIO, "last CQE: error"
]

/// A stream with its source, which never changes.
type Sourced = { Source: Source; Stream: Multishot }

/// The kernel gives one more than it was asked for.
let private streamEvents { Source = source; Stream = stream } = [
    match stream.Phase with
    | StreamPhase.Armed
    | StreamPhase.Pausing ->
        if stream.Queued <= stream.Limit then Arrive, "CQE + MORE"

        for result, name in lastWords source do
            End result, name

        if stream.Phase = StreamPhase.Pausing then
            End(Errno.toResult Errno.ECANCELED), "last CQE: ECANCELED"
    | StreamPhase.Stopping ->
        if stream.Queued <= stream.Limit then Arrive, "CQE + MORE"

        End(Errno.toResult Errno.ECANCELED), "last CQE"
    | StreamPhase.Starving -> Feed, "a buffer came back"
    | StreamPhase.Paused
    | StreamPhase.Ended -> ()

    if stream.Queued > 0 then Take, "consumer took one"
    Stop, "stopped"
]

let private applyStream { Source = source; Stream = stream } event =
    let struct (after, verdict) =
        match event with
        | Arrive -> Multishot.queued 1 stream
        | End result ->
            let carries = Multishot.carries source result
            let struct (stream, _) = Multishot.queued (if carries then 1 else 0) stream
            Multishot.ended source result stream
        | Take -> Multishot.taken stream
        | Feed -> Multishot.fed stream
        | Stop -> Multishot.stopped stream

    { Source = source; Stream = after }, $"%A{verdict}"

let stream = {
    Title = "Multishot"
    Start = [
        for source in [ Source.Bytes; Source.Descriptors; Source.Events; Source.Ticks ] do
            for limit in 1..4 -> { Source = source; Stream = Multishot.armed limit }
    ]
    Events = streamEvents
    Apply = applyStream
    PhaseOf = fun sourced -> $"%A{sourced.Stream.Phase}"
    Quiet = [ "Nothing" ]
}

type LineEvent =
    | Offer
    | Sent of left: int64 * result: int
    | Close

/// A few more than the limit are offered.
let private lineEvents (line: SendLine) = [
    if line.Count <= line.Limit then Offer, "offered"

    match line.Phase with
    | SendLinePhase.Sending ->
        Sent(2L, 2), (if line.Count > 1 then "sent, another waits" else "sent")
        Sent(2L, 1), "sent in part"
        Sent(2L, Errno.toResult Errno.EPIPE), "failed"
    | SendLinePhase.Closing -> Sent(2L, Errno.toResult Errno.ECANCELED), "its send has ended"
    | SendLinePhase.Idle
    | SendLinePhase.Over -> ()

    Close, "closed"
]

let private applyLine line event =
    let struct (after, verdict) =
        match event with
        | Offer -> SendLine.offered line
        | Sent(left, result) -> SendLine.ended left result line
        | Close -> SendLine.closed line

    after, $"%A{verdict}"

let sendLine = {
    Title = "SendLine"
    Start = [ for limit in 1..3 -> SendLine.create limit ]
    Events = lineEvents
    Apply = applyLine
    PhaseOf = fun line -> $"%A{line.Phase}"
    Quiet = [ "Ignore" ]
}
