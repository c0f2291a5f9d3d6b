module Uring.Laws.ChainLaws

open Expecto
open Uring.Model

/// How a chain was made: the same expression makes the reference, a list of steps with `true` for hard links.
type Made =
    | Nothing
    | One of step: int
    | Append of Made * Made
    | Hardened of Made

let rec private chain made =
    match made with
    | Nothing -> Chain.empty
    | One step -> Chain.single step
    | Append(first, second) -> Chain.append (chain first) (chain second)
    | Hardened inner -> Chain.hardened (chain inner)

let rec private reference made =
    match made with
    | Nothing -> []
    | One step -> [ step, false ]
    | Append(first, second) -> reference first @ reference second
    | Hardened inner ->
        let steps = reference inner
        steps |> List.mapi (fun index (step, hard) -> step, (hard || index = steps.Length - 1))

let private steps chain = [ for struct (step, _) in chain.Steps -> step ]

let private flags chain = [ for struct (_, flag) in Chain.flags chain -> flag ]

/// A kernel that knows only SQE flags. Odd steps fail; a soft link behind a failure cancels the rest of the
/// chain, a hard one does not.
let private runByKernel chain =
    let folder (cancelled, results) (struct (step, flag)) =
        let result =
            match cancelled, step % 2 = 0 with
            | true, _ -> -125
            | false, true -> abs (step % 1000)
            | false, false -> -5

        let breaks = result < 0 && flag <> SqeFlags.HardLink
        (cancelled || breaks), result :: results

    Chain.flags chain |> List.fold folder (false, []) |> snd |> List.rev

/// The same from the reference.
let private expectedOf made =
    let folder (cancelled, outcomes) (step, hard) =
        if cancelled then true, StepOutcome.Cancelled :: outcomes
        elif step % 2 = 0 then false, StepOutcome.Ran(abs (step % 1000)) :: outcomes
        else not hard, StepOutcome.Failed Errno.EIO :: outcomes

    reference made |> List.fold folder (false, []) |> snd |> List.rev

let private boundedStep (step: int, limit: int voption, isHard) = {
    Step = step
    Limit = limit
    Link = if isHard then Link.Hard else Link.Soft
}

/// Where each step stands in the chain, counted by hand.
let private placesOf (made: (int * int voption * bool) list) =
    let place (index, places) (step, limit: int voption, _) =
        index + (if limit.IsSome then 2 else 1), struct (index, step) :: places

    made |> List.fold place (0, []) |> snd |> List.rev

[<Tests>]
let laws =
    testList "Chain" [
        testProperty "1. every step but the last is linked to its follower, the last to nothing"
        <| fun (made: Made) ->
            let links = [ for _, hard in reference made -> if hard then SqeFlags.HardLink else SqeFlags.Link ]
            let last = links.Length - 1
            let expected = links |> List.mapi (fun index link -> if index = last then SqeFlags.None else link)
            Expect.equal (flags (chain made)) expected "flags"

        testProperty "2. the outcome has one entry per step, in the order of the steps"
        <| fun (made: Made) ->
            let outcome = Chain.outcome (runByKernel (chain made))
            Expect.hasLength outcome (Chain.length (chain made)) "one per step"
            Expect.equal outcome (expectedOf made) "outcome"

        testProperty "3. appending keeps all steps and their order"
        <| fun (first: Made) (second: Made) (third: Made) ->
            let a, b, c = chain first, chain second, chain third

            Expect.equal
                (steps (Chain.append a b))
                (List.map fst (reference first @ reference second))
                "steps"

            Expect.equal (Chain.append (Chain.append a b) c) (Chain.append a (Chain.append b c)) "associative"
            Expect.equal (Chain.append Chain.empty a, Chain.append a Chain.empty) (a, a) "empty is neutral"
            Expect.equal (steps (Chain.hardened a)) (steps a) "hardening keeps the steps"

        testProperty "4. a step is cancelled exactly when the kernel says so; every other error is its own"
        <| fun (results: int list) ->
            let results = -125 :: 0 :: -1 :: -4 :: -126 :: 125 :: results

            for result, outcome in List.zip results (Chain.outcome results) do
                match outcome with
                | StepOutcome.Cancelled -> Expect.equal result -125 "cancelled"
                | StepOutcome.Failed errno ->
                    Expect.notEqual result -125 "failed by itself"
                    Expect.isTrue (result < 0 && int errno = -result) $"{result} failed with {errno}"
                | StepOutcome.Ran value -> Expect.isTrue (result >= 0 && value = result) $"{result} ran"

        testProperty
            "5. a limit stands right behind its step and is linked as that is, and has no outcome of its own"
        <| fun (made: (int * int voption * bool) list) ->
            let steps = made |> List.map boundedStep

            let expected = [
                for step, limit, isHard in made do
                    let link = if isHard then Link.Hard else Link.Soft
                    struct (step, link)

                    match limit with
                    | ValueSome limit -> struct (limit, link)
                    | ValueNone -> ()
            ]

            Expect.equal (Chain.ofBounded steps).Steps expected "steps"
            let outcomes = expected |> List.mapi (fun index _ -> StepOutcome.Ran index)
            let kept = Chain.ofLimits steps outcomes
            Expect.hasLength kept steps.Length "one per step"

            let own = [
                for struct (index, step) in placesOf made do
                    ignore step
                    StepOutcome.Ran index
            ]

            Expect.equal kept own "the steps' own"

        testProperty "6. a step that its limit has ended failed with ETIME"
        <| fun (before: (int * int voption * bool) list) (result: int) ->
            let steps = (before |> List.map boundedStep) @ [ boundedStep (1, ValueSome 2, false) ]
            let earlier = (Chain.ofBounded (before |> List.map boundedStep)).Steps |> List.map (fun _ -> 0)

            let last results = Chain.ofLimits steps (Chain.outcome (earlier @ results)) |> List.last

            Expect.equal (last [ -125; -62 ]) (StepOutcome.Failed Errno.ETIME) "its time was over"
            Expect.equal (last [ -125; -125 ]) StepOutcome.Cancelled "somebody else has cancelled it"

            Expect.equal
                (last [ abs (result % 1000); -125 ])
                (StepOutcome.Ran(abs (result % 1000)))
                "it was in time"
    ]
