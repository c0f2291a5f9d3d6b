// One side connects and receives streams into the pool, which are cancelled and left at random; the other sends what it
// is asked for, in pieces of random sizes. Both on one loop.

#load "../shared.fsx"
#load "bytes.fsx"
#nowarn "3391" // A Memory<byte> may stand where a ReadOnlyMemory<byte> is wanted.

open System
open System.Net
open System.Net.Sockets
open Uring.Driver
open Uring.FSharp
open Bytes

/// One connection, from its first byte to its last.
type Life = {
    Id: int
    Total: int64
    Random: Random
    mutable Position: int64
    mutable LeavesAfter: int
}

let private receiveFull (socket: Socket) (buffer: Memory<byte>) : Uring<unit> =
    uring {
        let mutable rest = buffer

        while rest.Length > 0 do
            let! count = Socket.receive socket rest
            if count = 0 then raise (IO.EndOfStreamException "No request.")
            rest <- rest.Slice count
    }

/// Sends what the first 12 bytes ask for: the connection's number, and how many bytes.
let private answer (connection: Socket) : Uring<unit> =
    uring {
        use connection = connection
        let request = Array.zeroCreate<byte> 12
        do! receiveFull connection (Memory request)
        let id, total = BitConverter.ToInt32 request, BitConverter.ToInt64(request, 4)
        let random = Random id
        let most = 1 <<< random.Next(4, 16)
        let mutable position = 0L

        while position < total do
            let count = int (min (total - position) (int64 (random.Next(1, most))))
            do! Socket.send connection (expected id position count)
            position <- position + int64 count

        do! Socket.shutdown connection SocketShutdown.Send
        let! _ = Socket.receive connection (Memory request)
        ()
    }

let serve (listener: Socket) : Uring<unit> =
    uring {
        let! connections = Socket.acceptMany listener

        for connection in connections do
            // Its peer may leave it at any time.
            let! _ = Uring.spawn (Uring.catch (answer connection))
            ()
    }

/// Kept for a moment, and then still the same bytes.
let private keep (life: Life) position (lease: BufferLease) : Uring<unit> =
    uring {
        try
            do! Uring.sleep (TimeSpan.FromMilliseconds 1.0)
            verify life.Id position lease.Span
        finally
            lease.Dispose()
    }

/// One stream. False when it has said that there is no more.
let private stream (isOver: unit -> bool) (pool: BufferPool) (socket: Socket) (life: Life) : Uring<bool> =
    uring {
        let! opened = Socket.receiveMany socket pool
        use stream = opened
        let mutable more = true

        while more && life.LeavesAfter > 0 && not (isOver ()) do
            let! next = UringStream.next stream
            more <- next

            if more then
                let lease, position = stream.Current, life.Position
                verify life.Id position lease.Span
                life.Position <- position + int64 lease.Length
                life.LeavesAfter <- life.LeavesAfter - 1
                messages <- messages + 1L
                received <- received + int64 lease.Length

                if life.Random.Next 100 = 0 then
                    do! Uring.map ignore (Uring.spawn (Uring.catch (keep life position lease)))
                else
                    lease.Dispose()

        return more
    }

/// Streams until the connection's last byte, or until it is time to leave. Being cancelled loses nothing.
let private live isOver pool (life: Life) (server: EndPoint) : Uring<unit> =
    uring {
        use! socket = Socket.connect server
        let request = Array.append (BitConverter.GetBytes life.Id) (BitConverter.GetBytes life.Total)
        do! Socket.send socket (ReadOnlyMemory request)
        connections <- connections + 1
        let mutable more = true

        while more && life.LeavesAfter > 0 && not (isOver ()) do
            let time = TimeSpan.FromMilliseconds(float (life.Random.Next 200))
            let! outcome = Uring.catch (Uring.timeout time (stream isOver pool socket life))

            match outcome with
            | Ok goesOn -> more <- goesOn
            | Error(:? TimeoutException) -> cancels <- cancels + 1
            | Error reason -> raise reason

        if more then
            departures <- departures + 1
        elif life.Position <> life.Total then
            raise (IO.EndOfStreamException $"Connection {life.Id}: {life.Position} of {life.Total} bytes.")
    }

/// One connection after the other, until it is over.
let client isOver pool (server: EndPoint) (seed: int) (number: int) : Uring<unit> =
    uring {
        let random = Random(seed + number)

        while not (isOver ()) do
            let leaves = if random.Next 4 = 0 then random.Next(1, 200) else Int32.MaxValue

            let life = {
                Id = random.Next()
                Total = random.NextInt64 2_000_000L
                Random = random
                Position = 0L
                LeavesAfter = leaves
            }

            do! live isOver pool life server
    }
