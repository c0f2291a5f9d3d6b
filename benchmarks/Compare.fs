// Runs a measurement of ours and its C control in turn, and prints the ratio: the machines are noisy, so only figures
// of one run are compared, pair by pair, and the median of the pairs counts.
module Uring.Benchmarks.Compare

open System
open System.Diagnostics
open System.Globalization
open System.IO
open System.Text.Json

/// One line of the report.
type Result = {
    Case: string
    /// Operations per second, median.
    Ours: float
    Control: float
    /// Median of ours / control, pair by pair.
    Ratio: float
    BytesPerOperation: float
}

let median (values: float list) =
    let sorted = List.sort values
    sorted[sorted.Length / 2]

/// Runs a control and reads the number it prints; None when it is not there.
let control (path: string) (arguments: string list) =
    if not (File.Exists path) then
        None
    else
        let start = ProcessStartInfo(path, arguments, RedirectStandardOutput = true)
        use child = nonNull (Process.Start start)
        let output = child.StandardOutput.ReadToEnd()
        child.WaitForExit()

        if child.ExitCode <> 0 then
            None
        else
            Some(Double.Parse(output.Trim(), CultureInfo.InvariantCulture))

/// `ours` returns operations per second and bytes allocated per operation.
let pairs (name: string) count (ours: unit -> float * float) (control: unit -> float option) =
    ours () |> ignore // Tiered JIT: the first run is not counted.

    let measured = [
        for index in 1..count do
            // Which of the two goes first changes: neither profits from a machine that slows down.
            if index % 2 = 0 then
                let theirs = control ()
                ours (), theirs
            else
                let mine = ours ()
                mine, control ()
    ]

    let result = {
        Case = name
        Ours = measured |> List.map (fst >> fst) |> median
        Control = measured |> List.map (snd >> Option.defaultValue nan) |> median
        Ratio =
            measured |> List.map (fun ((mine, _), theirs) -> mine / Option.defaultValue nan theirs) |> median
        BytesPerOperation = measured |> List.map (fst >> snd) |> median
    }

    printfn
        "%-28s ours=%.0f/s control=%.0f/s bytes/op=%.2f ratio=%.3f"
        name
        result.Ours
        result.Control
        result.BytesPerOperation
        result.Ratio

    result

/// Keeps the figures under artifacts/bench.
let save (name: string) (results: 'Result list) =
    let folder = Path.Combine("artifacts", "bench")
    Directory.CreateDirectory folder |> ignore
    let options = JsonSerializerOptions(WriteIndented = true)
    options.NumberHandling <- Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals
    File.WriteAllText(Path.Combine(folder, name + ".json"), JsonSerializer.Serialize(results, options))
