/// Datagrams and messages into a pool: payload, sender and control data, whatever is too long, and what is refused.
module Uring.Tests.Linux.MessageTests

open System
open System.Buffers.Binary
open System.IO
open System.Net
open System.Net.Sockets
open System.Threading
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting
open Uring.Tests.Linux.Receiving

let private anyName = { Name = 128; Control = 0 }

[<NoEquality; NoComparison>]
type private Box = {
    Host: LoopThread
    Pool: BufferPool
    Socket: Uring.FSharp.Socket
    /// Where it is bound.
    Address: EndPoint
    Messages: UringStream<Message>
}

/// A datagram socket of ours, bound there, that receives messages.
let private receiving
    (endPoint: EndPoint)
    (options: BufferPoolOptions)
    (room: MessageRoom)
    prepare
    (body: Box -> unit)
    =
    withLoop (fun host ->
        let pool = runOn host (BufferPool.create options)

        let socket =
            runOn host (Socket.create endPoint.AddressFamily SocketType.Dgram ProtocolType.Unspecified)

        runOn host (Socket.bind socket endPoint)
        prepare socket.Descriptor

        let messages = runOn host (Socket.receiveMessages room socket pool)

        body {
            Host = host
            Pool = pool
            Socket = socket
            Address = Socket.localEndPoint socket
            Messages = messages
        }

        leave host messages
        runOn host (Socket.close socket)
        allBack pool)

let private unprepared (_: FileDescriptor) = ()

let private sender (endPoint: EndPoint) =
    let peer = new Peer(endPoint.AddressFamily, SocketType.Dgram, ProtocolType.Unspecified)
    peer.Bind endPoint
    peer

let private payload (message: Message) = message.Payload.ToArray()
let private pool = BufferPoolOptions.fixedOf 4 512

let private addresses = [
    "UDP over IPv4",
    (fun _ -> IPEndPoint(IPAddress.Loopback, 0) :> EndPoint),
    (fun _ -> IPEndPoint(IPAddress.Loopback, 0) :> EndPoint)
    "UDP over IPv6",
    (fun _ -> IPEndPoint(IPAddress.IPv6Loopback, 0) :> EndPoint),
    (fun _ -> IPEndPoint(IPAddress.IPv6Loopback, 0) :> EndPoint)
    "a Unix socket",
    (fun folder -> UnixDomainSocketEndPoint(Path.Combine(folder, "ours")) :> EndPoint),
    (fun folder -> UnixDomainSocketEndPoint(Path.Combine(folder, "theirs")) :> EndPoint)
]

let private content =
    testList "content" [
        for name, ours, theirs in addresses do
            testCase $"payload and sender, by {name}" (fun () ->
                inFolder (fun folder ->
                    receiving (ours folder) pool anyName unprepared (fun box ->
                        use peer = sender (theirs folder)

                        for length in [ 5; 0; 1; 300 ] do
                            peer.SendTo(pattern length length, box.Address) |> ignore
                            use message = next box.Host box.Messages

                            Expect.equal
                                (message.Length, payload message)
                                (length, pattern length length)
                                "payload"

                            Expect.equal message.Sender peer.LocalEndPoint "sender"
                            Expect.equal message.Control.Length 0 "no control data"
                            Expect.isFalse (message.IsTruncated || message.IsControlTruncated) "whole")))

        testCase "a sender without a name has none" (fun () ->
            inFolder (fun folder ->
                receiving
                    (UnixDomainSocketEndPoint(Path.Combine(folder, "ours")))
                    pool
                    anyName
                    unprepared
                    (fun box ->
                        use peer = new Peer(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified)
                        peer.SendTo("abc"B, box.Address) |> ignore
                        use message = next box.Host box.Messages
                        Expect.isNull message.Sender "nobody"
                        Expect.equal (payload message) "abc"B "payload")))

        testCase "2000 datagrams through two buffers, in order" (fun () ->
            inFolder (fun folder ->
                // A Unix socket loses none.
                receiving
                    (UnixDomainSocketEndPoint(Path.Combine(folder, "ours")))
                    (BufferPoolOptions.fixedOf 2 512)
                    anyName
                    unprepared
                    (fun box ->
                        let sending =
                            Threading.Tasks.Task.Run(fun () ->
                                use peer =
                                    new Peer(
                                        AddressFamily.Unix,
                                        SocketType.Dgram,
                                        ProtocolType.Unspecified
                                    )

                                for number in 0..1999 do
                                    peer.SendTo(pattern number (number % 300), box.Address) |> ignore)

                        let program =
                            uring {
                                for number in 0..1999 do
                                    let! _ = UringStream.next box.Messages
                                    use message = box.Messages.Current

                                    Expect.equal
                                        (payload message)
                                        (pattern number (number % 300))
                                        "in order"
                            }

                        runOn box.Host program
                        finished "sender" sending)))

        testCase "what does not fit is cut off, and told of" (fun () ->
            let before = 16 + 128

            receiving loopback (BufferPoolOptions.fixedOf 2 (before + 10)) anyName unprepared (fun box ->
                use peer = sender loopback
                peer.SendTo(pattern 1 10, box.Address) |> ignore
                peer.SendTo(pattern 2 11, box.Address) |> ignore
                peer.SendTo(pattern 3 3, box.Address) |> ignore

                for seed, length, truncated in [ 1, 10, false; 2, 10, true; 3, 3, false ] do
                    use message = next box.Host box.Messages
                    Expect.equal (message.Length, message.IsTruncated) (length, truncated) $"message {seed}"

                    Expect.equal
                        (payload message)
                        (pattern seed (if truncated then 11 else length)).[.. length - 1]
                        "bytes"

                    Expect.equal message.Sender peer.LocalEndPoint "sender"))

        testCase "a name that has no room is no name" (fun () ->
            receiving loopback pool { Name = 0; Control = 0 } unprepared (fun box ->
                use peer = sender loopback
                peer.SendTo("abc"B, box.Address) |> ignore
                use message = next box.Host box.Messages
                Expect.isNull message.Sender "nobody"
                Expect.equal (payload message) "abc"B "payload"))

        testCase "a share outlives its message" (fun () ->
            receiving loopback (BufferPoolOptions.fixedOf 1 512) anyName unprepared (fun box ->
                use peer = sender loopback
                peer.SendTo("abc"B, box.Address) |> ignore
                let message = next box.Host box.Messages
                use share = message.Share()
                message.Dispose()
                isDisposed "Payload" (fun () -> message.Payload.Length)
                isDisposed "Sender" (fun () -> message.Sender)
                Expect.equal (share.Span.ToArray()) "abc"B "the payload"))
    ]

let private control =
    /// IP_PKTINFO: level 0, type 8; struct in_pktinfo has 12 bytes, of which the last four are the address.
    let withInformation descriptor = SocketOptions.set descriptor 0 8 1

    testList "control data" [
        testCase "comes as the kernel gives it (IP_PKTINFO)" (fun () ->
            receiving loopback pool { Name = 16; Control = 64 } withInformation (fun box ->
                use peer = sender loopback
                peer.SendTo("abc"B, box.Address) |> ignore
                use message = next box.Host box.Messages
                let control = message.Control.ToArray()
                Expect.equal (BinaryPrimitives.ReadInt64LittleEndian(ReadOnlySpan control)) 28L "cmsg_len"

                Expect.equal
                    (BitConverter.ToInt32(control, 8), BitConverter.ToInt32(control, 12))
                    (0, 8)
                    "level, type"

                Expect.equal control[24..27] [| 127uy; 0uy; 0uy; 1uy |] "the address that it was sent to"
                Expect.isFalse message.IsControlTruncated "whole"
                Expect.equal (payload message, message.Sender) ("abc"B, peer.LocalEndPoint) "and the rest"))

        testCase "without room is told of" (fun () ->
            receiving loopback pool { Name = 16; Control = 0 } withInformation (fun box ->
                use peer = sender loopback
                peer.SendTo("abc"B, box.Address) |> ignore
                use message = next box.Host box.Messages
                Expect.isTrue message.IsControlTruncated "it was there"
                Expect.equal (payload message) "abc"B "payload"))

        testCase "names the sending process (SCM_CREDENTIALS)" (fun () ->
            inFolder (fun folder ->
                let address = UnixDomainSocketEndPoint(Path.Combine(folder, "ours"))

                // SOL_SOCKET, SO_PASSCRED
                let withCredentials descriptor = SocketOptions.set descriptor 1 16 1

                receiving address pool { Name = 110; Control = 64 } withCredentials (fun box ->
                    use peer = new Peer(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified)
                    peer.SendTo("abc"B, box.Address) |> ignore
                    use message = next box.Host box.Messages
                    let control = message.Control.ToArray()

                    Expect.equal
                        (BitConverter.ToInt32(control, 8), BitConverter.ToInt32(control, 12))
                        (1, 2)
                        "level, type"

                    Expect.equal (BitConverter.ToInt32(control, 16)) Environment.ProcessId "its process")))
    ]

let private ends =
    testList "its end" [
        testCase "by a token" (fun () ->
            withLoop (fun host ->
                let pool = runOn host (BufferPool.create pool)

                let socket =
                    runOn host (Socket.create AddressFamily.InterNetwork SocketType.Dgram ProtocolType.Udp)

                runOn host (Socket.bind socket loopback)
                use source = new CancellationTokenSource()

                let program =
                    uring {
                        let! messages = Socket.receiveMessages anyName socket pool
                        return! UringStream.next messages
                    }

                let running = Uring.startOn host source.Token program
                eventually "armed" (fun () -> host.Loop.InFlight = 1)
                source.Cancel()
                ended "the messages" running
                Expect.isTrue running.IsCanceled "cancelled"
                Expect.equal pool.Available 4 "all buffers"))

        testCase "buffers that are too small are refused before" (fun () ->
            withLoop (fun host ->
                let tiny = runOn host (BufferPool.create (BufferPoolOptions.fixedOf 1 144))

                let socket =
                    runOn host (Socket.create AddressFamily.InterNetwork SocketType.Dgram ProtocolType.Udp)

                isOutOfRange "BufferSize" (fun () ->
                    runOn host (Socket.receiveMessages anyName socket tiny))

                runOn host (Socket.close socket)))

        // Payloads would be cut off: what is left of an incremental buffer can be too small for a header; the kernel then says EFAULT.
        testCase "an incremental pool is refused, or gives every message" (fun () ->
            let attempt () =
                receiving
                    loopback
                    { BufferPoolOptions.fixedOf 2 512 with Incremental = true }
                    anyName
                    unprepared
                    (fun box ->
                        use peer = sender loopback

                        for number in 1..20 do
                            peer.SendTo(pattern number 40, box.Address) |> ignore
                            use message = next box.Host box.Messages
                            Expect.equal (payload message) (pattern number 40) "in order")

            match failureOf attempt with
            | null
            | :? ArgumentException -> ()
            | other -> failtest $"{other}")

        // Its end would look like empty messages without end.
        testCase "a connection's messages are received as bytes, each by itself, and it ends" (fun () ->
            inFolder (fun folder ->
                let endPoint = UnixDomainSocketEndPoint(Path.Combine(folder, "theirs"))
                use listener = new Peer(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified)
                listener.Bind endPoint
                listener.Listen()

                withLoop (fun host ->
                    let kind = SocketType.Seqpacket

                    let socket =
                        runOn host (Socket.create AddressFamily.Unix kind ProtocolType.Unspecified)

                    runOn
                        host
                        (Uring.discard (Uring.perform (SocketRequest.connect socket.Descriptor endPoint)))

                    use peer = listener.Accept()
                    let pool = runOn host (BufferPool.create pool)

                    match
                        failureOf (fun () -> runOn host (Socket.receiveMessages anyName socket pool))
                    with
                    | :? NotSupportedException -> ()
                    | other -> failtest $"{other}"

                    let received = runOn host (Socket.receiveMany socket pool)
                    peer.Send "one"B |> ignore
                    peer.Send "three"B |> ignore
                    peer.Shutdown SocketShutdown.Both

                    for expected in [ "one"B; "three"B ] do
                        Expect.isTrue (runOn host (UringStream.next received)) "a message"
                        Expect.equal (received.Current.Span.ToArray()) expected "each by itself"
                        received.Current.Dispose()

                    Expect.isFalse (runOn host (UringStream.next received)) "the end"
                    runOn host (Socket.close socket))))

        testCaseTask "C#: messages by the facade" (fun () ->
            task {
                use ring = new Uring.Ring()
                let! pool = ring.CreateBufferPoolAsync(2, 512)
                use! server = Uring.UringSocket.BindAsync(Pairs.loopback, ring)
                use client = new Peer(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp)
                client.Bind Pairs.loopback
                let messages = server.ReceiveMessagesAsync(pool, 32).GetAsyncEnumerator()
                client.SendTo("abc"B, server.LocalEndPoint) |> ignore
                let! found = messages.MoveNextAsync()
                Expect.isTrue found "a message"
                let message = messages.Current
                Expect.equal (message.Payload.ToArray(), message.Length) ("abc"B, 3) "payload"
                Expect.equal (string message.Sender) (string client.LocalEndPoint) "sender"
                use share = message.Share()
                message.Dispose()
                message.Dispose()
                Expect.equal (share.Span.ToArray()) "abc"B "shared"
                isDisposed "Payload" (fun () -> message.Payload.Length)
                do! messages.DisposeAsync()
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "Messages" [ content; control; ends ]
