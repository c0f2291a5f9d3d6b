/// Ending many operations at once, from F# and from C#.
module Uring.Tests.Linux.CancelAllTests

open System
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

let private case name (body: LoopThread -> unit) = testCase name (fun () -> withLoop body)

let private one = Memory(Array.zeroCreate<byte> 1)
let private receive (socket: Uring.FSharp.Socket) = SocketRequest.receive socket.Descriptor one
let private start host request = startAs host request CancellationToken.None

let private inFlight (host: LoopThread) count =
    eventually $"{count} in flight" (fun () -> host.Loop.InFlight = count)

/// Nobody has cancelled the program's own token: it ends with the exception of what it has awaited.
let private isCancelled what (running: Task<'T>) =
    match failureOf (fun () -> finish what running) with
    | :? OperationCanceledException -> ()
    | other -> failtest $"{what}: {other}"

let private core =
    testList "F#" [
        case "all of a ring, each counted once" (fun host ->
            let struct (ours, theirs) = connectPair host
            let receiving = start host (receive ours)
            let sleeping = startOn host (Uring.sleep (TimeSpan.FromDays 1.0))
            let futex = startOn host (Futex.wait (Futex()) 0)
            inFlight host 3
            Expect.equal (runOn host Uring.cancelAll) 3 "count"
            isCancelled "receive" receiving
            isCancelled "timer" sleeping
            isCancelled "futex" futex
            inFlight host 0
            Expect.equal (runOn host Uring.cancelAll) 0 "nothing left"
            theirs.Send "x"B |> ignore
            Expect.equal (attempt host (receive ours)) 1 "the socket is unharmed")

        case "of one sort" (fun host ->
            let struct (ours, theirs) = connectPair host
            let receiving = start host (receive ours)
            let sleeping = [ for _ in 1..3 -> startOn host (Uring.sleep (TimeSpan.FromDays 1.0)) ]
            inFlight host 4
            Expect.equal (runOn host (Uring.cancelAllOf Opcode.Accept)) 0 "none"
            Expect.equal (runOn host (Uring.cancelAllOf Opcode.Timeout)) 3 "timers"
            sleeping |> List.iter (isCancelled "timer")
            theirs.Send "x"B |> ignore
            Expect.equal (finish "receive" receiving) 1 "goes on")

        case "of one socket, and of no other" (fun host ->
            let struct (ours, _) = connectPair host
            let struct (other, theirs) = connectPair host
            let receiving = [ for _ in 1..2 -> start host (receive ours) ]
            let elsewhere = start host (receive other)
            inFlight host 3
            Expect.equal (runOn host (Socket.cancel ours)) 2 "count"
            receiving |> List.iter (isCancelled "receive")
            theirs.Send "x"B |> ignore
            Expect.equal (finish "receive" elsewhere) 1 "the other"
            Expect.equal (runOn host (Socket.cancel ours)) 0 "nothing left")

        case "from another ring's program: on the ring that has them" (fun host ->
            withLoop (fun other ->
                let struct (ours, _) = connectPair host
                let receiving = start host (receive ours)
                inFlight host 1
                Expect.equal (runOn other (Socket.cancel ours)) 1 "count"
                isCancelled "receive" receiving))

        case "a stream that waits for a buffer outside of the kernel counts" (fun host ->
            let struct (ours, theirs) = connectPair host
            use starved = new SemaphoreSlim 0

            let reading =
                startOn
                    host
                    (uring {
                        let! pool = Socket.bufferPool 1 16
                        let! stream = Socket.receiveMany ours pool
                        let mutable kept = []

                        for lease in stream do
                            kept <- lease :: kept
                            starved.Release() |> ignore

                        return kept.Length
                    })

            theirs.Send "x"B |> ignore
            Expect.isTrue (starved.Wait limit) "first"
            theirs.Send "y"B |> ignore
            // Without a buffer it is in the kernel no longer.
            inFlight host 0
            let mutable count = 0

            eventually "asked" (fun () ->
                count <- count + runOn host (Socket.cancel ours)
                count > 0)

            Expect.equal count 1 "count"
            isCancelled "stream" reading)

        case "a bound in time goes on" (fun host ->
            // What comes after a cancelled step is bounded, too.
            let program =
                uring {
                    let! first = Uring.catch (Uring.sleep (TimeSpan.FromDays 1.0))
                    do! Uring.sleep (TimeSpan.FromDays 1.0)
                    return first
                }

            let running = startOn host (Uring.timeout (TimeSpan.FromMilliseconds 300.0) program)
            inFlight host 2
            Expect.equal (runOn host Uring.cancelAll) 1 "not the clock"
            ended "program" running

            match (nonNull running.Exception).InnerException with
            | :? TimeoutException -> ()
            | other -> failtest $"{other}")

        case "what is being closed is closed" (fun host ->
            let struct (ours, theirs) = connectPair host
            let receiving = start host (receive ours)
            inFlight host 1
            let closing = (ours :> IAsyncDisposable).DisposeAsync().AsTask()
            runOn host Uring.cancelAll |> ignore
            finished "close" closing
            isCancelled "receive" receiving
            Expect.equal (theirs.Receive(Array.zeroCreate<byte> 1)) 0 "closed"

            match failureOf (fun () -> runOn host (Socket.cancel ours)) with
            | :? ObjectDisposedException -> ()
            | other -> failtest $"{other}")
    ]

let private facade =
    testList "C#" [
        Observe.tidyCase "all of a ring, of a socket, of a file, of a listener" (fun () ->
            task {
                use ring = new Uring.Ring()
                use pipe = new IO.Pipes.AnonymousPipeServerStream(IO.Pipes.PipeDirection.Out)
                use! file = Observe.openPipe ring pipe
                use! listener = Uring.UringListener.ListenAsync(Pairs.loopback, ring = ring)

                do!
                    Pairs.connectedOn ring Pairs.loopback (fun client _ ->
                        task {
                            let start () = [
                                file.ReadAsync(one, 0L).AsTask() :> Task
                                client.ReceiveAsync(one).AsTask()
                                listener.AcceptAsync().AsTask()
                                ring.DelayAsync(TimeSpan.FromDays 1.0).AsTask()
                            ]

                            let areCancelled (running: Task list) =
                                for one in running do
                                    ended "operation" one
                                    Expect.isTrue one.IsCanceled $"{one.Status}"

                            let first = start ()
                            do! Observe.eventually "in flight" (fun () -> ring.InFlight = 4)
                            let! count = file.CancelAsync()
                            Expect.equal count 1 "file"
                            let! count = client.CancelAsync()
                            Expect.equal count 1 "socket"
                            let! count = listener.CancelAsync()
                            Expect.equal count 1 "listener"
                            let! count = ring.CancelAllAsync()
                            Expect.equal count 1 "the timer is left"
                            areCancelled first
                            let second = start ()
                            do! Observe.eventually "in flight" (fun () -> ring.InFlight = 4)
                            let! count = ring.CancelAllAsync()
                            Expect.equal count 4 "ring"
                            areCancelled second
                        })
            })

        Observe.tidyCase "refuses what is closed, and a token that was cancelled before" (fun () ->
            task {
                let ring = new Uring.Ring()
                let late = CancellationToken true
                do! Observe.isCancelled "ring" (fun () -> Observe.discard (ring.CancelAllAsync late))
                do! ring.DisposeAsync()

                let! _ =
                    Observe.raises<ObjectDisposedException> "ring" (fun () ->
                        Observe.discard (ring.CancelAllAsync()))

                ()
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "Cancel all" [ core; facade ]
