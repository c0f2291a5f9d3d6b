module Uring.Laws.DescriptorLaws

open Expecto
open Uring.Model

type Step =
    | Begin
    | End
    | Close

/// The reference: two tallies and what was asked for, kept from the events and the verdicts alone.
type private Tally = { Started: int; Ended: int; CloseAsked: bool; ClosedNow: int }

type private Transition = {
    Before: Descriptor
    Knew: Tally
    Step: Step
    Verdict: DescriptorVerdict
    After: Descriptor
    Knows: Tally
}

let private running tally = tally.Started - tally.Ended

let private transition (before, knew) step =
    let struct (after, verdict) =
        match step with
        | Begin -> Descriptor.began before
        | End -> Descriptor.ended before
        | Close -> Descriptor.close before

    let one condition = if condition then 1 else 0

    {
        Before = before
        Knew = knew
        Step = step
        Verdict = verdict
        After = after
        Knows = {
            Started = knew.Started + one (verdict = DescriptorVerdict.Start)
            Ended = knew.Ended + one (step = End && verdict <> DescriptorVerdict.Violation)
            CloseAsked = knew.CloseAsked || step = Close
            ClosedNow = min 2 (knew.ClosedNow + one (verdict = DescriptorVerdict.CloseNow))
        }
    }

let private start = Descriptor.opened, { Started = 0; Ended = 0; CloseAsked = false; ClosedNow = 0 }

let private next state step =
    let passed = transition state step
    passed.After, passed.Knows

/// At most five operations ever start, so that the states come to an end.
let private events (_, tally) = if tally.Started < 5 then [ Begin; End; Close ] else [ End; Close ]

let private states = lazy Explore.states [ start ] events next

let private everywhere =
    lazy
        [
            for state in states.Value do
                for step in events state -> transition state step
        ]

let private history steps =
    let folder (state, passed) step =
        let passing = transition state step
        (passing.After, passing.Knows), passing :: passed

    List.fold folder (start, []) steps |> snd

let private closedOnce it =
    let due = it.Knows.CloseAsked && running it.Knows = 0
    it.Knows.ClosedNow = (if due then 1 else 0)

let private closedWhenUnused it = it.Verdict <> DescriptorVerdict.CloseNow || running it.Knows = 0

let private nothingStartsAfterClose it =
    match it.Step with
    | Begin when it.Knew.CloseAsked -> it.Verdict = DescriptorVerdict.Refuse && it.After = it.Before
    | Begin -> it.Verdict = DescriptorVerdict.Start
    | End
    | Close -> it.Verdict <> DescriptorVerdict.Start

let private countsAddUp it =
    it.After.InFlight = running it.Knows
    && it.After.InFlight >= 0
    && (it.Step = End && running it.Knew = 0) = (it.Verdict = DescriptorVerdict.Violation)
    && (it.Verdict <> DescriptorVerdict.Violation || it.After = it.Before)

let private law name holds =
    testList name [
        test "in every state" { Explore.expectAll 100 holds everywhere.Value }
        testProperty "in every history" <| fun (steps: Step list) -> history steps |> List.forall holds
    ]

[<Tests>]
let laws =
    testList "Descriptor" [
        law "1. a descriptor is closed exactly once, however often it is asked for" closedOnce
        law "2. it is closed only when no operation names it" closedWhenUnused
        law "3. once closing has begun no operation starts on it" nothingStartsAfterClose
        law "4. operations that began and ended add up: the count never goes below zero" countsAddUp

        test "operations are asked to end when somebody closes under them, and only then" {
            for it in everywhere.Value do
                let expected = it.Step = Close && not it.Knew.CloseAsked && running it.Knew > 0
                Expect.equal (it.Verdict = DescriptorVerdict.CancelOperations) expected $"%A{it}"
        }
    ]
