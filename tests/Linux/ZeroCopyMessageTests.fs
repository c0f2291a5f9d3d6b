/// Sends without a copy of several buffers, to an address, and of all that there is: what arrives, on old kernels as well, what
/// the notification says of it, and how they end.
module Uring.Tests.Linux.ZeroCopyMessageTests

open System
open System.IO
open System.Net
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
let private part (bytes: byte array) = ReadOnlyMemory bytes

/// What is hidden from the library: one after another, what an older kernel lacks.
let private kernels = [
    "6.18", []
    "without vectors in registered buffers (6.14)", [ Opcode.WriteVectorFixed ]
    "without SENDMSG_ZC (6.0)", [ Opcode.SendMessageZeroCopy ]
    "without SEND_ZC (5.19)", [ Opcode.SendMessageZeroCopy; Opcode.SendZeroCopy ]
]

let private withPairOf (hidden: Opcode list) (body: LoopThread -> Uring.FSharp.Socket -> Peer -> unit) =
    let kernel = if hidden.IsEmpty then LinuxKernel.Instance else FaultyKernel(Hidden = hidden) :> IKernel

    withLoopOf kernel LoopOptions.standard (fun host ->
        let struct (ours, theirs) = connectPair host
        body host ours theirs
        theirs.Dispose()
        runOn host (Socket.close ours))

let private onPair name body = testCase name (fun () -> withPairOf [] body)

let private sentAndFree (send: ZeroCopySend) =
    let count = finish "Sent" send.Sent
    finished "Released" send.Released
    count

let private bound (host: LoopThread) (endPoint: EndPoint) =
    let socket = runOn host (Socket.create endPoint.AddressFamily SocketType.Dgram ProtocolType.Unspecified)
    runOn host (Socket.bind socket endPoint)
    socket

let private received host socket length =
    let buffer = Memory(Array.zeroCreate<byte> length)
    let struct (count, sender, _) = runOn host (Socket.receiveFrom socket buffer)
    buffer.Slice(0, count).ToArray(), sender

let private messages =
    testList "one message" [
        for name, hidden in kernels do
            testCase $"of several buffers, in their order: {name}" (fun () ->
                withPairOf hidden (fun host ours theirs ->
                    let parts = [| part (pattern 1 20_000); part [||]; part (pattern 2 3_000) |]
                    let send = runOn host (SocketMessages.sendZeroCopy never ours parts MessageExtras.none)
                    let found = receiveAll theirs 23_000
                    Expect.equal (sentAndFree send) 23_000 "sent"
                    sameBytes (Array.append (pattern 1 20_000) (pattern 2 3_000)) found "received"
                    // The loopback device copies, and so does sendmsg(2).
                    Expect.equal send.Usage ZeroCopyUsage.Copied "copied, one way or the other"))

            testCase $"of parts of a registered buffer: {name}" (fun () ->
                withPairOf hidden (fun host ours theirs ->
                    let buffer = runOn host (RegisteredBuffer.create 10_000)
                    (pattern 3 10_000).CopyTo buffer.Memory

                    let parts = [|
                        RegisteredBuffer.slice 100 1_000 buffer
                        RegisteredBuffer.slice 0 0 buffer
                        RegisteredBuffer.slice 5_000 2_000 buffer
                    |]

                    let send =
                        runOn
                            host
                            (SocketMessages.sendZeroCopyRegistered never ours parts MessageExtras.none)

                    let found = receiveAll theirs 3_000
                    Expect.equal (sentAndFree send) 3_000 "sent"
                    let all = pattern 3 10_000
                    sameBytes (Array.append all[100..1_099] all[5_000..6_999]) found "received"
                    finished "nobody has it" (buffer.Close())))

            testCase $"to an address: {name}" (fun () ->
                let kernel = FaultyKernel(Hidden = hidden)

                withLoopOf kernel LoopOptions.standard (fun host ->
                    let one, other = bound host loopback, bound host loopback
                    let there = Socket.localEndPoint other
                    let extras = { MessageExtras.none with EndPoint = there }
                    let parts = [| part "hello "B; part "there"B |]
                    let send = runOn host (SocketMessages.sendZeroCopy never one parts extras)
                    Expect.equal (sentAndFree send) 11 "sent"

                    Expect.equal
                        (received host other 64)
                        ("hello there"B, Socket.localEndPoint one)
                        "one message"

                    let send = runOn host (Socket.sendZeroCopyTo never one (part "again"B) there)
                    Expect.equal (sentAndFree send) 5 "sent"

                    Expect.equal
                        (received host other 64)
                        ("again"B, Socket.localEndPoint one)
                        "one datagram"

                    Expect.equal send.Usage ZeroCopyUsage.Copied "copied"))

        testCase "over a Unix socket, which cannot do it" (fun () ->
            inFolder (fun folder ->
                withLoop (fun host ->
                    let socket = bound host (UnixDomainSocketEndPoint(Path.Combine(folder, "socket")))
                    let extras = { MessageExtras.none with EndPoint = Socket.localEndPoint socket }
                    let send = runOn host (SocketMessages.sendZeroCopy never socket [| part "x"B |] extras)

                    match failureOf (fun () -> finish "Sent" send.Sent) with
                    | :? SocketException as reason ->
                        Expect.equal reason.SocketErrorCode SocketError.OperationNotSupported "it says so"
                    | other -> failtest $"{other}"

                    finished "Released" send.Released)))

        onPair "with handles is refused before" (fun _ ours _ ->
            use handle = File.OpenHandle "/dev/null"
            let extras = { MessageExtras.none with Handles = [ handle ] }

            Expect.throwsT<ArgumentException>
                (fun () -> SocketMessages.sendZeroCopy never ours [| part "x"B |] extras |> ignore)
                "descriptors need a Unix socket")

        onPair "whose peer is gone: fails, and lets go of the buffers" (fun host ours theirs ->
            theirs.LingerState <- LingerOption(true, 0)
            theirs.Dispose()
            let parts = [| part (pattern 1 1000) |]
            let send = runOn host (SocketMessages.sendZeroCopy never ours parts MessageExtras.none)

            match failureOf (fun () -> finish "Sent" send.Sent) with
            | :? SocketException -> ()
            | other -> failtest $"{other}"

            finished "Released" send.Released)

        onPair "that is cancelled while it waits for room lets go of the buffers" (fun host ours _ ->
            let parts = [| part (pattern 1 30_000); part (pattern 2 30_000) |]
            let mutable isCancelled = false

            // Until one finds no room: nobody reads.
            while not isCancelled do
                use source = new CancellationTokenSource()
                let extras = MessageExtras.none

                let send =
                    SocketMessages.startZeroCopy host.Loop ours.Descriptor parts extras never source.Token

                if not (send.Sent.Wait 100) then
                    source.Cancel()
                    ended "Sent" send.Sent

                    if send.Sent.IsCanceled then
                        finished "Released" send.Released
                        isCancelled <- true)

        testCase "of a direct descriptor: SEND_ZC, SENDMSG_ZC, SENDMSG, RECVMSG" (fun () ->
            withLoopOf LinuxKernel.Instance { LoopOptions.standard with DirectDescriptors = 4 } (fun host ->
                use listener = new TcpListener(IPAddress.Loopback, 0)
                listener.Start()
                let ours = runOn host (Socket.connectDirect listener.LocalEndpoint)
                use theirs = listener.AcceptSocket()
                let parts = [| part "abc"B; part "def"B |]
                let send = runOn host (SocketMessages.sendZeroCopy never ours parts MessageExtras.none)
                Expect.equal (sentAndFree send) 6 "SENDMSG_ZC"
                let waiting = { MessageExtras.none with Flags = SendFlags.PollFirst }
                let send = runOn host (SocketMessages.sendZeroCopy never ours parts waiting)
                Expect.equal (sentAndFree send) 6 "told to wait first"
                let send = runOn host (Socket.sendZeroCopy never ours (part "ghi"B))
                Expect.equal (sentAndFree send) 3 "SEND_ZC"
                Expect.equal (runOn host (SocketMessages.send ours parts MessageExtras.none)) 6 "SENDMSG"
                Expect.equal (receiveAll theirs 21) "abcdefabcdefghiabcdef"B "received"
                theirs.Send "answer"B |> ignore
                let first, second = Array.zeroCreate<byte> 2, Array.zeroCreate<byte> 8
                let room = [| Memory first; Memory second |]
                use receipt = runOn host (SocketMessages.receive ours room 0 ReceiveFlags.None)
                Expect.equal receipt.Length 6 "RECVMSG"
                Expect.equal (Array.append first second[..3]) "answer"B "received"
                runOn host (Socket.close ours)))
    ]

let private big = 8 <<< 20

let private whole =
    testList "all of it" [
        for name, hidden in kernels do
            testCase $"in several steps, each of which is short: {name}" (fun () ->
                withPairOf hidden (fun host ours theirs ->
                    let bytes = pattern 1 big
                    let reading = Task.Run(fun () -> receiveAll theirs bytes.Length)
                    let send = runOn host (Socket.sendAllZeroCopy never ours (part bytes))
                    Expect.equal (finish "Sent" send.Sent) big "all"
                    finished "Released" send.Released
                    // It is ours again: what the peer gets does not change.
                    Array.Fill(bytes, 0xEEuy)
                    sameBytes (pattern 1 big) (finish "reader" reading) "received"
                    Expect.equal send.Usage ZeroCopyUsage.Copied "copied"))

        onPair "of nothing ends at once" (fun host ours _ ->
            let send = runOn host (Socket.sendAllZeroCopy never ours ReadOnlyMemory.Empty)
            Expect.equal (finish "Sent" send.Sent) 0 "nothing"
            finished "Released" send.Released)

        onPair
            "cancelled in the middle tells how far it was, and lets go of all parts"
            (fun host ours theirs ->
                use source = new CancellationTokenSource()
                let bytes = ReadOnlyMemory(pattern 1 big)

                let send =
                    ZeroCopySend.StartWhole(
                        host.Loop,
                        ours.Descriptor,
                        bytes,
                        ValueNone,
                        never,
                        source.Token
                    )

                // More than the sockets hold: it waits for room.
                eventually "something is sent" (fun () -> theirs.Available > 0)
                source.Cancel()

                match failureOf (fun () -> finish "Sent" send.Sent) with
                | :? OperationCanceledException as reason ->
                    match Fault.transferred reason with
                    | ValueSome sent ->
                        Expect.isTrue (sent >= 0L && sent < int64 big) "a part"
                        Expect.isFalse send.Released.IsCompleted "the kernel has what was sent"

                        sameBytes
                            (Array.truncate (int sent) (pattern 1 big))
                            (receiveAll theirs (int sent))
                            "that part"
                    | ValueNone -> failtest "it does not tell"
                | other -> failtest $"{other}"

                finished "Released" send.Released)

        onPair "is dropped with its connection when it is held for too long" (fun host ours _ ->
            let soon = TimeSpan.FromMilliseconds 200.0
            let send = runOn host (Socket.sendAllZeroCopy soon ours (part (pattern 1 big)))

            match failureOf (fun () -> finish "Sent" send.Sent) with
            | :? SocketException -> ()
            | other -> failtest $"{other}"

            finished "Released" send.Released)
    ]

let private usage =
    testList "what the notification says" [
        onPair "is not known before it comes" (fun host ours theirs ->
            let send = runOn host (Socket.sendZeroCopy never ours (part (pattern 1 big)))
            let sent = finish "Sent" send.Sent
            Expect.equal send.Usage ZeroCopyUsage.Unknown "the kernel has it"
            receiveAll theirs sent |> ignore
            finished "Released" send.Released
            Expect.equal send.Usage ZeroCopyUsage.Copied "the loopback device copies")

        onPair "is not known when it never began" (fun host ours _ ->
            use memory = new UnpinnableMemory()
            let send = runOn host (Socket.sendZeroCopy never ours (Memory.op_Implicit memory.Memory))
            Expect.isNotNull (failureOf (fun () -> finish "Sent" send.Sent)) "refused"
            finished "Released" send.Released
            Expect.equal send.Usage ZeroCopyUsage.Unknown "nothing was sent")

        onPair
            "comes even to a send whose chain was broken before it began, and hurts nobody"
            (fun host ours _ ->
                let outcomes =
                    runOn
                        host
                        (Chains.run (
                            chain {
                                SocketRequest.receive ours.Descriptor (Memory [| 0uy |])
                                |> fun request -> {
                                    request with
                                        Submission = { request.Submission with Fd = 999_999 }
                                }

                                SocketRequest.sendZeroCopy ours.Descriptor (Memory [| 1uy |])
                            }
                        ))

                Expect.equal outcomes.Length 2 "both have ended"
                Expect.equal outcomes[1] StepOutcome.Cancelled "the send never began"
                // The ring is as before.
                Expect.equal (runOn host (Socket.sendSome ours (part "x"B))) 1 "and goes on")
    ]

let private facade =
    testCaseTask "C#: SendMessageZeroCopy, SendAllZeroCopy, SendZeroCopyTo" (fun () ->
        task {
            use ring = new Uring.Ring()

            do!
                Pairs.connectedOn ring loopback (fun client server ->
                    task {
                        let parts: Collections.Generic.IReadOnlyList<_> = [| part "abc"B; part "def"B |]
                        let send = client.SendMessageZeroCopy(parts, null, never)
                        let! sent = send.Sent
                        Expect.equal sent 6 "several buffers"
                        let! found = Pairs.receiveExactly server 6
                        Expect.equal found "abcdef"B "received"
                        do! send.Released.WaitAsync limit
                        Expect.equal send.Usage Uring.ZeroCopyUsage.Copied "copied"

                        let! buffer = ring.RegisterBufferAsync 100
                        let all = pattern 1 100
                        all.CopyTo buffer.Memory

                        let parts: Collections.Generic.IReadOnlyList<_> = [|
                            buffer.Slice(10, 5)
                            buffer.Slice(50, 5)
                        |]

                        let send = client.SendMessageZeroCopy(parts, Uring.MessageExtras(), never)
                        let! found = Pairs.receiveExactly server 10

                        Expect.equal
                            found
                            (Array.append (Array.sub all 10 5) (Array.sub all 50 5))
                            "registered"

                        do! send.Released.WaitAsync limit

                        let send = client.SendAllZeroCopy(buffer.ToRegisteredMemory(), never)
                        let! found = Pairs.receiveExactly server 100
                        Expect.equal found (pattern 1 100) "registered, all of it"
                        do! send.Released.WaitAsync limit
                        do! buffer.DisposeAsync()

                        let bytes = pattern 2 big
                        let send = client.SendAllZeroCopy(ReadOnlyMemory bytes, never)
                        let! found = Pairs.receiveExactly server big
                        sameBytes bytes found "all of it"
                        let! sent = send.Sent
                        Expect.equal sent big "all"
                        do! send.Released.WaitAsync limit
                    })

            use! one = Uring.UringSocket.BindAsync(loopback, ring)
            use! other = Uring.UringSocket.BindAsync(loopback, ring)
            let send = one.SendZeroCopyTo(part "hello"B, other.LocalEndPoint, never)
            let buffer = Array.zeroCreate<byte> 8
            let! received = other.ReceiveFromAsync(Memory buffer)
            Expect.equal (received.Length, received.Sender) (5, one.LocalEndPoint) "to an address"
            do! send.Released.WaitAsync limit

            Expect.throwsT<ArgumentOutOfRangeException>
                (fun () ->
                    one.SendZeroCopyTo(part "x"B, other.LocalEndPoint, TimeSpan.FromSeconds -1.0) |> ignore)
                "a hold of less than nothing"

            use handle = File.OpenHandle "/dev/null"
            let parts: Collections.Generic.IReadOnlyList<_> = [| part "x"B |]

            Expect.throwsT<ArgumentException>
                (fun () ->
                    one.SendMessageZeroCopy(parts, Uring.MessageExtras(Handles = [| handle |]), never)
                    |> ignore)
                "handles"
        })

[<Tests>]
let tests = testSequenced <| testList "Zero copy message" [ messages; whole; usage; facade ]
