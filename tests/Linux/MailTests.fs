/// Messages from ring to ring, and direct descriptors that are handed on.
module Uring.Tests.Linux.MailTests

open System
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

let private mail tag value = { Tag = tag; Value = value; Flags = 0u }

let private isDisposed what (failure: exn | null) =
    match failure with
    | :? ObjectDisposedException -> ()
    | other -> failtest $"{what}: {other}"

let private messages =
    testList "messages" [
        testCase "in the order in which they were sent, whoever waits" (fun () ->
            withLoop (fun one ->
                withLoop (fun other ->
                    let receiving =
                        startOn
                            other
                            (uring {
                                let mutable found = []

                                for _ in 1..100 do
                                    let! mail = Mail.receive
                                    found <- mail :: found

                                return List.rev found
                            })

                    let sent = [ for value in 1..100 -> mail (-value) (Int32.MinValue + value) ]

                    runOn
                        one
                        (uring {
                            for mail in sent do
                                do! Mail.post other mail
                        })

                    Expect.equal (finish "receive" receiving) sent "messages")))

        testCase "all: one after another, cancelled, and over with the ring" (fun () ->
            let waiting =
                withLoop (fun host ->
                    let stream = runOn host Mail.all

                    let take =
                        uring {
                            let! more = UringStream.next stream
                            Expect.isTrue more "goes on"
                            return stream.Current
                        }

                    let sent = [ for value in 1..3 -> mail value (10 * value) ]

                    for one in sent do
                        runOn host (Mail.post host one)

                    Expect.equal [ for _ in sent -> runOn host take ] sent "in their order"
                    use source = new CancellationTokenSource()

                    let reading =
                        Uring.startOn
                            host
                            source.Token
                            (uring {
                                use! all = Mail.all

                                for one in all do
                                    failtest $"{one.Tag}"
                            })

                    runOn host Uring.nop |> ignore
                    source.Cancel()
                    ended "all" reading
                    Expect.isTrue reading.IsCanceled "cancelled"
                    runOn host (Mail.post host (mail 4 40))
                    Expect.equal (runOn host take) (mail 4 40) "nothing was lost"
                    startOn host take)

            failureOf (fun () -> finish "all" waiting) |> isDisposed "all")

        testCase "with flags, whatever they mean in other completions" (fun () ->
            withLoop (fun one ->
                withLoop (fun other ->
                    let all = [ 0u; 1u; 2u; 8u; 0x20u; 0x8000u; 0x4500u; UInt32.MaxValue ]
                    let sent = [ for flags in all -> { mail 1 2 with Flags = flags } ]

                    runOn
                        one
                        (uring {
                            for mail in sent do
                                do! Mail.post other mail
                        })

                    Expect.equal [ for _ in sent -> runOn other Mail.receive ] sent "as they were"
                    Expect.equal other.Loop.InFlight 0 "and nothing else of it")))

        testCase "with flags, before Linux 6.3" (fun () ->
            withLoopOf (FaultyKernel(Lacks = FeatureFlags.RegisteredRing)) LoopOptions.standard (fun host ->
                match failureOf (fun () -> runOn host (Mail.post host { mail 1 2 with Flags = 1u })) with
                | :? PlatformNotSupportedException as reason ->
                    Expect.stringContains reason.Message "Linux 6.3" "which"
                | other -> failtest $"{other}"

                runOn host (Mail.post host (mail 3 4))
                Expect.equal (runOn host Mail.receive) (mail 3 4) "without"))

        testCase "what the kernel refuses: silence, and flags without saying so" (fun () ->
            withLoop (fun host ->
                let name = UserData.pack 1u 0u CompletionKind.Message
                let plain = Submission.messageRing (Sending.number host.Loop) name 2u

                let refused submission =
                    Expect.equal (errnoOf host (Request.bare submission)) Errno.EINVAL "EINVAL"

                refused { plain with OpFlags = OpFlags.MessageSilent }
                refused { plain with FileIndex = 1u }
                refused { plain with OpFlags = 4u }))

        testCase "to itself, and kept until somebody takes it" (fun () ->
            withLoop (fun host ->
                runOn host (Mail.post host (mail 1 2))
                runOn host Uring.nop |> ignore
                Expect.equal (runOn host Mail.receive) (mail 1 2) "message"))

        testCase "to a ring that has ended" (fun () ->
            withLoop (fun host ->
                let gone = startLoop Uring.Kernel.LinuxKernel.Instance small
                stopLoop gone
                failureOf (fun () -> runOn host (Mail.post gone (mail 1 2))) |> isDisposed "post"))

        testCase "a wait ends by cancelling, and with its ring" (fun () ->
            withLoop (fun host ->
                use source = new CancellationTokenSource()
                let waiting = Uring.startOn host source.Token Mail.receive
                runOn host Uring.nop |> ignore
                source.Cancel()
                ended "receive" waiting
                Expect.isTrue waiting.IsCanceled "cancelled")

            let waiting =
                withLoop (fun host ->
                    let waiting = startOn host Mail.receive
                    runOn host Uring.nop |> ignore
                    waiting)

            failureOf (fun () -> finish "receive" waiting) |> isDisposed "receive")

        testCase "a target that ends meanwhile: sent, or refused, and nothing hangs" (fun () ->
            for _ in 1..20 do
                withLoop (fun host ->
                    let target = startLoop Uring.Kernel.LinuxKernel.Instance small
                    let sending = [ for value in 1..10 -> startOn host (Mail.post target (mail 0 value)) ]
                    stopLoop target

                    for one in sending do
                        match failureOf (fun () -> finish "post" one) with
                        | null
                        | :? ObjectDisposedException -> ()
                        | other -> failtest $"{other}"))
    ]

let private direct = { LoopOptions.standard with DirectDescriptors = 2 }

/// A connection as a direct descriptor, and the other end.
let private accept (host: LoopThread) : struct (Uring.FSharp.Socket * Peer) =
    let listener = runOn host (Socket.listen loopback 4)
    let peer = new Peer(SocketType.Stream, ProtocolType.Tcp)
    peer.Connect(Socket.localEndPoint listener)
    let stream = runOn host (Socket.acceptManyDirect listener)
    Expect.isTrue (runOn host (UringStream.next stream)) "accepted"
    runOn host (uring { do! (stream :> IAsyncDisposable).DisposeAsync() })
    runOn host (Socket.close listener)
    struct (stream.Current, peer)

let private withTables (body: LoopThread -> LoopThread -> unit) =
    let kernel = Uring.Kernel.LinuxKernel.Instance
    withLoopOf kernel direct (fun one -> withLoopOf kernel direct (body one))

let private moves =
    testList "direct descriptors" [
        testCase "work on the ring that they were handed to, and leave no slot behind" (fun () ->
            withTables (fun one other ->
                // More than there are slots: each has to be free again on both sides.
                for _ in 1..5 do
                    let struct (here, peer) = accept one
                    let there = runOn one (Socket.moveTo other here)
                    Expect.isTrue here.Descriptor.IsClosed "closed here"
                    peer.Send "hello"B |> ignore

                    Expect.equal
                        (runOn other (Socket.receive there (Memory(Array.zeroCreate 9))))
                        5
                        "received"

                    runOn other (Socket.close there)
                    Expect.equal (peer.Receive(Array.zeroCreate<byte> 1)) 0 "closed"
                    peer.Dispose()))

        testCase "no free slot, no table, the same ring, an ended one: it stays" (fun () ->
            withTables (fun one other ->
                let struct (here, peer) = accept one
                let filled = [ for _ in 1..2 -> accept other ]

                let isFull (failure: exn | null) =
                    match failure with
                    | :? SocketException as reason when
                        reason.SocketErrorCode = SocketError.TooManyOpenSockets
                        ->
                        ()
                    | other -> failtest $"{other}"

                failureOf (fun () -> runOn one (Socket.moveTo other here)) |> isFull
                withLoop (fun bare -> failureOf (fun () -> runOn one (Socket.moveTo bare here)) |> isFull)

                match failureOf (fun () -> runOn one (Socket.moveTo one here)) with
                | :? ArgumentException -> ()
                | other -> failtest $"{other}"

                let gone = startLoop Uring.Kernel.LinuxKernel.Instance direct
                stopLoop gone
                failureOf (fun () -> runOn one (Socket.moveTo gone here)) |> isDisposed "gone"
                peer.Send "x"B |> ignore
                Expect.equal (runOn one (Socket.receive here (Memory(Array.zeroCreate 9)))) 1 "works here"

                for struct (socket, peer) in filled do
                    runOn other (Socket.close socket)
                    peer.Dispose()

                let there = runOn one (Socket.moveTo other here)
                runOn other (Socket.close there)
                failureOf (fun () -> runOn one (Socket.moveTo other here)) |> isDisposed "closed"
                peer.Dispose()))

        testCase "one of the process belongs to no ring" (fun () ->
            withTables (fun one other ->
                let struct (ours, _) = connectPair one

                match failureOf (fun () -> runOn one (Socket.moveTo other ours)) with
                | :? InvalidOperationException -> ()
                | other -> failtest $"{other}"))
    ]

let private facade =
    testList "C#" [
        Observe.tidyCase "messages" (fun () ->
            task {
                use one = new Uring.Ring()
                let other = new Uring.Ring()

                let receiving =
                    task {
                        let found = Collections.Generic.List()
                        let messages = other.MessagesAsync().GetAsyncEnumerator()
                        let mutable more = true

                        while more do
                            let! next = messages.MoveNextAsync()
                            more <- next
                            if more then found.Add messages.Current

                        return List.ofSeq found
                    }

                for value in 1..10 do
                    do! one.PostAsync(other, Uring.RingMessage(7, value))

                // They are there by now: this comes behind them.
                do! Observe.eventually "received" (fun () -> other.Statistics.Completions >= 10L)
                do! other.NopAsync()
                do! other.DisposeAsync()
                let! found = receiving

                Expect.equal
                    found
                    [ for value in 1..10 -> Uring.RingMessage(7, value) ]
                    "until it is disposed of"

                let! _ =
                    Observe.raises<ObjectDisposedException> "ended" (fun () ->
                        one.PostAsync(other, Uring.RingMessage(1, 1)))

                ()
            })

        Observe.tidyCase "a socket moves" (fun () ->
            task {
                use one = new Uring.Ring(Uring.RingOptions(DirectDescriptors = 4))
                use other = new Uring.Ring(Uring.RingOptions(DirectDescriptors = 4))
                use! listener = Uring.UringListener.ListenAsync(Pairs.loopback, ring = one)
                use! client = Uring.UringSocket.ConnectAsync(listener.LocalEndPoint, one)
                let accepting = listener.AcceptAllDirectAsync().GetAsyncEnumerator()
                let! _ = accepting.MoveNextAsync()
                let here = accepting.Current
                use! there = here.MoveToAsync other
                Expect.isTrue here.IsClosed "closed here"
                do! there.SendAllAsync(Pairs.bytesOf "hello")
                let! found = Pairs.receiveExactly client 5
                Expect.equal found "hello"B "sent"
                do! accepting.DisposeAsync()
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "Mail" [ messages; moves; facade ]
