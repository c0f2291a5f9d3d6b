// Decides where several memories go on after some of their bytes have been transferred. Knows no memory, only lengths.
// Tested in VectorLaws.fs; used by Api/VectorRequest.fs. Source: man readv(2).
namespace Uring.Model

/// A place in several memories that stand for one stretch of bytes.
///
/// Laws
///  1. moving by some bytes leaves as many fewer, and none when there are no more
///  2. a place is at a byte, or there is nothing left: no empty memory comes first
///  3. two moves come to the same as one of both
///  4. what one operation takes starts there, has a byte if any is left, and is no more than the kernel's limit
[<Struct>]
type VectorPlace = {
    /// Which memory.
    Index: int
    /// Bytes of it that are behind.
    Within: int
}

/// Ways through a vector; see `VectorPlace` for the laws.
[<RequireQualifiedAccess>]
module Vector =

    /// Memories that one operation takes at most: IOV_MAX.
    [<Literal>]
    let Most = 1024

    /// The place `moved` bytes behind another.
    let rec after (lengths: int array) (place: VectorPlace) (moved: int64) : VectorPlace =
        if place.Index >= lengths.Length then
            { Index = lengths.Length; Within = 0 }
        else
            let left = int64 (lengths[place.Index] - place.Within)

            if moved >= left then
                after lengths { Index = place.Index + 1; Within = 0 } (moved - left)
            else
                { place with Within = place.Within + int moved }

    /// Where the bytes start.
    let start (lengths: int array) = after lengths { Index = 0; Within = 0 } 0L

    /// Nothing is left.
    let isEnd (lengths: int array) (place: VectorPlace) = place.Index >= lengths.Length

    /// How many memories one operation takes from there.
    let count (lengths: int array) (place: VectorPlace) = min Most (lengths.Length - place.Index)
