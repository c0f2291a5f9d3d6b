module Uring.Laws.MissedCancelLaws

open Expecto
open FsCheck
open Uring.Model

/// The entries in which `missed` operations are asked for again, when nothing else happens.
let private entriesFor missed state =
    state
    |> List.unfold (fun state ->
        if MissedCancel.asksAgain missed state then Some((), MissedCancel.asked state) else None)
    |> List.length

[<Tests>]
let laws =
    testList "MissedCancel" [
        testProperty
            "1. after a first ask and after every end, what is missed is asked again in each of the next 128 entries and a few more"
        <| fun (PositiveInt missed) (NonNegativeInt before) ->
            // However many asks have gone before.
            let mutable state = MissedCancel.renewed

            for _ in 1..before do
                if MissedCancel.asksAgain missed state then state <- MissedCancel.asked state

            Expect.isLessThanOrEqual (entriesFor missed state) (entriesFor missed MissedCancel.renewed) "anew"
            Expect.isGreaterThan (entriesFor missed MissedCancel.renewed) 130 "more than the kernel tries"

        testProperty "2. without either it is given up: a loop without work sleeps"
        <| fun (PositiveInt missed) ->
            Expect.equal (entriesFor missed MissedCancel.none) 0 "nothing was asked"
            Expect.isLessThan (entriesFor missed MissedCancel.renewed) 200 "soon"

        test "3. nothing missed, nothing asked" { Expect.equal (entriesFor 0 MissedCancel.renewed) 0 "none" }
    ]
