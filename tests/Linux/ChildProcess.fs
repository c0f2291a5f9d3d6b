/// This test program as a process of its own, for what would end the one that tests, or needs other limits. Main.fs
/// knows the programs by name.
module Uring.Tests.Linux.ChildProcess

open System
open System.Diagnostics
open System.IO
open Expecto

/// The argument that makes a child of this program.
[<Literal>]
let Argument = "--child"

/// Runs a child by name, by way of `prefix`: its exit code (128 + n after signal n), and what it said.
let run (prefix: string list) (name: string) : struct (int * string) =
    let assembly = Path.Combine(AppContext.BaseDirectory, "Uring.Tests.Linux.dll")
    let command = prefix @ [ Sdk.dotnet; assembly; Argument; name ]

    let start =
        ProcessStartInfo(
            List.head command,
            List.tail command,
            RedirectStandardOutput = true,
            RedirectStandardError = true
        )

    // Dying is what some are for: nobody wants to see the body.
    start.Environment["DOTNET_DbgEnableMiniDump"] <- "0"
    // One that uses up its descriptors could not open what it needs for cultures.
    start.Environment["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] <- "1"
    use child = start |> Process.Start |> Option.ofObj |> Option.get
    let output = child.StandardOutput.ReadToEndAsync()
    let errors = child.StandardError.ReadToEndAsync()

    // Slow is no failure on a busy machine.
    if not (child.WaitForExit(TimeSpan.FromMinutes 5.0)) then
        child.Kill true
        failtest $"{name}: hangs"

    struct (child.ExitCode, (output.Result + errors.Result).Trim())
