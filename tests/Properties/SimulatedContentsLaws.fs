// Checks World/Contents.fs against an array: the same steps on both, the same bytes.
module Uring.Laws.SimulatedContentsLaws

open System
open Expecto
open Uring.Simulation.World

/// Places and lengths are bytes that `place` spreads around the borders of pages.
type Step =
    | Write of at: byte * length: byte
    | Resize of length: byte
    | Clear of at: byte * length: byte
    | Reserve of at: byte * length: byte

/// The naive file: all bytes that there can be, and which pages were written or reserved and not cleared since.
type private Model = { Bytes: byte array; Length: int; Written: Set<int> }

type private World = { Contents: Contents; Model: Model; Next: byte }

[<Literal>]
let private Page = 4096

[<Literal>]
let private Pages = 8

/// Near one of the first borders between pages, on either side.
let private place (n: byte) = max 0 (int n % 4 * Page + int n / 4 % 16 - 8)

let private start = {
    Contents = Contents.empty
    Model = { Bytes = Array.zeroCreate (Pages * Page); Length = 0; Written = Set.empty }
    Next = 1uy
}

/// Zeros, in the model: whole pages are forgotten, and a cut forgets all that lies behind it.
let private zeroed at finish isCut model =
    let bytes = Array.copy model.Bytes
    Array.Clear(bytes, at, finish - at)
    let isGone page = page * Page >= at && (isCut || (page + 1) * Page <= finish)
    { model with Bytes = bytes; Written = model.Written |> Set.filter (isGone >> not) }

let private touched at length =
    if length = 0 then
        Set.empty
    else
        Set.ofSeq (seq { at / Page .. (at + length - 1) / Page })

let private apply world step =
    match step with
    | Write(at, length) ->
        let at, length = place at, place length
        let source = Array.create length world.Next
        let bytes = Array.copy world.Model.Bytes
        Array.blit source 0 bytes at length

        {
            Contents = Contents.write (int64 at) (ReadOnlySpan source) world.Contents
            Model = {
                Bytes = bytes
                Length = if length = 0 then world.Model.Length else max world.Model.Length (at + length)
                Written = world.Model.Written + touched at length
            }
            Next = if world.Next = 255uy then 1uy else world.Next + 1uy
        }
    | Resize length ->
        let length = place length
        let old = world.Model.Length
        let model = if length < old then zeroed length old true world.Model else world.Model

        {
            world with
                Contents = Contents.resize (int64 length) world.Contents
                Model = { model with Length = length }
        }
    | Clear(at, length) ->
        let at, length = place at, place length

        {
            world with
                Contents = Contents.clear (int64 at) (int64 length) world.Contents
                Model = zeroed at (at + length) false world.Model
        }

    | Reserve(at, length) ->
        // fallocate(2) wants at least one byte.
        let at, length = place at, place length + 1

        {
            world with
                Contents = Contents.reserve (int64 at) (int64 length) world.Contents
                Model = { world.Model with Written = world.Model.Written + touched at length }
        }

/// All that can be read: asks for more than there is.
let private all (contents: Contents) =
    let bytes = Array.create (Pages * Page) 0xEEuy
    let length = Contents.read 0L (Span bytes) contents
    Array.truncate length bytes

let private expected model = Array.truncate model.Length model.Bytes

/// Every world that the steps lead through.
let private history (steps: Step list) = List.scan apply start steps

let private isAsModel world = (all world.Contents).AsSpan().SequenceEqual(ReadOnlySpan(expected world.Model))

[<Tests>]
let laws =
    testList "SimulatedContents" [
        testProperty "1. reading gives what was written last, and zeros where nothing was"
        <| fun (steps: Step list) -> history steps |> List.forall isAsModel

        testProperty "1. ... from any place, any number of bytes"
        <| fun (steps: Step list) (at: byte) (length: byte) ->
            let world = List.last (history steps)
            let bytes = Array.create (place length) 0xEEuy
            let result = Contents.read (int64 (place at)) (Span bytes) world.Contents

            let wanted =
                expected world.Model
                |> Array.skip (min world.Model.Length (place at))
                |> Array.truncate bytes.Length

            // What was not read is left alone.
            result = wanted.Length
            && bytes = Array.append wanted (Array.create (bytes.Length - wanted.Length) 0xEEuy)

        testProperty "2. cutting a file and extending it again leaves zeros, not what was there"
        <| fun (steps: Step list) (cut: byte) ->
            let contents = (List.last (history steps)).Contents
            let cut = int (min contents.Length (int64 (place cut)))

            let again =
                contents |> Contents.resize (int64 cut) |> Contents.resize (int64 ((Pages - 1) * Page)) |> all

            Array.truncate cut again = Array.truncate cut (all contents)
            && again |> Array.skip cut |> Array.forall ((=) 0uy)

        testProperty
            "3. a file ends where its furthest write ended, or where it was cut or extended to last: reading \
             stops there"
        <| fun (steps: Step list) ->
            history steps
            |> List.forall (fun world ->
                world.Contents.Length = int64 world.Model.Length
                && (all world.Contents).Length = world.Model.Length)

        testProperty "4. clearing a stretch changes no other byte, and not the length"
        <| fun (steps: Step list) (at: byte) (length: byte) ->
            let before = (List.last (history steps)).Contents
            let first, last = place at, place at + place length
            let old = all before
            let after = all (Contents.clear (int64 first) (int64 (last - first)) before)
            after = Array.mapi (fun index value -> if index >= first && index < last then 0uy else value) old

        testProperty "5. holes take no room: a page is there only if it was written or reserved"
        <| fun (steps: Step list) ->
            history steps
            |> List.forall (fun world ->
                (world.Contents.Pages |> Map.keys |> Seq.map int |> Set.ofSeq) = world.Model.Written)

        test "5. ... and a file of a terabyte is no trouble" {
            let far = 1L <<< 40
            let contents = Contents.write far (ReadOnlySpan [| 7uy |]) Contents.empty
            Expect.equal (contents.Length, contents.Pages.Count) (far + 1L, 1) "one page"
            let target = Array.create 2 0xEEuy
            Expect.equal (Contents.read (far - 1L) (Span target) contents) 2 "bytes around the end"
            Expect.equal target [| 0uy; 7uy |] "a zero before it"
        }

        testProperty "6. an older value stays as it was, whatever is written afterwards"
        <| fun (first: Step list) (later: Step list) ->
            let older = List.last (history first)
            List.fold apply older later |> ignore
            isAsModel older

        testProperty
            "7. pages that are taken out bring what is behind them forward, and a hole that is put in moves it back"
        <| fun (steps: Step list) (at: byte) (count: byte) ->
            let contents = (List.last (history steps)).Contents
            let offset, length = int at % 3 * Page, (1 + int count % 2) * Page
            let old = all contents

            if old.Length <= offset + length then
                true
            else
                let out = Contents.collapse (int64 offset) (int64 length) contents
                let back = Contents.insert (int64 offset) (int64 length) out
                let cleared = Contents.clear (int64 offset) (int64 length) contents

                all out = Array.append old[.. offset - 1] old[offset + length ..]
                && all back = all cleared
                && back.Pages.Count = cleared.Pages.Count
    ]
