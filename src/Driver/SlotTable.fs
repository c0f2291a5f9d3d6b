// Maps user data to what waits for it: the only authority for that. Applies Model/Lifecycle to each slot and decides
// nothing itself. Belongs to the loop's thread. Tested in tests/Linux/SlotTableTests.fs.
namespace Uring.Driver

open System
open System.Runtime.CompilerServices
open Uring.Kernel
open Uring.Model

/// One slot: who lives there, where its operation stands, and how often the slot has been used.
[<Struct>]
type internal Slot<'Occupant when 'Occupant: not struct> =
    val mutable Occupant: 'Occupant
    val mutable State: Lifecycle
    val mutable Generation: uint32

/// Slots by number; free numbers are used again last freed first, so that the table stays in the cache.
[<Sealed>]
type internal SlotTable<'Occupant when 'Occupant: not struct>(capacity: int) =
    let mutable slots: Slot<'Occupant> array = Array.zeroCreate capacity
    let mutable freeSlots: int array = Array.init capacity (fun index -> capacity - 1 - index)
    let mutable freeCount = capacity

    do
        for index in 0 .. capacity - 1 do
            slots[index].State <- Lifecycle.free

    let grow () =
        let before = slots.Length
        let after = before * 2
        Array.Resize(&slots, after)
        Array.Resize(&freeSlots, after)

        for index in after - 1 .. -1 .. before do
            slots[index].State <- Lifecycle.free
            freeSlots[freeCount] <- index
            freeCount <- freeCount + 1

    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let isLive userData =
        let slot = UserData.slot userData

        // A free slot's generation is one that no operation has had yet, so a match means that it lives; but what
        // has never begun has no user data at all, and its zeros would match slot 0 before its first use.
        userData.Bits <> UserData.none.Bits
        && slot < uint32 slots.Length
        && slots[int slot].Generation = UserData.generation userData

    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let store slot (state: Lifecycle) =
        slots[slot].State <- state

        match state.Phase with
        | Phase.Free ->
            slots[slot].Occupant <- Unchecked.defaultof<'Occupant>
            slots[slot].Generation <- UserData.next slots[slot].Generation
            freeSlots[freeCount] <- slot
            freeCount <- freeCount + 1
        | Phase.Queued
        | Phase.InFlight
        | Phase.Streaming
        | Phase.Cancelling
        | Phase.Notifying -> ()

    /// Operations that have begun and not ended.
    member _.Live = slots.Length - freeCount

    /// Moves an operation in. What comes back names it to the kernel.
    member _.Take(occupant: 'Occupant, shape: Shape) : UserData =
        if freeCount = 0 then grow ()

        freeCount <- freeCount - 1
        let slot = freeSlots[freeCount]
        let struct (state, _) = Lifecycle.queued shape slots[slot].State
        slots[slot].State <- state
        slots[slot].Occupant <- occupant
        UserData.pack (uint32 slot) slots[slot].Generation CompletionKind.Operation

    /// True while this use of the slot lasts.
    member _.IsLive(userData: UserData) = isLive userData

    /// Its result is out, and the kernel still reads its memory.
    member _.IsNotifying(userData: UserData) =
        isLive userData && slots[int (UserData.slot userData)].State.Phase = Phase.Notifying

    /// Its SQE is in the ring.
    member _.Published(userData: UserData) =
        let slot = int (UserData.slot userData)
        let struct (state, _) = Lifecycle.published slots[slot].State
        slots[slot].State <- state

    /// A completion for this slot comes: the slot itself will be needed soon.
    member _.Expect(userData: UserData) =
        let slot = UserData.slot userData

        if slot < uint32 slots.Length then Ahead.fetchLine &slots[int slot]

    /// Who lives in the slot, if anybody: not asked whether this use of it lasts.
    member _.Neighbour(userData: UserData) : 'Occupant =
        let slot = UserData.slot userData

        if slot < uint32 slots.Length then
            slots[int slot].Occupant
        else
            Unchecked.defaultof<'Occupant>

    /// A completion came. There is no occupant when the verdict is Violation or Ignore.
    member _.Completed(completion: inref<Completion>) : struct ('Occupant * Verdict) =
        if isLive completion.UserData then
            let slot = int (UserData.slot completion.UserData)
            let occupant = slots[slot].Occupant

            let struct (state, verdict) =
                Lifecycle.completed
                    (Completion.more completion)
                    (Completion.notification completion)
                    slots[slot].State

            store slot state
            struct (occupant, verdict)
        else
            struct (Unchecked.defaultof<'Occupant>, Lifecycle.late (Completion.notification completion))

    /// Inline: a function as an argument is an object.
    member inline private _.Apply
        (userData: UserData, [<InlineIfLambda>] change: Lifecycle -> struct (Lifecycle * Verdict))
        : Verdict =
        if isLive userData then
            let slot = int (UserData.slot userData)
            let struct (state, verdict) = change slots[slot].State
            store slot state
            verdict
        else
            Verdict.Ignore

    /// Somebody wants it to end.
    member this.Cancelled(userData: UserData) : Verdict =
        this.Apply(userData, (fun state -> Lifecycle.cancelled state))

    /// The kernel did not find it.
    member this.Missed(userData: UserData) : Verdict =
        this.Apply(userData, (fun state -> Lifecycle.missed state))

    /// Nobody waits for it any more.
    member _.Abandoned(userData: UserData) =
        if isLive userData then
            let slot = int (UserData.slot userData)
            slots[slot].State <- Lifecycle.abandoned slots[slot].State

    /// Calls `visit` for all that live now and whose result is outstanding.
    member _.ForEach(visit: Action<'Occupant>) =
        for index in 0 .. slots.Length - 1 do
            match slots[index].State.Phase with
            | Phase.Free
            | Phase.Notifying -> ()
            | Phase.Queued
            | Phase.InFlight
            | Phase.Streaming
            | Phase.Cancelling -> visit.Invoke slots[index].Occupant

    /// Calls `visit` for all whose result is out, and of which the kernel still reads the memory.
    member _.ForEachHeld(visit: Action<'Occupant>) =
        for index in 0 .. slots.Length - 1 do
            match slots[index].State.Phase with
            | Phase.Notifying -> visit.Invoke slots[index].Occupant
            | Phase.Free
            | Phase.Queued
            | Phase.InFlight
            | Phase.Streaming
            | Phase.Cancelling -> ()
