/// `uring { }` on the real kernel: what the computation expression promises.
module Uring.Tests.Linux.ProgramTests

#nowarn "3511" // One program here is meant for the dynamic branch of the builder.

open System
open System.IO
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Tests.Linux.Hosting

/// Notes when it is disposed of.
type private Resource(log: ResizeArray<string>, name: string) =
    interface IAsyncDisposable with
        member _.DisposeAsync() =
            log.Add name
            ValueTask.CompletedTask

exception private Expected of string

let private failing: Uring<int> = uring { return raise (Expected "on purpose") }

/// Bytes that the loop's thread allocates per turn of `body`, when it is warm.
let private bytesPer count (body: int -> Uring<unit>) =
    withLoop (fun host ->
        // Twice: the JIT compiles the hot parts again after the first few ten thousand calls.
        for _ in 1..3 do
            runOn host (body (count * 3))

        uring {
            let before = GC.GetAllocatedBytesForCurrentThread()
            do! body count
            return float (GC.GetAllocatedBytesForCurrentThread() - before) / float count
        }
        |> runOn host)

let private nops count =
    uring {
        let mutable done' = 0

        while done' < count do
            let! _ = Uring.nop
            done' <- done' + 1
    }

/// An operation on a file and memory, so many times.
let private steady: (string * (File -> Memory<byte> -> int -> Uring<unit>)) list = [
    "reading",
    (fun file buffer count ->
        uring {
            for _ in 1..count do
                let! _ = File.read file buffer 0L
                ()
        })

    "reading all",
    (fun file buffer count ->
        uring {
            for _ in 1..count do
                let! _ = File.readFull file buffer 0L
                ()
        })

    "writing all",
    (fun file buffer count ->
        uring {
            for _ in 1..count do
                do! File.write file (Memory.op_Implicit buffer) 0L
        })
]

/// A `let rec` cannot be part of a state machine: the compiler says so (FS3511) and takes the dynamic branch, as it does
/// for some scripts.
let private dynamicSum (first: Uring<int>) (second: Uring<int>) : Uring<int> =
    uring {
        let rec down count = if count = 0 then 0 else down (count - 1)
        let mutable sum = down 3

        try
            let! left = first
            sum <- sum + left

            for _ in 1..2 do
                let! right = second
                sum <- sum + right
        finally
            sum <- sum + 1000

        return sum
    }

let private later value =
    uring {
        do! Uring.sleep (TimeSpan.FromMilliseconds 1.0)
        return value
    }

[<Tests>]
let tests =
    testSequenced
    <| testList "Program" [
        test "a program is cold: it runs when it is run, and again when it is run again" {
            let mutable runs = 0
            let count = ref 0
            let program = uring { count.Value <- count.Value + 1 }
            Expect.equal count.Value 0 "nothing has run"

            withLoop (fun host ->
                runOn host program
                runOn host program)

            runs <- count.Value
            Expect.equal runs 2 "two runs"
        }

        test "try with catches what an awaited program raises, at once or later" {
            let guarded (program: Uring<int>) =
                uring {
                    try
                        let! value = program
                        return string value
                    with Expected reason ->
                        return reason
                }

            let laterFailing =
                uring {
                    let! _ = later 0
                    return! failing
                }

            Expect.equal (run (guarded failing)) "on purpose" "at once"
            Expect.equal (run (guarded laterFailing)) "on purpose" "later"
            Expect.equal (run (guarded (later 5))) "5" "not at all"
        }

        test "try finally runs its end once, after success, failure and cancellation" {
            withLoop (fun host ->
                let ends = ref 0

                let around (program: Uring<int>) =
                    uring {
                        try
                            return! program
                        finally
                            ends.Value <- ends.Value + 1
                    }

                runOn host (around (later 1)) |> ignore
                Expect.equal ends.Value 1 "success"
                failureOf (fun () -> runOn host (around failing)) |> ignore
                Expect.equal ends.Value 2 "failure"

                let forever = Uring.map (fun () -> 0) (Uring.sleep (TimeSpan.FromSeconds 1000.0))

                use source = new CancellationTokenSource()
                let running = Uring.startOn host source.Token (around forever)
                eventually "the timer" (fun () -> host.Loop.InFlight > 0)
                source.Cancel()
                ended "cancelled" running
                Expect.isTrue running.IsCanceled "cancelled"
                Expect.equal ends.Value 3 "cancellation")
        }

        test "use! disposes of resources, last first, also when the body fails" {
            let log = ResizeArray()

            let program =
                uring {
                    use! _ = Uring.result (Resource(log, "first"))
                    use _ = Resource(log, "second")
                    let! _ = later 0
                    return! failing
                }

            match failureOf (fun () -> run program) with
            | Expected _ -> ()
            | other -> failtest $"{other}"

            Expect.equal (List.ofSeq log) [ "second"; "first" ] "order"
        }

        test "and! runs both at once" {
            withLoop (fun host ->
                let gate = TaskCompletionSource<int>()

                let program =
                    uring {
                        let! left = gate.Task

                        and! right =
                            uring {
                                let! value = later 2
                                // The left side waits for this: one after the other would hang.
                                gate.SetResult 1
                                return value
                            }

                        return left + right
                    }

                Expect.equal (runOn host program) 3 "sum")
        }

        test "and! with a failure cancels the other side, waits for its end, and raises the failure" {
            withLoop (fun host ->
                let ended = ref false

                let program =
                    uring {
                        let! () =
                            uring {
                                try
                                    do! Uring.sleep (TimeSpan.FromSeconds 1000.0)
                                finally
                                    ended.Value <- true
                            }

                        and! _ =
                            uring {
                                let! _ = later 0
                                return! failing
                            }

                        return ()
                    }

                match failureOf (fun () -> runOn host program) with
                | Expected _ -> ()
                | other -> failtest $"{other}"

                Expect.isTrue ended.Value "the other side has ended"
                Expect.equal host.Loop.InFlight 0 "nothing is left")
        }

        test "parallel keeps the order, whatever ends first" {
            let program =
                Uring.``parallel`` [
                    for index in 0..9 ->
                        uring {
                            do! Uring.sleep (TimeSpan.FromMilliseconds(float (10 - index)))
                            return index
                        }
                ]

            Expect.equal (run program) [| 0..9 |] "results"
        }

        test "a million completed awaits grow no stack" {
            let program =
                uring {
                    let mutable sum = 0L

                    for index in 1..1_000_000 do
                        let! value = Uring.result index
                        sum <- sum + int64 value

                    return sum
                }

            Expect.equal (run program) 500000500000L "sum"
        }

        test "a hundred thousand nested programs grow no stack when each awaits the kernel" {
            withLoop (fun host -> runOn host (nops 100_000))
        }

        test "a foreign task is awaited without blocking, and what follows runs on the loop" {
            withLoop (fun host ->
                let program =
                    uring {
                        let before = Loop.Current
                        do! Task.Delay 5
                        let! value = Task.Run(fun () -> 7)
                        let same = obj.ReferenceEquals(before, Loop.Current)
                        let! _ = Uring.nop
                        return value, same, obj.ReferenceEquals(Loop.Current, host.Loop)
                    }

                Expect.equal (runOn host program) (7, true, true) "value, thread, thread")
        }

        test "an F# task started in a program resumes on the loop too" {
            withLoop (fun host ->
                let program =
                    uring {
                        let onLoop =
                            task {
                                do! Task.Delay 5
                                return obj.ReferenceEquals(Loop.Current, host.Loop)
                            }

                        return!
                            uring {
                                let! result = onLoop
                                return result
                            }
                    }

                Expect.isTrue (runOn host program) "on the loop")
        }

        test "Uring.run on a ring's own thread says what to do instead" {
            let program =
                uring {
                    return
                        match failureOf (fun () -> Uring.run Uring.nop) with
                        | :? InvalidOperationException as reason -> reason.Message
                        | other -> string other
                }

            Expect.stringContains (run program) "let!" "the remedy"
        }

        test "errors of operations are the BCL's exceptions" {
            let open' path =
                uring {
                    use! file = File.openRead path
                    return file.Path
                }

            match failureOf (fun () -> run (open' "/no/such/file")) with
            | :? FileNotFoundException as reason -> Expect.equal reason.FileName "/no/such/file" "its name"
            | other -> failtest $"{other}"
        }

        test "a failed read names the file" {
            let readAll =
                uring {
                    use! file = File.openRead "/proc/self/mem"
                    return! File.read file (Memory(Array.zeroCreate<byte> 16)) 0L
                }

            match failureOf (fun () -> run readAll) with
            | :? IOException as reason -> Expect.stringContains reason.Message "/proc/self/mem" "the path"
            | other -> failtest $"{other}"
        }

        test "the dynamic branch of the builder does the same" {
            Expect.equal (run (dynamicSum (later 3) (Uring.result 4))) 1011 "sum"
            Expect.equal (run (dynamicSum (Uring.result 3) (later 4))) 1011 "sum"

            match failureOf (fun () -> run (dynamicSum (later 3) failing)) with
            | Expected _ -> ()
            | other -> failtest $"{other}"
        }

        test "awaiting a pending operation allocates nothing" {
            // Making and starting the program is counted too: a kilobyte, spread over all nops.
            Expect.isLessThan (bytesPer 20_000 nops) 0.2 "bytes per nop"
        }

        for name, repeat in steady do
            test $"{name} allocates nothing" {
                let body count =
                    uring {
                        use! file = File.openWith OpenFlags.ReadWrite (enum<UnixFileMode> 0) "/dev/zero"

                        do! repeat file (Memory(GC.AllocateArray<byte>(4096, true))) count
                    }

                // Opening and closing are counted too: kilobytes, spread over all.
                Expect.isLessThan (bytesPer 50_000 body) 0.5 "bytes per operation"
            }
    ]
