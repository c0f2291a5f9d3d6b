/// The checkout and the SDK's command, for tests that start what users start: scripts, and programs that they build.
module Uring.Tests.Linux.Sdk

open System
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open System.Text.RegularExpressions
open System.Threading.Tasks

let rec private rootAbove (folder: string) =
    if File.Exists(Path.Combine(folder, "Uring.slnx")) then
        folder
    else
        rootAbove (Path.GetDirectoryName folder |> Option.ofObj |> Option.get)

/// A path in the checkout.
let inRoot (path: string) = Path.Combine(rootAbove AppContext.BaseDirectory, path)

/// The SDK's command, whoever started us.
let dotnet = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"))

/// The script, with the library of this build instead of the last release's.
let withThisBuild (script: string) =
    Regex.Replace(script, "#r \".*Uring\\.Core.*\"", $"#r \"{AppContext.BaseDirectory}Uring.Core.dll\"")

/// Copies of these scripts, which load this build.
let copyScripts (folder: string) (names: string list) =
    for name in names do
        let target = Path.Combine(folder, name)
        Directory.CreateDirectory(Path.GetDirectoryName target |> Option.ofObj |> Option.get) |> ignore
        File.WriteAllText(target, withThisBuild (File.ReadAllText(inRoot $"scripts/{name}")))

/// Starts a program in a folder. A build around this test must not reach into that one.
let start (folder: string) (program: string) (arguments: string list) : Process =
    let start =
        ProcessStartInfo(
            program,
            arguments,
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true
        )

    for name in List.ofSeq start.Environment.Keys do
        if name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) then
            start.Environment.Remove name |> ignore

    start |> Process.Start |> Option.ofObj |> Option.get

/// Its exit code, what it prints from now on, and its errors.
let ended (limit: TimeSpan) (running: Process) : Task<struct (int * string * string)> =
    task {
        let output = running.StandardOutput.ReadToEndAsync()
        let errors = running.StandardError.ReadToEndAsync()
        do! running.WaitForExitAsync().WaitAsync limit
        let! output = output
        let! errors = errors
        return struct (running.ExitCode, output.TrimEnd(), errors.TrimEnd())
    }
