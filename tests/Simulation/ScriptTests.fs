/// The scripts as they stand, on the simulated machine: what they use of the BCL is that machine's (tests/Machine).
module Uring.Tests.Simulation.ScriptTests

open System
open System.Runtime.InteropServices
open System.Text.RegularExpressions
open Expecto

[<DllImport("libc", SetLastError = true)>]
extern int private kill(int pid, int signal)

/// `beginning` sets the machine up, and looks at it in the end.
let private script (beginning: string) (name: string) (arguments: string list) : string list =
    let reference name = $"-r:{Started.root}/artifacts/bin/Machine/release/{name}.dll"

    [
        "fsi"
        reference "Uring.Simulation"
        reference "Uring.Tests.Machine"
        $"--use:tests/Machine/scripts/{beginning}"
        $"scripts/{name}"
        "--"
    ]
    @ arguments

[<Tests>]
let tests =
    testSequenced
    <| testList "Scripts on the simulated machine" [
        testCaseTask "cp.fsx copies a tree, and verifies it" (fun () ->
            task {
                use running = Started.start (script "cp.fsx" "cp.fsx" [ "/from"; "/to"; "--verify" ])
                let! struct (exitCode, said) = Started.finish running
                Expect.equal exitCode 0 said
                Expect.stringContains said "copied 301 files, 3 directories, 1 links" "what it says"
                Expect.stringContains said "verified 301 files" "what it has read back"

                Expect.stringEnds
                    (said.TrimEnd())
                    "the same tree: True"
                    "what is there, and no rule was broken"
            })

        testCaseTask "echo.fsx returns every byte to 40 clients, until it is interrupted" (fun () ->
            task {
                use running = Started.start (script "echo.fsx" "echo.fsx" [ "--port"; "7000" ])
                let line () = running.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes 1.0)
                let! first = line ()
                Expect.equal (string first) "listening on 127.0.0.1:7000" "it listens"
                let! second = line ()
                let came = Regex.Match(string second, "^40 connections, (\\d+) bytes came back$")
                Expect.isTrue came.Success (string second)
                Expect.equal (kill (-running.Id, 2)) 0 "SIGINT"
                let! struct (exitCode, said) = Started.finish running
                Expect.equal exitCode 0 said

                Expect.equal
                    (said.Trim())
                    $"40 connections served, {came.Groups[1].Value} bytes echoed"
                    "what it has served"
            })

        testCaseTask "echo.fsx drives a server" (fun () ->
            task {
                let words = "--client 127.0.0.1:7000 --connections 8 --messages 50 --size 70000"
                use running = Started.start (script "server.fsx" "echo.fsx" (List.ofArray (words.Split ' ')))
                let! struct (exitCode, said) = Started.finish running
                Expect.equal exitCode 0 said
                Expect.stringStarts said "400 echoes, " "what it has checked"
            })
    ]
