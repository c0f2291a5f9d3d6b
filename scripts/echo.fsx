// A TCP echo server: `dotnet fsi scripts/echo.fsx -- --port 7000`. With `--client HOST:PORT` it drives one.
// Shows a server as a tree of programs: one per connection, and Ctrl-C cancels the one that spawned them all.
// The kernel takes a buffer of the ring's when bytes are there, and the lease is handed on: an idle connection holds none.

#load "shared.fsx"
#load "drive.fsx"
#nowarn "3391" // A Memory<byte> may stand where a ReadOnlyMemory<byte> is wanted.

open System
open System.Net
open Argu
open Uring.FSharp

type Arguments =
    | Port of number: int
    | Any
    | Client of server: string
    | Connections of count: int
    | Messages of count: int
    | Size of bytes: int

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Port _ -> "where to listen, 7000 unless you say otherwise; 0 takes a free one."
            | Any -> "listen on all IPv4 addresses, not on loopback alone."
            | Client _ -> "drive the server at HOST:PORT instead of being one."
            | Connections _ -> "of the client, all at once; 1 unless you say otherwise."
            | Messages _ -> "that each connection sends, one after another; 1000 unless you say otherwise."
            | Size _ -> "of a message in bytes; 64 unless you say otherwise."

let arguments = Shared.arguments<Arguments>()

let mutable served = 0
let mutable echoed = 0L

/// What its client breaks is told, and nobody else's: the other connections go on.
let echo (connection: Socket) : Uring<unit> =
    uring {
        use connection = connection
        served <- served + 1

        try
            let! received = Socket.receiveAll connection

            for lease in received do
                echoed <- echoed + int64 lease.Length
                do! Socket.sendLease connection lease
        with
        | :? OperationCanceledException -> ()
        | reason -> Console.Error.WriteLine $"connection {connection.Descriptor.Number}: {reason.Message}"
    }

let listen (endPoint: IPEndPoint) : Uring<unit> =
    uring {
        use! listener = Socket.listen endPoint 4096
        Socket.setNoDelay listener true
        // Who does not take his echo back is broken off in 30 seconds (TCP_USER_TIMEOUT).
        SocketOptions.set listener.Descriptor 6 18 30_000
        Console.Out.WriteLine $"listening on {Socket.localEndPoint listener}"
        let! connections = Socket.acceptMany listener

        for connection in connections do
            do! Uring.map ignore (Uring.spawn (echo connection))
    }

let isServers = arguments.Contains Port || arguments.Contains Any
let isClients = arguments.Contains Connections || arguments.Contains Messages || arguments.Contains Size
let counts = arguments.GetResult(Connections, 1), arguments.GetResult(Messages, 1000)

match arguments.TryGetResult Client with
| Some _ when isServers -> Shared.refuse "--port and --any are a server's"
| None when isClients -> Shared.refuse "--connections, --messages and --size are a client's"
| Some server -> Shared.main (Drive.run (Drive.parse server counts (arguments.GetResult(Size, 64))))
| None ->
    let address = if arguments.Contains Any then IPAddress.Any else IPAddress.Loopback
    let port = arguments.GetResult(Port, 7000) |> Shared.within 0 65535 "--port"

    Shared.main (
        Shared.untilInterrupted (listen (IPEndPoint(address, port))) (fun () ->
            $"{served} connections served, {echoed} bytes echoed")
    )
