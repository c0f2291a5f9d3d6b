// A program in the simulation against the same program on the real kernel: a search is only as good as the number of runs.
module Uring.Benchmarks.Simulated

open System
open System.Diagnostics
open System.Net
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Simulation

/// Sends 64 bytes to and fro, so many times.
let private exchange (rounds: int) (ours: Socket) (theirs: Socket) : Uring<unit> =
    uring {
        let sent = Memory(GC.AllocateArray<byte>(64, true))
        let received = Memory(GC.AllocateArray<byte>(64, true))
        let mutable left = rounds

        while left > 0 do
            let! _ = Socket.sendSome ours (Memory.op_Implicit sent)
            let! _ = Socket.receive theirs received
            left <- left - 1
    }

/// Eight connections at a time: two operations per round and connection.
let private echo (rounds: int) : Uring<unit> =
    uring {
        use! listener = Socket.listen (IPEndPoint(IPAddress.Loopback, 0)) 16
        let address = Socket.localEndPoint listener

        let connection =
            uring {
                use! ours = Socket.connect address
                use! theirs = Socket.accept listener
                do! exchange rounds ours theirs
            }

        let! _ = Uring.``parallel`` (List.replicate 8 connection)
        return ()
    }

/// A file is written and read back in pieces.
let private file (rounds: int) (path: string) : Uring<unit> =
    uring {
        use! file = File.create path
        let bytes = Memory(GC.AllocateArray<byte>(512, true))
        let mutable left = rounds

        while left > 0 do
            let offset = int64 (left % 64) * 512L
            do! File.write file (Memory.op_Implicit bytes) offset
            let! _ = File.read file bytes offset
            left <- left - 1
    }

/// Repeats `run`, which says how many operations it had, for so long: operations per second, bytes per operation.
let private repeatedly (run: uint64 -> int64) () =
    let before = GC.GetAllocatedBytesForCurrentThread()
    let clock = Stopwatch.GetTimestamp()
    let mutable operations = 0L
    let mutable seed = 0UL

    while Stopwatch.GetElapsedTime(clock).TotalSeconds < 0.5 do
        seed <- seed + 1UL
        operations <- operations + run seed

    let elapsed = Stopwatch.GetElapsedTime(clock).TotalSeconds
    let bytes = GC.GetAllocatedBytesForCurrentThread() - before
    float operations / elapsed, float bytes / float operations

let private simulated (faults: Faults) (program: Uring<unit>) =
    repeatedly (fun seed ->
        let report = Simulation.run seed faults program

        if not report.IsGood then invalidOp (Simulation.describe 50 report)

        report.Operations)

/// The same program on the kernel of this machine, on a loop of its own.
let private real (program: Uring<unit>) () =
    use host = LoopThread.Start(LinuxKernel.Instance, LoopOptions.standard, "benchmark")

    let run _ =
        let before = host.Loop.Statistics.Submitted
        Uring.runOn host Threading.CancellationToken.None program
        host.Loop.Statistics.Submitted - before

    repeatedly run () |> fst |> Some

let bench (_: string) =
    let path = IO.Path.GetTempFileName()

    let case name faults simulatedProgram realProgram =
        Compare.pairs name 5 (simulated faults simulatedProgram) (real realProgram)

    try
        [
            case "simulated echo, long" Faults.none (echo 2000) (echo 2000)
            case "simulated echo, short" Faults.none (echo 10) (echo 10)
            case "simulated echo, faults" Faults.ordinary (echo 200) (echo 200)
            case "simulated file" Faults.none (file 2000 "/file") (file 2000 path)
        ]
        |> Compare.save "simulation"
    finally
        IO.File.Delete path
