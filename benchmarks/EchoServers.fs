// The processes of `bench echo`: three servers that have one core, and the load that has the other and reads the CPU clock
// of the server that it loads itself (controls/echo-load.c). Decides what a sample is worth: none with a wrong byte.
module Uring.Benchmarks.EchoServers

open System
open System.ComponentModel
open System.Diagnostics
open System.IO
open System.Text.Json

type Case = { Connections: int; Bytes: int }

/// How long one run of the load takes, in seconds, as text.
type Span = { WarmUp: string; Seconds: string }

/// What the load prints; times in seconds, latencies in microseconds.
type Sample = {
    Requests: int64
    Seconds: float
    ServerCpuSeconds: float
    /// What everything else on the machine used meanwhile.
    OthersCpuSeconds: float
    P50: float
    P99: float
    Max: float
    Errors: int64
} with

    member sample.PerCpuSecond = float sample.Requests / sample.ServerCpuSeconds

type Server = { Name: string; Process: Process; Port: string }

let private serversCore = "0"
let private loadsCore = "1"

/// 16 KiB takes the larger message whole; the other server has one such buffer for each connection, too.
let private bufferSize = string (16 * 1024)

/// Fewer than the connections of the largest case: what is received is soon sent and free again. The kernel uses all of
/// a pool in turn, so a larger one would leave the cache (1024 instead of 128 cost ours and C 6 to 8 per cent).
let private buffers = "128"

let private pinned (core: string) (program: string) (arguments: string list) =
    let start =
        ProcessStartInfo(
            "taskset",
            [ "-c"; core; program ] @ arguments,
            RedirectStandardInput = true,
            RedirectStandardOutput = true
        )

    try
        nonNull (Process.Start start)
    with :? Win32Exception as reason ->
        raise (
            InvalidOperationException(
                $"taskset, which pins servers and load to a core each: {reason.Message}. It is in util-linux.",
                reason
            )
        )

/// taskset becomes the program: its process is the server's.
let start (name: string, program: string, arguments: string list) =
    let child = pinned serversCore program arguments

    match child.StandardOutput.ReadLine() with
    | null ->
        raise (InvalidOperationException $"The {name} server ended without a port: its own message is above.")
    | port -> { Name = name; Process = child; Port = port }

let stop (server: Server) =
    server.Process.StandardInput.Close()

    if not (server.Process.WaitForExit 5000) then server.Process.Kill()

    server.Process.Dispose()

let load (controls: string) (case: Case) (span: Span) (server: Server) =
    let program = Path.Combine(controls, "echo-load")

    let arguments = [
        "127.0.0.1"
        server.Port
        string case.Connections
        string case.Bytes
        span.WarmUp
        span.Seconds
        string server.Process.Id
    ]

    use child = pinned loadsCore program arguments
    let output = child.StandardOutput.ReadToEnd()
    child.WaitForExit()

    let sample =
        if child.ExitCode = 0 then
            Option.ofObj (JsonSerializer.Deserialize<Sample>(output, JsonSerializerOptions.Web))
        else
            None

    match sample with
    | Some sample when sample.Errors = 0L && sample.Requests > 0L -> sample
    | _ ->
        raise (
            InvalidOperationException
                $"The load on the {server.Name} server ended with {child.ExitCode} (142: no answer came): {output}"
        )

/// Ours first.
let all (controls: string) =
    let ours = Path.Combine(AppContext.BaseDirectory, "../../Echo/release/Uring.Benchmarks.Echo.dll")
    let dotnet = nonNull Environment.ProcessPath

    [
        "Uring", dotnet, [ ours; "uring"; buffers; bufferSize ]
        "System.Net.Sockets", dotnet, [ ours; "sockets"; bufferSize ]
        "C", Path.Combine(controls, "echo-server"), [ buffers; bufferSize ]
    ]
