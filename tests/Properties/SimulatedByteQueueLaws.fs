// Checks World/ByteQueue.fs against two lists of bytes.
module Uring.Laws.SimulatedByteQueueLaws

open System
open Expecto
open Uring.Simulation.World

type Step =
    | Enqueue of length: byte
    | Dequeue of length: byte
    | Peek of length: byte
    | Drop of length: byte
    | Move
    /// Takes from the other queue.
    | Drain of length: byte
    /// Seldom, or the queue would never fill.
    | Clear of chance: byte

/// More than the queue begins with, so that it grows, and few enough to be full soon.
[<Literal>]
let private Capacity = 1500

[<Literal>]
let private OtherCapacity = 700

let private lengthOf (n: byte) = int n * 4

let private take (length: int) (bytes: byte list) =
    List.truncate length bytes, List.skip (min length bytes.Length) bytes

/// Runs the steps on queues and lists: for each step whether both agree.
let private run (steps: Step list) =
    let queue, other = ByteQueue Capacity, ByteQueue OtherCapacity
    let mutable bytes: byte list = []
    let mutable others: byte list = []
    let mutable next = 0

    let enqueue length =
        let source = Array.init length (fun at -> byte ((next + at) % 251))
        let result = queue.Enqueue(ReadOnlySpan source)
        next <- next + result
        bytes <- bytes @ List.ofArray (Array.truncate result source)
        result = min length (Capacity - bytes.Length + result)

    let given (buffer: byte array) result expected =
        result = List.length expected && List.ofArray (Array.truncate result buffer) = expected

    [
        for step in steps do
            let agrees =
                match step with
                | Enqueue length -> enqueue (lengthOf length)
                | Dequeue length ->
                    let buffer = Array.zeroCreate (lengthOf length)
                    let expected, rest = take buffer.Length bytes
                    bytes <- rest
                    given buffer (queue.Dequeue(Span buffer)) expected
                | Peek length ->
                    let buffer = Array.zeroCreate (lengthOf length)
                    given buffer (queue.Peek(Span buffer)) (List.truncate buffer.Length bytes)
                | Drop length ->
                    let gone, rest = take (lengthOf length) bytes
                    bytes <- rest
                    queue.Drop gone.Length
                    true
                | Move ->
                    let moved, rest = take (OtherCapacity - others.Length) bytes
                    bytes <- rest
                    others <- others @ moved
                    queue.MoveTo other = moved.Length
                | Drain length ->
                    let buffer = Array.zeroCreate (lengthOf length)
                    let expected, rest = take buffer.Length others
                    others <- rest
                    given buffer (other.Dequeue(Span buffer)) expected
                | Clear chance when chance > 20uy -> true
                | Clear _ ->
                    queue.Clear()
                    bytes <- []
                    true

            step,
            agrees,
            queue.Count = bytes.Length && queue.Free = Capacity - bytes.Length && other.Count = others.Length
    ]

let private law name (isMeant: Step -> bool) =
    testProperty name
    <| fun (steps: Step list) ->
        run steps |> List.forall (fun (step, agrees, _) -> agrees || not (isMeant step))

[<Tests>]
let laws =
    testList "SimulatedByteQueue" [
        law "1. bytes leave in the order in which they came, each once" _.IsDequeue
        law "2. it takes what there is room for and no more: count + free = capacity" _.IsEnqueue

        testProperty "2. ... and counts right after every step"
        <| fun (steps: Step list) -> run steps |> List.forall (fun (_, _, counts) -> counts)

        law "3. peeking takes nothing" _.IsPeek

        law
            "4. what moves to another queue leaves this one, in order, and nothing is lost when the other is full"
            (fun step -> step.IsMove || step.IsDrain)
    ]
