/// Sockets connected to each other, for the facade's tests.
module Uring.Tests.Linux.Pairs

open System
open System.Net
open System.Threading.Tasks
open Uring

let loopback = IPEndPoint(IPAddress.Loopback, 0)
let bytesOf (text: string) = Text.Encoding.UTF8.GetBytes text
let buffer length = Memory<byte>(Array.zeroCreate length)

/// Two sockets connected to each other, and closed in the end.
let connectedOn (ring: Ring) (endPoint: EndPoint) (body: UringSocket -> UringSocket -> Task<unit>) =
    task {
        use! listener = UringListener.ListenAsync(endPoint, ring = ring)
        let accepting = listener.AcceptAsync().AsTask()
        use! client = UringSocket.ConnectAsync(listener.LocalEndPoint, ring)
        use! server = accepting
        do! body client server
    }

let connected body = connectedOn Ring.Default loopback body

let receiveExactly (socket: UringSocket) length =
    task {
        let found = Array.zeroCreate length
        let mutable filled = 0
        let mutable more = length > 0

        while more do
            let! count = socket.ReceiveAsync(found.AsMemory filled)
            filled <- filled + count
            more <- count > 0 && filled < length

        return found[.. filled - 1]
    }
