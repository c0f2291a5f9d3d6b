/// scripts/supervise.fsx as its users start it: what dies is started again, and all end in order.
module Uring.Tests.Linux.SuperviseScriptTests

open System
open System.IO
open System.Runtime.InteropServices
open Expecto

let private limit = TimeSpan.FromSeconds 60.0

[<DllImport("libc", SetLastError = true)>]
extern int private kill(int pid, int signal)

/// In a process group of its own: `dotnet` starts a child for fsi.
let private start (folder: string) (arguments: string list) =
    Sdk.copyScripts folder [ "supervise.fsx"; "shared.fsx" ]

    Sdk.start
        folder
        "setsid"
        ([ "env"; "--default-signal=INT"; Sdk.dotnet; "fsi"; "supervise.fsx"; "--" ] @ arguments)

[<Tests>]
let tests =
    testSequenced
    <| testList "supervise.fsx" [
        for signal in [ 2; 15 ] do
            testCaseTask
                $"restarts what dies; ends all in order by signal {signal}, and kills what does not end"
                (fun () ->
                    Observe.inFolder (fun folder ->
                        task {
                            File.WriteAllText(Path.Combine(folder, "dies"), "exit 3\n")

                            File.WriteAllText(
                                Path.Combine(folder, "stubborn"),
                                "trap '' TERM INT\nwhile :; do sleep 1; done\n"
                            )

                            File.WriteAllText(
                                Path.Combine(folder, "last"),
                                "trap 'echo bye; exit 0' TERM INT\nwhile :; do sleep 0.1; done\n"
                            )

                            use running =
                                start folder [
                                    "sh dies"
                                    "sh stubborn"
                                    "sh last"
                                    "--pause"
                                    "50"
                                    "--grace"
                                    "1000"
                                ]

                            try
                                let mutable deaths = 0

                                while deaths < 3 do
                                    let! line = running.StandardOutput.ReadLineAsync().WaitAsync limit
                                    if line = "sh dies: ended with 3" then deaths <- deaths + 1

                                kill (-running.Id, signal) |> ignore
                                let! struct (exitCode, output, errors) = Sdk.ended limit running
                                Expect.equal (exitCode, errors) (0, "") "outcome"
                                let said (text: string) = output.IndexOf text
                                Expect.isTrue (said "sh last: ended with 0" >= 0) output
                                Expect.isTrue (said "sh last: ended" < said "sh stubborn: is killed") output
                                Expect.stringContains output "bye" "it could say so"
                                Expect.stringEnds output "3 commands ended" "the last line"
                            finally
                                if not running.HasExited then running.Kill true
                        }))

        testCaseTask "says how it is used" (fun () ->
            Observe.inFolder (fun folder ->
                task {
                    use running = start folder [ "--help" ]
                    let! struct (exitCode, output, _) = Sdk.ended limit running
                    Expect.equal exitCode 0 "exit code"
                    Expect.stringContains output "--grace" "help"
                }))
    ]
