/// What a received message costs: nothing is allocated for it on the loop's thread, and none of very many loses a
/// buffer. With URING_COST it also prints the cost of `for` in `uring { }` and of the facade's IAsyncEnumerable.
module Uring.Tests.Linux.TrafficCostTests

open System
open System.Diagnostics
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Tests.Linux.Hosting

[<Literal>]
let private Size = 64

/// Sends so many messages, many at a time.
let private sendAll (peer: Peer) (messages: int) : Task =
    Task.Factory.StartNew(
        (fun () ->
            let burst = Array.init (Size * 512) byte
            let mutable left = messages * Size

            while left > 0 do
                left <- left - peer.Send(burst, 0, min left burst.Length, SocketFlags.None)

            peer.Shutdown SocketShutdown.Send),
        TaskCreationOptions.LongRunning
    )

/// Takes a stream's messages on the loop's thread, by hand: what it allocates is the library's.
[<Sealed>]
type private Consumer(stream: Stream, round: int) as this =
    let ended = TaskCompletionSource<struct (int * int64)>()
    let resume = Action this.Run
    let mutable waiting = Unchecked.defaultof<ValueTask<bool>>
    let mutable count = 0
    let mutable received = 0
    let mutable before = 0L
    // Of all rounds: in the first ones code is compiled, and more leases are held at a time than ever before.
    let mutable least = Int64.MaxValue

    member _.Ended = ended.Task

    member private _.Took() =
        let lease = (stream.Take()).Lease
        let bytes = lease.Span
        count <- count + 1
        received <- received + bytes.Length
        lease.Dispose()

        if count % round = 0 then
            let now = GC.GetAllocatedBytesForCurrentThread()
            if count > round then least <- min least (now - before)
            before <- now

    /// Called when a wait has ended, and at first.
    member private this.Run() : unit =
        if waiting.Result then
            this.Took()
            this.Start()
        else
            ended.SetResult(struct (received / Size, least))

    member this.Start() : unit =
        waiting <- stream.MoveNext()

        while waiting.IsCompletedSuccessfully && waiting.Result do
            this.Took()
            waiting <- stream.MoveNext()

        if waiting.IsCompletedSuccessfully then
            ended.SetResult(struct (received / Size, least))
        else
            waiting.ConfigureAwait(true).GetAwaiter().UnsafeOnCompleted resume

/// Messages that were taken, and bytes that the loop's thread allocated for `round` of them.
let private receive (options: BufferPoolOptions) round messages =
    withLoop (fun host ->
        let pool = runOn host (BufferPool.create options)
        let struct (ours, theirs) = connectPair host
        let sending = sendAll theirs messages

        let start () =
            let stream =
                host.Loop.Open(SocketRequest.receiveMany ours.Descriptor pool, CancellationToken.None)

            let consumer = Consumer(stream, round)
            consumer.Start()
            consumer.Ended

        let consuming = host.Loop.Call(Func<_> start).AsTask() |> finish "the start"
        let result = finish "the messages" consuming
        finished "the sender" sending
        eventually "every buffer is back" (fun () -> pool.Available = pool.Count)
        Expect.equal pool.Statistics.Leased 0 "leased"
        runOn host (Socket.close ours)
        theirs.Dispose()
        result)

let private inWhole = BufferPoolOptions.fixedOf 256 Size

let private pools = [
    "whole buffers", inWhole
    "two buffers, and starving", BufferPoolOptions.fixedOf 2 Size
    "bundles", { inWhole with Bundles = true }
]

/// Nanoseconds and bytes per message, for whoever takes them so.
let private measure (name: string) messages (take: (unit -> unit) -> Task) =
    let mutable count, before, start = 0, 0L, 0L
    let threads = Collections.Generic.HashSet<int>()

    let took () =
        count <- count + 1

        if count = messages / 2 then
            before <- GC.GetAllocatedBytesForCurrentThread()
            start <- Stopwatch.GetTimestamp()

        if count = messages then
            let time = Stopwatch.GetElapsedTime(start).TotalNanoseconds / float (messages / 2)
            let bytes = float (GC.GetAllocatedBytesForCurrentThread() - before) / float (messages / 2)
            Console.Error.WriteLine $"{name}: {time:F0} ns and {bytes:F2} bytes per message"

        threads.Add Environment.CurrentManagedThreadId |> ignore

    take took |> finished name
    // TCP may cut a message in two.
    Expect.isGreaterThanOrEqual count messages "messages"
    Expect.equal threads.Count 1 "threads"

let private byProgram messages (took: unit -> unit) : Task =
    task {
        let host = startLoop Uring.Kernel.LinuxKernel.Instance LoopOptions.standard
        let struct (ours, theirs) = connectPair host
        let sending = sendAll theirs messages

        let program =
            uring {
                let! pool = BufferPool.create inWhole
                let! stream = Socket.receiveMany ours pool

                for lease in stream do
                    took ()
                    lease.Dispose()
            }

        do! startOn host program
        do! sending
        theirs.Dispose()
        stopLoop host
    }

let private byFacade messages (took: unit -> unit) : Task =
    task {
        use ring = new Uring.Ring()
        use listener = new TcpListener(Net.IPAddress.Loopback, 0)
        listener.Start()

        let body () =
            ValueTask(
                task {
                    let! socket = Uring.UringSocket.ConnectAsync(listener.LocalEndpoint, ring)
                    let peer = listener.AcceptSocket()
                    let sending = sendAll peer messages
                    let! pool = ring.CreateBufferPoolAsync(256, Size)
                    let leases = socket.ReceiveAllAsync(pool).GetAsyncEnumerator()
                    let mutable more = true

                    while more do
                        let! next = leases.MoveNextAsync()
                        more <- next

                        if more then
                            took ()
                            leases.Current.Dispose()

                    do! sending
                    peer.Dispose()
                    do! socket.DisposeAsync()
                }
                :> Task
            )

        do! ring.RunAsync body
    }

[<Tests>]
let tests =
    testSequenced
    <| testList "Traffic cost" [
        for name, options in pools do
            testCase $"100,000 messages allocate nothing on the loop's thread: {name}" (fun () ->
                let struct (count, allocated) = receive options 100_000 500_000
                Expect.equal count 500_000 "messages"
                Expect.equal allocated 0L "bytes")

        testCase "300,000 messages lose no buffer" (fun () ->
            let struct (count, _) = receive { inWhole with Count = 64; Limit = 64 } 100_000 300_000
            Expect.equal count 300_000 "messages")

        if not (isNull (Environment.GetEnvironmentVariable "URING_COST")) then
            testCase "measured" (fun () ->
                let start = Stopwatch.GetTimestamp()
                receive inWhole 1_000_000 10_000_000 |> ignore
                let seconds = Stopwatch.GetElapsedTime(start).TotalSeconds
                Console.Error.WriteLine $"Stream and BufferLease: 10,000,000 messages in {seconds:F1} s"
                measure "uring { for }" 2_000_000 (byProgram 2_000_000)
                measure "IAsyncEnumerable" 2_000_000 (byFacade 2_000_000))
    ]
