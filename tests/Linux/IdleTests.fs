/// A loop with nothing to do looks for work before it blocks, as long as it was told to.
module Uring.Tests.Linux.IdleTests

open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

/// How often a loop blocks while it waits for what another thread does, which happens when it has had time to.
let private blocks looks (work: LoopThread -> unit) =
    let blocked = ref 0

    let onEnter (call: EnterCall) =
        if call.MinComplete > 0u then Interlocked.Increment &blocked.contents |> ignore

        Answer.Real

    withLoopOf (FaultyKernel(OnEnter = onEnter)) { LoopOptions.standard with Looks = looks } (fun host ->
        // Not those of its start.
        let before = blocked.Value
        work host
        blocked.Value - before)

/// As good as for ever: minutes.
let private always = 1_000_000_000

let private handOver (host: LoopThread) =
    for _ in 1..100 do
        Expect.equal (attempt host nop) 0 "result"

/// The kernel brings its end, and no thread of ours.
let private sleep host = runOn host (Uring.sleep (System.TimeSpan.FromMilliseconds 20.0))

[<Tests>]
let tests =
    testList "Idle" [
        test "while it looks, work of other threads reaches it without a wake" {
            Expect.equal (blocks always handOver) 0 "waits that blocked"
        }

        test "while it looks, results reach it" { Expect.equal (blocks always sleep) 0 "waits that blocked" }

        test "a loop that never looks blocks" { Expect.isGreaterThan (blocks 0 sleep) 0 "waits that blocked" }

        test "a loop that looks in vain blocks" {
            Expect.isGreaterThan (blocks 1 sleep) 0 "waits that blocked"
        }
    ]
