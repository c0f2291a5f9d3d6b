/// A buffer pool that is a value: the model's functions on an immutable store, and nothing of the driver's.
module internal Uring.Tests.Linux.PureGroup

open Uring.Driver
open Uring.Model

type Store = {
    Buffers: Map<int, Buffer>
    Order: Map<int, int>
} with

    interface IBuffers<Store> with
        member this.Buffer id = this.Buffers |> Map.tryFind id |> Option.defaultValue BufferRing.fresh
        member this.WithBuffer(id, buffer) = { this with Buffers = Map.add id buffer this.Buffers }
        member this.IdAt slot = this.Order |> Map.tryFind slot |> Option.defaultValue 0
        member this.WithIdAt(slot, id) = { this with Order = Map.add slot id this.Order }

type Group = {
    Ring: BufferRing
    Store: Store
    Supply: Supply
    Size: int
    /// Returned while the ring was full, oldest first.
    Unpublished: int list
    Leased: int
    Starving: int
    Turns: int
    /// What was written last into each slot.
    Entries: Map<int, int>
}

let private publish (group: Group) id =
    let slot = BufferRing.slot group.Ring
    let struct (ring, store, verdict) = BufferGroup.publish group.Ring group.Store id group.Size

    match verdict with
    | BufferVerdict.Write -> {
        group with
            Ring = ring
            Store = store
            Entries = Map.add slot id group.Entries
      }
    | BufferVerdict.Full -> { group with Unpublished = group.Unpublished @ [ id ] }
    | _ -> group

let private grow (group: Group) =
    let count = Supply.toAdd group.Supply
    let ids = [ group.Supply.Count .. group.Supply.Count + count - 1 ]
    List.fold publish { group with Supply = Supply.grown count group.Supply } ids

let create (options: BufferPoolOptions) =
    let entries = BufferRing.entriesFor options.Limit

    grow {
        Ring = BufferRing.create entries
        Store = { Buffers = Map.empty; Order = Map.empty }
        Supply = {
            Count = 0
            Limit = options.Limit
            Step = options.Count
            LowWater = if options.LowWater > 0 then options.LowWater else Supply.lowWaterFor options.Count
        }
        Size = options.BufferSize
        Unpublished = []
        Leased = 0
        Starving = 0
        Turns = 0
        Entries = Map.empty
    }

let rec private passOver id (group: Group) =
    let struct (ring, store, passed) = BufferGroup.passOver group.Ring group.Store id
    let group = { group with Ring = ring; Store = store }
    if passed >= 0 then passOver id (publish group passed) else group

let rec private parts id bytes more (group: Group) =
    let struct (ring, store, verdict, part) = BufferGroup.take group.Ring group.Store id bytes more

    match verdict with
    | BufferVerdict.Take
    | BufferVerdict.TakePart ->
        let group = { group with Ring = ring; Store = store; Leased = group.Leased + 1 }

        if part.Left > 0 then
            let struct (group, rest) = parts part.Next part.Left more group
            struct (group, part :: rest)
        else
            struct (group, [ part ])
    | _ -> struct (group, [])

/// What a completion brings; no part if it is a violation.
let take (completion: Completion) (group: Group) : struct (Group * Part list) =
    match Completion.bufferId completion with
    | ValueNone -> struct (group, [])
    | ValueSome id ->
        group
        |> passOver (int id)
        |> parts (int id) (max 0 completion.Result) (Completion.bufferMore completion)

let release id (group: Group) =
    let struct (store, verdict) = BufferGroup.release group.Store id
    let group = { group with Store = store; Leased = group.Leased - 1 }
    if verdict = BufferVerdict.Return then publish group id else group

let commit (group: Group) =
    let group = List.fold publish { group with Unpublished = [] } group.Unpublished
    let struct (ring, _) = BufferRing.commit group.Ring
    { group with Ring = ring }

let starve (group: Group) =
    let turns = if group.Starving = 0 then 0 else group.Turns
    let group = { group with Starving = group.Starving + 1; Turns = turns }
    if group.Ring.Published = 0 then grow group else group

/// How many are fed, too.
let feed (group: Group) =
    let group = { group with Turns = group.Turns + (if group.Starving > 0 then 1 else 0) }

    if group.Starving > 0 && Supply.mayFeed group.Ring.Published group.Turns group.Supply then
        let fed = Supply.toFeed group.Ring.Published group.Starving
        struct ({ group with Starving = group.Starving - fed; Turns = 0 }, fed)
    else
        struct (group, 0)
