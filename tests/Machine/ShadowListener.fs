// System.Net.Sockets' name for a listener of the simulated machine.
namespace System.Net.Sockets

open System
open System.Net

[<Sealed>]
type TcpListener(endPoint: IPEndPoint) =
    let socket = new Socket(SocketType.Stream, ProtocolType.Tcp)
    new(address: IPAddress, port: int) = new TcpListener(IPEndPoint(address, port))

    member _.Start(backlog: int) =
        socket.Bind endPoint
        socket.Listen backlog

    member this.Start() = this.Start 4096
    member _.LocalEndpoint: EndPoint = nonNull socket.LocalEndPoint
    member _.AcceptSocket() : Socket = socket.Accept()
    member _.AcceptSocketAsync() = socket.AcceptAsync()
    member _.Stop() = socket.Close()
    member _.Dispose() = socket.Close()

    interface IDisposable with
        member _.Dispose() = socket.Close()
