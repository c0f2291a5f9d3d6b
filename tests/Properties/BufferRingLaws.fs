module Uring.Laws.BufferRingLaws

open Expecto
open Uring.Model
open Uring.Machines
open Uring.Laws.BufferValues

type Step =
    | Publish of id: byte
    | Commit
    | Select of id: byte * bytes: byte * more: bool
    | Pass of id: byte
    | Advance
    | Release of id: byte

/// One buffer as an onlooker knows it, who sees the verdicts and counts without end.
type private Seen = {
    Place: Owner
    /// How many entries had been written before its own.
    Number: int
    Received: int
    Leases: int
}

type private World = {
    Ring: BufferRing
    Buffers: Buffer list
    // The onlooker's.
    Seen: Seen list
    /// Who was written at each slot last.
    Slots: int list
    Written: int
    Committed: int
    Head: int
}

type private Transition = { Before: World; Step: Step; Id: int; Verdict: BufferVerdict; After: World }

/// Bytes of a buffer: enough for two parts.
[<Literal>]
let private Size = 2

/// The counters start here, so that short histories pass the wrap.
[<Literal>]
let private NearWrap = 0xFFFC

let private start buffers entries = {
    Ring = ringAt (uint16 NearWrap) entries
    Buffers = List.replicate buffers BufferRing.fresh
    Seen = List.replicate buffers { Place = Owner.Returning; Number = NearWrap - 1; Received = 0; Leases = 0 }
    Slots = List.replicate entries 0
    Written = NearWrap
    Committed = NearWrap
    Head = NearWrap
}

let private atHead world = world.Slots[world.Head % world.Ring.Entries]

let private perform world step id =
    let buffer = world.Buffers[id]

    match step with
    | Publish _ -> Buffers.publish world.Ring Size buffer
    | Commit ->
        let struct (ring, verdict) = BufferRing.commit world.Ring
        struct (ring, buffer, verdict)
    | Select(_, bytes, more) -> BufferRing.selected world.Ring buffer (int bytes) more
    | Pass _ -> BufferRing.passed world.Ring buffer
    | Advance when BufferRing.isBack world.Ring.Head world.Ring world.Buffers[atHead world] ->
        struct (BufferRing.settledAt (world.Ring.Head + 1us) world.Ring, buffer, BufferVerdict.Ignore)
    | Advance -> struct (world.Ring, buffer, BufferVerdict.Ignore)
    | Release _ ->
        let struct (buffer, verdict) = BufferRing.released buffer
        struct (world.Ring, buffer, verdict)

/// What the onlooker makes of a verdict about this buffer.
let private watch world step verdict seen =
    match step, verdict with
    | Publish _, BufferVerdict.Write -> {
        Place = Owner.Kernel
        Number = world.Written
        Received = 0
        Leases = 0
      }
    | Select(_, bytes, _), (BufferVerdict.Take | BufferVerdict.TakePart) -> {
        seen with
            Place = if verdict = BufferVerdict.Take then Owner.Application else seen.Place
            Received = seen.Received + int bytes
            Leases = seen.Leases + 1
      }
    | Pass _, BufferVerdict.Keep -> { seen with Place = Owner.Application }
    | Release _, BufferVerdict.Keep -> { seen with Leases = seen.Leases - 1 }
    | Release _, BufferVerdict.Return -> { seen with Place = Owner.Returning; Leases = seen.Leases - 1 }
    | _, BufferVerdict.Return -> { seen with Place = Owner.Returning }
    | _ -> seen

let private transition world step =
    let id =
        match step with
        | Publish id
        | Select(id, _, _)
        | Pass id
        | Release id -> int id % world.Buffers.Length
        | Commit
        | Advance -> 0

    let struct (ring, buffer, verdict) = perform world step id
    let isWritten = verdict = BufferVerdict.Write

    let after = {
        Ring = ring
        Buffers = List.updateAt id buffer world.Buffers
        Seen = List.updateAt id (watch world step verdict world.Seen[id]) world.Seen
        Slots =
            if isWritten then
                List.updateAt (BufferRing.slot world.Ring) id world.Slots
            else
                world.Slots
        Written = world.Written + (if isWritten then 1 else 0)
        Committed = if verdict = BufferVerdict.StoreTail then world.Written else world.Committed
        Head = world.Head + (if ring.Head = world.Ring.Head then 0 else 1)
    }

    { Before = world; Step = step; Id = id; Verdict = verdict; After = after }

/// The same world, its counters brought back by whole rounds, and without what has left the ring: the states
/// come to an end, and the wrap stays.
let private folded world =
    let rounds = (world.Head - NearWrap) / 8 * 8

    let foldSeen seen =
        if seen.Number >= world.Head then
            { seen with Number = seen.Number - rounds }
        else
            { seen with Number = NearWrap - 1 }

    let seen = world.Seen |> List.map foldSeen

    let isWritten slot =
        Seq.exists
            (fun number -> number % world.Ring.Entries = slot)
            (seq { world.Head .. world.Written - 1 })

    let back (count: uint16) = count - uint16 rounds

    {
        world with
            Ring = {
                world.Ring with
                    Head = back world.Ring.Head
                    Tail = back world.Ring.Tail
                    Written = back world.Ring.Written
            }
            Buffers =
                List.map2
                    (fun (buffer: Buffer) seen -> { buffer with Position = uint16 seen.Number })
                    world.Buffers
                    seen
            Seen = seen
            Slots = world.Slots |> List.mapi (fun slot id -> if isWritten slot then id else 0)
            Written = world.Written - rounds
            Committed = world.Committed - rounds
            Head = world.Head - rounds
    }

/// What does not fit in a buffer the kernel does not write; and a buffer has few leases, so that there is an end.
let private fits world step =
    match step with
    | Select(id, bytes, more) ->
        let seen = world.Seen[int id % world.Seen.Length]
        let rest = Size - seen.Received
        seen.Leases < 2 && int bytes <= rest && (not more || (0 < int bytes && int bytes < rest))
    | Publish _
    | Commit
    | Pass _
    | Advance
    | Release _ -> true

let private events world =
    [
        Commit
        Advance

        for id in 0uy .. byte world.Buffers.Length - 1uy do
            Publish id
            Release id
            Pass id

            for bytes in 0uy .. byte Size do
                Select(id, bytes, false)
                Select(id, bytes, true)
    ]
    |> List.filter (fits world)

/// Every event in every state, in rings that have and have not room for all buffers.
let private everywhere =
    lazy
        [
            for buffers, entries in [ 1, 1; 1, 2; 2, 1; 2, 2; 2, 4 ] do
                let next world step = folded (transition world step).After

                for world in Explore.states [ start buffers entries ] events next do
                    for step in events world -> transition world step
        ]

let private history world steps =
    let folder (world, passed) step =
        if fits world step then
            let passing = transition world step
            passing.After, passing :: passed
        else
            world, passed

    List.fold folder (world, []) steps |> snd

let private unchanged it = it.After = it.Before
let private seen it = it.Before.Seen[it.Id]

let private oneOwner it =
    let world = it.After
    let count owner = world.Seen |> List.filter (fun seen -> seen.Place = owner) |> List.length

    List.forall2 (fun (buffer: Buffer) seen -> buffer.Owner = seen.Place) world.Buffers world.Seen
    && world.Ring.Published = count Owner.Kernel
    && count Owner.Kernel + count Owner.Application + count Owner.Returning = world.Buffers.Length

let private neverOverfull it =
    let full = it.Before.Written - it.Before.Head = it.Before.Ring.Entries

    it.After.Written - it.After.Head <= it.After.Ring.Entries
    && match it.Step, (seen it).Place with
       | Publish _, Owner.Returning when full -> it.Verdict = BufferVerdict.Full && unchanged it
       | Publish _, Owner.Returning -> it.Verdict = BufferVerdict.Write
       | Publish _, _ -> it.Verdict = BufferVerdict.Ignore && unchanged it
       | _ -> it.Verdict <> BufferVerdict.Full

let private writingCounts it =
    int it.After.Ring.Written = it.After.Written % 65536
    && BufferRing.slot it.After.Ring = it.After.Written % it.After.Ring.Entries

let private onlyWhatItSees it =
    let isThere = (seen it).Place = Owner.Kernel && (seen it).Number < it.Before.Committed

    match it.Step with
    | Select _ when not isThere -> it.Verdict = BufferVerdict.Violation && unchanged it
    | Select(_, _, more) -> it.Verdict = (if more then BufferVerdict.TakePart else BufferVerdict.Take)
    | _ -> it.Verdict <> BufferVerdict.Violation

let private onlyTheLastLease it =
    match it.Step with
    | Release _ when (seen it).Leases = 0 -> it.Verdict = BufferVerdict.Ignore && unchanged it
    | Release _ ->
        let isLast = (seen it).Leases = 1 && (seen it).Place = Owner.Application

        it.Verdict = (if isLast then BufferVerdict.Return else BufferVerdict.Keep)
        && it.After.Buffers[it.Id].Leases = (seen it).Leases - 1
    | _ -> true

let private offsetsAddUp it =
    List.forall2 (fun (buffer: Buffer) seen -> buffer.Offset = seen.Received) it.After.Buffers it.After.Seen

let private headIsTheOldest it =
    let world = it.After

    let kernels = world.Seen |> List.filter (fun seen -> seen.Place = Owner.Kernel) |> List.map _.Number

    let isBlocked = it.Before.Head = it.Before.Committed || List.contains it.Before.Head kernels

    int world.Ring.Head = world.Head % 65536
    && List.forall (fun number -> number >= world.Head) kernels
    && world.Head <= world.Committed
    && world.Seen
       |> List.indexed
       |> List.forall (fun (id, seen) ->
           seen.Number < world.Head
           || (world.Slots[seen.Number % world.Ring.Entries] = id
               && int world.Buffers[id].Position = seen.Number % 65536))
    && (it.Step <> Advance || (world.Head = it.Before.Head) = isBlocked)

let private seenOnlyWhenWritten it =
    let world = it.After
    let stores = it.Step = Commit && it.Before.Committed <> it.Before.Written

    (it.Verdict = BufferVerdict.StoreTail) = stores
    && int world.Ring.Tail = world.Committed % 65536
    && world.Committed <= world.Written
    && seq { world.Head .. world.Head + world.Ring.Entries - 1 }
       |> Seq.forall (fun number ->
           BufferRing.isCommitted (uint16 number) world.Ring = (number < world.Committed))

let private passedOverIsNotLost it =
    match it.Step, (seen it).Place with
    | Pass _, Owner.Kernel when (seen it).Received > 0 ->
        it.Verdict = (if (seen it).Leases > 0 then BufferVerdict.Keep else BufferVerdict.Return)
    | Pass _, _ -> it.Verdict = BufferVerdict.Ignore && unchanged it
    | _ -> true

let private law name holds =
    testList name [
        test "in every state" { Explore.expectAll 40_000 holds everywhere.Value }

        testProperty "in every history"
        <| fun (steps: Step list) ->
            List.allPairs [ 1; 3; 8 ] [ 1; 4; 8 ]
            |> List.forall (fun (buffers, entries) ->
                history (start buffers entries) steps |> List.forall holds)
    ]

[<Tests>]
let laws =
    testList "BufferRing" [
        law "1. each buffer has exactly one owner, and the counts add up to the number of buffers" oneOwner

        law
            "2. what is written never passes head + entries: a full ring refuses a publish and changes nothing"
            neverOverfull

        law "3. writing counts modulo 2^16, and the slot is the count modulo entries" writingCounts

        test "3. ... all the way round: 2^17 publishes through the largest ring and the smallest" {
            for entries in [ 1; BufferRing.MaxEntries ] do
                let mutable ring = BufferRing.create entries

                for count in 0..131071 do
                    if int ring.Written <> count % 65536 || BufferRing.slot ring <> count % entries then
                        failtestf "%d entries: after %d publishes %A" entries count ring

                    let struct (published, mine, _) = Buffers.publish ring 1 BufferRing.fresh
                    let struct (committed, _) = BufferRing.commit published
                    let struct (taken, theirs, _) = BufferRing.selected committed mine 1 false
                    if not (BufferRing.isBack taken.Head taken theirs) then failtestf "stuck at %d" count
                    ring <- BufferRing.settledAt (taken.Head + 1us) taken
        }

        test "3. ... and the largest ring takes 32768 entries, and no more" {
            let publish ring _ =
                let struct (ring, _, verdict) = Buffers.publish ring 1 BufferRing.fresh
                Expect.equal verdict BufferVerdict.Write "there is room"
                ring

            let full =
                Seq.fold publish (ringAt 0xFFF0us BufferRing.MaxEntries) (seq { 1 .. BufferRing.MaxEntries })

            let struct (_, _, verdict) = Buffers.publish full 1 BufferRing.fresh
            Expect.equal verdict BufferVerdict.Full "one more"
            let struct (committed, _) = BufferRing.commit full

            for position in [ 0xFFF0us; 0xFFFFus; 0us; 0x7FEFus ] do
                Expect.isTrue (BufferRing.isCommitted position committed) $"{position} is in the ring"

            Expect.isFalse (BufferRing.isCommitted 0x7FF0us committed) "the one behind the last"
        }

        test "3. ... and a ring is the smallest power of two that holds its buffers" {
            for count in 1 .. BufferRing.MaxEntries do
                let entries = BufferRing.entriesFor count
                let isPower = entries &&& (entries - 1) = 0

                if not isPower || entries < count || (entries / 2 >= count && entries > 1) then
                    failtestf "%d entries for %d buffers" entries count
        }

        law
            "4. what the kernel does not own, or cannot see yet, cannot be selected: that is a violation, and \
             changes nothing"
            onlyWhatItSees

        law
            "5. only the release of the last lease returns a buffer, and only once the kernel is done with it; a \
             release without a lease is harmless"
            onlyTheLastLease

        law
            "6. offsets of an incremental buffer add up to what was received, and start again at 0 when it is \
             published"
            offsetsAddUp

        law
            "7. the head is the oldest position that the kernel still holds: what lies between head and tail \
             keeps its slot"
            headIsTheOldest

        law
            "8. the kernel sees an entry only after it was written: the tail is stored for what is written, and \
             never before"
            seenOnlyWhenWritten

        law
            "9. a buffer that the kernel has used in part and passed over is not lost: it comes back with its \
             last lease"
            passedOverIsNotLost
    ]
