module Uring.Laws.BufferRingLaws

open Expecto
open Uring.Model

type Step =
    | Publish of id: byte
    | Select of id: byte * bytes: byte * more: bool
    | Release of id: byte

/// The pool and the reference: three sets of ids, what the kernel has written, and the entries in memory. The
/// sets follow the verdicts, since it is those that the driver acts on.
type private World = {
    Ring: BufferRing
    Buffers: Buffer list
    Kernel: Set<int>
    Application: Set<int>
    Returning: Set<int>
    /// Bytes received since the buffer was published.
    Received: int list
}

type private Transition = { Before: World; Step: Step; Id: int; Verdict: BufferVerdict; After: World }

let private transition world step =
    let id =
        match step with
        | Publish id
        | Select(id, _, _)
        | Release id -> int id % world.Buffers.Length

    let struct (ring, buffer, verdict) =
        match step with
        | Publish _ -> BufferRing.publish world.Ring world.Buffers[id]
        | Select(_, bytes, more) -> BufferRing.selected world.Ring world.Buffers[id] (int bytes) more
        | Release _ ->
            let struct (buffer, verdict) = BufferRing.released world.Buffers[id]
            struct (world.Ring, buffer, verdict)

    let received =
        match step, verdict with
        | Publish _, BufferVerdict.Publish -> 0
        | Select(_, bytes, _), (BufferVerdict.Take | BufferVerdict.TakePart) -> world.Received[id] + int bytes
        | _ -> world.Received[id]

    let moved = {
        world with
            Ring = ring
            Buffers = List.updateAt id buffer world.Buffers
            Received = List.updateAt id received world.Received
    }

    let after =
        match verdict with
        | BufferVerdict.Publish -> {
            moved with
                Kernel = world.Kernel.Add id
                Returning = world.Returning.Remove id
          }
        | BufferVerdict.Take -> {
            moved with
                Kernel = world.Kernel.Remove id
                Application = world.Application.Add id
          }
        | BufferVerdict.Return -> {
            moved with
                Application = world.Application.Remove id
                Returning = world.Returning.Add id
          }
        | BufferVerdict.TakePart
        | BufferVerdict.Ignore
        | BufferVerdict.Full
        | BufferVerdict.Violation -> moved

    { Before = world; Step = step; Id = id; Verdict = verdict; After = after }

let private start buffers entries tail = {
    Ring = { BufferRing.create entries with Tail = tail }
    Buffers = List.replicate buffers BufferRing.fresh
    Kernel = Set.empty
    Application = Set.empty
    Returning = set [ 0 .. buffers - 1 ]
    Received = List.replicate buffers 0
}

/// The tail starts here, so that short histories pass the wrap.
let private nearWrap = 0xFFFCus

/// The same world with its tail brought back by whole rounds: the states come to an end, and the wrap stays.
let private folded world =
    let rounds = (world.Ring.Tail - nearWrap) / 8us

    { world with Ring = { world.Ring with Tail = world.Ring.Tail - rounds * 8us } }

/// Buffers of one byte: what does not fit in a buffer the kernel does not write.
let private events world = [
    for id in 0 .. world.Buffers.Length - 1 do
        Publish(byte id)
        Release(byte id)

        for bytes in 0..1 do
            if world.Received[id] + bytes <= 1 then
                for more in [ false; true ] do
                    Select(byte id, byte bytes, more)
]

/// Every event in every state, for one to four buffers in rings that have and have not room for all of them.
let private everywhere =
    lazy
        [
            for buffers in 1..4 do
                for entries in [ 1; 2; 4 ] do
                    let next world step = folded (transition world step).After

                    for world in Explore.states [ start buffers entries nearWrap ] events next do
                        for step in events world -> transition world step
        ]

let private history world steps =
    let folder (world, passed) step =
        let passing = transition world step
        passing.After, passing :: passed

    List.fold folder (world, []) steps |> snd

let private unchanged it = it.After = it.Before

let private oneOwner it =
    let world = it.After

    let owned owner = [
        for id in 0 .. world.Buffers.Length - 1 do
            if world.Buffers[id].Owner = owner then id
    ]

    set (owned Owner.Kernel) = world.Kernel
    && set (owned Owner.Application) = world.Application
    && set (owned Owner.Returning) = world.Returning
    && world.Ring.Published = world.Kernel.Count
    && world.Kernel.Count + world.Application.Count + world.Returning.Count = world.Buffers.Length

let private neverOverfull it =
    let full = it.Before.Kernel.Count = it.Before.Ring.Entries

    match it.Step with
    | Publish _ when it.Before.Returning.Contains it.Id && full ->
        it.Verdict = BufferVerdict.Full && unchanged it
    | Publish _ when it.Before.Returning.Contains it.Id -> it.Verdict = BufferVerdict.Publish
    | Publish _ -> it.Verdict = BufferVerdict.Ignore && unchanged it
    | Select _
    | Release _ -> it.After.Kernel.Count <= it.After.Ring.Entries

let private tailCounts it =
    let step = if it.Verdict = BufferVerdict.Publish then 1 else 0

    int it.After.Ring.Tail = (int it.Before.Ring.Tail + step) % 65536
    && BufferRing.slot it.After.Ring = int it.After.Ring.Tail % it.After.Ring.Entries

let private onlyTheKernelsOwn it =
    match it.Step with
    | Select _ when it.Before.Kernel.Contains it.Id |> not ->
        it.Verdict = BufferVerdict.Violation && unchanged it
    | Select(_, _, more) -> it.Verdict = (if more then BufferVerdict.TakePart else BufferVerdict.Take)
    | Publish _
    | Release _ -> it.Verdict <> BufferVerdict.Violation

let private releasedOnce it =
    match it.Step with
    | Release _ when it.Before.Application.Contains it.Id ->
        let struct (again, verdict) = BufferRing.released it.After.Buffers[it.Id]

        it.Verdict = BufferVerdict.Return
        && verdict = BufferVerdict.Ignore
        && again = it.After.Buffers[it.Id]
    | Release _ -> it.Verdict = BufferVerdict.Ignore && unchanged it
    | Publish _
    | Select _ -> it.Verdict <> BufferVerdict.Return

let private offsetsAddUp it = (it.After.Buffers |> List.map (fun buffer -> buffer.Offset)) = it.After.Received

let private law name holds =
    testList name [
        test "in every state" { Explore.expectAll 500_000 holds everywhere.Value }

        testProperty "in every history"
        <| fun (steps: Step list) ->
            List.allPairs [ 1; 3; 8 ] [ 1; 4; 8 ]
            |> List.forall (fun (buffers, entries) ->
                history (start buffers entries nearWrap) steps |> List.forall holds)
    ]

[<Tests>]
let laws =
    testList "BufferRing" [
        law "1. each buffer has exactly one owner, and the counts add up to the number of buffers" oneOwner

        law
            "2. the tail never passes head + entries: a full ring refuses a publish and changes nothing"
            neverOverfull

        law "3. the tail counts publishes modulo 2^16, and the slot is the tail modulo entries" tailCounts

        test "3. ... all the way round: 2^17 publishes through the largest ring and the smallest" {
            for entries in [ 1; BufferRing.MaxEntries ] do
                let mutable ring = BufferRing.create entries

                for count in 0..131071 do
                    if int ring.Tail <> count % 65536 || BufferRing.slot ring <> count % entries then
                        failtestf "%d entries: after %d publishes %A" entries count ring

                    let struct (published, mine, _) = BufferRing.publish ring BufferRing.fresh
                    let struct (taken, _, _) = BufferRing.selected published mine 1 false
                    ring <- taken
        }

        law
            "4. a buffer that the kernel does not own cannot be selected: that is a violation, and \
             changes nothing"
            onlyTheKernelsOwn

        law "5. releasing twice is harmless: only the first release returns the buffer" releasedOnce

        law
            "6. offsets of an incremental buffer add up to what was received, and start again at 0 when it \
             is published"
            offsetsAddUp
    ]
