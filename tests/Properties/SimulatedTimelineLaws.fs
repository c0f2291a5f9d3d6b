// Checks World/Timeline.fs: an onlooker notes when each event was asked for, and when and in which order it happened.
module Uring.Laws.SimulatedTimelineLaws

open System
open System.Collections.Generic
open Expecto
open Uring.Simulation
open Uring.Simulation.World

type Step =
    /// When it happens, it may make another one happen.
    | After of delay: byte * makes: byte option
    | Cancel of nth: byte
    | Advance of limit: byte option

/// One event as an onlooker knows it.
type private Seen = { Event: Event; Asked: int64; Due: int64; mutable Happened: int64 list }

let private choices seed faults = Dice(seed, faults, HashSet()) :> Choices

/// Runs the steps, always what is due before time passes, and then all the rest. What was seen, in the order in which it was
/// asked for; their numbers in the order in which they happened; the times that the clock showed.
let private run (choices: Choices) (steps: Step list) =
    let timeline = Timeline choices
    let seen = List<Seen>()
    let order = List<int>()
    let clock = List<int64>()

    let rec after (delay: int64) makes =
        let number = seen.Count

        let happens () =
            order.Add number
            seen[number].Happened <- timeline.Now :: seen[number].Happened
            makes |> Option.iter (fun delay -> after (int64<byte> delay) None)

        seen.Add {
            Event = timeline.After(delay, "event", happens)
            Asked = timeline.Now
            Due = timeline.Now + delay
            Happened = []
        }

    let settle () =
        while timeline.TryStep() do
            clock.Add timeline.Now

    for step in steps do
        match step with
        | After(delay, makes) -> after (int64 (delay % 8uy)) makes
        | Cancel nth when seen.Count > 0 -> seen[int nth % seen.Count].Event.Cancel()
        | Cancel _ -> ()
        | Advance limit ->
            settle ()

            match limit with
            | Some limit -> timeline.TryAdvance(timeline.Now + int64 (limit % 8uy)) |> ignore
            | None -> timeline.TryAdvance() |> ignore

            clock.Add timeline.Now

    settle ()

    while timeline.TryAdvance() do
        settle ()

    List.ofSeq seen, List.ofSeq order, List.ofSeq clock

let private punctual (seen: Seen list) =
    seen
    |> List.forall (fun it ->
        match it.Happened with
        | [ time ] -> time = it.Due
        | [] -> it.Event.IsCancelled
        | _ -> false)

[<Tests>]
let laws =
    testList "SimulatedTimeline" [
        testProperty "1. what was not cancelled happens once, at its time"
        <| fun (steps: Step list) (seed: uint64) ->
            let seen, _, _ = run (choices seed Faults.ordinary) steps
            punctual seen

        testProperty "2. what was cancelled before its turn does not happen"
        <| fun (steps: Step list) (cancelled: byte list) ->
            let timeline = Timeline(choices 1UL Faults.none)
            let happened = List<int>()

            let events =
                steps
                |> List.mapi (fun number _ ->
                    timeline.After(int64 (number % 3), "event", fun () -> happened.Add number))

            let numbers = cancelled |> List.map (fun it -> int it % max 1 events.Length) |> List.distinct
            // One of them is already due when it is cancelled.
            if not events.IsEmpty then timeline.TryStep() |> ignore
            let gone = if steps.IsEmpty then [] else numbers |> List.filter ((<>) 0)
            gone |> List.iter (fun number -> events[number].Cancel())

            while timeline.TryStep() || timeline.TryAdvance() do
                ()

            (happened |> List.ofSeq |> List.sort) = (List.init events.Length id |> List.except gone)

        testProperty "3. time never goes back, and passes only when nothing is due"
        <| fun (steps: Step list) (seed: uint64) ->
            let seen, _, clock = run (choices seed Faults.ordinary) steps

            List.sort clock = clock
            && seen |> List.forall (fun it -> it.Happened |> List.forall ((<=) it.Asked))

        testProperty "3. ... not even when it is asked to"
        <| fun (delays: byte list) ->
            let timeline = Timeline(choices 1UL Faults.none)
            delays |> List.iter (fun delay -> timeline.After(int64 delay, "event", ignore) |> ignore)
            timeline.TryAdvance() |> ignore
            let now = timeline.Now

            // Takes out what is due; the others are still to happen now.
            timeline.TryStep() |> ignore
            let isDue = timeline.IsDue
            timeline.TryAdvance() |> ignore
            (timeline.Now = now) = (isDue || List.forall ((=) (byte now)) delays || delays.IsEmpty)

        testProperty
            "4. events of one time happen in the order in which they were asked for, unless reordering strikes"
        <| fun (steps: Step list) ->
            let seen, order, _ = run (choices 1UL Faults.none) steps
            let key number = seen[number].Due, number
            List.sortBy key order = order

        testProperty "4. ... and reordering mixes only what is due at one time"
        <| fun (steps: Step list) (seed: uint64) ->
            let seen, order, _ = run (choices seed (Faults.none.With(Fault.Reordered, 0.5))) steps
            let times = order |> List.map (fun number -> seen[number].Due)
            List.sort times = times

        testProperty "5. a limit is not passed: without an event before it, time is at the limit"
        <| fun (delay: byte) (limit: byte) ->
            let timeline = Timeline(choices 1UL Faults.none)
            timeline.After(int64 delay, "event", ignore) |> ignore
            let isFound = timeline.TryAdvance(int64 limit)
            isFound = (delay <= limit) && timeline.Now = int64 (min delay limit)

        test "6. the end of time never comes: the longest delay is for ever" {
            let timeline = Timeline(choices 1UL Faults.none)
            timeline.After(1L, "soon", ignore) |> ignore
            Expect.isTrue (timeline.TryAdvance()) "the first"
            Expect.isTrue (timeline.TryStep()) "happens"

            for delay in [ Int64.MaxValue; Int64.MaxValue - 1L ] do
                timeline.After(delay, "never", (fun () -> failtest "happened")) |> ignore

            Expect.isFalse (timeline.TryAdvance()) "nothing is left"
            Expect.isFalse (timeline.TryStep()) "nothing is due"
            Expect.equal timeline.Now 1L "no time has passed"
        }
    ]
