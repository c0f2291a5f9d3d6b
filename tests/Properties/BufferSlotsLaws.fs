module Uring.Laws.BufferSlotsLaws

open Expecto
open Uring.Model

/// A registered buffer as the driver keeps it: its slot, and whether that goes to another when nobody names it any more.
type private Holder = { Slot: int; State: Descriptor; PassesOn: bool }

type private Step =
    | Take
    | Begin of holder: int
    | End of holder: int
    | Close of holder: int
    | PassOn of holder: int

/// What the driver keeps, and a slot that a violation of the laws has cost or doubled.
type private State = { Slots: BufferSlots; Holders: Holder list; Refused: bool }

let private size = 2
let private start = { Slots = BufferSlots.ofSize size; Holders = []; Refused = false }
let private opened slot = { Slot = slot; State = Descriptor.opened; PassesOn = false }

/// As `RegisteredBuffer` and `BufferTable` do: a slot is left when the descriptor's verdict is to close.
let private change
    (index: int)
    (apply: Descriptor -> struct (Descriptor * DescriptorVerdict))
    passesOn
    state
    =
    let holder = state.Holders[index]
    let struct (after, verdict) = apply holder.State
    let passesOn = holder.PassesOn || (passesOn && verdict <> DescriptorVerdict.Ignore)

    if verdict <> DescriptorVerdict.CloseNow then
        let holder = { holder with State = after; PassesOn = passesOn }
        { state with Holders = List.updateAt index holder state.Holders }
    elif passesOn then
        { state with Holders = List.updateAt index (opened holder.Slot) state.Holders }
    else
        match BufferSlots.giveBack holder.Slot state.Slots with
        | ValueSome slots -> { state with Slots = slots; Holders = List.removeAt index state.Holders }
        | ValueNone -> { state with Refused = true }

let private next state step =
    match step with
    | Take ->
        match BufferSlots.take state.Slots with
        | struct (slots, ValueSome slot) -> {
            state with
                Slots = slots
                Holders = opened slot :: state.Holders
          }
        | struct (_, ValueNone) -> state
    | Begin index -> change index Descriptor.began false state
    | End index -> change index Descriptor.ended false state
    | Close index -> change index Descriptor.close false state
    | PassOn index -> change index Descriptor.close true state

/// Two operations at most on each, so that the states come to an end.
let private events state = [
    Take

    for index, holder in List.indexed state.Holders do
        if holder.State.InFlight < 2 then Begin index
        if holder.State.InFlight > 0 then End index
        Close index
        PassOn index
]

let private states = lazy Explore.states [ start ] events next

let private drawn slots =
    List.unfold (fun slots ->
        match BufferSlots.take slots with
        | struct (next, ValueSome slot) -> Some(slot, next)
        | struct (_, ValueNone) -> None)
    <| slots

[<Tests>]
let laws =
    testList "BufferSlots" [
        testProperty "1. a slot that is taken is not given again before it has come back"
        <| fun (steps: (bool * byte) list) ->
            let folder (slots, taken, holds) (takes, which: byte) =
                if takes then
                    match BufferSlots.take slots with
                    | struct (next, ValueSome slot) ->
                        next, Set.add slot taken, holds && not (Set.contains slot taken)
                    | struct (next, ValueNone) -> next, taken, holds && taken.Count = 8
                else
                    let slot = int which % 8

                    match BufferSlots.giveBack slot slots with
                    | ValueSome next -> next, Set.remove slot taken, holds && Set.contains slot taken
                    | ValueNone -> slots, taken, holds && not (Set.contains slot taken)

            let _, _, holds = List.fold folder (BufferSlots.ofSize 8, Set.empty, true) steps
            holds

        test "2. every slot is given before there is none left" {
            for size in [ 1; 2; 1024; BufferSlots.Most ] do
                Expect.equal (drawn (BufferSlots.ofSize size)) [ 0 .. size - 1 ] $"of {size}"
        }

        test "3. what is not taken cannot come back: that is a violation, and changes nothing" {
            let struct (slots, _) = BufferSlots.take (BufferSlots.ofSize 2)

            for slot in [ -1; 1; 2; 1000 ] do
                Expect.isTrue (BufferSlots.giveBack slot slots).IsNone $"{slot}"

            let back = (BufferSlots.giveBack 0 slots).Value
            Expect.isTrue (BufferSlots.giveBack 0 back).IsNone "twice"
            Expect.equal back (BufferSlots.ofSize 2) "all are free"
        }

        test
            "4. with a Descriptor for each buffer: no operation names a slot when it is given, nor when it is passed on" {
            Explore.expectAll
                100
                (fun state ->
                    let held = state.Holders |> List.map _.Slot
                    let isHeldOnce = List.distinct held = held
                    let isKnown = held |> List.forall (state.Slots.Free.Contains >> not)
                    not state.Refused && isHeldOnce && isKnown && held.Length + state.Slots.Free.Count = size)
                states.Value
        }
    ]
