/// Linked submissions on the real kernel: order, what a failure does to the rest, time limits, cancellation.
module Uring.Tests.Linux.LinkTests

open System
open System.IO
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

type private Bcl = System.IO.File

let private memory (length: int) = Memory(Array.zeroCreate<byte> length)

let private text (value: string) = ReadOnlyMemory(Text.Encoding.UTF8.GetBytes value)

/// A test with a loop and an open file.
let private case name (body: LoopThread -> File -> unit) =
    testCase name (fun () ->
        inFolder (fun folder ->
            withLoopOf LinuxKernel.Instance small (fun host ->
                body host (runOn host (File.create (Path.Combine(folder, "file")))))))

let private receive (socket: Uring.FSharp.Socket) = SocketRequest.receive socket.Descriptor (memory 1)

let private links =
    testList "links" [
        case "each step sees what the one before it did" (fun host file ->
            let back = memory 3
            let target = file.Path + ".renamed"

            let steps =
                chain {
                    FileRequest.write file.Descriptor (text "abc") 0L
                    FileRequest.write file.Descriptor (text "d") 1L
                    FileRequest.sync file.Descriptor true
                    FileRequest.read file.Descriptor back 0L
                    FileRequest.rename file.Path target
                }

            Expect.equal
                (runOn host (Chains.run steps))
                [ for result in [ 3; 1; 0; 3; 0 ] -> StepOutcome.Ran result ]
                "outcome"

            Expect.equal (back.ToArray()) "adc"B "read in the chain"
            Expect.equal (Bcl.ReadAllText target) "adc" "renamed in the chain")

        case "a failure cancels the rest" (fun host file ->
            let steps =
                chain {
                    FileRequest.write file.Descriptor (text "abc") 0L
                    FileRequest.openPath (file.Path + ".missing") OpenFlags.Read UnixFileMode.None
                    FileRequest.truncate file.Descriptor 0L
                    nop
                }

            Expect.equal
                (runOn host (Chains.run steps))
                [
                    StepOutcome.Ran 3
                    StepOutcome.Failed Errno.ENOENT
                    StepOutcome.Cancelled
                    StepOutcome.Cancelled
                ]
                "outcome"

            Expect.equal (Bcl.ReadAllText file.Path) "abc" "not truncated")

        case "a short read is a failure" (fun host file ->
            runOn host (File.write file (text "abc") 0L)

            let steps =
                chain {
                    FileRequest.read file.Descriptor (memory 10) 0L
                    nop
                }

            Expect.equal
                (runOn host (Chains.run steps))
                [ StepOutcome.Ran 3; StepOutcome.Cancelled ]
                "outcome")

        case "a failed unlink, rename or mkdir breaks no chain: the kernel's choice" (fun host file ->
            let steps =
                chain {
                    FileRequest.unlink (file.Path + ".missing")
                    FileRequest.rename (file.Path + ".missing") file.Path
                    FileRequest.makeDirectory file.Path UnixFileMode.None
                    FileRequest.write file.Descriptor (text "x") 0L
                }

            Expect.equal
                (runOn host (Chains.run steps))
                [
                    StepOutcome.Failed Errno.ENOENT
                    StepOutcome.Failed Errno.ENOENT
                    StepOutcome.Failed Errno.EEXIST
                    StepOutcome.Ran 1
                ]
                "outcome")

        case "a hard link waits for the end, not for success" (fun host file ->
            let failing = Chain.hardened (Chain.single (FileRequest.unlink (file.Path + ".missing")))
            let steps = Chain.append failing (Chain.single (FileRequest.write file.Descriptor (text "x") 0L))

            Expect.equal
                (runOn host (Chains.run steps))
                [ StepOutcome.Failed Errno.ENOENT; StepOutcome.Ran 1 ]
                "outcome")

        case "of no step" (fun host _ -> Expect.equal (runOn host (Chains.run (chain { () }))) [] "outcome")

        case "of as many steps as the ring has entries, again and again" (fun host file ->
            for round in 0..199 do
                let steps =
                    chain {
                        for index in 0..7 do
                            FileRequest.write file.Descriptor (text $"{index}") (int64 (round * 8 + index))
                    }

                Expect.equal (runOn host (Chains.run steps)) (List.replicate 8 (StepOutcome.Ran 1)) "outcome"

            Expect.equal (Bcl.ReadAllText file.Path) (String.replicate 200 "01234567") "all written")

        case "more steps than entries are refused at once" (fun host _ ->
            let steps = List.replicate 9 (Chain.single nop) |> List.reduce Chain.append

            Expect.throwsT<ArgumentException>
                (fun () -> host.Loop.StartChain(steps, CancellationToken.None) |> ignore)
                "too long"

            Expect.equal (attempt host nop) 0 "the loop goes on")

        case "many at once are not mixed up" (fun host file ->
            let one number =
                Chains.run (
                    chain {
                        FileRequest.write file.Descriptor (text "ab") (int64 number * 2L)
                        FileRequest.openPath (file.Path + ".missing") OpenFlags.Read UnixFileMode.None
                        FileRequest.write file.Descriptor (text "X") (int64 number * 2L)
                    }
                )

            let outcomes = runOn host (Uring.``parallel`` [ for number in 0..499 -> one number ])

            for outcome in outcomes do
                Expect.equal
                    outcome
                    [ StepOutcome.Ran 2; StepOutcome.Failed Errno.ENOENT; StepOutcome.Cancelled ]
                    "outcome"

            Expect.equal (Bcl.ReadAllText file.Path) (String.replicate 500 "ab") "no X")

        case "from many threads at once" (fun host file ->
            let submitter _ =
                Task.Run(fun () ->
                    for _ in 1..200 do
                        let steps =
                            host.Loop.StartChain(
                                chain {
                                    nop
                                    nop
                                    nop
                                },
                                CancellationToken.None
                            )

                        for step in steps do
                            Expect.equal (step.AsTask() |> finish "step") 0 "ran")

            Task.WhenAll(Array.init 4 submitter) |> finished "submitters"
            ignore file)
    ]

let private obstacles =
    testList "steps that cannot begin" [
        case "a closed descriptor: none runs" (fun host file ->
            let other = runOn host (File.openRead "/dev/null")
            runOn host (File.close other)

            let steps =
                chain {
                    FileRequest.write file.Descriptor (text "abc") 0L
                    FileRequest.read other.Descriptor (memory 1) 0L
                    nop
                }

            Expect.equal
                (runOn host (Chains.run steps))
                [ StepOutcome.Cancelled; StepOutcome.Failed Errno.EBADF; StepOutcome.Cancelled ]
                "outcome"

            Expect.equal (FileInfo file.Path).Length 0L "nothing written")

        // A step whose memory could not be pinned once failed after its forerunner had been written with LINK, and that link
        // bound whatever was submitted next: here a stranger's operation.
        testCase "memory that cannot be pinned: none runs, and no stranger is linked" (fun () ->
            inFolder (fun folder ->
                withLoopOf LinuxKernel.Instance small (fun host ->
                    let file = runOn host (File.create (Path.Combine(folder, "file")))
                    use unpinnable = new UnpinnableMemory()

                    let program =
                        uring {
                            let! loop = Uring.loop

                            let steps =
                                loop.StartChain(
                                    chain {
                                        FileRequest.openPath
                                            (file.Path + ".missing")
                                            OpenFlags.Read
                                            UnixFileMode.None

                                        FileRequest.read file.Descriptor unpinnable.Memory 0L
                                    },
                                    CancellationToken.None
                                )

                            // Submitted right after it, in the same batch.
                            let! stranger = Uring.attempt (FileRequest.write file.Descriptor (text "x") 0L)
                            let! first = steps[0]
                            let! second = Uring.catch (uring { return! steps[1] })
                            return first, second, stranger
                        }

                    let first, second, stranger = runOn host program
                    Expect.equal stranger 1 "the stranger has written"
                    Expect.equal (Errno.ofResult first) Errno.ECANCELED "nothing ran"
                    Expect.isError second "the reason")))
    ]

let private limits =
    testList "link-timeout" [
        case "ends a step that takes too long" (fun host _ ->
            let struct (ours, theirs) = connectPair host

            let steps =
                chain {
                    receive ours
                    Uring.within (TimeSpan.FromMilliseconds 20.0)
                }

            Expect.equal
                (runOn host (Chains.run steps))
                [ StepOutcome.Cancelled; StepOutcome.Failed Errno.ETIME ]
                "outcome"

            theirs.Dispose())

        case "leaves a step alone that is in time" (fun host _ ->
            let struct (ours, theirs) = connectPair host
            theirs.Send "x"B |> ignore

            let steps =
                chain {
                    receive ours
                    Uring.within (TimeSpan.FromHours 1.0)
                }

            Expect.equal
                (runOn host (Chains.run steps))
                [ StepOutcome.Ran 1; StepOutcome.Cancelled ]
                "outcome"

            theirs.Dispose())

        case "bounds the step before it only" (fun host _ ->
            let struct (ours, theirs) = connectPair host

            let steps =
                chain {
                    nop
                    Uring.pause (TimeSpan.FromMilliseconds 30.0)
                    receive ours
                    Uring.within (TimeSpan.FromMilliseconds 20.0)
                    nop
                }

            Expect.equal
                (runOn host (Chains.run steps))
                [
                    StepOutcome.Ran 0
                    StepOutcome.Failed Errno.ETIME
                    StepOutcome.Cancelled
                    StepOutcome.Failed Errno.ETIME
                    StepOutcome.Cancelled
                ]
                "outcome"

            theirs.Dispose())

        case "a timer breaks a chain, a pause does not" (fun host _ ->
            let steps =
                chain {
                    Uring.pause (TimeSpan.FromMilliseconds 1.0)
                    timerOf 1.0
                    nop
                }

            Expect.equal
                (runOn host (Chains.run steps))
                [ StepOutcome.Failed Errno.ETIME; StepOutcome.Failed Errno.ETIME; StepOutcome.Cancelled ]
                "outcome")
    ]

let private waiting host =
    let struct (ours, theirs) = connectPair host
    theirs, ours

let private cancellation =
    testList "cancel" [
        case "ends a chain that waits" (fun host _ ->
            let _, ours = waiting host
            use source = new CancellationTokenSource()

            let steps =
                host.Loop.StartChain(
                    chain {
                        receive ours
                        nop
                    },
                    source.Token
                )

            eventually "in flight" (fun () -> host.Loop.InFlight = 2)
            source.Cancel()

            for step in steps do
                Expect.equal (Errno.ofResult (step.AsTask() |> finish "step")) Errno.ECANCELED "cancelled"

            Expect.equal host.Loop.InFlight 0 "none left")

        // It answers the cancel with ENOENT, because it has not started; the hard link then starts it.
        let hardened = Chain.hardened (Chain.single (timerOf 3_600_000.0))

        testCase "ends a follower that a hard link starts" (fun () ->
            withLoopOf LinuxKernel.Instance small (fun host ->
                let _, ours = waiting host
                use source = new CancellationTokenSource()
                let all = Chain.append hardened (Chain.single (receive ours))
                let steps = host.Loop.StartChain(all, source.Token)
                eventually "in flight" (fun () -> host.Loop.InFlight = 2)
                source.Cancel()

                for step in steps do
                    ended "step" (step.AsTask())))

        testCase "dispose ends a follower that a hard link starts" (fun () ->
            let host = startLoop LinuxKernel.Instance small
            let _, ours = waiting host
            let all = Chain.append hardened (Chain.single (receive ours))
            let steps = host.Loop.StartChain(all, CancellationToken.None)
            eventually "in flight" (fun () -> host.Loop.InFlight = 2)
            stopLoop host

            for step in steps do
                ended "step" (step.AsTask()))
    ]

[<Tests>]
let tests = testSequenced <| testList "Link" [ links; obstacles; limits; cancellation ]
