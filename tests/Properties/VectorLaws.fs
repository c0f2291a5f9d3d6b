module Uring.Laws.VectorLaws

open Expecto
open Uring.Model

/// Many are empty, and sometimes there are more than one operation takes.
let private lengthsOf (sizes: byte list) (isLong: bool) =
    let some = sizes |> List.map (fun size -> max 0 (int size % 12 - 4)) |> Array.ofList
    if isLong then Array.append some (Array.create 1100 1) else some

let private left (lengths: int array) (place: VectorPlace) =
    Array.sum (Array.skip place.Index lengths) - place.Within

let private startOf lengths moved = Vector.after lengths (Vector.start lengths) (int64 (moved: byte))

[<Tests>]
let laws =
    testList "Vector" [
        testProperty "1. moving by some bytes leaves as many fewer, and none when there are no more"
        <| fun (sizes: byte list) (isLong: bool) (moved: byte) ->
            let lengths = lengthsOf sizes isLong
            left lengths (startOf lengths moved) = max 0 (Array.sum lengths - int moved)

        testProperty "2. a place is at a byte, or there is nothing left: no empty memory comes first"
        <| fun (sizes: byte list) (isLong: bool) (moved: byte) ->
            let lengths = lengthsOf sizes isLong
            let place = startOf lengths moved

            if Vector.isEnd lengths place then
                left lengths place = 0
            else
                place.Within >= 0 && place.Within < lengths[place.Index]

        testProperty "3. two moves come to the same as one of both"
        <| fun (sizes: byte list) (isLong: bool) (first: byte) (second: byte) ->
            let lengths = lengthsOf sizes isLong
            let one = Vector.after lengths (Vector.start lengths) (int64 first + int64 second)
            Vector.after lengths (startOf lengths first) (int64 second) = one

        testProperty
            "4. what one operation takes starts there, has a byte if any is left, and is no more than the kernel's limit"
        <| fun (sizes: byte list) (isLong: bool) (moved: byte) ->
            let lengths = lengthsOf sizes isLong
            let place = startOf lengths moved
            let count = Vector.count lengths place
            let taken = Array.sum lengths[place.Index .. place.Index + count - 1] - place.Within

            count <= 1024
            && place.Index + count <= lengths.Length
            && (taken > 0 || left lengths place = 0)
            && (count = 1024 || taken = left lengths place)
    ]
