/// Programs that tests start: samples and scripts, as their readers do.
module Uring.Tests.Simulation.Started

open System
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open System.Threading.Tasks

let rec private rootAbove (folder: string) =
    if File.Exists(Path.Combine(folder, "Uring.slnx")) then
        folder
    else
        rootAbove (Path.GetDirectoryName folder |> Option.ofObj |> Option.get)

/// The checkout.
let root = rootAbove AppContext.BaseDirectory

/// The SDK's command, whoever started us.
let private dotnet =
    Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"))

/// Starts `dotnet`, in the checkout and in a process group of its own.
let start (arguments: string list) : Process =
    let start =
        ProcessStartInfo(
            "setsid",
            [ "env"; "--default-signal=INT"; dotnet ] @ arguments,
            WorkingDirectory = root,
            RedirectStandardOutput = true,
            RedirectStandardError = true
        )

    start |> Process.Start |> Option.ofObj |> Option.get

/// Its exit code, and what it prints from now on, errors included.
let finish (running: Process) : Task<struct (int * string)> =
    task {
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
