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

/// The kernel gives one more than it was asked for.
let private streamEvents (stream: Multishot) = [
    match stream.Phase with
    | StreamPhase.Armed
    | StreamPhase.Pausing ->
        if stream.Queued <= stream.Limit then Arrive, "CQE + MORE"

        for result, name in lastWords stream.Source do
            End result, (if stream.Stopping then "last CQE, stopped" else name)

        if stream.Phase = StreamPhase.Pausing then
            End(Errno.toResult Errno.ECANCELED),
            (if stream.Stopping then "last CQE, stopped" else "last CQE: ECANCELED")
    | StreamPhase.Starving -> Feed, "a buffer came back"
    | StreamPhase.Paused
    | StreamPhase.Ended -> ()

    if stream.Queued > 0 then Take, "consumer took one"
    if not stream.Stopping then Stop, "stopped"
]

let private applyStream stream event =
    let struct (after, verdict) =
        match event with
        | Arrive -> Multishot.queued 1 stream
        | End result ->
            let carries = Multishot.carries stream.Source result
            let struct (stream, _) = Multishot.queued (if carries then 1 else 0) stream
            Multishot.ended result stream
        | Take -> Multishot.taken stream
        | Feed -> Multishot.fed stream
        | Stop -> Multishot.stopped stream

    after, $"%A{verdict}"

let stream = {
    Title = "Multishot"
    Start = [
        for source in [ Source.Bytes; Source.Descriptors; Source.Events; Source.Ticks ] do
            for limit in 1..4 -> Multishot.armed source limit
    ]
    Events = streamEvents
    Apply = applyStream
    PhaseOf = fun stream -> $"%A{stream.Phase}"
    Quiet = [ "Nothing" ]
}
