// A TCP proxy: `dotnet fsi scripts/proxy.fsx -- --port 7001 --to 127.0.0.1:7000`. Bytes go from socket to socket by way of a
// pipe and never come into this process. A splice that has to wait would hold one of the kernel's threads, so each side is
// asked first (`spliceTo` does that by itself): a poll waits without any.

#load "shared.fsx"

open System
open System.Net
open System.Net.Sockets
open Argu
open Uring.FSharp
open Uring.Model

type Arguments =
    | [<Mandatory>] To of server: string
    | Port of number: int
    | Any

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | To _ -> "where connections lead, HOST:PORT; the host as an address."
            | Port _ -> "where to listen, 7001 unless you say otherwise; 0 takes a free one."
            | Any -> "listen on all IPv4 addresses, not on loopback alone."

let arguments = Shared.arguments<Arguments>()

let server =
    match IPEndPoint.TryParse(arguments.GetResult To) with
    | true, server when server.Port > 0 -> server
    | _ -> Shared.refuse "--to wants an address and a port, as 127.0.0.1:7000"

let mutable connections = 0
let mutable moved = 0L

/// What a pipe has room for.
let most = 65_536

/// All that comes from one side, until it has finished; then the other side hears of the end.
let forward (source: Socket) (target: Socket) : Uring<int64> =
    uring {
        use! pipe = Pipe.create
        let mutable total = 0L
        let mutable goes = true

        while goes do
            let! count = Socket.spliceTo source pipe.Writer most
            let mutable left = count

            while left > 0 do
                let! _ = Socket.poll target PollEvents.Writable
                let! gone = Socket.spliceFrom pipe.Reader target left
                left <- left - gone

            total <- total + int64 count
            moved <- moved + int64 count
            goes <- count > 0

        do! Socket.shutdown target SocketShutdown.Send
        return total
    }

/// What a connection breaks is told, and nobody else's: the others go on.
let connect (client: Socket) (number: int) : Uring<unit> =
    uring {
        use client = client

        try
            use! upstream = Socket.connect server
            Socket.setNoDelay upstream true
            Socket.setNoDelay client true
            let! both = Uring.``parallel`` [ forward client upstream; forward upstream client ]

            Console.Out.WriteLine $"connection {number}: {both[0]} bytes there, {both[1]} back"
        with
        | :? OperationCanceledException -> ()
        | reason -> Console.Error.WriteLine $"connection {number}: {reason.Message}"
    }

let listen (endPoint: IPEndPoint) : Uring<unit> =
    uring {
        use! listener = Socket.listen endPoint 4096
        Console.Out.WriteLine $"{Socket.localEndPoint listener} leads to {server}"
        let! clients = Socket.acceptMany listener

        for client in clients do
            connections <- connections + 1
            do! Uring.map ignore (Uring.spawn (connect client connections))
    }

let address = if arguments.Contains Any then IPAddress.Any else IPAddress.Loopback
let port = arguments.GetResult(Port, 7001) |> Shared.within 0 65535 "--port"

Shared.main (
    Shared.untilInterrupted (listen (IPEndPoint(address, port))) (fun () ->
        $"{connections} connections, {moved} bytes moved")
)
