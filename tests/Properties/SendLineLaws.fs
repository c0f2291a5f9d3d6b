module Uring.Laws.SendLineLaws

open Expecto
open Uring.Model

type Step =
    | Offer
    /// The kernel has sent one byte of what it has, or all.
    | SendOne
    | SendAll
    /// The kernel sends nothing, and says nothing.
    | SendNothing
    | Break of errno: byte
    | Close

/// Bytes of each lease.
[<Literal>]
let private Size = 2

/// The driver, who only obeys the verdicts, and an onlooker, to whom leases are numbers.
type private World = {
    Line: SendLine
    Offered: int
    Refused: int list
    Waiting: int list
    /// What the kernel has, and how much of it.
    InKernel: struct (int * int) voption
    /// A byte of which lease, the newest first.
    Sent: int list
    Back: int list
    IsBroken: bool
    IsClosed: bool
}

type private Transition = { Before: World; Step: Step; Verdict: SendLineVerdict voption; After: World }

let private start limit = {
    Line = SendLine.create limit
    Offered = 0
    Refused = []
    Waiting = []
    InKernel = ValueNone
    Sent = []
    Back = []
    IsBroken = false
    IsClosed = false
}

let private backFromKernel world =
    match world.InKernel with
    | ValueSome(struct (lease, _)) -> { world with InKernel = ValueNone; Back = lease :: world.Back }
    | ValueNone -> failtest "nothing is in the kernel"

let private waitingBack world = { world with Waiting = []; Back = world.Waiting @ world.Back }

let private give lease world = { world with InKernel = ValueSome(struct (lease, Size)) }

let private giveNext world =
    match world.Waiting with
    | next :: others -> give next { world with Waiting = others }
    | [] -> failtest "nobody waits"

/// `newest` was offered.
let private obey newest world verdict =
    match verdict with
    | SendLineVerdict.Send -> give newest world
    | SendLineVerdict.Keep -> { world with Waiting = world.Waiting @ [ newest ] }
    | SendLineVerdict.Refuse -> { world with Refused = newest :: world.Refused }
    | SendLineVerdict.Rest
    | SendLineVerdict.Ignore -> world
    | SendLineVerdict.Next -> world |> backFromKernel |> giveNext
    | SendLineVerdict.Done
    | SendLineVerdict.End when world.InKernel.IsSome -> backFromKernel world
    | SendLineVerdict.Fail -> world |> backFromKernel |> waitingBack
    | SendLineVerdict.AskKernel -> waitingBack world
    | SendLineVerdict.Done
    | SendLineVerdict.End -> world
    | SendLineVerdict.Violation -> failtest "violation"

/// `sent` bytes of what is in the kernel, and this result.
let private ended world step sent result =
    match world.InKernel with
    | ValueNone -> { Before = world; Step = step; Verdict = ValueNone; After = world }
    | ValueSome(struct (lease, left)) ->
        let struct (line, verdict) = SendLine.ended (int64 left) result world.Line

        let told = {
            world with
                Line = line
                Sent = List.replicate sent lease @ world.Sent
                InKernel = ValueSome(struct (lease, left - sent))
                IsBroken = world.IsBroken || result <= 0
        }

        { Before = world; Step = step; Verdict = ValueSome verdict; After = obey -1 told verdict }

let private transition world step =
    let left =
        match world.InKernel with
        | ValueSome(struct (_, left)) -> left
        | ValueNone -> 0

    match step with
    | Offer ->
        let struct (line, verdict) = SendLine.offered world.Line
        let offered = { world with Line = line; Offered = world.Offered + 1 }

        {
            Before = world
            Step = step
            Verdict = ValueSome verdict
            After = obey world.Offered offered verdict
        }
    | SendOne -> ended world step 1 1
    | SendAll -> ended world step left left
    | SendNothing -> ended world step 0 0
    | Break errno -> ended world step 0 -(1 + int errno)
    | Close ->
        let struct (line, verdict) = SendLine.closed world.Line

        {
            Before = world
            Step = step
            Verdict = ValueSome verdict
            After = obey -1 { world with Line = line; IsClosed = true } verdict
        }

let private next world step = (transition world step).After
let private limits = [ 1; 2; 3 ]

let private events world = [
    if world.Offered < 5 then Offer

    SendOne
    SendAll
    SendNothing
    Break 31uy
    Break 124uy
    Close
]

let private worlds =
    lazy
        [
            for limit in limits do
                yield! Explore.states [ start limit ] events next
        ]

let private everywhere =
    lazy
        [
            for world in worlds.Value do
                for step in events world -> transition world step
        ]

let private history limit steps =
    let folder (world, passed) step =
        let passing = transition world step
        passing.After, passing :: passed

    List.fold folder (start limit, []) steps |> snd

let private taken world =
    [ 0 .. world.Offered - 1 ] |> List.filter (fun lease -> not (List.contains lease world.Refused))

let private isOver world = world.IsBroken || world.IsClosed

/// The bytes of the first leases, each whole, and of the next one perhaps the first.
let private sentInOrder it =
    let bytes = List.rev it.After.Sent

    let all =
        taken it.After
        |> List.collect (fun lease -> List.replicate Size lease)
        |> List.truncate bytes.Length

    let sentOnes =
        it.After.Back |> List.filter (fun lease -> List.length (List.filter ((=) lease) bytes) = Size)

    bytes = all && (isOver it.After || List.length sentOnes = it.After.Back.Length)

let private backOnce it =
    let world = it.After

    let kernel =
        match world.InKernel with
        | ValueSome(struct (lease, _)) -> [ lease ]
        | ValueNone -> []

    List.sort (world.Back @ world.Waiting @ kernel) = taken world
    && world.Line.Count = world.Waiting.Length + kernel.Length
    && (world.Line.Phase <> SendLinePhase.Over || List.length world.Back = List.length (taken world))

let private overForGood it =
    not (isOver it.Before)
    || (it.After.Sent.Length - it.Before.Sent.Length <= Size
        && taken it.After = taken it.Before
        && (it.Before.InKernel.IsSome || it.After.InKernel.IsNone)
        && it.Verdict <> ValueSome SendLineVerdict.Next
        && it.Verdict <> ValueSome SendLineVerdict.Rest
        && (not it.Before.IsBroken || it.After.Sent = it.Before.Sent))

let private neverStill it =
    let world = it.After

    isOver world
    || world.InKernel.IsSome
    || (world.Waiting.IsEmpty && world.Back.Length = (taken world).Length)

let private waitsForWhatIsTooMuch it =
    let there world = (taken world).Length - world.Back.Length
    let limit = it.Before.Line.Limit
    let isTaken = it.Step = Offer && not (isOver it.Before)

    (isOver it.After || SendLine.excess it.After.Line = max 0 (there it.After - limit))
    && (it.Step <> Offer || SendLine.hasRoom it.Before.Line = (isTaken && there it.After <= limit))

let private law name holds =
    testList name [
        test "in every state" { Explore.expectAll 3_000 holds everywhere.Value }

        testProperty "in every history"
        <| fun (steps: Step list) ->
            limits |> List.forall (fun limit -> history limit steps |> List.forall holds)
    ]

[<Tests>]
let laws =
    testList "SendLine" [
        law
            "1. what is offered is sent in its order and whole, one at a time; nothing is sent twice"
            sentInOrder

        law
            "2. each that was taken goes back exactly once: when it was sent, or when the line is over; and never \
             while the kernel has it"
            backOnce

        law
            "3. after a failure or a close nothing more is sent, and nothing is taken: the stream of bytes has no \
             holes"
            overForGood

        law
            "4. as long as something is in the line, one of them is in the kernel: it never stands still"
            neverStill

        law
            "5. who offers more than the limit waits for exactly as many as there are too many, and nobody else \
             waits"
            waitsForWhatIsTooMuch

        test "every phase and every verdict is among the states visited" {
            let phases = worlds.Value |> List.map _.Line.Phase |> List.distinct

            let verdicts =
                everywhere.Value |> List.choose (fun it -> ValueOption.toOption it.Verdict) |> List.distinct

            Expect.hasLength phases 4 "phases"
            Expect.hasLength verdicts 10 "all verdicts but a violation"
        }

        test "a send that ends and never began is a violation, and changes nothing" {
            for limit in limits do
                let idle = SendLine.create limit
                let struct (over, _) = SendLine.closed idle

                for line in [ idle; over ] do
                    Expect.equal
                        (SendLine.ended 2L 2 line)
                        (struct (line, SendLineVerdict.Violation))
                        $"%A{line}"
        }
    ]
