/// Multishot operations as streams: nothing is lost, nothing is left behind.
module Uring.Tests.Linux.StreamTests

open System
open System.IO
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

let private random (seed: int) count =
    let bytes = Array.zeroCreate count
    Random(seed).NextBytes bytes
    bytes

/// Reads a stream of leases to its end, `slowly` between two.
let private drain (socket: Uring.FSharp.Socket) (pool: BufferPool) (slowly: Uring<unit>) : Uring<byte array> =
    uring {
        let received = new MemoryStream()
        let! stream = Socket.receiveMany socket pool

        for lease in stream do
            use lease = lease
            received.Write lease.Span
            do! slowly

        return received.ToArray()
    }

let private nothing = Uring.result ()

let private connectMany (endPoint: Net.EndPoint) count = [|
    for _ in 1..count do
        let peer = new Peer(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        peer.Connect endPoint
        peer
|]

let private sockets () =
    Directory.GetFileSystemEntries "/proc/self/fd"
    |> Array.filter (fun link ->
        match FileInfo(link).LinkTarget with
        | null -> false
        | target -> target.StartsWith "socket:")
    |> Array.length

[<Tests>]
let tests =
    testSequenced
    <| testList "Stream" [
        test "one accept submission takes 200 connections" {
            withLoop (fun host ->
                let listener = runOn host (Socket.listen loopback 256)
                let before = host.Loop.Statistics.Submitted

                let program =
                    uring {
                        let! stream = Socket.acceptMany listener
                        let mutable count = 0

                        // `for` would go on for ever: the two steps that it consists of.
                        while count < 200 do
                            let! more = UringStream.next stream
                            Expect.isTrue more "a connection"
                            do! Socket.close stream.Current
                            count <- count + 1

                        do! (stream :> IAsyncDisposable).DisposeAsync()
                        return count
                    }

                let running = startOn host program
                let peers = connectMany (Socket.localEndPoint listener) 200
                Expect.equal (finish "200 connections" running) 200 "accepted"

                // One accept, 200 closes, a cancel: not one accept each.
                let submitted = host.Loop.Statistics.Submitted - before
                Expect.isLessThan submitted 220L "submissions"
                peers |> Array.iter _.Dispose()
                runOn host (Socket.close listener))
        }

        test "a stream into a pool of four buffers loses and reorders nothing, however slow its reader" {
            withLoop (fun host ->
                let pool = runOn host (Socket.bufferPool 4 512)
                let struct (ours, theirs) = connectPair host
                let data = random 1 200_000
                let slowly = Uring.map ignore Uring.nop
                let reading = startOn host (drain ours pool slowly)

                let writing =
                    Task.Run(fun () ->
                        let mutable sent = 0

                        while sent < data.Length do
                            sent <-
                                sent
                                + theirs.Send(data, sent, min 3000 (data.Length - sent), SocketFlags.None)

                        theirs.Shutdown SocketShutdown.Send)

                let received = finish "the stream" reading
                finished "the writer" writing
                Expect.isTrue (received.AsSpan().SequenceEqual data) "the same bytes in the same order"
                Expect.equal pool.Available 4 "all buffers are back"
                theirs.Dispose()
                runOn host (Socket.close ours))
        }

        test "streams that starve are armed again in turn when buffers come back" {
            withLoop (fun host ->
                let pool = runOn host (Socket.bufferPool 2 64)
                let pairs = [ for _ in 1..20 -> connectPair host ]
                let data = random 2 5_000

                let reading =
                    pairs
                    |> List.map (fun struct (ours, _) -> drain ours pool (Uring.map ignore Uring.nop))
                    |> Uring.``parallel``
                    |> startOn host

                for struct (_, theirs) in pairs do
                    theirs.Send data |> ignore
                    theirs.Shutdown SocketShutdown.Send

                for received in finish "20 streams" reading do
                    Expect.isTrue (received.AsSpan().SequenceEqual data) "the same bytes"

                Expect.equal pool.Available 2 "all buffers are back"

                for struct (ours, theirs) in pairs do
                    theirs.Dispose()
                    runOn host (Socket.close ours))
        }

        test "leaving a stream in the middle returns its buffers" {
            withLoop (fun host ->
                let pool = runOn host (Socket.bufferPool 8 64)
                let struct (ours, theirs) = connectPair host
                theirs.Send(random 3 1000) |> ignore

                let program =
                    uring {
                        let! stream = Socket.receiveMany ours pool
                        let! more = UringStream.next stream
                        let lease = stream.Current
                        do! (stream :> IAsyncDisposable).DisposeAsync()
                        let length = lease.Length
                        lease.Dispose()
                        return more, length
                    }

                Expect.equal (runOn host program) (true, 64) "one lease"
                theirs.Send(random 4 1000) |> ignore
                eventually "all buffers are back" (fun () -> pool.Available = 8)
                runOn host (Socket.close ours)
                Expect.equal host.Loop.InFlight 0 "nothing in flight"
                theirs.Dispose())
        }

        test "leaving an accept stream closes the connections that nobody took" {
            withLoop (fun host ->
                let before = sockets ()
                let listener = runOn host (Socket.listen loopback 64)
                let stream = runOn host (Socket.acceptMany listener)
                let peers = connectMany (Socket.localEndPoint listener) 20
                // Ours and theirs, and the listener.
                eventually "20 accepted" (fun () -> sockets () = before + 41)
                runOn host (uring { do! (stream :> IAsyncDisposable).DisposeAsync() })
                runOn host (Socket.close listener)
                eventually "only the peers are left" (fun () -> sockets () = before + 20)

                for peer in peers do
                    Expect.equal (peer.Receive(Array.zeroCreate<byte> 1)) 0 "the peer sees the end"
                    peer.Dispose())
        }

        test "a kernel without multishot receive receives one by one, through the same pool" {
            for count, length in [ 1, 10_000; 4, 100_000 ] do
                let kernel = FaultyKernel(Hidden = [ Opcode.SendZeroCopy ])

                withLoopOf kernel LoopOptions.standard (fun host ->
                    let pool = runOn host (Socket.bufferPool count 1000)
                    Expect.isFalse pool.IsRing "no buffer ring"
                    let struct (ours, theirs) = connectPair host
                    let reading = Uring.startOn host CancellationToken.None (drain ours pool nothing)
                    let sent = random count length
                    theirs.Send sent |> ignore
                    theirs.Shutdown SocketShutdown.Send
                    ended "the stream" reading
                    Expect.isTrue (reading.Result.AsSpan().SequenceEqual(ReadOnlySpan sent)) "every byte"
                    eventually "all buffers" (fun () -> pool.Available = count)
                    theirs.Dispose()
                    runOn host (Socket.close ours))
        }

        test "without a single form to stand for it, a missing multishot is told of with its name and version" {
            let kernel = FaultyKernel(Hidden = [ Opcode.SendZeroCopy ])

            withLoopOf kernel LoopOptions.standard (fun host ->
                let descriptor = host.Loop.Own 0
                GC.SuppressFinalize descriptor // Standard input stays open.
                let pool = runOn host (Socket.bufferPool 1 256)
                let request = SocketRequest.receiveMessages descriptor pool { Name = 16; Control = 0 }

                match failureOf (fun () -> host.Loop.Open(request, CancellationToken.None)) with
                | :? PlatformNotSupportedException as reason ->
                    Expect.stringContains reason.Message "6.0" "the version"
                | other -> failtest $"{other}")
        }

        test "cancelling ends a stream that waits" {
            withLoop (fun host ->
                let pool = runOn host (Socket.bufferPool 4 64)
                let struct (ours, theirs) = connectPair host
                use source = new CancellationTokenSource()
                let reading = Uring.startOn host source.Token (drain ours pool nothing)
                eventually "armed" (fun () -> host.Loop.InFlight = 1)
                source.Cancel()
                ended "the stream" reading
                Expect.isTrue reading.IsCanceled "cancelled"
                Expect.equal pool.Available 4 "all buffers"
                theirs.Dispose()
                runOn host (Socket.close ours))
        }

        test "cancelling ends a stream that waits for a buffer" {
            withLoop (fun host ->
                let pool = runOn host (Socket.bufferPool 1 64)
                let struct (hoarder, first) = connectPair host
                let struct (starved, second) = connectPair host
                first.Send [| 1uy |] |> ignore

                let hoard =
                    uring {
                        let! stream = Socket.receiveMany hoarder pool
                        let! _ = UringStream.next stream
                        return stream.Current, stream
                    }

                let lease, stream = runOn host hoard
                use source = new CancellationTokenSource()
                let reading = Uring.startOn host source.Token (drain starved pool nothing)
                second.Send [| 2uy |] |> ignore
                // Starved: it is in flight no more. (The hoarder is, or starves as well.)
                eventually "starving" (fun () -> host.Loop.InFlight <= 1)
                source.Cancel()
                ended "the starved stream" reading
                Expect.isTrue reading.IsCanceled "cancelled"
                lease.Dispose()
                runOn host (uring { do! (stream :> IAsyncDisposable).DisposeAsync() })
                runOn host (Socket.close hoarder)
                runOn host (Socket.close starved)
                Expect.equal pool.Available 1 "the buffer is back"
                first.Dispose()
                second.Dispose())
        }

        test "after its release a lease refuses every access, and releasing twice is harmless" {
            withLoop (fun host ->
                let pool = runOn host (Socket.bufferPool 2 64)
                let struct (ours, theirs) = connectPair host
                theirs.Send [| 7uy |] |> ignore

                let program =
                    uring {
                        let! stream = Socket.receiveMany ours pool
                        let! _ = UringStream.next stream
                        return stream.Current
                    }

                let lease = runOn host program
                Expect.equal (lease.Memory.ToArray()) [| 7uy |] "the byte"
                lease.Dispose()
                lease.Dispose()

                match failureOf (fun () -> lease.Memory.Length) with
                | :? ObjectDisposedException -> ()
                | other -> failtest $"{other}"

                eventually "the buffer is back once" (fun () -> pool.Available = 2)
                theirs.Dispose()
                runOn host (Socket.close ours))
        }

        test "500 connections in turn leave nothing behind" {
            let before = sockets ()

            withLoop (fun host ->
                let pool = runOn host (Socket.bufferPool 16 256)
                let listener = runOn host (Socket.listen loopback 64)
                let endPoint = Socket.localEndPoint listener

                let serve (connection: Uring.FSharp.Socket) =
                    uring {
                        use! connection = Uring.result connection
                        let! stream = Socket.receiveMany connection pool

                        for lease in stream do
                            use lease = lease
                            do! Socket.send connection (Memory.op_Implicit lease.Memory)
                    }

                use source = new CancellationTokenSource()

                let server =
                    uring {
                        let! connections = Socket.acceptMany listener

                        for connection in connections do
                            let! _ = Uring.spawn (Uring.catch (serve connection))
                            ()
                    }

                let serving = Uring.startOn host source.Token server

                for index in 1..500 do
                    use peer = new Peer(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
                    peer.Connect endPoint
                    peer.Send [| byte index |] |> ignore

                    // Every third leaves without reading its echo.
                    if index % 3 <> 0 then
                        let answer = Array.zeroCreate<byte> 1
                        Expect.equal (peer.Receive answer) 1 "an answer"
                        Expect.equal answer[0] (byte index) "the echo"

                source.Cancel()
                ended "the server" serving
                runOn host (Socket.close listener)
                Expect.equal pool.Available 16 "all buffers are back"
                Expect.equal host.Loop.InFlight 0 "nothing in flight")

            eventually "all sockets are closed" (fun () -> sockets () = before)
        }
    ]
