/// Chains from C#, and their limits from F#.
module Uring.Tests.Linux.ChainFacadeTests

open System
open System.IO
open System.Net.Sockets
open System.Threading
open Expecto
open Uring
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Observe

let private soon = TimeSpan.FromMilliseconds 20.0
let private day = TimeSpan.FromDays 1.0
let private data (text: string) = ReadOnlyMemory(Pairs.bytesOf text)

let private outcomes (results: Collections.Generic.IReadOnlyList<ChainResult>) = [
    for result in results -> result.Outcome
]

let private withRing (body: Ring -> Threading.Tasks.Task<unit>) =
    task {
        use ring = new Ring()
        do! body ring
    }

[<Tests>]
let tests =
    testSequenced
    <| testList "C# chains" [
        inFolderCase "write, sync, move: one after another" (fun folder ->
            task {
                use ring = new Ring()
                let path = Path.Combine(folder, "new")
                let final = Path.Combine(folder, "final")
                use! file = UringFile.OpenAsync(path, FileMode.Create, FileAccess.ReadWrite, ring = ring)
                let found = Array.zeroCreate<byte> 5

                let! results =
                    ring.ChainAsync(fun chain ->
                        chain
                            .Write(file, data "hello", 0L)
                            .Sync(file, true)
                            .Read(file, Memory found, 0L)
                            .Move(path, final)
                        |> ignore)

                Expect.equal [ for result in results -> result.Value ] [ 5; 0; 5; 0 ] "values"
                Expect.allEqual (outcomes results) ChainOutcome.Completed "outcomes"
                Expect.equal found "hello"B "read"
                Expect.equal (File.ReadAllText final) "hello" "moved"
            })

        inFolderCase "a failure cancels what follows, unless that comes always" (fun folder ->
            task {
                use ring = new Ring()
                let path = Path.Combine(folder, "x")
                use! file = UringFile.OpenAsync(path, FileMode.Create, FileAccess.ReadWrite, ring = ring)
                // Nothing is there to be read: a short read is a failure of the chain.
                let short = Memory(Array.zeroCreate<byte> 4)

                let! results =
                    ring.ChainAsync(fun chain ->
                        chain.Read(file, short, 0L).Write(file, data "lost", 0L) |> ignore)

                Expect.equal
                    (outcomes results)
                    [ ChainOutcome.Completed; ChainOutcome.Cancelled ]
                    "cancelled"

                let! results =
                    ring.ChainAsync(fun chain ->
                        chain.Read(file, short, 0L).Always().Write(file, data "kept", 0L).Delete(path + "y")
                        |> ignore)

                Expect.equal
                    (outcomes results)
                    [ ChainOutcome.Completed; ChainOutcome.Completed; ChainOutcome.Failed ]
                    "always"

                Expect.equal results[2].ErrorCode 2 "ENOENT"
            })

        tidyCase "a limit ends its operation, and what follows unless that comes always" (fun () ->
            withRing (fun ring ->
                Pairs.connectedOn ring Pairs.loopback (fun client server ->
                    task {
                        let one = Memory(Array.zeroCreate<byte> 1)

                        let! results =
                            ring.ChainAsync(fun chain ->
                                chain.Receive(client, one).Within(soon).Send(client, data "lost")
                                |> ignore)

                        Expect.equal
                            (outcomes results)
                            [ ChainOutcome.TimedOut; ChainOutcome.Cancelled ]
                            "timed out"

                        let! results =
                            ring.ChainAsync(fun chain ->
                                chain.Receive(client, one).Within(soon).Always().Send(client, data "kept")
                                |> ignore)

                        Expect.equal
                            (outcomes results)
                            [ ChainOutcome.TimedOut; ChainOutcome.Completed ]
                            "always"

                        let! found = Pairs.receiveExactly server 4
                        Expect.equal found "kept"B "sent"

                        let! results =
                            ring.ChainAsync(fun chain ->
                                chain
                                    .Send(client, data "x")
                                    .Within(day)
                                    .Shutdown(client, SocketShutdown.Send)
                                |> ignore)

                        Expect.equal
                            (outcomes results)
                            [ ChainOutcome.Completed; ChainOutcome.Completed ]
                            "in time"

                        let! found = Pairs.receiveExactly server 2
                        Expect.equal found "x"B "the end"
                    })))

        tidyCase "cancelled: the results say so" (fun () ->
            withRing (fun ring ->
                Pairs.connectedOn ring Pairs.loopback (fun client _ ->
                    task {
                        use source = new CancellationTokenSource()
                        let one = Memory(Array.zeroCreate<byte> 1)

                        let running =
                            ring
                                .ChainAsync(
                                    (fun chain ->
                                        chain.Receive(client, one).Send(client, data "lost") |> ignore),
                                    source.Token
                                )
                                .AsTask()

                        do! eventually "in flight" (fun () -> ring.InFlight = 2)
                        source.Cancel()
                        let! results = running
                        Expect.allEqual (outcomes results) ChainOutcome.Cancelled "outcomes"

                        let! results =
                            ring.ChainAsync((fun chain -> chain.Delete "/none" |> ignore), source.Token)

                        Expect.allEqual (outcomes results) ChainOutcome.Cancelled "before"
                        let! results = ring.ChainAsync(fun _ -> ())
                        Expect.isEmpty results "nothing to do"
                    })))

        tidyCase "refuses what makes no sense" (fun () ->
            withRing (fun ring ->
                withRing (fun other ->
                    Pairs.connectedOn other Pairs.loopback (fun client _ ->
                        task {
                            let build (what: UringChain -> UringChain) =
                                ring.ChainAsync(fun chain -> what chain |> ignore) |> ignore

                            Expect.throwsT<ArgumentException>
                                (fun () -> build (fun chain -> chain.Send(client, data "x")))
                                "another ring"

                            Expect.throwsT<InvalidOperationException>
                                (fun () -> build (fun chain -> chain.Within soon))
                                "nothing to bound"

                            Expect.throwsT<InvalidOperationException>
                                (fun () ->
                                    build (fun chain -> chain.Delete("x").Within(soon).Within(soon)))
                                "two limits"

                            Expect.throwsT<InvalidOperationException>
                                (fun () -> build (fun chain -> chain.Always()))
                                "nothing before"
                        }))))

        testCase "F#: a limit of each step" (fun () ->
            Hosting.withLoop (fun host ->
                let struct (ours, _) = Hosting.connectPair host

                let steps = [
                    {
                        Step = SocketRequest.receive ours.Descriptor (Memory(Array.zeroCreate<byte> 1))
                        Limit = ValueSome(Uring.within soon)
                        Link = Link.Hard
                    }
                    { Step = Hosting.nop; Limit = ValueNone; Link = Link.Soft }
                ]

                let outcome = Hosting.runOn host (Chains.runBounded steps)
                Expect.equal outcome [ StepOutcome.Failed Errno.ETIME; StepOutcome.Ran 0 ] "outcome"))
    ]
