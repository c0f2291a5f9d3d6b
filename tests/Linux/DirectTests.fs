/// Connections in the ring's own descriptor table: they work, use no descriptor of the process, and no slot is lost.
module Uring.Tests.Linux.DirectTests

open System
open System.Net.Sockets
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Tests.Linux.Hosting

let private slots = 4

let private withTable body =
    withLoopOf LinuxKernel.Instance { LoopOptions.standard with DirectDescriptors = slots } body

let private connect (listener: Uring.FSharp.Socket) =
    let peer = new Peer(SocketType.Stream, ProtocolType.Tcp)
    peer.Connect(Socket.localEndPoint listener)
    peer

/// The BCL's socket may write an IPv4 address as an IPv6 one.
let private portOf (endPoint: Net.EndPoint | null) =
    match endPoint with
    | :? Net.IPEndPoint as name -> name.Port
    | other -> failtest $"{other}"

/// Sends 5 bytes there and back.
let private echoOnce (ours: Uring.FSharp.Socket) (theirs: Peer) : Uring<unit> =
    uring {
        theirs.Send "hello"B |> ignore
        let buffer = Array.zeroCreate<byte> 5
        let! count = Socket.receive ours (Memory buffer)
        Expect.equal (Array.take count buffer) "hello"B "received"
        do! Socket.send ours (ReadOnlyMemory buffer)
        let answer = Array.zeroCreate<byte> 5
        Expect.equal (theirs.Receive answer, answer) (5, "hello"B) "sent"
    }

/// A table without a free slot ends the stream: so many connections can be taken at once, and no more.
let private freeSlots (host: LoopThread) =
    runOn
        host
        (uring {
            use! listener = Socket.listen loopback 16
            let! stream = Socket.acceptManyDirect listener
            let peers = [ for _ in 0..slots -> connect listener ]
            let taken = Collections.Generic.List<Uring.FSharp.Socket>()

            let! full =
                Uring.catch (
                    uring {
                        for connection in stream do
                            taken.Add connection
                    }
                )

            for connection in taken do
                do! Socket.close connection

            for peer in peers do
                peer.Dispose()

            match full with
            | Error(:? SocketException as reason) when reason.SocketErrorCode = SocketError.TooManyOpenSockets ->
                ()
            | other -> failtest $"{other}"

            return taken.Count
        })

[<Tests>]
let tests =
    testList "direct descriptors" [
        testCase "a connection works: receive, send, a stream into a pool, close" (fun () ->
            withTable (fun host ->
                let program =
                    uring {
                        use! listener = Socket.listen loopback 16
                        let! stream = Socket.acceptManyDirect listener
                        let peer = connect listener
                        let! _ = UringStream.next stream
                        let connection = stream.Current
                        do! echoOnce connection peer
                        let! pool = Socket.bufferPool 2 64
                        let! bytes = Socket.receiveMany connection pool
                        peer.Send "more"B |> ignore
                        let! _ = UringStream.next bytes
                        Expect.equal (bytes.Current.Span.ToArray()) "more"B "streamed"
                        bytes.Current.Dispose()
                        do! (bytes :> IAsyncDisposable).DisposeAsync()
                        do! Socket.close connection
                        Expect.equal (peer.Receive(Array.zeroCreate<byte> 1)) 0 "the peer sees the end"
                        peer.Dispose()
                        do! (stream :> IAsyncDisposable).DisposeAsync()
                    }

                runOn host program
                Expect.equal (freeSlots host) slots "slots"))

        testCase "it has no number, and says so where one is needed" (fun () ->
            withTable (fun host ->
                let program =
                    uring {
                        use! listener = Socket.listen loopback 16
                        let! stream = Socket.acceptManyDirect listener
                        use _ = connect listener
                        let! _ = UringStream.next stream
                        use! connection = Uring.result stream.Current

                        match failureOf (fun () -> Socket.remoteEndPoint connection) with
                        | :? NotSupportedException as reason ->
                            Expect.stringContains reason.Message "direct descriptor" "the cause"
                        | other -> failtest $"{other}"
                    }

                runOn host program))

        testCase
            "connections that nobody looked at, dropped ones and cancelled ones leave their slots"
            (fun () ->
                withTable (fun host ->
                    for _ in 1..10 do
                        let peers =
                            runOn
                                host
                                (uring {
                                    use! listener = Socket.listen loopback 16
                                    let! stream = Socket.acceptManyDirect listener
                                    let peers = [ for _ in 1..slots -> connect listener ]
                                    let! _ = UringStream.next stream
                                    // One in hand, the rest queued or in the kernel.
                                    do! Socket.close stream.Current
                                    do! (stream :> IAsyncDisposable).DisposeAsync()
                                    return peers
                                })

                        for peer in peers do
                            let closed = Task.Run(fun () -> peer.Receive(Array.zeroCreate<byte> 1))
                            ended "the connection" closed
                            peer.Dispose()

                        Expect.equal (freeSlots host) slots "slots"))

        testCase "a dropped connection is closed when it is collected" (fun () ->
            withTable (fun host ->
                let listener = runOn host (Socket.listen loopback 16)
                let peers = [ for _ in 1..slots -> connect listener ]

                // Taken and forgotten.
                runOn
                    host
                    (uring {
                        let! stream = Socket.acceptManyDirect listener

                        for _ in 1..slots do
                            let! _ = UringStream.next stream
                            ()

                        do! (stream :> IAsyncDisposable).DisposeAsync()
                    })

                for peer in peers do
                    let closed = Task.Run(fun () -> peer.Receive(Array.zeroCreate<byte> 1))

                    eventually "collected" (fun () ->
                        GC.Collect()
                        GC.WaitForPendingFinalizers()
                        closed.IsCompleted)

                    peer.Dispose()

                runOn host (Socket.close listener)
                Expect.equal (freeSlots host) slots "slots"))

        testCase "without a table, or with one that is too large, the error names cause and remedy" (fun () ->
            withLoop (fun host ->
                let program =
                    uring {
                        use! listener = Socket.listen loopback 16
                        let! stream = Socket.acceptManyDirect listener
                        use _ = connect listener
                        let! _ = UringStream.next stream
                        ()
                    }

                Expect.isNotNull (failureOf (fun () -> runOn host program)) "there is no table")

            let options = { LoopOptions.standard with DirectDescriptors = 100_000_000 }

            match failureOf (fun () -> startLoop LinuxKernel.Instance options) with
            | :? NotSupportedException as reason ->
                Expect.stringContains reason.Message "direct descriptors" "the cause"
            | other -> failtest $"{other}")

        testCase "one can be installed in the process's own table: the same connection, with names" (fun () ->
            withTable (fun host ->
                let listener = runOn host (Socket.listen loopback 16)
                use peer = connect listener

                let program =
                    uring {
                        let! stream = Socket.acceptManyDirect listener
                        let! _ = UringStream.next stream
                        let direct = stream.Current
                        let! installed = Socket.install direct
                        do! (stream :> IAsyncDisposable).DisposeAsync()
                        Expect.isFalse installed.Descriptor.IsDirect "a descriptor of the process"

                        Expect.equal
                            (portOf (Socket.remoteEndPoint installed))
                            (portOf peer.LocalEndPoint)
                            "its peer"

                        do! echoOnce installed peer
                        do! echoOnce direct peer
                        do! Socket.close direct
                        do! echoOnce installed peer
                        return installed
                    }

                let installed = runOn host program

                match failureOf (fun () -> runOn host (Socket.install installed)) with
                | :? InvalidOperationException -> ()
                | other -> failtest $"{other}"

                runOn host (Socket.close installed)
                Expect.equal (peer.Receive(Array.zeroCreate<byte> 1)) 0 "closed on both sides"

                match failureOf (fun () -> runOn host (Socket.install installed)) with
                | :? InvalidOperationException
                | :? ObjectDisposedException -> ()
                | other -> failtest $"{other}"

                runOn host (Socket.close listener)))

        testCaseTask "the facade has them, too" (fun () ->
            task {
                use ring = new Uring.Ring(RingOptions(DirectDescriptors = slots))
                use! listener = UringListener.ListenAsync(loopback, 16, ring)
                use peer = new Peer(SocketType.Stream, ProtocolType.Tcp)
                peer.Connect listener.LocalEndPoint
                let connections = listener.AcceptAllDirectAsync().GetAsyncEnumerator()
                let! found = connections.MoveNextAsync()
                Expect.isTrue found "a connection"
                let connection = connections.Current
                do! connection.SendAllAsync(ReadOnlyMemory "x"B)
                Expect.equal (peer.Receive(Array.zeroCreate<byte> 9)) 1 "received"
                use! installed = connection.InstallAsync()
                Expect.equal (portOf installed.RemoteEndPoint) (portOf peer.LocalEndPoint) "it has names"
                do! connection.DisposeAsync()
                do! connections.DisposeAsync()
            })
    ]
