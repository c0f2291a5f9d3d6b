/// Ending operations and waiting for their end in the kernel, from F# and from C#.
module Uring.Tests.Linux.CancelNowTests

open System
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

let private case name (body: LoopThread -> unit) = testCase name (fun () -> withLoop body)
let private second = TimeSpan.FromSeconds 1.0
let private day = TimeSpan.FromDays 1.0
let private one = Memory(Array.zeroCreate<byte> 1)

let private receive (socket: Uring.FSharp.Socket) = SocketRequest.receive socket.Descriptor one
let private start host request = startAs host request Threading.CancellationToken.None

let private inFlight (host: LoopThread) count =
    eventually $"{count} in flight" (fun () -> host.Loop.InFlight = count)

let private isCancelled what (running: Task<'T>) =
    match failureOf (fun () -> finish what running) with
    | :? OperationCanceledException -> ()
    | other -> failtest $"{what}: {other}"

/// How many were asked and run on, and how many are in flight when that is told: on the ring's own thread, before it could do
/// anything else.
let private told (host: LoopThread) (cancelling: Uring<CancelCount>) =
    runOn
        host
        (uring {
            let! count = cancelling
            let! loop = Uring.loop
            return count.Asked, count.Running, loop.InFlight
        })

let private core =
    testList "F#" [
        case "all of a ring: none is left when it is told" (fun host ->
            let struct (ours, theirs) = connectPair host
            let receiving = start host (receive ours)
            let sleeping = startOn host (Uring.sleep day)
            let futex = startOn host (Futex.wait (Futex()) 0)
            inFlight host 3
            Expect.equal (told host (Uring.cancelAllNow second)) (3, 0, 0) "asked, running, in flight"
            isCancelled "receive" receiving
            isCancelled "timer" sleeping
            isCancelled "futex" futex
            Expect.equal (told host (Uring.cancelAllNow second)) (0, 0, 0) "nothing left"
            theirs.Send "x"B |> ignore
            Expect.equal (attempt host (receive ours)) 1 "the socket is unharmed")

        case "what the same turn has begun" (fun host ->
            let struct (ours, _) = connectPair host

            let outcome =
                runOn
                    host
                    (uring {
                        let! receiving = Uring.spawn (Uring.catch (Uring.perform (receive ours)))
                        let! count = Uring.cancelAllNow second
                        let! result = uring { return! receiving }
                        return count.Asked, count.Running, result.IsError
                    })

            Expect.equal outcome (1, 0, true) "asked, running, failed")

        case "of one sort, and of one socket" (fun host ->
            let struct (ours, theirs) = connectPair host
            let struct (other, _) = connectPair host
            let receiving = start host (receive ours)
            let elsewhere = start host (receive other)
            let sleeping = [ for _ in 1..3 -> startOn host (Uring.sleep day) ]
            inFlight host 5
            let ofSort = Uring.cancelAllOfNow Opcode.Timeout second
            Expect.equal (told host ofSort) (3, 0, 2) "timers"
            sleeping |> List.iter (isCancelled "timer")
            Expect.equal (told host (Socket.cancelNow second other)) (1, 0, 1) "the other socket"
            isCancelled "receive" elsewhere
            theirs.Send "x"B |> ignore
            Expect.equal (finish "receive" receiving) 1 "goes on")

        case "of one file" (fun host ->
            let pipe = runOn host Pipe.create
            let reading = start host (FileRequest.readNext pipe.Reader.Descriptor one)
            inFlight host 1
            Expect.equal (told host (File.cancelNow second pipe.Reader)) (1, 0, 0) "the pipe"
            isCancelled "read" reading)

        case "a chain: what had not begun is ended, too" (fun host ->
            let chain = Chain.append (Chain.single (Uring.timer day)) (Chain.single (Uring.timer day))
            let running = startOn host (Chains.run chain)
            inFlight host 2
            let asked, _, _ = told host (Uring.cancelAllNow second)
            Expect.equal asked 2 "asked"
            let outcome = finish "chain" running
            Expect.hasLength outcome 2 "steps"
            Expect.equal host.Loop.InFlight 0 "in flight")

        case "a bound in time goes on" (fun host ->
            let program = Uring.catch (Uring.sleep day)
            let running = startOn host (Uring.timeout day program)
            inFlight host 2
            Expect.equal (told host (Uring.cancelAllNow second)) (1, 0, 1) "not the clock"
            Expect.isTrue (finish "program" running).IsError "cancelled")

        case "no time at all, and less than that" (fun host ->
            let sleeping = startOn host (Uring.sleep day)
            inFlight host 1
            Expect.equal (told host (Uring.cancelAllNow TimeSpan.Zero)) (1, 0, 0) "zero"
            isCancelled "timer" sleeping

            Expect.throwsT<ArgumentOutOfRangeException>
                (fun () -> runOn host (Uring.cancelAllNow (TimeSpan.FromTicks -1L)) |> ignore)
                "negative")
    ]

/// A loop whose kernel answers a synchronous cancel in this way, two receives on it, and what ends them otherwise.
let private answering
    (answer: RegisterOpcode -> Answer)
    (body: LoopThread -> Task<int> list -> (unit -> unit) -> unit)
    =
    let kernel = FaultyKernel()

    kernel.OnRegister <-
        fun opcode -> if opcode = RegisterOpcode.CancelAndWait then answer opcode else Answer.Real

    withLoopOf kernel LoopOptions.standard (fun host ->
        let struct (ours, theirs) = connectPair host
        let receiving = [ for _ in 1..2 -> start host (receive ours) ]
        inFlight host 2
        body host receiving (fun () -> theirs.Send "xy"B |> ignore))

let private kernels =
    testList "kernels" [
        testCase "one that has none (before 6.0) is asked without waiting" (fun () ->
            answering (Answer.always (Answer.Before Errno.EINVAL)) (fun host receiving _ ->
                let asked, running, _ = told host (Uring.cancelAllNow second)
                Expect.equal asked 2 "asked"
                Expect.isLessThanOrEqual running 2 "some may have ended"
                receiving |> List.iter (isCancelled "receive")))

        testCase "a signal ends no wait" (fun () ->
            answering (Answer.times 3 (Answer.Before Errno.EINTR)) (fun host receiving _ ->
                Expect.equal (told host (Uring.cancelAllNow second)) (2, 0, 0) "asked, running, in flight"
                receiving |> List.iter (isCancelled "receive")))

        testCase "what is not over in time runs on, and nobody waits for the next" (fun () ->
            let mutable limits = 0

            let late _ =
                limits <- limits + 1
                Answer.Before Errno.ETIME

            answering late (fun host receiving finishThem ->
                Expect.equal (told host (Uring.cancelAllNow second)) (2, 2, 2) "asked, running, in flight"
                Expect.equal limits 2 "both were asked"
                // In this test nobody has told the kernel.
                Expect.isFalse (receiving |> List.exists _.IsCompleted) "they run"
                finishThem ()
                Expect.equal (receiving |> List.map (finish "receive")) [ 1; 1 ] "and end as they would"))

        testCase "a ring that was told to refuse all but timers" (fun () ->
            let restriction = Restriction.only [ Opcode.Timeout ]

            withLoopOf
                LinuxKernel.Instance
                { LoopOptions.standard with Restriction = ValueSome restriction }
                (fun host ->
                    let sleeping = startOn host (Uring.sleep day)
                    inFlight host 1

                    Expect.equal
                        (told host (Uring.cancelAllNow second))
                        (1, 0, 0)
                        "allowed with the library's own"

                    isCancelled "timer" sleeping))
    ]

let private facade =
    testList "C#" [
        Observe.tidyCase "all of a ring, of a sort, of a file, of a socket, of a listener" (fun () ->
            task {
                use ring = new Uring.Ring()
                use pipe = new IO.Pipes.AnonymousPipeServerStream(IO.Pipes.PipeDirection.Out)
                use! file = Observe.openPipe ring pipe
                use! listener = Uring.UringListener.ListenAsync(Pairs.loopback, ring = ring)

                do!
                    Pairs.connectedOn ring Pairs.loopback (fun client _ ->
                        task {
                            let started: Task list = [
                                file.ReadAsync(one, 0L).AsTask() :> Task
                                client.ReceiveAsync(one).AsTask()
                                listener.AcceptAsync().AsTask()
                                ring.DelayAsync(day).AsTask()
                                ring.DelayAsync(day).AsTask()
                                ring.PollAsync(pipe.SafePipeHandle, Uring.PollEvents.Readable).AsTask()
                            ]

                            do! Observe.eventually "in flight" (fun () -> ring.InFlight = 6)

                            let isOne what (counting: ValueTask<Uring.CancelResult>) =
                                task {
                                    let! count = counting
                                    Expect.equal count (Uring.CancelResult(1, 0)) what
                                }

                            do! isOne "file" (file.CancelNowAsync second)
                            do! isOne "socket" (client.CancelNowAsync second)
                            do! isOne "listener" (listener.CancelNowAsync second)
                            let! count = ring.CancelAllAsync Uring.RingOperation.Accept
                            Expect.equal count 0 "no accept is left"
                            let! count = ring.CancelAllNowAsync(Uring.RingOperation.Timeout, second)
                            Expect.equal count (Uring.CancelResult(2, 0)) "timers"
                            do! isOne "the poll is left" (ring.CancelAllNowAsync second)

                            for one in started do
                                ended "operation" one
                                Expect.isTrue one.IsCanceled $"{one.Status}"
                        })
            })

        Observe.tidyCase "of a sort, without waiting" (fun () ->
            task {
                use ring = new Uring.Ring()
                let sleeping = ring.DelayAsync(day).AsTask()
                do! Observe.eventually "in flight" (fun () -> ring.InFlight = 1)
                let! count = ring.CancelAllAsync Uring.RingOperation.Read
                Expect.equal count 0 "reads"
                let! count = ring.CancelAllAsync Uring.RingOperation.Timeout
                Expect.equal count 1 "timers"
                ended "timer" sleeping
                Expect.isTrue sleeping.IsCanceled "cancelled"
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "Cancel now" [ core; kernels; facade ]
