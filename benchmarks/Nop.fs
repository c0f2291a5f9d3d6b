// NOPs through the ring without threads, in batches, against the same loop in C.
module Uring.Benchmarks.Nop

open System
open System.Diagnostics
open Uring.Driver
open Uring.Kernel
open Uring.Model

/// Submits `batch` NOPs, waits for all, takes them: `rounds` times.
let private run (ring: Ring) batch rounds =
    let mutable id = 0UL

    for _ in 1..rounds do
        for _ in 1..batch do
            id <- id + 1UL

            let submission = Submission.nop () |> Submission.tagged { Bits = id }

            if not (ring.TrySubmit &submission) then invalidOp "The submission queue is full."

        let mutable left = batch

        while left > 0 do
            ring.Enter(left, -1L) |> ignore
            let ready = ring.Ready()

            for index in 0 .. ready - 1 do
                if (ring.Completion index).Result < 0 then invalidOp "A NOP failed."

            ring.Advance ready
            left <- left - ready

let private measure (ring: Ring) batch (seconds: float) () =
    let before = GC.GetAllocatedBytesForCurrentThread()
    let clock = Stopwatch.GetTimestamp()
    let mutable operations = 0L

    while Stopwatch.GetElapsedTime(clock).TotalSeconds < seconds do
        run ring batch 1000
        operations <- operations + int64 batch * 1000L

    let elapsed = Stopwatch.GetElapsedTime(clock).TotalSeconds
    let bytes = GC.GetAllocatedBytesForCurrentThread() - before
    float operations / elapsed, float bytes / float operations

let bench (controls: string) =
    use ring = Setup.createOrRaise LinuxKernel.Instance RingSetup.nothing 256 4096
    ring.Enable()

    [ 1; 32; 256 ]
    |> List.map (fun batch ->
        let control () = Compare.control (IO.Path.Combine(controls, "nop")) [ string batch; "0.5" ]

        Compare.pairs $"nop batch {batch}" 9 (measure ring batch 0.5) control)
    |> Compare.save "nop"
