// The client that echo.fsx is with `--client`: many connections, each of which sends a message and waits for
// its echo, again and again. Every byte has to be the same. Then prints percentiles, a bar per power of two.

#load "shared.fsx"
#nowarn "3391" // A Memory<byte> may stand where a ReadOnlyMemory<byte> is wanted.

open System
open System.Diagnostics
open System.IO
open System.Net
open System.Numerics
open Uring.FSharp

/// What to send, and where to.
type Drive = { Server: Uri; Connections: int; Messages: int; Size: int }

let parse (server: string) (connections, messages) size : Drive =
    match Uri.TryCreate("tcp://" + server, UriKind.Absolute) with
    | true, uri when uri.Port > 0 -> {
        Server = uri
        Connections = connections |> Shared.within 1 20_000 "--connections"
        Messages = messages |> Shared.within 1 10_000_000 "--messages"
        Size = size |> Shared.within 1 100_000_000 "--size"
      }
    | _ -> Shared.refuse "--client is HOST:PORT"

let private receiveAll (socket: Socket) (buffer: Memory<byte>) : Uring<unit> =
    uring {
        let mutable rest = buffer

        while rest.Length > 0 do
            let! count = Socket.receive socket rest

            if count = 0 then
                raise (EndOfStreamException "The server closed the connection before its echo.")

            rest <- rest.Slice count
    }

/// Sends and receives at once: a long message does not fit into the buffers on its way.
let private converse (drive: Drive) (server: IPEndPoint) (record: TimeSpan -> unit) : Uring<unit> =
    uring {
        use! socket = Socket.connect server
        Socket.setNoDelay socket true
        let message = GC.AllocateUninitializedArray<byte>(drive.Size, true)
        let answer = GC.AllocateArray<byte>(drive.Size, true)

        for _ in 1 .. drive.Messages do
            Random.Shared.NextBytes message
            answer.AsSpan().Clear()
            let start = Stopwatch.GetTimestamp()
            let! () = Socket.send socket (ReadOnlyMemory message)
            and! () = receiveAll socket answer
            record (Stopwatch.GetElapsedTime start)
            let same = answer.AsSpan().CommonPrefixLength message

            if same < drive.Size then
                raise (InvalidDataException $"Byte {same} of an echo is another one.")
    }

/// "      64 µs  ######## 1234": how many took less than that, and not less than the half.
let private bar (most: int) (power: int, times: float array) =
    let length = (int64 times.Length * 50L + int64 most - 1L) / int64 most
    Console.Out.WriteLine $"""{1L <<< power, 9} µs  {String('#', int length)} {times.Length}"""

let private report (elapsed: TimeSpan) (microseconds: float array) =
    let sorted = Array.sort microseconds
    let percentile (percent: float) = sorted[int (ceil (percent / 100.0 * float sorted.Length)) - 1]
    let shown = [ "p50", 50.0; "p90", 90.0; "p99", 99.0; "p99.9", 99.9; "max", 100.0 ]
    let line = shown |> List.map (fun (name, percent) -> $"{name} {percentile percent:F0}")
    Console.Out.WriteLine $"{sorted.Length} echoes, {float sorted.Length / elapsed.TotalSeconds:F0} req/s"
    Console.Out.WriteLine $"""{String.Join("  ", line)} µs"""

    let powers = sorted |> Array.groupBy (fun time -> BitOperations.Log2(uint64 time) + 1)
    let most = powers |> Array.map (fun (_, times) -> times.Length) |> Array.max
    Array.iter (bar most) powers

let run (drive: Drive) : Uring<unit> =
    uring {
        let! addresses = Dns.GetHostAddressesAsync drive.Server.DnsSafeHost
        // IPv4 first, if the name has both.
        let address = addresses |> Array.minBy _.AddressFamily
        let times = ResizeArray<float>()
        let record (time: TimeSpan) = times.Add time.TotalMicroseconds
        let start = Stopwatch.GetTimestamp()
        let conversation = converse drive (IPEndPoint(address, drive.Server.Port)) record
        let! _ = Uring.``parallel`` (List.replicate drive.Connections conversation)
        report (Stopwatch.GetElapsedTime start) (times.ToArray())
    }
