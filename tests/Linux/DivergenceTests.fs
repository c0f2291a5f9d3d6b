/// The driver's pool and the model's never differ: random commands go to both, and after each the counts, the head, and
/// the ring in the memory that is shared with the kernel (tail, and every entry's address, length and id) are compared.
module Uring.Tests.Linux.DivergenceTests

open System
open System.Collections.Generic
open Expecto
open FsCheck
open Uring.Driver
open Uring.Model

type Command =
    /// Bytes arrive, for which the kernel takes buffers at once. Its completion waits.
    | Arrive of bytes: byte * isBundle: bool
    /// The pool hears of the oldest completion.
    | Reap
    /// One of the leases is given back.
    | Release of which: byte
    | Commit
    /// A stream found no buffer.
    | Starve
    /// The end of a turn.
    | Feed
    /// The kernel gives up what is left of a buffer.
    | GiveUpRest
    /// A completion that names a buffer which may not be the kernel's.
    | Foreign of id: byte

/// A host that is always on its loop's thread, and has no ring.
let private hostOf (kernel: BufferKernel) = {
    new IHost with
        member _.IsCurrentThread = true
        member _.HandOver work = work.Run()
        member _.Queue item = item.Execute()
        member _.Resume _ = ()
        member _.Begin _ = ()
        member _.Submit(_, _) = ()
        member _.Park _ = ()
        member _.Cancel _ = ()
        member _.Interrupt _ = ()
        member _.Abandon _ = ()
        member _.CancelGroup _ = ()
        member _.Kernel = kernel
        member _.Forbids _ = false
    interface IDescriptorHome with
        member _.CloseDirect _ = ()
}

let private plan: Plan = {
    Setup = { Flags = SetupFlags.None; Entries = 8u; Completions = 8u; Wishes = RingSetup.nothing }
    Features = FeatureFlags.MinimumTimeout ||| FeatureFlags.Bundle
    Opcodes = Array.create 256 true
    Wake = Wake.Poll
}

/// Both pools, and what is under way between them and the kernel.
type private Pair(options: BufferPoolOptions) =
    let kernel = BufferKernel()
    let pool = BufferPool(hostOf kernel, plan, 0, 1us, options)
    do pool.Register()
    let mutable pure' = PureGroup.create options
    let mutable fed = 0
    // Bytes that the kernel has used of each slot since its entry was written.
    let completions = Queue<struct (Completion * byte array)>()
    let leases = List<struct (BufferLease * int * byte array)>()

    let starving = {
        new IStarving with
            member _.Feed() = fed <- fed + 1
    }

    let addressOf id =
        let slab = kernel.Areas[1 + id / options.Count]
        uint64 slab + uint64 (id % options.Count * options.BufferSize)

    let entriesAgree () =
        for KeyValue(slot, id) in pure'.Entries do
            let struct (address, length, found) = kernel.Entry slot
            Expect.equal found id $"the id in slot {slot}"
            // An incremental ring's entries are the kernel's to change: the end of the buffer stays where it is.
            Expect.equal
                (address + uint64 length)
                (addressOf id + uint64 options.BufferSize)
                $"the end in slot {slot}"

            let position = int pure'.Ring.Written - 1

            if slot = (position &&& (pure'.Ring.Entries - 1)) && pure'.Ring.Written <> pure'.Ring.Tail then
                Expect.equal length options.BufferSize "the length of a buffer that the kernel cannot see yet"

    let agree () =
        let now = pool.Statistics
        Expect.equal now.Count pure'.Supply.Count "buffers"
        Expect.equal now.Available pure'.Ring.Published "available"
        Expect.equal now.Leased pure'.Leased "leased"
        Expect.equal now.Starving pure'.Starving "starving"
        Expect.equal kernel.Tail pure'.Ring.Tail "the tail in memory"
        let struct (kernelHead, head) = pool.Heads()
        Expect.equal kernelHead (int kernel.Head) "the kernel's head"
        Expect.equal head (int pure'.Ring.Head) "the head"
        entriesAgree ()

    let take completion (bytes: byte array) =
        let struct (next, parts) = PureGroup.take completion pure'
        pure' <- next

        let taken =
            List.unfold
                (fun (cell: LeaseCell | null) ->
                    match cell with
                    | null -> None
                    | cell ->
                        let rest = cell.After
                        cell.After <- null
                        Some(new BufferLease(cell, cell.Version), rest))
                (pool.Take &completion)
            |> List.toArray

        let lengths = taken |> Array.map _.Length |> List.ofArray
        Expect.equal lengths (parts |> List.map _.Length) "what was taken"
        Expect.equal (taken |> Array.collect _.Span.ToArray()) bytes "the bytes that the kernel wrote"

        for lease, part in Array.zip taken (Array.ofList parts) do
            leases.Add(struct (lease, part.Id, lease.Span.ToArray()))

    let foreign id =
        let completion: Completion = {
            UserData = Unchecked.defaultof<UserData>
            Result = 1
            Flags = CqeFlags.Buffer ||| LanguagePrimitives.EnumOfValue(uint32 id <<< 16)
        }

        let buffer = (pure'.Store :> IBuffers<PureGroup.Store>).Buffer id

        if buffer.Owner <> Owner.Kernel || not (BufferRing.isCommitted buffer.Position pure'.Ring) then
            let struct (next, _) = PureGroup.take completion pure'
            pure' <- next

            Expect.throwsT<InvalidOperationException>
                (fun () -> pool.Take &completion |> ignore)
                "a violation"

    let release index =
        let struct (lease, id, held) = leases[index]
        leases.RemoveAt index
        Expect.equal (lease.Span.ToArray()) held "what was leased is as it was"
        lease.Dispose()
        pure' <- PureGroup.release id pure'

    let perform command =
        match command with
        | Arrive(bytes, isBundle) ->
            completions.Enqueue(kernel.Receive(1 + int bytes % 40, isBundle && options.Bundles))
        | Reap when completions.Count > 0 ->
            let struct (completion, bytes) = completions.Dequeue()
            take completion bytes
        | Release which when leases.Count > 0 -> release (int which % leases.Count)
        | Commit ->
            pool.Commit()
            pure' <- PureGroup.commit pure'
        | Starve ->
            pool.Starve(Unchecked.defaultof<Pending>, starving)
            pure' <- PureGroup.starve pure'
        | Feed ->
            let before = fed
            pool.Feed()
            let struct (next, expected) = PureGroup.feed pure'
            pure' <- next
            Expect.equal (fed - before) expected "streams that are fed"
        | GiveUpRest -> if options.Incremental then kernel.GiveUpRest options.BufferSize
        | Foreign id -> foreign (int id % (options.Limit + 2))
        | Reap
        | Release _ -> ()

    member _.Run(commands: Command list) =
        agree ()

        for command in commands do
            perform command
            agree ()

    /// Nothing is lost: when all is taken and given back, every buffer is the kernel's again, or in a rest that it gave
    /// up and did not tell of.
    member _.Rest() =
        while completions.Count > 0 do
            perform Reap
            agree ()

        while leases.Count > 0 do
            perform (Release 0uy)
            agree ()

        perform Commit
        agree ()
        Expect.equal pool.Available pool.Count "every buffer is available"
        pool.LoopEnded false

let private shapes = [
    for count, limit in [ 1, 1; 2, 2; 3, 7; 4, 16; 5, 32 ] do
        for incremental, bundles in [ false, false; true, false; false, true; true, true ] do
            {
                BufferPoolOptions.fixedOf count 16 with
                    Limit = limit
                    Incremental = incremental
                    Bundles = bundles
            }
]

let private settings = { FsCheckConfig.defaultConfig with maxTest = 100; endSize = 300 }

[<Tests>]
let tests =
    testSequenced
    <| testList "Divergence" [
        for options in shapes do
            let name =
                $"{options.Count} to {options.Limit} buffers, incremental {options.Incremental}, bundles {options.Bundles}"

            testPropertyWithConfig settings name (fun (commands: Command list) ->
                let pair = Pair options
                pair.Run commands
                pair.Rest())

        testCase "past the end of the 16-bit counters" (fun () ->
            let pair = Pair { BufferPoolOptions.fixedOf 3 16 with Limit = 3 }

            for _ in 1..700 do
                pair.Run [
                    for _ in 1..100 do
                        Arrive(15uy, false)
                        Reap
                        Release 0uy
                        Commit
                ]

            pair.Rest())
    ]
