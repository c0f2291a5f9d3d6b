// An echo server under load: ours against System.Net.Sockets and against C, in requests per second of the server's own CPU
// time. The three take turns within each round, and the median of the rounds' ratios counts. Measured twice: young, and when
// they have settled, because what System.Net.Sockets does depends on its age (docs/benchmarks.md).
module Uring.Benchmarks.Echo

open System
open System.IO
open Uring.Benchmarks.EchoServers

/// How long the servers have run.
type Age =
    /// Five seconds under load: in each round new ones.
    | Young
    /// Twelve seconds and more.
    | Settled

/// Medians of one server in one case.
type Report = {
    Case: string
    Server: string
    PerCpuSecond: float
    PerSecond: float
    P50: float
    P99: float
    /// Of a core, used by everything else on the machine meanwhile.
    Others: float
    /// Ours / this one's, of requests per CPU second.
    Ratio: float
}

/// For development: URING_ECHO="64x64 512x64" (connections x bytes), URING_ECHO_AGES="young", URING_ECHO_ROUNDS (of those
/// that have settled: young ones have half as many) and URING_ECHO_SECONDS.
let private setting (name: string) (standard: string) =
    match Environment.GetEnvironmentVariable name with
    | null
    | "" -> standard
    | value -> value

let private cases =
    (setting "URING_ECHO" "1x64 64x64 512x64 64x16384").Split ' '
    |> Array.toList
    |> List.map (fun case ->
        match case.Split 'x' with
        | [| connections; bytes |] -> { Connections = int connections; Bytes = int bytes }
        | _ ->
            invalidArg
                "URING_ECHO"
                $"{case} is no case: write connections x bytes, such as URING_ECHO=\"64x64 512x64\".")

let private rounds = int (setting "URING_ECHO_ROUNDS" "9")
let private span = { WarmUp = "0.5"; Seconds = setting "URING_ECHO_SECONDS" "1" }

/// Before the first round, however short the rounds: after ten seconds the code of both .NET servers is compiled for good.
/// In several runs, because how connections begin and end is compiled when they have often enough.
let private warmUps = List.replicate 8 { WarmUp = "0"; Seconds = "1.5" }

let private ages =
    (setting "URING_ECHO_AGES" "young settled").Split ' '
    |> Array.toList
    |> List.map (fun age ->
        match age with
        | "young" -> Young
        | "settled" -> Settled
        | other ->
            invalidArg "URING_ECHO_AGES" $"{other} is no age: write young, settled, or both with a space.")

let private youth = { WarmUp = "0"; Seconds = "5" }

let private inTurn round (servers: 'Server list) =
    let first = round % servers.Length
    List.skip first servers @ List.take first servers

/// Half the rounds, because each takes three starts and three times five seconds.
let private measureYoung (controls: string) (case: Case) = [
    for round in 0 .. rounds / 2 do
        Map.ofList [
            for what in inTurn round (all controls) do
                let server = start what

                try
                    load controls case youth server |> ignore
                    server.Name, load controls case span server
                finally
                    stop server
        ]
]

/// Each round begins with another server, so that none profits from a machine that slows down.
let private measureSettled (controls: string) (case: Case) =
    let running = all controls |> List.map start

    try
        for server in running do
            for warmUp in warmUps do
                load controls case warmUp server |> ignore

        [
            for round in 0 .. rounds - 1 do
                Map.ofList [
                    for server in inTurn round running do
                        server.Name, load controls case span server
                ]
        ]
    finally
        running |> List.iter stop

let private describe (case: Case) (age: Age) =
    let size = if case.Bytes < 1024 then $"{case.Bytes} B" else $"{case.Bytes / 1024} KiB"

    let age =
        match age with
        | Young -> ", young"
        | Settled -> ""

    $"echo {size} x {case.Connections}{age}"

let private report (case: Case) (age: Age) (names: string list) (measured: Map<string, Sample> list) =
    let ours = List.head names

    let of' (server: string) (what: Sample -> float) =
        measured |> List.map (Map.find server >> what) |> Compare.median

    let reports = [
        for server in names do
            let ratios =
                measured |> List.map (fun round -> round[ours].PerCpuSecond / round[server].PerCpuSecond)

            {
                Case = describe case age
                Server = server
                PerCpuSecond = of' server _.PerCpuSecond
                PerSecond = of' server (fun sample -> float sample.Requests / sample.Seconds)
                P50 = of' server _.P50
                P99 = of' server _.P99
                Others = of' server (fun sample -> sample.OthersCpuSeconds / sample.Seconds)
                Ratio = Compare.median ratios
            }
    ]

    let mine = List.head reports

    for theirs in List.tail reports do
        printfn
            "%s against %s: %.0f against %.0f requests per CPU second, p50 %.1f against %.1f us, ratio=%.3f"
            mine.Case
            theirs.Server
            mine.PerCpuSecond
            theirs.PerCpuSecond
            mine.P50
            theirs.P50
            theirs.Ratio

    reports

/// A busy machine changes who waits for whom, and with it what a request costs.
let private warn (reports: Report list) =
    let others = reports |> List.map _.Others |> List.max

    if others > 0.05 then
        printfn
            "The machine was busy with other things (%.2f of a core): measure again when it is quiet."
            others

let private bars (reports: Report list) = [
    for report in reports -> report.Server, report.PerCpuSecond, $"{report.PerCpuSecond / 1000.0:F0} k"
]

let bench (controls: string) =
    for program in [ "echo-load"; "echo-server" ] do
        if not (File.Exists(Path.Combine(controls, program))) then
            let what =
                $"{program} was not built. Install gcc and liburing-dev (2.3 or newer), and run it again."

            raise (FileNotFoundException(what, program))

    if Environment.ProcessorCount < 2 then
        invalidOp "The server needs a core, and the load another: this process may use one only."

    let reports = [
        let names = all controls |> List.map (fun (name, _, _) -> name)

        for age in ages do
            for case in cases do
                let measure =
                    match age with
                    | Young -> measureYoung
                    | Settled -> measureSettled

                measure controls case |> report case age names
    ]

    Compare.save "echo" (List.concat reports)

    warn (List.concat reports)

    Chart.save
        "echo"
        "Echo server: requests per second of the server's CPU time"
        (reports |> List.map (fun group -> group.Head.Case, bars group))
