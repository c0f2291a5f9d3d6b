/// Each socket operation on the real kernel, with a socket of the BCL on the other side, and each likely errno.
module Uring.Tests.Linux.SocketOperationTests

open System
open System.IO
open System.Net
open System.Net.Sockets
open System.Security.Cryptography
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

let private case name (body: LoopThread -> unit) = testCase name (fun () -> withLoop body)

let private refuses name (errno: Errno) (request: LoopThread -> Request) =
    case $"{name}: {errno}" (fun host -> Expect.equal (errnoOf host (request host)) errno name)

let private tcp host =
    runOn host (Socket.create AddressFamily.InterNetwork SocketType.Stream ProtocolType.Tcp)

let private udp host = runOn host (Socket.create AddressFamily.InterNetwork SocketType.Dgram ProtocolType.Udp)

let private listening host = runOn host (Socket.listen loopback 16)

/// A port on which nobody listens.
let private deadPort () =
    use socket = new Peer(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
    socket.Bind loopback
    nonNull socket.LocalEndPoint

let private memory (length: int) = Memory(Array.zeroCreate<byte> length)

let private making =
    testList "socket, bind, listen" [
        case "makes what was asked for, closed on exec" (fun host ->
            let socket =
                runOn host (Socket.create AddressFamily.InterNetworkV6 SocketType.Dgram ProtocolType.Udp)

            let number = socket.Descriptor.Number

            // SOL_SOCKET with SO_DOMAIN, SO_TYPE, SO_PROTOCOL: AF_INET6, SOCK_DGRAM, IPPROTO_UDP.
            let made = [ 39; 3; 38 ] |> List.map (SocketOptions.get socket.Descriptor 1)
            Expect.equal made [ 10; 2; 17 ] "family, kind, protocol"
            let info = File.ReadAllLines $"/proc/self/fdinfo/{number}"
            let flags = info |> Array.find (fun line -> line.StartsWith "flags:")
            let bits = Convert.ToInt32(flags.Substring(6).Trim(), 8)
            Expect.equal (bits &&& 0o2000000) 0o2000000 "O_CLOEXEC"
            runOn host (Socket.close socket)
            Expect.isFalse (File.Exists $"/proc/self/fd/{number}") "closed")

        case "a listener takes a client of the BCL" (fun host ->
            let listener = listening host
            use client = new Peer(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
            client.Connect(Socket.localEndPoint listener)
            let accepted = runOn host (Socket.accept listener)
            Expect.equal (Socket.remoteEndPoint accepted) (nonNull client.LocalEndPoint) "the right client"
            client.Send "hello"B |> ignore
            let buffer = memory 10
            Expect.equal (runOn host (Socket.receive accepted buffer)) 5 "bytes")

        case "an option leaves the socket open" (fun host ->
            let struct (ours, theirs) = connectPair host
            Socket.setNoDelay ours true
            Expect.isTrue (SocketOptions.noDelay ours.Descriptor) "set"
            GC.Collect()
            GC.WaitForPendingFinalizers()
            runOn host (Socket.send ours (ReadOnlyMemory "x"B))
            Expect.equal (theirs.Receive(Array.zeroCreate<byte> 1)) 1 "still connected"
            theirs.Dispose())

        for family, path in [ "a path", true; "an abstract name", false ] do
            testCase $"Unix sockets at {family}" (fun () ->
                inFolder (fun folder ->
                    withLoop (fun host ->
                        let name = if path then Path.Combine(folder, "socket") else $"\000{folder}"
                        let address = UnixDomainSocketEndPoint name
                        let listener = runOn host (Socket.listen address 4)

                        use client =
                            new Peer(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)

                        client.Connect address
                        let accepted = runOn host (Socket.accept listener)
                        runOn host (Socket.send accepted (ReadOnlyMemory "hi"B))
                        Expect.equal (client.Receive(Array.zeroCreate<byte> 9)) 2 "bytes")))

        refuses "an address in use" Errno.EADDRINUSE (fun host ->
            let listener = listening host
            SocketRequest.bind (tcp host).Descriptor (Socket.localEndPoint listener))

        refuses "an address of somebody else" Errno.EADDRNOTAVAIL (fun host ->
            SocketRequest.bind (tcp host).Descriptor (IPEndPoint(IPAddress.Parse "192.0.2.1", 0)))

        refuses "bound twice" Errno.EINVAL (fun host ->
            SocketRequest.bind (listening host).Descriptor loopback)

        refuses "listen on a datagram socket" Errno.EOPNOTSUPP (fun host ->
            SocketRequest.listen (udp host).Descriptor 1)

        refuses "a protocol of another kind" Errno.EPROTONOSUPPORT (fun _ ->
            SocketRequest.socket AddressFamily.InterNetwork SocketType.Stream ProtocolType.Udp)

        refuses "bind what is no socket" Errno.ENOTSOCK (fun host ->
            let file = runOn host (File.openRead "/dev/null")
            SocketRequest.bind file.Descriptor loopback)

        case "a name or an unknown family never reaches the kernel" (fun host ->
            Expect.throwsT<ArgumentException>
                (fun () ->
                    SocketRequest.connect (tcp host).Descriptor (DnsEndPoint("localhost", 1)) |> ignore)
                "a name"

            Expect.throwsT<NotSupportedException>
                (fun () ->
                    SocketRequest.socket AddressFamily.AppleTalk SocketType.Stream ProtocolType.Tcp
                    |> ignore)
                "a family")
    ]

let private connecting =
    testList "connect, accept" [
        case "accept waits for the connection" (fun host ->
            let listener = listening host
            let accepting = startOn host (Socket.accept listener)
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            Expect.isFalse accepting.IsCompleted "nobody there"
            use client = new Peer(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
            client.Connect(Socket.localEndPoint listener)
            finish "accept" accepting |> ignore)

        refuses "nobody listens" Errno.ECONNREFUSED (fun host ->
            SocketRequest.connect (tcp host).Descriptor (deadPort ()))

        refuses "connected already" Errno.EISCONN (fun host ->
            let struct (ours, _) = connectPair host
            SocketRequest.connect ours.Descriptor (Socket.remoteEndPoint ours))

        refuses "a broadcast address, to which no stream leads" Errno.ENETUNREACH (fun host ->
            SocketRequest.connect (tcp host).Descriptor (IPEndPoint(IPAddress.Parse "255.255.255.255", 1)))

        refuses "accept without listening" Errno.EINVAL (fun host ->
            SocketRequest.accept (tcp host).Descriptor)

        refuses "accept on a datagram socket" Errno.EOPNOTSUPP (fun host ->
            SocketRequest.accept (udp host).Descriptor)

        case "a failed connect or listen leaves no descriptor" (fun host ->
            let count () = Directory.GetFileSystemEntries("/proc/self/fd").Length
            let dead = deadPort ()
            let taken = listening host
            let before = count ()

            for _ in 1..20 do
                Expect.isNotNull (failureOf (fun () -> runOn host (Socket.connect dead))) "connect"

                Expect.isNotNull
                    (failureOf (fun () -> runOn host (Socket.listen (Socket.localEndPoint taken) 1)))
                    "listen"

            eventually "closed" (fun () -> count () <= before))
    ]

let private transfer =
    testList "send, recv, shutdown" [
        case "a megabyte there and back" (fun host ->
            let struct (ours, theirs) = connectPair host
            let bytes = RandomNumberGenerator.GetBytes(1 <<< 20)

            let echo =
                Task.Run(fun () ->
                    let buffer = Array.zeroCreate<byte> 65536
                    let mutable count = theirs.Receive buffer

                    while count > 0 do
                        theirs.Send(ReadOnlySpan(buffer, 0, count)) |> ignore
                        count <- theirs.Receive buffer)

            let back = memory bytes.Length

            let receiveAll =
                uring {
                    let mutable got = 0

                    while got < bytes.Length do
                        let! count = Socket.receive ours (back.Slice got)
                        if count = 0 then failtest "the peer has hung up"
                        got <- got + count
                }

            let program =
                uring {
                    let! _ = Socket.send ours (ReadOnlyMemory bytes)
                    and! _ = receiveAll
                    do! Socket.shutdown ours SocketShutdown.Send
                    return! Socket.receive ours (memory 1)
                }

            let ending = startOn host program
            finished "echo" echo
            theirs.Shutdown SocketShutdown.Both
            Expect.equal (finish "program" ending) 0 "the end"
            Expect.isTrue (back.Span.SequenceEqual bytes) "bytes")

        case "shutdown ends a receive" (fun host ->
            let struct (ours, _) = connectPair host
            let receiving = startOn host (Socket.receive ours (memory 1))
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            runOn host (Socket.shutdown ours SocketShutdown.Both)
            Expect.equal (finish "receive" receiving) 0 "the end")

        refuses "receive, not connected" Errno.ENOTCONN (fun host ->
            SocketRequest.receive (tcp host).Descriptor (memory 1))

        refuses "shutdown, not connected" Errno.ENOTCONN (fun host ->
            SocketRequest.shutdown (tcp host).Descriptor SocketShutdown.Both)

        refuses "send after the end" Errno.EPIPE (fun host ->
            let struct (ours, _) = connectPair host
            runOn host (Socket.shutdown ours SocketShutdown.Send)
            SocketRequest.send ours.Descriptor (ReadOnlyMemory "x"B))

        refuses "a peer that is gone for good" Errno.ECONNRESET (fun host ->
            let struct (ours, theirs) = connectPair host
            theirs.LingerState <- LingerOption(true, 0)
            theirs.Dispose()
            SocketRequest.receive ours.Descriptor (memory 1))

        refuses "a datagram that is too long" Errno.EMSGSIZE (fun host ->
            let socket = udp host

            Expect.equal
                (attempt host (SocketRequest.connect socket.Descriptor (IPEndPoint(IPAddress.Loopback, 9))))
                0
                "connected"

            SocketRequest.send socket.Descriptor (ReadOnlyMemory(Array.zeroCreate<byte> 70_000)))

        refuses "send what is no socket" Errno.ENOTSOCK (fun host ->
            let file = runOn host (File.openRead "/dev/null")
            SocketRequest.send file.Descriptor (ReadOnlyMemory "x"B))

        case "a socket of another loop" (fun host ->
            let struct (ours, theirs) = connectPair host

            withLoop (fun elsewhere ->
                let program =
                    uring {
                        let! here = Uring.loop
                        do! Socket.send ours (ReadOnlyMemory "over there"B)
                        return Object.ReferenceEquals(Loop.Current, here)
                    }

                Expect.isTrue (runOn elsewhere program) "the program comes back to its own loop"
                Expect.equal (theirs.Receive(Array.zeroCreate<byte> 20)) 10 "bytes"
                use source = new CancellationTokenSource()
                let receiving = Uring.startOn elsewhere source.Token (Socket.receive ours (memory 1))
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                source.Cancel()
                ended "receive" receiving
                Expect.isTrue receiving.IsCanceled "cancelled from there"))
    ]

[<Tests>]
let tests = testSequenced <| testList "SocketOperation" [ making; connecting; transfer ]
