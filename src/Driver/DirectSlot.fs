// A slot of a ring's own table that the program chooses. Decides which numbers are the program's; what is in a slot, and
// whether that is in use, the program knows.
namespace Uring.Driver

open System

/// A slot of a ring's own table that is the program's to fill and to empty (`LoopOptions.ReservedDescriptors`, Linux 6.0). Its
/// number is known before anything is in it, so that the steps of one chain can fill it, work on it and empty it.
[<Sealed>]
type DirectSlot(loop: Loop, number: int) =
    do
        if number < 0 || number >= loop.ReservedDescriptors then
            raise (
                ArgumentOutOfRangeException(
                    nameof number,
                    number,
                    String.Concat(
                        "This ring reserves ",
                        loop.ReservedDescriptors.ToString(),
                        " slots for its program, numbered from 0: see ReservedDescriptors."
                    )
                )
            )

    let descriptor = loop.BorrowDirect number

    /// The ring's loop.
    member _.Loop = loop

    /// Which slot, from 0 on.
    member _.Number = number

    /// For requests that work on what is in it (EBADF, 9, when nothing is). Closing it does nothing: what empties the slot is
    /// `SlotRequest.close`.
    member _.Descriptor: FileDescriptor = descriptor
