// What the user sees of the soak: a line now and then, and whether everything is back in the end. It counts on bytes.fsx,
// which soak/traffic.fsx loads before: loaded by two of its neighbours, F# would give each its own counts.

#load "../shared.fsx"

open System
open System.Diagnostics
open System.IO
open Uring.Driver
open Uring.FSharp
open Bytes

let clock = Stopwatch.StartNew()

let private report (pool: BufferPool) =
    let now = pool.Statistics

    let done' =
        $"{messages} messages, {received / 1_000_000L} MB, {connections} connections, {cancels} cancels"

    let buffers = $"{now.Available} available and {now.Leased} leased of {now.Count} buffers"
    let line = $"{done'}, {departures} left, {now.Starvations} starvations, {buffers}"
    Console.Out.WriteLine $"{clock.Elapsed.TotalSeconds:F1} s: {line}"

/// A line every ten seconds.
let progress (isOver: unit -> bool) (pool: BufferPool) : Uring<unit> =
    uring {
        let mutable last = TimeSpan.Zero

        while not (isOver ()) do
            do! Uring.sleep (TimeSpan.FromSeconds 0.25)

            if clock.Elapsed - last > TimeSpan.FromSeconds 10.0 then
                last <- clock.Elapsed
                report pool
    }

/// Sockets and rings that are open.
let descriptors () =
    Directory.GetFileSystemEntries "/proc/self/fd"
    |> Array.choose (fun link -> FileInfo(link).LinkTarget |> Option.ofObj)
    |> Array.filter (fun target -> target.StartsWith "socket:" || target.EndsWith "[io_uring]")
    |> Array.length

/// Nothing may be missing when all is quiet.
let balance (pool: BufferPool) (before: int) (run: string) : Uring<unit> =
    uring {
        let isBalanced () =
            let now = pool.Statistics
            now.Available = now.Count && now.Leased = 0 && now.Starving = 0 && descriptors () = before

        let mutable tries = 0

        // Closes that nobody awaits take a moment.
        while not (isBalanced ()) && tries < 500 do
            tries <- tries + 1
            do! Uring.sleep (TimeSpan.FromMilliseconds 10.0)

        report pool

        if isBalanced () then
            Console.Out.WriteLine $"balanced: every buffer is back, {before} descriptors as before; {run}"
        else
            let now = pool.Statistics

            let buffers =
                $"{now.Available} of {now.Count} buffers available, {now.Leased} leased, {now.Starving} starving"

            Shared.complain
                $"not balanced: {buffers}, {descriptors ()} descriptors instead of {before}; {run}"
    }
