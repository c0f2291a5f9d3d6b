/// Where what follows an await runs: on the loop if it was awaited there, else on its context, else on the pool.
module Uring.Tests.Linux.ContinuationTests

open System.Collections.Concurrent
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Tests.Linux.Hosting

let private startNop (host: LoopThread) =
    let mutable request = nop
    host.Loop.Start(&request, CancellationToken.None)

/// A context that runs what is posted to it when it is told to.
[<Sealed>]
type private Mailbox() =
    inherit SynchronizationContext()
    let posted = new BlockingCollection<unit -> unit>()
    override _.Post(callback, state) = posted.Add(fun () -> callback.Invoke state)
    member _.IsEmpty = posted.Count = 0

    member _.RunOne() =
        let mutable run = ignore

        if not (posted.TryTake(&run, limit)) then failtest "nothing was posted"

        run ()

/// Starts a nop while the loop is held up, so that `await` comes before its end, and then lets the loop go on.
let private heldUp (host: LoopThread) (await: ValueTask<int> -> unit) =
    let gate = new ManualResetEventSlim()
    host.Loop.Post((fun _ -> gate.Wait limit |> ignore), null)
    await (startNop host)
    gate.Set()

/// The loop that the continuation runs on, or null.
let private whereContinued (host: LoopThread) : Loop | null =
    let place = TaskCompletionSource<Loop | null>()

    heldUp host (fun running -> running.GetAwaiter().OnCompleted(fun () -> place.SetResult Loop.Current))

    finish "continuation" place.Task

let private inContext (context: SynchronizationContext) (body: unit -> unit) =
    let before = SynchronizationContext.Current
    SynchronizationContext.SetSynchronizationContext context

    try
        body ()
    finally
        SynchronizationContext.SetSynchronizationContext before

let private continuations =
    testList "continuations" [
        testCase "of another thread do not run on the loop's" (fun () ->
            withLoop (fun host ->
                for _ in 1..200 do
                    Expect.isNull (whereContinued host) "elsewhere"))

        testCase "of the loop run on it, wherever the operation was started" (fun () ->
            withLoop (fun host ->
                let program (elsewhere: ValueTask<int>) =
                    uring {
                        let! _ = elsewhere
                        let first = Loop.Current
                        let! _ = startNop host
                        return first, Loop.Current
                    }

                for _ in 1..200 do
                    let first, second = runOn host (program (startNop host))
                    Expect.isTrue (obj.ReferenceEquals(first, host.Loop)) "started elsewhere"
                    Expect.isTrue (obj.ReferenceEquals(second, host.Loop)) "started here"))

        for moment, awaitAfter in [ "before the end", false; "after the end", true ] do
            testCase $"are posted to the context of an await {moment}" (fun () ->
                withLoop (fun host ->
                    let mailbox = Mailbox()
                    let mutable ran = false

                    let await (running: ValueTask<int>) =
                        inContext mailbox (fun () ->
                            running.GetAwaiter().OnCompleted(fun () -> ran <- isNull Loop.Current))

                    if awaitAfter then
                        let running = startNop host
                        eventually "completed" (fun () -> running.IsCompleted)
                        await running
                    else
                        heldUp host await

                    runOn host Uring.nop |> ignore
                    Expect.isFalse ran "not before the context runs it"
                    mailbox.RunOne()
                    Expect.isTrue ran "by the context"
                    Expect.isTrue mailbox.IsEmpty "once"))

        testCase "are not posted when the await does not want its context" (fun () ->
            withLoop (fun host ->
                let mailbox = Mailbox()
                let ended = TaskCompletionSource()
                let proceed () = ended.SetResult()

                heldUp host (fun running ->
                    inContext mailbox (fun () ->
                        running.ConfigureAwait(false).GetAwaiter().OnCompleted proceed))

                finished "continuation" ended.Task
                Expect.isTrue mailbox.IsEmpty "nothing was posted"))
    ]

[<Tests>]
let tests = testSequenced <| testList "Continuation" [ continuations ]
