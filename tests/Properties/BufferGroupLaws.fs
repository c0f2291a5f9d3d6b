module Uring.Laws.BufferGroupLaws

open Expecto
open Uring.Model
open Uring.Laws.BufferValues

type Step =
    /// Every buffer that can be published, and the tail.
    | PublishAll
    | Publish of id: byte
    | Commit
    /// A completion; a bundle goes on in the buffers that follow.
    | Complete of bytes: byte
    /// One of a buffer that is not the oldest: a request that began earlier, and has a buffer for itself, is not done.
    | CompleteLater of nth: byte
    /// A completion that names a buffer and has no bytes.
    | CompleteEmpty
    /// The kernel gives up the rest of a buffer.
    | GiveUp
    | Release of nth: byte

/// What the kernel has, as it sees it: its buffers in order, and where their rests start.
type private Rest = {
    Id: int
    Number: int
    Start: int
    IsCommitted: bool
    /// Taken whole, by a request that has not completed.
    IsHeld: bool
}

type private World = {
    Ring: BufferRing
    Store: Store
    // An onlooker's.
    IsIncremental: bool
    Kernel: Rest list
    /// Entries written so far.
    Written: int
    /// Given up, and no later completion has told.
    GivenUp: Rest list
    Leases: Part list
}

/// One event: the parts that a completion brought, and those it should have.
type private Transition = {
    Before: World
    Step: Step
    Parts: Part list
    Expected: Part list
    Verdicts: BufferVerdict list
    After: World
}

[<Literal>]
let private Size = 3

let private start isIncremental buffers = {
    Ring = ringAt 0xFFFCus (BufferRing.entriesFor buffers)
    Store = fresh buffers (BufferRing.entriesFor buffers)
    IsIncremental = isIncremental
    Kernel = []
    Written = 0
    GivenUp = []
    Leases = []
}

let private committed world = List.takeWhile _.IsCommitted world.Kernel

/// The parts that so many bytes take of the kernel's buffers, in its order; and what is left of those.
let rec private portions bytes kernel =
    match kernel with
    | [] -> []
    | rest :: others ->
        let length = min bytes (Size - rest.Start)
        let left = bytes - length

        let part = {
            Id = rest.Id
            Start = rest.Start
            Length = length
            Left = left
            Next = if left = 0 then -1 else (List.head others).Id
        }

        if left = 0 then [ part ] else part :: portions left others

let private publish world id =
    let struct (ring, store, verdict) = BufferGroup.publish world.Ring world.Store id Size
    let world = { world with Ring = ring; Store = store }

    if verdict <> BufferVerdict.Write then
        world
    else
        let rest = { Id = id; Number = world.Written; Start = 0; IsCommitted = false; IsHeld = false }

        { world with Kernel = world.Kernel @ [ rest ]; Written = world.Written + 1 }

let private commit world =
    let struct (ring, _) = BufferRing.commit world.Ring

    {
        world with
            Ring = ring
            Kernel = world.Kernel |> List.map (fun rest -> { rest with IsCommitted = true })
    }

let rec private passOver id world =
    let struct (ring, store, passed) = BufferGroup.passOver world.Ring world.Store id
    let world = { world with Ring = ring; Store = store }
    if passed < 0 then world else passOver id (publish world passed)

let rec private takeAll id bytes more parts world =
    let struct (ring, store, verdict, part) = BufferGroup.take world.Ring world.Store id bytes more
    let world = { world with Ring = ring; Store = store }
    let parts = part :: parts

    match verdict with
    | BufferVerdict.Take
    | BufferVerdict.TakePart when part.Left > 0 && List.length parts < 10 ->
        takeAll part.Next part.Left more parts world
    | verdict -> world, List.rev parts, [ verdict ]

/// A completion of these parts, as the application sees it.
let private complete before world bytes more (expected: Part list) =
    let id = expected.Head.Id
    let number = before.Kernel |> List.find (fun rest -> rest.Id = id) |> _.Number
    let isHidden rest = rest.Number > number
    let world, parts, verdicts = world |> passOver id |> takeAll id bytes more []

    { world with GivenUp = List.filter isHidden world.GivenUp; Leases = world.Leases @ parts },
    parts,
    verdicts

let private release world nth =
    let part = world.Leases[nth]
    let struct (store, verdict) = BufferGroup.release world.Store part.Id
    { world with Store = store; Leases = List.removeAt nth world.Leases }, verdict

/// The kernel's buffers after the parts; the last is its own still when the ring is incremental and it has room.
let private without (parts: Part list) kernel =
    let last = List.last parts
    let isKept = last.Start + last.Length < Size
    let touched = parts |> List.map _.Id |> Set.ofList

    isKept,
    fun isIncremental ->
        kernel
        |> List.choose (fun rest ->
            if rest.Id = last.Id && isKept && isIncremental then
                Some { rest with Start = last.Start + last.Length }
            elif touched.Contains rest.Id then
                None
            else
                Some rest)

let private quiet before step after = {
    Before = before
    Step = step
    Parts = []
    Expected = []
    Verdicts = []
    After = after
}

let private take world step bytes kernel =
    let expected = portions bytes kernel
    let hasRoom, rest = without expected world.Kernel
    let taken = { world with Kernel = rest world.IsIncremental }
    let after, parts, verdicts = complete world taken bytes (world.IsIncremental && hasRoom) expected

    { quiet world step after with Parts = parts; Expected = expected; Verdicts = verdicts }

let private returning world =
    seq { 0 .. world.Store.Buffers.Length - 1 }
    |> Seq.filter (fun id -> world.Store.Buffers[id].Owner = Owner.Returning)

let private transition world step =
    let seen = committed world
    // What a bundle can cover: an earlier request may have what is missing.
    let inARow =
        seen |> List.indexed |> List.takeWhile (fun (nth, rest) -> rest.Number = seen.Head.Number + nth)

    let room = inARow |> List.map snd |> List.sumBy (fun rest -> Size - rest.Start)

    let untouched = seen |> List.takeWhile (fun rest -> rest.Start = 0)

    match step with
    | PublishAll -> Seq.fold publish world (returning world) |> commit |> quiet world step
    | Publish id -> publish world (int id % world.Store.Buffers.Length) |> quiet world step
    | Commit -> commit world |> quiet world step
    | Complete _ when room > 0 && seen.Head.IsHeld && world.IsIncremental ->
        take world step Size [ seen.Head ]
    | Complete bytes when room > 0 -> take world step (1 + int bytes % room) seen
    | CompleteEmpty when room > 0 && not world.IsIncremental -> take world step 0 seen
    | CompleteLater nth when room > 0 && untouched.Length > 0 ->
        // The first that is used in part is as far as the kernel can be.
        let later = seen[int nth % min seen.Length (untouched.Length + 1)]
        let hold rest = { rest with IsHeld = rest.IsHeld || rest.Number < later.Number }
        let world = { world with Kernel = world.Kernel |> List.map hold }
        let isWhole = later.IsHeld || not world.IsIncremental
        take world step (if isWhole then Size - later.Start else 1) [ later ]
    | GiveUp when room > 0 && seen.Head.Start > 0 ->
        quiet world step { world with Kernel = List.tail world.Kernel; GivenUp = seen.Head :: world.GivenUp }
    | Release nth when not world.Leases.IsEmpty ->
        let after, verdict = release world (int nth % world.Leases.Length)
        { quiet world step after with Verdicts = [ verdict ] }
    | Complete _
    | CompleteLater _
    | CompleteEmpty
    | GiveUp
    | Release _ -> quiet world step world

let private covers it =
    it.Parts = it.Expected
    && (it.Expected.IsEmpty || not (List.contains BufferVerdict.Violation it.Verdicts))

let private emptyGivesBack it =
    match it.Step, it.Expected with
    | CompleteEmpty, [ expected ] ->
        it.Parts = [ { expected with Length = 0 } ] && it.Verdicts = [ BufferVerdict.Take ]
    | _ -> true

/// What has become of the buffers when every lease is released, from the newest or from the oldest.
let private whenReleased fromNewest world =
    let next (world: World) = if fromNewest then world.Leases.Length - 1 else 0
    let steps = List.length world.Leases
    Seq.fold (fun world _ -> fst (release world (next world))) world (seq { 1..steps })

let private nothingIsLost it =
    [ true; false ]
    |> List.forall (fun fromNewest ->
        let world = whenReleased fromNewest it.After
        let published = Seq.fold publish world (returning world)

        Set.ofList (List.map _.Id (world.Kernel @ world.GivenUp)) + Set.ofSeq (returning world) =
            set [ 0 .. world.Store.Buffers.Length - 1 ]
        && world.Store.Buffers |> Array.forall (fun buffer -> buffer.Owner <> Owner.Application)
        // The oldest that the kernel holds may stand in the way of one whose turn comes later.
        && (Seq.isEmpty (returning published) || BufferRing.isFull published.Ring))

let private headIsSafe it =
    let world = it.After
    let ring = world.Ring
    let places = world.Kernel |> List.map (fun rest -> world.Store.Buffers[rest.Id].Position)

    // Between head and what is written, in the kernel's order.
    places |> List.forall (fun position -> int (position - ring.Head) < int (ring.Written - ring.Head))
    && (ring.Published > 0 || ring.Head = ring.Tail)
    && List.forall2
        (fun rest position -> BufferRing.isCommitted position ring = rest.IsCommitted)
        world.Kernel
        places

let private history isIncremental buffers steps =
    let folder (world, passed) step =
        let passing = transition world step
        passing.After, passing :: passed

    List.fold folder (start isIncremental buffers, []) (PublishAll :: steps) |> snd

/// Worlds that go on in the same way: places and counts do not matter, their order does.
let private keyOf world =
    let ring = world.Ring

    let buffers =
        world.Store.Buffers |> Array.map (fun it -> it.Owner, it.Offset, it.Leases) |> List.ofArray

    let counts = ring.Head % 8us, ring.Tail - ring.Head, ring.Written - ring.Head
    let relative rests = rests |> List.map (fun rest -> { rest with Number = world.Written - rest.Number })
    let order = List.ofArray world.Store.Order
    buffers, counts, order, relative world.Kernel, relative world.GivenUp, world.Leases

let private events world = [
    for id in 0uy .. byte world.Store.Buffers.Length - 1uy do
        Publish id

    Commit
    CompleteEmpty
    GiveUp

    for bytes in 0uy .. 8uy do
        Complete bytes

    CompleteLater 1uy

    for nth in 0uy .. 5uy do
        Release nth
]

/// Every event in every state of one to three buffers.
let private everywhere =
    lazy
        [
            for isIncremental in [ false; true ] do
                for buffers in 1..2 do
                    let next world step = (transition world step).After

                    for world in Explore.statesBy keyOf [ start isIncremental buffers ] events next do
                        for step in events world -> transition world step
        ]

let private law name holds =
    testList name [
        test "in every state" { Explore.expectAll 10_000 holds everywhere.Value }

        testProperty "in every history"
        <| fun (steps: Step list) ->
            List.allPairs [ false; true ] [ 1; 2; 3; 5 ]
            |> List.forall (fun (isIncremental, buffers) ->
                history isIncremental buffers steps |> List.forall holds)
    ]

[<Tests>]
let laws =
    testList "BufferGroup" [
        law
            "1. the parts of a bundle cover its bytes exactly, in ring order, and none reaches beyond what was \
             published"
            covers

        test "1. ... and a bundle of more than the kernel has is a violation" {
            for buffers in 1..3 do
                let world = (transition (start false buffers) PublishAll).After

                for first in 0 .. buffers - 1 do
                    let room = Size * (buffers - first)
                    let _, parts, verdicts = takeAll first (room + 1) false [] world
                    Expect.equal verdicts [ BufferVerdict.Violation ] $"from {first} of {buffers} buffers"
                    Expect.hasLength parts (buffers - first) "noticed at the last"
        }

        law
            "2. a completion without bytes that names a buffer still gives it back: a part of no bytes"
            emptyGivesBack

        law
            "3. nothing is lost: when every lease is released, every buffer is the kernel's or can be published"
            nothingIsLost

        test "3. ... and one that came back and went out again is not passed over at its old place" {
            let steps = [
                PublishAll
                // A request that is not done has the first; the second comes and goes.
                for _ in 1..Size do
                    CompleteLater 1uy
                    Release 0uy
                PublishAll
                // Another has the third, which comes when the second is used again.
                CompleteLater 2uy
                CompleteLater 1uy
            ]

            let final = List.fold (fun world step -> (transition world step).After) (start true 3) steps
            Expect.equal final.Store.Buffers[1].Offset 1 "the second is used again"
            Expect.equal final.Store.Buffers[1].Owner Owner.Kernel "the second is used in part, and not over"
        }

        law
            "4. the head never passes a buffer that the kernel owns, and always reaches the tail when it owns none"
            headIsSafe

        test "4. ... before a buffer that was passed over is published: there is room for it" {
            let steps = [ PublishAll; Complete 0uy; Release 0uy; GiveUp ]
            let world = List.fold (fun world step -> (transition world step).After) (start true 2) steps
            let struct (ring, store, passed) = BufferGroup.passOver world.Ring world.Store 1
            let struct (_, _, verdict) = BufferGroup.publish ring store passed Size
            Expect.equal (passed, verdict) (0, BufferVerdict.Write) "the buffer that was passed over"
        }
    ]
