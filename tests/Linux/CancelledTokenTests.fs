/// What every public method of Uring.dll that takes a token does with one that is cancelled already: it says so, with this token,
/// and starts nothing.
module Uring.Tests.Linux.CancelledTokenTests

open System
open System.Collections.Generic
open System.Reflection
open System.Threading
open Expecto
open Uring.Tests.Linux.EveryMethod

let private takesToken (method: MethodBase) =
    method.GetParameters()
    |> Array.exists (fun parameter -> parameter.ParameterType = typeof<CancellationToken>)

/// It ends as ever, and each of its results says that it was cancelled.
let private tellsInResults = set [ "Ring.ChainAsync"; "Ring.StartChain" ]

[<Tests>]
let tests =
    testTask "Every method with a token that is cancelled already" {
        do!
            Observe.inFolder (fun folder ->
                task {
                    use source = new CancellationTokenSource()
                    source.Cancel()
                    let! bench = prepare folder source.Token
                    let wrong = List<string>()
                    let mutable tried = 0

                    for method in methods |> List.filter takesToken do
                        if not (isOfTheStack method) then
                            tried <- tried + 1
                            // What was prepared has ended.
                            do! bench.Ring.NopAsync()
                            let before = bench.Ring.Statistics.Submissions

                            let arguments: (obj | null) array =
                                method.GetParameters() |> Array.map (fun one -> argument bench one)

                            let! failure = failureOf method (targetOf bench method) arguments

                            match failure with
                            | :? OperationCanceledException as reason when
                                reason.CancellationToken = source.Token
                                ->
                                ()
                            | null when tellsInResults.Contains(nameOf method) -> ()
                            | null -> wrong.Add $"{nameOf method}: nothing"
                            | :? OperationCanceledException -> wrong.Add $"{nameOf method}: another token"
                            | reason ->
                                wrong.Add $"{nameOf method}: {reason.GetType().Name}: {reason.Message}"

                            if bench.Ring.Statistics.Submissions <> before then
                                wrong.Add $"{nameOf method}: something was submitted"

                    do! bench.Ring.DisposeAsync()
                    Expect.equal (List.ofSeq wrong) [] "each is cancelled"
                    Expect.isGreaterThan tried 100 "methods"
                })
    }
