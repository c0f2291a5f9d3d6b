/// Operations that are cancelled at any moment: waiting, running, linked, streaming. What they hold comes back.
module Uring.Tests.Simulation.CancelWork

open System
open System.Net
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Simulation.FileWork


let private endPoint = Sockets.UnixDomainSocketEndPoint "/peer"

/// A connection and its other end.
let private connected (body: Socket -> Socket -> Uring<unit>) : Uring<unit> =
    uring {
        use! listener = Socket.listen endPoint 4
        use! theirs = Socket.connect endPoint
        use! ours = Socket.accept listener
        do! body ours theirs
    }

let private microseconds (random: Random) most = TimeSpan.FromMicroseconds(float (random.Next(0, most)))

/// Ends by a timeout, or by itself.
let private within (random: Random) (program: Uring<unit>) : Uring<unit> =
    uring {
        match! Uring.catch (Uring.timeout (microseconds random 500) program) with
        | Ok()
        | Error(:? TimeoutException)
        | Error(:? OperationCanceledException) -> ()
        | Error reason -> return raise reason
    }

/// Waits for bytes that may come or not; then the connection still works.
let private receives (random: Random) : Uring<unit> =
    connected (fun ours theirs ->
        uring {
            let buffer = Array.zeroCreate<byte> 100
            let sends = random.Next 2 = 0

            let! () =
                within
                    random
                    (uring {
                        let! count = Socket.receive ours (Memory buffer)

                        expect
                            (count > 0 && count <= 3 && buffer[count - 1] = byte count)
                            "up to three bytes"
                    })

            and! () =
                uring {
                    do! Uring.sleep (microseconds random 500)

                    if sends then do! Socket.send theirs (ReadOnlyMemory [| 1uy; 2uy; 3uy |])
                }

            do! Socket.send ours (ReadOnlyMemory [| 9uy |])
            let! count = Socket.receive theirs (Memory buffer)
            expect (count = 1 && buffer[0] = 9uy) "the connection still works"
        })

/// A stream that is left in the middle, with leases that are held for a while.
let private streams (random: Random) : Uring<unit> =
    connected (fun ours theirs ->
        uring {
            let! pool = BufferPool.create { BufferPoolOptions.fixedOf 3 20 with PerStream = 2 }
            let most = random.Next 4
            let mutable taken = 0

            let! () =
                within
                    random
                    (uring {
                        let! stream = Socket.receiveMany ours pool

                        for lease in stream do
                            use lease = lease
                            expect (lease.Length > 0) "a lease holds something"
                            do! Uring.sleep (microseconds random 100)
                            taken <- taken + 1

                            if taken = most then return raise (OperationCanceledException())
                    })

            and! () =
                uring {
                    for _ in 1..5 do
                        do! Socket.send theirs (ReadOnlyMemory(Array.zeroCreate<byte>(random.Next(1, 50))))
                        do! Uring.sleep (microseconds random 100)
                }

            do! BufferPool.close pool
        })

/// Many timers; the shortest is the first to end.
let private timers (random: Random) : Uring<unit> =
    uring {
        let ended = ResizeArray<int>()

        let! _ =
            Uring.``parallel`` [
                for index in 1..5 ->
                    within
                        random
                        (uring {
                            do! Uring.sleep (TimeSpan.FromMicroseconds(float (index * 50)))
                            ended.Add index
                        })
            ]

        expect (Seq.toList ended = List.sort (Seq.toList ended)) "timers end in their order"
    }

/// A step that takes too long is ended by the link timeout behind it.
let private bounded: Uring<unit> =
    connected (fun ours _ ->
        uring {
            let buffer = Array.zeroCreate<byte> 10

            let! outcome =
                Chains.run (
                    chain {
                        SocketRequest.receive ours.Descriptor (Memory buffer)
                        Uring.within (TimeSpan.FromMicroseconds 100.0)
                    }
                )

            match outcome with
            | [ StepOutcome.Cancelled; StepOutcome.Failed Errno.ETIME ] -> ()
            // The kernel took the receive without its limit: it was cancelled at once.
            | [ StepOutcome.Cancelled; StepOutcome.Ran 0 ] -> ()
            // The receive failed before its time was over.
            | [ StepOutcome.Failed _; _ ] -> ()
            | other -> expect false $"a bounded receive came to %A{other}"
        })

let private poll (random: Random) : Uring<unit> =
    connected (fun ours theirs ->
        uring {
            let! () =
                within
                    random
                    (uring {
                        let! events = Socket.poll ours PollEvents.Readable
                        expect (events.HasFlag PollEvents.Readable) "readable"
                    })

            and! () =
                uring {
                    do! Uring.sleep (microseconds random 300)
                    do! Socket.send theirs (ReadOnlyMemory [| 1uy |])
                }

            return ()
        })

let work (seed: uint64) : Uring<unit> =
    uring {
        let random = Random(int seed)

        match random.Next 6 with
        | 0 -> do! receives random
        | 1 -> do! streams random
        | 2 -> do! timers random
        | 3 -> do! bounded
        | 4 -> do! poll random
        | _ ->
            do! receives random
            do! streams random
    }
