module Uring.Laws.TransferLaws

open Expecto
open Uring.Model

let private goals = [ Goal.Most; Goal.All ]

/// A peer that takes as many bytes at a time as these, then nothing, or fails: what it was asked for, the bytes that went
/// from there, and the end.
let private run goal (whole: Submission) (steps: int list) last =
    let rec go (submission: Submission) steps asked =
        let left = int submission.Length

        let result =
            match steps with
            | step :: _ -> min left (abs step % 9 + 1)
            | [] -> last

        let asked = (submission, max 0 result) :: asked

        match Transfer.next goal (int64 left) result with
        | TransferVerdict.Again -> go (Transfer.rest result submission) (List.skip 1 steps) asked
        | verdict -> verdict, List.rev asked, left - max 0 result

    go whole steps []

let private write (size: byte) = Submission.write 3 1000UL (uint32 size + 1u) 500UL

[<Tests>]
let laws =
    testList "Transfer" [
        testProperty
            "1. it ends with all bytes, or with an error, or when nothing more comes or is taken: never short without a reason"
        <| fun (size: byte) (steps: int list) (fails: bool) ->
            goals
            |> List.forall (fun goal ->
                let verdict, _, left = run goal (write size) steps (if fails then -32 else 0)

                match verdict with
                | TransferVerdict.Complete -> left = 0 || (goal = Goal.Most && not fails)
                | TransferVerdict.Failed -> fails && left > 0
                | TransferVerdict.Stopped -> not fails && left > 0
                | TransferVerdict.Again -> false)

        testProperty
            "2. what was transferred is never transferred again, and nothing is left out: of the memory, and of a file that has places"
        <| fun (size: byte) (steps: int list) ->
            let places = write size

            let submissions = [
                places, true
                Submission.read 3 1000UL (uint32 size + 1u) 500UL, true
                Submission.writeFixed 3 1000UL (uint32 size + 1u) 500UL 7us, true
                { places with Offset = OpFlags.CurrentPosition }, false
                Submission.send 3 1000UL (uint32 size + 1u) 0u, false
                Submission.receive 3 1000UL (uint32 size + 1u) 0u, false
            ]

            submissions
            |> List.forall (fun (whole, hasPlace) ->
                let _, asked, left = run Goal.All whole steps 0
                let total = int size + 1

                let covered at = [
                    for submission, count in asked do
                        for index in 0 .. count - 1 -> int (at submission) + index
                ]

                let isPlaced =
                    if hasPlace then
                        covered (fun submission -> submission.Offset) = [ 500 .. 500 + total - left - 1 ]
                    else
                        asked |> List.forall (fun (submission, _) -> submission.Offset = whole.Offset)

                isPlaced
                && covered (fun submission -> submission.Address) = [ 1000 .. 1000 + total - left - 1 ]
                && asked
                   |> List.forall (fun (submission, _) ->
                       submission.Address + uint64 submission.Length = 1000UL + uint64 total))

        testProperty "3. it ends: each step but the last transfers something"
        <| fun (size: byte) (result: int) ->
            goals
            |> List.forall (fun goal ->
                let before = write size

                Transfer.next goal (int64 before.Length) result <> TransferVerdict.Again
                || (Transfer.rest result before).Length < before.Length)

        testProperty "4. nothing more is an error for who wants all, and for nobody else"
        <| fun (left: byte) ->
            let ended goal = Transfer.next goal (int64 left + 1L) 0
            ended Goal.All = TransferVerdict.Stopped && ended Goal.Most = TransferVerdict.Complete
    ]
