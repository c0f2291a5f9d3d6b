module Uring.Laws.MultishotLaws

open Expecto
open Uring.Model

/// What the kernel, the consumer and the pool do. What cannot happen now is passed over.
type Step =
    /// A result, and more will come.
    | Give
    /// A result, and the multishot is over: overflow, or the last buffer was used.
    | GiveLast
    | RunOutOfBuffers
    | Close
    /// One connection was gone before it was accepted; the listener is not.
    | Abort
    | Break of errno: byte
    /// The kernel does as it was asked.
    | Obey
    | Consume
    /// A buffer came back.
    | Feed
    | Stop

/// The driver, who only obeys the verdicts, and an onlooker.
type private World = {
    Source: Source
    Flow: Multishot
    InKernel: bool
    /// The kernel was asked to pause, or to end it.
    PauseAsked: bool
    EndAsked: bool
    /// Results that the consumer has not taken.
    Waiting: int
    SourceOpen: bool
    StopWanted: bool
    WaitsForBuffer: bool
    /// How it ended.
    Outcome: StreamVerdict voption
}

type private Transition = { Before: World; Step: Step; Verdicts: StreamVerdict list; After: World }

let private start source limit = {
    Source = source
    Flow = Multishot.armed limit
    InKernel = true
    PauseAsked = false
    EndAsked = false
    Waiting = 0
    SourceOpen = true
    StopWanted = false
    WaitsForBuffer = false
    Outcome = ValueNone
}

/// Results that bring something: by the manual pages, not by the model.
let private gift source =
    match source with
    | Source.Bytes -> 5
    | Source.Descriptors -> 0
    | Source.Events -> 0x10
    | Source.Ticks -> -62

/// Errors that say nothing else: neither ENOBUFS, ECANCELED, ECONNABORTED nor a tick.
let private errnoOf (number: byte) =
    match 1 + int number % 130 with
    | 62
    | 103
    | 105
    | 125 -> 104
    | other -> other

let private obey world verdict =
    match verdict with
    | StreamVerdict.Nothing -> world
    | StreamVerdict.Pause -> { world with PauseAsked = true }
    | StreamVerdict.Arm -> { world with InKernel = true; PauseAsked = false; WaitsForBuffer = false }
    | StreamVerdict.Park -> world
    | StreamVerdict.Starve -> { world with WaitsForBuffer = true }
    | StreamVerdict.AskKernel -> { world with EndAsked = true }
    | StreamVerdict.EndOfStream
    | StreamVerdict.Fail
    | StreamVerdict.Cancelled -> { world with Outcome = ValueSome verdict; WaitsForBuffer = false }

let private tell world step change =
    let struct (flow, verdict) = change world.Flow
    let after = obey { world with Flow = flow } verdict
    { Before = world; Step = step; Verdicts = [ verdict ]; After = after }

let private also change passed =
    let next = tell passed.After passed.Step change

    { next with Before = passed.Before; Verdicts = passed.Verdicts @ next.Verdicts }

let private give world step = tell { world with Waiting = world.Waiting + 1 } step (Multishot.queued 1)

let private last world step result =
    tell { world with InKernel = false } step (Multishot.ended world.Source result)

let private transition world step =
    let source = world.Source
    let passedOver = { Before = world; Step = step; Verdicts = []; After = world }

    let passing =
        match step with
        | Give when world.InKernel -> give world step
        | GiveLast when world.InKernel ->
            give { world with InKernel = false } step |> also (Multishot.ended source (gift source))
        | RunOutOfBuffers when world.InKernel && source = Source.Bytes -> last world step -105
        | Close when world.InKernel && source = Source.Bytes -> last { world with SourceOpen = false } step 0
        | Abort when world.InKernel && source = Source.Descriptors -> last world step -103
        | Break errno when world.InKernel -> last { world with SourceOpen = false } step -(errnoOf errno)
        | Obey when world.InKernel && (world.PauseAsked || world.EndAsked) -> last world step -125
        | Consume when world.Waiting > 0 ->
            tell { world with Waiting = world.Waiting - 1 } step Multishot.taken
        | Feed when world.WaitsForBuffer -> tell world step Multishot.fed
        | Stop when not world.StopWanted -> tell { world with StopWanted = true } step Multishot.stopped
        | _ -> passedOver

    { passing with Before = world }

let private sources = [ Source.Bytes; Source.Descriptors; Source.Events; Source.Ticks ]
let private limits = [ 1; 2; 3; 4; 7 ]

/// The kernel gives a few more than it was asked for.
let private events world = [
    if world.Waiting < world.Flow.Limit + 3 then
        Give
        GiveLast

    RunOutOfBuffers
    Close
    Abort
    Break 104uy
    Obey
    Consume
    Feed
    Stop
]

let private next world step = (transition world step).After

let private worlds =
    lazy
        [
            for source in sources do
                for limit in limits do
                    yield! Explore.states [ start source limit ] events next
        ]

let private everywhere =
    lazy
        [
            for world in worlds.Value do
                for step in events world -> transition world step
        ]

let private history source limit steps =
    let folder (world, passed) step =
        let passing = transition world step
        passing.After, passing :: passed

    List.fold folder (start source limit, []) steps |> snd

let private isOver world = world.Outcome.IsSome
let private arms it = List.contains StreamVerdict.Arm it.Verdicts

let private nothingIsLost it = it.After.Flow.Queued = it.After.Waiting

let private armedWhileItCanGive it = not it.After.SourceOpen || it.After.StopWanted || not (isOver it.After)

let private waitsForABuffer it =
    let waits = it.After.WaitsForBuffer

    (not it.Before.WaitsForBuffer || not (arms it) || it.Step = Feed)
    && (it.Step <> RunOutOfBuffers || not (arms it))
    && waits = (it.After.Flow.Phase = StreamPhase.Starving)

let private endsAreEnds it =
    let ends = it.Before.SourceOpen && not it.After.SourceOpen

    let expected =
        if it.Before.StopWanted then StreamVerdict.Cancelled
        elif it.Step = Close then StreamVerdict.EndOfStream
        else StreamVerdict.Fail

    (not ends || it.After.Outcome = ValueSome expected)
    && (it.Before.Outcome.IsNone || it.After.Outcome = it.Before.Outcome)
    && (not (isOver it.After) || not it.After.InKernel)

let private pausesAndResumes it =
    let limit = it.Before.Flow.Limit
    let asks = List.contains StreamVerdict.Pause it.Verdicts
    let isHeard = it.Before.InKernel && not it.Before.StopWanted && not it.Before.PauseAsked
    let fills = it.After.Waiting > it.Before.Waiting && it.After.Waiting >= limit
    let hadPaused = it.Before.PauseAsked || it.Before.Flow.Phase = StreamPhase.Paused

    asks = (isHeard && fills)
    && (not (arms it) || it.After.Waiting < limit)
    && (not (arms it && hadPaused) || it.After.Waiting <= limit / 2)

let private stoppedForGood it = not it.Before.StopWanted || not (arms it)

let private waitsForSomething it =
    let world = it.After
    let byConsumer = world.Flow.Phase = StreamPhase.Paused && world.Waiting > world.Flow.Limit / 2
    world.InKernel || isOver world || world.WaitsForBuffer || byConsumer

let private law name holds =
    testList name [
        test "in every state" { Explore.expectAll 3_000 holds everywhere.Value }

        testProperty "in every history"
        <| fun (steps: Step list) ->
            List.allPairs sources limits
            |> List.forall (fun (source, limit) -> history source limit steps |> List.forall holds)
    ]

/// Results around everything that means something.
let private results = [
    for near in [ 0; -62; -103; -105; -125; -4095; System.Int32.MaxValue - 1 ] do
        near - 1
        near
        near + 1
]

[<Tests>]
let laws =
    testList "Multishot" [
        law
            "1. what a completion brought is delivered, the last one's too: neither ending nor pausing loses anything"
            nothingIsLost

        test "1. ... and what brings something is told by its source" {
            for result in results do
                let carrying = sources |> List.filter (fun source -> Multishot.carries source result)

                let expected = [
                    if result > 0 then Source.Bytes

                    if result >= 0 then
                        Source.Descriptors
                        Source.Events

                    if result >= 0 || result = -62 then Source.Ticks
                ]

                Expect.equal carrying expected $"{result}"
        }

        test "1. ... and only what can be added up is: events and ticks, no bytes and no descriptors" {
            Expect.equal
                (List.filter Multishot.merges sources)
                [ Source.Events; Source.Ticks ]
                "merging sources"
        }

        testProperty "1. ... and then nothing is lost: ticks are counted, event masks united"
        <| fun (first: int) (others: int list) ->
            let results = first :: others |> List.map (fun result -> result &&& 0xFFFF)

            let merged source =
                results |> List.map (Multishot.value source) |> List.reduce (Multishot.merged source)

            merged Source.Events = List.reduce (|||) results
            && merged Source.Ticks = results.Length
            && List.map (Multishot.value Source.Bytes) results = results
            && List.map (Multishot.value Source.Descriptors) results = results

        law "2. a stream whose source can still give is armed again, whatever ended it" armedWhileItCanGive

        law "3. without buffers it waits for one: arming at once would only fail again" waitsForABuffer

        test "3. ... after ENOBUFS, and after nothing else, and only for bytes" {
            for number in 1..4095 do
                for source in sources do
                    let struct (_, verdict) = Multishot.ended source -number (Multishot.armed 4)
                    let waits = number = 105 && source = Source.Bytes
                    Expect.equal (verdict = StreamVerdict.Starve) waits $"errno {number}, %A{source}"
        }

        law "4. end of file and errors end the stream" endsAreEnds

        test "4. ... and a cancellation that nobody asked for is an error" {
            for source in sources do
                let struct (_, verdict) = Multishot.ended source -125 (Multishot.armed 4)
                Expect.equal verdict StreamVerdict.Fail $"%A{source}"
        }

        law
            "5. once the limit is queued the kernel is asked to pause; it is armed again when half of it has been \
             taken"
            pausesAndResumes

        law "6. a stream that is stopped is never armed again" stoppedForGood

        testProperty
            "8. a counted stream ends when all of its results have come, and is armed for those that have not"
        <| fun (number: uint8) (early: bool list) ->
            let count = 1 + int number
            let tick = -62
            let isEarly index = List.tryItem (index - 1) early = Some true

            /// Each result, and after some of them the kernel ends the multishot.
            let rec run (stream: Multishot) index =
                let stream = Multishot.came stream
                let isOver = index = count

                if not (isOver || isEarly index) then
                    stream.Remaining = count - index && run stream (index + 1)
                else
                    let struct (next, verdict) = Multishot.ended Source.Ticks tick stream

                    if isOver then
                        verdict = StreamVerdict.EndOfStream && next.Phase = StreamPhase.Ended
                    else
                        verdict = StreamVerdict.Arm && next.Remaining = count - index && run next (index + 1)

            run (Multishot.armed 1 |> Multishot.counted count) 1

        test "8. ... and who does not count goes on for ever" {
            let stream = Multishot.armed 1 |> Multishot.counted 0
            Expect.equal (Multishot.came stream) stream "as it was"
        }

        law
            "7. a stream that is not in the kernel and not over always waits for something that will come: its \
             consumer or a buffer"
            waitsForSomething

        test "7. ... and goes on when that has come" {
            for world in worlds.Value do
                let fed = if world.WaitsForBuffer then next world Feed else world
                let rec takeAll world = if world.Waiting = 0 then world else takeAll (next world Consume)
                let world = takeAll fed
                Expect.isTrue (world.InKernel || isOver world) $"%A{world}"
        }

        test "every phase and every verdict is among the states visited" {
            let phases = worlds.Value |> List.map _.Flow.Phase |> List.distinct
            let verdicts = everywhere.Value |> List.collect _.Verdicts |> List.distinct
            Expect.hasLength phases 6 "phases"
            Expect.hasLength verdicts 9 "verdicts"
        }
    ]
