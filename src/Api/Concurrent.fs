// Programs side by side on one loop. Structured: a scope ends when everything that was started in it has ended.
// All of these run on the loop's thread, one step at a time; only when the loop has ended may their ends run together.
namespace Uring.FSharp

open System.Runtime.ExceptionServices
open System.Threading
open System.Threading.Tasks
open Uring.Driver

/// Tasks that were started elsewhere, as programs.
[<RequireQualifiedAccess>]
module Foreign =

    /// Awaits a task that was started elsewhere.
    let ofTask (started: Task) : Uring<unit> =
        Program.ofScope (fun _ -> ValueTask<unit>(task { do! started }))

/// What `and!`, `Uring.parallel` and `Uring.spawn` are made of.
[<RequireQualifiedAccess>]
module Concurrent =

    /// Runs `body` in a scope of its own. If it fails, what it has started beside itself is cancelled; in any case
    /// that is awaited before the scope ends.
    let internal within (loop: Loop) (outer: CancellationToken) (body: Scope -> Task<'T>) : Task<'T> =
        task {
            use scope = new Scope(loop, outer)
            let mutable outcome = Unchecked.defaultof<'T>
            let mutable failure: exn | null = null

            try
                let! result = body scope
                outcome <- result
            with reason ->
                failure <- reason
                scope.Cancel()

            do! scope.Childless()

            match failure with
            | null -> ()
            | reason -> ExceptionDispatchInfo.Throw reason

            return outcome
        }

    /// Starts a program beside the one that the scope was made for.
    let spawn (scope: Scope) (program: Uring<'T>) : Task<'T> =
        scope.ChildStarted()

        task {
            try
                return! program.Start scope
            finally
                scope.ChildEnded()
        }

    /// Starts a program whose failure cancels its siblings. They then fail as cancelled, which is not what the caller
    /// wants to hear, so the first failure is kept.
    let private sibling (scope: Scope) (first: (exn | null) ref) (program: Uring<'T>) : Task<'T> =
        task {
            try
                return! program.Start scope
            with reason ->
                if isNull (Interlocked.CompareExchange(&first.contents, reason, null)) then scope.Cancel()

                return Unchecked.defaultof<'T>
        }

    let private raiseFirst (first: (exn | null) ref) =
        match first.Value with
        | null -> ()
        | reason -> ExceptionDispatchInfo.Throw reason

    /// Runs two programs at once.
    let both (left: Uring<'T>) (right: Uring<'U>) : Uring<'T * 'U> =
        Program.ofScope (fun outer ->
            let body scope =
                task {
                    let first = ref null
                    let one = sibling scope first left
                    let other = sibling scope first right
                    let! left = one
                    let! right = other
                    raiseFirst first
                    return left, right
                }

            ValueTask<'T * 'U>(within outer.Loop outer.Token body))

    /// Runs all programs at once; the results come in their order.
    let all (programs: Uring<'T> seq) : Uring<'T array> =
        Program.ofScope (fun outer ->
            let body scope =
                task {
                    let first = ref null

                    let running = [| for program in programs -> sibling scope first program |]

                    let! results = Task.WhenAll running
                    raiseFirst first
                    return results
                }

            ValueTask<'T array>(within outer.Loop outer.Token body))
