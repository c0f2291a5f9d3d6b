// Programs side by side on one loop. Structured: nothing that was started is left running when one of these ends.
namespace Uring.FSharp

open System.Threading
open System.Threading.Tasks

/// Tasks that were started elsewhere, as programs.
[<RequireQualifiedAccess>]
module Foreign =

    let ofTask (started: Task) : Uring<unit> =
        Program.ofScope (fun _ -> ValueTask<unit>(task { do! started }))

/// All of these run on the loop's thread, one step at a time: what they share needs no lock.
[<RequireQualifiedAccess>]
module Concurrent =

    /// Starts a program; its failure cancels the siblings. Cancellation that we caused ourselves is not the reason
    /// that the caller wants to hear, so the first failure is remembered.
    let private start
        (program: Uring<'T>)
        (scope: Scope)
        (siblings: CancellationTokenSource)
        (first: (exn | null) ref)
        =
        task {
            try
                return! program.Start scope
            with reason ->
                if isNull first.Value then
                    first.Value <- reason
                    siblings.Cancel()

                return Unchecked.defaultof<'T>
        }

    let private finish (all: Task) (siblings: CancellationTokenSource) (first: (exn | null) ref) =
        task {
            do! all
            siblings.Dispose()

            match first.Value with
            | null -> ()
            | reason -> System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw reason
        }

    /// Runs two programs at once.
    let both (left: Uring<'T>) (right: Uring<'U>) : Uring<'T * 'U> =
        Program.ofScope (fun scope ->
            let siblings = CancellationTokenSource.CreateLinkedTokenSource scope.Token
            let inner = scope.With siblings.Token
            let first = ref null

            ValueTask<'T * 'U>(
                task {
                    let one = start left inner siblings first
                    let other = start right inner siblings first
                    do! finish (Task.WhenAll(one :> Task, other)) siblings first
                    return one.Result, other.Result
                }
            ))

    /// Runs all programs at once; the results come in their order.
    let all (programs: Uring<'T> seq) : Uring<'T array> =
        Program.ofScope (fun scope ->
            let siblings = CancellationTokenSource.CreateLinkedTokenSource scope.Token
            let inner = scope.With siblings.Token
            let first = ref null

            ValueTask<'T array>(
                task {
                    let running = [| for program in programs -> start program inner siblings first |]

                    do! finish (Task.WhenAll running) siblings first
                    return running |> Array.map _.Result
                }
            ))
