// A provided buffer ring on the kernel's side: when a buffer is taken, how much of it, and who owns it meanwhile.
// Source: reference section 3; the program's side is Model/BufferRing.fs, which shares no code with this.
namespace Uring.Simulation.Kernel

open System.Collections.Generic
open Uring.Kernel
open Uring.Model
open Uring.Simulation

/// An entry of the ring, as the program wrote it.
[<Struct>]
type internal Provided = { Address: uint64; Length: int; Id: uint16 }

/// Writes down who has a buffer of this group.
[<Struct; NoEquality; NoComparison>]
type internal Owners(lane: int, group: uint16, trace: Trace) =
    member _.Group = group
    member _.Kernel(provided: Provided) = trace.Given(lane, group, provided.Id, provided.Length)

    member _.Program(provided: Provided, bytes: int, keepsRest: bool) =
        trace.Taken(lane, group, provided.Id, bytes, keepsRest)

[<Sealed>]
type internal Group
    (owners: Owners, address: nativeint, entries: int, incremental: bool, ledger: Ledger, choices: Choices) =
    let id = owners.Group
    let mutable head = 0us
    let mutable seen = 0us
    // By slot: where the buffer began when it was published.
    let begun = Array.zeroCreate<uint64> entries
    // Those beginnings that are the kernel's now.
    let owned = HashSet<uint64>()

    let tail () = Mapped.read<uint16>(address + 14n)

    let entryAt (index: uint16) = address + nativeint (int index &&& (entries - 1)) * 16n

    let read (index: uint16) = {
        Address = Mapped.read<uint64>(entryAt index)
        Length = int (Mapped.read<uint32>(entryAt index + 8n))
        Id = Mapped.read<uint16>(entryAt index + 12n)
    }

    // Something is received into its buffers; before that they may hold what is to be sent.
    let mutable receives = false

    /// The program gave it away: what it still reads there is nothing that it may rely on.
    let scribble (provided: Provided) =
        let ends = min 32 provided.Length
        (Mapped.span (nativeint provided.Address) ends).Fill 0xDBuy
        (Mapped.span (nativeint provided.Address + nativeint (provided.Length - ends)) ends).Fill 0xDBuy

    let publish (index: uint16) =
        let provided = read index

        if provided.Length <= 0 || provided.Address = 0UL then
            ledger.Broken(
                Rule.OneOwnerPerBuffer,
                $"group {id}: entry {index} was published before it was written"
            )
        else
            if not (owned.Add provided.Address) then
                ledger.Broken(
                    Rule.OneOwnerPerBuffer,
                    $"group {id}: buffer {provided.Id} was given to the kernel, which has it already"
                )

            if receives then scribble provided

            owners.Kernel provided

        begun[int index &&& (entries - 1)] <- provided.Address

    /// Takes note of what the program has published since.
    let look () =
        let tail = tail ()

        if int (tail - head) > entries then
            ledger.Broken(
                Rule.OneOwnerPerBuffer,
                $"group {id}: {tail - head} buffers were published, and the ring has {entries} entries"
            )

            // There is no telling which of them were meant.
            seen <- tail

        while seen <> tail do
            publish seen
            seen <- seen + 1us

    let give index =
        owned.Remove begun[int index &&& (entries - 1)] |> ignore
        // Garbage for who believes that the entry still says something.
        Mapped.write<uint64> (entryAt index) 0UL
        Mapped.write<uint32> (entryAt index + 8n) 0u

    member _.Id = id
    member _.Address = address
    member _.Length = unativeint entries * 16un
    member _.Incremental = incremental

    /// What IORING_REGISTER_PBUF_STATUS answers.
    member _.Head = head

    /// Something is received into its buffers: whatever lies in them is nobody's any more.
    member _.Receives() = receives <- true

    /// Takes note of what was published.
    member _.Look() = look ()

    /// Buffers that the kernel can take.
    member _.Available =
        look ()
        // Who sends has filled them: there ENOBUFS means what it says.
        if receives && choices.Strikes Fault.Starved then 0 else int (tail () - head)

    /// The buffer `index` places after the head; nothing is taken yet.
    member _.Peek(index: int) = read (head + uint16 index)

    /// Uses `bytes` of the buffer at the head. What the completion has to say of it.
    member _.Take(bytes: int) : CqeFlags =
        let provided = read head
        let flags = uint32 CqeFlags.Buffer ||| (uint32 provided.Id <<< 16)

        let keepsRest = incremental && bytes < provided.Length
        owners.Program(provided, bytes, keepsRest)

        if keepsRest then
            Mapped.write<uint64> (entryAt head) (provided.Address + uint64 bytes)
            Mapped.write<uint32> (entryAt head + 8n) (uint32 (provided.Length - bytes))
            LanguagePrimitives.EnumOfValue(flags ||| uint32 CqeFlags.BufferMore)
        else
            give head
            head <- head + 1us
            LanguagePrimitives.EnumOfValue flags

    /// Uses one buffer after the other until `bytes` are covered: a bundle. What the completion says: the id of the first
    /// buffer, and whether the last will come again.
    member this.TakeBundle(bytes: int) : CqeFlags =
        let mutable left = bytes
        let mutable said = CqeFlags.None

        while left > 0 do
            let length = min left (read head).Length
            let flags = this.Take length
            // An entry that was never written (and told as a violation) covers nothing.
            left <- if length > 0 then left - length else 0
            said <- if said = CqeFlags.None then flags else said ||| (flags &&& CqeFlags.BufferMore)

        said
