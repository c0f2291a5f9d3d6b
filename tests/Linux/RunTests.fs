/// Programs from their start to their end.
module Uring.Tests.Linux.RunTests

open System
open System.Diagnostics
open System.Text
open System.Threading
open Expecto
open Uring
open Uring.FSharp
open Uring.Tests.Linux.Hosting

let private shell (script: string) =
    ProcessStartInfo("/bin/sh", [ "-c"; script ], RedirectStandardOutput = true, RedirectStandardError = true)

[<Tests>]
let tests =
    testSequenced
    <| testList "Run" [
        testCase "output, errors and exit code" (fun () ->
            let outcome = run (Child.run (shell "echo out; echo err >&2; exit 7"))
            Expect.equal (Encoding.UTF8.GetString outcome.Output) "out\n" "output"
            Expect.equal (Encoding.UTF8.GetString outcome.Error) "err\n" "errors"
            Expect.equal outcome.Status.Status 7 "exit code")

        testCase "more than a pipe holds, on both" (fun () ->
            let outcome = run (Child.run (shell "head -c 1000000 /dev/zero; head -c 500000 /dev/zero >&2"))
            Expect.equal (outcome.Output.Length, outcome.Error.Length) (1_000_000, 500_000) "lengths")

        testCase "nothing redirected, and an input that is empty" (fun () ->
            let outcome = run (Child.run (ProcessStartInfo("cat", RedirectStandardInput = true)))
            Expect.equal (outcome.Output, outcome.Status.Status) ([||], 0) "outcome")

        testCase "many at a time" (fun () ->
            let all = run (Uring.``parallel`` [ for code in 1..20 -> Child.run (shell $"exit {code}") ])
            Expect.equal (all |> Array.map _.Status.Status) [| 1..20 |] "exit codes")

        testCase "killed: by its signal, or as .NET tells it" (fun () ->
            let outcome = run (Child.run (shell "kill -9 $$"))
            let status = outcome.Status
            let isKilled = status.Change = FSharp.ChildChange.Killed && status.Status = 9
            Expect.isTrue (isKilled || status.Status = 137) $"{status}")

        testCase "cancelled, it is killed" (fun () ->
            inFolder (fun folder ->
                withLoop (fun host ->
                    use source = new CancellationTokenSource()
                    let script = $"echo $$ > {folder}/new; mv {folder}/new {folder}/pid; exec sleep 60"
                    let running = Uring.startOn host source.Token (Child.run (shell script))
                    eventually "started" (fun () -> IO.File.Exists $"{folder}/pid")
                    let pid = int (IO.File.ReadAllText $"{folder}/pid")
                    source.Cancel()
                    ended "run" running
                    Expect.isTrue running.IsCanceled "cancelled"
                    Expect.isFalse (IO.Directory.Exists $"/proc/{pid}") "gone")))

        testCase "no such program" (fun () ->
            Expect.throwsT<ComponentModel.Win32Exception>
                (fun () -> run (Child.run (ProcessStartInfo "/no/such/program")) |> ignore)
                "ENOENT")

        testCaseTask "C#" (fun () ->
            task {
                let! outcome = UringProcess.RunAsync(shell "printf x; exit 3")
                Expect.equal outcome.Status.ExitCode (Nullable 3) "exit code"
                Expect.equal (outcome.Output.ToArray()) "x"B "output"
                Expect.isTrue outcome.Error.IsEmpty "errors"
            })
    ]
