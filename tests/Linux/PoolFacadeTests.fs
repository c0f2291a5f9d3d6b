/// The C# side of pools: options and their check, growth and numbers, and their end while somebody receives.
module Uring.Tests.Linux.PoolFacadeTests

open System
open System.Collections.Generic
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Tests.Linux.Observe
open Uring.Tests.Linux.Pairs

let private closing (pool: BufferPool) = pool.DisposeAsync()

let private badInput =
    testList "bad input" [
        for name, value, options in
            [
                "Count", 0, BufferPoolOptions(Count = 0)
                "Count", -1, BufferPoolOptions(Count = -1)
                "Count", 32769, BufferPoolOptions(Count = 32769)
                "Limit", 63, BufferPoolOptions(Limit = 63)
                "Limit", -1, BufferPoolOptions(Limit = -1)
                "Limit", 32769, BufferPoolOptions(Limit = 32769)
                "BufferSize", 0, BufferPoolOptions(BufferSize = 0)
                "BufferSize", Int32.MaxValue, BufferPoolOptions(BufferSize = Int32.MaxValue)
                "PerStream", 0, BufferPoolOptions(PerStream = 0)
                "LowWater", -1, BufferPoolOptions(LowWater = -1)
                "LowWater", 65, BufferPoolOptions(LowWater = 65)
            ] do
            tidyCase $"{name} {value}" (fun () ->
                task {
                    let! reason =
                        raises<ArgumentOutOfRangeException> name (fun () ->
                            discard (Ring.Default.CreateBufferPoolAsync options))

                    Expect.equal reason.ParamName name "which"
                    Expect.equal reason.ActualValue (box value) "its value"
                })

        for count, size, name in [ 0, 1, "count"; 32769, 1, "count"; 1, 0, "bufferSize"; 1, -1, "bufferSize" ] do
            tidyCase $"{count} buffers of {size} bytes" (fun () ->
                task {
                    let! reason =
                        raises<ArgumentOutOfRangeException> name (fun () ->
                            discard (Ring.Default.CreateBufferPoolAsync(count, size)))

                    Expect.equal reason.ParamName name "which"
                })

        tidyCase "no options, a cancelled token, a ring that has ended" (fun () ->
            task {
                let! _ =
                    raises<ArgumentNullException> "null" (fun () ->
                        discard (Ring.Default.CreateBufferPoolAsync(Unchecked.defaultof<BufferPoolOptions>)))

                do!
                    isCancelled "token" (fun () ->
                        discard (Ring.Default.CreateBufferPoolAsync(1, 1, CancellationToken true)))

                let ring = new Ring()
                do! ring.DisposeAsync()

                let! _ =
                    raises<ObjectDisposedException> "ring" (fun () ->
                        discard (ring.CreateBufferPoolAsync(1, 1)))

                ()
            })
    ]

let private withServer (options: BufferPoolOptions) body =
    connected (fun client server ->
        task {
            let! pool = Ring.Default.CreateBufferPoolAsync options
            do! body client server pool
        })

let private life =
    testList "life" [
        tidyCase "it grows to its limit, and counts" (fun () ->
            withServer (BufferPoolOptions(Count = 2, Limit = 5, BufferSize = 4)) (fun client server pool ->
                task {
                    Expect.equal (pool.Count, pool.BufferSize, pool.Available) (2, 4, 2) "as it was made"
                    let items = (server.ReceiveAllAsync pool :> IAsyncEnumerable<_>).GetAsyncEnumerator()
                    do! client.SendAllAsync(ReadOnlyMemory(Array.init 24 byte))
                    let held = List<BufferLease>()

                    for _ in 1..5 do
                        let! found = items.MoveNextAsync()
                        Expect.isTrue found "an item"
                        held.Add items.Current

                    let waiting = items.MoveNextAsync().AsTask()
                    do! eventually "starving" (fun () -> pool.Statistics.Starving = 1)
                    let now = pool.Statistics

                    Expect.equal
                        (now.Count, now.Available, now.Leased, now.Lost)
                        (5, 0, 5, 0L)
                        "all are lent"

                    Expect.isGreaterThan now.Starvations 0L "it was counted"

                    for lease in held do
                        lease.Dispose()

                    let! more = waiting
                    Expect.isTrue more "fed"
                    Expect.equal (items.Current.Span.ToArray()) [| 20uy .. 23uy |] "the last bytes"
                    items.Current.Dispose()
                    do! items.DisposeAsync()
                    do! eventually "all are back" (fun () -> pool.Available = 5)
                    do! closing pool
                }))

        tidyCase "its end ends who receives, and its leases stay" (fun () ->
            withServer (BufferPoolOptions(Count = 4, BufferSize = 16)) (fun client server pool ->
                task {
                    let items = (server.ReceiveAllAsync pool :> IAsyncEnumerable<_>).GetAsyncEnumerator()
                    do! client.SendAllAsync(ReadOnlyMemory "abc"B)
                    let! _ = items.MoveNextAsync()
                    let lease = items.Current
                    let waiting = items.MoveNextAsync().AsTask()
                    do! closing pool
                    do! isCancelled "the wait" (fun () -> ValueTask waiting)
                    Expect.isTrue pool.IsClosed "it says so"
                    Expect.equal (lease.Span.ToArray()) "abc"B "readable"
                    lease.Dispose()
                    do! items.DisposeAsync()
                    do! closing pool
                    pool.Dispose()

                    let! _ =
                        raises<ObjectDisposedException> "receive" (fun () ->
                            server.ReceiveAllAsync pool |> ignore
                            ValueTask.CompletedTask)

                    let! _ =
                        raises<ObjectDisposedException> "messages" (fun () ->
                            server.ReceiveMessagesAsync pool |> ignore
                            ValueTask.CompletedTask)

                    ()
                }))

        tidyCase "it can be disposed of after its ring" (fun () ->
            task {
                let ring = new Ring()
                let! pool = ring.CreateBufferPoolAsync(4, 16)
                do! ring.DisposeAsync()
                do! closing pool
                pool.Dispose()
            })

        tidyCase "a lease that is dropped raises LeaseLost" (fun () ->
            withServer
                (BufferPoolOptions(Count = 2, BufferSize = 16, TrackLeases = true))
                (fun client server pool ->
                    task {
                        let reported = TaskCompletionSource<string>()
                        pool.LeaseLost.Add(fun lost -> reported.TrySetResult lost.Description |> ignore)

                        let items =
                            (server.ReceiveAllAsync pool :> IAsyncEnumerable<_>).GetAsyncEnumerator()

                        // The first is forgotten, the second takes its place in the enumerator.
                        for _ in 1..2 do
                            do! client.SendAllAsync(ReadOnlyMemory "abc"B)
                            let! _ = items.MoveNextAsync()
                            // Who never looks at it has nothing to lose.
                            items.Current |> ignore

                        items.Current.Dispose()

                        do!
                            eventually "reported" (fun () ->
                                GC.Collect()
                                GC.WaitForPendingFinalizers()
                                reported.Task.IsCompleted)

                        Expect.equal pool.Statistics.Lost 1L "counted once"
                        do! items.DisposeAsync()
                        do! eventually "all are back" (fun () -> pool.Available = 2)
                        do! closing pool
                    }))
    ]

[<Tests>]
let tests = testSequenced <| testList "C# pool" [ badInput; life ]
