/// Files under faults: writers and readers side by side, each byte checked, and names that come and go.
module Uring.Tests.Simulation.FileWork

open System
open System.IO
open Uring.FSharp
open Uring.Model

/// Says what is wrong: a run whose program fails is a bad run.
let expect (condition: bool) (message: string) = if not condition then raise (InvalidDataException message)

let private pattern (random: Random) length =
    let bytes = Array.zeroCreate<byte> length
    random.NextBytes bytes
    bytes

/// Writes blocks in a random order, reads them back in another.
let private blocks (random: Random) (path: string) : Uring<unit> =
    uring {
        let blocks = [| for _ in 1 .. random.Next(1, 6) -> pattern random (random.Next(1, 9000)) |]
        let starts = blocks |> Array.scan (fun start block -> start + int64 block.Length) 0L
        use! file = File.create path
        let order = Array.init blocks.Length id
        random.Shuffle order

        let! _ =
            Uring.``parallel`` [
                for index in order -> File.write file (ReadOnlyMemory blocks[index]) starts[index]
            ]

        do! File.sync file
        let! status = File.status file
        expect (status.Length = Array.last starts) $"{path} has {status.Length} bytes"

        let! _ =
            Uring.``parallel`` [
                for index in order ->
                    uring {
                        let read = Array.zeroCreate<byte> blocks[index].Length
                        let! count = File.readFull file (Memory read) starts[index]
                        expect (count = read.Length) $"{path}: {count} of {read.Length} bytes"
                        expect (read.AsSpan().SequenceEqual blocks[index]) $"{path}: block {index} is another"
                    }
            ]

        do! File.truncate file 10L
        let! status = File.status file
        expect (status.Length = 10L) "truncated"
    }

/// A name that moves: the file behind it stays the same.
let private names (random: Random) (folder: string) : Uring<unit> =
    uring {
        do! File.makeDirectory folder
        let mutable path = $"{folder}/0"
        let bytes = pattern random 100

        do!
            uring {
                use! file = File.create path
                do! File.write file (ReadOnlyMemory bytes) 0L
            }

        for step in 1 .. random.Next(1, 5) do
            let next = $"{folder}/{step}"
            do! File.rename path next
            let! before = Uring.catch (File.statusOfPath path)
            expect before.IsError $"{path} is still there"
            path <- next

        use! file = File.openRead path
        do! File.delete path
        // Without a name it lives as long as it is open.
        let read = Array.zeroCreate<byte> 100
        let! count = File.readFull file (Memory read) 0L
        expect (count = 100 && read.AsSpan().SequenceEqual bytes) "an unlinked file is still there"
        do! File.removeDirectory folder
    }

/// Linked: what was written is synced only when the write was whole.
let private linked (path: string) : Uring<unit> =
    uring {
        use! file = File.create path
        let bytes = Array.create 5000 7uy

        let! outcome =
            Chains.run (
                chain {
                    FileRequest.write file.Descriptor (ReadOnlyMemory bytes) 0L
                    FileRequest.sync file.Descriptor false
                }
            )

        match outcome with
        | [ StepOutcome.Ran 5000; StepOutcome.Ran 0 ] -> ()
        // A short write breaks the chain, and so does a kernel that takes only a part of it.
        | [ StepOutcome.Ran _; (StepOutcome.Cancelled | StepOutcome.Failed _) ] -> ()
        | [ StepOutcome.Failed _; (StepOutcome.Cancelled | StepOutcome.Failed _) ] -> ()
        | other -> expect false $"a chain came to %A{other}"
    }

let work (seed: uint64) : Uring<unit> =
    uring {
        let random = Random(int seed)

        let! _ =
            Uring.``parallel`` [
                for index in 1 .. random.Next(1, 4) do
                    blocks (Random(random.Next())) $"/file{index}"

                names (Random(random.Next())) "/folder"
                linked "/linked"
            ]

        return ()
    }
