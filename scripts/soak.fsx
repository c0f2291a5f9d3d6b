// Random traffic for as long as you like: `dotnet fsi scripts/soak.fsx -- --minutes 5 --connections 500 --pool 64`.
// Every byte is verified, streams are cancelled and connections left at random; in the end every buffer has to be back
// and every descriptor closed.

#load "shared.fsx"
#load "soak/traffic.fsx"
#load "soak/balance.fsx"

open System
open System.Net
open Argu
open Uring.Driver
open Uring.FSharp
open Bytes
open Balance

type Arguments =
    | Minutes of time: float
    | Messages of count: int64
    | Connections of count: int
    | Pool of buffers: int
    | Size of bytes: int
    | Seed of number: int
    | Incremental
    | Bundles

    interface IArgParserTemplate with
        member argument.Usage =
            match argument with
            | Minutes _ -> "how long; 1 unless you say otherwise."
            | Messages _ -> "ends after so many received pieces instead."
            | Connections _ -> "at a time; 100 unless you say otherwise."
            | Pool _ -> "buffers that they share; 64 unless you say otherwise."
            | Size _ -> "of a buffer in bytes; 1024 unless you say otherwise."
            | Seed _ -> "of all that is random but timing."
            | Incremental -> "several receives may share a buffer (Linux 6.16)."
            | Bundles -> "a receive may fill several buffers (Linux 6.16)."

let arguments = Shared.arguments<Arguments>()
let minutes = arguments.GetResult(Minutes, 1.0)
let most = arguments.TryGetResult Messages |> Option.defaultValue Int64.MaxValue
let count = arguments.GetResult(Connections, 100) |> Shared.within 1 10_000 "--connections"
let seed = arguments.GetResult(Seed, Environment.TickCount &&& 0xFFFF)

let options = {
    BufferPoolOptions.fixedOf
        (arguments.GetResult(Pool, 64) |> Shared.within 1 32_768 "--pool")
        (arguments.GetResult(Size, 1024) |> Shared.within 1 1_048_576 "--size") with
        Incremental = arguments.Contains Incremental
        Bundles = arguments.Contains Bundles
}

let isOver () = messages >= most || (most = Int64.MaxValue && clock.Elapsed.TotalMinutes >= minutes)

let traffic (pool: BufferPool) : Uring<unit> =
    uring {
        let! listener = Socket.listen (IPEndPoint(IPAddress.Loopback, 0)) 4096
        let! serving = Uring.spawn (Traffic.serve listener)
        let server = Socket.localEndPoint listener
        let clients = [ for number in 1..count -> Traffic.client isOver pool server seed number ]
        let! _ = Uring.``parallel`` clients
        do! Socket.close listener
        do! serving
    }

Shared.main (
    uring {
        let! _ = Uring.nop
        let! pool = BufferPool.create options
        let before = descriptors ()
        let! _ = Uring.spawn (progress isOver pool)
        do! traffic pool
        do! balance pool before $"seed {seed}"
    }
)
