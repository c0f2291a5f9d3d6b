/// Streams of every kind besides received bytes: reads of pipes, readiness, ticks, connections. Each is consumed, left,
/// cancelled, and given a slow consumer.
/// Length: one list for each kind of multishot, with the same checks.
module Uring.Tests.Linux.MultishotKindsTests

open System
open System.Diagnostics
open System.IO.Pipes
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

let private wait host (stream: UringStream<'T>) = startOn host (UringStream.next stream)

/// Our end to read from, and the BCL's to write to.
let private withPipe (kernel: IKernel) (body: LoopThread -> File -> AnonymousPipeServerStream -> unit) =
    withLoopOf kernel LoopOptions.standard (fun host ->
        use writer = new AnonymousPipeServerStream(PipeDirection.Out)
        let path = $"/proc/self/fd/{writer.ClientSafePipeHandle.DangerousGetHandle()}"
        let file = runOn host (File.openRead path)
        writer.DisposeLocalCopyOfClientHandle()
        body host file writer
        runOn host (File.close file)
        Expect.equal host.Loop.InFlight 0 "nothing in flight")

let private few = BufferPoolOptions.fixedOf 3 1000

/// As `withPipe`, with the ends of `Pipe.create`, which are read by one submission.
let private withOurPipe (kernel: IKernel) (body: LoopThread -> Pipe -> unit) =
    withLoopOf kernel LoopOptions.standard (fun host ->
        let pipe = runOn host Pipe.create
        body host pipe
        runOn host (Pipe.close pipe)
        Expect.equal host.Loop.InFlight 0 "nothing in flight")

let private reading =
    let everyByte kernel options =
        withPipe kernel (fun host file writer ->
            let pool = runOn host (BufferPool.create options)
            let data = pattern 1 500_000

            let writing =
                Task.Run(fun () ->
                    writer.Write(data, 0, data.Length)
                    writer.Dispose())

            let received = new IO.MemoryStream()

            let program =
                uring {
                    let! stream = File.readMany file pool

                    for lease in stream do
                        use lease = lease
                        received.Write lease.Span
                }

            runOn host program
            finished "writer" writing
            sameBytes data (received.ToArray()) "read"
            allBack pool)

    let few = BufferPoolOptions.fixedOf 3 1000

    let rec writeAll (writer: File) (data: ReadOnlyMemory<byte>) =
        uring {
            if data.Length > 0 then
                let! count = File.writeNext writer data
                do! writeAll writer (data.Slice count)
        }

    testList "readMany" [
        testCase "every byte of a pipe that a ring has made, by one submission" (fun () ->
            withLoop (fun host ->
                let pool = runOn host (BufferPool.create few)
                let pipe = runOn host Pipe.create
                let data = pattern 2 500_000
                let received = new IO.MemoryStream()

                let writing =
                    startOn
                        host
                        (uring {
                            do! writeAll pipe.Writer (ReadOnlyMemory data)
                            do! File.close pipe.Writer
                        })

                let reading =
                    uring {
                        let! stream = File.readMany pipe.Reader pool

                        for lease in stream do
                            use lease = lease
                            received.Write lease.Span
                    }

                runOn host reading
                finish "writer" writing
                sameBytes data (received.ToArray()) "read"
                allBack pool
                runOn host (File.close pipe.Reader)))

        for name, kernel, options in
            [
                "", LinuxKernel.Instance, few
                ", incrementally", LinuxKernel.Instance, { few with Incremental = true }
                ", one by one from a buffer ring (6.0)", FaultyKernel(Hidden = [ Opcode.ReadMultishot ]), few
                ", one by one, incrementally",
                FaultyKernel(Hidden = [ Opcode.ReadMultishot ]),
                { few with Incremental = true }
                ", one by one without a ring",
                FaultyKernel(Hidden = [ Opcode.ReadMultishot; Opcode.SendZeroCopy ]),
                few
            ] do
            testCase $"every byte of a pipe, and then its end{name}" (fun () -> everyByte kernel options)

        for name, hidden in [ "", []; ", one by one (6.6)", [ Opcode.ReadMultishot ] ] do
            testCase $"every byte of a pipe of our own, and then its end{name}" (fun () ->
                withOurPipe (FaultyKernel(Hidden = hidden)) (fun host pipe ->
                    let pool = runOn host (BufferPool.create few)
                    let data = pattern 1 200_000
                    let received = new IO.MemoryStream()

                    let writing =
                        uring {
                            do! File.writeAllNext pipe.Writer (ReadOnlyMemory data)
                            do! File.close pipe.Writer
                        }

                    let reading =
                        uring {
                            let! stream = File.readMany pipe.Reader pool

                            for lease in stream do
                                use lease = lease
                                received.Write lease.Span
                        }

                    let program =
                        uring {
                            let! () = writing
                            and! () = reading
                            return ()
                        }

                    runOn host program
                    sameBytes data (received.ToArray()) "read"
                    allBack pool))

        testCase "closing the end to read ends it" (fun () ->
            withOurPipe LinuxKernel.Instance (fun host pipe ->
                let pool = runOn host (BufferPool.create few)
                let stream = runOn host (File.readMany pipe.Reader pool)
                let waiting = wait host stream
                eventually "armed" (fun () -> host.Loop.InFlight = 1)
                runOn host (File.close pipe.Reader)
                ended "the wait" waiting
                Expect.isFalse (waiting.IsCompletedSuccessfully && waiting.Result) "no item"
                allBack pool))

        testCase "cancelling ends it" (fun () ->
            withPipe LinuxKernel.Instance (fun host file _ ->
                let pool = runOn host (BufferPool.create few)
                use source = new CancellationTokenSource()

                let program =
                    uring {
                        let! stream = File.readMany file pool
                        return! UringStream.next stream
                    }

                let running = Uring.startOn host source.Token program
                eventually "armed" (fun () -> host.Loop.InFlight = 1)
                source.Cancel()
                ended "the read" running
                Expect.isTrue running.IsCanceled "cancelled"
                Expect.equal pool.Available 3 "all buffers"))

        testCase "leaving it gives back what nobody took, and the pipe goes on" (fun () ->
            withPipe LinuxKernel.Instance (fun host file writer ->
                let pool = runOn host (BufferPool.create (BufferPoolOptions.fixedOf 8 4))
                let stream = runOn host (File.readMany file pool)
                writer.Write(ReadOnlySpan "aaaabbbbcccc"B)
                let lease = next host stream
                eventually "all is read" (fun () -> pool.Available = 5)
                leave host stream
                Expect.equal (lease.Span.ToArray()) "aaaa"B "still mine"
                lease.Dispose()
                allBack pool
                eventually "not armed" (fun () -> host.Loop.InFlight = 0)
                let again = runOn host (File.readMany file pool)
                writer.Write(ReadOnlySpan "dddd"B)
                use lease = next host again
                Expect.equal (lease.Span.ToArray()) "dddd"B "the next bytes"
                leave host again))
    ]

/// A ring that refuses all reads but one kind of them shows which kind a stream is made of.
let private kindOf =
    let others = [ Opcode.Pipe; Opcode.OpenAt; Opcode.Write; Opcode.FilesUpdate ]

    let reads name allowed (source: LoopThread -> File) (isRefused: bool) =
        testCase name (fun () ->
            let options = {
                LoopOptions.standard with
                    Restriction = ValueSome(Restriction.only (allowed :: others))
                    DirectDescriptors = 2
            }

            withLoopOf LinuxKernel.Instance options (fun host ->
                let pool = runOn host (BufferPool.create few)
                let file = source host

                let program =
                    uring {
                        let! stream = File.readMany file pool
                        let! found = UringStream.next stream
                        if found then stream.Current.Dispose()
                        do! (stream :> IAsyncDisposable).DisposeAsync()
                        return found
                    }

                match failureOf (fun () -> runOn host program) with
                | null -> Expect.isFalse isRefused "it read"
                | :? UnauthorizedAccessException when isRefused -> ()
                | reason -> failtest $"{reason}"

                runOn host (File.close file)))

    let filled (host: LoopThread) =
        let pipe = runOn host Pipe.create
        runOn host (File.writeNext pipe.Writer (ReadOnlyMemory "abc"B)) |> ignore
        pipe.Reader

    let named (host: LoopThread) =
        let reader = filled host
        runOn host (File.openRead $"/proc/self/fd/{reader.Descriptor.Number}")

    let direct (host: LoopThread) = runOn host (File.makeDirect (filled host))

    testList "readMany submits" [
        reads "READ_MULTISHOT for an end of a pipe" Opcode.ReadMultishot filled false
        reads "no READ for an end of a pipe" Opcode.Read filled true
        reads "READ_MULTISHOT for one in the ring's table" Opcode.ReadMultishot direct false
        reads "READ for what was opened by a path" Opcode.Read named false
        reads "no READ_MULTISHOT for what was opened by a path" Opcode.ReadMultishot named true
    ]

let private polling =
    let onPair name (body: LoopThread -> Uring.FSharp.Socket -> Peer -> unit) =
        testCase name (fun () ->
            withLoop (fun host ->
                let struct (ours, theirs) = connectPair host
                body host ours theirs
                theirs.Dispose()
                runOn host (Socket.close ours)
                Expect.equal host.Loop.InFlight 0 "nothing in flight"))

    testList "poll" [
        onPair "waits until there is something to read" (fun host ours theirs ->
            let polling = startOn host (Socket.poll ours PollEvents.Readable)
            eventually "waiting" (fun () -> host.Loop.InFlight = 1)
            Expect.isFalse polling.IsCompleted "nothing yet"
            theirs.Send [| 1uy |] |> ignore
            Expect.equal (finish "poll" polling) PollEvents.Readable "readable")

        onPair "tells at once what is there already" (fun host ours theirs ->
            let both = PollEvents.Readable ||| PollEvents.Writable
            Expect.equal (runOn host (Socket.poll ours both)) PollEvents.Writable "room"
            theirs.Send [| 1uy |] |> ignore
            Expect.equal (runOn host (Socket.poll ours PollEvents.Readable)) PollEvents.Readable "data"
            Expect.equal (runOn host (Socket.poll ours both)) both "both")

        onPair "tells of hang-ups and errors, asked for or not" (fun host ours theirs ->
            let polling = startOn host (Socket.poll ours PollEvents.ReadHangUp)
            theirs.Shutdown SocketShutdown.Send
            Expect.equal (finish "poll" polling) PollEvents.ReadHangUp "the peer has finished"
            theirs.LingerState <- LingerOption(true, 0)
            theirs.Dispose()
            let events = runOn host (Socket.poll ours PollEvents.Priority)
            Expect.isTrue (events.HasFlag PollEvents.HangUp && events.HasFlag PollEvents.Error) $"{events}")

        onPair "pollMany tells each time" (fun host ours theirs ->
            let stream = runOn host (Socket.pollMany ours PollEvents.Readable)
            let buffer = Memory(Array.zeroCreate<byte> 10)

            for round in 1..20 do
                let waiting = wait host stream
                theirs.Send [| byte round |] |> ignore
                Expect.isTrue (finish "an event" waiting) "an item"
                Expect.equal stream.Current PollEvents.Readable "readable"
                Expect.equal (runOn host (Socket.receive ours buffer)) 1 "one byte"

            leave host stream)

        onPair "what a slow consumer has not taken is united" (fun host ours theirs ->
            let stream = runOn host (Socket.pollMany ours (PollEvents.Readable ||| PollEvents.ReadHangUp))

            for round in 1..50 do
                theirs.Send [| byte round |] |> ignore

            theirs.Shutdown SocketShutdown.Send
            // Whatever came has been seen by the loop before this.
            runOn host (Socket.poll ours PollEvents.ReadHangUp) |> ignore
            runOn host Uring.nop |> ignore

            Expect.equal
                (next host stream)
                (PollEvents.Readable ||| PollEvents.ReadHangUp)
                "all events in one item"

            let waiting = wait host stream
            runOn host Uring.nop |> ignore
            Expect.isFalse waiting.IsCompleted "and no other"
            leave host stream)

        onPair "closing the socket ends it" (fun host ours _ ->
            let stream = runOn host (Socket.pollMany ours PollEvents.Readable)
            let waiting = wait host stream
            eventually "armed" (fun () -> host.Loop.InFlight = 1)
            runOn host (Socket.close ours)
            ended "the wait" waiting
            Expect.isFalse (waiting.IsCompletedSuccessfully && waiting.Result) "no item")
    ]

let private ticking =
    let period = TimeSpan.FromMilliseconds 5.0

    testList "ticks" [
        for name, hidden in [ "", []; ", one by one on an old kernel", [ Opcode.ReadMultishot ] ] do
            testCase $"come on time, and none is lost when their consumer is slow{name}" (fun () ->
                withLoopOf (FaultyKernel(Hidden = hidden)) LoopOptions.standard (fun host ->
                    let clock = Stopwatch.StartNew()

                    let program =
                        uring {
                            let! ticks = Uring.ticks period
                            let! _ = UringStream.next ticks
                            let first = ticks.Current
                            let early = clock.Elapsed
                            do! Uring.sleep (TimeSpan.FromMilliseconds 100.0)
                            let! _ = UringStream.next ticks
                            let missed = ticks.Current
                            let! _ = UringStream.next ticks
                            do! (ticks :> IAsyncDisposable).DisposeAsync()
                            return first, early, missed, ticks.Current
                        }

                    let first, early, missed, last = runOn host program
                    Expect.equal first 1 "the first counts one"
                    Expect.isGreaterThanOrEqual early period "and not before its time"
                    // 20 are due; a busy machine gives time for more, and one by one they drift.
                    Expect.isGreaterThan missed 4 "those that were missed, in one"
                    let most = int (clock.Elapsed / period) + 1
                    Expect.isLessThanOrEqual (first + missed + last) most "no more than the time allows"))

        for name, hidden in [ "", []; ", one by one on an old kernel", [ Opcode.ReadMultishot ] ] do
            testCase $"so many, and no more{name}" (fun () ->
                withLoopOf (FaultyKernel(Hidden = hidden)) LoopOptions.standard (fun host ->
                    let clock = Stopwatch.StartNew()

                    let count =
                        runOn
                            host
                            (uring {
                                let mutable count = 0
                                use! ticks = Uring.ticksOf 5 period

                                for some in ticks do
                                    count <- count + some

                                return count
                            })

                    Expect.equal count 5 "ticks"
                    Expect.isGreaterThanOrEqual clock.Elapsed (5.0 * period) "not before their time"
                    Expect.equal host.Loop.InFlight 0 "none is armed"

                    let submitted = host.Loop.Statistics.Submitted
                    if hidden.IsEmpty then Expect.isLessThan submitted 5L "one submission"))

        testCase "end when they are cancelled" (fun () ->
            withLoop (fun host ->
                use source = new CancellationTokenSource()

                let program =
                    uring {
                        let! ticks = Uring.ticks period

                        for _ in ticks do
                            ()
                    }

                let running = Uring.startOn host source.Token program
                source.CancelAfter 30
                ended "the ticks" running
                Expect.isTrue running.IsCanceled "cancelled"
                eventually "nothing in flight" (fun () -> host.Loop.InFlight = 0)))

        testCase "of no length are refused" (fun () ->
            for span in [ TimeSpan.Zero; TimeSpan.FromSeconds -1.0 ] do
                isOutOfRange "period" (fun () -> run (Uring.ticks span)))
    ]

let private accepting =
    testList "acceptMany" [
        testCase "ends when its listener is closed, after what it had accepted" (fun () ->
            withLoop (fun host ->
                let listener = runOn host (Socket.listen loopback 16)
                let stream = runOn host (Socket.acceptMany listener)

                let peers = [
                    for _ in 1..3 do
                        let peer = new Peer(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
                        peer.Connect(Socket.localEndPoint listener)
                        peer
                ]

                let first = next host stream
                // All three are accepted before a nop that comes after them.
                runOn host Uring.nop |> ignore
                runOn host (Socket.close listener)
                let mutable accepted = [ first ]

                while runOn host (UringStream.next stream) do
                    accepted <- stream.Current :: accepted

                Expect.equal accepted.Length 3 "none is lost"
                Expect.isFalse (runOn host (UringStream.next stream)) "and it stays at its end"

                for connection in accepted do
                    runOn host (Socket.close connection)

                for peer in peers do
                    Expect.equal (peer.Receive(Array.zeroCreate<byte> 1)) 0 "closed"
                    peer.Dispose()))

        // The C# enumerator makes a socket when Current is read: who only counts must not leak descriptors.
        testCaseTask "C#: connections that are counted, and not looked at, are closed" (fun () ->
            Observe.leavesNothingOpen (fun () ->
                task {
                    use! listener = Uring.UringListener.ListenAsync loopback
                    use peer = new Peer(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
                    peer.Connect listener.LocalEndPoint
                    let items = listener.AcceptAllAsync().GetAsyncEnumerator()
                    let! found = items.MoveNextAsync()
                    Expect.isTrue found "a connection"
                    do! items.DisposeAsync()
                }))
    ]

[<Tests>]
let tests = testSequenced <| testList "Multishot kinds" [ reading; kindOf; polling; ticking; accepting ]
