/// Options that have a type: what is set is read back, as the kernel has it and as the BCL says it.
module Uring.Tests.Linux.SocketOptionTests

open System
open System.Net.Sockets
open Expecto
open Uring
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

let private make host family kind = runOn host (Socket.create family kind ProtocolType.Unspecified)

let private onSocket name family kind (body: FileDescriptor -> unit) =
    testCase name (fun () -> withLoop (fun host -> body (make host family kind).Descriptor))

let private onTcp name = onSocket name AddressFamily.InterNetwork SocketType.Stream

/// Set, it reads as `expected`; and another value as itself.
let private keeps (option: SocketOption<'T>) (value: 'T) (expected: 'T) (descriptor: FileDescriptor) =
    SocketOptions.write option value descriptor
    Expect.equal (SocketOptions.read option descriptor) expected $"{option.Level}, {option.Name}"

let private refuses (option: SocketOption<'T>) (value: 'T) (descriptor: FileDescriptor) =
    Expect.throwsT<NotSupportedException>
        (fun () -> SocketOptions.write option value descriptor)
        $"{option.Level}, {option.Name}"

/// The BCL's socket on the same terms: what it says after being told the same.
let private bcl (body: Peer -> 'T) : 'T =
    use peer = new Peer(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
    body peer

let private flags = [
    "SO_KEEPALIVE", SocketOption.keepAlive
    "SO_REUSEADDR", SocketOption.reuseAddress
    "SO_REUSEPORT", SocketOption.reusePort
    "SO_BROADCAST", SocketOption.broadcast
    "TCP_CORK", SocketOption.cork
    "TCP_NODELAY", SocketOption.noDelay
]

[<Tests>]
let tests =
    testList "Typed socket options" [
        for name, option in flags do
            onTcp $"{name} is off, on, and off again" (fun descriptor ->
                Expect.isFalse (SocketOptions.read option descriptor) "off"
                keeps option true true descriptor
                keeps option false false descriptor)

        onTcp "numbers and times are read back" (fun descriptor ->
            keeps
                SocketOption.keepAliveTime
                (TimeSpan.FromSeconds 77.0)
                (TimeSpan.FromSeconds 77.0)
                descriptor

            keeps SocketOption.keepAliveTime (TimeSpan.FromSeconds 1.2) (TimeSpan.FromSeconds 2.0) descriptor

            keeps
                SocketOption.keepAliveInterval
                (TimeSpan.FromSeconds 5.0)
                (TimeSpan.FromSeconds 5.0)
                descriptor

            keeps SocketOption.keepAliveRetryCount 7 7 descriptor
            let moment = TimeSpan.FromMilliseconds 30_001.0
            keeps SocketOption.userTimeout moment moment descriptor
            keeps SocketOption.receiveLowWater 100 100 descriptor
            keeps SocketOption.priority 5 5 descriptor
            keeps SocketOption.timeToLive 33 33 descriptor
            keeps SocketOption.typeOfService 16 16 descriptor)

        onTcp "buffer sizes as the BCL's socket says" (fun descriptor ->
            let expected =
                bcl (fun peer ->
                    peer.ReceiveBufferSize <- 30_000
                    peer.SendBufferSize <- 40_000
                    peer.ReceiveBufferSize, peer.SendBufferSize)

            SocketOptions.write SocketOption.receiveBufferSize 30_000 descriptor
            SocketOptions.write SocketOption.sendBufferSize 40_000 descriptor

            Expect.equal
                (SocketOptions.read SocketOption.receiveBufferSize descriptor,
                 SocketOptions.read SocketOption.sendBufferSize descriptor)
                expected
                "doubled")

        onTcp "linger" (fun descriptor ->
            Expect.isFalse (SocketOptions.read SocketOption.linger descriptor).Enabled "off"
            SocketOptions.write SocketOption.linger (LingerOption(true, 7)) descriptor
            let found = SocketOptions.read SocketOption.linger descriptor
            Expect.equal (found.Enabled, found.LingerTime) (true, 7) "on")

        onTcp "what a socket is can only be read" (fun descriptor ->
            Expect.equal
                (SocketOptions.read SocketOption.addressFamily descriptor,
                 SocketOptions.read SocketOption.socketType descriptor,
                 SocketOptions.read SocketOption.protocolType descriptor,
                 SocketOptions.read SocketOption.isListening descriptor,
                 SocketOptions.read SocketOption.error descriptor)
                (AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp, false, enum 0)
                "as it was made"

            refuses SocketOption.addressFamily AddressFamily.Unix descriptor
            refuses SocketOption.error Errno.EIO descriptor
            refuses SocketOption.sendLowWater 1 descriptor)

        testCase "a listener says so, and its family" (fun () ->
            withLoop (fun host ->
                let listener = (runOn host (Socket.listen loopback 4)).Descriptor
                Expect.isTrue (SocketOptions.read SocketOption.isListening listener) "listens"))

        onSocket "IPv6 only" AddressFamily.InterNetworkV6 SocketType.Stream (fun descriptor ->
            keeps SocketOption.ipv6Only true true descriptor

            Expect.equal
                (SocketOptions.read SocketOption.addressFamily descriptor)
                AddressFamily.InterNetworkV6
                "family")

        onSocket "credentials of a Unix socket" AddressFamily.Unix SocketType.Dgram (fun descriptor ->
            keeps SocketOption.passCredentials true true descriptor)

        testCaseTask "C#: properties, and any option by its numbers" (fun () ->
            Pairs.connected (fun client _ ->
                task {
                    client.KeepAlive <- true
                    client.KeepAliveTime <- TimeSpan.FromSeconds 60.0
                    client.KeepAliveInterval <- TimeSpan.FromSeconds 3.0
                    client.KeepAliveRetryCount <- 4
                    client.UserTimeout <- TimeSpan.FromSeconds 9.0
                    client.LingerState <- LingerOption(true, 1)
                    client.Cork <- true
                    client.ReceiveLowWater <- 2
                    let minute = TimeSpan.FromSeconds 60.0
                    Expect.equal (client.KeepAlive, client.KeepAliveTime) (true, minute) "asks"

                    Expect.equal
                        (client.KeepAliveInterval, client.KeepAliveRetryCount)
                        (TimeSpan.FromSeconds 3.0, 4)
                        "how often"

                    Expect.equal client.UserTimeout (TimeSpan.FromSeconds 9.0) "how long"

                    Expect.equal
                        (client.LingerState.Enabled, client.LingerState.LingerTime)
                        (true, 1)
                        "linger"

                    Expect.equal (client.Cork, client.ReceiveLowWater) (true, 2) "the rest"
                    Expect.equal client.SocketType SocketType.Stream "kind"
                    Expect.equal client.ProtocolType ProtocolType.Tcp "protocol"
                    Expect.equal client.AddressFamily AddressFamily.InterNetwork "family"
                    Expect.isGreaterThan (client.ReceiveBufferSize * client.SendBufferSize) 0 "sizes"
                    // SOL_SOCKET, SO_KEEPALIVE.
                    let value = Array.zeroCreate<byte> 8
                    Expect.equal (client.GetRawSocketOption(1, 9, Span value), value[0]) (4, 1uy) "raw"
                    client.SetRawSocketOption(1, 9, ReadOnlySpan(BitConverter.GetBytes 0))
                    Expect.isFalse client.KeepAlive "off again"
                    client.LingerState <- LingerOption(false, 0)
                }))
    ]
