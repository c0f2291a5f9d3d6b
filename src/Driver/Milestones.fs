// Who waits until so much has been done: in the order of the marks, which come in order.
namespace Uring.Driver

open System.Collections.Generic
open System.Threading.Tasks

[<Struct; NoEquality; NoComparison>]
type internal Milestone = { Mark: int64; Reached: TaskCompletionSource }

/// Belongs to the loop's thread. Marks are asked for in rising order. A struct inside its owner, and no object until somebody
/// waits: each message asks whether anybody does.
[<Struct; NoEquality; NoComparison>]
type internal Milestones =
    val mutable private waiting: Queue<Milestone> | null

    /// Ends when `mark` has been reached.
    member this.Await(mark: int64) : Task =
        let milestone = {
            Mark = mark
            Reached = TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
        }

        if isNull this.waiting then this.waiting <- Queue<Milestone>()

        (nonNull this.waiting).Enqueue milestone
        milestone.Reached.Task

    /// So much has been done.
    member this.Reach(mark: int64) =
        match this.waiting with
        | null -> ()
        | waiting ->
            while waiting.Count > 0 && waiting.Peek().Mark <= mark do
                waiting.Dequeue().Reached.TrySetResult() |> ignore

    /// No more will be done.
    member this.Fail(reason: exn) =
        match this.waiting with
        | null -> ()
        | waiting ->
            while waiting.Count > 0 do
                waiting.Dequeue().Reached.TrySetException reason |> ignore
