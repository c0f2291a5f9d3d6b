// `chain { }`: linked submissions as a pure value, and the program that submits them together.
namespace Uring.FSharp

open System.Runtime.ExceptionServices
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.Model

/// Collects requests into a chain: each waits for the success of the one before it.
///
///     chain {
///         FileRequest.write file data 0L
///         FileRequest.sync file true
///     }
[<Sealed>]
type ChainBuilder() =
    member _.Yield(request: Request) : Chain<Request> = Chain.single request
    member _.YieldFrom(chain: Chain<Request>) : Chain<Request> = chain
    member _.Zero() : Chain<Request> = Chain.empty
    member _.Combine(first: Chain<Request>, second: Chain<Request>) = Chain.append first second
    member _.Delay(build: unit -> Chain<Request>) = build ()

    member _.For(sequence: 'T seq, body: 'T -> Chain<Request>) =
        sequence |> Seq.fold (fun chain item -> Chain.append chain (body item)) Chain.empty

/// Opened with the namespace: a computation expression has to be in scope.
[<AutoOpen>]
module ChainBuilderValue =

    /// Linked requests: `chain { FileRequest.write file data 0L; FileRequest.sync file true }`.
    let chain = ChainBuilder()

/// Running linked requests.
[<RequireQualifiedAccess>]
module Chains =

    /// All of it, one after another; the first exception (of memory that could not be pinned, say) once all have ended.
    let internal results (steps: ValueTask<int> array) : Task<int list> =
        task {
            let results = Array.zeroCreate steps.Length
            let mutable failure: exn | null = null

            for index in 0 .. steps.Length - 1 do
                try
                    let! result = steps[index]
                    results[index] <- result
                with reason ->
                    if isNull failure then failure <- reason

            match failure with
            | null -> return List.ofArray results
            | reason ->
                ExceptionDispatchInfo.Throw reason
                return []
        }

    /// Submits the chain at once and waits for all of it. The outcome has one entry per step. What breaks a chain is the
    /// kernel's decision: a failed read, write, open or sync does, and so does a short read; a failed unlink, rename or
    /// mkdir does not (6.18).
    let run (chain: Chain<Request>) : Uring<StepOutcome list> =
        Program.ofScope (fun scope ->
            let steps = scope.Loop.StartChain(chain, scope.Token)

            ValueTask<StepOutcome list>(
                task {
                    let! results = results steps
                    return Chain.outcome results
                }
            ))

    /// As `run`, for steps with limits, on a loop.
    let internal startBounded
        (loop: Loop)
        (steps: BoundedStep<Request> list)
        (token: CancellationToken)
        : Task<StepOutcome list> =
        let started = loop.StartChain(Chain.ofBounded steps, token)

        task {
            let! results = results started
            return Chain.ofLimits steps (Chain.outcome results)
        }

    /// As `run`, for steps each of which may have a limit (`Uring.within`). A step that its limit has ended failed with
    /// ETIME.
    let runBounded (steps: BoundedStep<Request> list) : Uring<StepOutcome list> =
        Program.ofScope (fun scope -> ValueTask<StepOutcome list>(startBounded scope.Loop steps scope.Token))
