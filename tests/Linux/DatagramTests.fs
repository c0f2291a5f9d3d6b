/// Datagrams by themselves: to an address, and from whom; by both facades.
module Uring.Tests.Linux.DatagramTests

open System
open System.Net
open System.Net.Sockets
open System.Threading
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

type private Facade = global.Uring.UringSocket
type private OurSocket = Uring.FSharp.Socket

let private bound (host: LoopThread) (endPoint: EndPoint) : OurSocket =
    let socket = runOn host (Socket.create endPoint.AddressFamily SocketType.Dgram ProtocolType.Unspecified)

    runOn host (Socket.bind socket endPoint)
    socket

let private room length = Memory(Array.zeroCreate<byte> length)

let private functions =
    testList "sendmsg, recvmsg" [
        for name, endPoint in
            [
                "IPv4", IPEndPoint(IPAddress.Loopback, 0)
                "IPv6", IPEndPoint(IPAddress.IPv6Loopback, 0)
            ] do
            testCase $"there and back: {name}" (fun () ->
                withLoop (fun host ->
                    let one, other = bound host endPoint, bound host endPoint
                    let there, back = Socket.localEndPoint other, Socket.localEndPoint one
                    Expect.equal (runOn host (Socket.sendTo one (ReadOnlyMemory "hello"B) there)) 5 "sent"
                    let buffer = room 8
                    let struct (length, sender, isTruncated) = runOn host (Socket.receiveFrom other buffer)
                    Expect.equal (length, sender, isTruncated) (5, back, false) "whole, from the first"
                    Expect.equal (buffer.Slice(0, 5).ToArray()) "hello"B "bytes"

                    Expect.equal
                        (runOn host (Socket.sendTo other ReadOnlyMemory.Empty back))
                        0
                        "an empty one"

                    let struct (length, sender, _) = runOn host (Socket.receiveFrom one buffer)
                    Expect.equal (length, sender) (0, there) "is one as well"))

        testCase "what is too long for the buffer is told of" (fun () ->
            withLoop (fun host ->
                let socket = bound host loopback
                let self = Socket.localEndPoint socket
                runOn host (Socket.sendTo socket (ReadOnlyMemory "0123456789"B) self) |> ignore
                let buffer = room 4
                let program = Socket.receiveFrom socket buffer
                let struct (length, _, isTruncated) = runOn host program
                Expect.equal (length, isTruncated) (4, true) "cut"
                Expect.equal (buffer.ToArray()) "0123"B "its start"
                runOn host (Socket.sendTo socket (ReadOnlyMemory "next"B) self) |> ignore
                let struct (length, sender, isTruncated) = runOn host program
                Expect.equal (length, sender, isTruncated) (4, self, false) "the next one is whole"))

        testCase "a socket without a name has no sender" (fun () ->
            inFolder (fun folder ->
                withLoop (fun host ->
                    let reader = bound host (UnixDomainSocketEndPoint(at folder "socket"))

                    let writer =
                        runOn
                            host
                            (Socket.create AddressFamily.Unix SocketType.Dgram ProtocolType.Unspecified)

                    let there = Socket.localEndPoint reader
                    Expect.equal (runOn host (Socket.sendTo writer (ReadOnlyMemory "x"B) there)) 1 "sent"
                    let struct (length, sender, _) = runOn host (Socket.receiveFrom reader (room 4))
                    Expect.equal length 1 "received"
                    Expect.isNull sender "nobody")))

        testCase "cancelled while it waits" (fun () ->
            withLoop (fun host ->
                let socket = bound host loopback
                use stop = new CancellationTokenSource()
                let running = startAs host (SocketRequest.receiveFrom socket.Descriptor (room 4)) stop.Token
                eventually "in flight" (fun () -> host.Loop.InFlight > 0)
                stop.Cancel()

                match failureOf (fun () -> finish "receive" running) with
                | :? OperationCanceledException -> ()
                | other -> failtest $"no cancellation: {other}"))

        testCase "what is longer than a datagram: EMSGSIZE" (fun () ->
            withLoop (fun host ->
                let socket = bound host loopback

                let request =
                    SocketRequest.sendTo
                        socket.Descriptor
                        (ReadOnlyMemory(Array.zeroCreate 70_000))
                        (Socket.localEndPoint socket)

                Expect.equal (int (errnoOf host request)) 90 "EMSGSIZE"))

        testCase "a name has to be resolved first" (fun () ->
            withLoop (fun host ->
                let socket = bound host loopback

                let send (endPoint: EndPoint) () =
                    Socket.sendTo socket ReadOnlyMemory.Empty endPoint |> ignore

                Expect.throwsT<ArgumentException> (send (DnsEndPoint("localhost", 1))) "a name"
                Expect.throwsT<ArgumentNullException> (send Unchecked.defaultof<EndPoint>) "null"))
    ]

let private abstractNames =
    testCaseTask "who has an abstract name is answered, by the facade" (fun () ->
        task {
            let name which = UnixDomainSocketEndPoint $"\000uring-datagram-{which}-{Environment.ProcessId}"
            use! one = Facade.BindAsync(name 1)
            use! other = Facade.BindAsync(name 2)
            let! _ = one.SendToAsync(ReadOnlyMemory "question"B, other.LocalEndPoint)
            let buffer = room 8
            let! received = other.ReceiveFromAsync buffer
            Expect.equal (nonNull received.Sender) (name 1 :> EndPoint) "its name"
            let! _ = other.SendToAsync(ReadOnlyMemory "answer"B, nonNull received.Sender)
            let! received = one.ReceiveFromAsync buffer
            Expect.equal (buffer.Slice(0, received.Length).ToArray()) "answer"B "answered"
            Expect.equal received.Sender other.LocalEndPoint "by the other"
        })

let private facade =
    testCaseTask "there and back by the facade" (fun () ->
        task {
            use! one = Facade.BindAsync loopback
            use! other = Facade.BindAsync loopback
            let! sent = one.SendToAsync(ReadOnlyMemory "hello"B, other.LocalEndPoint)
            let buffer = room 4
            let! received = other.ReceiveFromAsync buffer
            Expect.equal (sent, received.Length, received.IsTruncated) (5, 4, true) "cut"
            Expect.equal received.Sender one.LocalEndPoint "from the first"
            Expect.equal (buffer.ToArray()) "hell"B "bytes"
        })

[<Tests>]
let tests = testSequenced <| testList "Datagram" [ functions; facade; abstractNames ]
