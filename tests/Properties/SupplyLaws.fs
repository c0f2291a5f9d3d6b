module Uring.Laws.SupplyLaws

open Expecto
open Uring.Model

let private supply limit step lowWater = { Count = 0; Limit = limit; Step = step; LowWater = lowWater }

/// The steps in which a pool grows until it cannot: more than there are limits, if it never ends.
let private growth start =
    let grow supply =
        match Supply.toAdd supply with
        | 0 -> None
        | added -> Some(added, Supply.grown added supply)

    Seq.unfold grow start |> Seq.truncate 70_000 |> List.ofSeq

let private limitedAndWhole limit step =
    let steps = growth (supply limit step 1)

    match List.rev steps with
    | [] -> limit = 0
    | last :: others -> List.sum steps = limit && List.forall ((=) step) others && 0 < last && last <= step

let private standings = [
    for available in 0..40 do
        for turns in 0 .. Supply.Patience + 2 do
            for lowWater in 1..34 do
                available, turns, lowWater
]

[<Tests>]
let laws =
    testList "Supply" [
        testProperty "1. a pool never grows beyond its limit, and each step but the last is a whole one"
        <| fun (limit: uint16) (step: byte) -> limitedAndWhole (int limit) (1 + int step)

        test "1. ... for every small pool" {
            for limit in 0..64 do
                for step in 1..70 do
                    Expect.isTrue (limitedAndWhole limit step) $"up to {limit} by {step}"
        }

        test
            "2. streams that starve are fed when enough buffers are there: arming for each single one would only \
             fail again" {
            for available, turns, lowWater in standings do
                let may = Supply.mayFeed available turns (supply 64 8 lowWater)

                if available >= lowWater then
                    Expect.isTrue may $"{available} of {lowWater}"
                elif turns < Supply.Patience then
                    Expect.isFalse may $"{available} of {lowWater}, after {turns} turns"
        }

        test
            "3. ... but one buffer is enough after some patience, or when nothing else can happen: nobody starves \
             beside a buffer" {
            for available, turns, lowWater in standings do
                let may = Supply.mayFeed available turns (supply 64 8 lowWater)

                if available = 0 then Expect.isFalse may "without a buffer"
                elif turns >= Supply.Patience then Expect.isTrue may $"{available} after {turns} turns"
        }

        testProperty "3. ... and the mark is one that the pool can reach, and at most 32"
        <| fun (count: uint16) ->
            let mark = Supply.lowWaterFor (1 + int count)
            1 <= mark && mark <= 1 + int count && mark <= 32

        testProperty
            "4. as many are fed as there are buffers for, a few for each: one with a backlog takes more than one; at least one is"
        <| fun (available: byte) (starving: byte) ->
            let available, starving = int available, int starving
            let count = Supply.toFeed available starving
            count <= starving && count <= available && (available = 0 || starving = 0 || count > 0)
    ]
