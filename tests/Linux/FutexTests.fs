/// Waiting for words of memory, from F#.
module Uring.Tests.Linux.FutexTests

open System
open System.Threading
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

let private case name (body: LoopThread -> unit) = testCase name (fun () -> withLoop body)

/// The word becomes `value`; on the loop's own thread nobody who starts to wait there can miss it.
let private set (futex: Futex) (value: int) = Volatile.Write(&futex.Value, value)

let private shared () = Futex(Memory(GC.AllocateArray<byte>(4, true)), true)

let private waits =
    testList "wait" [
        for name, make in [ "private", (fun () -> Futex()); "shared", shared ] do
            case $"{name}: until woken" (fun host ->
                let futex = make ()
                let waiting = startOn host (Futex.wait futex 0)
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                Expect.isFalse waiting.IsCompleted "waits"
                set futex 1
                // The kernel may not have come to the wait yet: then there is nobody to wake, and no need to.
                runOn host (Futex.wake futex 1) |> ignore
                finish "wait" waiting |> ignore)

        case "another value at once: nobody has to wake it" (fun host ->
            let futex = Futex()
            set futex 7
            Expect.isFalse (runOn host (Futex.wait futex 6)) "not woken"
            Expect.equal (errnoOf host (Futex.waiting futex 0)) Errno.EAGAIN "as a request"
            Expect.equal futex.Value 7 "the word")

        case "values below zero are values" (fun host ->
            let futex = Futex()
            set futex -1
            let waiting = startOn host (Futex.wait futex -1)
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            Expect.isFalse (runOn host (Futex.wait futex 0)) "another"
            Expect.equal (runOn host (Futex.wake futex 1)) 1 "woken"
            Expect.isTrue (finish "wait" waiting) "by a wake")

        case "as many as asked for are woken, the others go on waiting" (fun host ->
            let futex = Futex()
            let waiting = [ for _ in 1..5 -> startOn host (Futex.wait futex 0) ]
            eventually "in flight" (fun () -> host.Loop.InFlight = 5)
            let ended () = waiting |> List.filter (fun one -> one.IsCompleted) |> List.length
            Expect.equal (runOn host (Futex.wake futex 0)) 0 "nobody"
            Expect.equal (runOn host (Futex.wake futex 2)) 2 "two"
            eventually "two" (fun () -> ended () = 2)
            Expect.equal (runOn host (Futex.wake futex Int32.MaxValue)) 3 "the rest"
            waiting |> List.iter (finish "wait" >> ignore)
            Expect.equal (runOn host (Futex.wake futex 1)) 0 "nobody is left")

        case "a wake that comes first is not remembered, but the word is" (fun host ->
            let futex = Futex()
            set futex 1
            Expect.equal (runOn host (Futex.wake futex 1)) 0 "nobody waits"
            Expect.isFalse (runOn host (Futex.wait futex 0)) "and nobody has to")

        case "wakes those on another ring" (fun host ->
            withLoop (fun other ->
                let futex = Futex()
                let waiting = startOn host (Futex.wait futex 0)
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                let mutable woken = 0

                eventually "woken" (fun () ->
                    woken <- runOn other (Futex.wake futex 1)
                    woken = 1 || waiting.IsCompleted)

                Expect.isTrue (finish "wait" waiting) "by a wake"))

        case "words side by side are apart" (fun host ->
            let memory = GC.AllocateArray<byte>(8, true)
            let left = Futex(Memory(memory, 0, 4), false)
            let right = Futex(Memory(memory, 4, 4), false)
            set right 3
            Expect.equal (left.Value, right.Value) (0, 3) "values"
            let waiting = startOn host (Futex.wait left 0)
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            Expect.equal (runOn host (Futex.wake right 9)) 0 "nobody there"
            Expect.isFalse waiting.IsCompleted "waits on"
            eventually "woken" (fun () -> runOn host (Futex.wake left 9) = 1)
            Expect.isTrue (finish "wait" waiting) "by a wake")

        case "memory that moves between waits is pinned while somebody waits" (fun host ->
            let futex = Futex(Memory(Array.zeroCreate<byte> 4), false)

            for round in 1..20 do
                let waiting = startOn host (Futex.wait futex (round - 1))
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                GC.Collect()
                set futex round
                runOn host (Futex.wake futex 1) |> ignore
                finish "wait" waiting |> ignore)
    ]

let private ends =
    testList "ends" [
        case "cancelled during, and before" (fun host ->
            let futex = Futex()
            use source = new CancellationTokenSource()
            let waiting = Uring.startOn host source.Token (Futex.wait futex 0)
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            source.Cancel()
            ended "wait" waiting
            Expect.isTrue waiting.IsCanceled "during"
            Expect.equal (runOn host (Futex.wake futex 1)) 0 "nobody waits any more"
            let late = Uring.startOn host source.Token (Futex.wait futex 0)
            ended "wait" late
            Expect.isTrue late.IsCanceled "before")

        case "bounded in time" (fun host ->
            let futex = Futex()

            let failure =
                failureOf (fun () ->
                    runOn host (Uring.timeout (TimeSpan.FromMilliseconds 20.0) (Futex.wait futex 0)))

            match failure with
            | :? TimeoutException -> ()
            | other -> failtest $"{other}")

        testCase "with the ring" (fun () ->
            let futex = Futex()

            let waiting =
                withLoop (fun host ->
                    let waiting = startOn host (Futex.wait futex 0)
                    eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                    waiting)

            ended "wait" waiting
            Expect.isFalse waiting.IsCompletedSuccessfully "not woken")

        case "an odd address: EINVAL" (fun host ->
            let futex = Futex(Memory(GC.AllocateArray<byte>(8, true), 1, 4), false)
            Expect.equal (errnoOf host (Futex.waiting futex 0)) Errno.EINVAL "wait"
            Expect.equal (errnoOf host (Futex.waking futex 1)) Errno.EINVAL "wake")

        testCase "four bytes, and no count below zero" (fun () ->
            Expect.throwsT<ArgumentException>
                (fun () -> Futex(Memory(Array.zeroCreate<byte> 8), false) |> ignore)
                "eight"

            Expect.throwsT<ArgumentOutOfRangeException>
                (fun () -> Futex.waking (Futex()) -1 |> ignore)
                "count")
    ]

let private several =
    testList "several" [
        case "the one that is woken says which it is" (fun host ->
            for count in [ 1; 3; 128 ] do
                let words = [ for _ in 1..count -> Futex() ]
                let index = count / 2
                let waiting = startOn host (Futex.waitAny [ for word in words -> struct (word, 0) ])
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                eventually "woken" (fun () -> runOn host (Futex.wake words[index] 1) = 1)
                Expect.equal (finish "wait" waiting) (ValueSome index) "index"

                for word in words do
                    Expect.equal (runOn host (Futex.wake word 1)) 0 "nobody waits any more")

        case "another value of one at once" (fun host ->
            let words = [ struct (Futex(), 0); struct (shared (), 1) ]
            Expect.equal (runOn host (Futex.waitAny words)) ValueNone "not woken"
            Expect.equal (errnoOf host (Futex.waitingAny words)) Errno.EAGAIN "as a request")

        case "memory that may move is pinned, and cancelling ends it" (fun host ->
            let words = [ for _ in 1..3 -> struct (Futex(Memory(Array.zeroCreate<byte> 4), false), 0) ]
            use source = new CancellationTokenSource()
            let waiting = Uring.startOn host source.Token (Futex.waitAny words)
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            GC.Collect()
            source.Cancel()
            ended "wait" waiting
            Expect.isTrue waiting.IsCanceled "cancelled"
            let again = startOn host (Futex.waitAny words)
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            let struct (last, _) = words[2]
            eventually "woken" (fun () -> runOn host (Futex.wake last 1) = 1)
            Expect.equal (finish "wait" again) (ValueSome 2) "index")

        case "an odd address: EINVAL; none or too many: before the ring" (fun host ->
            let odd = Futex(Memory(GC.AllocateArray<byte>(8, true), 1, 4), false)
            Expect.equal (errnoOf host (Futex.waitingAny [ struct (odd, 0) ])) Errno.EINVAL "odd"

            for count in [ 0; 129 ] do
                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> Futex.waitingAny [ for _ in 1..count -> struct (odd, 0) ] |> ignore)
                    $"{count}")
    ]

[<Tests>]
let tests = testSequenced <| testList "Futex" [ waits; ends; several ]
