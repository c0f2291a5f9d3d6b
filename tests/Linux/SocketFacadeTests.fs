module Uring.Tests.Linux.SocketFacadeTests

open System
open System.IO
open System.Net
open System.Net.Sockets
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Tests.Linux.Observe
open Uring.Tests.Linux.Pairs

let private families =
    testList "families" [
        for what, endPoint in
            [
                "IPv4", (fun _ -> loopback :> EndPoint)
                "IPv6", (fun _ -> IPEndPoint(IPAddress.IPv6Loopback, 0))
                "Unix", (fun folder -> UnixDomainSocketEndPoint(Path.Combine(folder, "socket")))
            ] do
            inFolderCase $"{what}: both ways, and to the end" (fun folder ->
                connectedOn Ring.Default (endPoint folder) (fun client server ->
                    task {
                        let! sent = client.SendAsync(ReadOnlyMemory(bytesOf "ping"))
                        Expect.equal sent 4 "sent"
                        let! received = receiveExactly server 4
                        Expect.equal received (bytesOf "ping") "there"
                        do! server.SendAllAsync(ReadOnlyMemory(bytesOf "pong"))
                        do! server.ShutdownAsync SocketShutdown.Send
                        let! received = receiveExactly client 100
                        Expect.equal received (bytesOf "pong") "and back, and the end"
                        let! after = client.ReceiveAsync(buffer 1)
                        Expect.equal after 0 "the end stays"
                    }))
    ]

let private interoperation =
    testList "with the BCL's sockets" [
        tidyCase "a client of ours" (fun () ->
            task {
                use listener = new Socket(SocketType.Stream, ProtocolType.Tcp)
                listener.Bind loopback
                listener.Listen()
                use! client = UringSocket.ConnectAsync(Option.get (Option.ofObj listener.LocalEndPoint))
                use! server = listener.AcceptAsync()
                Expect.equal client.LocalEndPoint (Option.get (Option.ofObj server.RemoteEndPoint)) "local"
                Expect.equal client.RemoteEndPoint (Option.get (Option.ofObj server.LocalEndPoint)) "remote"
                do! client.SendAllAsync(ReadOnlyMemory(bytesOf "hello"))
                let found = Array.zeroCreate 5
                let! _ = server.ReceiveAsync(Memory found, SocketFlags.None)
                Expect.equal found (bytesOf "hello") "arrived"
            })

        tidyCase "a reset is a reset" (fun () ->
            task {
                use! listener = UringListener.ListenAsync loopback
                use client = new Socket(SocketType.Stream, ProtocolType.Tcp)
                client.Connect listener.LocalEndPoint
                use! server = listener.AcceptAsync()
                client.LingerState <- LingerOption(true, 0)
                client.Close()

                let! reason =
                    raises<SocketException> "receive" (fun () -> discard (server.ReceiveAsync(buffer 1)))

                Expect.equal reason.SocketErrorCode SocketError.ConnectionReset "code"
                let send () = discard (server.SendAsync(ReadOnlyMemory(bytesOf "x")))
                let! reason = raises<SocketException> "send" send
                Expect.equal reason.SocketErrorCode SocketError.Shutdown "EPIPE"
            })
    ]

let private details =
    testList "details" [
        tidyCase "NoDelay" (fun () ->
            connected (fun client server ->
                task {
                    Expect.isFalse client.NoDelay "off"
                    client.NoDelay <- true
                    Expect.isTrue client.NoDelay "on"
                    Expect.isFalse server.NoDelay "its peer's own"
                    do! client.SendAllAsync(ReadOnlyMemory(bytesOf "still works"))
                    let! found = receiveExactly server 11
                    Expect.equal found (bytesOf "still works") "arrived"
                }))

        tidyCase "megabytes both ways at once" (fun () ->
            connected (fun client server ->
                task {
                    let sent = Array.zeroCreate 4_000_001
                    Random(2).NextBytes sent

                    let exchange (socket: UringSocket) =
                        task {
                            let sending = socket.SendAllAsync(ReadOnlyMemory sent).AsTask()
                            let! received = receiveExactly socket sent.Length
                            do! sending
                            Expect.isTrue (received.AsSpan().SequenceEqual(sent.AsSpan())) "the same bytes"
                        }

                    do! Task.WhenAll(exchange client :> Task, exchange server)
                }))

        tidyCase "empty buffers" (fun () ->
            connected (fun client server ->
                task {
                    let! sent = client.SendAsync ReadOnlyMemory.Empty
                    do! client.SendAllAsync ReadOnlyMemory.Empty
                    Expect.equal sent 0 "nothing to send"
                    let ready = client.ReceiveAsync(Memory.Empty).AsTask()
                    do! eventually "in flight" (fun () -> Ring.Default.InFlight > 0)
                    Expect.isFalse ready.IsCompleted "waits for data"
                    do! server.SendAllAsync(ReadOnlyMemory(bytesOf "x"))
                    let! count = ready
                    Expect.equal count 0 "and takes none"
                    let! found = receiveExactly client 1
                    Expect.equal found (bytesOf "x") "it is still there"
                }))

        testCaseTask "a send and a receive allocate nothing" (fun () ->
            task {
                use ring = new Ring()
                let mutable allocated = -1L

                let exchange () =
                    ValueTask(
                        connectedOn ring loopback (fun client server ->
                            task {
                                let here, there =
                                    Memory(GC.AllocateArray<byte>(64, true)),
                                    Memory(GC.AllocateArray<byte>(64, true))

                                let mutable left = 3000
                                let mutable before = 0L

                                while left > 0 do
                                    if left = 1000 then before <- GC.GetAllocatedBytesForCurrentThread()
                                    let! _ = client.SendAsync(Memory.op_Implicit here)
                                    let! _ = server.ReceiveAsync there
                                    left <- left - 1

                                allocated <- GC.GetAllocatedBytesForCurrentThread() - before
                            })
                        :> Task
                    )

                do! ring.RunAsync exchange
                Expect.equal allocated 0L "bytes in 1000 exchanges"
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "C# UringSocket" [ families; interoperation; details ]
