/// Cuts the power in the middle of a store's life, 2000 times per compaction, and looks for what is lost.
module KeyValue.Program

open System.Collections.Generic
open System.IO
open KeyValue.Store
open Uring.FSharp
open Uring.Simulation

let private path = "/store"
let private runs = 2000

/// Puts numbers, long enough to be torn in the middle, under a few keys, and compacts now and then.
let private work (compact: Store -> Uring<unit>) (acknowledged: Dictionary<string, int>) : Uring<unit> =
    uring {
        use! store = openAt path

        for number in 1..100 do
            let key = $"key {number % 3}"
            do! put store key (number.ToString "D300")
            acknowledged[key] <- number

            if number % 5 = 0 then do! compact store
    }

/// Runs when the power is back. A value may be newer than the acknowledged one, never older, and never gone.
let private check (acknowledged: Dictionary<string, int>) : Uring<unit> =
    uring {
        use! store = openAt path

        for KeyValue(key, number) in acknowledged do
            match! tryGet store key with
            | Some value when int value >= number -> ()
            | Some value ->
                raise (InvalidDataException $"'{key}' was acknowledged as {number} and is {int value} again.")
            | None -> raise (InvalidDataException $"'{key}' was acknowledged as {number} and is gone.")
    }

/// A new world for each run: what is acknowledged in one must not be looked for in another.
let private withPowerLoss compact (options: SimulationOptions) : Report<unit> =
    Simulation.crashWith options (fun () ->
        let acknowledged = Dictionary<string, int>()
        work compact acknowledged, check acknowledged)

/// Tells the first run that lost something, with as few faults as it needs, and how it came about.
let private survives (name: string) (compact: Store -> Uring<unit>) : bool =
    let run = withPowerLoss compact

    match Simulation.search Faults.ordinary (Seq.map uint64 [ 1..runs ]) run with
    | None ->
        printfn "%s: survived %d power losses" name runs
        true
    | Some report ->
        printfn "%s: fails with seed %d" name report.Options.Seed
        printfn "%s" (report |> Simulation.shrink run |> Simulation.describe 60)
        false

[<EntryPoint>]
let main _ =
    let isCarelessCaught = not (survives "careless" Careless.compact)
    let isCarefulSound = survives "careful" Careful.compact
    if isCarelessCaught && isCarefulSound then 0 else 1
