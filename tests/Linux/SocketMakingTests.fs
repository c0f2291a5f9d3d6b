/// Sockets step by step: made, given options, bound, connected, told to listen; in the process's table and in the ring's.
/// Length: one list for each step of making a socket, on one set of hosts.
module Uring.Tests.Linux.SocketMakingTests

open System
open System.IO
open System.Net
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open Expecto
open Microsoft.Win32.SafeHandles
open Uring
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Observe
open Uring.Tests.Linux.Hosting

let private tcp () = UringSocket.CreateAsync(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
let private udp () = UringSocket.CreateAsync(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)

/// It has to end with this error of the BCL's.
let private fails (what: string) (code: SocketError) (start: unit -> ValueTask) =
    task {
        let! reason = raises<SocketException> what start
        Expect.equal reason.SocketErrorCode code what
    }

let private making =
    testList "step by step" [
        tidyCase "bound before it connects: the peer sees that port" (fun () ->
            task {
                use! listener = UringListener.ListenAsync(loopback)
                use! client = tcp ()
                do! client.BindAsync loopback
                let own = client.LocalEndPoint
                do! client.ConnectAsync listener.LocalEndPoint
                use! server = listener.AcceptAsync()
                Expect.equal server.RemoteEndPoint own "its own port"
                Expect.equal client.RemoteEndPoint listener.LocalEndPoint "whom it talks to"
            })

        tidyCase "a made socket listens, and is the listener" (fun () ->
            task {
                let! socket = tcp ()
                socket.ReuseAddress <- true
                do! socket.BindAsync loopback
                let! listener = socket.ListenAsync 4
                Expect.isTrue (socket.IsListening && listener.ReuseAddress) "SO_ACCEPTCONN, SO_REUSEADDR"
                use! client = UringSocket.ConnectAsync listener.LocalEndPoint
                use! server = listener.AcceptAsync()
                do! client.SendAllAsync(ReadOnlyMemory "x"B)
                let! bytes = Pairs.receiveExactly server 1
                Expect.equal bytes "x"B "connected"
                do! listener.DisposeAsync()
                Expect.isTrue socket.IsClosed "the same"
            })

        tidyCase "a connected datagram socket hears its peer alone, and can be connected again" (fun () ->
            task {
                use! one = udp ()
                use! other = udp ()
                use! stranger = udp ()

                for socket in [ one; other; stranger ] do
                    do! socket.BindAsync loopback

                do! one.ConnectAsync other.LocalEndPoint
                let! _ = stranger.SendToAsync(ReadOnlyMemory "no"B, one.LocalEndPoint)
                do! other.ConnectAsync one.LocalEndPoint
                let! _ = other.SendAsync(ReadOnlyMemory "yes"B)
                let buffer = Array.zeroCreate<byte> 8
                let! count = one.ReceiveAsync(Memory buffer)
                Expect.equal buffer[.. count - 1] "yes"B "the first that it hears"
                do! one.ConnectAsync stranger.LocalEndPoint
                Expect.equal one.RemoteEndPoint stranger.LocalEndPoint "another peer"
            })

        tidyCase "errors, each with the BCL's code" (fun () ->
            task {
                use! socket = tcp ()
                use! listener = UringListener.ListenAsync loopback

                do!
                    fails "in use" SocketError.AddressAlreadyInUse (fun () ->
                        socket.BindAsync listener.LocalEndPoint)

                use! datagrams = udp ()

                do!
                    fails "no stream" SocketError.OperationNotSupported (fun () ->
                        datagrams.ListenAsync() |> discard)

                do! datagrams.BindAsync loopback
                let! twice = raises<ArgumentException> "bound twice" (fun () -> datagrams.BindAsync loopback)
                Expect.stringContains twice.Message "EINVAL" "which"

                do!
                    fails "kinds" SocketError.ProtocolNotSupported (fun () ->
                        UringSocket.CreateAsync(
                            AddressFamily.InterNetwork,
                            SocketType.Stream,
                            ProtocolType.Udp
                        )
                        |> discard)

                let! _ =
                    raises<NotSupportedException> "family" (fun () ->
                        UringSocket.CreateAsync(AddressFamily.AppleTalk, SocketType.Stream) |> discard)

                do! socket.ConnectAsync listener.LocalEndPoint

                do!
                    fails "connected already" SocketError.IsConnected (fun () ->
                        socket.ConnectAsync listener.LocalEndPoint)
            })

        tidyCase "nobody listens" (fun () ->
            task {
                let! dead = UringListener.ListenAsync loopback
                let address = dead.LocalEndPoint
                do! dead.DisposeAsync()
                use! socket = tcp ()
                do! fails "refused" SocketError.ConnectionRefused (fun () -> socket.ConnectAsync address)
            })

        inFolderCase "records of a SOCK_SEQPACKET connection" (fun folder ->
            task {
                let address = UnixDomainSocketEndPoint(Path.Combine(folder, "socket"))
                use! made = UringSocket.CreateAsync(AddressFamily.Unix, SocketType.Seqpacket)
                do! made.BindAsync address
                use! listener = made.ListenAsync()
                use! client = UringSocket.CreateAsync(AddressFamily.Unix, SocketType.Seqpacket)
                do! client.ConnectAsync address
                use! server = listener.AcceptAsync()
                let! _ = client.SendAsync(ReadOnlyMemory "ab"B)
                let! _ = client.SendAsync(ReadOnlyMemory "cde"B)
                let buffer = Array.zeroCreate<byte> 16
                let! first = server.ReceiveAsync(Memory buffer)
                let! second = server.ReceiveAsync(Memory buffer)
                Expect.equal (first, second, server.SocketType) (2, 3, SocketType.Seqpacket) "one by one"
            })

        testCase "F#: made, bound, listening, connected" (fun () ->
            withLoop (fun host ->
                let make = Socket.create AddressFamily.InterNetwork SocketType.Stream ProtocolType.Tcp

                let program =
                    uring {
                        use! listener = make
                        do! Socket.bind listener loopback
                        do! Socket.listenOn listener 4
                        use! client = make
                        do! Socket.bind client loopback
                        do! Socket.connectTo client (Socket.localEndPoint listener)
                        use! server = Socket.accept listener
                        return Socket.remoteEndPoint server = Socket.localEndPoint client
                    }

                Expect.isTrue (runOn host program) "the client's own port"))
    ]

let private options =
    testList "options of more than a number before bind" [
        tidyCase "SO_REUSEPORT: two listeners at one port" (fun () ->
            task {
                let listening (endPoint: EndPoint) =
                    task {
                        let! socket = tcp ()
                        socket.ReusePort <- true
                        do! socket.BindAsync endPoint
                        return! socket.ListenAsync()
                    }

                use! one = listening loopback
                use! other = listening one.LocalEndPoint
                Expect.equal other.LocalEndPoint one.LocalEndPoint "one port"
                Expect.isTrue (one.ReusePort && other.ReusePort) "set"
            })

        tidyCase "IPV6_V6ONLY: an IPv4 listener has the same port" (fun () ->
            task {
                use! six = UringSocket.CreateAsync(AddressFamily.InterNetworkV6, SocketType.Stream)
                six.IPv6Only <- true
                do! six.BindAsync(IPEndPoint(IPAddress.IPv6Any, 0))
                use! listener = six.ListenAsync()
                Expect.isTrue listener.IPv6Only "set"
                let port = (listener.LocalEndPoint :?> IPEndPoint).Port
                use! four = UringListener.ListenAsync(IPEndPoint(IPAddress.Any, port))
                Expect.equal four.AddressFamily AddressFamily.InterNetwork "beside it"
            })

        tidyCase "of a listener: what it is, what its connections inherit, and any by its numbers" (fun () ->
            task {
                use! listener = UringListener.ListenAsync loopback
                listener.NoDelay <- true
                listener.KeepAlive <- true
                listener.ReceiveBufferSize <- 30_000
                listener.SendBufferSize <- 40_000
                Expect.isTrue listener.ReuseAddress "as listeners are made"

                Expect.equal
                    (listener.SocketType, listener.ProtocolType)
                    (SocketType.Stream, ProtocolType.Tcp)
                    "kind"

                Expect.equal
                    (listener.IncomingCpu, listener.TakeError())
                    (-1, SocketError.Success)
                    "the rest"

                use! client = UringSocket.ConnectAsync listener.LocalEndPoint
                use! server = listener.AcceptAsync()
                Expect.isTrue (server.NoDelay && server.KeepAlive) "inherited"

                Expect.equal
                    (server.ReceiveBufferSize, server.SendBufferSize)
                    (listener.ReceiveBufferSize, listener.SendBufferSize)
                    "sizes"

                let value = Array.zeroCreate<byte> 4
                // SOL_SOCKET, SO_KEEPALIVE.
                Expect.equal (listener.GetRawSocketOption(1, 9, Span value), value[0]) (4, 1uy) "raw"
                listener.SetRawSocketOption(1, 9, ReadOnlySpan(BitConverter.GetBytes 0))
                Expect.isFalse listener.KeepAlive "off"
                Expect.isGreaterThan client.SendLowWater 0 "SO_SNDLOWAT"
                Expect.isFalse client.EnableBroadcast "SO_BROADCAST"
            })

        tidyCase "SO_ERROR is told once" (fun () ->
            task {
                do!
                    Pairs.connected (fun client server ->
                        task {
                            server.LingerState <- LingerOption(true, 0)
                            do! server.DisposeAsync()
                            let! events = client.PollAsync Uring.PollEvents.Readable
                            Expect.isTrue (events.HasFlag Uring.PollEvents.Error) "a reset"
                            Expect.equal (client.TakeError()) SocketError.ConnectionReset "which"
                            Expect.equal (client.TakeError()) SocketError.Success "once"
                        })
            })

        tidyCase "raw ones that do not exist, are cut, or come after the end" (fun () ->
            task {
                use! socket = tcp ()
                let four = Array.zeroCreate<byte> 4

                let code read =
                    match Hosting.failureOf read with
                    | :? SocketException as reason -> reason.SocketErrorCode
                    | other -> failtest $"{other}"

                // SOL_SOCKET has no option 9999, and there is no level 9999.
                Expect.equal
                    (code (fun () -> socket.GetRawSocketOption(1, 9999, Span four)))
                    SocketError.ProtocolOption
                    "name"

                Expect.equal
                    (code (fun () -> socket.SetRawSocketOption(9999, 1, ReadOnlySpan four)))
                    SocketError.ProtocolOption
                    "level"

                // SO_KEEPALIVE has four bytes.
                Expect.equal
                    (code (fun () -> socket.SetRawSocketOption(1, 9, ReadOnlySpan.Empty)))
                    SocketError.InvalidArgument
                    "none"

                Expect.equal (socket.GetRawSocketOption(1, 9, Span.Empty)) 0 "no room, nothing said"
                Expect.equal (socket.GetRawSocketOption(1, 9, Span(four, 0, 1))) 1 "as much as fits"
                do! socket.DisposeAsync()

                Expect.throwsT<ObjectDisposedException>
                    (fun () -> socket.GetRawSocketOption(1, 9, Span four) |> ignore)
                    "get"

                Expect.throwsT<ObjectDisposedException>
                    (fun () -> socket.SetRawSocketOption(1, 9, ReadOnlySpan four))
                    "set"

                let! listener = UringListener.ListenAsync loopback
                do! listener.DisposeAsync()

                Expect.throwsT<ObjectDisposedException>
                    (fun () -> listener.GetRawSocketOption(1, 9, Span four) |> ignore)
                    "of a listener"

                Expect.throwsT<ObjectDisposedException>
                    (fun () -> listener.SetRawSocketOption(1, 9, ReadOnlySpan four))
                    "of a listener"
            })
    ]

/// Numbers of descriptors that somebody else has opened and closes: handles that own nothing.
let private numbers =
    testList "by their numbers" [
        folderCase "a file, a socket, and what they are not" (fun host folder ->
            let handleOf (descriptor: FileDescriptor) =
                new SafeFileHandle(nativeint descriptor.Number, false)

            let program =
                uring {
                    use! file = File.create (at folder "file")
                    do! File.write file (ReadOnlyMemory "contents"B) 0L
                    use! listener = Socket.listen loopback 4
                    use fileHandle = handleOf file.Descriptor
                    use socketHandle = handleOf listener.Descriptor
                    use! other = File.ofHandle false fileHandle
                    let buffer = Memory(Array.zeroCreate<byte> 8)
                    let! count = File.read other buffer 0L
                    Expect.equal count 8 "the same file"
                    use! same = Socket.ofHandle true socketHandle
                    use! client = Socket.connect (Socket.localEndPoint same)
                    use! server = Socket.accept same

                    Expect.equal
                        (Socket.remoteEndPoint server)
                        (Socket.localEndPoint client)
                        "the same socket"

                    use! again = Uring.result (Socket.duplicate client)
                    do! Socket.close client
                    do! Socket.send again (ReadOnlyMemory "x"B)
                    let! count = Socket.receive server buffer
                    Expect.equal count 1 "a duplicate lives on"

                    for wrap in
                        [
                            Uring.map ignore (Socket.ofHandle false fileHandle)
                            Uring.map ignore (File.ofHandle false (handleOf listener.Descriptor))
                        ] do
                        match! Uring.catch wrap with
                        | Error(:? ArgumentException as reason) ->
                            Expect.equal reason.ParamName "handle" "which"
                        | other -> failtest $"{other}"
                }

            runOn host program)
    ]

let private slots = 4
let private table = { LoopOptions.standard with DirectDescriptors = slots }

/// All slots are free again: so many sockets fit.
let private isEmpty host =
    let make = Socket.createDirect AddressFamily.InterNetwork SocketType.Dgram ProtocolType.Udp
    let made = [ for _ in 1..slots -> runOn host make ]

    for socket in made do
        runOn host (Socket.close socket)

let private tableCase name (body: LoopThread -> string -> unit) =
    testCase name (fun () ->
        inFolder (fun folder ->
            withLoopOf LinuxKernel.Instance table (fun host ->
                body host folder
                isEmpty host)))

let private peers =
    testList "who has connected" [
        tableCase "is known of a direct connection" (fun host _ ->
            let program =
                uring {
                    use! listener = Socket.listen loopback 4
                    use! client = Socket.connectDirect (Socket.localEndPoint listener)
                    use! installed = Socket.install client
                    use! server = Socket.acceptDirect listener
                    Expect.equal (Socket.remoteEndPoint server) (Socket.localEndPoint installed) "accepted"
                    Expect.equal (Socket.remoteEndPoint client) (Socket.localEndPoint listener) "connected"
                }

            runOn host program)

        tableCase "is known when it has gone" (fun host _ ->
            let program =
                uring {
                    use! listener = Socket.listen loopback 4
                    let! client = Socket.connect (Socket.localEndPoint listener)
                    let name = Socket.localEndPoint client
                    do! Socket.setOption SocketOption.linger (LingerOption(true, 0)) client
                    do! Socket.close client
                    use! server = Socket.accept listener
                    let! _ = Socket.poll server PollEvents.Readable
                    let! _ = Uring.catch (Socket.receive server (Memory(Array.zeroCreate<byte> 1)))
                    Expect.equal (Socket.remoteEndPoint server) name "reset"
                }

            runOn host program)

        tableCase "over Unix sockets: by its path, or without a name" (fun host folder ->
            let program =
                uring {
                    let address = UnixDomainSocketEndPoint(at folder "listener")
                    use! listener = Socket.listen address 4
                    use! named = Socket.create AddressFamily.Unix SocketType.Stream ProtocolType.Unspecified
                    do! Socket.bind named (UnixDomainSocketEndPoint(at folder "client"))
                    do! Socket.connectTo named address
                    use! server = Socket.acceptDirect listener
                    Expect.equal (Socket.remoteEndPoint server) (Socket.localEndPoint named) "a path"
                    use! client = Socket.connect address
                    use! server = Socket.acceptDirect listener
                    Expect.equal (Socket.remoteEndPoint server) (Socket.localEndPoint client) "no name"
                }

            runOn host program)
    ]

let private direct =
    testList "in the ring's table" [
        tableCase "made, bound, listening, accepted, shut down" (fun host folder ->
            let make = Socket.createDirect AddressFamily.Unix SocketType.Stream ProtocolType.Unspecified
            let address = UnixDomainSocketEndPoint(at folder "socket")

            let program =
                uring {
                    use! listener = make
                    do! Socket.bind listener address
                    do! Socket.listenOn listener 4
                    use! client = make
                    do! Socket.connectTo client address
                    use! server = Socket.acceptDirect listener
                    do! Socket.send client (ReadOnlyMemory "hi"B)
                    let buffer = Memory(Array.zeroCreate<byte> 8)
                    let! count = Socket.receive server buffer
                    Expect.equal count 2 "bytes"
                    do! Socket.shutdown client SocketShutdown.Send
                    let! count = Socket.receive server buffer
                    Expect.equal count 0 "the end of one direction"
                    do! Socket.send server (ReadOnlyMemory "back"B)
                    let! count = Socket.receive client buffer
                    Expect.equal count 4 "the other goes on"
                }

            runOn host program)

        tableCase "a listener of its own takes many" (fun host _ ->
            let port =
                use socket = new Peer(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
                socket.Bind loopback
                (nonNull socket.LocalEndPoint :?> IPEndPoint).Port

            let address = IPEndPoint(IPAddress.Loopback, port)

            let program =
                uring {
                    use! listener = Socket.listenDirect address 4
                    let! reuses = Socket.getOption SocketOption.reuseAddress listener
                    Expect.isTrue reuses "SO_REUSEADDR"
                    let! stream = Socket.acceptManyDirect listener
                    use! _ = Socket.connect address
                    let! _ = UringStream.next stream
                    use! first = Uring.result stream.Current
                    Expect.isTrue first.Descriptor.IsDirect "a slot"
                    do! (stream :> IAsyncDisposable).DisposeAsync()
                    use! client = Socket.connect address
                    use! second = Socket.accept listener
                    Expect.equal (Socket.remoteEndPoint second) (Socket.localEndPoint client) "with a number"
                }

            runOn host program)

        tableCase "polls tell of events, many times, until they are cancelled" (fun host _ ->
            use peer = new Peer(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)

            let program =
                uring {
                    use! listener = Socket.listen loopback 4
                    peer.Connect(Socket.localEndPoint listener)
                    use! socket = Socket.acceptDirect listener
                    let! events = Socket.poll socket PollEvents.Writable
                    Expect.isTrue (events.HasFlag PollEvents.Writable) "once"
                    let! stream = Socket.pollMany socket PollEvents.Readable
                    let buffer = Memory(Array.zeroCreate<byte> 8)

                    for _ in 1..3 do
                        peer.Send "x"B |> ignore
                        let! _ = UringStream.next stream
                        let! count = Socket.receive socket buffer
                        Expect.equal count 1 "many times"

                    let! ended = Socket.cancel socket
                    Expect.equal ended 1 "by its descriptor"
                    let! over = Uring.catch (UringStream.next stream)

                    match over with
                    | Error(:? OperationCanceledException) -> ()
                    | other -> failtest $"{other}"

                    do! (stream :> IAsyncDisposable).DisposeAsync()
                }

            runOn host program)

        tableCase "bytes are read from a slot as from a file, many times (READ_MULTISHOT)" (fun host _ ->
            let program =
                uring {
                    let! pipe = Pipe.create
                    use! direct = File.makeDirect pipe.Reader
                    let! pool = Socket.bufferPool 4 16
                    let! stream = File.readMany direct pool

                    for text in [ "one"B; "two"B ] do
                        let! _ = File.writeNext pipe.Writer (ReadOnlyMemory text)
                        let! _ = UringStream.next stream
                        Expect.equal (stream.Current.Span.ToArray()) text "bytes"
                        stream.Current.Dispose()

                    let! ended = File.cancel direct
                    Expect.equal ended 1 "by its descriptor"
                    do! (stream :> IAsyncDisposable).DisposeAsync()
                    do! Pipe.close pipe
                }

            runOn host program)

        testCaseTask "C#: a direct listener, a direct socket that was made" (fun () ->
            Observe.inFolder (fun folder ->
                task {
                    use ring = new Uring.Ring(RingOptions(DirectDescriptors = slots))
                    let address = UnixDomainSocketEndPoint(Path.Combine(folder, "socket"))
                    use! listener = UringListener.ListenDirectAsync(address, 4, ring)
                    Expect.isTrue listener.IsDirect "a slot"

                    Expect.throwsT<NotSupportedException>
                        (fun () -> listener.LocalEndPoint |> ignore)
                        "no number"

                    use! client =
                        UringSocket.CreateDirectAsync(
                            AddressFamily.Unix,
                            SocketType.Stream,
                            ProtocolType.Unspecified,
                            ring
                        )

                    do! client.ConnectAsync address
                    use! server = listener.AcceptDirectAsync()
                    Expect.equal (server.RemoteEndPoint.ToString()) "" "without a name, and known"
                    do! client.SendAllAsync(ReadOnlyMemory "hi"B)
                    let! bytes = Pairs.receiveExactly server 2
                    Expect.equal bytes "hi"B "bytes"
                    do! client.ShutdownAsync SocketShutdown.Send
                    let! count = server.ReceiveAsync(Pairs.buffer 1)
                    Expect.equal count 0 "the end"
                }))

        testCase "an older kernel says which it needs" (fun () ->
            let old = FaultyKernel(Hidden = [ Opcode.Bind; Opcode.Listen ])

            withLoopOf old table (fun host ->
                match failureOf (fun () -> runOn host (Socket.listenDirect loopback 4)) with
                | :? PlatformNotSupportedException as reason ->
                    Expect.stringContains reason.Message "6.11" "which"
                | other -> failtest $"{other}"

                isEmpty host))
    ]

/// Cancelled when it has been done, its result is the caller's, and no slot or descriptor is lost.
let private late =
    testList "cancelled too late" [
        tableCase "a socket that was made is there to be closed" (fun host _ ->
            for request in
                [
                    SocketRequest.socketDirect AddressFamily.InterNetwork SocketType.Dgram ProtocolType.Udp
                    SocketRequest.socket AddressFamily.InterNetwork SocketType.Dgram ProtocolType.Udp
                ] do
                for _ in 1..200 do
                    use source = new CancellationTokenSource()
                    let running = startAs host request source.Token
                    source.Cancel()

                    match failureOf (fun () -> finish "socket" running) with
                    | null ->
                        let isDirect = request.Submission.FileIndex <> 0u
                        let made = host.Loop.OwnAs(isDirect, running.Result)
                        host.Loop.CloseDescriptor(made).AsTask() |> finish "close" |> ignore
                    | :? OperationCanceledException -> ()
                    | other -> failtest $"{other}")

        tableCase "a connection that was taken is there to be closed, or to be taken" (fun host _ ->
            let listener = runOn host (Socket.listen loopback 16)
            let mutable taken = 0

            for round in 1..200 do
                use source = new CancellationTokenSource()

                let request =
                    if round % 2 = 0 then
                        SocketRequest.acceptDirectFrom listener.Descriptor
                    else
                        SocketRequest.acceptFrom listener.Descriptor

                let running = startAs host request source.Token
                use client = new Peer(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
                client.Connect(Socket.localEndPoint listener)
                source.Cancel()

                match failureOf (fun () -> finish "accept" running) with
                | null ->
                    taken <- taken + 1
                    Expect.equal (SocketRequest.peerOf request) client.LocalEndPoint "whose"
                    let made = host.Loop.OwnAs(round % 2 = 0, running.Result)
                    host.Loop.CloseDescriptor(made).AsTask() |> finish "close" |> ignore
                | :? OperationCanceledException ->
                    runOn host (uring { use! _ = Socket.accept listener in () })
                | other -> failtest $"{other}"

                // Closed here, it has an end there.
                let closed = Task.Run(fun () -> client.Receive(Array.zeroCreate<byte> 1))
                Expect.equal (finish "the end" closed) 0 "nobody holds it"

            runOn host (Socket.close listener))
    ]

[<Tests>]
let tests = testSequenced <| testList "SocketMaking" [ making; options; numbers; peers; direct; late ]
