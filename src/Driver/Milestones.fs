// Who waits until so much has been done: in the order of the marks, which come in order.
namespace Uring.Driver

open System.Collections.Generic
open System.Threading.Tasks

[<Struct; NoEquality; NoComparison>]
type internal Milestone = { Mark: int64; Reached: TaskCompletionSource }

/// Belongs to the loop's thread. Marks are asked for in rising order.
[<Sealed>]
type internal Milestones() =
    let waiting = Queue<Milestone>()

    /// Ends when `mark` has been reached.
    member _.Await(mark: int64) : Task =
        let milestone = {
            Mark = mark
            Reached = TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
        }

        waiting.Enqueue milestone
        milestone.Reached.Task

    /// So much has been done.
    member _.Reach(mark: int64) =
        while waiting.Count > 0 && waiting.Peek().Mark <= mark do
            waiting.Dequeue().Reached.TrySetResult() |> ignore

    /// No more will be done.
    member _.Fail(reason: exn) =
        while waiting.Count > 0 do
            waiting.Dequeue().Reached.TrySetException reason |> ignore
