module Uring.Laws.TransferLaws

open Expecto
open Uring.Model

/// A peer that takes as many bytes at a time as these, then nothing, or fails: the ranges it was given, and the end.
let private run total (steps: int list) last =
    let rec go left steps ranges =
        let result =
            match steps with
            | step :: _ -> min left (abs step % 9 + 1)
            | [] -> last

        let ranges = if result > 0 then (total - left, result) :: ranges else ranges

        match Transfer.next left result with
        | TransferVerdict.Again -> go (Transfer.rest left result) (List.skip 1 steps) ranges
        | verdict -> verdict, List.rev ranges, Transfer.rest left result

    go total steps []

[<Tests>]
let laws =
    testList "Transfer" [
        testProperty
            "1. it ends with all bytes, or with an error, or when nothing more is taken: never short without a reason"
        <| fun (size: byte) (steps: int list) (fails: bool) ->
            let total = int size + 1
            let verdict, _, left = run total steps (if fails then -32 else 0)

            match verdict with
            | TransferVerdict.Complete -> left = 0
            | TransferVerdict.Broken -> left > 0
            | TransferVerdict.Again -> false

        testProperty "2. what was transferred is never transferred again, and nothing is left out"
        <| fun (size: byte) (steps: int list) ->
            let total = int size + 1
            let _, ranges, left = run total steps 0
            let covered = ranges |> List.collect (fun (start, count) -> [ start .. start + count - 1 ])
            covered = [ 0 .. total - left - 1 ]

        testProperty "3. it ends: each step but the last transfers something"
        <| fun (left: int) (result: int) ->
            Transfer.next left result <> TransferVerdict.Again || Transfer.rest left result < left
    ]
