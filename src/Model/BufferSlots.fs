// Decides which slot of a ring's table of registered buffers is given out next. Knows no buffer: when one comes back is
// decided by Model/Descriptor, for a slot is a number that operations name, as a descriptor's is.
// Tested in BufferSlotsLaws.fs; driven by Driver/BufferTable.fs.
namespace Uring.Model

/// The slots of a table.
///
///            take
///   Free -----------> Taken
///     ^    giveBack     |
///     +-----------------+
///
/// Laws
///  1. a slot that is taken is not given again before it has come back
///  2. every slot is given before there is none left
///  3. what is not taken cannot come back: that is a violation, and changes nothing
///  4. with a Descriptor for each buffer: no operation names a slot when it is given, nor when it is passed on
[<Struct>]
type BufferSlots = { Size: int; Free: Set<int> }

/// The transitions of a table's slots; see `BufferSlots` for the diagram and the laws.
[<RequireQualifiedAccess>]
module BufferSlots =

    /// The kernel takes no larger table.
    [<Literal>]
    let Most = 16384

    /// A table of which nothing is taken.
    let ofSize (size: int) = { Size = size; Free = Set.ofSeq (seq { 0 .. size - 1 }) }

    /// The lowest that is free; nothing when all are taken.
    let take slots =
        if slots.Free.IsEmpty then
            struct (slots, ValueNone)
        else
            let slot = slots.Free.MinimumElement
            struct ({ slots with Free = slots.Free.Remove slot }, ValueSome slot)

    /// Nobody names it any more. Nothing for a slot that is not taken.
    let giveBack (slot: int) slots =
        if slot < 0 || slot >= slots.Size || slots.Free.Contains slot then
            ValueNone
        else
            ValueSome { slots with Free = slots.Free.Add slot }
