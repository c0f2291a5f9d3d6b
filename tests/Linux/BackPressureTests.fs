/// Many receivers on one pool: a slow one takes no more than its share, incremental buffers are used by several
/// connections at once, bundles fill many buffers, and a small completion queue overflows. Every byte arrives, in order.
module Uring.Tests.Linux.BackPressureTests

open System
open System.IO
open System.Net.Sockets
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting
open Uring.Tests.Linux.Receiving

let private fixedOf = BufferPoolOptions.fixedOf

/// In pieces of random sizes.
let private sendPieces (peer: Peer) (seed: int) most (data: byte array) =
    Task.Run(fun () ->
        let random = Random seed
        let mutable sent = 0

        while sent < data.Length do
            let length = min (random.Next(1, most + 1)) (data.Length - sent)
            sent <- sent + peer.Send(data, sent, length, SocketFlags.None)

        peer.Shutdown SocketShutdown.Send)

/// To the end of the stream; some leases are kept for a while.
let private drain (receiver: Receiver) (seed: int) (keep: int) : Uring<byte array> =
    uring {
        let random = Random seed
        let held = Collections.Generic.Queue<BufferLease>()
        let received = new MemoryStream()

        for lease in receiver.Stream do
            received.Write lease.Span
            held.Enqueue lease

            while held.Count > random.Next(0, keep + 1) do
                held.Dequeue().Dispose()

        for lease in held do
            lease.Dispose()

        return received.ToArray()
    }

/// So many connections at once on one pool, each with data of its own. Where there are buffers enough for that, each
/// keeps up to two leases; else all of them together could hold the last one, and wait for each other.
let private together (kernel: IKernel) loopOptions (options: BufferPoolOptions) count length most =
    let keep = if options.Limit > 2 * count then 2 else 0

    withLoopOf kernel loopOptions (fun host ->
        let pool = runOn host (BufferPool.create options)
        let receivers = [ for _ in 1..count -> receiver host pool ]
        let data = [ for index in 1..count -> pattern index length ]

        let writing = [
            for index, one in List.indexed receivers -> sendPieces one.Peer index most data[index]
        ]

        let received =
            receivers
            |> List.mapi (fun index one -> drain one index keep)
            |> Uring.``parallel``
            |> runOn host

        Task.WhenAll writing |> finished "writers"

        for index, found in Array.indexed received do
            sameBytes data[index] found $"connection {index}"

        allBack pool
        Expect.equal pool.Statistics.Leased 0 "no lease is left"
        let struct (kernels, ours) = host.Loop.Call(fun () -> pool.Heads()).AsTask() |> finish "heads"
        Expect.isTrue (not pool.IsRing || kernels = ours) "the kernel's head and ours"
        List.iter drop receivers)

let private standard = LoopOptions.standard

let private slow =
    testList "a slow consumer" [
        for name, options in
            [
                "whole buffers", { fixedOf 256 64 with PerStream = 4 }
                "incremental", { fixedOf 16 4096 with PerStream = 4; Incremental = true }
            ] do
            testCase $"leaves buffers to others, and loses nothing: {name}" (fun () ->
                withReceiver options (fun slow ->
                    let other = receiver slow.Host slow.Pool
                    let message = pattern 1 64

                    let writing =
                        Task.Run(fun () ->
                            for _ in 1..1000 do
                                slow.Peer.Send message |> ignore)

                    // Only the other one is still armed.
                    eventually "paused" (fun () -> slow.Host.Loop.InFlight = 1)

                    for round in 1..100 do
                        Expect.isGreaterThan slow.Pool.Available 0 "some are left"
                        let lease = leaseOf other [| byte round; 2uy; 3uy |]
                        lease.Dispose()

                    Expect.equal slow.Pool.Statistics.Starving 0 "nobody starves"
                    let found = takeBytes slow 64_000
                    finished "writer" writing
                    sameBytes (Array.concat (Array.replicate 1000 message)) found "everything"
                    drop other))

        testCase "that leaves while it pauses gives back what was queued" (fun () ->
            withReceiver { fixedOf 64 16 with PerStream = 2 } (fun other ->
                let slow = receiver other.Host other.Pool
                slow.Peer.Send(pattern 1 400) |> ignore
                eventually "paused" (fun () -> slow.Host.Loop.InFlight = 1)
                drop slow
                allBack other.Pool
                use lease = leaseOf other "abc"B
                Expect.equal lease.Length 3 "the others go on"))
    ]

let private incremental =
    let sizes = [ 3, 4096; 1, 100_000; 16, 64; 5, 1000 ]

    testList "incremental" [
        for count, size in sizes do
            testCase $"six connections use {count} buffers of {size} bytes together" (fun () ->
                together
                    LinuxKernel.Instance
                    standard
                    { fixedOf count size with Incremental = true }
                    6
                    100_000
                    700)

        testCase "several parts of one buffer are lent at a time" (fun () ->
            withReceiver { fixedOf 1 64 with Incremental = true } (fun receiver ->
                let parts = [ for index in 1..6 -> leaseOf receiver (pattern index 10) ]
                Expect.equal receiver.Pool.Available 1 "it is still the kernel's"

                for index, part in List.indexed parts do
                    Expect.equal (part.Span.ToArray()) (pattern (index + 1) 10) "each by itself"

                // The last 4 bytes, and then there is no more until all are back.
                receiver.Peer.Send(pattern 7 10) |> ignore
                let rest = next receiver.Host receiver.Stream
                Expect.equal (rest.Span.ToArray()) (Array.take 4 (pattern 7 10)) "what was left"
                eventually "starving" (fun () -> receiver.Pool.Statistics.Starving = 1)

                for part in parts do
                    Expect.equal receiver.Pool.Available 0 "somebody holds it"
                    part.Dispose()

                rest.Dispose()
                use last = next receiver.Host receiver.Stream
                Expect.equal (last.Span.ToArray()) (Array.skip 4 (pattern 7 10)) "and then goes on"))
    ]

let private bundles =
    let bundled count size = { fixedOf count size with Bundles = true }

    testList "bundles" [
        testCase "fill many buffers with few completions" (fun () ->
            withReceiver { bundled 512 512 with PerStream = 512 } (fun receiver ->
                if not receiver.Pool.UsesBundles then skiptest "this kernel has none (6.16)"

                let data = pattern 1 200_000
                // All of it is there before it is asked for.
                runOn receiver.Host Uring.nop |> ignore
                let before = receiver.Host.Loop.Statistics.Completed
                let writing = sending receiver.Peer data
                let mutable leases = 0
                let received = new MemoryStream()

                let program =
                    uring {
                        while received.Length < int64 data.Length do
                            let! _ = UringStream.next receiver.Stream
                            use lease = receiver.Stream.Current
                            leases <- leases + 1
                            received.Write lease.Span
                    }

                runOn receiver.Host program
                let completions = receiver.Host.Loop.Statistics.Completed - before
                finished "writer" writing
                sameBytes data (received.ToArray()) "received"
                Expect.isGreaterThanOrEqual leases (data.Length / 512) "one lease each"
                Expect.isLessThan completions (int64 leases / 4L) "completions"))

        for count, size in [ 16, 1000; 2, 64; 64, 4096 ] do
            testCase $"of {count} buffers of {size} bytes, for six connections" (fun () ->
                together LinuxKernel.Instance standard (bundled count size) 6 100_000 5000)

        testCase "of incremental buffers" (fun () ->
            let options = { bundled 8 1000 with Incremental = true }
            together LinuxKernel.Instance standard options 4 100_000 5000)
    ]

let private overflowing =
    testList "a tiny completion queue" [
        for name, options in
            [
                "whole buffers", fixedOf 64 64
                "incremental", { fixedOf 4 4096 with Incremental = true }
                "bundles", { fixedOf 64 64 with Bundles = true }
                "a growing pool", { fixedOf 2 64 with Limit = 50 }
            ] do
            testCase $"overflows, and nothing is lost: {name}" (fun () ->
                let tiny = { standard with Entries = 1; Completions = 1 }
                together LinuxKernel.Instance tiny options 20 20_000 500)

        testCase "on a kernel without multishot" (fun () ->
            let tiny = { standard with Entries = 1; Completions = 1 }
            let kernel = FaultyKernel(Hidden = [ Opcode.SendZeroCopy ])

            withLoopOf kernel tiny (fun host ->
                let receiver = receiver host (runOn host (BufferPool.create (fixedOf 2 64)))
                let data = pattern 1 20_000
                let writing = sendPieces receiver.Peer 1 500 data
                sameBytes data (runOn host (drain receiver 1 0)) "received"
                finished "writer" writing
                drop receiver))
    ]

[<Tests>]
let tests = testSequenced <| testList "Back-pressure" [ slow; incremental; bundles; overflowing ]
