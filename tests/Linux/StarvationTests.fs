/// Streams that wait for a buffer: every way in which such a wait has to end. And accept streams under load.
module Uring.Tests.Linux.StarvationTests

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

/// A loop whose only buffer is held by `Lease`, and whose stream on `Socket` has found none. Disposed of by the test.
type private Starving = {
    Host: LoopThread
    Pool: BufferPool
    Lease: BufferLease
    Socket: Uring.FSharp.Socket
    Peer: Peer
    Stream: UringStream<BufferLease>
    /// The wait that starves.
    Wait: Task<bool>
}

let private starve (kernel: IKernel) (source: CancellationToken) : Starving =
    let host = startLoop kernel small
    let struct (ours, theirs) = connectPair host
    theirs.Send(Array.init<byte> 32 byte) |> ignore
    let opened = TaskCompletionSource<BufferPool * UringStream<BufferLease> * BufferLease>()

    let program =
        uring {
            let! pool = Socket.bufferPool 1 16
            let! stream = Socket.receiveMany ours pool
            let! _ = UringStream.next stream
            opened.SetResult(pool, stream, stream.Current)
            return! UringStream.next stream
        }

    let wait = Uring.startOn host source program
    let pool, stream, lease = finish "first lease" opened.Task
    eventually "starving" (fun () -> host.Loop.InFlight = 0)

    {
        Host = host
        Pool = pool
        Lease = lease
        Socket = ours
        Peer = theirs
        Stream = stream
        Wait = wait
    }

let private isOpen (number: int) = Path.Exists $"/proc/self/fd/{number}"

let private ends =
    testList "a stream that starves" [
        let ways: (string * (CancellationTokenSource -> FaultyKernel -> Starving -> unit)) list = [
            "ends with its loop", (fun _ _ starving -> stopLoop starving.Host)
            "ends with its socket", (fun _ _ starving -> runOn starving.Host (Socket.close starving.Socket))
            "ends with its token", (fun source _ _ -> source.Cancel())
            "ends with its ring",
            (fun _ kernel starving ->
                kernel.OnEnter <- Answer.always (Answer.Before Errno.EBADR)
                starving.Host.Loop.Post((fun _ -> ()), null))
        ]

        for name, way in ways do
            testCase name (fun () ->
                use source = new CancellationTokenSource()
                let kernel = FaultyKernel()
                let starving = starve kernel source.Token
                Expect.isFalse starving.Wait.IsCompleted "it starves"
                way source kernel starving
                ended "the wait" starving.Wait
                Expect.isFalse starving.Wait.IsCompletedSuccessfully "no result"
                starving.Lease.Dispose()
                stopLoop starving.Host
                // After a failure the kernel may still write: the pool's memory is kept on purpose.
                let kept = if name = "ends with its ring" then 1 else 0
                Expect.equal (kernel.OpenRings, kernel.OpenMaps) (0, kept) "nothing left"
                starving.Peer.Dispose())

        testCase "goes on with the next byte when its buffer comes back, from any thread" (fun () ->
            let starving = starve LinuxKernel.Instance CancellationToken.None
            Expect.equal (starving.Lease.Memory.ToArray()) (Array.init 16 byte) "the first bytes"
            starving.Lease.Dispose()
            Expect.isTrue (finish "the wait" starving.Wait) "more"

            Expect.equal
                (starving.Stream.Current.Memory.ToArray())
                (Array.init 16 (fun i -> byte (i + 16)))
                "the next"

            stopLoop starving.Host
            starving.Peer.Dispose())

        testCase "does not hold a buffer from others when it is left" (fun () ->
            let starving = starve LinuxKernel.Instance CancellationToken.None
            runOn starving.Host (uring { do! (starving.Stream :> IAsyncDisposable).DisposeAsync() })
            starving.Lease.Dispose()
            eventually "the buffer is back" (fun () -> starving.Pool.Available = 1)
            Expect.equal starving.Host.Loop.InFlight 0 "nobody took it"
            runOn starving.Host (Socket.close starving.Socket)
            Expect.isFalse (isOpen starving.Socket.Descriptor.Number) "closed"
            stopLoop starving.Host
            starving.Peer.Dispose())

        testCase "is not starved by one that has nothing to receive" (fun () ->
            withLoop (fun host ->
                let struct (idle, idlePeer) = connectPair host
                let struct (busy, busyPeer) = connectPair host
                busyPeer.Send(Array.zeroCreate<byte> 32) |> ignore

                let program =
                    uring {
                        let! pool = Socket.bufferPool 1 16
                        let! second = Socket.receiveMany busy pool
                        let! _ = UringStream.next second
                        let lease = second.Current
                        // Finds no buffer, and is the first to starve or the second: either must do.
                        let! first = Socket.receiveMany idle pool
                        let! _ = Uring.spawn (Uring.catch (UringStream.next first))
                        do! Uring.sleep (TimeSpan.FromMilliseconds 5.0)
                        lease.Dispose()
                        let! more = UringStream.next second
                        let length = second.Current.Length
                        do! (first :> IAsyncDisposable).DisposeAsync()
                        return more, length
                    }

                Expect.equal (runOn host program) (true, 16) "its next bytes"
                idlePeer.Dispose()
                busyPeer.Dispose()))
    ]

let private slow =
    testList "a slow reader" [
        for buffers in [ 1; 2; 4 ] do
            testCase
                $"{buffers} buffers, leases kept and released in a strange order, on another thread"
                (fun () ->
                    withLoop (fun host ->
                        let pool = runOn host (Socket.bufferPool buffers 64)
                        let struct (ours, theirs) = connectPair host
                        let data = Array.init 50_000 (fun index -> byte (index * 7 + index / 256))
                        let random = Random 3
                        let got = new MemoryStream()

                        let program =
                            uring {
                                let! stream = Socket.receiveMany ours pool
                                let held = Collections.Generic.List<BufferLease>()

                                for lease in stream do
                                    got.Write lease.Span
                                    held.Add lease

                                    if held.Count = buffers || random.Next 3 = 0 then
                                        for lease in held |> Seq.rev |> Seq.toArray do
                                            ThreadPool.UnsafeQueueUserWorkItem(
                                                (fun _ -> lease.Dispose()),
                                                null
                                            )
                                            |> ignore

                                        held.Clear()

                                for lease in held do
                                    lease.Dispose()
                            }

                        let reading = startOn host program

                        let writing =
                            Task.Run(fun () ->
                                let mutable sent = 0

                                while sent < data.Length do
                                    let length = min (random.Next(1, 500)) (data.Length - sent)
                                    sent <- sent + theirs.Send(data, sent, length, SocketFlags.None)

                                theirs.Shutdown SocketShutdown.Send)

                        finish "reader" reading
                        finished "writer" writing
                        Expect.isTrue (got.ToArray().AsSpan().SequenceEqual data) "no byte lost or moved"
                        eventually "all buffers are back" (fun () -> pool.Available = buffers)
                        theirs.Dispose()))
    ]

let private accepting =
    testList "accept" [
        testCase "500 connections at once, each with a byte of its own" (fun () ->
            withLoopOf LinuxKernel.Instance small (fun host ->
                let listener = runOn host (Socket.listen loopback 512)
                let endPoint = Socket.localEndPoint listener
                let seen = Collections.Concurrent.ConcurrentDictionary<int, int>()
                let all = TaskCompletionSource()

                let serve (connection: Uring.FSharp.Socket) =
                    uring {
                        use! connection = Uring.result connection
                        let buffer = Array.zeroCreate<byte> 2
                        let! count = Socket.receive connection (Memory buffer)
                        Expect.equal count 2 "both bytes"

                        seen.AddOrUpdate(int buffer[0] * 256 + int buffer[1], 1, (fun _ count -> count + 1))
                        |> ignore

                        if seen.Count = 500 then all.TrySetResult() |> ignore
                    }

                use source = new CancellationTokenSource()

                let server =
                    uring {
                        let! connections = Socket.acceptMany listener

                        for connection in connections do
                            let! _ = Uring.spawn (serve connection)
                            ()
                    }

                let serving = Uring.startOn host source.Token server

                let peers = [|
                    for number in 0..499 do
                        let peer = new Peer(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
                        peer.Connect endPoint
                        peer.Send [| byte (number / 256); byte number |] |> ignore
                        peer
                |]

                finished "all served" all.Task
                Expect.sequenceEqual (seen.Values |> Seq.distinct) [ 1 ] "each once"
                source.Cancel()
                ended "server" serving

                for peer in peers do
                    peer.Dispose()))
    ]

[<Tests>]
let tests = testSequenced <| testList "Starvation" [ ends; slow; accepting ]
