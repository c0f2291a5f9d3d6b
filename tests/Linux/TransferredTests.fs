/// What fails in the middle of a whole buffer tells how far it was.
module Uring.Tests.Linux.TransferredTests

open System
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

        testCase "nothing of it where nothing is transferred as a whole" (fun () ->
            let reason = IOException "x"
            Expect.equal (Fault.transferred reason) ValueNone "F#"
            Expect.equal (reason.TransferredBytes()) (Nullable()) "C#")
    ]
