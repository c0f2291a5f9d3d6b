/// scripts/tail.fsx as its users start it: lines are appended, the file is rotated, cut, and made late.
module Uring.Tests.Linux.TailScriptTests

open System
open System.Diagnostics
open System.IO
open System.Threading.Tasks
open Expecto

let private limit = TimeSpan.FromSeconds 60.0

let private start (folder: string) (arguments: string list) =
    Sdk.copyScripts folder [ "tail.fsx"; "tail/followed.fsx"; "shared.fsx" ]
    Sdk.start folder Sdk.dotnet ([ "fsi"; "tail.fsx"; "--" ] @ arguments)

let private expectLine (running: Process) (expected: string) : Task<unit> =
    task {
        let! line = running.StandardOutput.ReadLineAsync().WaitAsync limit
        Expect.equal line expected "line"
    }

[<Tests>]
let tests =
    testSequenced
    <| testList "tail.fsx" [
        testCaseTask
            "follows what is appended, another file of the name, a cut, and a file that is made late"
            (fun () ->
                Observe.inFolder (fun folder ->
                    task {
                        let log, late = Path.Combine(folder, "a.log"), Path.Combine(folder, "late.log")
                        File.WriteAllText(log, "1\n2\n3\n")
                        use running = start folder [ log; late; "--lines"; "2" ]

                        try
                            for line in [ $"==> {log} <=="; "2"; "3" ] do
                                do! expectLine running line

                            File.AppendAllText(log, "4\n")
                            do! expectLine running "4"
                            File.Move(log, log + ".1")
                            File.WriteAllText(log, "5\n")
                            do! expectLine running "5"
                            File.WriteAllText(late, "6\n")

                            for line in [ $"==> {late} <=="; "6" ] do
                                do! expectLine running line

                            // Shorter than before: cut, and written from its start.
                            File.AppendAllText(log, "7777777\n")

                            for line in [ $"==> {log} <=="; "7777777" ] do
                                do! expectLine running line

                            File.WriteAllText(log, "8\n")
                            do! expectLine running "8"
                        finally
                            running.Kill true
                    }))

        testCaseTask "says how it is used, and refuses nonsense" (fun () ->
            Observe.inFolder (fun folder ->
                task {
                    use running = start folder [ "--help" ]
                    let! struct (exitCode, output, _) = Sdk.ended limit running
                    Expect.equal exitCode 0 "exit code"
                    Expect.stringContains output "--lines" "help"
                    use running = start folder [ "x"; "--lines"; "-1" ]
                    let! struct (exitCode, _, errors) = Sdk.ended limit running
                    Expect.equal exitCode 2 "exit code"
                    Expect.stringContains errors "--lines is a number" "errors"
                }))
    ]
