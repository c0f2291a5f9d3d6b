/// Names and options of sockets: what the kernel says, as the BCL says it, and through the loop's own kernel.
module Uring.Tests.Linux.SocketOptionsTests

open System
open System.IO
open System.Net
open System.Net.NetworkInformation
open System.Net.Sockets
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

let private case name (body: LoopThread -> unit) = testCase name (fun () -> withLoop body)

let private make host family kind = runOn host (Socket.create family kind ProtocolType.Unspecified)

/// The code of the SocketException that it ends with.
let private codeOf (body: unit -> 'T) =
    match failureOf body with
    | :? SocketException as reason -> reason.SocketErrorCode
    | other -> failtest $"{other}"

let private isNameless body =
    Expect.throwsT<InvalidOperationException> (fun () -> body () |> ignore) "no address"

/// A path of all the 108 bytes that sun_path has, without a NUL at its end: the BCL's own class refuses it.
type private LongPath(folder: string) =
    inherit EndPoint()
    let path = Path.Combine(folder, String('x', 108)).Substring(0, 108)
    member _.Path = path
    override _.AddressFamily = AddressFamily.Unix

    override _.Serialize() =
        let address = SocketAddress(AddressFamily.Unix, 110)
        Text.Encoding.UTF8.GetBytes(path).CopyTo(address.Buffer.Slice 2)
        address

/// The only addresses whose scope the BCL keeps: some interface has to hold one.
let private linkLocal () =
    NetworkInterface.GetAllNetworkInterfaces()
    |> Seq.filter (fun found -> found.OperationalStatus = OperationalStatus.Up)
    |> Seq.collect _.GetIPProperties().UnicastAddresses
    |> Seq.map _.Address
    |> Seq.tryFind _.IsIPv6LinkLocal

let private names =
    testList "names" [
        for what, addressIn in
            [
                "IPv4", (fun _ -> loopback :> EndPoint)
                "IPv6", (fun _ -> IPEndPoint(IPAddress.IPv6Loopback, 0))
                "a Unix path", (fun folder -> UnixDomainSocketEndPoint(Path.Combine(folder, "socket")))
                "an abstract Unix name", (fun folder -> UnixDomainSocketEndPoint $"\000{folder}")
            ] do
            testCase $"of both sides, as the BCL gives them: {what}" (fun () ->
                inFolder (fun folder ->
                    withLoop (fun host ->
                        let address: EndPoint = addressIn folder
                        let listener = runOn host (Socket.listen address 4)
                        let bound = Socket.localEndPoint listener

                        if address.AddressFamily = AddressFamily.Unix then
                            Expect.equal bound address "what it was bound to"

                        use client =
                            new Peer(address.AddressFamily, SocketType.Stream, ProtocolType.Unspecified)

                        client.Connect bound
                        let accepted = runOn host (Socket.accept listener)
                        Expect.equal (Socket.localEndPoint accepted) (nonNull client.RemoteEndPoint) "ours"

                        Expect.equal
                            (Socket.remoteEndPoint accepted)
                            (nonNull client.LocalEndPoint)
                            "theirs"

                        Expect.equal (Socket.localEndPoint accepted) bound "the listener's")))

        case "with the scope of an IPv6 address" (fun host ->
            match linkLocal () with
            | None -> skiptest "no interface here has a link-local address"
            | Some address ->
                let socket = make host AddressFamily.InterNetworkV6 SocketType.Dgram
                runOn host (Socket.bind socket (IPEndPoint(address, 0)))

                match Socket.localEndPoint socket with
                | :? IPEndPoint as name -> Expect.equal name.Address address "address and scope"
                | other -> failtest $"{other}")

        testCase "of a Unix path that fills its sockaddr" (fun () ->
            inFolder (fun folder ->
                withLoop (fun host ->
                    let address = LongPath folder
                    let listener = runOn host (Socket.listen address 4)
                    Expect.equal ((Socket.localEndPoint listener).ToString()) address.Path "all of it")))

        case "of a socket that is not bound" (fun host ->
            for family, expected in
                [
                    AddressFamily.InterNetwork, "0.0.0.0:0"
                    AddressFamily.InterNetworkV6, "[::]:0"
                    AddressFamily.Unix, ""
                ] do
                let socket = make host family SocketType.Dgram
                Expect.equal ((Socket.localEndPoint socket).ToString()) expected $"{family}"
                isNameless (fun () -> Socket.remoteEndPoint socket))

        case "of what is no socket" (fun host ->
            let file = runOn host (File.openRead "/dev/null")
            isNameless (fun () -> SocketOptions.localEndPoint file.Descriptor)
            isNameless (fun () -> SocketOptions.remoteEndPoint file.Descriptor))
    ]

let private options =
    testList "options" [
        case "are read back" (fun host ->
            let socket = make host AddressFamily.InterNetwork SocketType.Stream
            let descriptor = socket.Descriptor
            Expect.isFalse (SocketOptions.noDelay descriptor) "before"
            SocketOptions.setNoDelay descriptor true
            Expect.isTrue (SocketOptions.noDelay descriptor) "set"
            SocketOptions.setNoDelay descriptor false
            Expect.isFalse (SocketOptions.noDelay descriptor) "and back"
            SocketOptions.setReuseAddress descriptor true
            // SOL_SOCKET with SO_REUSEADDR, SO_REUSEPORT.
            Expect.equal (SocketOptions.get descriptor 1 2) 1 "the address may be reused"
            Expect.equal (SocketOptions.get descriptor 1 15) 0 "a second server stays out")

        case "of more than a number" (fun host ->
            let descriptor = (make host AddressFamily.InterNetwork SocketType.Stream).Descriptor
            // SOL_SOCKET, SO_LINGER; struct linger: l_onoff, l_linger, of 4 bytes each.
            let linger = [| 1uy; 0uy; 0uy; 0uy; 7uy; 0uy; 0uy; 0uy |]
            SocketOptions.setBytes descriptor 1 13 (ReadOnlySpan linger)
            let found = Array.zeroCreate<byte> 16
            Expect.equal (SocketOptions.getBytes descriptor 1 13 (Span found)) 8 "its size"
            Expect.equal found[..7] linger "its bytes"

            Expect.equal
                (codeOf (fun () -> SocketOptions.set descriptor 1 13 1))
                SocketError.InvalidArgument
                "cut")

        case "are refused with the BCL's code" (fun host ->
            let file = (runOn host (File.openRead "/dev/null")).Descriptor
            let unix = (make host AddressFamily.Unix SocketType.Stream).Descriptor
            let udp = (make host AddressFamily.InterNetwork SocketType.Dgram).Descriptor

            // Of a level that a datagram socket lacks the kernel says ENOPROTOOPT to set, EOPNOTSUPP to get.
            for what, descriptor, toSet, toGet in
                [
                    "a file", file, SocketError.NotSocket, SocketError.NotSocket
                    "a Unix socket",
                    unix,
                    SocketError.OperationNotSupported,
                    SocketError.OperationNotSupported
                    "a datagram socket", udp, SocketError.ProtocolOption, SocketError.OperationNotSupported
                ] do
                Expect.equal
                    (codeOf (fun () -> SocketOptions.setNoDelay descriptor true))
                    toSet
                    $"set: {what}"

                Expect.equal (codeOf (fun () -> SocketOptions.noDelay descriptor)) toGet $"get: {what}")
    ]

let private refusals =
    testList "refusals" [
        case "a closed socket has neither names nor options" (fun host ->
            let socket = make host AddressFamily.InterNetwork SocketType.Stream
            runOn host (Socket.close socket)

            for body in
                [
                    (fun () -> Socket.localEndPoint socket |> ignore)
                    (fun () -> Socket.remoteEndPoint socket |> ignore)
                    (fun () -> Socket.setNoDelay socket true)
                    (fun () -> SocketOptions.noDelay socket.Descriptor |> ignore)
                ] do
                Expect.throwsT<ObjectDisposedException> body "disposed of")

        testCase "come from the loop's own kernel" (fun () ->
            let kernel = FaultyKernel()

            withLoopOf kernel LoopOptions.standard (fun host ->
                let socket = runOn host (Socket.listen loopback 4)
                kernel.OnSocketCall <- fun () -> Answer.Before Errno.ENOBUFS

                for body in
                    [
                        (fun () -> Socket.localEndPoint socket |> ignore)
                        (fun () -> Socket.remoteEndPoint socket |> ignore)
                        (fun () -> Socket.setNoDelay socket true)
                        (fun () -> SocketOptions.noDelay socket.Descriptor |> ignore)
                    ] do
                    Expect.equal (codeOf body) SocketError.NoBufferSpaceAvailable "its errno"))
    ]

[<Tests>]
let tests = testSequenced <| testList "SocketOptions" [ names; options; refusals ]
