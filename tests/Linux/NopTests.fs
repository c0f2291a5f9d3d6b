/// NOPs on the way of other operations: what they look up, and what they end with.
module Uring.Tests.Linux.NopTests

open System
open System.IO
open System.Threading
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

type private Facade = global.Uring.UringFile
type private RingNop = global.Uring.RingNop

let private direct = { LoopOptions.standard with DirectDescriptors = 2 }

let private case name (body: LoopThread -> unit) =
    testCase name (fun () -> withLoopOf LinuxKernel.Instance direct body)

let private mode = UnixFileMode.UserRead
let private perform host options = runOn host (Nop.perform options)

/// What the request ends with, without its checks.
let private resultOf (host: LoopThread) options = attempt host (Nop.request host.Loop options)

let private lookups =
    testList "looks up" [
        case "a file, a direct one, and one that is closed" (fun host ->
            let file = runOn host (File.openRead "/dev/null")
            let slot = runOn host (File.makeDirect file)

            Expect.equal
                (perform host { Nop.plain with Descriptor = file.Descriptor; Result = 5 })
                5
                "a file"

            Expect.equal
                (perform host { Nop.plain with Descriptor = slot.Descriptor; Result = 6 })
                6
                "direct"

            // Slot and descriptor may have the same number: what the kernel is told says which is meant.
            let flagsOf options = (Nop.request host.Loop options).Submission.OpFlags
            let file' = flagsOf { Nop.plain with Descriptor = file.Descriptor }
            let slot' = flagsOf { Nop.plain with Descriptor = slot.Descriptor }
            Expect.equal (file', slot') (OpFlags.NopFile, OpFlags.NopFile ||| OpFlags.NopFixedFile) "flags"
            runOn host (File.close slot)

            match failureOf (fun () -> perform host { Nop.plain with Descriptor = slot.Descriptor }) with
            | :? ObjectDisposedException -> ()
            | other -> failtest $"{other}"

            // The number of nobody: what the kernel says.
            let bare flags fd = Request.bare (Submission.nopLike fd 7 flags 0us)
            Expect.equal (errnoOf host (bare OpFlags.NopFile -1)) Errno.EBADF "no descriptor"

            let empty = bare (OpFlags.NopFile ||| OpFlags.NopFixedFile) 1
            Expect.equal (errnoOf host empty) Errno.EBADF "an empty slot"
            Expect.equal (attempt host (bare 0u -1)) 0 "nothing to look up"
            runOn host (File.close file))

        case "a registered buffer, and a slot without one" (fun host ->
            let buffer = runOn host (RegisteredBuffer.create 64)
            Expect.isTrue buffer.IsRegistered "registered"
            Expect.equal (perform host { Nop.plain with Buffer = buffer; Result = 8 }) 8 "there"
            let missing = Submission.nopLike -1 8 (OpFlags.NopFixedBuffer ||| OpFlags.InjectResult) 999us
            Expect.equal (errnoOf host (Request.bare missing)) Errno.EFAULT "no such slot"
            runOn host (RegisteredBuffer.close buffer)

            match failureOf (fun () -> perform host { Nop.plain with Buffer = buffer }) with
            | :? ObjectDisposedException -> ()
            | other -> failtest $"{other}")

        case "and what it looks up stays until it ends" (fun host ->
            // In a chain behind a timer it waits, and the buffer is not given up before.
            let buffer = runOn host (RegisteredBuffer.create 64)

            let running =
                startOn
                    host
                    (uring {
                        let! loop = Uring.loop

                        return!
                            Chains.run (
                                chain {
                                    Uring.pause (TimeSpan.FromMilliseconds 50.0)
                                    Nop.request loop { Nop.plain with Buffer = buffer }
                                }
                            )
                    })

            eventually "in flight" (fun () -> host.Loop.InFlight = 2)
            let closing = buffer.Close()
            Expect.isFalse closing.IsCompleted "in use"
            let outcome = finish "chain" running
            Expect.equal (List.last outcome) (StepOutcome.Ran 0) "it was there"
            finished "close" closing)

        case "what is another ring's is refused" (fun host ->
            withLoopOf LinuxKernel.Instance direct (fun other ->
                let file = runOn other (File.openRead "/dev/null")
                let buffer = runOn other (RegisteredBuffer.create 64)

                for options in
                    [ { Nop.plain with Descriptor = file.Descriptor }; { Nop.plain with Buffer = buffer } ] do
                    match failureOf (fun () -> perform host options) with
                    | :? ArgumentException -> ()
                    | other -> failtest $"{other}"

                runOn other (File.close file)
                runOn other (RegisteredBuffer.close buffer)))
    ]

let private endings =
    testList "ends" [
        case "by task work: the same, later" (fun host ->
            Expect.equal (perform host { Nop.plain with ByTaskWork = true; Result = 9 }) 9 "result"

            match failureOf (fun () -> perform host { Nop.plain with ByTaskWork = true; Result = -28 }) with
            | :? IOException as reason -> Expect.equal reason.HResult 28 "ENOSPC"
            | other -> failtest $"{other}")

        case "with EINVAL, when a flag is unknown" (fun host ->
            for unknown in [ 0x20u; 0x40u ] do
                let request = Request.bare (Submission.nopLike -1 0 unknown 0us)
                Expect.equal (errnoOf host request) Errno.EINVAL $"{unknown}")

        case "with the file's error rather than its own result" (fun host ->
            let flags = OpFlags.InjectResult ||| OpFlags.NopFile ||| OpFlags.NopTaskWork

            Expect.equal
                (errnoOf host (Request.bare (Submission.nopLike -1 3 flags 0us)))
                Errno.EBADF
                "EBADF")

        case "cancelled before, and too late" (fun host ->
            let late =
                Uring.startOn
                    host
                    (CancellationToken true)
                    (Nop.perform { Nop.plain with ByTaskWork = true })

            ended "late" late
            Expect.isTrue late.IsCanceled "before"
            use source = new CancellationTokenSource()
            let done' = Uring.startOn host source.Token (Nop.perform { Nop.plain with Result = 3 })
            Expect.equal (finish "nop" done') 3 "result"
            source.Cancel()
            Expect.equal done'.Result 3 "after")
    ]

/// Kernels without these features, and without the opcodes of the same age.
let private older =
    let isTooOld since lacks hidden options =
        testCase $"before {since} it is refused" (fun () ->
            let kernel = FaultyKernel(Lacks = lacks, Hidden = hidden)

            withLoopOf kernel direct (fun host ->
                let file = runOn host (File.openRead "/dev/null")

                match failureOf (fun () -> perform host (options file)) with
                | :? PlatformNotSupportedException as reason ->
                    Expect.stringContains reason.Message $"Linux {since}" "which"
                | other -> failtest $"{other}"

                runOn host (File.close file)))

    testList "older kernels" [
        isTooOld "6.17" FeatureFlags.None [ Opcode.Pipe ] (fun _ -> { Nop.plain with ByTaskWork = true })
        isTooOld "6.13" FeatureFlags.ReadWriteAttributes [] (fun file -> {
            Nop.plain with
                Descriptor = file.Descriptor
        })
        isTooOld "6.10" (FeatureFlags.ReadWriteAttributes ||| FeatureFlags.Bundle) [] (fun _ -> {
            Nop.plain with
                Result = 1
        })

        testCase "nopWith before 6.10, which would say 0" (fun () ->
            let kernel = FaultyKernel(Lacks = FeatureFlags.Bundle)

            withLoopOf kernel direct (fun host ->
                match failureOf (fun () -> runOn host (Uring.nopWith -28)) with
                | :? PlatformNotSupportedException -> ()
                | other -> failtest $"{other}"

                Expect.equal (runOn host Uring.nop) 0 "a plain one works"))
    ]

let private facade =
    testList "C#" [
        Observe.tidyCase "a file, a socket, a buffer, a result, and task work" (fun () ->
            task {
                use ring = new Uring.Ring(Uring.RingOptions(DirectDescriptors = 2))
                use! file = Facade.OpenAsync("/dev/null", FileMode.Open, FileAccess.Read, ring)
                use! slot = file.MakeDirectAsync()
                use! buffer = ring.RegisterBufferAsync 64
                use! socket = Uring.UringSocket.BindAsync(loopback, ring)
                let! first = ring.NopAsync(RingNop())
                let! one = ring.NopAsync(RingNop(File = file, Result = 1))
                let! two = ring.NopAsync(RingNop(File = slot, Buffer = buffer, Result = 2))
                let! three = ring.NopAsync(RingNop(Socket = socket, ByTaskWork = true, Result = 3))
                Expect.equal (first, one, two, three) (0, 1, 2, 3) "results"
                let both = RingNop(File = file, Socket = socket)
                let ask (nop: RingNop) () = Observe.discard (ring.NopAsync nop)
                let! _ = Observe.raises<ArgumentException> "both" (ask both)
                do! slot.DisposeAsync()
                let! _ = Observe.raises<ObjectDisposedException> "closed" (ask (RingNop(File = slot)))

                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> RingNop(Result = -4096) |> ignore)
                    "no error"

                use other = new Uring.Ring()
                let elsewhere () = Observe.discard (other.NopAsync(RingNop(File = file)))
                let! _ = Observe.raises<ArgumentException> "another ring's" elsewhere
                ()
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "Nop" [ lookups; endings; older; facade ]
