// Puts submissions into the ring in the order in which they come. What finds the queue full is submitted with the
// rest; what the kernel has no room for at all waits here. Belongs to the loop's thread.
namespace Uring.Driver

open System.Collections.Generic
open Uring.Model

[<Sealed>]
type internal Outbox(ring: Ring, slots: SlotTable<Pending>) =
    let waiting = Queue<Submission>()

    /// False for an operation that was withdrawn while it waited.
    let isWanted (submission: Submission) =
        match UserData.kind submission.UserData with
        | CompletionKind.Operation -> slots.IsLive submission.UserData
        | CompletionKind.CancelRequest
        | CompletionKind.Wake
        | CompletionKind.Message
        | CompletionKind.Unknown -> true

    let tryWrite (submission: inref<Submission>) =
        let written = ring.TrySubmit &submission

        if written then
            match UserData.kind submission.UserData with
            | CompletionKind.Operation -> slots.Published submission.UserData
            | CompletionKind.CancelRequest
            | CompletionKind.Wake
            | CompletionKind.Message
            | CompletionKind.Unknown -> ()

        written

    /// True when nothing waits for room.
    member _.IsEmpty = waiting.Count = 0

    member _.Submit(submission: inref<Submission>) =
        if waiting.Count > 0 then
            waiting.Enqueue submission
        elif not (tryWrite &submission) then
            ring.Enter(0, -1L) |> ignore

            if not (tryWrite &submission) then waiting.Enqueue submission

    /// Moves what waits into the ring, as far as there is room.
    member _.Flush() =
        let mutable room = true

        while room && waiting.Count > 0 do
            let submission = waiting.Peek()

            if not (isWanted submission) || tryWrite &submission then
                waiting.Dequeue() |> ignore
            else
                room <- false

    /// True when `count` submissions fit one after another, which linked ones must.
    member _.TryMakeRoom(count: int) =
        if ring.Room < count then ring.Enter(0, -1L) |> ignore

        waiting.Count = 0 && ring.Room >= count
