/// Sends without a copy: both of their moments, on every way in which they can end, and connections that are dropped.
module Uring.Tests.Linux.ZeroCopyTests

open System
open System.IO
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

let private never = Timeout.InfiniteTimeSpan
let private soon = TimeSpan.FromMilliseconds 200.0

let private start (host: LoopThread) most (socket: Uring.FSharp.Socket) (bytes: byte array) =
    runOn host (Socket.sendZeroCopy most socket (ReadOnlyMemory bytes))

let private withPair (kernel: IKernel) (body: LoopThread -> Uring.FSharp.Socket -> Peer -> unit) =
    withLoopOf kernel LoopOptions.standard (fun host ->
        let struct (ours, theirs) = connectPair host
        body host ours theirs
        theirs.Dispose()
        runOn host (Socket.close ours))

let private onPair name body = testCase name (fun () -> withPair LinuxKernel.Instance body)

let private isReset (peer: Peer) =
    peer.ReceiveTimeout <- int limit.TotalMilliseconds
    let buffer = Array.zeroCreate<byte> 65536
    let mutable failure: exn | null = null

    // What had been sent may come first.
    while isNull failure do
        failure <- failureOf (fun () -> if peer.Receive buffer = 0 then failtest "an orderly end")

    match failure with
    | :? SocketException as reason ->
        Expect.equal reason.SocketErrorCode SocketError.ConnectionReset "a reset"
    | other -> failtest $"{other}"

let private big = 8 <<< 20

/// More than the sockets hold, and nobody reads: the kernel keeps a part of the buffer.
let private stall host most ours =
    let bytes = pattern 3 big
    let send = start host most ours bytes
    let sent = finish "Sent" send.Sent
    Expect.isFalse send.Released.IsCompleted "the kernel has not let go of it"
    struct (send, bytes, sent)

let private succeeding =
    testList "succeeds" [
        for kernel, name in
            [
                (fun () -> LinuxKernel.Instance), "without a copy"
                (fun () -> FaultyKernel(Hidden = [ Opcode.SendZeroCopy ]) :> IKernel),
                "with one on an old kernel"
            ] do
            testCase $"every byte, {name}" (fun () ->
                withPair (kernel ()) (fun host ours theirs ->
                    let bytes = pattern 1 1_000_000
                    let reading = Task.Run(fun () -> receiveAll theirs bytes.Length)
                    let mutable sent = 0

                    while sent < bytes.Length do
                        let buffer = bytes[sent..]
                        let send = start host never ours buffer
                        let count = finish "Sent" send.Sent
                        finished "Released" send.Released
                        // It is ours again: what the peer gets does not change.
                        Array.Fill(buffer, 0xEEuy)
                        sent <- sent + count

                    sameBytes bytes (finish "reader" reading) "received"))

        onPair
            "the buffer is held while the peer does not read, and free when it has"
            (fun host ours theirs ->
                let struct (send, bytes, sent) = stall host never ours
                let found = receiveAll theirs sent
                finished "Released" send.Released
                sameBytes bytes[.. sent - 1] found "received")

        testCase "with a copy nothing is held" (fun () ->
            withPair (FaultyKernel(Hidden = [ Opcode.SendZeroCopy ])) (fun host ours _ ->
                let send = start host never ours (pattern 1 big)
                Expect.isGreaterThan (finish "Sent" send.Sent) 0 "some"
                finished "Released" send.Released))

        onPair "no bytes at all" (fun host ours _ ->
            let send = start host never ours [||]
            Expect.equal (finish "Sent" send.Sent) 0 "none"
            finished "Released" send.Released)

        onPair "a bound that is not reached changes nothing" (fun host ours theirs ->
            let send = start host (TimeSpan.FromHours 1.0) ours (pattern 1 1000)
            Expect.equal (finish "Sent" send.Sent) 1000 "sent"
            sameBytes (pattern 1 1000) (receiveAll theirs 1000) "received"
            finished "Released" send.Released
            eventually "its clock is stopped" (fun () -> host.Loop.InFlight = 0)
            runOn host (Socket.send ours (ReadOnlyMemory [| 1uy |]))
            Expect.equal (receiveAll theirs 1) [| 1uy |] "still connected")

        testCase "a lease's buffer is held until it is released" (fun () ->
            withReceiver (BufferPoolOptions.fixedOf 1 big) (fun receiver ->
                let struct (ours, theirs) = connectPair receiver.Host
                let lease = leaseOf receiver [| 1uy |]
                Expect.isTrue (lease.TryAppend(ReadOnlySpan(pattern 3 (big - 1)))) "filled"
                let memory: ReadOnlyMemory<byte> = Memory.op_Implicit lease.Memory
                let send = runOn receiver.Host (Socket.sendZeroCopy never ours memory)
                let sent = finish "Sent" send.Sent
                lease.Dispose()
                runOn receiver.Host Uring.nop |> ignore
                Expect.equal receiver.Pool.Available 0 "held"

                sameBytes
                    (Array.append [| 1uy |] (pattern 3 (sent - 1)))
                    (receiveAll theirs sent)
                    "received"

                finished "Released" send.Released
                allBack receiver.Pool
                theirs.Dispose()))
    ]

let private stalled =
    testList "a peer that does not read" [
        onPair "loses the connection after the bound, which frees the buffer" (fun host ours theirs ->
            let struct (send, _, _) = stall host soon ours
            finished "Released" send.Released
            isReset theirs)

        // If closing took the descriptor at once, nothing could drop the connection: the kernel would go on for many minutes.
        onPair
            "does not hold the buffer longer when the socket is closed before the bound"
            (fun host ours _ ->
                let struct (send, _, _) = stall host soon ours
                runOn host (Socket.close ours)
                finished "Released" send.Released)

        // The loop waits for the notification: its end has to bring that about.
        testCase "does not keep the loop from ending" (fun () ->
            let host = startLoop LinuxKernel.Instance LoopOptions.standard
            let struct (ours, theirs) = connectPair host
            let struct (send, _, _) = stall host (TimeSpan.FromHours 1.0) ours

            try
                stopLoop host
                finished "Released" send.Released
            finally
                theirs.Dispose())
    ]

let private failing =
    testList "fails, and lets go of the buffer" [
        onPair "when the peer is gone" (fun host ours theirs ->
            theirs.LingerState <- LingerOption(true, 0)
            theirs.Dispose()
            let send = start host never ours (pattern 1 1000)

            match failureOf (fun () -> finish "Sent" send.Sent) with
            | :? SocketException -> ()
            | other -> failtest $"{other}"

            finished "Released" send.Released)

        onPair "when it is cancelled while it waits for room" (fun host ours _ ->
            use source = new CancellationTokenSource()

            let sendSome () =
                let bytes = ReadOnlyMemory(pattern 1 65536)
                ZeroCopySend.Start(host.Loop, ours.Descriptor, bytes, ValueNone, never, source.Token)

            // Until one finds no room: nobody reads.
            let mutable send = sendSome ()

            while send.Sent.Wait 100 do
                send <- sendSome ()

            source.Cancel()
            ended "Sent" send.Sent
            Expect.isTrue send.Sent.IsCanceled "cancelled"
            finished "Released" send.Released)

        testCase "when it never begins" (fun () ->
            withPair LinuxKernel.Instance (fun host ours _ ->
                use memory = new UnpinnableMemory()
                let send = runOn host (Socket.sendZeroCopy never ours (Memory.op_Implicit memory.Memory))
                Expect.isNotNull (failureOf (fun () -> finish "Sent" send.Sent)) "refused"
                finished "Released" send.Released))

        testCase "over a Unix socket, which cannot do it" (fun () ->
            inFolder (fun folder ->
                withLoop (fun host ->
                    let endPoint = UnixDomainSocketEndPoint(Path.Combine(folder, "socket"))

                    use listener =
                        new Peer(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)

                    listener.Bind endPoint
                    listener.Listen()
                    let ours = runOn host (Socket.connect endPoint)
                    use theirs = listener.Accept()
                    let send = start host never ours "abc"B
                    ended "Sent" send.Sent
                    finished "Released" send.Released

                    match failureOf (fun () -> finish "Sent" send.Sent) with
                    | null -> Expect.equal (receiveAll theirs 3) "abc"B "received"
                    | :? SocketException as reason ->
                        Expect.equal reason.SocketErrorCode SocketError.OperationNotSupported "it says so"
                    | other -> failtest $"{other}"

                    runOn host (Socket.close ours))))

        onPair "on a closed socket it does not start" (fun host ours _ ->
            runOn host (Socket.close ours)

            let ending =
                failureOf (fun () ->
                    let send = start host never ours "abc"B
                    finished "Released" send.Released
                    finish "Sent" send.Sent)

            Expect.isNotNull ending "refused")
    ]

let private aborting =
    testList "abort" [
        onPair "the peer sees a reset" (fun host ours theirs ->
            runOn host (Socket.abort ours)
            isReset theirs)

        onPair "what is not sent yet is lost, and what waits ends" (fun host ours theirs ->
            fill host ours |> ignore
            let receiving = startOn host (Socket.receive ours (Memory(Array.zeroCreate<byte> 1)))
            eventually "waiting" (fun () -> host.Loop.InFlight = 1)
            runOn host (Socket.abort ours)
            ended "the receive" receiving
            isReset theirs)

        testCaseTask "C#: AbortAsync, SendZeroCopy and its bound" (fun () ->
            task {
                do!
                    Pairs.connected (fun client server ->
                        task {
                            let bytes = pattern 5 big
                            let send = client.SendZeroCopy(ReadOnlyMemory bytes, soon)
                            let! sent = send.Sent
                            Expect.isGreaterThan sent 0 "some"
                            do! send.Released.WaitAsync limit

                            let! failure =
                                Observe.failureOf (fun () -> ValueTask(Pairs.receiveExactly server sent))

                            Expect.isTrue (failure :? SocketException) "the peer is reset"
                        })

                do!
                    Pairs.connected (fun client server ->
                        task {
                            do! client.AbortAsync()

                            let! failure =
                                Observe.raises<SocketException> "reset" (fun () ->
                                    Observe.discard (server.ReceiveAsync(Pairs.buffer 1)))

                            Expect.equal failure.SocketErrorCode SocketError.ConnectionReset "a reset"
                        })
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "Zero copy" [ succeeding; stalled; failing; aborting ]
