/// The C# side of leases: the same laws through the facade, equality, and leases that are handed on to a send.
module Uring.Tests.Linux.LeaseFacadeTests

open System
open System.Collections.Generic
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Tests.Linux.Observe
open Uring.Tests.Linux.Pairs

let private text (lease: BufferLease) = Text.Encoding.ASCII.GetString lease.Span

/// Two connections of a ring of their own, and a pool for the first one's server.
[<NoEquality; NoComparison>]
type private Two = {
    Pool: BufferPool
    Client: UringSocket
    Items: IAsyncEnumerator<BufferLease>
    Out: UringSocket
    Far: UringSocket
}

let private withTwo (count: int) (size: int) (body: Two -> Task<unit>) =
    task {
        use ring = new Ring()
        let! pool = ring.CreateBufferPoolAsync(count, size)

        do!
            connectedOn ring loopback (fun client server ->
                connectedOn ring loopback (fun out far ->
                    task {
                        let items =
                            (server.ReceiveAllAsync pool :> IAsyncEnumerable<_>).GetAsyncEnumerator()

                        do! body { Pool = pool; Client = client; Items = items; Out = out; Far = far }

                        do! items.DisposeAsync()
                        do! eventually "every buffer is back" (fun () -> pool.Available = pool.Count)
                        Expect.equal pool.Statistics.Leased 0 "no lease is left"
                    }))
    }

let private receive (two: Two) (bytes: byte array) =
    task {
        do! two.Client.SendAllAsync(ReadOnlyMemory bytes)
        let! found = two.Items.MoveNextAsync()
        Expect.isTrue found "an item"
        return two.Items.Current
    }

let private lending name (characters: string) (body: Two -> BufferLease -> Task<unit>) =
    tidyCase name (fun () ->
        withTwo 1 16 (fun two ->
            task {
                let! lease = receive two (bytesOf characters)
                do! body two lease
                lease.Dispose()
            }))

let private isDisposed what (access: unit -> unit) =
    task {
        let! _ =
            raises<ObjectDisposedException> what (fun () ->
                access ()
                ValueTask.CompletedTask)

        ()
    }

let private isOutOfRange name (access: unit -> unit) =
    task {
        let! reason =
            raises<ArgumentOutOfRangeException> name (fun () ->
                access ()
                ValueTask.CompletedTask)

        Expect.equal reason.ParamName name "the argument's name"
    }

let private refusesAll (lease: BufferLease) =
    task {
        Expect.isTrue lease.IsDisposed "it says so"
        do! isDisposed "Length" (fun () -> lease.Length |> ignore)
        do! isDisposed "Capacity" (fun () -> lease.Capacity |> ignore)
        do! isDisposed "Memory" (fun () -> lease.Memory |> ignore)
        do! isDisposed "Span" (fun () -> lease.Span.Length |> ignore)
        do! isDisposed "Truncate" (fun () -> lease.Truncate 0)
        do! isDisposed "Remove" (fun () -> lease.Remove(0, 0))
        do! isDisposed "TryAppend" (fun () -> lease.TryAppend ReadOnlySpan.Empty |> ignore)
        do! isDisposed "Slice" (fun () -> lease.Slice(0, 0) |> ignore)
        do! isDisposed "Share" (fun () -> lease.Share() |> ignore)
    }

let private laws =
    testList "laws" [
        lending "contents are cut, extended and shared" "abcdef" (fun _ lease ->
            task {
                Expect.equal (lease.Length, lease.Capacity) (6, 16) "sizes"
                lease.Remove(2, 2)
                Expect.equal (text lease) "abef" "the middle"
                Expect.isTrue (lease.TryAppend(ReadOnlySpan "gh"B)) "fits"
                Expect.isFalse (lease.TryAppend(ReadOnlySpan(Array.zeroCreate<byte> 11))) "does not"
                lease.Truncate 5
                use slice = lease.Slice(1, 3)
                use share = lease.Share()
                Expect.equal (text lease, text slice, text share) ("abefg", "bef", "abefg") "the same bytes"
            })

        lending "arguments outside of the lease are refused by name" "abcdef" (fun _ lease ->
            task {
                do! isOutOfRange "length" (fun () -> lease.Truncate -1)
                do! isOutOfRange "start" (fun () -> lease.Remove(-1, 1))
                do! isOutOfRange "count" (fun () -> lease.Remove(5, 2))
                do! isOutOfRange "start" (fun () -> lease.Slice(-1, 1) |> ignore)
                do! isOutOfRange "length" (fun () -> lease.Slice(5, 2) |> ignore)
                Expect.equal (text lease) "abcdef" "all there"
            })

        lending "after Dispose every member refuses, and memory that was taken before" "abc" (fun _ lease ->
            task {
                let memory = lease.Memory
                lease.Dispose()
                lease.Dispose()
                do! refusesAll lease
                do! isDisposed "memory" (fun () -> memory.Span.Length |> ignore)
            })

        lending "an old handle does not touch the new lease" "abc" (fun two lease ->
            task {
                lease.Dispose()
                let! other = receive two "xyz"B
                lease.Dispose()
                do! Task.Run(fun () -> lease.Dispose())
                do! refusesAll lease
                Expect.equal (text other, two.Pool.Available) ("xyz", 0) "still lent"
                Expect.isFalse (other.Equals lease) "two uses of one cell are not equal"
                other.Dispose()
            })

        lending "handles are equal when they are the same lease" "abc" (fun _ lease ->
            task {
                let copy = lease
                use share = lease.Share()
                Expect.isTrue (lease.Equals copy && lease.Equals(box copy)) "a copy"
                Expect.equal (copy.GetHashCode()) (lease.GetHashCode()) "hash"
                Expect.isTrue (BufferLease.op_Equality (lease, copy)) "=="
                Expect.isTrue (BufferLease.op_Inequality (lease, share)) "a share is another lease"
                Expect.isFalse (lease.Equals "abc") "something else"
            })

        tidyCase "behind the end of a stream there is the default lease" (fun () ->
            withTwo 1 16 (fun two ->
                task {
                    let! lease = receive two (bytesOf "abc")
                    lease.Dispose()
                    do! two.Client.ShutdownAsync SocketShutdown.Send
                    let! more = two.Items.MoveNextAsync()
                    Expect.isFalse more "the end"

                    Expect.isTrue
                        (two.Items.Current.Equals(Unchecked.defaultof<BufferLease>))
                        "no bytes, no buffer"
                }))

        testCase "the default lease is empty, and harmless" (fun () ->
            let lease = Unchecked.defaultof<BufferLease>
            Expect.equal (lease.Length, lease.Capacity, lease.Memory.Length) (0, 0, 0) "empty"
            Expect.isTrue (lease.Equals(Unchecked.defaultof<BufferLease>)) "equal"
            lease.GetHashCode() |> ignore
            lease.Share().Dispose()
            lease.Dispose()
            Expect.isFalse lease.IsDisposed "never disposed of")
    ]

let private big = 1 <<< 20

let private filled (two: Two) (bytes: byte array) =
    task {
        let! lease = receive two bytes[..0]
        Expect.isTrue (lease.TryAppend(ReadOnlySpan(bytes, 1, big - 1))) "filled"
        return lease
    }

let private handingOn name (body: Two -> byte array -> BufferLease -> Task<unit>) =
    tidyCase name (fun () ->
        withTwo 1 big (fun two ->
            task {
                let bytes = Array.zeroCreate<byte> big
                Random(5).NextBytes bytes
                let! lease = filled two bytes
                do! body two bytes lease
                do! refusesAll lease
            }))

let private sends =
    testList "SendAllAsync(lease)" [
        handingOn "sends all, and gives the buffer back" (fun two bytes lease ->
            task {
                let sending = two.Out.SendAllAsync(lease).AsTask()
                let! found = receiveExactly two.Far big
                do! sending
                Expect.isTrue (found.AsSpan().SequenceEqual bytes) "the same bytes"
            })

        handingOn "gives the buffer back when the peer is gone" (fun two _ lease ->
            task {
                do! two.Far.AbortAsync()

                match! failureOf (fun () -> two.Out.SendAllAsync lease) with
                | :? SocketException -> ()
                | other -> failtest $"{other}"
            })

        handingOn "gives the buffer back when it is cancelled while it waits for room" (fun two _ lease ->
            task {
                use source = new CancellationTokenSource()
                // More than the sockets hold: nobody reads.
                let filling =
                    two.Out.SendAllAsync(ReadOnlyMemory(Array.zeroCreate<byte>(64 * big)), source.Token)

                let filling = filling.AsTask()
                let sending = two.Out.SendAllAsync(lease, source.Token).AsTask()
                source.Cancel()
                do! isCancelled "filling" (fun () -> ValueTask filling)
                let! failure = failureOf (fun () -> ValueTask sending)
                Expect.isTrue (isNull failure || failure :? OperationCanceledException) "ended"
            })

        handingOn "a token that was cancelled before sends nothing" (fun two _ lease ->
            task { do! isCancelled "send" (fun () -> two.Out.SendAllAsync(lease, CancellationToken true)) })

        handingOn "a closed socket is told, and the buffer comes back" (fun two _ lease ->
            task {
                do! two.Out.DisposeAsync()
                let! _ = raises<ObjectDisposedException> "send" (fun () -> two.Out.SendAllAsync lease)
                ()
            })
    ]

/// Two connections, and a queue of leases in front of the second.
let private queueing name limit (body: Two -> LeaseQueue -> Task<unit>) =
    tidyCase name (fun () ->
        withTwo 3 big (fun two ->
            task {
                use queue = two.Out.CreateLeaseQueue limit
                do! body two queue
                do! queue.DisposeAsync()
            }))

let private queues =
    testList "LeaseQueue" [
        queueing "sends in order while the sender goes on" 4 (fun two queue ->
            task {
                for letter in "abc" do
                    let! lease = receive two (bytesOf (string letter))
                    do! queue.SendAsync lease
                    do! refusesAll lease

                do! queue.FlushAsync()
                Expect.equal queue.Unsent 0 "unsent"
                let! found = receiveExactly two.Far 3
                Expect.equal found (bytesOf "abc") "in order"
            })

        queueing
            "a token that was cancelled before sends nothing, and the buffer comes back"
            1
            (fun two queue ->
                task {
                    let! lease = receive two (bytesOf "abc")
                    do! isCancelled "send" (fun () -> queue.SendAsync(lease, CancellationToken true))
                    do! refusesAll lease
                    do! isCancelled "flush" (fun () -> queue.FlushAsync(CancellationToken true))
                })

        queueing
            "another thread than the ring's does not try, and the lease stays its own"
            1
            (fun two queue ->
                task {
                    let! lease = receive two (bytesOf "abc")
                    Expect.isFalse (queue.TrySend lease) "not taken"
                    Expect.equal lease.Length 3 "still the caller's"
                    do! queue.SendAsync lease
                    let! found = receiveExactly two.Far 3
                    Expect.equal found (bytesOf "abc") "sent"
                })

        queueing "a cancel while it waits for room ends the wait alone: the lease is sent" 1 (fun two queue ->
            task {
                use source = new CancellationTokenSource()
                let bytes = Array.zeroCreate<byte> big
                // The first fills the sockets, and the two behind it wait.
                let! first = filled two bytes
                do! queue.SendAsync first
                let! second = filled two bytes
                let waits = queue.SendAsync(second, source.Token).AsTask()
                let flush = queue.FlushAsync(source.Token).AsTask()
                source.Cancel()
                let! sent = failureOf (fun () -> ValueTask waits)
                Expect.isTrue (isNull sent || sent :? OperationCanceledException) "the wait ended"
                let! flushed = failureOf (fun () -> ValueTask flush)
                Expect.isTrue (isNull flushed || flushed :? OperationCanceledException) "the flush ended"
                let! found = receiveExactly two.Far (2 * big)
                Expect.hasLength found (2 * big) "both were sent"
                do! queue.FlushAsync()
            })

        queueing "a peer that is gone fails the flush, and every buffer comes back" 2 (fun two queue ->
            task {
                do! two.Far.AbortAsync()
                let! lease = receive two (bytesOf "abc")
                // The kernel tells it with the first bytes, or the next.
                let! _ = failureOf (fun () -> queue.SendAsync lease)

                match! failureOf (fun () -> queue.FlushAsync()) with
                | :? SocketException -> ()
                | other -> failtest $"{other}"
            })

        queueing "what is disposed of sends nothing more" 1 (fun two queue ->
            task {
                do! queue.DisposeAsync()
                let! lease = receive two (bytesOf "abc")
                Expect.throwsT<ObjectDisposedException> (fun () -> queue.TrySend lease |> ignore) "try"
                let! _ = raises<ObjectDisposedException> "send" (fun () -> queue.SendAsync lease)
                do! refusesAll lease
                let! _ = raises<ObjectDisposedException> "flush" (fun () -> queue.FlushAsync())
                ()
            })

        tidyCase "a limit of none, and a closed socket, are refused" (fun () ->
            withTwo 1 16 (fun two ->
                task {
                    Expect.throwsT<ArgumentOutOfRangeException>
                        (fun () -> two.Out.CreateLeaseQueue 0 |> ignore)
                        "none"

                    do! two.Out.DisposeAsync()

                    Expect.throwsT<ObjectDisposedException>
                        (fun () -> two.Out.CreateLeaseQueue() |> ignore)
                        "closed"
                }))
    ]

/// What 1000 messages to an echo and back allocate on the ring's own thread, after 2000 to warm up.
let private echoed () =
    task {
        use ring = new Ring()

        let measure () =
            ValueTask<int64>(
                task {
                    let! pool = ring.CreateBufferPoolAsync(8, 64)
                    use! listener = UringListener.ListenAsync(loopback, ring = ring)
                    let accepting = listener.AcceptAsync().AsTask()
                    use! client = UringSocket.ConnectAsync(listener.LocalEndPoint, ring)
                    use! server = accepting
                    use answers = server.CreateLeaseQueue()
                    let items = server.ReceiveAllAsync(pool).GetAsyncEnumerator()
                    let message = GC.AllocateArray<byte>(64, true)
                    let mutable before = 0L

                    for round in 1..3000 do
                        if round = 2001 then before <- GC.GetAllocatedBytesForCurrentThread()
                        do! client.SendAllAsync(ReadOnlyMemory message)
                        let! _ = items.MoveNextAsync()
                        Expect.isTrue (answers.TrySend items.Current) "taken"
                        do! client.ReceiveExactlyAsync(Memory message)

                    let allocated = GC.GetAllocatedBytesForCurrentThread() - before
                    do! items.DisposeAsync()
                    return allocated
                }
            )

        return! ring.RunAsync measure
    }

let private costs =
    testList "cost" [
        testCaseTask "a message that is handed on allocates nothing" (fun () ->
            task {
                let! bytes = echoed ()
                Expect.isLessThan bytes 1000L "bytes in 1000 of them"
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "C# lease" [ laws; sends; queues; costs ]
