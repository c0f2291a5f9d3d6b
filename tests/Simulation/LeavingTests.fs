/// Who leaves a stream has ended it: what comes afterwards is the next one's. It was not so: leaving only asked for the end, and
/// what came before the kernel had heard of it was thrown away. The facade's suite on a simulated machine found it.
module Uring.Tests.Simulation.LeavingTests

open System
open System.Net
open Expecto
open Uring.FSharp
open Uring.Simulation
open Uring.Tests.Simulation.FileWork

let private address = IPEndPoint(IPAddress.Loopback, 4000)

/// Takes one connection of a stream, leaves it, and asks for another.
let private connections: Uring<unit> =
    uring {
        use! listener = Socket.listen address 16
        let! stream = Socket.acceptMany listener
        use! _ = Socket.connect address
        let! _ = UringStream.next stream
        use! _ = Uring.result stream.Current
        do! (stream :> IAsyncDisposable).DisposeAsync()
        use! second = Socket.connect address
        let! taken = Uring.timeout (TimeSpan.FromSeconds 10.0) (Socket.accept listener)
        use! taken = Uring.result taken
        do! Socket.send taken (ReadOnlyMemory [| 7uy |])
        let answer = Array.zeroCreate<byte> 1
        let! count = Socket.receive second (Memory answer)
        expect (count = 1 && answer[0] = 7uy) "the second connection was thrown away"
    }

/// Takes some bytes of a stream, leaves it, and receives the others.
let private bytes: Uring<unit> =
    uring {
        use! listener = Socket.listen address 16
        use! client = Socket.connect address
        use! server = Socket.accept listener
        let! pool = BufferPool.create (Uring.Driver.BufferPoolOptions.fixedOf 4 16)
        let! stream = Socket.receiveMany server pool
        do! Socket.send client (ReadOnlyMemory [| 1uy |])
        let! _ = UringStream.next stream
        stream.Current.Dispose()
        do! (stream :> IAsyncDisposable).DisposeAsync()
        do! Socket.send client (ReadOnlyMemory [| 2uy |])
        let found = Array.zeroCreate<byte> 1
        let receive = Socket.receive server (Memory found)
        let! count = Uring.timeout (TimeSpan.FromSeconds 10.0) receive
        expect (count = 1 && found[0] = 2uy) "a byte was thrown away"
    }

let private always (program: Uring<unit>) =
    for seed in 1UL .. 200UL do
        let options = SimulationOptions.ofSeed seed (Swarm.ofSeed seed Faults.Ordinary)
        let report = Simulation.runWith options program
        if not report.IsGood then failtest (Simulation.describe 100 report)

[<Tests>]
let tests =
    testList "Leaving a stream" [
        testCase "the next connection is the next one's" (fun () -> always connections)
        testCase "the next byte is the next one's" (fun () -> always bytes)
    ]
