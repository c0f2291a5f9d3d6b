/// A ring that is disposed of while everything is in flight: whoever waits is told, and nothing is left behind.
module Uring.Tests.Simulation.DisposeWork

open System
open System.Net
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.FSharp
open Uring.Tests.Simulation.FileWork


let private endPoint = IPEndPoint(IPAddress.Loopback, 5000)

/// Serves until its ring ends.
let private server: Uring<unit> =
    uring {
        use! listener = Socket.listen endPoint 16
        let! pool = BufferPool.create (BufferPoolOptions.fixedOf 2 50)
        let! connections = Socket.acceptMany listener

        for connection in connections do
            let! _ =
                Uring.spawn (
                    Uring.catch (
                        uring {
                            use! connection = Uring.result connection
                            let! stream = Socket.receiveMany connection pool

                            for lease in stream do
                                do! Socket.sendLease connection lease
                        }
                    )
                )

            ()
    }

/// Talks to it as long as it is there.
let private client (random: Random) : Uring<unit> =
    uring {
        let talk =
            uring {
                use! socket = Socket.connect endPoint
                let bytes = Array.zeroCreate<byte> 60

                for _ in 1 .. random.Next(1, 10) do
                    random.NextBytes bytes
                    let sent = Array.copy bytes
                    do! Socket.send socket (ReadOnlyMemory sent)
                    let mutable received = 0

                    while received < 60 do
                        let! count = Socket.receive socket (Memory(bytes).Slice received)

                        if count = 0 then return raise (OperationCanceledException())

                        received <- received + count

                    expect (bytes.AsSpan().SequenceEqual sent) "an echo has other bytes"
            }

        match! Uring.catch talk with
        | Error(:? IO.InvalidDataException as reason) -> return raise reason
        | Ok()
        // The server is gone, or was never there.
        | Error _ -> ()
    }

let work (seed: uint64) : Uring<unit> =
    uring {
        let random = Random(int seed)

        let options = { LoopOptions.standard with Entries = 8; Completions = 8 }

        let host = Hosting.StartLoop(options, "server")
        let serving = Uring.startOn host CancellationToken.None server
        let! talking = Uring.spawn (Uring.``parallel`` [ for _ in 1..3 -> client (Random(random.Next())) ])
        do! Uring.sleep (TimeSpan.FromMicroseconds(float (random.Next 400)))
        do! host.DisposeAsync()
        let! _ = Uring.catch (uring { do! serving })
        expect serving.IsCompleted "the server's program has ended"
        let! _ = talking
        return ()
    }
