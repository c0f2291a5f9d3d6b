/// The end of a pool, whatever its streams do at that moment: they end, its leases stay, and its memory goes with the
/// last of them.
module Uring.Tests.Linux.PoolCloseTests

open System
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting
open Uring.Tests.Linux.Receiving

let private fixedOf = BufferPoolOptions.fixedOf

/// `body` is given a receiver and a function that closes the pool and waits. In the end all its memory is gone.
let private closing
    name
    (hidden: Opcode list)
    options
    (body: FaultyKernel -> Receiver -> (unit -> unit) -> unit)
    =
    testCase name (fun () ->
        let kernel = FaultyKernel(Hidden = hidden)

        withLoopOf kernel LoopOptions.standard (fun host ->
            let before = kernel.OpenMaps
            let receiver = receiver host (runOn host (BufferPool.create options))
            body kernel receiver (fun () -> runOn host (BufferPool.close receiver.Pool))
            Expect.isTrue receiver.Pool.IsClosed "closed"
            eventually "unmapped" (fun () -> kernel.OpenMaps = before)
            Expect.equal kernel.Strays 0 "once"
            drop receiver
            Expect.equal host.Loop.InFlight 0 "nothing in flight"))

let private wait (receiver: Receiver) = startOn receiver.Host (UringStream.next receiver.Stream)

let private isCancelled (wait: Task<bool>) =
    ended "the wait" wait

    match failureOf (fun () -> wait.GetAwaiter().GetResult()) with
    | :? OperationCanceledException
    | :? ObjectDisposedException -> ()
    | other -> failtest $"expected a cancellation, but: {other}"

let private streams =
    testList "ends a stream" [
        closing "that waits for data" [] (fixedOf 4 16) (fun _ receiver close ->
            let waiting = wait receiver
            close ()
            isCancelled waiting)

        closing
            "that waits for data, with a buffer of its own"
            [ Opcode.SendZeroCopy ]
            (fixedOf 4 16)
            (fun _ receiver close ->
                let waiting = wait receiver
                Expect.equal receiver.Pool.Available 3 "a plain receive holds one"
                close ()
                isCancelled waiting)

        closing "that starves, while its leases stay" [] (fixedOf 1 16) (fun kernel receiver close ->
            let before = kernel.OpenMaps
            let lease = leaseOf receiver "abc"B
            receiver.Peer.Send "more"B |> ignore
            let waiting = wait receiver
            eventually "starving" (fun () -> receiver.Pool.Statistics.Starving = 1)
            close ()
            isCancelled waiting
            Expect.equal kernel.OpenMaps (before - 1) "only the ring of entries is gone"
            Expect.equal (lease.Span.ToArray()) "abc"B "still there"
            let share = lease.Share()
            lease.Dispose()
            Expect.equal (share.Span.ToArray()) "abc"B "the share, too"
            share.Dispose())

        closing
            "that pauses: what it has comes first"
            []
            { fixedOf 16 4 with PerStream = 2 }
            (fun _ receiver close ->
                let data = pattern 1 400
                receiver.Peer.Send data |> ignore
                eventually "paused" (fun () -> receiver.Host.Loop.InFlight = 0)
                close ()
                let leases = ResizeArray()
                let mutable failure: exn | null = null

                while isNull failure do
                    failure <- failureOf (fun () -> leases.Add(next receiver.Host receiver.Stream))

                Expect.isTrue (failure :? OperationCanceledException) "and then the end"
                let received = leases |> Seq.collect (fun lease -> lease.Span.ToArray()) |> Seq.toArray
                Expect.isGreaterThanOrEqual leases.Count 2 "what was queued"
                sameBytes data[.. received.Length - 1] received "in order"

                for lease in leases do
                    lease.Dispose())

        closing "twice, and at the same time" [] (fixedOf 4 16) (fun _ _ close ->
            Task.WhenAll [ for _ in 1..4 -> Task.Run close ] |> finished "closing"
            close ())
    ]

let private afterwards =
    testList "afterwards" [
        closing "no stream can use it" [] (fixedOf 4 64) (fun _ receiver close ->
            close ()
            let pool = receiver.Pool

            isDisposed "receiveMany" (fun () ->
                runOn receiver.Host (Socket.receiveMany receiver.Socket pool))

            let datagrams =
                runOn
                    receiver.Host
                    (Socket.create AddressFamily.InterNetwork SocketType.Dgram ProtocolType.Udp)

            isDisposed "receiveMessages" (fun () ->
                runOn receiver.Host (Socket.receiveMessages { Name = 16; Control = 0 } datagrams pool))

            runOn receiver.Host (Socket.close datagrams))

        closing "an operation that works on a lease goes on" [] (fixedOf 1 16) (fun kernel receiver close ->
            let before = kernel.OpenMaps
            let lease = leaseOf receiver "abcdef"B

            withFullPipe receiver.Host (fun file reader ->
                let writing = startOn receiver.Host (File.writeNext file (Memory.op_Implicit lease.Memory))
                eventually "waiting" (fun () -> receiver.Host.Loop.InFlight >= 2)
                lease.Dispose()
                close ()
                Expect.equal kernel.OpenMaps (before - 1) "its memory stays"
                let found = Array.zeroCreate<byte>(pipeSize + 6)
                reader.ReadExactly found
                Expect.equal (finish "the write" writing) 6 "written"
                Expect.equal found[pipeSize..] "abcdef"B "its bytes"))

        testCase "another pool on the same loop goes on" (fun () ->
            withLoop (fun host ->
                let first = receiver host (runOn host (BufferPool.create (fixedOf 2 16)))
                let second = receiver host (runOn host (BufferPool.create (fixedOf 2 16)))
                runOn host (BufferPool.close first.Pool)
                use lease = leaseOf second "abc"B
                Expect.equal lease.Length 3 "received"))
    ]

// A pool's state belongs to its loop's thread, and so do the streams that use it.
let private elsewhere =
    let withTwo (body: Receiver -> LoopThread -> unit) =
        withReceiver (fixedOf 4 16) (fun receiver -> withLoop (body receiver))

    testList "on another loop" [
        testCase "a pool is closed on its own loop, or the close is refused" (fun () ->
            withTwo (fun receiver other ->
                let waiting = wait receiver

                match failureOf (fun () -> runOn other (BufferPool.close receiver.Pool)) with
                | null -> isCancelled waiting
                | :? ArgumentException
                | :? InvalidOperationException ->
                    use lease = leaseOf receiver "goes on"B
                    Expect.equal lease.Length 7 "it was refused, and nothing has changed"
                | reason -> failtest $"{reason}"

                runOn receiver.Host Uring.nop |> ignore))

        testCase "a socket does not receive into another loop's pool" (fun () ->
            withTwo (fun receiver other ->
                let struct (ours, theirs) = connectPair other

                match failureOf (fun () -> runOn other (Socket.receiveMany ours receiver.Pool)) with
                | :? ArgumentException
                | :? InvalidOperationException -> ()
                | reason -> failtest $"expected a refusal, but: {reason}"

                theirs.Dispose()))

        testCase "a program may use the shared pool of its socket's loop" (fun () ->
            withTwo (fun receiver other ->
                let struct (ours, theirs) = connectPair receiver.Host
                theirs.Send "abc"B |> ignore

                let program =
                    uring {
                        let! stream = Socket.receiveAll ours
                        let! _ = UringStream.next stream
                        use lease = stream.Current
                        return lease.Length
                    }

                Expect.equal (runOn other program) 3 "received"
                theirs.Dispose()))
    ]

[<Tests>]
let tests = testSequenced <| testList "Pool close" [ streams; afterwards; elsewhere ]
