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

[<Tests>]
let tests = testSequenced <| testList "C# lease" [ laws; sends ]
