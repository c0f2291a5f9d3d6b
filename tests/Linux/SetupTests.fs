/// What becomes of a loop where io_uring is refused, short of memory or old: the next rung, or a cause and a remedy.
module Uring.Tests.Linux.SetupTests

open System
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

let private expectClean (kernel: FaultyKernel) =
    Expect.equal (kernel.OpenRings, kernel.OpenMaps, kernel.Strays) (0, 0, 0) "rings, mappings, strays"

/// A loop cannot be had: the exception says why.
let private refused (kernel: FaultyKernel) : Uring.UringUnavailableException =
    let failure = failureOf (fun () -> startLoop kernel LoopOptions.standard)
    expectClean kernel

    match failure with
    | :? Uring.UringUnavailableException as expected -> expected
    | other -> failtest $"expected Uring.UringUnavailableException, but: {other}"

/// Work that needs the ring to complete, to be woken and to wait: one operation here, one from elsewhere, a timer.
let private works (kernel: FaultyKernel) options (check: Loop -> unit) =
    withLoopOf kernel options (fun host ->
        let program =
            uring {
                let! first = Uring.nop
                do! Uring.sleep (TimeSpan.FromMilliseconds 1.0)
                let! second = Uring.nop
                return first + second
            }

        Expect.equal (runOn host program) 0 "program"

        for _ in 1..50 do
            Expect.equal (attempt host nop) 0 "from another thread"

        let burst = [| for _ in 1..100 -> startAs host nop Threading.CancellationToken.None |]
        Task.WhenAll burst |> finish "burst" |> ignore
        check host.Loop)

    expectClean kernel

let private refusals =
    testList "refused" [
        let cases = [
            Errno.EPERM, Refusal.Forbidden, "io_uring_disabled"
            Errno.EACCES, Refusal.Forbidden, "seccomp"
            Errno.ENOSYS, Refusal.NoSystemCall, "5.11"
            Errno.EMFILE, Refusal.TooManyFiles, "ulimit -n"
            Errno.ENFILE, Refusal.TooManyFiles, "ulimit -n"
            Errno.ENOMEM, Refusal.NoMemory, "ulimit -l"
            Errno.EINVAL, Refusal.TooOld, "6.1"
            Errno.EFAULT, Refusal.Unexpected Errno.EFAULT, "EFAULT"
        ]

        for errno, refusal, remedy in cases do
            testCase $"{errno} at io_uring_setup" (fun () ->
                let kernel = FaultyKernel(OnSetup = Answer.always (Answer.Before errno))
                let failure = refused kernel
                Expect.equal failure.Refusal refusal "cause"
                Expect.stringContains failure.Message remedy "remedy"
                Expect.isLessThan kernel.Setups 40 "it gives up")

        for failing in [ 1; 2 ] do
            testCase $"EPERM at mapping {failing}" (fun () ->
                let kernel = FaultyKernel()
                let left = ref failing

                kernel.OnMap <-
                    fun _ ->
                        left.Value <- left.Value - 1

                        if left.Value = 0 then Answer.Before Errno.EPERM else Answer.Real

                Expect.stringContains (refused kernel).Message "EPERM" "cause")

        for failing in [ 1; 2 ] do
            testCase $"ENOMEM at mapping {failing} is short memory: a smaller ring" (fun () ->
                let kernel = FaultyKernel()
                let left = ref failing

                kernel.OnMap <-
                    fun _ ->
                        left.Value <- left.Value - 1

                        if left.Value = 0 then Answer.Before Errno.ENOMEM else Answer.Real

                works kernel LoopOptions.standard (fun loop ->
                    Expect.equal loop.Plan.Setup.Entries 128u "half of 256"))

        testCase "ENOMEM at every mapping names the memory limit" (fun () ->
            let failure = refused (FaultyKernel(OnMap = Answer.always (Answer.Before Errno.ENOMEM)))
            Expect.equal failure.Refusal Refusal.NoMemory "cause")

        // Seccomp may allow io_uring_setup and refuse io_uring_register.
        for opcode in [ RegisterOpcode.Probe; RegisterOpcode.EnableRings ] do
            testCase $"EPERM at {opcode} is a refusal, too" (fun () ->
                let kernel = FaultyKernel()

                kernel.OnRegister <-
                    fun asked -> if asked = opcode then Answer.Before Errno.EPERM else Answer.Real

                let failure =
                    failureOf (fun () ->
                        withLoopOf kernel LoopOptions.standard (fun host -> runOn host Uring.nop))

                match failure with
                | :? Uring.UringUnavailableException as expected ->
                    Expect.equal expected.Refusal Refusal.Forbidden "cause"
                | other -> failtest $"{other}"

                expectClean kernel)
    ]

let private ladder =
    testList "ladder" [
        for short in [ 1; 2; 3 ] do
            testCase $"ENOMEM {short} times halves the ring {short} times" (fun () ->
                let kernel = FaultyKernel(OnSetup = Answer.times short (Answer.Before Errno.ENOMEM))

                works kernel LoopOptions.standard (fun loop ->
                    let setup = loop.Plan.Setup

                    Expect.equal
                        (setup.Entries, setup.Completions)
                        (256u >>> short, 4096u >>> short)
                        "sizes"))

        let newer = [
            SetupFlags.NoSubmissionArray, 1
            SetupFlags.DeferTaskrun, 2
            SetupFlags.SingleIssuer, 2
            SetupFlags.TaskrunFlag, 3
            SetupFlags.CooperativeTaskrun ||| SetupFlags.DeferTaskrun, 3
            SetupFlags.SubmitAll, 4
            SetupFlags.Disabled, 5
        ]

        for unknown, rung in newer do
            testCase $"a kernel without {unknown} gets rung {rung}" (fun () ->
                let kernel = FaultyKernel()
                kernel.RefuseFlags unknown

                works kernel small (fun loop ->
                    Expect.equal loop.Plan.Setup.Flags Features.ladder[rung] "flags"
                    Expect.equal kernel.Setups (rung + 1) "one try per rung"))

        for rung in Features.ladder do
            for name, way in ways do
                testCase $"{rung}, woken by {name}" (fun () ->
                    let kernel = FaultyKernel()

                    kernel.OnSetup <-
                        fun flags ->
                            if flags = rung || flags = Features.plain then
                                Answer.Real
                            else
                                Answer.Before Errno.EINVAL

                    works kernel { small with Wake = way } (fun loop ->
                        Expect.equal loop.Plan.Setup.Flags rung "rung"
                        Expect.equal loop.Wake way "way of waking"))
    ]

let private wakes =
    testList "wake" [
        let refuseMessages (kernel: FaultyKernel) =
            kernel.OnRegister <-
                fun opcode ->
                    if opcode = RegisterOpcode.SendMessage then Answer.Before Errno.EINVAL else Answer.Real

        testCase "without SEND_MSG_RING a second ring sends" (fun () ->
            let kernel = FaultyKernel()
            refuseMessages kernel
            works kernel small (fun loop -> Expect.equal loop.Wake Wake.MessageRing "next way"))

        testCase "without MSG_RING the loop looks up by itself" (fun () ->
            let kernel = FaultyKernel(Hidden = [ Opcode.MessageRing ])
            refuseMessages kernel
            works kernel small (fun loop -> Expect.equal loop.Wake Wake.Poll "last way"))

        testCase "without a second ring the loop looks up by itself" (fun () ->
            let kernel = FaultyKernel()
            refuseMessages kernel

            kernel.OnSetup <-
                fun flags -> if flags = Features.plain then Answer.Before Errno.ENOMEM else Answer.Real

            works kernel small (fun loop -> Expect.equal loop.Wake Wake.Poll "last way"))

        testCase "a kernel without worker limits loses nothing" (fun () ->
            let kernel = FaultyKernel()

            kernel.OnRegister <-
                fun opcode ->
                    if opcode = RegisterOpcode.WorkerLimits then Answer.Before Errno.EINVAL else Answer.Real

            works kernel small ignore)

        testCase "an opcode that the kernel lacks is named, with its first version" (fun () ->
            let kernel = FaultyKernel(Hidden = [ Opcode.GetAttributeOfFile ])

            withLoopOf kernel small (fun host ->
                let descriptor = host.Loop.Own 0
                let request = FileRequest.attribute descriptor "user.note" 0
                GC.SuppressFinalize descriptor
                Expect.equal (errnoOf host request) Errno.ENOSYS "as a result"

                match failureOf (fun () -> runOn host (Uring.perform request)) with
                | :? PlatformNotSupportedException as failure ->
                    Expect.stringContains failure.Message "GetAttributeOfFile" "opcode"
                    Expect.stringContains failure.Message "5.19" "version"
                | other -> failtest $"{other}"))
    ]

[<Tests>]
let tests = testSequenced <| testList "Setup" [ refusals; ladder; wakes ]
