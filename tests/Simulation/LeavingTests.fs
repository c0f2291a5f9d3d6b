/// Who leaves a stream has ended it: what comes afterwards is the next one's. It was not so: leaving only asked for the end, and
/// what came before the kernel had heard of it was thrown away. The facade's suite on a simulated machine found it.
module Uring.Tests.Simulation.LeavingTests

open System
open System.Net
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Driver
open Uring.FSharp
open Uring.Simulation
open Uring.Tests.Simulation.FileWork

let private address = IPEndPoint(IPAddress.Loopback, 4000)

/// Outside of every loop: there leaving and what comes next take different ways to it.
let private outside (program: unit -> Task<unit>) : Uring<unit> =
    uring {
        let! loop = Uring.loop
        let ended = TaskCompletionSource<unit>()

        let work () =
            task {
                try
                    do! program ()
                    ended.SetResult()
                with reason ->
                    ended.SetException reason
            }

        (loop :> IHost)
            .Queue(
                {
                    new IThreadPoolWorkItem with
                        member _.Execute() = work () |> ignore
                }
            )

        do! ended.Task
    }

/// The other side has a ring of its own: it does not wait for what this one is told.
let private connect (ring: Uring.Ring) = UringSocket.ConnectAsync(address, ring)

/// Takes one connection of a stream, leaves it, and asks for another.
let private connections () =
    task {
        use! others = Task.FromResult(new Uring.Ring())
        use! listener = UringListener.ListenAsync(address, 16)
        use! _ = connect others
        let stream = listener.AcceptAllAsync().GetAsyncEnumerator()
        let! _ = stream.MoveNextAsync()
        use _ = stream.Current
        do! stream.DisposeAsync()
        use! second = connect others
        use! taken = listener.AcceptAsync()
        do! taken.SendAllAsync(ReadOnlyMemory [| 7uy |])
        let answer = Array.zeroCreate<byte> 1
        let! count = second.ReceiveAsync(Memory answer)
        expect (count = 1 && answer[0] = 7uy) "the second connection was thrown away"
    }

/// Takes some bytes of a stream, leaves it, and receives the others.
let private bytes () =
    task {
        use! others = Task.FromResult(new Uring.Ring())
        use! listener = UringListener.ListenAsync(address, 16)
        use! client = connect others
        use! server = listener.AcceptAsync()
        let! pool = Uring.Ring.Default.CreateBufferPoolAsync(4, 16)
        let stream = server.ReceiveAllAsync(pool).GetAsyncEnumerator()
        do! client.SendAllAsync(ReadOnlyMemory [| 1uy |])
        let! _ = stream.MoveNextAsync()
        stream.Current.Dispose()
        do! stream.DisposeAsync()
        do! client.SendAllAsync(ReadOnlyMemory [| 2uy |])
        let found = Array.zeroCreate<byte> 1
        let! count = server.ReceiveAsync(Memory found)
        expect (count = 1 && found[0] = 2uy) "a byte was thrown away"
    }

let private always (program: unit -> Task<unit>) =
    for seed in 1UL .. 200UL do
        let options = SimulationOptions.ofSeed seed (Swarm.ofSeed seed Faults.Ordinary)
        let report = Simulation.runWith options (outside program)
        if not report.IsGood then failtest (Simulation.describe 100 report)

[<Tests>]
let tests =
    testList "Leaving a stream" [
        testCase "the next connection is the next one's" (fun () -> always connections)
        testCase "the next byte is the next one's" (fun () -> always bytes)
    ]
