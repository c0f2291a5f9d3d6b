/// Queues of leases against the real kernel: every byte in order from where it lies, whatever the peer does, and every
/// buffer back once.
module Uring.Tests.Linux.LeaseQueueTests

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

let private big = 1 <<< 20

/// A receiver with so many buffers, and a second connection with a queue in front of it. In the end all buffers are back.
let private queueCase
    buffers
    size
    limit
    name
    (body: Receiver -> LeaseQueue -> Uring.FSharp.Socket -> Peer -> unit)
    =
    testCase name (fun () ->
        withReceiver (BufferPoolOptions.fixedOf buffers size) (fun receiver ->
            let struct (ours, theirs) = connectPair receiver.Host
            let queue = runOn receiver.Host (LeaseQueue.create limit ours)
            body receiver queue ours theirs
            runOn receiver.Host (LeaseQueue.close queue)
            runOn receiver.Host (Socket.close ours)
            theirs.Dispose()
            allBack receiver.Pool))

/// Whatever comes in goes out, until the end.
let private pass (receiver: Receiver) (queue: LeaseQueue) (ours: Uring.FSharp.Socket) =
    uring {
        for lease in receiver.Stream do
            do! LeaseQueue.send queue lease

        do! LeaseQueue.flush queue
        do! Socket.shutdown ours SocketShutdown.Send
    }

let private sendAll (peer: Peer) (bytes: byte array) =
    task {
        do! sending peer bytes
        peer.Shutdown SocketShutdown.Send
    }

/// A few bytes would find room where there is none for more.
let private bigOf (receiver: Receiver) (seed: int) = bigLease receiver (pattern seed big)

let private send (receiver: Receiver) (queue: LeaseQueue) (lease: BufferLease) =
    startOn receiver.Host (LeaseQueue.send queue lease)

/// The peer's side is full, one lease is in the kernel, and another waits behind it for room: that one's send.
let private stalled (receiver: Receiver) (queue: LeaseQueue) (ours: Uring.FSharp.Socket) =
    fill receiver.Host ours |> ignore
    finished "the first" (send receiver queue (bigOf receiver 1))
    let second = send receiver queue (bigOf receiver 2)
    eventually "both there" (fun () -> queue.Unsent = 2)
    second

/// So many senders share a lease of their own a hundred times each: no message is cut.
let private sentWhole (receiver: Receiver) (theirs: Peer) senders (start: int -> BufferLease -> Task) =
    let rounds = 100
    let receiving = Task.Run(fun () -> receiveAll theirs (senders * rounds * 7))
    let leases = [ for id in 1..senders -> leaseOf receiver (Array.create 7 (byte id)) ]
    let writing = [ for lease in leases -> start rounds lease ]
    writing |> List.iter (finished "a sender")

    for message in Array.chunkBySize 7 (finish "receiving" receiving) do
        if Array.exists ((<>) message[0]) message then failtest "two messages mixed"

/// On the loop's thread: whether it was taken.
let private trySend (receiver: Receiver) (queue: LeaseQueue) (lease: BufferLease) =
    receiver.Host.Loop.Call(fun () -> LeaseQueue.trySend queue lease).AsTask() |> finish "the attempt"

/// A task that fails like this.
let private fails isExpected what (running: Task) =
    match failureOf (fun () -> finished what running) with
    | null -> failtest $"{what} went well"
    | failure -> Expect.isTrue (isExpected failure) $"{what}: {failure}"

/// What comes now is refused like this, and goes back.
let private refusesAll (receiver: Receiver) (queue: LeaseQueue) isExpected =
    let lease = leaseOf receiver "abc"B
    fails isExpected "a send" (send receiver queue lease)
    isDisposed "its lease" (fun () -> lease.Length)
    fails isExpected "a flush" (startOn receiver.Host (LeaseQueue.flush queue))
    let other = leaseOf receiver "abc"B

    match failureOf (fun () -> Expect.isFalse (trySend receiver queue other) "not taken") with
    | null -> ()
    | failure ->
        Expect.isTrue (isExpected failure && failure :? ObjectDisposedException) $"an attempt: {failure}"

    Expect.equal other.Length 3 "the lease is the caller's"
    other.Dispose()
    Expect.equal queue.Unsent 0 "unsent"

let private isDisposal (failure: exn) = failure :? ObjectDisposedException
let private isSocketFailure (failure: exn) = failure :? SocketException

let private streaming = [
    for buffers, size, limit in [ 1, 1000, 1; 2, 100, 1; 8, 3000, 4; 64, 16384, 16; 64, 64, 64 ] do
        queueCase
            buffers
            size
            limit
            $"every byte in order: {buffers} buffers of {size}, {limit} in the queue"
            (fun receiver queue ours theirs ->
                let bytes = pattern (buffers + limit) (if size < 1000 then 50_000 else 2_000_000)
                let sending = sendAll receiver.Peer bytes
                let receiving = Task.Run(fun () -> receiveAll theirs bytes.Length)
                runOn receiver.Host (pass receiver queue ours)
                finished "the source" sending
                sameBytes bytes (finish "the target" receiving) "passed on"
                Expect.equal queue.Unsent 0 "unsent")
]

let private waiting = [
    queueCase
        4
        big
        2
        "who sends more than the limit waits until one is sent"
        (fun receiver queue ours theirs ->
            let stalled = fill receiver.Host ours
            finished "the first" (send receiver queue (bigOf receiver 1))
            Expect.isTrue (trySend receiver queue (bigOf receiver 2)) "room for the second"
            let third = send receiver queue (bigOf receiver 3)
            let flush = startOn receiver.Host (LeaseQueue.flush queue)
            eventually "three there" (fun () -> queue.Unsent = 3)
            let fourth = bigOf receiver 4
            Expect.isFalse (trySend receiver queue fourth) "no room"
            fourth.Dispose()
            Expect.isFalse (third.IsCompleted || flush.IsCompleted) "both wait"
            skip theirs stalled
            let expected = Array.concat [ for seed in 1..3 -> pattern seed big ]
            sameBytes expected (receiveAll theirs expected.Length) "in order"
            finished "the third" third
            finished "the flush" flush
            Expect.equal queue.Unsent 0 "unsent")

    queueCase 1 big 1 "one large lease in many steps" (fun receiver queue ours theirs ->
        // Room for a part only.
        SocketOptions.set ours.Descriptor 1 7 4096 // SOL_SOCKET, SO_SNDBUF
        let bytes = pattern 6 big
        let lease = bigLease receiver bytes
        finished "the send" (send receiver queue lease)
        isDisposed "the lease" (fun () -> lease.Length)
        let flush = startOn receiver.Host (LeaseQueue.flush queue)
        sameBytes bytes (receiveAll theirs big) "sent"
        finished "the flush" flush)

    queueCase 8 64 3 "many programs send at once, each lease whole" (fun receiver queue _ theirs ->
        sentWhole receiver theirs 5 (fun rounds lease ->
            startOn
                receiver.Host
                (uring {
                    use lease = lease

                    for _ in 1..rounds do
                        do! LeaseQueue.send queue (lease.Share())
                })))

    queueCase 8 64 2 "threads send at once, each lease whole" (fun receiver queue _ theirs ->
        sentWhole receiver theirs 4 (fun rounds lease ->
            Task.Run<unit>(fun () ->
                task {
                    use lease = lease

                    for _ in 1..rounds do
                        do! queue.Send(lease.Share())
                })))
]

let private endings = [
    queueCase
        4
        big
        1
        "a peer that is gone fails who waits and all that comes later, and every buffer comes back"
        (fun receiver queue ours theirs ->
            let second = stalled receiver queue ours
            let flush = startOn receiver.Host (LeaseQueue.flush queue)
            // With unread bytes: a reset.
            theirs.Close 0
            fails isSocketFailure "who waits" second
            fails isSocketFailure "the flush" flush
            allBack receiver.Pool
            refusesAll receiver queue isSocketFailure)

    queueCase
        4
        big
        1
        "closing in the middle ends who waits and gives the buffers back"
        (fun receiver queue ours _ ->
            let second = stalled receiver queue ours
            runOn receiver.Host (LeaseQueue.close queue)
            fails isDisposal "who waits" second
            // By the time that it is closed the kernel has let go.
            Expect.equal receiver.Pool.Available receiver.Pool.Count "all back"
            refusesAll receiver queue isDisposal)

    queueCase 4 big 1 "an empty queue closes at once, and again" (fun receiver queue _ _ ->
        runOn receiver.Host (LeaseQueue.close queue)
        runOn receiver.Host (LeaseQueue.close queue)
        refusesAll receiver queue isDisposal)

    queueCase 4 big 1 "a socket that is closed fails what waits" (fun receiver queue ours _ ->
        let second = stalled receiver queue ours
        runOn receiver.Host (Socket.close ours)
        ended "who waits" second
        Expect.isFalse second.IsCompletedSuccessfully "not sent"
        allBack receiver.Pool)

    queueCase 4 big 1 "a socket that was closed before sends nothing" (fun receiver queue ours _ ->
        runOn receiver.Host (Socket.close ours)
        let lease = bigOf receiver 1
        fails isDisposal "the send" (send receiver queue lease)
        isDisposed "the lease" (fun () -> lease.Length))

    testCase "a ring that ends fails what waits, and ends" (fun () ->
        let host = startLoop LinuxKernel.Instance LoopOptions.standard
        let receiver = receiver host (runOn host (BufferPool.create (BufferPoolOptions.fixedOf 4 big)))
        let struct (ours, theirs) = connectPair host
        let queue = runOn host (LeaseQueue.create 1 ours)
        let second = stalled receiver queue ours
        let third = bigOf receiver 3
        stopLoop host
        ended "who waits" second
        Expect.isFalse second.IsCompletedSuccessfully "not sent"
        isDisposed "a send afterwards" (fun () -> queue.Send(third).AsTask() |> finished "it")
        isDisposed "its lease" (fun () -> third.Length)
        (queue :> IAsyncDisposable).DisposeAsync().AsTask() |> finished "closing"
        theirs.Dispose()
        receiver.Peer.Dispose())
]

let private broken =
    testList "a ring that fails" [
        testCase "tells who waits why" (fun () ->
            let kernel = FaultyKernel()
            let host = startLoop kernel LoopOptions.standard
            let receiver = receiver host (runOn host (BufferPool.create (BufferPoolOptions.fixedOf 4 big)))
            let struct (ours, theirs) = connectPair host
            let queue = runOn host (LeaseQueue.create 1 ours)
            let second = stalled receiver queue ours
            let flush = startOn host (LeaseQueue.flush queue)
            kernel.OnEnter <- Answer.always (Answer.Before Errno.EBADR)
            (host.Loop :> SynchronizationContext).Post(ignore, null)
            let isReason (failure: exn) = failure.Message.Contains "EBADR"
            fails isReason "who waits" second
            fails isReason "the flush" flush
            kernel.OnEnter <- Answer.real
            stopLoop host
            theirs.Dispose()
            receiver.Peer.Dispose())
    ]

let private leases = [
    queueCase
        2
        64
        1
        "a lease that has ended is refused, and the queue goes on"
        (fun receiver queue _ theirs ->
            let lease = leaseOf receiver "abc"B
            lease.Dispose()
            fails isDisposal "the send" (send receiver queue lease)
            isDisposed "the attempt" (fun () -> trySend receiver queue lease)
            finished "another" (send receiver queue (leaseOf receiver "def"B))
            Expect.equal (receiveAll theirs 3) "def"B "sent")

    queueCase 2 64 1 "an empty lease sends nothing, and goes back" (fun receiver queue _ theirs ->
        finished "the default lease" (send receiver queue (Unchecked.defaultof<BufferLease>))
        let lease = leaseOf receiver "abc"B
        lease.Truncate 0
        finished "the send" (send receiver queue lease)
        Expect.equal queue.Unsent 0 "unsent"
        allBack receiver.Pool
        Expect.isTrue (trySend receiver queue (leaseOf receiver "def"B)) "the next"
        Expect.equal (receiveAll theirs 3) "def"B "sent")

    queueCase 4 64 4 "what is cut off and taken out is not sent" (fun receiver queue _ theirs ->
        let lease = leaseOf receiver "abcdefgh"B
        lease.Remove(0, 2)
        lease.Truncate 4
        let part = lease.Slice(1, 2)
        finished "the rest" (send receiver queue lease)
        finished "a slice" (send receiver queue part)
        Expect.equal (receiveAll theirs 6) "cdefde"B "sent")

    queueCase
        2
        64
        2
        "a lease of another ring's pool goes home on that ring's thread"
        (fun receiver queue _ theirs ->
            withReceiver (BufferPoolOptions.fixedOf 2 64) (fun other ->
                let lease = leaseOf other "abc"B
                use holding = new ManualResetEventSlim()
                other.Host.Loop.Post((fun _ -> holding.Wait()), null)
                finished "the send" (send receiver queue lease)
                runOn receiver.Host (LeaseQueue.flush queue)
                Expect.equal (receiveAll theirs 3) "abc"B "sent"
                Expect.equal other.Pool.Statistics.Leased 1 "its home is busy: not back yet"
                holding.Set()
                allBack other.Pool))

    testCase "a limit of none is refused" (fun () ->
        withLoop (fun host ->
            let struct (ours, theirs) = connectPair host
            isOutOfRange "limit" (fun () -> runOn host (LeaseQueue.create 0 ours))
            theirs.Dispose()
            runOn host (Socket.close ours)))
]

[<Tests>]
let tests =
    testSequenced
    <| testList "LeaseQueue" [ yield! streaming; yield! waiting; yield! endings; broken; yield! leases ]
