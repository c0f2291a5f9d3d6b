/// Connections whose other side is the BCL's: what opens our end as a stream, what closes it, and a writer that sends
/// the ledger's bytes in pieces of random sizes.
module Uring.Tests.Linux.TrafficLinks

open System
open System.IO
open System.IO.Pipes
open System.Net.Sockets
open System.Threading.Tasks
open Uring.Driver
open Uring.FSharp
open Uring.Tests.Linux.Hosting
open Uring.Tests.Linux.TrafficPlan
open Uring.Tests.Linux.TrafficLedger

type Connection = {
    Index: int
    Ledger: Ledger
    /// A stream of what arrives, into a pool.
    Open: BufferPool -> Uring<UringStream<BufferLease>>
    /// Closes our end.
    Close: Uring<unit>
    /// Ends when all is sent, or when our end was closed.
    Writing: Task
    /// Closes the other end.
    CloseOther: unit -> unit
}

/// Sends `total` bytes by `send`, which says how many it took.
let private write
    (ledger: Ledger)
    index
    total
    (random: Random)
    (send: ReadOnlyMemory<byte> -> ValueTask<int>)
    =
    task {
        // Not so many pieces that it takes for ever.
        let most = max (total / 500) ([| 4; 300; 5_000; 60_000 |][random.Next 4])
        let mutable position = 0

        while position < total do
            let count = min (total - position) (random.Next(1, most + 1))
            ledger.Sending count
            let! taken = send (expected index (int64 position) count)
            ledger.Sending(taken - count)
            position <- position + taken

            match random.Next 40 with
            | 0 -> do! Task.Delay 1
            | choice when choice < 10 -> do! Task.Yield()
            | _ -> ()
    }

/// A writer whose reader may go away at any time.
let private untilClosed (writing: unit -> Task<unit>) : Task =
    Task.Run<unit>(fun () ->
        task {
            try
                do! writing ()
            with
            | :? SocketException
            | :? IOException -> ()
        })

let private ofSockets (host: LoopThread) index total (random: Random) (listener: Peer) : Connection =
    let ledger = Ledger index
    use listener = listener
    let ours = runOn host (Socket.connect (nonNull listener.LocalEndPoint))
    let theirs = listener.Accept()

    let writing () =
        task {
            do! write ledger index total random (fun piece -> theirs.SendAsync piece)
            theirs.Shutdown SocketShutdown.Send
        }

    {
        Index = index
        Ledger = ledger
        Open = Socket.receiveMany ours
        Close = Socket.close ours
        Writing = untilClosed writing
        CloseOther = theirs.Dispose
    }

let private listening (family: AddressFamily) (protocol: ProtocolType) (endPoint: Net.EndPoint) =
    let listener = new Peer(family, SocketType.Stream, protocol)
    listener.Bind endPoint
    listener.Listen 1
    listener

/// A name without a file, which goes away with its socket.
let private abstractName () = UnixDomainSocketEndPoint("\000uring-" + string (Guid.NewGuid()))

let private ofPipe (host: LoopThread) index total (random: Random) : Connection =
    let ledger = Ledger index
    let pipe = new AnonymousPipeServerStream(PipeDirection.Out)
    let reading = pipe.ClientSafePipeHandle
    // Ours from now on. Opened again by its name it would not tell its end to a multishot read.
    let ours = File(host.Loop, host.Loop.Own(int (reading.DangerousGetHandle())), "pipe")
    reading.SetHandleAsInvalid()

    // Blocks while the pipe is full, on a thread of its own.
    let send (piece: ReadOnlyMemory<byte>) =
        ValueTask<int>(
            Task.Factory.StartNew(
                (fun () ->
                    pipe.Write piece.Span
                    piece.Length),
                TaskCreationOptions.LongRunning
            )
        )

    let writing () =
        task {
            try
                do! write ledger index total random send
            finally
                pipe.Dispose()
        }

    {
        Index = index
        Ledger = ledger
        Open = File.readMany ours
        Close = File.close ours
        Writing = untilClosed writing
        CloseOther = pipe.Dispose
    }

/// Connects, and begins to send.
let connect (host: LoopThread) (random: Random) index (link: Link, total: int) : Connection =
    match link with
    | Tcp ->
        ofSockets host index total random (listening AddressFamily.InterNetwork ProtocolType.Tcp loopback)
    | Unix ->
        let name = abstractName ()
        ofSockets host index total random (listening AddressFamily.Unix ProtocolType.Unspecified name)
    | Pipe -> ofPipe host index total random
