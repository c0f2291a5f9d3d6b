// Checks World/Pipe.fs against a list of bytes.
module Uring.Laws.SimulatedPipeLaws

open System
open System.Collections.Generic
open Expecto
open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

/// Lengths are chosen around the atomic one and the capacity.
type Step =
    | Write of length: byte
    | Read of length: byte
    | Splice of length: byte
    | CloseReader
    | CloseWriter

[<Literal>]
let private Atomic = 4096

[<Literal>]
let private Capacity = 65536

let private lengths = [| 0; 1; 7; 500; Atomic - 1; Atomic; Atomic + 1; 9000; 30_000; Capacity; 70_000 |]
let private lengthOf (n: byte) = lengths[int n % lengths.Length]

let private again = Errno.toResult Errno.EAGAIN

/// One step and its result, with what an onlooker knew before: how many bytes had gone in and come out.
type private Seen = {
    Step: Step
    Result: int
    Written: int
    Read: int
    IsReaderOpen: bool
    IsWriterOpen: bool
    /// The bytes that came out were those that went in, in their place.
    IsRight: bool
    /// The other end heard of it.
    Woken: bool
    /// What the two ends say afterwards.
    Readable: PollEvents
    Writable: PollEvents
}

let private value at = byte (at % 251)

type private Ear() =
    member val Count = 0 with get, set

    interface IWaiter with
        member this.Woken _ = this.Count <- this.Count + 1

let private run (choices: Choices) (steps: Step list) =
    let struct (reader, writer) = Pipe.create choices
    let ear = Ear()
    reader.Waiters.AddLast ear |> ignore
    writer.Waiters.AddLast ear |> ignore
    let mutable written = 0
    let mutable read = 0
    let mutable readerOpen = true
    let mutable writerOpen = true

    [
        for step in steps do
            let before = {
                Step = step
                Result = 0
                Written = written
                Read = read
                IsReaderOpen = readerOpen
                IsWriterOpen = writerOpen
                IsRight = true
                Woken = false
                Readable = PollEvents.None
                Writable = PollEvents.None
            }

            ear.Count <- 0

            let result, isRight =
                match step with
                | Write n when writerOpen ->
                    let bytes = Array.init (lengthOf n) (fun at -> value (written + at))
                    let result = writer.Write(ReadOnlySpan bytes, -1L)
                    written <- written + max 0 result
                    result, true
                | Read n
                | Splice n when readerOpen ->
                    let bytes = Array.zeroCreate (lengthOf n)
                    let isSplice = step.IsSplice
                    let result = if isSplice then reader.Peek(Span bytes) else reader.Read(Span bytes, -1L)
                    if isSplice && result > 0 then reader.Drop result
                    let at = read
                    read <- read + max 0 result

                    result,
                    Array.truncate (max 0 result) bytes
                    |> Array.indexed
                    |> Array.forall (fun (n, it) -> it = value (at + n))
                | CloseReader when readerOpen ->
                    readerOpen <- false
                    reader.Release()
                    0, true
                | CloseWriter when writerOpen ->
                    writerOpen <- false
                    writer.Release()
                    0, true
                | _ -> Int32.MinValue, true

            if result <> Int32.MinValue then
                {
                    before with
                        Result = result
                        IsRight = isRight
                        Woken = ear.Count > 0
                        Readable = reader.Events
                        Writable = writer.Events
                }
    ]

let private law name faults holds =
    testProperty name
    <| fun (steps: Step list) (seed: uint64) -> run (Dice(seed, faults, HashSet())) steps |> List.forall holds

let private inOrder it = it.IsRight && it.Read <= it.Written

let private bounded it =
    let free = Capacity - (it.Written - it.Read)

    match it.Step with
    | Write _ when it.Result > 0 -> it.Result <= free
    | Write n when it.Result = again -> free = 0 || (lengthOf n <= Atomic && lengthOf n > free)
    | _ -> true

let private atomic it =
    match it.Step with
    | Write n when it.IsReaderOpen && lengthOf n <= Atomic -> it.Result = lengthOf n || it.Result = again
    | _ -> true

let private ends it =
    let isEmpty = it.Read = it.Written

    match it.Step with
    | (Read n | Splice n) when lengthOf n > 0 ->
        (it.Result = 0) = (isEmpty && not it.IsWriterOpen)
        && (it.Result = again) = (isEmpty && it.IsWriterOpen)
    | _ -> true

let private broken it =
    match it.Step with
    | Write n when lengthOf n > 0 -> (it.Result = Errno.toResult Errno.EPIPE) = not it.IsReaderOpen
    | _ -> true

let private heard it =
    match it.Step with
    | Write _
    | Read _
    | Splice _ -> it.Woken = (it.Result > 0 && (if it.Step.IsWrite then it.IsReaderOpen else it.IsWriterOpen))
    | CloseReader -> it.Woken = it.IsWriterOpen
    | CloseWriter -> it.Woken = it.IsReaderOpen

let private polled it =
    let count =
        match it.Step with
        | Write _ -> it.Written + max 0 it.Result - it.Read
        | Read _
        | Splice _ -> it.Written - it.Read - max 0 it.Result
        | _ -> it.Written - it.Read

    it.Readable.HasFlag PollEvents.Readable = (count > 0)
    && it.Writable.HasFlag PollEvents.Writable = (Capacity - count >= Atomic)
    && it.Readable.HasFlag PollEvents.HangUp = (it.Step.IsCloseWriter || not it.IsWriterOpen)
    && it.Writable.HasFlag PollEvents.Error = (it.Step.IsCloseReader || not it.IsReaderOpen)

[<Tests>]
let laws =
    testList "SimulatedPipe" [
        law "1. bytes come out as they went in: in order, none lost, none twice" Faults.ordinary inOrder
        law "2. it never holds more than 64 KiB, and refuses only what does not fit" Faults.ordinary bounded
        law "3. a write of up to 4 KiB is whole or refused, and never cut" Faults.ordinary atomic
        law "4. the end is read after the last byte, and only when the writer has gone" Faults.ordinary ends
        law "5. writing fails with EPIPE when the reader has gone, and only then" Faults.ordinary broken
        law "6. whoever waits at the other end hears of every change" Faults.ordinary heard
        law "6. ... and what poll says is what can be done" Faults.none polled

        testProperty "7. without faults it takes and gives as much as it can"
        <| fun (steps: Step list) ->
            run (Dice(1UL, Faults.none, HashSet())) steps
            |> List.forall (fun it ->
                let held = it.Written - it.Read

                match it.Step with
                | Write n when it.Result > 0 -> it.Result = min (lengthOf n) (Capacity - held)
                | Read n
                | Splice n when it.Result > 0 -> it.Result = min (lengthOf n) held
                | _ -> true)
    ]
