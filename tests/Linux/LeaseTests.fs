/// Leases of received bytes: what they show, how they are cut and shared, and that their end is an end for every handle,
/// every piece of memory and every thread, but not for an operation that is under way.
module Uring.Tests.Linux.LeaseTests

open System
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting
open Uring.Tests.Linux.Receiving

let private text (lease: BufferLease) = Text.Encoding.ASCII.GetString lease.Span
let private bytesOf (text: string) = Text.Encoding.ASCII.GetBytes text
let private single = BufferPoolOptions.fixedOf 1 16

/// Lends a lease of these characters in a buffer of 16 bytes, the only one, and expects that it comes back.
let private lending name (characters: string) (body: Receiver -> BufferLease -> unit) =
    testCase name (fun () ->
        withReceiver single (fun receiver ->
            let lease = leaseOf receiver (bytesOf characters)
            Expect.equal receiver.Pool.Available 0 "it is lent"
            body receiver lease
            lease.Dispose()
            allBack receiver.Pool
            Expect.equal receiver.Pool.Statistics.Leased 0 "no lease is left"))

let private contents =
    testList "contents" [
        lending "length, capacity, span and memory" "abcdef" (fun _ lease ->
            Expect.equal (lease.Length, lease.Capacity) (6, 16) "sizes"
            Expect.equal (Text.Encoding.ASCII.GetString lease.Memory.Span) "abcdef" "memory"
            lease.Memory.Span[0] <- byte 'x'
            Expect.equal (text lease) "xbcdef" "the same bytes")

        lending "truncating keeps the start, and the room" "abcdef" (fun _ lease ->
            lease.Truncate 7
            Expect.equal (text lease) "abcdef" "longer: no effect"
            lease.Truncate 2
            Expect.equal (text lease, lease.Capacity) ("ab", 16) "shorter"
            lease.Truncate 0
            Expect.equal (lease.Length, lease.Memory.Length) (0, 0) "nothing"
            isOutOfRange "length" (fun () -> lease.Truncate -1))

        testCase "removing any range leaves the others" (fun () ->
            withReceiver single (fun receiver ->
                for start in 0..6 do
                    for count in 0 .. 6 - start do
                        let lease = leaseOf receiver "abcdef"B
                        lease.Remove(start, count)
                        Expect.equal (text lease) ("abcdef".Remove(start, count)) $"{count} at {start}"
                        lease.Dispose()))

        lending "a range that reaches outside is refused, and nothing changes" "abcdef" (fun _ lease ->
            isOutOfRange "start" (fun () -> lease.Remove(-1, 1))
            isOutOfRange "count" (fun () -> lease.Remove(0, -1))
            isOutOfRange "count" (fun () -> lease.Remove(0, 7))
            isOutOfRange "count" (fun () -> lease.Remove(5, 2))
            isOutOfRange "count" (fun () -> lease.Remove(7, 0))
            isOutOfRange "count" (fun () -> lease.Remove(Int32.MaxValue, Int32.MaxValue))
            isOutOfRange "start" (fun () -> lease.Slice(-1, 1))
            isOutOfRange "length" (fun () -> lease.Slice(0, -1))
            isOutOfRange "length" (fun () -> lease.Slice(5, 2))
            Expect.equal (text lease) "abcdef" "all there")

        lending "appending takes all or nothing" "abcdef" (fun _ lease ->
            Expect.isFalse (lease.TryAppend(ReadOnlySpan(Array.zeroCreate<byte> 11))) "one too many"
            Expect.equal (text lease) "abcdef" "nothing"
            Expect.isTrue (lease.TryAppend(ReadOnlySpan "0123456789"B)) "as many as fit"
            Expect.equal (text lease, lease.Capacity) ("abcdef0123456789", 16) "full"
            Expect.isFalse (lease.TryAppend(ReadOnlySpan "!"B)) "full"
            Expect.isTrue (lease.TryAppend ReadOnlySpan.Empty) "nothing always fits")

        lending "what was removed at the start is no room" "abcdef" (fun _ lease ->
            lease.Remove(0, 4)
            Expect.equal (text lease, lease.Capacity) ("ef", 12) "room behind"
            Expect.isFalse (lease.TryAppend(ReadOnlySpan(Array.zeroCreate<byte> 11))) "too much"
            Expect.isTrue (lease.TryAppend(ReadOnlySpan "0123456789"B)) "what fits"
            lease.Remove(1, 1)
            Expect.equal (text lease) "e0123456789" "moved down")

        testCase "the default lease is empty, and harmless" (fun () ->
            let lease = Unchecked.defaultof<BufferLease>

            Expect.equal
                (lease.Length, lease.Capacity, lease.Memory.Length, lease.Span.Length)
                (0, 0, 0, 0)
                "empty"

            lease.Truncate 3
            lease.Remove(0, 0)
            Expect.isTrue (lease.TryAppend ReadOnlySpan.Empty) "nothing fits"
            Expect.isFalse (lease.TryAppend(ReadOnlySpan "a"B)) "nothing else does"
            isOutOfRange "count" (fun () -> lease.Remove(0, 1))
            Expect.equal (lease.Slice(0, 0).Length, lease.Share().Length) (0, 0) "shares"
            lease.Dispose()
            Expect.isFalse lease.IsDisposed "never disposed of")

        testCase "a part of an incremental buffer has no room behind it" (fun () ->
            withReceiver { BufferPoolOptions.fixedOf 1 64 with Incremental = true } (fun receiver ->
                let first = leaseOf receiver "abcdef"B
                let second = leaseOf receiver "ghi"B
                Expect.equal (first.Capacity, second.Capacity) (6, 3) "no more than they hold"
                Expect.isFalse (first.TryAppend(ReadOnlySpan "x"B)) "would overwrite the next part"
                first.Truncate 4
                Expect.isTrue (first.TryAppend(ReadOnlySpan "xy"B)) "within itself it may"
                Expect.equal (text first, text second) ("abcdxy", "ghi") "the other part is untouched"
                first.Dispose()
                second.Dispose()))
    ]

/// Everything that a handle can be asked.
let private members: (string * (BufferLease -> unit)) list = [
    "Length", (fun lease -> lease.Length |> ignore)
    "Capacity", (fun lease -> lease.Capacity |> ignore)
    "Span", (fun lease -> lease.Span.Length |> ignore)
    "Memory", (fun lease -> lease.Memory |> ignore)
    "IMemoryOwner.Memory", (fun lease -> (lease :> Buffers.IMemoryOwner<byte>).Memory |> ignore)
    "Truncate", (fun lease -> lease.Truncate 1)
    "Remove", (fun lease -> lease.Remove(0, 0))
    "TryAppend", (fun lease -> lease.TryAppend ReadOnlySpan.Empty |> ignore)
    "Slice", (fun lease -> lease.Slice(0, 0) |> ignore)
    "Share", (fun lease -> lease.Share() |> ignore)
]

let private refusesAll (lease: BufferLease) =
    Expect.isTrue lease.IsDisposed "it says so"

    for name, access in members do
        isDisposed name (fun () -> access lease)

let private ending =
    testList "after its end" [
        lending "every member refuses" "abc" (fun _ lease ->
            lease.Dispose()
            refusesAll lease)

        lending "memory that was taken before refuses, too" "abc" (fun _ lease ->
            let memory = lease.Memory
            let part = memory.Slice 1
            lease.Dispose()
            isDisposed "Span" (fun () -> memory.Span.Length)
            isDisposed "ToArray" (fun () -> part.ToArray())
            isDisposed "Pin" (fun () -> memory.Pin()))

        lending "memory refuses when its buffer is lent again" "abc" (fun receiver lease ->
            let memory = lease.Memory
            lease.Dispose()
            let other = leaseOf receiver "xyz"B
            isDisposed "Span" (fun () -> memory.Span.Length)
            isDisposed "a new memory" (fun () -> lease.Memory)
            other.Dispose())

        lending "a copy of the handle has ended with it" "abc" (fun _ lease ->
            let copy = lease
            copy.Dispose()
            refusesAll lease)

        lending
            "an old handle does not touch the lease that uses its cell and buffer now"
            "abc"
            (fun receiver lease ->
                // Nobody took its memory, so the cell is used again: the pool has just one.
                lease.Dispose()
                let other = leaseOf receiver "xyz"B
                refusesAll lease
                lease.Dispose()
                Task.Run(fun () -> lease.Dispose()) |> finished "on another thread"
                runOn receiver.Host Uring.nop |> ignore
                Expect.equal receiver.Pool.Available 0 "it is still lent"
                Expect.equal (text other) "xyz" "and readable"
                other.Dispose())

        testCase "disposing on many threads at once gives back once" (fun () ->
            withReceiver (BufferPoolOptions.fixedOf 2 16) (fun receiver ->
                for round in 1..200 do
                    let lease = leaseOf receiver [| byte round |]
                    use start = new Barrier 4

                    [|
                        for _ in 1..4 ->
                            Task.Factory.StartNew(
                                (fun () ->
                                    start.SignalAndWait()
                                    lease.Dispose()),
                                TaskCreationOptions.LongRunning
                            )
                    |]
                    |> Task.WhenAll
                    |> finished "disposing"

                allBack receiver.Pool
                Expect.equal receiver.Pool.Statistics.Leased 0 "counted once each"))
    ]

let private sharing =
    testList "sharing" [
        for order in [ [ 0; 1; 2 ]; [ 2; 1; 0 ]; [ 1; 0; 2 ] ] do
            lending
                $"the buffer goes back with the last of three, in the order {order}"
                "abcdef"
                (fun receiver lease ->
                    let slice = lease.Slice(2, 3)
                    let again = slice.Share()
                    let all = [| lease; slice; again |]
                    Expect.equal (Array.map text all) [| "abcdef"; "cde"; "cde" |] "what they show"

                    for index in order do
                        runOn receiver.Host Uring.nop |> ignore
                        Expect.equal receiver.Pool.Available 0 "still lent"
                        all[index].Dispose()
                        refusesAll all[index]

                        for other in all do
                            if not other.IsDisposed then
                                Expect.stringContains "abcdef" (text other) "readable")

        lending "each has its own bounds" "abcdef" (fun _ lease ->
            use share = lease.Share()
            lease.Remove(0, 2)
            lease.Truncate 3
            Expect.equal (text lease, text share) ("cde", "abcdef") "the share is as it was"
            share.Truncate 1
            Expect.equal (text lease, text share) ("cde", "a") "and the other way round")

        lending "a slice cannot grow into its neighbour" "abcdef" (fun _ lease ->
            use slice = lease.Slice(1, 2)
            Expect.equal slice.Capacity 2 "no room"
            Expect.isFalse (slice.TryAppend(ReadOnlySpan "x"B)) "refused"
            Expect.equal (text lease) "abcdef" "untouched")

        lending "bytes that others see are not moved" "abcdef" (fun _ lease ->
            let share = lease.Share()

            for handle in [ lease; share ] do
                match failureOf (fun () -> handle.Remove(1, 2)) with
                | :? InvalidOperationException as reason ->
                    Expect.isFalse (reason :? ObjectDisposedException) "not that it is over"
                    Expect.equal (text handle) "abcdef" "as it was"
                | other -> failtest $"{other}"

            lease.Remove(0, 1)
            lease.Remove(3, 2)
            Expect.equal (text lease, text share) ("bcd", "abcdef") "at the ends nothing moves"
            share.Dispose()
            lease.Remove(1, 1)
            Expect.equal (text lease) "bd" "alone it may")

        // The room behind a truncated view can be bytes that somebody else sees.
        lending "bytes that others see are not overwritten" "abcdef" (fun _ lease ->
            use share = lease.Share()
            lease.Truncate 3
            // Refusing and returning false are both fine.
            failureOf (fun () -> lease.TryAppend(ReadOnlySpan "xyz"B)) |> ignore
            Expect.equal (text share) "abcdef" "the share is as it was")
    ]

let private inFlight =
    testList "an operation in flight" [
        lending "keeps the buffer after Dispose until its end" "abcdef" (fun receiver lease ->
            withFullPipe receiver.Host (fun file reader ->
                let writing = startOn receiver.Host (File.writeNext file (Memory.op_Implicit lease.Memory))
                eventually "waiting" (fun () -> receiver.Host.Loop.InFlight = 2)
                lease.Dispose()
                refusesAll lease
                // What comes meanwhile must not get into its buffer.
                receiver.Peer.Send "XXXXXX"B |> ignore
                eventually "starving" (fun () -> receiver.Pool.Statistics.Starving = 1)
                Expect.equal receiver.Pool.Available 0 "held"
                let found = Array.zeroCreate<byte>(pipeSize + 6)
                reader.ReadExactly found
                Expect.equal (finish "the write" writing) 6 "written"
                Expect.equal found[pipeSize..] "abcdef"B "its bytes"
                use later = next receiver.Host receiver.Stream
                Expect.equal (text later) "XXXXXX" "now the buffer is free"))

        lending "counts for those who would move the bytes" "abcdef" (fun receiver lease ->
            withFullPipe receiver.Host (fun file reader ->
                let writing = startOn receiver.Host (File.writeNext file (Memory.op_Implicit lease.Memory))
                eventually "waiting" (fun () -> receiver.Host.Loop.InFlight = 2)

                match failureOf (fun () -> lease.Remove(1, 1)) with
                | :? InvalidOperationException -> ()
                | other -> failtest $"{other}"

                reader.ReadExactly(Array.zeroCreate<byte> pipeSize)
                finish "the write" writing |> ignore
                lease.Remove(1, 1)
                Expect.equal (text lease) "acdef" "afterwards it may"))

        lending "is refused when the lease has ended before" "abcdef" (fun receiver lease ->
            withFullPipe receiver.Host (fun file _ ->
                let memory = lease.Memory
                lease.Dispose()

                isDisposed "write" (fun () ->
                    runOn receiver.Host (File.writeNext file (Memory.op_Implicit memory)))))
    ]

[<Tests>]
let tests = testSequenced <| testList "Lease" [ contents; ending; sharing; inFlight ]
