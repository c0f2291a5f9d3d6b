/// Send queues against the real kernel: every byte in order, through few buffers, whatever the peer does.
module Uring.Tests.Linux.SendQueueTests

open System
open System.IO
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

let private random (seed: int) count =
    let bytes = Array.zeroCreate<byte> count
    Random(seed).NextBytes bytes
    bytes

/// Everything that comes until the peer has finished.
let private receiveAll (peer: Peer) =
    Task.Run(fun () ->
        let received = new MemoryStream()
        let buffer = Array.zeroCreate<byte> 70_000
        let mutable more = true

        while more do
            let count = peer.Receive buffer
            received.Write(buffer, 0, count)
            more <- count > 0

        received.ToArray())

/// Kernels with bundled sends, and without: then each buffer is a send of its own.
let private kernels: (string * Opcode list) list = [ "bundles", []; "one by one", [ Opcode.Pipe ] ]

/// Sends of random sizes from one program, then the end.
let private stream (seed: int) total queueCount queueSize (socket: Uring.FSharp.Socket) =
    let bytes = random seed total

    uring {
        let! queue = SendQueue.create queueCount queueSize socket
        let sizes = Random seed
        let mutable at = 0

        while at < total do
            let length = min (sizes.Next(1, 5000)) (total - at)
            do! SendQueue.send queue (ReadOnlyMemory(bytes, at, length))
            at <- at + length

        do! SendQueue.flush queue
        do! SendQueue.close queue
        do! Socket.shutdown socket SocketShutdown.Send
        return bytes
    }

let private cases = [
    for name, hidden in kernels do
        let kernel = FaultyKernel(Hidden = hidden)

        for count, size in [ 1, 16; 1, 4096; 3, 1000; 16, 4096; 64, 64 ] do
            testCase $"{name}: every byte in order through {count} buffers of {size}" (fun () ->
                withLoopOf kernel LoopOptions.standard (fun host ->
                    let struct (ours, theirs) = connectPair host
                    let receiving = receiveAll theirs
                    let total = if size < 100 then 20_000 else 1_000_000
                    let sent = runOn host (stream (count + size) total count size ours)
                    let received = finish "receiving" receiving
                    Expect.isTrue (received.AsSpan().SequenceEqual(ReadOnlySpan sent)) "every byte"
                    theirs.Dispose()
                    runOn host (Socket.close ours)))

        testCase $"{name}: a peer that reads late gets everything, and senders wait meanwhile" (fun () ->
            withLoopOf kernel LoopOptions.standard (fun host ->
                let struct (ours, theirs) = connectPair host
                // More than the socket buffers of both sides take.
                let sending = startOn host (stream 7 20_000_000 4 16384 ours)
                eventually "full" (fun () -> host.Loop.InFlight = 1 && not sending.IsCompleted)
                let received = finish "receiving" (receiveAll theirs)
                Expect.isTrue (received.AsSpan().SequenceEqual(ReadOnlySpan sending.Result)) "every byte"
                theirs.Dispose()
                runOn host (Socket.close ours)))

        testCase
            $"{name}: a peer that is gone fails the senders, the flush and all that comes later"
            (fun () ->
                withLoopOf kernel LoopOptions.standard (fun host ->
                    let struct (ours, theirs) = connectPair host
                    let queue = runOn host (SendQueue.create 2 16384 ours)
                    let big = ReadOnlyMemory(random 1 20_000_000)
                    let sending = startOn host (SendQueue.send queue big)
                    let flushing = startOn host (SendQueue.flush queue)
                    // With unread bytes: a reset.
                    eventually "bytes came" (fun () -> theirs.Available > 0)
                    theirs.Close 0

                    for task in [ sending; flushing; startOn host (SendQueue.send queue big) ] do
                        match failureOf (fun () -> finish "the send" task) with
                        | :? SocketException -> ()
                        | other -> failtest $"{other}"

                    runOn host (SendQueue.close queue)
                    runOn host (Socket.close ours)))

        testCase $"{name}: closing in the middle ends the senders and gives the memory back" (fun () ->
            let faulty = FaultyKernel(Hidden = hidden)

            withLoopOf faulty LoopOptions.standard (fun host ->
                let struct (ours, theirs) = connectPair host
                let before = faulty.OpenMaps
                let queue = runOn host (SendQueue.create 2 4096 ours)
                let sending = startOn host (SendQueue.send queue (ReadOnlyMemory(random 1 20_000_000)))
                eventually "full" (fun () -> theirs.Available > 0)
                runOn host (SendQueue.close queue)
                ended "the sender" sending
                Expect.isFalse sending.IsCompletedSuccessfully "not sent"
                Expect.equal faulty.OpenMaps before "ring and buffers unmapped"

                match
                    failureOf (fun () -> runOn host (SendQueue.send queue (ReadOnlyMemory [| 1uy |])))
                with
                | :? ObjectDisposedException -> ()
                | other -> failtest $"{other}"

                theirs.Dispose()
                runOn host (Socket.close ours)))

        testCase $"{name}: many programs send at once, and no message is cut" (fun () ->
            withLoopOf kernel LoopOptions.standard (fun host ->
                let struct (ours, theirs) = connectPair host
                let receiving = receiveAll theirs

                runOn
                    host
                    (uring {
                        let! queue = SendQueue.create 4 256 ours

                        let writer (id: int) =
                            uring {
                                for _ in 1..200 do
                                    do! SendQueue.send queue (ReadOnlyMemory(Array.create 64 (byte id)))
                            }

                        let! _ = Uring.``parallel`` [ for id in 1..10 -> writer id ]
                        do! SendQueue.flush queue
                        do! SendQueue.close queue
                        do! Socket.shutdown ours SocketShutdown.Send
                    })

                let received = finish "receiving" receiving
                Expect.hasLength received (10 * 200 * 64) "bytes"

                for message in Array.chunkBySize 64 received do
                    if Array.exists ((<>) message[0]) message then failtest "two messages mixed"

                theirs.Dispose()
                runOn host (Socket.close ours)))

    testCase "a ring that ends takes its queues with it" (fun () ->
        let kernel = FaultyKernel()
        let host = startLoop kernel LoopOptions.standard
        let struct (ours, theirs) = connectPair host
        let queue = runOn host (SendQueue.create 2 4096 ours)
        let sending = startOn host (SendQueue.send queue (ReadOnlyMemory(random 1 20_000_000)))
        eventually "full" (fun () -> theirs.Available > 0)
        stopLoop host
        ended "the sender" sending
        Expect.equal (kernel.OpenRings, kernel.OpenMaps) (0, 0) "nothing left"
        theirs.Dispose())

    testCase "one submission sends many messages" (fun () ->
        withLoop (fun host ->
            let struct (ours, theirs) = connectPair host
            let receiving = receiveAll theirs

            let submitted =
                runOn
                    host
                    (uring {
                        let! queue = SendQueue.create 64 64 ours
                        let before = host.Loop.Statistics.Submitted

                        for id in 1..64 do
                            do! SendQueue.send queue (ReadOnlyMemory [| byte id |])

                        do! SendQueue.flush queue
                        let after = host.Loop.Statistics.Submitted
                        do! SendQueue.close queue
                        do! Socket.shutdown ours SocketShutdown.Send
                        return after - before
                    })

            Expect.equal (finish "receiving" receiving) [| 1uy .. 64uy |] "in order"
            Expect.isLessThan submitted 8L "submissions for 64 messages"
            theirs.Dispose()
            runOn host (Socket.close ours)))
]

[<Tests>]
let tests = testList "SendQueue" cases
