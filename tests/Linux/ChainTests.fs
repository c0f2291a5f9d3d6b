/// Linked submissions on the real kernel.
module Uring.Tests.Linux.ChainTests

open System
open System.IO
open System.Text
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

let private bytes (text: string) = ReadOnlyMemory(Encoding.UTF8.GetBytes text)

let private withFile (body: LoopThread -> string -> File -> unit) =
    inFolder (fun folder ->
        withLoop (fun host ->
            let path = Path.Combine(folder, "chained")
            let file = runOn host (File.create path)
            body host path file
            runOn host (File.close file)))

[<Tests>]
let tests =
    testSequenced
    <| testList "Chain" [
        test "steps run one after another" {
            withFile (fun host path file ->
                let steps =
                    chain {
                        FileRequest.write file.Descriptor (bytes "hello ") 0L
                        FileRequest.write file.Descriptor (bytes "chain") 6L
                        FileRequest.sync file.Descriptor true
                    }

                let outcome = runOn host (Chains.run steps)
                Expect.equal outcome [ StepOutcome.Ran 6; StepOutcome.Ran 5; StepOutcome.Ran 0 ] "outcome"
                Expect.equal (System.IO.File.ReadAllText path) "hello chain" "contents")
        }

        test "a chain can be built from a loop" {
            withFile (fun host path file ->
                let steps =
                    chain {
                        for index in 0..9 do
                            FileRequest.write file.Descriptor (bytes (string index)) (int64 index)
                    }

                Expect.equal (Chain.length steps) 10 "steps"
                runOn host (Chains.run steps) |> ignore
                Expect.equal (System.IO.File.ReadAllText path) "0123456789" "contents")
        }

        test "a failure cancels what comes after it, and the outcome says so" {
            withFile (fun host path file ->
                let steps =
                    chain {
                        FileRequest.write file.Descriptor (bytes "kept") 0L
                        FileRequest.openPath (path + ".missing") OpenFlags.Read UnixFileMode.None
                        FileRequest.write file.Descriptor (bytes "lost") 0L
                    }

                let outcome = runOn host (Chains.run steps)

                Expect.equal
                    outcome
                    [ StepOutcome.Ran 4; StepOutcome.Failed Errno.ENOENT; StepOutcome.Cancelled ]
                    "outcome"

                Expect.equal (System.IO.File.ReadAllText path) "kept" "contents")
        }

        test "after a hard link the follower runs whatever came before" {
            withFile (fun host path file ->
                let steps =
                    Chain.append
                        (Chain.hardened (Chain.single (FileRequest.unlink (path + ".missing"))))
                        (Chain.single (FileRequest.write file.Descriptor (bytes "written") 0L))

                let outcome = runOn host (Chains.run steps)
                Expect.equal outcome [ StepOutcome.Failed Errno.ENOENT; StepOutcome.Ran 7 ] "outcome"
                Expect.equal (System.IO.File.ReadAllText path) "written" "contents")
        }

        test "within bounds the step before it" {
            withLoop (fun host ->
                let struct (ours, theirs) = connectPair host
                use _ = theirs
                let buffer = Memory(Array.zeroCreate<byte> 16)

                let bounded =
                    chain {
                        SocketRequest.receive ours.Descriptor buffer
                        Uring.within (TimeSpan.FromMilliseconds 20.0)
                    }

                let outcome = runOn host (Chains.run bounded)
                Expect.equal outcome [ StepOutcome.Cancelled; StepOutcome.Failed Errno.ETIME ] "too late"
                theirs.Send [| 1uy; 2uy |] |> ignore
                let outcome = runOn host (Chains.run bounded)
                Expect.equal outcome [ StepOutcome.Ran 2; StepOutcome.Cancelled ] "in time"
                runOn host (Socket.close ours))
        }

        test "a step that cannot begin stops the whole chain before it starts" {
            withFile (fun host path file ->
                let closed = runOn host (File.openRead path)
                runOn host (File.close closed)

                let steps =
                    chain {
                        FileRequest.write file.Descriptor (bytes "never") 0L
                        FileRequest.sync closed.Descriptor false
                    }

                let outcome = runOn host (Chains.run steps)
                Expect.equal outcome [ StepOutcome.Cancelled; StepOutcome.Failed Errno.EBADF ] "outcome"
                Expect.equal (FileInfo path).Length 0L "nothing was written")
        }

        test "a chain longer than the ring is refused with the reason" {
            withLoopOf Uring.Kernel.LinuxKernel.Instance small (fun host ->
                let steps =
                    chain {
                        for _ in 1..9 do
                            nop
                    }

                match failureOf (fun () -> runOn host (Chains.run steps)) with
                | :? ArgumentException as reason ->
                    Expect.stringContains reason.Message "entries" "the reason"
                | other -> failtest $"{other}")
        }

        test "chains that fill the ring wait for room, and none is torn apart" {
            withLoopOf Uring.Kernel.LinuxKernel.Instance small (fun host ->
                let steps =
                    chain {
                        for _ in 1..5 do
                            nop
                    }

                let outcomes = runOn host (Uring.``parallel`` [ for _ in 1..200 -> Chains.run steps ])

                for outcome in outcomes do
                    Expect.equal outcome (List.replicate 5 (StepOutcome.Ran 0)) "all five")
        }
    ]
