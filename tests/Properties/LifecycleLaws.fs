module Uring.Laws.LifecycleLaws

open Expecto
open Uring.Model

type Step =
    | Queue of Shape
    | Publish
    | Complete of more: bool * notification: bool
    | Cancel
    /// The kernel answered that it did not find it.
    | Miss
    | Abandon

/// Where the memory of the operation is, seen from outside.
type private Place =
    | Nowhere
    | InOurQueue
    | WithKernel
    /// The result is out, the notification is promised.
    | OwedNotification

/// The reference: an onlooker who sees the events, and counts what he hears. He has never heard of `Phase`.
type private Onlooker = {
    Place: Place
    Shape: Shape
    Unwanted: bool
    /// Of the present operation: final results that the caller got, requests to cancel, releases.
    Finals: int
    Asked: int
    Released: int
}

let private nobody = {
    Place = Nowhere
    Shape = Shape.Single
    Unwanted = false
    Finals = 0
    Asked = 0
    Released = 0
}

/// One event in one state, with what the onlooker knew before and knows after it.
type private Transition = {
    Before: Lifecycle
    Knew: Onlooker
    Step: Step
    Verdict: Verdict
    After: Lifecycle
    Knows: Onlooker
}

let private perform lifecycle step =
    match step with
    | Queue shape -> Lifecycle.queued shape lifecycle
    | Publish -> Lifecycle.published lifecycle
    | Complete(more, notification) -> Lifecycle.completed more notification lifecycle
    | Cancel -> Lifecycle.cancelled lifecycle
    | Miss -> Lifecycle.missed lifecycle
    | Abandon -> struct (Lifecycle.abandoned lifecycle, Verdict.Ignore)

/// Can this happen when both the driver and the kernel keep to the rules?
let private fits onlooker step =
    match step, onlooker.Place with
    | Queue _, place -> place = Nowhere
    | Publish, place -> place = InOurQueue
    | Complete(more, false), WithKernel -> not more || onlooker.Shape <> Shape.Single
    | Complete(more, true), OwedNotification -> not more
    | Complete _, _ -> false
    | (Cancel | Miss | Abandon), _ -> true

let private finals = [ Verdict.Finish; Verdict.FinishButHold; Verdict.Withdraw ]
let private releases = [ Verdict.Finish; Verdict.Release; Verdict.DiscardAndRelease; Verdict.Withdraw ]

/// Where the memory is after an event that fits.
let private moved onlooker step =
    match step, onlooker.Place with
    | Queue _, _ -> InOurQueue
    | Publish, _ -> WithKernel
    | Complete(true, _), _ when onlooker.Shape = Shape.ZeroCopy -> OwedNotification
    | Complete(true, _), _ -> WithKernel
    | Complete(false, _), _ -> Nowhere
    | Cancel, InOurQueue -> Nowhere
    | (Cancel | Miss | Abandon), place -> place

let private watch onlooker step verdict =
    let onlooker =
        match step with
        | Queue shape when onlooker.Place = Nowhere -> { nobody with Shape = shape }
        | _ -> onlooker

    let plus list count = if List.contains verdict list then min 2 (count + 1) else count

    {
        onlooker with
            Place = if fits onlooker step then moved onlooker step else onlooker.Place
            Unwanted = onlooker.Unwanted || (step = Abandon && onlooker.Place <> Nowhere)
            Finals = plus finals onlooker.Finals
            Asked = plus [ Verdict.AskKernel ] onlooker.Asked
            Released = plus releases onlooker.Released
    }

let private transition (before, knew) step =
    let struct (after, verdict) = perform before step

    {
        Before = before
        Knew = knew
        Step = step
        Verdict = verdict
        After = after
        Knows = watch knew step verdict
    }

let private next state step =
    let passed = transition state step
    passed.After, passed.Knows

let private events = [
    for shape in [ Shape.Single; Shape.Multishot; Shape.ZeroCopy ] do
        Queue shape

    Publish

    for more in [ false; true ] do
        for notification in [ false; true ] do
            Complete(more, notification)

    Cancel
    Miss
    Abandon
]

let private start = Lifecycle.free, nobody

/// Every state that can be reached, and every event in each.
let private states = lazy Explore.states [ start ] (fun _ -> events) next

let private everywhere =
    lazy
        [
            for state in states.Value do
                for step in events -> transition state step
        ]

let private history steps =
    let folder (state, passed) step =
        let passing = transition state step
        (passing.After, passing.Knows), passing :: passed

    List.fold folder (start, []) steps |> snd

let private endsExactlyOnce it =
    (it.After.Phase = Phase.Free) = (it.Knows.Place = Nowhere)
    && (it.Knows.Place <> Nowhere || it.Knows.Released <= 1)

/// Released by the event that takes the memory out of the kernel's and the queue's hands, and by no other.
let private releasedAtTheEnd it =
    let ends = it.Knew.Place <> Nowhere && it.Knows.Place = Nowhere
    List.contains it.Verdict releases = ends

let private oneFinal it =
    let final = List.contains it.Verdict finals

    let ends = it.Knew.Place <> Nowhere && it.Knows.Place = Nowhere

    (not final || it.Knew.Finals = 0)
    && (it.Verdict <> Verdict.Deliver || it.Knew.Finals = 0)
    && (not ends || it.Knows.Unwanted || it.Knows.Finals = 1)

let private askedOnce it =
    let asks = it.Verdict = Verdict.AskKernel
    let first = it.Step = Cancel && it.Knew.Place = WithKernel && it.Knew.Asked = 0
    let again = it.Step = Miss && it.Knew.Place = WithKernel && it.Knew.Asked > 0

    asks = (first || again)
    && (not asks || it.Knows.Place = WithKernel)
    && (it.Verdict <> Verdict.Withdraw || (it.Step = Cancel && it.Knew.Place = InOurQueue))

let private nothingAfterAbandonment it =
    let heard = [ Verdict.Deliver; Verdict.Finish; Verdict.FinishButHold; Verdict.Withdraw ]
    let discarded = [ Verdict.Discard; Verdict.DiscardAndRelease ]

    match it.Step with
    | Queue _ -> true
    | Complete(_, false) when it.Knew.Unwanted && fits it.Knew it.Step -> List.contains it.Verdict discarded
    | _ when it.Knew.Unwanted -> not (List.contains it.Verdict heard)
    | _ -> not (List.contains it.Verdict discarded)

let private misfitsChangeNothing it =
    if fits it.Knew it.Step then
        it.Verdict <> Verdict.Violation
    else
        it.Verdict = Verdict.Violation && it.After = it.Before

/// The law in every state there is, and in random histories.
let private law name holds =
    testList name [
        test "in every state" { Explore.expectAll 400 holds everywhere.Value }
        testProperty "in every history" <| fun (steps: Step list) -> history steps |> List.forall holds
    ]

/// What an honest kernel still has to do for an operation.
let private rest onlooker =
    match onlooker.Place with
    | Nowhere -> []
    | InOurQueue -> [ Publish; Complete(false, false) ]
    | WithKernel when onlooker.Shape = Shape.ZeroCopy -> [ Complete(true, false); Complete(false, true) ]
    | WithKernel -> [ Complete(false, false) ]
    | OwedNotification -> [ Complete(false, true) ]

[<Tests>]
let laws =
    testList "Lifecycle" [
        law "1. every operation that was queued ends exactly once" endsExactlyOnce

        test "1. ... from wherever it stands, when the kernel does its part" {
            for state in states.Value do
                let ended, _ = rest (snd state) |> List.fold next state
                Expect.equal ended Lifecycle.free $"%A{state}"
        }

        testProperty "1. ... queued and ended add up"
        <| fun (steps: Step list) ->
            let passed = history steps
            let count predicate = passed |> List.filter predicate |> List.length
            let queued = count (fun it -> it.Step.IsQueue && it.Verdict = Verdict.Ignore)
            let ended = count (fun it -> List.contains it.Verdict releases)

            let alive =
                match passed with
                | last :: _ when last.After.Phase <> Phase.Free -> 1
                | _ -> 0

            queued = ended + alive

        law
            "2. what the operation holds is released exactly once: at its end, never before its last CQE \
             and its promised notification"
            releasedAtTheEnd

        law "3. a caller hears exactly one final result, and nothing after it" oneFinal

        law
            "4. the kernel is asked to cancel once, and again only when it did not find the operation (see \
             `MissedCancel`); asking ends nothing, and only what never reached the kernel is withdrawn"
            askedOnce

        law
            "5. after abandonment nothing is delivered: everything that still comes is discarded"
            nothingAfterAbandonment

        law "6. a completion that fits no operation is a violation and changes nothing" misfitsChangeNothing

        test
            "7. after its end nothing may come but the notification of a zero-copy send that never began, which is ignored" {
            Expect.equal (Lifecycle.late true) Verdict.Ignore "a notification"
            Expect.equal (Lifecycle.late false) Verdict.Violation "anything else"
        }

        test "every phase and every verdict is among the states visited" {
            let phases = everywhere.Value |> List.map (fun it -> it.Before.Phase) |> List.distinct
            let verdicts = everywhere.Value |> List.map (fun it -> it.Verdict) |> List.distinct
            Expect.hasLength phases 6 "phases"
            Expect.hasLength verdicts 10 "verdicts"
        }
    ]
