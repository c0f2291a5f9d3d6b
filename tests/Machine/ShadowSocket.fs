// System.Net.Sockets' name for sockets of the simulated machine, as blocking calls of the calling thread.
namespace System.Net.Sockets

open System
open System.Net
open System.Threading
open System.Threading.Tasks
open Uring.Model
open Uring.Simulation.World
open Uring.Tests.Machine.OneMachine

/// A socket of the other side: it shares no code with those under test but the simulated machine.
[<Sealed>]
type Socket(family: AddressFamily, kind: SocketType, _protocol: ProtocolType) =
    // Which family it belongs to is known when an address is: as the BCL's, which talks to both.
    let mutable file: SocketFile | null = null
    let mutable number = -1
    let mutable isOpen = true
    let mutable noDelay = false

    static let code (errno: int) =
        match errno with
        | 11 -> SocketError.TimedOut
        | 13 -> SocketError.AccessDenied
        | 32 -> SocketError.Shutdown
        | 98 -> SocketError.AddressAlreadyInUse
        | 99 -> SocketError.AddressNotAvailable
        | 101 -> SocketError.NetworkUnreachable
        | 103 -> SocketError.ConnectionAborted
        | 104 -> SocketError.ConnectionReset
        | 107 -> SocketError.NotConnected
        | 111 -> SocketError.ConnectionRefused
        | _ -> SocketError.SocketError

    static let familyOf (endPoint: EndPoint) =
        match endPoint.AddressFamily with
        | AddressFamily.Unix -> 1
        | AddressFamily.InterNetworkV6 -> 10
        | _ -> 2

    static let bytesOf (endPoint: EndPoint) =
        match endPoint with
        | :? IPEndPoint as ip -> Address.bytes (Address.Internet(familyOf ip, ip.Address.ToString(), ip.Port))
        // The BCL's own bytes: a name begins with two bytes of its family.
        | other ->
            let name = other.Serialize()
            Array.init name.Size (fun index -> name[index])

    static let endPointOf (bytes: byte array) : EndPoint | null =
        match Address.parse bytes with
        | Ok(Address.Internet(_, address, port)) -> IPEndPoint(IPAddress.Parse address, port)
        | Ok(Address.Unix _) ->
            let name = SocketAddress(AddressFamily.Unix, bytes.Length)
            bytes.CopyTo name.Buffer
            UnixDomainSocketEndPoint("/").Create name
        | _ -> null

    let rejected (result: int) = raise (SocketException(int (code -result)))

    let made (family: int) : SocketFile =
        match file with
        | null ->
            let type' = if kind = SocketType.Dgram then 2 else 1

            match Sockets.create live.World.Network live.Machine.Host family type' 0 with
            | Ok socket ->
                file <- socket
                number <- describe socket
                socket
            | Error errno -> rejected (Errno.toResult errno)
        | file -> file

    let opened () : SocketFile =
        if not isOpen then raise (ObjectDisposedException "System.Net.Sockets.Socket")

        match file with
        | null -> rejected (Errno.toResult Errno.ENOTCONN)
        | file -> file

    let refused (result: int) = if result < 0 then rejected result

    /// Its result, when it has one.
    let finish (limit: int) (attempt: unit -> int) : int =
        let limit = if limit <= 0 then Timeout.InfiniteTimeSpan else TimeSpan.FromMilliseconds(float limit)
        let result = await limit attempt
        refused result
        result

    new(kind: SocketType, protocol: ProtocolType) = new Socket(AddressFamily.InterNetwork, kind, protocol)

    member private _.Adopt(accepted: SocketFile) =
        file <- accepted
        number <- describe accepted

    member val ReceiveTimeout = 0 with get, set
    member val LingerState = LingerOption(false, 0) with get, set

    member _.NoDelay
        with get () = noDelay
        and set (value: bool) = noDelay <- value

    member _.LocalEndPoint = inside (fun () -> endPointOf (opened().Address false))
    member _.RemoteEndPoint = inside (fun () -> endPointOf (opened().Address true))
    member _.Available = inside (fun () -> if opened().HasMore then 1 else 0)

    member _.Bind(endPoint: EndPoint) =
        inside (fun () -> (made (familyOf endPoint)).Bind(bytesOf endPoint)) |> refused

    member _.Listen(backlog: int) = inside (fun () -> opened().Listen backlog) |> refused
    member this.Listen() = this.Listen 4096

    member _.Connect(endPoint: EndPoint) =
        let socket = inside (fun () -> made (familyOf endPoint))
        finish 0 (fun () -> socket.Connect(bytesOf endPoint)) |> ignore

    member this.ConnectAsync(endPoint: EndPoint) : Task = Task.Run(fun () -> this.Connect endPoint)

    member _.Accept() : Socket =
        let listener = opened ()
        let mutable accepted: SocketFile | null = null

        finish 0 (fun () ->
            let struct (connection, errno) = listener.Accept()
            accepted <- connection
            if isNull connection then errno else 0)
        |> ignore

        let socket = new Socket(family, kind, _protocol)
        inside (fun () -> socket.Adopt(nonNull accepted))
        socket

    member this.AcceptAsync() : Task<Socket> = Task.Run(fun () -> this.Accept())

    member _.Send(bytes: ReadOnlyMemory<byte>) : int =
        let socket = opened ()
        let mutable sent = 0

        // All of it, as blocking sockets do.
        while sent < bytes.Length do
            sent <- sent + finish 0 (fun () -> socket.Send(bytes.Span.Slice sent, 0, [||]))

        sent

    member this.Send(bytes: ReadOnlySpan<byte>) : int = this.Send(ReadOnlyMemory(bytes.ToArray()))
    member this.Send(bytes: byte array) : int = this.Send(ReadOnlyMemory bytes)

    member this.Send(bytes: byte array, offset: int, count: int, _: SocketFlags) : int =
        this.Send(ReadOnlyMemory(bytes, offset, count))

    member this.SendAsync(bytes: ReadOnlyMemory<byte>) : Task<int> = Task.Run(fun () -> this.Send bytes)

    member _.SendTo(bytes: byte array, target: EndPoint) : int =
        let socket = inside (fun () -> made (familyOf target))
        finish 0 (fun () -> socket.Send(ReadOnlySpan bytes, 0, bytesOf target))

    member this.Receive(buffer: Memory<byte>) : int =
        let socket = opened ()

        finish this.ReceiveTimeout (fun () ->
            let mutable source: byte array = [||]
            let mutable isTruncated = false
            socket.Receive(buffer.Span, 0, &source, &isTruncated))

    member this.Receive(buffer: byte array) : int = this.Receive(Memory buffer)
    member this.Receive(buffer: byte array, _: SocketFlags) : int = this.Receive(Memory buffer)

    member this.Receive(buffer: byte array, count: int, _: SocketFlags) : int =
        this.Receive(Memory(buffer, 0, count))

    member this.Receive(buffer: byte array, offset: int, count: int, _: SocketFlags) : int =
        this.Receive(Memory(buffer, offset, count))

    member this.ReceiveAsync(buffer: Memory<byte>) : Task<int> = Task.Run(fun () -> this.Receive buffer)
    member this.ReceiveAsync(buffer: Memory<byte>, _: SocketFlags) : Task<int> = this.ReceiveAsync buffer

    member _.Shutdown(how: SocketShutdown) = inside (fun () -> opened().Shutdown(int how)) |> refused

    member this.Close() =
        if isOpen then
            isOpen <- false

            if not (isNull file) then
                if this.LingerState.Enabled && this.LingerState.LingerTime = 0 then
                    inside (fun () -> (nonNull file).Abort())

                close number

    /// The bytes that it holds are sent in any case.
    member this.Close(_timeout: int) = this.Close()

    member this.Dispose() = this.Close()

    interface IDisposable with
        member this.Dispose() = this.Close()
