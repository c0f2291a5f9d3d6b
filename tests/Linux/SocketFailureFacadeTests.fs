module Uring.Tests.Linux.SocketFailureFacadeTests

open System
open System.IO
open System.Net
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Tests.Linux.Observe
open Uring.Tests.Linux.Pairs

/// The error code of the BCL's own attempt.
let private codeOf (attempt: Socket -> unit) =
    use socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

    try
        attempt socket
        SocketError.Success
    with :? SocketException as reason ->
        reason.SocketErrorCode

let private errors =
    testList "errors" [
        tidyCase "nobody listens" (fun () ->
            task {
                let! listener = UringListener.ListenAsync loopback
                let endPoint = listener.LocalEndPoint
                do! listener.DisposeAsync()

                let! reason =
                    raises<SocketException> "connect" (fun () -> discard (UringSocket.ConnectAsync endPoint))

                Expect.equal reason.SocketErrorCode SocketError.ConnectionRefused "code"
                Expect.equal reason.NativeErrorCode 111 "ECONNREFUSED"
                Expect.stringContains reason.Message (endPoint.ToString() |> string) "names the address"
            })

        tidyCase "the network does not lead there: the BCL's code" (fun () ->
            task {
                let nowhere = IPEndPoint(IPAddress.Broadcast, 9)
                let expected = codeOf (fun socket -> socket.Connect nowhere)

                let! reason =
                    raises<SocketException> "connect" (fun () -> discard (UringSocket.ConnectAsync nowhere))

                Expect.equal reason.SocketErrorCode expected "code"
            })

        tidyCase "an address in use, and one that is not ours" (fun () ->
            task {
                use! listener = UringListener.ListenAsync loopback
                let listen endPoint () = discard (UringListener.ListenAsync endPoint)
                let! reason = raises<SocketException> "in use" (listen listener.LocalEndPoint)
                Expect.equal reason.SocketErrorCode SocketError.AddressAlreadyInUse "code"
                let foreign = IPEndPoint(IPAddress.Parse "203.0.113.1", 0)
                let! reason = raises<SocketException> "foreign" (listen foreign)
                Expect.equal reason.SocketErrorCode SocketError.AddressNotAvailable "code"
            })

        inFolderCase "a Unix socket that is not there" (fun folder ->
            task {
                let endPoint = UnixDomainSocketEndPoint(Path.Combine(folder, "nobody"))

                let! reason =
                    raises<SocketException> "connect" (fun () -> discard (UringSocket.ConnectAsync endPoint))

                Expect.stringContains reason.Message "ENOENT" "reason"
            })

        tidyCase "bad arguments" (fun () ->
            task {
                let name = DnsEndPoint("localhost", 80)
                let nothing = Unchecked.defaultof<EndPoint>
                let! _ = raises<ArgumentException> "name" (fun () -> discard (UringSocket.ConnectAsync name))

                let! _ =
                    raises<ArgumentException> "name" (fun () -> discard (UringListener.ListenAsync name))

                let! _ =
                    raises<ArgumentNullException> "null" (fun () ->
                        discard (UringSocket.ConnectAsync nothing))

                let! _ =
                    raises<ArgumentNullException> "null" (fun () ->
                        discard (UringListener.ListenAsync nothing))

                let! _ =
                    raises<ArgumentOutOfRangeException> "backlog" (fun () ->
                        discard (UringListener.ListenAsync(loopback, -1)))

                ()
            })

        tidyCase "after closing, every operation is disposed of" (fun () ->
            connected (fun client server ->
                task {
                    do! client.DisposeAsync()
                    do! client.DisposeAsync()
                    client.Dispose()
                    Expect.isTrue client.IsClosed "closed"
                    let! pool = Ring.Default.CreateBufferPoolAsync(1, 16)

                    for what, operation in
                        [
                            "send", (fun () -> discard (client.SendAsync(ReadOnlyMemory(bytesOf "x"))))
                            "send all", (fun () -> client.SendAllAsync(ReadOnlyMemory(bytesOf "x")))
                            "receive", (fun () -> discard (client.ReceiveAsync(buffer 1)))
                            "receive all",
                            (fun () ->
                                client.ReceiveAllAsync pool |> ignore
                                ValueTask.CompletedTask)
                            "shutdown", (fun () -> client.ShutdownAsync SocketShutdown.Both)
                            "local",
                            (fun () ->
                                client.LocalEndPoint |> ignore
                                ValueTask.CompletedTask)
                            "remote",
                            (fun () ->
                                client.RemoteEndPoint |> ignore
                                ValueTask.CompletedTask)
                            "no delay",
                            (fun () ->
                                client.NoDelay <- true
                                ValueTask.CompletedTask)
                        ] do
                        let! reason = raises<ObjectDisposedException> what operation
                        Expect.equal reason.ObjectName "Uring.UringSocket" what

                    let! count = server.ReceiveAsync(buffer 1)
                    Expect.equal count 0 "the peer sees the end"
                }))

        tidyCase "a listener that is closed takes nobody" (fun () ->
            task {
                let! listener = UringListener.ListenAsync loopback
                do! listener.DisposeAsync()
                Expect.isTrue listener.IsClosed "closed"

                let! _ =
                    raises<ObjectDisposedException> "accept" (fun () -> discard (listener.AcceptAsync()))

                let! _ =
                    raises<ObjectDisposedException> "accept all" (fun () ->
                        listener.AcceptAllAsync() |> ignore
                        ValueTask.CompletedTask)

                ()
            })
    ]

let private cancelling =
    testList "cancelling" [
        tidyCase "a receive that nobody answers gives its buffer back" (fun () ->
            connected (fun client server ->
                task {
                    do!
                        isCancelled "before" (fun () ->
                            discard (client.ReceiveAsync(buffer 1, CancellationToken true)))

                    for round in 1..100 do
                        use source = new CancellationTokenSource()
                        let abandoned = buffer 4
                        let receive = client.ReceiveAsync(abandoned, source.Token).AsTask()

                        if round % 2 = 0 then
                            do! eventually "in flight" (fun () -> Ring.Default.InFlight > 0)

                        source.Cancel()
                        do! isCancelled "during" (fun () -> discard (ValueTask<int> receive))
                        let sent = bytesOf (round.ToString "d4")
                        do! server.SendAllAsync(ReadOnlyMemory sent)
                        let! found = receiveExactly client 4
                        Expect.equal found sent "nothing is lost"
                        Expect.equal (abandoned.ToArray()) (Array.zeroCreate 4) "nothing came late"
                }))

        tidyCase "a send that nobody takes" (fun () ->
            connected (fun client _ ->
                task {
                    use source = new CancellationTokenSource()

                    let flood =
                        client
                            .SendAllAsync(ReadOnlyMemory(Array.zeroCreate 50_000_000), source.Token)
                            .AsTask()

                    do! Ring.Default.DelayAsync(TimeSpan.FromMilliseconds 50.0)
                    Expect.isFalse flood.IsCompleted "full"
                    source.Cancel()
                    do! isCancelled "send" (fun () -> ValueTask flood)
                }))

        tidyCase "an accept" (fun () ->
            task {
                use! listener = UringListener.ListenAsync loopback
                use source = new CancellationTokenSource()
                let accepting = listener.AcceptAsync(source.Token).AsTask()
                do! eventually "in flight" (fun () -> Ring.Default.InFlight > 0)
                source.Cancel()
                do! isCancelled "accept" (fun () -> discard (ValueTask<UringSocket> accepting))
                use! _ = UringSocket.ConnectAsync listener.LocalEndPoint
                use! _ = listener.AcceptAsync()
                ()
            })

        tidyCase "closing ends what is in flight" (fun () ->
            connected (fun client server ->
                task {
                    let receive = client.ReceiveAsync(buffer 1).AsTask()
                    do! eventually "in flight" (fun () -> Ring.Default.InFlight > 0)
                    do! client.DisposeAsync()
                    do! isCancelled "receive" (fun () -> discard (ValueTask<int> receive))
                    let receive = server.ReceiveAsync(buffer 1).AsTask()
                    let! count = receive
                    Expect.equal count 0 "the peer sees the end"
                }))

        inFolderCase "a connect that nobody takes" (fun folder ->
            task {
                // A Unix socket's connect waits while the backlog is full.
                let endPoint = UnixDomainSocketEndPoint(Path.Combine(folder, "full"))
                use! _ = UringListener.ListenAsync(endPoint, backlog = 0)
                use! _ = UringSocket.ConnectAsync endPoint
                use source = new CancellationTokenSource()

                let connecting =
                    UringSocket.ConnectAsync(endPoint, cancellationToken = source.Token).AsTask()

                do! eventually "in flight" (fun () -> Ring.Default.InFlight > 0)
                source.Cancel()
                do! isCancelled "connect" (fun () -> discard (ValueTask<UringSocket> connecting))
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "C# UringSocket failure" [ errors; cancelling ]
