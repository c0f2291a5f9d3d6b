/// The samples, as their README starts them: each finds its bug, and nothing in the version beside it.
module Uring.Tests.Simulation.SampleTests

open System
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open Expecto

let rec private rootAbove (folder: string) =
    if File.Exists(Path.Combine(folder, "Uring.slnx")) then
        folder
    else
        rootAbove (Path.GetDirectoryName folder |> Option.ofObj |> Option.get)

/// The SDK's command, whoever started us.
let private dotnet =
    Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"))

/// The built sample's exit code and what it printed, errors included.
let private run (sample: string) =
    task {
        let program = $"artifacts/bin/{sample}/release/{sample}.dll"
        let root = rootAbove AppContext.BaseDirectory

        let start =
            ProcessStartInfo(
                dotnet,
                [ program ],
                WorkingDirectory = root,
                RedirectStandardOutput = true,
                RedirectStandardError = true
            )

        use running = start |> Process.Start |> Option.ofObj |> Option.get
        let output = running.StandardOutput.ReadToEndAsync()
        let errors = running.StandardError.ReadToEndAsync()

        try
            do! running.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes 2.0)
        finally
            if not running.HasExited then running.Kill true

        let! output = output
        let! errors = errors
        return struct (running.ExitCode, output + errors)
    }

let private findsItsBug sample =
    testTask $"{sample} finds the careless compaction, and nothing in the careful one" {
        let! struct (exitCode, said) = run sample
        Expect.equal exitCode 0 said
        Expect.stringContains said "careless: fails with seed" "the bug"
        // The data, and no rule of the simulation: the program is to blame, not what it runs on.
        Expect.stringContains said "The program failed: InvalidDataException: 'key " "what was lost"
        Expect.stringContains said "careful: survived 2000 power losses" "its repair"
    }

[<Tests>]
let tests = testList "Samples" [ findsItsBug "KeyValue.FSharp"; findsItsBug "KeyValue.CSharp" ]
