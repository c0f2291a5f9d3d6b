module Uring.Tests.Linux.MultishotFacadeTests

open System
open System.Collections.Generic
open System.Net
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Tests.Linux.Observe

let private loopback = IPEndPoint(IPAddress.Loopback, 0)

/// `await foreach`: `body` says whether to go on.
let private each (items: IAsyncEnumerable<'T>) (token: CancellationToken) (body: 'T -> Task<bool>) =
    task {
        use items = items.GetAsyncEnumerator token
        let mutable more = true

        while more do
            let! found = items.MoveNextAsync()

            if found then
                let! goOn = body items.Current
                more <- goOn
            else
                more <- false
    }

/// A stream by the enumerator that C#'s `await foreach` finds, which is not the interface's.
type private OwnEnumeration(stream: LeaseStream) =

    interface IAsyncEnumerable<BufferLease> with
        member _.GetAsyncEnumerator token =
            // A mutable struct: in a place of its own.
            let own = [| stream.GetAsyncEnumerator token |]

            {
                new IAsyncEnumerator<BufferLease> with
                    member _.Current = own[0].Current
                    member _.MoveNextAsync() = ValueTask<bool>(task { return! own[0].MoveNextAsync() })
                    member _.DisposeAsync() = own[0].DisposeAsync()
            }

let private connect (listener: UringListener) count =
    task {
        let sockets = [ for _ in 1..count -> new Socket(SocketType.Stream, ProtocolType.Tcp) ]

        for socket in sockets do
            socket.Connect listener.LocalEndPoint

        return sockets
    }

let private close (sockets: Socket list) = sockets |> List.iter _.Dispose()

let private accepting =
    testList "AcceptAllAsync" [
        tidyCase "takes every connection" (fun () ->
            task {
                use! listener = UringListener.ListenAsync loopback
                let! clients = connect listener 20
                let mutable taken = 0

                do!
                    each (listener.AcceptAllAsync()) CancellationToken.None (fun socket ->
                        task {
                            do! socket.SendAllAsync(ReadOnlyMemory [| byte taken |])
                            do! socket.DisposeAsync()
                            taken <- taken + 1
                            return taken < 20
                        })

                let buffer: byte array = Array.zeroCreate 2
                let receive (client: Socket) = client.Receive buffer, buffer[0]
                let received = List.map receive clients
                Expect.equal (List.sumBy fst received) 20 "one byte each"
                Expect.equal (received |> List.map snd |> List.sort) [ 0uy .. 19uy ] "each its own"
                close clients
            })

        tidyCase "leaving closes what was queued" (fun () ->
            task {
                use! listener = UringListener.ListenAsync loopback
                let! clients = connect listener 20

                do!
                    each (listener.AcceptAllAsync()) CancellationToken.None (fun socket ->
                        task {
                            do! socket.DisposeAsync()
                            do! eventually "queued" (fun () -> Ring.Default.Statistics.Completions > 0L)
                            return false
                        })

                close clients
                // It can be done again.
                let! more = connect listener 1
                use! _ = listener.AcceptAsync()
                close more
            })

        tidyCase "a cancellation ends it, by either token" (fun () ->
            task {
                use! listener = UringListener.ListenAsync loopback

                let take (socket: UringSocket) =
                    task {
                        do! socket.DisposeAsync()
                        return true
                    }

                use source = new CancellationTokenSource()
                let taking = each (listener.AcceptAllAsync source.Token) CancellationToken.None take
                do! eventually "in flight" (fun () -> Ring.Default.InFlight > 0)
                source.Cancel()
                do! isCancelled "argument" (fun () -> ValueTask taking)
                use source = new CancellationTokenSource()
                let taking = each (listener.AcceptAllAsync()) source.Token take
                do! eventually "in flight" (fun () -> Ring.Default.InFlight > 0)
                source.Cancel()
                do! isCancelled "WithCancellation" (fun () -> ValueTask taking)

                do!
                    isCancelled "before" (fun () ->
                        ValueTask(each (listener.AcceptAllAsync()) source.Token take))
            })

        tidyCase "closing the listener ends it quietly" (fun () ->
            task {
                let! listener = UringListener.ListenAsync loopback

                let taking =
                    each (listener.AcceptAllAsync()) CancellationToken.None (fun _ -> Task.FromResult true)

                do! eventually "in flight" (fun () -> Ring.Default.InFlight > 0)
                do! listener.DisposeAsync()
                do! taking
            })

        tidyCase "on the ring's own thread" (fun () ->
            task {
                use ring = new Ring(RingOptions(Name = "accepting"))
                use! listener = UringListener.ListenAsync(loopback, ring = ring)
                let names = List<string>()

                let serve () =
                    ValueTask(
                        each (listener.AcceptAllAsync()) CancellationToken.None (fun socket ->
                            task {
                                names.Add(string Thread.CurrentThread.Name)
                                do! socket.DisposeAsync()
                                return names.Count < 3
                            })
                        :> Task
                    )

                let serving = ring.RunAsync serve
                let! clients = connect listener 3
                do! serving
                Expect.equal (List.ofSeq names) [ "accepting"; "accepting"; "accepting" ] "threads"
                close clients
            })
    ]

/// `by` is the way to enumerate.
let private receiving name (by: LeaseStream -> IAsyncEnumerable<BufferLease>) =
    let withPair (count: int) (size: int) body =
        task {
            use! listener = UringListener.ListenAsync loopback
            use client = new Socket(SocketType.Stream, ProtocolType.Tcp)
            client.NoDelay <- true
            client.Connect listener.LocalEndPoint
            use! server = listener.AcceptAsync()
            let! pool = Ring.Default.CreateBufferPoolAsync(count, size)
            do! body client server pool
            do! eventually "every buffer came back" (fun () -> pool.Available = pool.Count)
        }

    testList $"ReceiveAllAsync by {name}" [
        tidyCase "gives everything in order, through few buffers" (fun () ->
            withPair 2 1000 (fun client server pool ->
                task {
                    Expect.equal (pool.Count, pool.BufferSize) (2, 1000) "sizes"
                    let sent = Array.zeroCreate 100_000
                    Random(3).NextBytes sent

                    let sending =
                        Task.Run(fun () ->
                            client.Send sent |> ignore
                            client.Shutdown SocketShutdown.Send)

                    let received = List<byte>()

                    do!
                        each (by (server.ReceiveAllAsync pool)) CancellationToken.None (fun lease ->
                            task {
                                received.AddRange(lease.Memory.ToArray())
                                lease.Dispose()
                                return true
                            })

                    do! sending

                    Expect.isTrue
                        (received.ToArray().AsSpan().SequenceEqual(sent.AsSpan()))
                        "the same bytes"
                }))

        tidyCase "waits while all buffers are lent, and goes on" (fun () ->
            withPair 2 4 (fun client server pool ->
                task {
                    let leases = Queue<BufferLease>()
                    let received = Text.StringBuilder()

                    let giveBack (lease: BufferLease) =
                        received.Append(Text.Encoding.UTF8.GetString lease.Span) |> ignore
                        lease.Dispose()

                    client.Send "aaaabbbbccccdddd"B |> ignore
                    client.Shutdown SocketShutdown.Send

                    do!
                        each (by (server.ReceiveAllAsync pool)) CancellationToken.None (fun lease ->
                            task {
                                leases.Enqueue lease

                                if leases.Count = 2 then
                                    do! eventually "starved" (fun () -> pool.Available = 0)
                                    giveBack (leases.Dequeue())

                                return true
                            })

                    Seq.iter giveBack leases
                    Expect.equal (received.ToString()) "aaaabbbbccccdddd" "in order"
                }))

        tidyCase "a lease that was given back is gone" (fun () ->
            withPair 2 16 (fun client server pool ->
                task {
                    client.Send "hello"B |> ignore

                    do!
                        each (by (server.ReceiveAllAsync pool)) CancellationToken.None (fun lease ->
                            task {
                                Expect.equal lease.Length 5 "length"
                                lease.Dispose()
                                lease.Dispose()

                                let! _ =
                                    raises<ObjectDisposedException> "memory" (fun () ->
                                        lease.Memory |> ignore
                                        ValueTask.CompletedTask)

                                return false
                            })
                }))

        tidyCase "leaving gives back what was not looked at" (fun () ->
            withPair 8 4 (fun client server pool ->
                task {
                    client.Send "aaaabbbbccccdddd"B |> ignore

                    do!
                        each (by (server.ReceiveAllAsync pool)) CancellationToken.None (fun lease ->
                            task {
                                do! eventually "all are there" (fun () -> pool.Available <= 4)
                                lease.Dispose()
                                return false
                            })
                }))

        tidyCase "cancelling ends it, starved or not" (fun () ->
            withPair 1 4 (fun client server pool ->
                task {
                    use source = new CancellationTokenSource()
                    client.Send "aaaabbbb"B |> ignore
                    let kept = List<BufferLease>()

                    let receiving =
                        each
                            (by (server.ReceiveAllAsync(pool, source.Token)))
                            CancellationToken.None
                            (fun lease ->
                                kept.Add lease
                                Task.FromResult true)

                    do! eventually "starved" (fun () -> kept.Count = 1)
                    do! Ring.Default.NopAsync()
                    source.Cancel()
                    do! isCancelled "starved" (fun () -> ValueTask receiving)
                    kept[0].Dispose()
                }))

        tidyCase "a wait that is not over, or was awaited before, says so" (fun () ->
            withPair 4 4 (fun client server pool ->
                task {
                    let refused (wait: LeaseStream.Wait) =
                        Expect.throwsT<InvalidOperationException>(fun () -> wait.GetResult() |> ignore)

                    let items = server.ReceiveAllAsync(pool).GetAsyncEnumerator()
                    // The first step opens the stream.
                    client.Send "aaaa"B |> ignore
                    let! _ = items.MoveNextAsync()
                    items.Current.Dispose()
                    let wait = items.MoveNextAsync()
                    refused wait "not over"
                    client.Send "bbbb"B |> ignore
                    let! more = wait
                    Expect.isTrue more "the next"
                    items.Current.Dispose()
                    refused wait "awaited before"
                    do! items.DisposeAsync()
                }))

        tidyCase "a broken connection is told once, behind what came before" (fun () ->
            withPair 4 4 (fun client server pool ->
                task {
                    client.Send "aaaa"B |> ignore
                    let mutable pieces = 0

                    let receiving =
                        each (by (server.ReceiveAllAsync pool)) CancellationToken.None (fun lease ->
                            pieces <- pieces + 1
                            lease.Dispose()
                            // A reset, and no orderly end.
                            client.LingerState <- LingerOption(true, 0)
                            client.Close()
                            Task.FromResult true)

                    let! reason = raises<SocketException> "reset" (fun () -> ValueTask receiving)
                    Expect.equal reason.SocketErrorCode SocketError.ConnectionReset "why"
                    Expect.equal pieces 1 "what came before"
                }))

        tidyCase "a pool of another ring is refused" (fun () ->
            withPair 1 4 (fun _ server _ ->
                task {
                    use ring = new Ring()
                    let! pool = ring.CreateBufferPoolAsync(1, 1)

                    let! _ =
                        raises<ArgumentException> "pool" (fun () ->
                            server.ReceiveAllAsync pool |> ignore
                            ValueTask.CompletedTask)

                    ()
                }))
    ]

[<Tests>]
let tests =
    testSequenced
    <| testList "C# multishot" [
        accepting
        receiving "the interface" (fun stream -> stream)
        receiving "its own enumerator" (fun stream -> OwnEnumeration stream)
    ]
