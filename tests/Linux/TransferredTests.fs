/// What fails in the middle of a whole buffer tells how far it was.
module Uring.Tests.Linux.TransferredTests

open System
open System.Collections.Generic
open System.IO
open System.Threading
open Expecto
open Uring
open Uring.Driver
open Uring.FSharp
open Uring.Tests.Linux.Hosting

/// More than the buffers of a connection hold.
let private much = ReadOnlyMemory(Array.zeroCreate<byte> 40_000_000)

/// Receives what was sent until the peer closes.
let private drain (peer: Peer) =
    let room = Array.zeroCreate<byte> 1_000_000
    let mutable total = 0L
    let mutable more = true

    while more do
        let count = peer.Receive room
        total <- total + int64 count
        more <- count > 0

    total

[<Tests>]
let tests =
    testSequenced
    <| testList "Transferred" [
        testCase "F#: what was sent before it was cancelled is what the peer gets" (fun () ->
            withLoop (fun host ->
                let struct (ours, theirs) = connectPair host
                use source = new CancellationTokenSource()
                let caught = ref (exn "nothing was caught")

                let program =
                    uring {
                        try
                            do! Socket.send ours much
                        with reason ->
                            caught.Value <- reason
                    }

                let sending = Uring.startOn host source.Token program
                let first = theirs.Receive(Array.zeroCreate<byte> 1_000_000)
                source.Cancel()
                ended "send" sending
                runOn host (Socket.shutdown ours Net.Sockets.SocketShutdown.Send)
                let received = int64 first + drain theirs
                Expect.equal (Fault.transferred caught.Value) (ValueSome received) "bytes"
                theirs.Dispose()))

        Observe.tidyCase "C#: what was sent before it was cancelled is what the peer gets" (fun () ->
            Pairs.connected (fun client server ->
                task {
                    use source = new CancellationTokenSource()
                    let sending = client.SendAllAsync(much, source.Token).AsTask()
                    let! first = server.ReceiveAsync(Pairs.buffer 1_000_000)
                    source.Cancel()
                    let! failure = Observe.failureOf (fun () -> Threading.Tasks.ValueTask sending)
                    let sent = (Option.ofObj failure |> Option.get).TransferredBytes()
                    do! client.ShutdownAsync Net.Sockets.SocketShutdown.Send
                    let mutable received = int64 first
                    let mutable more = true

                    while more do
                        let! count = server.ReceiveAsync(Pairs.buffer 1_000_000)
                        received <- received + int64 count
                        more <- count > 0

                    Expect.equal sent (Nullable received) "bytes"
                }))

        Observe.inFolderCase "C#: a file that ends too early" (fun folder ->
            task {
                let path = Path.Combine(folder, "short")
                File.WriteAllBytes(path, Array.zeroCreate 10)
                use! file = UringFile.OpenAsync path

                let! failure = Observe.failureOf (fun () -> file.ReadExactlyAsync(Pairs.buffer 100, 2L))

                let reason = Option.ofObj failure |> Option.get
                Expect.isTrue (reason :? EndOfStreamException) $"{reason}"
                Expect.equal (reason.TransferredBytes()) (Nullable 8L) "bytes"
            })

        Observe.inFolderCase
            "C#: several buffers, and registered memory, of a file that ends too early"
            (fun folder ->
                task {
                    let path = Path.Combine(folder, "short")
                    File.WriteAllBytes(path, Array.zeroCreate 10)
                    use! file = UringFile.OpenAsync path
                    let! registered = Ring.Default.RegisterBufferAsync 100
                    use registered = registered
                    let rooms: IReadOnlyList<Memory<byte>> = [| Pairs.buffer 5; Pairs.buffer 100 |]
                    let exact: IReadOnlyList<Memory<byte>> = [| Pairs.buffer 5; Pairs.buffer 3 |]
                    do! file.ReadExactlyAsync(exact, 2L)
                    do! file.ReadExactlyAsync(registered.Slice(0, 10), 0L)
                    let! several = Observe.failureOf (fun () -> file.ReadExactlyAsync(rooms, 3L))

                    let! fixedOne =
                        Observe.failureOf (fun () -> file.ReadExactlyAsync(registered.Slice(0, 50), 4L))

                    for failure, count in [ several, 7L; fixedOne, 6L ] do
                        let reason = Option.ofObj failure |> Option.get
                        Expect.isTrue (reason :? EndOfStreamException) $"{reason}"
                        Expect.equal (reason.TransferredBytes()) (Nullable count) "bytes"
                })

        testCase
            "F#: what went into a pipe, from one buffer and from several, and into a socket from a file"
            (fun () ->
                inFolder (fun folder ->
                    let path = Path.Combine(folder, "much")
                    File.WriteAllBytes(path, Array.zeroCreate 10_000_000)

                    withLoop (fun host ->
                        let interrupted (start: Uring<'T>) (armed: unit -> bool) =
                            use source = new CancellationTokenSource()
                            let caught = ref (exn "nothing was caught")

                            let program =
                                uring {
                                    try
                                        let! _ = start
                                        return ()
                                    with reason ->
                                        caught.Value <- reason
                                }

                            let running = Uring.startOn host source.Token program
                            eventually "it waits" armed
                            source.Cancel()
                            ended "it" running
                            Fault.transferred caught.Value

                        // A pipe takes 64 KiB, and then it waits.
                        let ofPipe write =
                            let pipe = runOn host Pipe.create

                            // As many bytes as another pipe gets of it.
                            let isFull () =
                                let other = runOn host Pipe.create
                                let tee = FileRequest.teeAs SpliceModes.NonBlocking
                                let request = tee pipe.Reader.Descriptor other.Writer.Descriptor 70_000
                                let found = attempt host request
                                runOn host (Pipe.close other)
                                found = 65536

                            let found = interrupted (write pipe.Writer) isFull
                            runOn host (Pipe.close pipe)
                            found

                        let half = much.Slice(0, 50_000)

                        Expect.equal
                            (ofPipe (fun file -> File.writeAllNext file much))
                            (ValueSome 65536L)
                            "one"

                        let several (file: Uring.FSharp.File) = File.writeVector file [| half; half |] 0L
                        Expect.equal (ofPipe several) (ValueSome 65536L) "several"

                        let struct (ours, theirs) = connectPair host
                        let source = runOn host (File.openRead path)
                        let sent = ref 0L
                        let sending = Socket.sendFile ours source 0L Int64.MaxValue

                        let hasMuch () =
                            sent.Value <-
                                sent.Value + int64 (theirs.Receive(Array.zeroCreate<byte> 100_000))

                            sent.Value > 500_000L

                        let found = interrupted sending hasMuch
                        runOn host (Socket.shutdown ours Net.Sockets.SocketShutdown.Send)
                        Expect.equal found (ValueSome(sent.Value + drain theirs)) "a file to a socket"
                        theirs.Dispose())))

        testCase "nothing of it where nothing is transferred as a whole" (fun () ->
            let reason = IOException "x"
            Expect.equal (Fault.transferred reason) ValueNone "F#"
            Expect.equal (reason.TransferredBytes()) (Nullable()) "C#")
    ]
