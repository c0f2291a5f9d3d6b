/// Signals to this process, and to children.
module Uring.Tests.Linux.SignalsTests

open System
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open System.Threading
open Expecto
open Uring
open Uring.FSharp
open Uring.Tests.Linux.Hosting

[<DllImport "libc">]
extern int private kill(int pid, int signal)

let private send (signal: int) = Expect.equal (kill (Environment.ProcessId, signal)) 0 "kill"
let private raw (number: int) : PosixSignal = enum number
// SIGUSR2, SIGURG: nobody else's here.
let private user, private urgent = raw 12, raw 23

[<Tests>]
let tests =
    testSequenced
    <| testList "Signals" [
        testCase "sent before anybody waits, and while somebody does, on the loop" (fun () ->
            withLoop (fun host ->
                use listener = runOn host (Signals.listen [ user; PosixSignal.SIGCONT ])
                send 12
                Expect.equal (runOn host (Signals.next listener)) user "before"

                let waiting =
                    startOn
                        host
                        (uring {
                            let! signal = Signals.next listener
                            return signal, obj.ReferenceEquals(Driver.Loop.Current, host.Loop)
                        })

                Expect.isFalse waiting.IsCompleted "waits"
                send 18
                Expect.equal (finish "next" waiting) (PosixSignal.SIGCONT, true) "during"))

        testCase "all: one after another, cancelled, and disposed of" (fun () ->
            withLoop (fun host ->
                let listener = runOn host (Signals.listen [ user; urgent ])

                let take (stream: UringStream<PosixSignal>) =
                    uring {
                        let! more = UringStream.next stream
                        Expect.isTrue more "goes on"
                        return stream.Current
                    }

                let stream = runOn host (Signals.all listener)

                for number, signal in [ 12, user; 23, urgent; 12, user ] do
                    send number
                    Expect.equal (runOn host (take stream)) signal "in their order"

                use source = new CancellationTokenSource()

                let waiting =
                    Uring.startOn
                        host
                        source.Token
                        (uring {
                            use! all = Signals.all listener

                            for signal in all do
                                failtest $"{signal}"
                        })

                Expect.isFalse waiting.IsCompleted "waits"
                source.Cancel()
                ended "all" waiting
                Expect.isTrue waiting.IsCanceled "cancelled"
                let waiting = startOn host (take stream)
                (listener :> IDisposable).Dispose()

                Expect.throwsT<ObjectDisposedException>
                    (fun () -> finish "all" waiting |> ignore)
                    "disposed of"))

        testCase "many of a kind are one until it is told" (fun () ->
            withLoop (fun host ->
                use listener = runOn host (Signals.listen [ user; urgent ])

                for _ in 1..10 do
                    send 12

                send 23

                let seen = Collections.Generic.List<PosixSignal>()

                while not (seen.Contains urgent && seen.Contains user) do
                    seen.Add(runOn host (Signals.next listener))

                // .NET may have told of one after another was taken; never of more than were sent.
                Expect.isLessThan seen.Count 12 "no more than were sent"))

        testCase "SIGTERM does not end the process while somebody listens" (fun () ->
            withLoop (fun host ->
                use listener = runOn host (Signals.listen [ PosixSignal.SIGTERM ])
                send 15
                Expect.equal (runOn host (Signals.next listener)) PosixSignal.SIGTERM "told"))

        testCase "cancelled, and disposed of" (fun () ->
            withLoop (fun host ->
                let listener = runOn host (Signals.listen [ user ])
                use source = new CancellationTokenSource()
                let waiting = Uring.startOn host source.Token (Signals.next listener)
                source.Cancel()
                ended "next" waiting
                Expect.isTrue waiting.IsCanceled "cancelled"
                let waiting = startOn host (Signals.next listener)
                (listener :> IDisposable).Dispose()

                Expect.throwsT<ObjectDisposedException>
                    (fun () -> finish "next" waiting |> ignore)
                    "disposed of"))

        testCase "what nobody can listen for, and what is no signal" (fun () ->
            for number in [ 9; 19; 11; 6 ] do
                Expect.throwsT<ArgumentException>
                    (fun () -> run (Signals.listen [ raw number ]) |> ignore)
                    $"{number}"

            for number in [ 0; 65; -11 ] do
                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> run (Signals.listen [ raw number ]) |> ignore)
                    $"{number}"

            Expect.throwsT<ArgumentException> (fun () -> run (Signals.listen []) |> ignore) "none")

        testCaseTask "C#: a stream" (fun () ->
            task {
                use signals = new UringSignals(user)
                send 12
                let each = signals.GetAsyncEnumerator()
                let! more = each.MoveNextAsync().AsTask().WaitAsync limit
                Expect.equal (more, each.Current) (true, user) "told"
                do! each.DisposeAsync()
            })

        for signal, number in
            [
                PosixSignal.SIGHUP, 1
                PosixSignal.SIGINT, 2
                PosixSignal.SIGQUIT, 3
                PosixSignal.SIGTERM, 15
                raw 9, 9
            ] do
            testCaseTask $"to a child: {number}" (fun () ->
                task {
                    // Who is started by a shell in the background ignores SIGINT and SIGQUIT, and hands that down.
                    use child =
                        ProcessStartInfo(
                            "env",
                            [ "--default-signal"; "sh"; "-c"; "echo ready; exec sleep 60" ],
                            RedirectStandardOutput = true
                        )
                        |> Process.Start
                        |> nonNull

                    let! line = child.StandardOutput.ReadLineAsync().WaitAsync limit
                    Expect.equal line "ready" "its signals are set"
                    Expect.isFalse child.HasExited "lives"
                    UringProcess.Signal(child, signal)
                    do! child.WaitForExitAsync().WaitAsync limit
                    Expect.equal child.ExitCode (128 + number) "exit code"

                    Expect.throwsT<InvalidOperationException>
                        (fun () -> UringProcess.Signal(child, signal))
                        "it has ended"
                })

        testCase "by a descriptor, whose process is stopped, goes on and ends" (fun () ->
            use child = Process.Start("sleep", [ "60" ])
            use descriptor = UringProcess.Open child.Id

            let after signal events =
                let waiting = Uring.start (Child.waitOn events descriptor)
                UringProcess.Signal(descriptor, signal)
                (finish "wait" waiting).Change

            Expect.equal (after (raw 19) FSharp.ChildEvents.Stopped) FSharp.ChildChange.Stopped "stopped"
            UringProcess.Signal(descriptor, raw 9)
            child.WaitForExit()

            match failureOf (fun () -> UringProcess.Signal(descriptor, raw 9)) with
            | :? IOException as reason -> Expect.equal reason.HResult 3 "ESRCH"
            | other -> failtest $"{other}"

            match failureOf (fun () -> UringProcess.Open Int32.MaxValue |> ignore) with
            | :? IOException as reason -> Expect.equal reason.HResult 3 "ESRCH"
            | other -> failtest $"{other}")
    ]
