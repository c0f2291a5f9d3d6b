// Decides how a completion finds its operation again. Knows nothing of what the operation is.
// Tested in UserDataLaws.fs; Driver/SlotTable.fs is the only place that makes and reads these.
namespace Uring.Model

open System.Runtime.CompilerServices

/// What a completion is about.
[<Struct; RequireQualifiedAccess>]
type CompletionKind =
    /// An operation that lives in a slot.
    | Operation
    /// A cancel request's own answer. The target speaks for itself, so nobody waits for this one.
    | CancelRequest
    /// Another thread wants the loop awake.
    | Wake
    /// From another ring, for the program: its tag is where the slot would be.
    | Message
    /// Not one of ours.
    | Unknown

/// 64 bits that the kernel echoes: slot (32) | generation (24) | kind (8).
///
/// Laws
///  1. pack and unpack are inverse for every slot, every 24-bit generation and every kind
///  2. a stale completion never reaches a live operation: a freed slot's next generation differs
///  3. generations come round after 2^24 uses of one slot, not before
///  4. every 64-bit pattern decodes to something
[<Struct; IsReadOnly; CustomEquality; NoComparison>]
type UserData = {
    Bits: uint64
} with

    override this.Equals other =
        match other with
        | :? UserData as that -> this.Bits = that.Bits
        | _ -> false

    override this.GetHashCode() = this.Bits.GetHashCode()

/// Packing and unpacking; see `UserData` for the laws.
[<RequireQualifiedAccess>]
module UserData =

    /// Generations are counted in 24 bits.
    [<Literal>]
    let GenerationMask = 0xff_ffffu

    /// Names nothing.
    let none = { Bits = 0UL }

    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let private kindByte kind =
        match kind with
        | CompletionKind.Operation -> 1uy
        | CompletionKind.CancelRequest -> 2uy
        | CompletionKind.Wake -> 3uy
        | CompletionKind.Message -> 4uy
        | CompletionKind.Unknown -> 0uy

    /// Names one use of one slot. Bits of `generation` above 24 are dropped.
    let pack (slot: uint32) (generation: uint32) kind = {
        Bits =
            (uint64 slot <<< 32) ||| (uint64 (generation &&& GenerationMask) <<< 8) ||| uint64 (kindByte kind)
    }

    /// The slot.
    let slot userData = uint32 (userData.Bits >>> 32)

    /// Which use of the slot.
    let generation userData = uint32 (userData.Bits >>> 8) &&& GenerationMask

    /// What the completion is about.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let kind userData =
        match byte userData.Bits with
        | 1uy -> CompletionKind.Operation
        | 2uy -> CompletionKind.CancelRequest
        | 3uy -> CompletionKind.Wake
        | 4uy -> CompletionKind.Message
        | _ -> CompletionKind.Unknown

    /// The same use of the same slot, spoken of in another way.
    let withKind kind userData = { Bits = (userData.Bits &&& ~~~0xffUL) ||| uint64 (kindByte kind) }

    /// The generation that a slot takes on when it is freed.
    let next (generation: uint32) = (generation + 1u) &&& GenerationMask
