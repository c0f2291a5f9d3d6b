/// Pools on kernels that refuse: short memory is told of with its remedy and leaves nothing behind, a mode that is
/// missing leads to the next one, and huge pages are a wish.
module Uring.Tests.Linux.PoolFailureTests

open System
open System.IO
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting
open Uring.Tests.Linux.Receiving

let private fixedOf = BufferPoolOptions.fixedOf

/// The pool is refused for want of memory, and nothing is left mapped.
let private noMemory name (options: BufferPoolOptions) (refuse: FaultyKernel -> unit) =
    testCase name (fun () ->
        let kernel = FaultyKernel()

        withLoopOf kernel small (fun host ->
            let before = kernel.OpenMaps
            refuse kernel

            match failureOf (fun () -> runOn host (BufferPool.create options)) with
            | :? UringUnavailableException as reason ->
                Expect.equal reason.Refusal Refusal.NoMemory "the cause"
                Expect.stringContains (reason.Message.ToLowerInvariant()) "memlock" "the remedy"
            | other -> failtest $"{other}"

            Expect.equal (kernel.OpenMaps, kernel.Strays) (before, 0) "nothing is left mapped"
            kernel.OnMap <- Answer.real
            kernel.OnRegister <- Answer.real
            // The next one works.
            let receiver = receiver host (runOn host (BufferPool.create options))
            (leaseOf receiver "abc"B).Dispose()
            drop receiver))

let private onRegister answer (opcode: RegisterOpcode) =
    if opcode = RegisterOpcode.BufferRing then answer () else Answer.Real

let private shortage =
    testList "without memory" [
        noMemory "to register the ring" (fixedOf 4 64) (fun kernel ->
            kernel.OnRegister <- onRegister (fun () -> Answer.Before Errno.ENOMEM))

        noMemory "to map the ring" (fixedOf 4 64) (fun kernel ->
            kernel.OnMap <- Answer.times 1 (Answer.Before Errno.ENOMEM))

        noMemory "to map the buffers" (fixedOf 4 64) (fun kernel ->
            let mutable calls = 0

            kernel.OnMap <-
                fun _ ->
                    calls <- calls + 1
                    if calls = 2 then Answer.Before Errno.ENOMEM else Answer.Real)

        testCase "more buffers than there can be are refused by the real kernel" (fun () ->
            let kernel = FaultyKernel()

            withLoopOf kernel small (fun host ->
                let before = kernel.OpenMaps

                // 32 TiB.
                match failureOf (fun () -> runOn host (BufferPool.create (fixedOf 32768 (1 <<< 30)))) with
                | :? UringUnavailableException as reason ->
                    Expect.equal reason.Refusal Refusal.NoMemory "the cause"
                | other -> failtest $"{other}"

                Expect.equal kernel.OpenMaps before "nothing is left mapped"))

        testCase "to grow, it goes on with what it has, and grows when there is memory again" (fun () ->
            let kernel = FaultyKernel()

            withReceiverOf kernel { fixedOf 2 16 with Limit = 6 } (fun receiver ->
                kernel.OnMap <- Answer.always (Answer.Before Errno.ENOMEM)
                let data = pattern 1 10_000
                let writing = sending receiver.Peer data
                sameBytes data (takeBytes receiver data.Length) "received"
                finished "writer" writing
                Expect.equal receiver.Pool.Count 2 "as before"
                kernel.OnMap <- Answer.real
                let held = [ for index in 1..4 -> leaseOf receiver [| byte index |] ]
                Expect.equal receiver.Pool.Count 4 "grown"

                for lease in held do
                    lease.Dispose()

                allBack receiver.Pool))
    ]

/// What a pool can do shows in the capacity of a short lease: incremental parts have none to spare.
let private modes =
    let receives (receiver: Receiver) =
        let data = pattern 2 5000
        let writing = sending receiver.Peer data
        sameBytes data (takeBytes receiver data.Length) "received"
        finished "writer" writing
        // A plain receive that waits holds one.
        if receiver.Pool.IsRing then allBack receiver.Pool

    let falling name options refusals (check: Receiver -> int -> unit) =
        testCase name (fun () ->
            let kernel = FaultyKernel()
            let answer = Answer.times refusals (Answer.Before Errno.EINVAL)
            kernel.OnRegister <- onRegister answer

            withReceiverOf kernel options (fun receiver ->
                let lease = leaseOf receiver "abc"B
                let capacity = lease.Capacity
                lease.Dispose()
                check receiver capacity
                receives receiver)

            Expect.equal (kernel.OpenMaps, kernel.Strays) (0, 0) "nothing is left mapped")

    let incremental = { fixedOf 4 64 with Incremental = true }

    testList "a kernel without" [
        falling "nothing: incremental" incremental 0 (fun receiver capacity ->
            Expect.equal (receiver.Pool.IsRing, capacity) (true, 3) "a ring, in parts")

        falling "incremental rings: whole buffers" incremental 1 (fun receiver capacity ->
            Expect.equal (receiver.Pool.IsRing, capacity) (true, 64) "a ring, whole")

        falling "rings: plain receives" incremental 2 (fun receiver capacity ->
            Expect.equal (receiver.Pool.IsRing, capacity) (false, 64) "no ring")

        falling "rings, when whole ones were wanted" (fixedOf 4 64) 1 (fun receiver capacity ->
            Expect.equal (receiver.Pool.IsRing, capacity) (false, 64) "no ring")

        testCase "bundles: one buffer at a time" (fun () ->
            withReceiverOf
                (FaultyKernel(Hidden = [ Opcode.Pipe ]))
                { fixedOf 16 64 with Bundles = true }
                (fun receiver ->
                    Expect.isFalse receiver.Pool.UsesBundles "none"
                    receives receiver))

        testCase "multishot receive: plain receives, and pools that grow all the same" (fun () ->
            let options = { fixedOf 2 64 with Limit = 5; Incremental = true; Bundles = true }

            withReceiverOf (FaultyKernel(Hidden = [ Opcode.SendZeroCopy ])) options (fun receiver ->
                Expect.isFalse (receiver.Pool.IsRing || receiver.Pool.UsesBundles) "plain"
                let held = [ for index in 1..4 -> leaseOf receiver [| byte index |] ]
                Expect.isGreaterThanOrEqual receiver.Pool.Count 4 "grown"

                for lease in held do
                    lease.Dispose()

                let data = pattern 2 5000
                let writing = sending receiver.Peer data
                sameBytes data (takeBytes receiver data.Length) "received"
                finished "writer" writing))
    ]

let private hugePages = "/proc/sys/vm/nr_hugepages"

let private huge =
    let wish = { fixedOf 8 (1 <<< 20) with HugePages = true }

    let receives (receiver: Receiver) =
        let data = pattern 4 (10 <<< 20)
        let writing = sending receiver.Peer data
        sameBytes data (takeBytes receiver data.Length) "received"
        finished "writer" writing

    testList "huge pages" [
        testCase "that the system does not keep are ordinary ones" (fun () ->
            if (File.ReadAllText hugePages).Trim() <> "0" then skiptest "this system keeps some"

            withReceiver wish (fun receiver ->
                Expect.isFalse receiver.Pool.HasHugePages "none to be had"
                receives receiver))

        testCase "that the system keeps are used, and given back" (fun () ->
            let before = File.ReadAllText hugePages

            let isAllowed = isNull (failureOf (fun () -> File.WriteAllText(hugePages, "8")))
            if not isAllowed then skiptest "only root may ask for them"

            try
                let free () =
                    File.ReadLines "/proc/meminfo"
                    |> Seq.find (fun line -> line.StartsWith "HugePages_Free:")

                let unused = free ()

                if unused.EndsWith " 0" then skiptest "no memory for them"

                withReceiver wish (fun receiver ->
                    Expect.isTrue receiver.Pool.HasHugePages "used"
                    receives receiver)

                Expect.equal (free ()) unused "given back"
            finally
                File.WriteAllText(hugePages, before))
    ]

/// With a memlock limit of 64 KiB: a pool that is too large is refused with the cause, a small one works.
let private limited () =
    withLoopOf LinuxKernel.Instance small (fun host ->
        match failureOf (fun () -> runOn host (BufferPool.create (fixedOf 32768 16))) with
        | :? UringUnavailableException as reason -> Console.WriteLine reason.Message
        | other -> failtest $"{other}"

        let receiver = receiver host (runOn host (BufferPool.create (fixedOf 16 64)))
        (leaseOf receiver "abc"B).Dispose()
        drop receiver)

    0

/// For Main.fs.
let children = [ "memlock", limited ]

let private real =
    testList "a real limit" [
        testCase "of locked memory is named with its remedy" (fun () ->
            // Root is exempt by way of a capability, which it can go without.
            let without =
                if Environment.UserName = "root" then [ "setpriv"; "--bounding-set=-ipc_lock" ] else []

            let struct (exitCode, said) =
                ChildProcess.run (without @ [ "prlimit"; "--memlock=65536" ]) "memlock"

            Expect.equal exitCode 0 said
            Expect.stringContains said "RLIMIT_MEMLOCK" "the cause"
            Expect.stringContains said "ulimit -l" "the remedy")
    ]

[<Tests>]
let tests = testSequenced <| testList "Pool failure" [ shortage; modes; huge; real ]
