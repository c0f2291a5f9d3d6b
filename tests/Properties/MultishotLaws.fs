module Uring.Laws.MultishotLaws

open Expecto
open Uring.Model

/// What the source of a stream does next.
type Event =
    /// It gives; `ends` when the kernel stops the multishot with it: overflow, or the last buffer was used.
    | Give of value: byte * ends: bool
    /// The kernel finds no buffer.
    | Starve
    /// The application returns a buffer.
    | Return
    /// End of file (nothing that an accept could say).
    | Close
    /// One connection was gone before it was accepted; the listener is not.
    | Aborted
    | Break of errno: byte

/// The driver, who only obeys the verdicts, and a source that keeps its own books.
type private World = {
    Armed: bool
    WaitsForBuffer: bool
    /// Some buffer is free: without it an arm fails at once.
    HasBuffer: bool
    SourceOpen: bool
    Over: bool
    Given: int list
    Delivered: int list
    /// Arms that could only fail.
    Futile: int
}

let private start = {
    Armed = true
    WaitsForBuffer = false
    HasBuffer = true
    SourceOpen = true
    Over = false
    Given = []
    Delivered = []
    Futile = 0
}

let private errnoOf (number: byte) =
    match 1 + int number % 130 with
    | 103
    | 105 -> 104
    | other -> other

let private armed world = {
    world with
        Armed = true
        WaitsForBuffer = false
        Futile = world.Futile + (if world.HasBuffer then 0 else 1)
}

/// The driver's side of the last completion.
let private finished countsBytes result world =
    let world = { world with Armed = false }

    match Multishot.ended countsBytes result with
    | StreamVerdict.DeliverAndRearm -> armed { world with Delivered = result :: world.Delivered }
    | StreamVerdict.Rearm -> armed world
    | StreamVerdict.RearmWithBuffer -> { world with WaitsForBuffer = true }
    | StreamVerdict.EndOfStream
    | StreamVerdict.Fail -> { world with Over = true }

/// Descriptors start at 0, received bytes at 1.
let private apply countsBytes world event =
    match event with
    | Return when world.WaitsForBuffer -> armed { world with HasBuffer = true }
    | Return -> { world with HasBuffer = true }
    | _ when not world.Armed -> world
    | Give(value, ends) ->
        let result = int value + (if countsBytes then 1 else 0)
        let world = { world with Given = result :: world.Given }

        if ends then
            finished countsBytes result world
        else
            { world with Delivered = result :: world.Delivered }
    | Starve -> finished countsBytes -105 { world with HasBuffer = false }
    | Close when countsBytes -> finished true 0 { world with SourceOpen = false }
    | Close -> world
    | Aborted when countsBytes -> world
    | Aborted -> finished false -103 world
    | Break errno -> finished countsBytes -(errnoOf errno) { world with SourceOpen = false }

/// Checks the law after every event of a history, for a receive stream and for an accept stream.
let private always law (events: Event list) =
    for countsBytes in [ true; false ] do
        for world in List.scan (apply countsBytes) start events do
            law world

let private edges = [ 1; 2; 105; 4096; System.Int32.MaxValue ]

[<Tests>]
let laws =
    testList "Multishot" [
        testProperty "1. what the last completion brought is delivered: ending loses nothing"
        <| always (fun world -> Expect.equal world.Delivered world.Given "delivered, given")

        test "1. ... whatever it is, and descriptor 0 too" {
            for result in edges do
                for countsBytes in [ true; false ] do
                    Expect.equal
                        (Multishot.ended countsBytes result)
                        StreamVerdict.DeliverAndRearm
                        $"{result}"

            Expect.equal (Multishot.ended false 0) StreamVerdict.DeliverAndRearm "an accepted descriptor"
        }

        testProperty "2. a stream whose source can still give is armed again, whatever ended it"
        <| always (fun world ->
            if world.SourceOpen then
                Expect.isTrue (world.Armed || world.WaitsForBuffer) "armed, or will be by the next buffer"
                Expect.isFalse world.Over "it goes on")

        testProperty "3. without buffers it waits for one: arming at once would only fail again"
        <| always (fun world -> Expect.equal world.Futile 0 "arms that could only fail")

        test "3. ... after ENOBUFS, and after nothing else" {
            for number in 1..4095 do
                for countsBytes in [ true; false ] do
                    let waits = Multishot.ended countsBytes -number = StreamVerdict.RearmWithBuffer
                    Expect.equal waits (number = 105) $"errno {number}"
        }

        testProperty "4. end of file and errors end the stream"
        <| always (fun world ->
            Expect.equal world.Over (not world.SourceOpen) "over when the source has no more")

        test "4. ... and the two are told apart" {
            Expect.equal (Multishot.ended true 0) StreamVerdict.EndOfStream "end of file"

            for number in [ 1; 4; 9; 104; 106; 125; 4095 ] do
                for countsBytes in [ true; false ] do
                    Expect.equal (Multishot.ended countsBytes -number) StreamVerdict.Fail $"errno {number}"
        }
    ]
