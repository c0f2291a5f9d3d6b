// What the user sees of a long program: a bar that is drawn beside it, and what it took in the end.

open System
open System.Diagnostics
open Uring.FSharp

/// Draws how far `carried` has come, on a terminal, while the program runs.
let withBar (total: int64) (carried: unit -> int64) (program: Uring<unit>) : Uring<unit> =
    uring {
        let mutable isOver = Console.IsOutputRedirected

        let bar =
            uring {
                while not isOver do
                    let hashes = String('#', int (40L * carried () / max 1L total)).PadRight(40, '.')
                    Console.Write $"[{hashes}] {carried () / 1000000L} of {total / 1000000L} MB\r"
                    do! Uring.sleep (TimeSpan.FromMilliseconds 100.0)
            }

        let! _ = Uring.spawn bar

        try
            do! program
        finally
            isOver <- true
            // The cursor is at the start of the bar's line.
            if not Console.IsOutputRedirected then Console.Write "\027[K"
    }

/// Says how fast the program was, and how many operations went with one call of the kernel.
let measured (summary: unit -> string * int64) (program: Uring<unit>) : Uring<unit> =
    uring {
        let! loop = Uring.loop
        let before, watch = loop.Statistics, Stopwatch.StartNew()
        do! program
        let what, bytes = summary ()
        let megabytes, seconds = float bytes / 1e6, watch.Elapsed.TotalSeconds
        let operations = float (loop.Statistics.Submitted - before.Submitted)
        let perEnter = operations / float (loop.Statistics.Enters - before.Enters)
        let speed = $"{megabytes:F1} MB in {seconds:F2} s, {megabytes / seconds:F0} MB/s"
        Console.Out.WriteLine $"{what}: {speed}, {perEnter:F1} operations per enter"
    }
