/// Guarded pools: they work as others do, and whoever touches a buffer that is the kernel's dies at that instruction,
/// which takes a process of its own to see.
module Uring.Tests.Linux.GuardedPoolTests

open System
open System.Runtime.CompilerServices
open System.Runtime.InteropServices
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Tests.Linux.Hosting
open Uring.Tests.Linux.Receiving

let private guarded count size = { BufferPoolOptions.fixedOf count size with Guarded = true }

let private working =
    testList "works" [
        for name, options in
            [
                "in pages", guarded 4 4096
                "in buffers that are no whole pages", guarded 3 5000
                "in tiny ones", guarded 8 1
                "while it grows", { guarded 2 100 with Limit = 7; PerStream = 3 }
                "incrementally", { guarded 3 10_000 with Incremental = true }
                "with bundles", { guarded 16 1000 with Bundles = true }
            ] do
            testCase $"{name}: every byte" (fun () ->
                let kernel = FaultyKernel()

                withReceiverOf kernel options (fun receiver ->
                    let length = 3000 * min 100 options.BufferSize
                    let data = pattern 1 length
                    let writing = sending receiver.Peer data
                    sameBytes data (takeBytes receiver data.Length) "received"
                    finished "writer" writing)

                Expect.equal (kernel.OpenMaps, kernel.Strays) (0, 0) "both views are unmapped")

        testCase "the memory that runs short is told of, and nothing is left mapped" (fun () ->
            for refused in 2..3 do
                let kernel = FaultyKernel()

                withLoopOf kernel small (fun host ->
                    let before = kernel.OpenMaps
                    let mutable calls = 0

                    kernel.OnMap <-
                        fun _ ->
                            calls <- calls + 1
                            if calls = refused then Answer.Before Uring.Model.Errno.ENOMEM else Answer.Real

                    match failureOf (fun () -> runOn host (BufferPool.create (guarded 4 64))) with
                    | :? Uring.UringUnavailableException -> ()
                    | other -> failtest $"map {refused}: {other}"

                    Expect.equal kernel.OpenMaps before "nothing is left mapped"))
    ]

/// What the child does with a buffer that it has given back.
[<Struct>]
type private Touch =
    | Nothing
    | Reads
    | Writes
    /// Through memory whose address is still known, when it has been lent to others and back.
    | ReadsLater

[<MethodImpl(MethodImplOptions.NoInlining)>]
let private keepSpan (receiver: Receiver) (touch: Touch) =
    let lease = leaseOf receiver "abc"B
    let neighbour = leaseOf receiver "def"B
    let span = lease.Span
    lease.Dispose()
    eventually "it is back" (fun () -> receiver.Pool.Available = 3)

    if touch = ReadsLater then
        for round in 1..10 do
            (leaseOf receiver [| byte round |]).Dispose()

        eventually "they are back" (fun () -> receiver.Pool.Available = 3)

    let found =
        match touch with
        | Nothing -> 0uy
        | Reads
        | ReadsLater -> span[0]
        | Writes ->
            span[0] <- 1uy
            0uy

    // Who is lent is untouched by all this.
    Expect.equal (neighbour.Span.ToArray()) "def"B "the neighbour"
    neighbour.Dispose()
    int found

let private live touch () =
    withReceiver (guarded 4 64) (fun receiver -> keepSpan receiver touch |> ignore)
    Console.WriteLine "alive"
    0

/// For Main.fs.
let children = [
    "guard: nothing", live Nothing
    "guard: reads", live Reads
    "guard: writes", live Writes
    "guard: reads later", live ReadsLater
]

/// SIGSEGV, as the runtime passes it on: it writes what happened, and aborts.
let private isFault exitCode (said: string) =
    exitCode = 139 || (exitCode = 134 && said.Contains "AccessViolationException")

let private dying =
    testList "a buffer that was given back" [
        testCase "can be kept by who does not touch it" (fun () ->
            let struct (exitCode, said) = ChildProcess.run [] "guard: nothing"
            Expect.equal (exitCode, said) (0, "alive") "lives")

        for name in [ "guard: reads"; "guard: writes"; "guard: reads later" ] do
            testCase $"kills who touches it ({name})" (fun () ->
                let struct (exitCode, said) = ChildProcess.run [] name
                Expect.isTrue (isFault exitCode said) $"exit code {exitCode}: {said}"
                Expect.stringContains said "keepSpan" "where"
                Expect.isFalse (said.Contains "alive") "at once")
    ]

[<Tests>]
let tests = testSequenced <| testList "Guarded pool" [ working; dying ]
