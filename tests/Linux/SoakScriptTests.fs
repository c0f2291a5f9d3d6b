/// scripts/soak.fsx as its users start it: a short run of each kind is balanced in the end, and says so.
module Uring.Tests.Linux.SoakScriptTests

open System
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open System.Text.RegularExpressions
open System.Threading.Tasks
open Expecto

let private limit = TimeSpan.FromSeconds 60.0

let rec private rootAbove (folder: string) =
    if File.Exists(Path.Combine(folder, "Uring.slnx")) then
        folder
    else
        rootAbove (Path.GetDirectoryName folder |> Option.ofObj |> Option.get)

/// The SDK's command, whoever started us.
let private dotnet =
    Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"))

let private scripts =
    [ "soak.fsx"; "shared.fsx" ]
    @ ([ "traffic"; "bytes"; "balance" ] |> List.map (sprintf "soak/%s.fsx"))

/// A copy of the scripts that loads the library of this build, not of the last release.
let private copyScripts (folder: string) =
    let from = Path.Combine(rootAbove AppContext.BaseDirectory, "scripts")
    Directory.CreateDirectory(Path.Combine(folder, "soak")) |> ignore

    for name in scripts do
        let ours = $"#r \"{AppContext.BaseDirectory}Uring.Core.dll\""
        let text = File.ReadAllText(Path.Combine(from, name))
        File.WriteAllText(Path.Combine(folder, name), Regex.Replace(text, "#r \".*Uring\\.Core.*\"", ours))

/// Its exit code, its output and its errors.
let private soak (folder: string) (arguments: string) : Task<struct (int * string * string)> =
    task {
        let words = arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries) |> List.ofArray

        let start =
            ProcessStartInfo(
                dotnet,
                [ "fsi"; "soak.fsx"; "--" ] @ words,
                WorkingDirectory = folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true
            )

        // A build around this test must not reach into that one.
        for name in List.ofSeq start.Environment.Keys do
            if name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) then
                start.Environment.Remove name |> ignore

        use running = start |> Process.Start |> Option.ofObj |> Option.get

        try
            let output = running.StandardOutput.ReadToEndAsync()
            let errors = running.StandardError.ReadToEndAsync()
            do! running.WaitForExitAsync().WaitAsync limit
            let! output = output
            let! errors = errors
            return struct (running.ExitCode, output.Trim(), errors.Trim())
        finally
            if not running.HasExited then running.Kill true
    }

[<Tests>]
let tests =
    testSequenced
    <| testList "soak.fsx" [
        for arguments in
            [
                "--messages 20000 --connections 20 --pool 8"
                "--minutes 0.03 --connections 10 --pool 3 --size 512 --incremental --bundles"
            ] do
            testCaseTask arguments (fun () ->
                Observe.inFolder (fun folder ->
                    task {
                        copyScripts folder
                        let! struct (exitCode, output, errors) = soak folder (arguments + " --seed 7")
                        Expect.equal errors "" "errors"
                        Expect.equal exitCode 0 "exit code"
                        Expect.stringContains output "balanced: every buffer is back" "the last line"
                        Expect.stringContains output "seed 7" "the seed"
                    }))

        testCaseTask "refuses a pool without buffers" (fun () ->
            Observe.inFolder (fun folder ->
                task {
                    copyScripts folder
                    let! struct (exitCode, _, errors) = soak folder "--pool 0"
                    Expect.equal exitCode 2 "exit code"
                    Expect.stringContains errors "--pool is a number from 1 to 32768" "errors"
                }))
    ]
