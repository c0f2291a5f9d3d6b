/// Both branches of the builder on the same programs: each has to do the same. A `let rec` cannot be part of a state
/// machine (FS3511), so the compiler takes the dynamic branch for every program with a `dynamic` in it.
module Uring.Tests.Linux.BuilderTests

#nowarn "3511" // "Not statically compilable": the point of every second program here.

open System
open System.Collections.Generic
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Tests.Linux.Hosting

exception private Planned of string

/// What a program did, in order.
type private Log = List<string>

[<Sealed>]
type private Resource(log: Log, name: string, pending: bool) =
    interface IAsyncDisposable with
        member _.DisposeAsync() =
            log.Add name

            if pending then ValueTask(Task.Delay 1) else ValueTask.CompletedTask

/// Pending or completed at once.
let private value pending (result: 'T) : Uring<'T> =
    if pending then Uring.map (fun _ -> result) Uring.nop else Uring.result result

let private failing pending : Uring<int> =
    Program.ofScope (fun scope ->
        ValueTask<int>(
            task {
                let! _ = (value pending 0).Start scope
                return raise (Planned "on purpose")
            }
        ))

/// Ends on a pool thread; a pending one once the program waits for it, because only then the loop runs what was posted.
let private elsewhere pending : Task<unit> =
    let waited = TaskCompletionSource()

    if pending then
        (nonNull Loop.Current).Post((fun _ -> waited.SetResult()), null)
    else
        waited.SetResult()

    Task.Run<unit>(fun () -> waited.Task.Wait())

/// A program in both branches. `pending`: what it awaits does not complete at once.
let private both: (string * (bool -> Log -> Uring<int>) * (bool -> Log -> Uring<int>)) list = [
    "return",
    (fun pending _ -> uring { return! value pending 5 }),
    (fun pending _ ->
        uring {
            let rec dynamic count = if count = 0 then 0 else dynamic (count - 1)
            dynamic 1 |> ignore
            return! value pending 5
        })

    "a loop with let!",
    (fun pending log ->
        uring {
            let count = ref 0

            while count.Value < 5 do
                let! step = value pending 1
                count.Value <- count.Value + step
                log.Add $"{count.Value}"

            return count.Value
        }),
    (fun pending log ->
        uring {
            let rec dynamic count = if count = 0 then 0 else dynamic (count - 1)
            dynamic 1 |> ignore
            let count = ref 0

            while count.Value < 5 do
                let! step = value pending 1
                count.Value <- count.Value + step
                log.Add $"{count.Value}"

            return count.Value
        })

    "for over a sequence",
    (fun pending log ->
        uring {
            for item in [ 1..4 ] do
                let! item = value pending item
                log.Add $"{item}"

            return 4
        }),
    (fun pending log ->
        uring {
            let rec dynamic count = if count = 0 then 0 else dynamic (count - 1)
            dynamic 1 |> ignore

            for item in [ 1..4 ] do
                let! item = value pending item
                log.Add $"{item}"

            return 4
        })

    "try with",
    (fun pending log ->
        uring {
            try
                let! _ = failing pending
                return 1
            with Planned reason ->
                let! after = value pending 2
                log.Add reason
                return after
        }),
    (fun pending log ->
        uring {
            let rec dynamic count = if count = 0 then 0 else dynamic (count - 1)
            dynamic 1 |> ignore

            try
                let! _ = failing pending
                return 1
            with Planned reason ->
                let! after = value pending 2
                log.Add reason
                return after
        })

    "try finally around a failure",
    (fun pending log ->
        uring {
            try
                let! _ = value pending 1
                log.Add "body"
                return! failing pending
            finally
                log.Add "finally"
        }),
    (fun pending log ->
        uring {
            let rec dynamic count = if count = 0 then 0 else dynamic (count - 1)
            dynamic 1 |> ignore

            try
                let! _ = value pending 1
                log.Add "body"
                return! failing pending
            finally
                log.Add "finally"
        })

    "use! of two, the body fails",
    (fun pending log ->
        uring {
            use! _ = value pending (Resource(log, "outer", pending))
            use! _ = value pending (Resource(log, "inner", pending))
            log.Add "body"
            return! failing pending
        }),
    (fun pending log ->
        uring {
            let rec dynamic count = if count = 0 then 0 else dynamic (count - 1)
            dynamic 1 |> ignore
            use! _ = value pending (Resource(log, "outer", pending))
            use! _ = value pending (Resource(log, "inner", pending))
            log.Add "body"
            return! failing pending
        })

    "and!",
    (fun pending _ ->
        uring {
            let! left = value pending 1
            and! right = value pending 2
            return left + right
        }),
    (fun pending _ ->
        uring {
            let rec dynamic count = if count = 0 then 0 else dynamic (count - 1)
            dynamic 1 |> ignore
            let! left = value pending 1
            and! right = value pending 2
            return left + right
        })

    "a task from elsewhere",
    (fun pending log ->
        uring {
            let! seen = elsewhere pending :> Task
            log.Add $"{seen} on the loop: {not (isNull Loop.Current)}"
            return 3
        }),
    (fun pending log ->
        uring {
            let rec dynamic count = if count = 0 then 0 else dynamic (count - 1)
            dynamic 1 |> ignore
            let! seen = elsewhere pending
            log.Add $"{seen} on the loop: {not (isNull Loop.Current)}"
            return 3
        })
]

/// The result or the exception's text, and the log: twice, because a program can be run twice.
let private observe host (make: Log -> Uring<int>) =
    let log = Log()
    let program = make log

    let outcome () =
        try
            string (runOn host program)
        with reason ->
            reason.ToString().Split('\n')[0]

    let first = outcome ()
    let second = outcome ()
    [ first; second; yield! log ]

let private same =
    testList "the same" [
        for name, compiled, uncompiled in both do
            for pending in [ false; true ] do
                let how = if pending then "pending" else "completed"

                testCase $"{name}, {how}" (fun () ->
                    withLoop (fun host ->
                        let expected = observe host (compiled pending)
                        Expect.isNonEmpty expected "something was seen"
                        Expect.equal (observe host (uncompiled pending)) expected "dynamic")

                )
    ]

let private streams =
    testList "for over a stream" [
        let items = [ "compiled"; "dynamic" ]

        for name in items do
            testCase name (fun () ->
                withLoop (fun host ->
                    let pool = runOn host (Socket.bufferPool 2 4)
                    let struct (ours, theirs) = connectPair host
                    theirs.Send "abcdefghijklmnop"B |> ignore
                    theirs.Shutdown Net.Sockets.SocketShutdown.Send
                    let got = List<byte>()

                    let take (lease: BufferLease) =
                        got.AddRange(lease.Span.ToArray())
                        lease.Dispose()

                    let program =
                        if name = "compiled" then
                            uring {
                                let! stream = Socket.receiveMany ours pool

                                for lease in stream do
                                    let! _ = Uring.nop
                                    take lease

                                return got.Count
                            }
                        else
                            uring {
                                let rec dynamic count = if count = 0 then 0 else dynamic (count - 1)
                                dynamic 1 |> ignore
                                let! stream = Socket.receiveMany ours pool

                                for lease in stream do
                                    let! _ = Uring.nop
                                    take lease

                                return got.Count
                            }

                    Expect.equal (runOn host program) 16 "all"
                    Expect.equal (got.ToArray()) "abcdefghijklmnop"B "in order"
                    theirs.Dispose()))
    ]

let private depth =
    testList "depth" [
        testCase "a million completed awaits in a dynamic loop" (fun () ->
            let program =
                uring {
                    let rec dynamic count = if count = 0 then 0 else dynamic (count - 1)
                    dynamic 1 |> ignore
                    let count = ref 0

                    while count.Value < 1_000_000 do
                        let! step = Uring.result 1
                        count.Value <- count.Value + step

                    return count.Value
                }

            Expect.equal (run program) 1_000_000 "count")

        testCase "a hundred thousand pending awaits in a dynamic loop" (fun () ->
            let program =
                uring {
                    let rec dynamic count = if count = 0 then 0 else dynamic (count - 1)
                    dynamic 1 |> ignore
                    let count = ref 0

                    while count.Value < 100_000 do
                        let! result = Uring.nop
                        count.Value <- count.Value + 1 + result

                    return count.Value
                }

            Expect.equal (run program) 100_000 "count")
    ]

/// Bytes that the loop's thread allocates for exactly these awaits: the least of several rounds, because the JIT and the
/// pools need some to warm up.
let private leastBytes (host: LoopThread) (awaits: Uring<unit>) =
    let measured =
        uring {
            let mutable least = Int64.MaxValue

            for _ in 1..12 do
                let before = GC.GetAllocatedBytesForCurrentThread()
                do! awaits
                least <- min least (GC.GetAllocatedBytesForCurrentThread() - before)

            return least
        }

    runOn host measured

let private allocation =
    testList "allocation" [
        let nops count =
            uring {
                for _ in 1..count do
                    let! _ = Uring.nop
                    ()
            }

        let reads file (buffer: Memory<byte>) count =
            uring {
                for _ in 1..count do
                    let! _ = File.read file buffer 0L
                    ()
            }

        // Starting the program costs a little; the awaits must not: the same for 1 as for 10,000 of them.
        testCase "10,000 nops allocate no more than one" (fun () ->
            withLoop (fun host ->
                let one = leastBytes host (nops 1)
                Expect.equal (leastBytes host (nops 10_000)) one "bytes"))

        testCase "10,000 reads into ordinary memory allocate no more than one" (fun () ->
            inFolder (fun folder ->
                let path = IO.Path.Combine(folder, "file")
                IO.File.WriteAllBytes(path, Array.zeroCreate 64)

                withLoop (fun host ->
                    let file = runOn host (File.openRead path)
                    let buffer = Memory(Array.zeroCreate<byte> 64)
                    let one = leastBytes host (reads file buffer 1)
                    Expect.equal (leastBytes host (reads file buffer 10_000)) one "bytes")))
    ]

[<Tests>]
let tests = testSequenced <| testList "Builder" [ same; streams; depth; allocation ]
