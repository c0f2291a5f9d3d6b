/// scripts/soak.fsx as its users start it: a short run of each kind is balanced in the end, and says so.
module Uring.Tests.Linux.SoakScriptTests

open System
open System.Threading.Tasks
open Expecto

let private limit = TimeSpan.FromSeconds 60.0

let private scripts =
    [ "soak.fsx"; "shared.fsx" ]
    @ ([ "traffic"; "bytes"; "balance" ] |> List.map (sprintf "soak/%s.fsx"))

/// Its exit code, its output and its errors.
let private soak (folder: string) (arguments: string) : Task<struct (int * string * string)> =
    task {
        let words = arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries) |> List.ofArray

        use running = Sdk.start folder Sdk.dotnet ([ "fsi"; "soak.fsx"; "--" ] @ words)

        try
            return! Sdk.ended limit running
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
                        Sdk.copyScripts folder scripts
                        let! struct (exitCode, output, errors) = soak folder (arguments + " --seed 7")
                        Expect.equal errors "" "errors"
                        Expect.equal exitCode 0 "exit code"
                        Expect.stringContains output "balanced: every buffer is back" "the last line"
                        Expect.stringContains output "seed 7" "the seed"
                    }))

        testCaseTask "refuses a pool without buffers" (fun () ->
            Observe.inFolder (fun folder ->
                task {
                    Sdk.copyScripts folder scripts
                    let! struct (exitCode, _, errors) = soak folder "--pool 0"
                    Expect.equal exitCode 2 "exit code"
                    Expect.stringContains errors "--pool is a number from 1 to 32768" "errors"
                }))
    ]
