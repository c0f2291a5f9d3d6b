/// Sending and receiving with flags and hints, and until all of it is done.
/// Length: one list for each form of sending and receiving, on the same pairs.
module Uring.Tests.Linux.TransferTests

open System
open System.IO
open System.Net
open System.Net.Sockets
open System.Security.Cryptography
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Observe
open Uring.Tests.Linux.Hosting

let private room length = Memory(Array.zeroCreate<byte> length)
let private text (memory: Memory<byte>) = Text.Encoding.ASCII.GetString(Memory.op_Implicit(memory).Span)

/// It has to end with this error of the BCL's.
let private fails (code: SocketError) (program: unit -> 'T) =
    match failureOf program with
    | :? SocketException as reason -> Expect.equal reason.SocketErrorCode code reason.Message
    | other -> failtest $"{other}"

/// Two datagram sockets of ours that talk to each other.
let private datagrams host =
    let made () =
        let socket = runOn host (Socket.create AddressFamily.InterNetwork SocketType.Dgram ProtocolType.Udp)
        runOn host (Socket.bind socket loopback)
        socket

    let one, other = made (), made ()
    runOn host (Socket.connectTo one (Socket.localEndPoint other))
    runOn host (Socket.connectTo other (Socket.localEndPoint one))
    one, other

let private case name (body: LoopThread -> unit) = testCase name (fun () -> withLoop body)

let private flags =
    testList "flags" [
        case "a look leaves the bytes there (MSG_PEEK)" (fun host ->
            let struct (ours, theirs) = connectPair host
            theirs.Send "abc"B |> ignore
            let buffer = room 8
            Expect.equal (runOn host (SocketTransfer.receive ReceiveFlags.Peek ours buffer)) 3 "looked"
            Expect.equal (runOn host (Socket.receive ours buffer)) 3 "taken"
            Expect.equal (text (buffer.Slice(0, 3))) "abc" "bytes"
            theirs.Dispose())

        case "what would wait fails at once (MSG_DONTWAIT)" (fun host ->
            let struct (ours, theirs) = connectPair host

            fails SocketError.WouldBlock (fun () ->
                runOn host (SocketTransfer.receive ReceiveFlags.DontWait ours (room 1)))

            theirs.Send "x"B |> ignore
            runOn host (Uring.discard (Socket.poll ours PollEvents.Readable))
            Expect.equal (runOn host (SocketTransfer.receive ReceiveFlags.DontWait ours (room 1))) 1 "there"

            // Until the peer's room is full.
            let much = ReadOnlyMemory(Array.zeroCreate<byte> 1_000_000)

            let fill =
                uring {
                    while true do
                        let! _ = SocketTransfer.send SendFlags.DontWait ours much
                        ()
                }

            fails SocketError.WouldBlock (fun () -> runOn host fill)
            theirs.Dispose())

        case "a receive waits until its buffer is full (MSG_WAITALL)" (fun host ->
            let struct (ours, theirs) = connectPair host
            let receiving = startOn host (SocketTransfer.receive ReceiveFlags.WaitAll ours (room 6))
            theirs.Send "abc"B |> ignore
            runOn host (Uring.discard (Uring.nop))
            theirs.Send "def"B |> ignore
            Expect.equal (finish "receive" receiving) 6 "both"
            theirs.Dispose())

        case "the real length of a datagram that is cut (MSG_TRUNC)" (fun host ->
            let one, other = datagrams host

            Expect.equal
                (runOn host (SocketTransfer.send SendFlags.DontRoute one (ReadOnlyMemory "abcdef"B)))
                6
                "sent"

            Expect.equal (runOn host (SocketTransfer.receive ReceiveFlags.RealLength other (room 2))) 6 "cut")

        case "two parts of one datagram (MSG_MORE)" (fun host ->
            let one, other = datagrams host
            runOn host (Uring.discard (SocketTransfer.send SendFlags.More one (ReadOnlyMemory "ab"B)))
            runOn host (Uring.discard (SocketTransfer.send SendFlags.Confirm one (ReadOnlyMemory "cde"B)))
            let buffer = room 8
            Expect.equal (runOn host (Socket.receive other buffer)) 5 "one"
            Expect.equal (text (buffer.Slice(0, 5))) "abcde" "both parts")

        case "urgent data overtakes (MSG_OOB), and where there is none that is an error" (fun host ->
            let urgent = SocketTransfer.receive ReceiveFlags.OutOfBand

            let program =
                uring {
                    use! listener = Socket.listen loopback 1
                    use! client = Socket.connect (Socket.localEndPoint listener)
                    use! server = Socket.accept listener
                    do! Socket.send client (ReadOnlyMemory "ab"B)

                    match! Uring.catch (urgent server (room 1)) with
                    | Error(:? ArgumentException as reason) ->
                        Expect.stringContains reason.Message "EINVAL" "none"
                    | other -> failtest $"{other}"

                    let! _ = SocketTransfer.send SendFlags.OutOfBand client (ReadOnlyMemory "!"B)
                    let! _ = Socket.poll server PollEvents.Priority
                    let buffer = room 1
                    let! _ = urgent server buffer
                    Expect.equal (text buffer) "!" "before the rest"
                    let! count = Socket.receive server (room 8)
                    Expect.equal count 2 "the rest"
                }

            runOn host program)

        case "records of a SOCK_SEQPACKET connection end where it is said (MSG_EOR)" (fun host ->
            inFolder (fun folder ->
                let address = UnixDomainSocketEndPoint(at folder "socket")
                let make = Socket.create AddressFamily.Unix SocketType.Seqpacket ProtocolType.Unspecified

                let program =
                    uring {
                        use! listener = make
                        do! Socket.bind listener address
                        do! Socket.listenOn listener 1
                        use! client = make
                        do! Socket.connectTo client address
                        use! server = Socket.accept listener
                        let! sent = SocketTransfer.send SendFlags.EndOfRecord client (ReadOnlyMemory "abc"B)
                        let! count = Socket.receive server (room 8)
                        return sent, count
                    }

                Expect.equal (runOn host program) (3, 3) "one record"))

        tidyCase "C#: ours, and the BCL's" (fun () ->
            Pairs.connected (fun client server ->
                task {
                    let! _ = client.SendAsync(ReadOnlyMemory "abc"B, Uring.SendFlags.More)
                    let! _ = client.SendAsync(ReadOnlyMemory "def"B, SocketFlags.DontRoute)
                    let buffer = room 6
                    do! server.ReceiveExactlyAsync buffer
                    Expect.equal (text buffer) "abcdef" "bytes"
                    let! _ = client.SendAsync(ReadOnlyMemory "x"B, SocketFlags.None)
                    let! looked = server.ReceiveAsync(room 1, SocketFlags.Peek)
                    let! again = server.ReceiveAsync(room 1, Uring.ReceiveFlags.Peek)
                    let! taken = server.ReceiveAsync(room 1, Uring.ReceiveFlags.WaitAll)
                    Expect.equal (looked, again, taken) (1, 1, 1) "looked at, and taken"

                    let! reason =
                        raises<SocketException> "nothing is there" (fun () ->
                            server.ReceiveAsync(room 1, Uring.ReceiveFlags.DontWait) |> discard)

                    Expect.equal reason.SocketErrorCode SocketError.WouldBlock "code"

                    for flags in [ SocketFlags.Truncated; SocketFlags.Partial; SocketFlags.Multicast ] do
                        Expect.throwsT<ArgumentOutOfRangeException>
                            (fun () -> server.ReceiveAsync(room 1, flags) |> ignore)
                            "a flag of answers"

                        Expect.throwsT<ArgumentOutOfRangeException>
                            (fun () -> server.SendAsync(ReadOnlyMemory "x"B, flags) |> ignore)
                            "a flag of answers"
                }))
    ]

let private hints =
    testList "hints" [
        case "a receive that waits first finds what is there, and what comes" (fun host ->
            let struct (ours, theirs) = connectPair host
            theirs.Send "abc"B |> ignore
            let buffer = room 2
            let first = SocketTransfer.receive ReceiveFlags.PollFirst ours buffer
            Expect.equal (runOn host first) 2 "there already"
            Expect.equal (runOn host first) 1 "and the rest"
            let receiving = startOn host first
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            theirs.Send "d"B |> ignore
            Expect.equal (finish "receive" receiving) 1 "later"
            let waiting = startOn host first
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            Expect.equal (runOn host (Socket.cancel ours)) 1 "cancelled"

            match failureOf (fun () -> finish "receive" waiting) with
            | :? OperationCanceledException -> ()
            | other -> failtest $"{other}"

            Expect.equal
                (runOn host (SocketTransfer.send SendFlags.PollFirst ours (ReadOnlyMemory "x"B)))
                1
                "sent"

            theirs.Dispose())

        case "go to the ring, and flags to the protocol" (fun host ->
            let struct (ours, theirs) = connectPair host

            let asked (request: Request) = request.Submission.Priority, request.Submission.OpFlags
            let receive = ReceiveFlags.PollFirst ||| ReceiveFlags.Peek

            Expect.equal
                (asked (SocketRequest.receiveWith receive ours.Descriptor (room 1)))
                (1us, 2u)
                "receive"

            let send = SendFlags.PollFirst ||| SendFlags.More
            let bytes = ReadOnlyMemory "x"B
            Expect.equal (asked (SocketRequest.sendWith send ours.Descriptor bytes)) (1us, 0x8000u) "send"
            let block = MessageBlock([| room 1 |], [||], [||])

            Expect.equal
                (asked (SocketRequest.sendMessage send ours.Descriptor block))
                (1us, 0x8000u)
                "sendmsg"

            Expect.equal
                (asked (SocketRequest.receiveMessage receive ours.Descriptor block))
                (1us, 2u ||| OpFlags.CloseReceivedOnExec)
                "recvmsg"

            let accept = SocketRequest.acceptDirectFrom ours.Descriptor
            let both = AcceptFlags.DontWait ||| AcceptFlags.PollFirst
            Expect.equal (asked (SocketRequest.acceptWith both accept)) (6us, 0u) "accept"
            theirs.Dispose())

        case "a receive tells whether there is more" (fun host ->
            let struct (ours, theirs) = connectPair host
            theirs.Send "abc"B |> ignore
            runOn host (Uring.discard (Socket.poll ours PollEvents.Readable))
            let receive = SocketTransfer.receiveHinted ReceiveFlags.None ours (room 2)
            Expect.equal (runOn host receive) (struct (2, true)) "more"

            Expect.equal
                (runOn host (SocketTransfer.receiveAgain true ours (room 2)))
                (struct (1, false))
                "no more"

            let again = startOn host (SocketTransfer.receiveAgain false ours (room 2))
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            theirs.Send "d"B |> ignore
            Expect.equal (finish "receive" again) (struct (1, false)) "it waited"
            theirs.Shutdown SocketShutdown.Send
            let struct (count, _) = runOn host receive
            Expect.equal count 0 "the end"
            theirs.Dispose())

        case "an accept tells whether another waits, and need not wait itself" (fun host ->
            let listener = runOn host (Socket.listen loopback 4)
            let accept flags = SocketTransfer.accept flags listener
            fails SocketError.WouldBlock (fun () -> runOn host (accept AcceptFlags.DontWait))
            let peer () = new Peer(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
            use one = peer ()
            use two = peer ()
            one.Connect(Socket.localEndPoint listener)
            two.Connect(Socket.localEndPoint listener)
            let struct (first, hasMore) = runOn host (accept AcceptFlags.DontWait)
            Expect.isTrue hasMore "another"
            Expect.equal (Socket.remoteEndPoint first) (nonNull one.LocalEndPoint) "the first"
            let struct (second, hasMore) = runOn host (accept AcceptFlags.PollFirst)
            Expect.isFalse hasMore "none"
            Expect.equal (Socket.remoteEndPoint second) (nonNull two.LocalEndPoint) "the second"
            let waiting = startOn host (accept AcceptFlags.PollFirst)
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            use three = peer ()
            three.Connect(Socket.localEndPoint listener)
            let struct (third, _) = finish "accept" waiting

            for socket in [ first; second; third; listener ] do
                runOn host (Socket.close socket))

        tidyCase "C#: the same" (fun () ->
            Pairs.connected (fun client server ->
                task {
                    do! client.SendAllAsync(ReadOnlyMemory "abc"B)
                    let! _ = server.PollAsync Uring.PollEvents.Readable
                    let! first = server.ReceiveHintedAsync(room 2)
                    Expect.equal (first.Count, first.HasMore) (2, true) "more"
                    let! second = server.ReceiveHintedAsync(room 2, Uring.ReceiveFlags.PollFirst)
                    Expect.equal (second.Count, second.HasMore) (1, false) "no more"
                    use! listener = UringListener.ListenAsync loopback

                    let! reason =
                        raises<SocketException> "nobody is there" (fun () ->
                            listener.AcceptAsync Uring.AcceptFlags.DontWait |> discard)

                    Expect.equal reason.SocketErrorCode SocketError.WouldBlock "code"
                    use! peer = UringSocket.ConnectAsync listener.LocalEndPoint
                    use! taken = listener.AcceptAsync Uring.AcceptFlags.PollFirst
                    Expect.equal taken.RemoteEndPoint peer.LocalEndPoint "whose"
                }))

        case "of a socket that does not say, there is nothing to say (Unix)" (fun host ->
            inFolder (fun folder ->
                let program =
                    uring {
                        let address = UnixDomainSocketEndPoint(at folder "socket")
                        use! listener = Socket.listen address 4
                        use! client = Socket.connect address
                        use! _ = Socket.connect address
                        let! struct (server, others) = SocketTransfer.accept AcceptFlags.None listener
                        use server = server
                        do! Socket.send client (ReadOnlyMemory "abc"B)

                        let! struct (count, _) =
                            SocketTransfer.receiveHinted ReceiveFlags.None server (room 2)

                        return struct (count, others)
                    }

                Expect.equal (runOn host program) (struct (2, false)) "bytes, and no word of others"))
    ]

let private much = RandomNumberGenerator.GetBytes 3_000_000

/// Many small memories, and some empty ones, that stand for all of `bytes`.
let private pieces (bytes: byte array) : Memory<byte> array = [|
    let mutable at = 0

    while at < bytes.Length do
        let length = min (997 + at % 1009) (bytes.Length - at)
        Memory(bytes, at, length)
        if at % 7 = 0 then Memory.Empty
        at <- at + length
|]

let private readOnly (memories: Memory<byte> array) : ReadOnlyMemory<byte> array =
    memories |> Array.map Memory.op_Implicit

/// The transferred count and the sort of what it ends with.
let private broken (program: unit -> 'T) =
    match failureOf program with
    | null -> failtest "nothing"
    | reason -> Fault.transferred reason, reason

/// A program that is cancelled from outside: it catches what it ends with itself, because a cancelled task forgets it.
let private cancelledBy (host: LoopThread) (program: Uring<unit>) (untilThen: unit -> unit) =
    use source = new CancellationTokenSource()
    let caught = ref (exn "nothing was caught")

    let catching =
        uring {
            try
                do! program
            with reason ->
                caught.Value <- reason
        }

    let running = Uring.startOn host source.Token catching
    untilThen ()
    source.Cancel()
    ended "program" running
    Expect.isTrue (caught.Value :? OperationCanceledException) $"{caught.Value}"
    Fault.transferred caught.Value

let private whole =
    testList "all of it" [
        case "a buffer is filled by what comes in parts" (fun host ->
            let struct (ours, theirs) = connectPair host
            let buffer = room much.Length
            let receiving = startOn host (SocketTransfer.receiveExactly ours buffer)

            for part in Array.chunkBySize 100_003 much do
                theirs.Send part |> ignore

            finish "receive" receiving
            Expect.isTrue (buffer.Span.SequenceEqual much) "bytes"
            theirs.Dispose())

        case "several buffers, sent and filled in their order" (fun host ->
            let program =
                uring {
                    use! listener = Socket.listen loopback 4
                    use! client = Socket.connect (Socket.localEndPoint listener)
                    use! server = Socket.accept listener
                    let received = Array.zeroCreate<byte> much.Length

                    let! _ = SocketTransfer.sendVector client (readOnly (pieces much))
                    and! _ = SocketTransfer.receiveExactlyVector server (pieces received)

                    return received
                }

            Expect.isTrue (runOn host program = much) "bytes")

        case "nothing is full, and sent, at once" (fun host ->
            let struct (ours, theirs) = connectPair host
            runOn host (SocketTransfer.receiveExactly ours Memory.Empty)
            runOn host (SocketTransfer.receiveExactlyVector ours [| Memory.Empty; Memory.Empty |])
            runOn host (SocketTransfer.receiveExactlyVector ours [||])
            runOn host (SocketTransfer.sendVector ours [| ReadOnlyMemory.Empty |])
            theirs.Dispose())

        case "the end before it is full, and how much there is" (fun host ->
            for receive in
                [
                    fun socket -> SocketTransfer.receiveExactly socket (room 8)
                    fun socket -> SocketTransfer.receiveExactlyVector socket [| room 2; room 6 |]
                ] do
                let struct (ours, theirs) = connectPair host
                theirs.Send "abc"B |> ignore
                theirs.Shutdown SocketShutdown.Send
                let count, reason = broken (fun () -> runOn host (receive ours))
                Expect.equal count (ValueSome 3L) "transferred"
                Expect.isTrue (reason :? EndOfStreamException) $"{reason}"
                theirs.Dispose())

        case "cancelled in the middle: what has come is counted, and what comes is not lost" (fun host ->
            for receive in
                [
                    fun socket -> SocketTransfer.receiveExactly socket (room 8)
                    fun socket -> SocketTransfer.receiveExactlyVector socket [| room 2; room 6 |]
                ] do
                let struct (ours, theirs) = connectPair host

                let count =
                    cancelledBy host (receive ours) (fun () ->
                        eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                        theirs.Send "abc"B |> ignore
                        // Received, when nothing is left to receive.
                        eventually "taken" (fun () -> runOn host (Socket.available ours) = 0))

                theirs.Send "def"B |> ignore
                theirs.Shutdown SocketShutdown.Send
                let mutable left = 0

                while (let more = runOn host (Socket.receive ours (room 8)) in
                       left <- left + more
                       more > 0) do
                    ()

                Expect.equal count (ValueSome(6L - int64 left)) "what was there, and what is left"
                theirs.Dispose())

        case "sending many is cancelled, and says how far it was" (fun host ->
            let struct (ours, theirs) = connectPair host
            let buffers = Array.replicate 20 (ReadOnlyMemory much)
            let first = ref 0

            let count =
                cancelledBy host (SocketTransfer.sendVector ours buffers) (fun () ->
                    first.Value <- theirs.Receive(Array.zeroCreate<byte> 100_000))

            runOn host (Socket.shutdown ours SocketShutdown.Send)
            let target = Array.zeroCreate<byte> 1_000_000
            let mutable received = int64 first.Value
            let mutable more = true

            while more do
                let got = theirs.Receive target
                received <- received + int64 got
                more <- got > 0

            Expect.equal count (ValueSome received) "as much as the peer gets"
            theirs.Dispose())

        case "the peer resets in the middle" (fun host ->
            let struct (ours, theirs) = connectPair host
            let receiving = startOn host (SocketTransfer.receiveExactly ours (room 8))
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            theirs.LingerState <- LingerOption(true, 0)
            theirs.Dispose()
            let count, reason = broken (fun () -> finish "receive" receiving)
            Expect.equal count (ValueSome 0L) "nothing"

            match reason with
            | :? SocketException as reason ->
                Expect.equal reason.SocketErrorCode SocketError.ConnectionReset "which"
            | other -> failtest $"{other}")

        testCase "on a direct descriptor" (fun () ->
            withLoopOf LinuxKernel.Instance { LoopOptions.standard with DirectDescriptors = 4 } (fun host ->
                let program =
                    uring {
                        use! listener = Socket.listen loopback 4
                        use! client = Socket.connectDirect (Socket.localEndPoint listener)
                        use! server = Socket.acceptDirect listener
                        let received = Array.zeroCreate<byte> much.Length

                        let! _ = SocketTransfer.sendVector client (readOnly (pieces much))
                        and! _ = SocketTransfer.receiveExactly server (Memory received)

                        do! Socket.send client (ReadOnlyMemory "ab"B)
                        let! count = SocketTransfer.receive ReceiveFlags.WaitAll server (room 2)
                        return received = much && count = 2
                    }

                Expect.isTrue (runOn host program) "bytes"))

        tidyCase "C#: one buffer and several, and the end" (fun () ->
            Pairs.connected (fun client server ->
                task {
                    let received = Array.zeroCreate<byte> much.Length
                    let sending = client.SendAllAsync(readOnly (pieces much)).AsTask()
                    do! server.ReceiveExactlyAsync(pieces received)
                    do! sending
                    Expect.isTrue (received = much) "several"
                    let sending = client.SendAllAsync(ReadOnlyMemory much).AsTask()
                    let received = Array.zeroCreate<byte> much.Length
                    do! server.ReceiveExactlyAsync(Memory received)
                    do! sending
                    Expect.isTrue (received = much) "one"
                    do! server.ReceiveExactlyAsync Memory.Empty
                    do! client.SendAllAsync(ReadOnlyMemory "abc"B)
                    do! client.ShutdownAsync SocketShutdown.Send

                    let! reason =
                        raises<EndOfStreamException> "too early" (fun () ->
                            server.ReceiveExactlyAsync(room 8))

                    Expect.equal (reason.TransferredBytes()) (Nullable 3L) "how much there is"

                    let! reason =
                        raises<EndOfStreamException> "several" (fun () ->
                            server.ReceiveExactlyAsync [| room 1; room 1 |])

                    Expect.equal (reason.TransferredBytes()) (Nullable 0L) "nothing"
                }))
    ]

[<Tests>]
let tests = testSequenced <| testList "Transfers" [ flags; hints; whole ]
