/// Length: children by one, by group and by signal need the same ways of the C library.
/// Waiting for child processes. Children that .NET does not know are made by the C library.
module Uring.Tests.Linux.ProcessTests

open System
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
open Expecto
open Microsoft.Win32.SafeHandles
open Uring
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

/// The C library's ways that .NET does not have.
module private C =
    [<DllImport "libc">]
    extern int posix_spawn(
        int& pid,
        string path,
        nativeint actions,
        nativeint attributes,
        string[] arguments,
        nativeint environment
    )

    [<DllImport "libc">]
    extern int kill(int pid, int signal)

    [<DllImport "libc">]
    extern int getpgid(int pid)

    [<DllImport "libc">]
    extern nativeint syscall(nativeint number, nativeint first, nativeint second)

/// A child that .NET does not know: nobody reaps it but we.
let private spawn (script: string) : int =
    let mutable pid = 0
    // The array's end is a null.
    let arguments: string array = [| "sh"; "-c"; script; Unchecked.defaultof<string> |]
    Expect.equal (C.posix_spawn (&pid, "/bin/sh", 0n, 0n, arguments, 0n)) 0 "posix_spawn"
    pid

/// Does not end by itself in the time that a test takes.
let private sleeper () = spawn "exec sleep 60"

/// Takes it away.
let private clear (pid: int) =
    C.kill (pid, 9) |> ignore
    run (Child.reap FSharp.ChildEvents.Exited pid) |> ignore

/// pidfd_open(2).
let private openProcess (pid: int) = new SafeFileHandle(C.syscall (434n, nativeint pid, 0n), true)

let private exited = FSharp.ChildEvents.Exited

let private fsharp =
    testList "F#" [
        for code in [ 0; 1; 42; 255 ] do
            testCase $"exit code {code}" (fun () ->
                let pid = spawn $"exit {code}"
                let status = run (Child.reap exited pid)

                Expect.equal
                    (status.Id, status.Change, status.Status)
                    (pid, FSharp.ChildChange.Exited, code)
                    "status")

        for signal in [ 9; 15 ] do
            testCase $"killed by signal {signal} while somebody waits" (fun () ->
                withLoop (fun host ->
                    let pid = sleeper ()
                    let waiting = startOn host (Child.reap exited pid)
                    eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                    Expect.isFalse waiting.IsCompleted "waits"
                    C.kill (pid, signal) |> ignore
                    let status = finish "wait" waiting
                    Expect.equal (status.Change, status.Status) (FSharp.ChildChange.Killed, signal) "status"))

        testCase "stopped, going on, and ended" (fun () ->
            withLoop (fun host ->
                let pid = sleeper ()

                let after signal events =
                    let waiting = startOn host (Child.reap events pid)
                    eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                    C.kill (pid, signal) |> ignore
                    let status = finish "wait" waiting
                    status.Change, status.Status

                Expect.equal
                    (after 19 FSharp.ChildEvents.Stopped)
                    (FSharp.ChildChange.Stopped, 19)
                    "SIGSTOP"

                Expect.equal
                    (after 18 FSharp.ChildEvents.Continued)
                    (FSharp.ChildChange.Continued, 18)
                    "SIGCONT"

                let any = exited ||| FSharp.ChildEvents.Stopped
                Expect.equal (after 15 any) (FSharp.ChildChange.Killed, 15) "SIGTERM"))

        testCase "left as it is, it is told again, and gone once it is reaped" (fun () ->
            let pid = spawn "exit 3"

            for _ in 1..3 do
                Expect.equal (run (Child.wait exited pid)).Status 3 "status"

            Expect.equal (run (Child.reap exited pid)).Status 3 "the last time"

            match failureOf (fun () -> run (Child.wait exited pid)) with
            | :? IOException as reason -> Expect.equal reason.HResult 10 "ECHILD"
            | other -> failtest $"{other}")

        testCase "by a descriptor" (fun () ->
            let pid = sleeper ()
            use descriptor = openProcess pid
            let waiting = Uring.start (Child.waitOn exited descriptor)
            Expect.isFalse waiting.IsCompleted "waits"
            C.kill (pid, 9) |> ignore
            let status = finish "wait" waiting

            Expect.equal
                (status.Id, status.Change, status.Status)
                (pid, FSharp.ChildChange.Killed, 9)
                "status"

            clear pid)

        testCase "cancelled during, and before; the child lives on" (fun () ->
            withLoop (fun host ->
                let pid = sleeper ()
                use source = new CancellationTokenSource()
                let waiting = Uring.startOn host source.Token (Child.wait exited pid)
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                source.Cancel()
                ended "wait" waiting
                Expect.isTrue waiting.IsCanceled "during"
                let late = Uring.startOn host source.Token (Child.wait exited pid)
                ended "wait" late
                Expect.isTrue late.IsCanceled "before"
                Expect.equal (C.kill (pid, 0)) 0 "lives"
                clear pid))

        testCase "no child of ours: ECHILD" (fun () ->
            match failureOf (fun () -> run (Child.wait exited 1)) with
            | :? IOException as reason -> Expect.equal reason.HResult 10 "ECHILD"
            | other -> failtest $"{other}")

        testCase "nothing to wait for, and nobody" (fun () ->
            Expect.throwsT<ArgumentException>
                (fun () -> run (Child.wait FSharp.ChildEvents.None 1) |> ignore)
                "events"

            for id in [ 0; -1 ] do
                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> run (Child.wait exited id) |> ignore)
                    "id")

        testCase "many at a time" (fun () ->
            let pids = [ for code in 1..20 -> spawn $"exit {code}" ]
            let all = run (Uring.``parallel`` (pids |> List.map (Child.reap exited)))
            Expect.equal (all |> Array.map _.Status) [| 1..20 |] "exit codes")
    ]

/// In a process group of its own, which has its number.
let private leader () =
    let pid = spawn "exec setsid sleep 60"
    eventually "leads a group" (fun () -> C.getpgid pid = pid)
    pid

let private isNobody what (failure: exn | null) =
    match failure with
    | :? IOException as reason -> Expect.equal reason.HResult 10 what
    | other -> failtest $"{what}: {other}"

/// What the seam was asked for, and nothing is sent.
let private asked (body: unit -> unit) : struct (int * int) list =
    let before = ProcessKernel.Current
    let mutable calls = []
    let kernel = FaultyKernel()

    kernel.OnSignalMany <-
        fun call ->
            calls <- call :: calls
            Answer.Before Errno.ESRCH

    ProcessKernel.Current <- kernel

    try
        body ()
    finally
        ProcessKernel.Current <- before

    calls

let private several =
    testList "one of several" [
        testCase "any child: the one that was stopped" (fun () ->
            withLoop (fun host ->
                let others = [ sleeper (); sleeper () ]
                let pid = sleeper ()

                let waiting = startOn host (Child.reapAmong FSharp.ChildEvents.Stopped FSharp.Children.All)

                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                C.kill (pid, 19) |> ignore
                let status = finish "wait" waiting

                Expect.equal
                    (status.Id, status.Change, status.Status)
                    (pid, FSharp.ChildChange.Stopped, 19)
                    "status"

                pid :: others |> List.iter clear))

        testCase "of a group: its own children, and no others" (fun () ->
            withLoop (fun host ->
                let other = spawn "exit 1"
                let pid = leader ()
                let group = FSharp.Children.Group pid
                let waiting = startOn host (Child.waitAmong exited group)
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                C.kill (pid, 15) |> ignore
                let status = finish "wait" waiting

                Expect.equal
                    (status.Id, status.Change, status.Status)
                    (pid, FSharp.ChildChange.Killed, 15)
                    "status"

                Expect.equal (runOn host (Child.reapAmong exited group)).Id pid "the same one again"
                failureOf (fun () -> runOn host (Child.waitAmong exited group)) |> isNobody "ECHILD"
                Expect.equal (runOn host (Child.reap exited other)).Status 1 "the other was left"))

        testCase "of this process's own group" (fun () ->
            let pid = spawn "exit 9"
            run (Child.wait exited pid) |> ignore
            let found = run (Child.tryWait exited (FSharp.Children.Group 0))
            Expect.isTrue found.IsSome "there is one"
            Expect.equal (run (Child.reap exited pid)).Status 9 "left as it was")

        testCase "without waiting: nothing yet, and then what has happened" (fun () ->
            withLoop (fun host ->
                let pid = sleeper ()
                let look () = runOn host (Child.tryReap exited (FSharp.Children.One pid))

                // What the kernel has told before does not come again.
                for _ in 1..3 do
                    Expect.equal (runOn host (Child.reap exited (spawn "exit 5"))).Status 5 "another"
                    Expect.equal (look ()) ValueNone "runs"

                C.kill (pid, 9) |> ignore
                runOn host (Child.wait exited pid) |> ignore

                match look () with
                | ValueSome status -> Expect.equal (status.Id, status.Status) (pid, 9) "killed"
                | ValueNone -> failtest "nothing"

                failureOf (fun () -> look ()) |> isNobody "reaped"))

        testCase "by a descriptor, reaped" (fun () ->
            let pid = spawn "exit 6"
            use descriptor = openProcess pid
            Expect.equal (run (Child.reapOn exited descriptor)).Status 6 "status"
            failureOf (fun () -> run (Child.waitOn exited descriptor)) |> isNobody "reaped")

        testCase "cancelled during" (fun () ->
            withLoop (fun host ->
                let pid = leader ()
                use source = new CancellationTokenSource()
                let group = FSharp.Children.Group pid
                let waiting = Uring.startOn host source.Token (Child.waitAmong exited group)
                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                source.Cancel()
                ended "wait" waiting
                Expect.isTrue waiting.IsCanceled "during"
                clear pid))

        testCase "a kernel without WAITID" (fun () ->
            let kernel = FaultyKernel(Hidden = [ Opcode.WaitId ])

            withLoopOf kernel LoopOptions.standard (fun host ->
                match failureOf (fun () -> runOn host (Child.tryWait exited FSharp.Children.All)) with
                | :? PlatformNotSupportedException as reason ->
                    Expect.stringContains reason.Message "6.7" "since"
                | other -> failtest $"{other}"))

        testCase "no group, and no child" (fun () ->
            for children in [ FSharp.Children.Group -1; FSharp.Children.One 0 ] do
                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> run (Child.waitAmong exited children) |> ignore)
                    $"{children}")

        testCaseTask "C#" (fun () ->
            task {
                let pid = leader ()
                let! nothing = UringProcess.TryWaitGroupAsync pid
                Expect.isFalse nothing.HasValue "runs"
                let! nothing = UringProcess.TryWaitAsync pid
                Expect.isFalse nothing.HasValue "runs"
                let stopped = UringProcess.WaitAnyAsync(Uring.ChildEvents.Stopped, reap = true).AsTask()
                UringProcess.SignalGroup(pid, enum<PosixSignal> 19)
                let! status = stopped
                Expect.equal (status.Id, status.Signal) (pid, Nullable 19) "stopped"
                let! nothing = UringProcess.TryWaitAnyAsync Uring.ChildEvents.Stopped
                Expect.isFalse nothing.HasValue "told, and taken note of"
                let ended = UringProcess.WaitGroupAsync(pid, reap = true).AsTask()
                UringProcess.SignalGroup(pid, enum<PosixSignal> 9)
                let! status = ended
                Expect.equal (status.Id, status.Signal) (pid, Nullable 9) "killed"

                failureOf (fun () -> finish "wait" (UringProcess.WaitGroupAsync(pid).AsTask()))
                |> isNobody "gone"
            })
    ]

let private groups =
    testList "signals to a group" [
        testCase "every process in it, and no other" (fun () ->
            let pid, other = leader (), sleeper ()
            Child.signalGroup pid (enum<PosixSignal> 15)
            let status = run (Child.reap exited pid)
            Expect.equal (status.Change, status.Status) (FSharp.ChildChange.Killed, 15) "its leader"
            Expect.equal (run (Child.tryWait exited (FSharp.Children.One other))) ValueNone "the other"
            clear other)

        testCase "nobody is left: ESRCH" (fun () ->
            let pid = leader ()
            clear pid

            match failureOf (fun () -> Child.signalGroup pid PosixSignal.SIGTERM) with
            | :? IOException as reason -> Expect.equal reason.HResult 3 "ESRCH"
            | other -> failtest $"{other}")

        testCase "what kill(2) is asked: the own group is 0, everybody is -1" (fun () ->
            let calls =
                asked (fun () ->
                    failureOf (fun () -> Child.signalGroup 0 PosixSignal.SIGTERM) |> ignore
                    failureOf (fun () -> Child.signalGroup 77 PosixSignal.SIGHUP) |> ignore
                    failureOf (fun () -> Child.signalAll PosixSignal.SIGINT) |> ignore
                    failureOf (fun () -> UringProcess.SignalAll PosixSignal.SIGINT) |> ignore)

            Expect.equal
                (List.rev calls)
                [ struct (0, 15); struct (-77, 1); struct (-1, 2); struct (-1, 2) ]
                "calls")

        testCase "group 1 would be everybody, and a negative one is none" (fun () ->
            let calls =
                asked (fun () ->
                    Expect.throwsT<ArgumentException>
                        (fun () -> Child.signalGroup 1 PosixSignal.SIGTERM)
                        "one"

                    Expect.throwsT<ArgumentOutOfRangeException>
                        (fun () -> Child.signalGroup -5 PosixSignal.SIGTERM)
                        "negative"

                    Expect.throwsT<ArgumentOutOfRangeException>
                        (fun () -> Child.signalAll (enum<PosixSignal> 0))
                        "no signal")

            Expect.equal calls [] "nothing was sent")
    ]

let private startChild (script: string) = Process.Start("/bin/sh", [ "-c"; script ])

let private csharp =
    testList "C#" [
        testCaseTask "by id, reaped" (fun () ->
            task {
                let! status = UringProcess.WaitAsync(spawn "exit 42", reap = true)
                Expect.equal status.Change Uring.ChildChange.Exited "change"
                Expect.equal status.ExitCode (Nullable 42) "exit code"
                Expect.equal status.Signal (Nullable()) "signal"
            })

        testCaseTask "by descriptor, killed" (fun () ->
            task {
                let pid = sleeper ()
                use descriptor = openProcess pid
                let waiting = UringProcess.WaitAsync(descriptor, reap = true).AsTask()
                C.kill (pid, 9) |> ignore
                let! status = waiting
                Expect.equal status.Change Uring.ChildChange.Killed "change"
                Expect.equal status.ExitCode (Nullable()) "exit code"
                Expect.equal status.Signal (Nullable 9) "signal"
            })

        testCaseTask "children of Process, which .NET reaps: none is lost" (fun () ->
            task {
                for code in 0..49 do
                    use child = startChild $"exit {code}"
                    let! status = UringProcess.WaitAsync child
                    Expect.equal status.ExitCode (Nullable code) "told by the ring"
                    do! child.WaitForExitAsync()
                    Expect.equal child.ExitCode code "told by .NET"
            })

        testCaseTask "a child of Process that is long gone" (fun () ->
            task {
                use child = startChild "exit 7"
                do! child.WaitForExitAsync()
                let! status = UringProcess.WaitAsync child
                Expect.equal status.ExitCode (Nullable 7) "exit code"
            })

        testCaseTask "a child of Process that is killed: by its signal, or as .NET tells it" (fun () ->
            task {
                use child = startChild "exec sleep 60"
                let waiting = UringProcess.WaitAsync(child).AsTask()
                do! Task.Delay 20
                child.Kill()
                let! status = waiting
                let told = status.Signal = Nullable 9 || status.ExitCode = Nullable 137
                Expect.isTrue told $"{status}"
            })

        testCaseTask "cancelled" (fun () ->
            task {
                use child = startChild "exec sleep 60"
                use source = new CancellationTokenSource()
                let waiting = UringProcess.WaitAsync(child, cancellationToken = source.Token).AsTask()
                do! Task.Delay 20
                source.Cancel()
                ended "wait" waiting
                Expect.isTrue waiting.IsCanceled "during"
                child.Kill()
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "Process" [ fsharp; several; groups; csharp ]
