/// An echo server and its clients in one simulation: multishot accept and receive, a small pool, sends from leases, zero
/// copy and queues. Each byte is checked; some clients go away in the middle.
module Uring.Tests.Simulation.EchoWork

open System
open System.Net
open System.Net.Sockets
open System.Threading
open Uring.Driver
open Uring.FSharp
open Uring.Tests.Simulation.FileWork


/// How the server answers.
type Answer =
    | Leases
    | LeaseLine
    | Copies
    | Queue
    | ZeroCopy

let private pool (random: Random) : BufferPoolOptions = {
    BufferPoolOptions.fixedOf (random.Next(1, 6)) (random.Next(16, 600)) with
        PerStream = random.Next(1, 5)
        Incremental = random.Next 3 = 0
        Bundles = random.Next 2 = 0
        Limit = 8
}

let private answer
    (how: Answer)
    (connection: Socket)
    (queue: SendQueue option)
    (lease: BufferLease)
    : Uring<unit> =
    uring {
        match how, queue with
        | Leases, _ -> do! Socket.sendLease connection lease
        | Queue, Some queue ->
            use lease = lease
            do! SendQueue.send queue (Memory.op_Implicit lease.Memory)
        | (Copies | Queue | LeaseLine), _ ->
            use lease = lease
            do! Socket.send connection (ReadOnlyMemory(lease.Span.ToArray()))
        // A Unix socket sends nothing without a copy.
        | ZeroCopy, _ when connection.Family = AddressFamily.Unix ->
            use lease = lease
            do! Socket.send connection (ReadOnlyMemory(lease.Span.ToArray()))
        | ZeroCopy, _ ->
            use lease = lease
            let mutable rest: ReadOnlyMemory<byte> = Memory.op_Implicit lease.Memory

            while rest.Length > 0 do
                let! sending = Socket.sendZeroCopy Timeout.InfiniteTimeSpan connection rest
                let! sent = sending.Sent
                do! sending.Released
                rest <- rest.Slice sent
    }

let private serve (how: Answer) (buffers: BufferPool) (connection: Socket) : Uring<unit> =
    uring {
        use! connection = Uring.result connection
        let! stream = Socket.receiveMany connection buffers

        match how with
        | Queue ->
            use! queue = SendQueue.create 3 100 connection

            for lease in stream do
                do! answer how connection (Some queue) lease

            do! SendQueue.flush queue
        | LeaseLine ->
            use! queue = LeaseQueue.create 2 connection

            for lease in stream do
                do! LeaseQueue.send queue lease

            do! LeaseQueue.flush queue
        | Leases
        | Copies
        | ZeroCopy ->
            for lease in stream do
                do! answer how connection None lease
    }

/// Sends and receives at once; every byte comes back.
let private converse (random: Random) (endPoint: EndPoint) : Uring<unit> =
    uring {
        use! socket = Socket.connect endPoint
        let message = Array.zeroCreate<byte>(random.Next(1, 5000))
        random.NextBytes message
        let answer = Array.zeroCreate<byte> message.Length
        let pause = if random.Next 3 = 0 then random.Next 3000 else 0

        let! () = Socket.send socket (ReadOnlyMemory message)

        and! () =
            uring {
                do! Uring.sleep (TimeSpan.FromMicroseconds(float pause))
                let mutable received = 0

                while received < answer.Length do
                    let! count = Socket.receive socket (Memory(answer).Slice received)

                    if count = 0 then
                        return
                            raise (IO.EndOfStreamException "the server closed the connection before its echo")

                    received <- received + count
            }

        expect (message.AsSpan().SequenceEqual answer) "an echo has other bytes"
        do! Socket.shutdown socket Sockets.SocketShutdown.Send
        let! count = Socket.receive socket (Memory answer)
        expect (count = 0) "something came after the last byte"
    }

/// Goes away in the middle, whatever that does to the server.
let private vanish (random: Random) (endPoint: EndPoint) : Uring<unit> =
    uring {
        let time = TimeSpan.FromMicroseconds(float (random.Next 2000))
        let! _ = Uring.catch (Uring.timeout time (converse random endPoint))
        return ()
    }

let private address (random: Random) : EndPoint =
    if random.Next 3 = 0 then
        Sockets.UnixDomainSocketEndPoint "/echo"
    else
        IPEndPoint(IPAddress.Loopback, 4000)

let work (seed: uint64) : Uring<unit> =
    uring {
        let random = Random(int seed)
        let endPoint = address random
        let how = [| Leases; Copies; Queue; ZeroCopy; LeaseLine |][random.Next 5]
        let! buffers = BufferPool.create (pool random)
        use! listener = Socket.listen endPoint 16

        let! serving =
            Uring.spawn (
                Uring.catch (
                    uring {
                        let! connections = Socket.acceptMany listener

                        for connection in connections do
                            let! _ = Uring.spawn (Uring.catch (serve how buffers connection))
                            ()
                    }
                )
            )

        let! _ =
            Uring.``parallel`` [
                for _ in 1 .. random.Next(1, 5) do
                    converse (Random(random.Next())) endPoint

                for _ in 1 .. random.Next 3 do
                    vanish (Random(random.Next())) endPoint
            ]

        do! Socket.close listener
        let! _ = serving
        return ()
    }
