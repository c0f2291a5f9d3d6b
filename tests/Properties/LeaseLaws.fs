module Uring.Laws.LeaseLaws

open Expecto
open Uring.Model

type Step =
    | Open
    /// By way of the handle that the nth use from the newest gave out.
    | Hold of ago: byte
    | Close of ago: byte
    /// The handle's own hold goes to another.
    | Pass of ago: byte
    /// One of those who hold it lets another one in.
    | Join
    | Drop

/// An onlooker: one entry per use, the newest first. `Others` hold it beside the handle.
type private Use = { Version: int; HandleIsOpen: bool; Others: int; Returns: int }

type private World = { Lease: Lease; Uses: Use list }

type private Transition = { Before: World; Step: Step; Verdict: LeaseVerdict voption; After: World }

/// Versions start here, so that short histories pass the sign.
let private start version = { Lease = Lease.pack version false 0; Uses = [] }

let private holds world =
    match world.Uses with
    | [] -> 0
    | newest :: _ -> newest.Others + (if newest.HandleIsOpen then 1 else 0)

/// Who holds nothing does not drop it, and an object is opened again only when nobody holds it.
let private fits world step =
    match step with
    | Open -> holds world = 0
    | Hold ago
    | Close ago
    | Pass ago -> int ago < world.Uses.Length
    | Join -> true
    | Drop -> not world.Uses.IsEmpty && world.Uses.Head.Others > 0

let private perform world step =
    match step with
    | Open -> struct (Lease.opened world.Lease, ValueNone)
    | Hold ago ->
        let struct (lease, verdict) = Lease.held world.Uses[int ago].Version world.Lease
        struct (lease, ValueSome verdict)
    | Close ago ->
        let struct (lease, verdict) = Lease.close world.Uses[int ago].Version world.Lease
        struct (lease, ValueSome verdict)
    | Pass ago ->
        let struct (lease, verdict) = Lease.passed world.Uses[int ago].Version world.Lease
        struct (lease, ValueSome verdict)
    | Join ->
        let struct (lease, verdict) = Lease.joined world.Lease
        struct (lease, ValueSome verdict)
    | Drop ->
        let struct (lease, verdict) = Lease.dropped world.Lease
        struct (lease, ValueSome verdict)

let private watch step verdict (lease: Lease) uses =
    let newest change = change (List.head uses) :: List.tail uses

    let uses =
        match step, verdict with
        | Open, _ -> { Version = lease.Version; HandleIsOpen = true; Others = 0; Returns = 0 } :: uses
        | (Hold _ | Join), ValueSome LeaseVerdict.Grant ->
            newest (fun it -> { it with Others = it.Others + 1 })
        | Close 0uy, ValueSome(LeaseVerdict.Keep | LeaseVerdict.GiveBack) ->
            newest (fun it -> { it with HandleIsOpen = false })
        | Pass 0uy, ValueSome LeaseVerdict.Grant ->
            newest (fun it -> { it with HandleIsOpen = false; Others = it.Others + 1 })
        | Drop, _ -> newest (fun it -> { it with Others = it.Others - 1 })
        | _ -> uses

    match verdict, uses with
    | ValueSome LeaseVerdict.GiveBack, newest :: older ->
        { newest with Returns = newest.Returns + 1 } :: older
    | _ -> uses

let private transition world step =
    let struct (lease, verdict) = perform world step
    let after = { Lease = lease; Uses = watch step verdict lease world.Uses }
    { Before = world; Step = step; Verdict = verdict; After = after }

/// Three uses and three others: enough for every meeting of two of them.
let private events world =
    [
        if world.Uses.Length < 3 then Open

        for ago in 0uy .. 2uy do
            Close ago
            Pass ago
            if holds world < 4 then Hold ago

        if holds world < 4 then Join
        Drop
    ]
    |> List.filter (fits world)

let private everywhere =
    lazy
        [
            for version in [ 0; -2; System.Int32.MaxValue - 1 ] do
                let next world step = (transition world step).After

                for world in Explore.states [ start version ] events next do
                    for step in events world -> transition world step
        ]

let private history steps =
    let folder (world, passed) step =
        if fits world step then
            let passing = transition world step
            passing.After, passing :: passed
        else
            world, passed

    List.fold folder (start 0, []) steps |> snd

let private unchanged it = it.After = it.Before

let private oncePerUse it =
    match it.After.Uses with
    | [] -> true
    | newest :: older ->
        newest.Returns = (if holds it.After = 0 then 1 else 0)
        && List.forall (fun older -> older.Returns = 1) older

let private closedGrantsNothing it =
    let isOpen (used: Use) = used.HandleIsOpen

    List.forall (fun used -> Lease.isValid used.Version it.After.Lease = isOpen used) it.After.Uses
    && match it.Step with
       | Hold ago when isOpen it.Before.Uses[int ago] -> it.Verdict = ValueSome LeaseVerdict.Grant
       | Hold _ -> it.Verdict = ValueSome LeaseVerdict.Refuse && unchanged it
       | _ -> true

let private closingTwice it =
    match it.Step with
    | Close ago when it.Before.Uses[int ago].HandleIsOpen -> it.Verdict <> ValueSome LeaseVerdict.Refuse
    | Pass ago when it.Before.Uses[int ago].HandleIsOpen -> it.Verdict = ValueSome LeaseVerdict.Grant
    | Pass _
    | Close _ -> it.Verdict = ValueSome LeaseVerdict.Refuse && unchanged it
    | _ -> true

let private holdersKeepIt it =
    let isHeld = holds it.After > 0

    (it.Verdict <> ValueSome LeaseVerdict.GiveBack || not isHeld)
    && it.After.Lease.Holds = holds it.After
    && match it.Step with
       | Join when holds it.Before > 0 -> it.Verdict = ValueSome LeaseVerdict.Grant
       | Join -> it.Verdict = ValueSome LeaseVerdict.Refuse && unchanged it
       | Drop -> it.Verdict = ValueSome(if isHeld then LeaseVerdict.Keep else LeaseVerdict.GiveBack)
       | _ -> true

let private law name holds =
    testList name [
        test "in every state" { Explore.expectAll 300 holds everywhere.Value }
        testProperty "in every history" <| fun (steps: Step list) -> history steps |> List.forall holds
    ]

let private comesBack version isOpen holds =
    let lease = Lease.pack version isOpen holds
    lease.Version = version && lease.IsOpen = isOpen && lease.Holds = holds

[<Tests>]
let laws =
    testList "Lease" [
        law
            "1. the buffer goes back exactly once per use: when the handle is closed and nobody holds it any more"
            oncePerUse

        law
            "2. after its close a handle grants nothing, not even when the object has been opened again for \
             somebody else"
            closedGrantsNothing

        law "3. closing twice is harmless" closingTwice

        law
            "4. who holds keeps the buffer, whatever becomes of the handle: an operation in flight, a share"
            holdersKeepIt

        testProperty "5. packing and unpacking is the identity"
        <| fun (version: int) (isOpen: bool) (holds: int) -> comesBack version isOpen (holds &&& 0x7FFFFFFF)

        test "5. ... at the edges too" {
            let edges = [ 0; 1; 0x7FFF; 0x8000; 0xFFFF; 0x10000; 0x7FFFFFFF ]

            for version in edges @ [ -1; System.Int32.MinValue; -0x10000 ] do
                for holds in edges do
                    for isOpen in [ false; true ] do
                        Expect.isTrue (comesBack version isOpen holds) $"{version}, {isOpen}, {holds}"
        }
    ]
