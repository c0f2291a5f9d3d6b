/// Buffer pools of every size: they grow to their limit, wrap their counters, count what they do, refuse what makes no
/// sense, and take buffers back from any thread at any time.
module Uring.Tests.Linux.PoolTests

open System
open System.Collections.Concurrent
open System.Collections.Generic
open System.IO
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Tests.Linux.Hosting
open Uring.Tests.Linux.Receiving

let private fixedOf = BufferPoolOptions.fixedOf

/// The kernel's head and the model's are the same when nothing is under way.
let private headsAgree (receiver: Receiver) =
    let struct (kernels, ours) =
        receiver.Host.Loop.Call(fun () -> receiver.Pool.Heads()).AsTask() |> finish "heads"

    Expect.equal ours kernels "the head"

/// Takes and keeps leases until the stream starves.
let private hoard (receiver: Receiver) : Task<List<BufferLease>> =
    startOn
        receiver.Host
        (uring {
            let held = List<BufferLease>()

            while receiver.Pool.Statistics.Leased > held.Count || receiver.Pool.Statistics.Starving = 0 do
                let! more = UringStream.next receiver.Stream
                if more then held.Add receiver.Stream.Current

            return held
        })

let private sizes =
    testList "sizes" [
        for count in [ 1; 3; 5; 1000; 32768 ] do
            testCase $"all of {count} buffers are lent, come back, and are lent again" (fun () ->
                withReceiver { fixedOf count 16 with PerStream = 32768 } (fun receiver ->
                    let data = pattern count (count * 24 + 16)
                    let writing = sending receiver.Peer data
                    let held = finish "hoarding" (hoard receiver)
                    Expect.equal (held.Count, receiver.Pool.Available) (count, 0) "all are lent"
                    let first = new MemoryStream()

                    for lease in held do
                        first.Write lease.Span
                        lease.Dispose()

                    let rest = takeBytes receiver (data.Length - int first.Length)
                    finished "writer" writing
                    sameBytes data (Array.append (first.ToArray()) rest) "received"
                    allBack receiver.Pool
                    headsAgree receiver))

        for count in [ 3; 32768 ] do
            testCase $"more than 65536 buffers go through a pool of {count}" (fun () ->
                withReceiver (fixedOf count 16) (fun receiver ->
                    let data = pattern count (16 * 70_000)
                    let writing = sending receiver.Peer data
                    sameBytes data (takeBytes receiver data.Length) "received"
                    finished "writer" writing
                    allBack receiver.Pool
                    headsAgree receiver))

        testCase "it grows in steps, to its limit, and not before it has to" (fun () ->
            withReceiver { fixedOf 4 64 with Limit = 10 } (fun receiver ->
                let pool = receiver.Pool
                let seen = ConcurrentDictionary<int, unit>()
                use lease = leaseOf receiver "x"B
                Expect.equal pool.Count 4 "enough"
                let writing = sending receiver.Peer (pattern 1 1000)
                let hoarding = hoard receiver

                eventually "starving" (fun () ->
                    seen[pool.Count] <- ()
                    pool.Count = 10 && pool.Statistics.Starving = 1)

                Expect.isTrue
                    (seen.Keys |> Seq.forall (fun count -> List.contains count [ 4; 8; 10 ]))
                    "steps"

                ended "writer" writing
                lease.Dispose()
                ended "hoarding" hoarding
                // One more has come in the lease's place.
                for held in hoarding.Result do
                    held.Dispose()

                Expect.equal pool.Count 10 "never beyond"))

        // The group ids wrap, onto one that is in use.
        testCase "65600 pools in turn, beside one that stays" (fun () ->
            withReceiver (fixedOf 1 16) (fun receiver ->
                let program =
                    uring {
                        for _ in 1..65_600 do
                            let! pool = BufferPool.create (fixedOf 1 1)
                            do! BufferPool.close pool
                    }

                runOn receiver.Host program
                use lease = leaseOf receiver "still there"B
                Expect.equal lease.Length 11 "it works"))
    ]

let private badInput =
    testList "bad input" [
        let valid = fixedOf 4 64

        for name, value, options in
            [
                "Count", 0, { valid with Count = 0 }
                "Count", -1, { valid with Count = -1 }
                "Count", 32769, fixedOf 32769 64
                "Limit", 3, { valid with Limit = 3 }
                "Limit", 32769, { valid with Limit = 32769 }
                "BufferSize", 0, { valid with BufferSize = 0 }
                "BufferSize", -5, { valid with BufferSize = -5 }
                "BufferSize", (1 <<< 30) + 1, { valid with BufferSize = (1 <<< 30) + 1 }
                "PerStream", 0, { valid with PerStream = 0 }
                "PerStream", 32769, { valid with PerStream = 32769 }
                "LowWater", -1, { valid with LowWater = -1 }
                "LowWater", 5, { valid with LowWater = 5 }
            ] do
            testCase $"{name} {value}" (fun () ->
                let kernel = FaultyKernel()

                withLoopOf kernel small (fun host ->
                    let before = kernel.OpenMaps

                    match failureOf (fun () -> runOn host (BufferPool.create options)) with
                    | :? ArgumentOutOfRangeException as reason ->
                        Expect.equal reason.ParamName name "which"
                        Expect.equal reason.ActualValue (box value) "its value"
                    | other -> failtest $"{other}"

                    Expect.equal kernel.OpenMaps before "nothing is left mapped"
                    runOn host (BufferPool.create valid) |> ignore))
    ]

let private counting =
    testList "counts" [
        testCase "what it lends, and who starves" (fun () ->
            withReceiver (fixedOf 2 16) (fun receiver ->
                let statistics () = receiver.Pool.Statistics

                Expect.equal
                    (statistics().Count, statistics().Available, statistics().Leased)
                    (2, 2, 0)
                    "new"

                let first = leaseOf receiver "a"B
                Expect.equal (statistics().Available, statistics().Leased) (1, 1) "one is lent"
                let share = first.Share()
                Expect.equal (statistics().Leased) 1 "a share is no second one"
                let second = leaseOf receiver "b"B
                receiver.Peer.Send "c"B |> ignore
                eventually "starving" (fun () -> statistics().Starving = 1)
                Expect.isGreaterThan (statistics().Starvations) 0L "it was counted"
                first.Dispose()
                share.Dispose()
                second.Dispose()
                use third = next receiver.Host receiver.Stream
                Expect.equal (statistics().Starving, statistics().Leased, third.Length) (0, 1, 1) "fed"))

        testCase "streams that starve are fed when the low-water mark is reached, in their order" (fun () ->
            withLoop (fun host ->
                let pool = runOn host (BufferPool.create { fixedOf 4 16 with LowWater = 3 })
                let hoarder = receiver host pool
                let held = [ for index in 1..4 -> leaseOf hoarder [| byte index |] ]
                // It starves with the others, and asks for nothing.
                let starving = [ for _ in 1..3 -> receiver host pool ]
                eventually "all starve" (fun () -> pool.Statistics.Starving >= 3)
                let order = ConcurrentQueue<int>()

                let waits = [
                    for index, one in List.indexed starving do
                        one.Peer.Send [| byte index |] |> ignore

                        startOn
                            host
                            (uring {
                                let! _ = UringStream.next one.Stream
                                order.Enqueue index
                                one.Stream.Current.Dispose()
                            })
                ]

                for lease in held do
                    lease.Dispose()

                for wait in waits do
                    finish "fed" wait

                Expect.sequenceEqual order [ 0; 1; 2 ] "first come, first served"
                allBack pool
                List.iter drop (hoarder :: starving)))
    ]

let private sharing =
    testList "the shared pool" [
        testCase "is one per loop, and is made again after somebody has closed it" (fun () ->
            withLoop (fun host ->
                let first = runOn host BufferPool.shared
                Expect.isTrue (obj.ReferenceEquals(first, runOn host BufferPool.shared)) "the same"
                Expect.equal (first.Count, first.BufferSize) (64, 16384) "as promised"

                withLoop (fun other ->
                    Expect.isFalse
                        (obj.ReferenceEquals(first, runOn other BufferPool.shared))
                        "another loop's")

                runOn host (BufferPool.close first)
                let second = runOn host BufferPool.shared
                Expect.isFalse (obj.ReferenceEquals(first, second)) "a new one"
                Expect.isFalse second.IsClosed "it works"))

        testCase "serves who names none" (fun () ->
            withLoop (fun host ->
                let struct (ours, theirs) = connectPair host
                let stream = runOn host (Socket.receiveAll ours)
                let pool = runOn host BufferPool.shared
                theirs.Send "abc"B |> ignore
                let lease = next host stream
                Expect.equal (lease.Length, pool.Statistics.Leased) (3, 1) "from there"
                lease.Dispose()
                allBack pool
                theirs.Dispose()))
    ]

let private releasing =
    testList "releases" [
        testCase "from eight threads at once" (fun () ->
            withReceiver (fixedOf 64 64) (fun receiver ->
                let data = pattern 9 1_000_000
                let leases = new BlockingCollection<BufferLease>()

                let threads = [|
                    for _ in 1..8 ->
                        Task.Factory.StartNew(
                            (fun () ->
                                for lease in leases.GetConsumingEnumerable() do
                                    use share = lease.Share()
                                    lease.Dispose()
                                    share.Span.Length |> ignore),
                            TaskCreationOptions.LongRunning
                        )
                |]

                let received = new MemoryStream()

                let program =
                    uring {
                        while received.Length < int64 data.Length do
                            let! _ = UringStream.next receiver.Stream
                            let lease = receiver.Stream.Current
                            received.Write lease.Span
                            leases.Add lease
                    }

                let writing = sending receiver.Peer data
                runOn receiver.Host program
                finished "writer" writing
                leases.CompleteAdding()
                Task.WhenAll threads |> finished "threads"
                sameBytes data (received.ToArray()) "received"
                allBack receiver.Pool
                headsAgree receiver))

        for name, elsewhere in [ "here", false; "on another thread", true ] do
            testCase $"after the loop's end, {name}" (fun () ->
                let kernel = FaultyKernel()
                let host = startLoop kernel small
                let receiver = receiver host (runOn host (BufferPool.create (fixedOf 4 16)))
                let first = leaseOf receiver "abc"B
                let second = leaseOf receiver "def"B
                let share = second.Slice(1, 2)
                stopLoop host
                Expect.equal kernel.OpenMaps 1 "the memory stays for the leases"
                Expect.equal (first.Span.ToArray()) "abc"B "readable"

                for lease in [ first; second; share ] do
                    Expect.equal kernel.OpenMaps 1 "for every one of them"

                    if elsewhere then
                        Task.Run(fun () -> lease.Dispose()) |> finished "dispose"
                    else
                        lease.Dispose()

                Expect.equal (kernel.OpenMaps, kernel.Strays) (0, 0) "it goes with the last"
                isDisposed "the lease" (fun () -> first.Length)
                receiver.Peer.Dispose())
    ]

[<Tests>]
let tests = testSequenced <| testList "Pool" [ sizes; badInput; counting; sharing; releasing ]
