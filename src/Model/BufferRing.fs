// Decides who owns a provided buffer, and where the ring's tail and head stand. Knows no memory and no stream.
// Decides for one buffer at a time; Model/BufferGroup.fs goes from buffer to buffer. Tested in BufferRingLaws.fs.
namespace Uring.Model

open System.Runtime.CompilerServices

/// Who may touch a buffer's bytes. Of a buffer that is the kernel's, the bytes before `Offset` are leased already.
///
///              selected (CQE with F_BUFFER)               released (its last lease)
///   Kernel ----------------------------> Application -----------------------------> Returning
///     ^  |  selected, BUF_MORE: stays, the offset moves          ^                      ^  |
///     |  |                                                       |                      |  |
///     |  +-- passed over (a later buffer came): leased ----------+      not leased -----+  |
///     +------------------------------------------------------------------------------------+
///                        published (an entry is written; committed with the tail)
///
/// Laws
///  1. each buffer has exactly one owner, and the counts add up to the number of buffers
///  2. what is written never passes head + entries: a full ring refuses a publish and changes nothing
///  3. writing counts modulo 2^16, and the slot is the count modulo entries
///  4. what the kernel does not own, or cannot see yet, cannot be selected: that is a violation, and changes nothing
///  5. only the release of the last lease returns a buffer, and only once the kernel is done with it; a release
///     without a lease is harmless
///  6. offsets of an incremental buffer add up to what was received, and start again at 0 when it is published
///  7. the head is the oldest position that the kernel still holds: what lies between head and tail keeps its slot
///  8. the kernel sees an entry only after it was written: the tail is stored for what is written, and never before
///  9. a buffer that the kernel has used in part and passed over is not lost: it comes back with its last lease
[<Struct; RequireQualifiedAccess>]
type Owner =
    | Kernel
    | Application
    | Returning

/// One buffer.
[<Struct>]
type Buffer = {
    Owner: Owner
    /// Where it was last published, as a free-running 16-bit count.
    Position: uint16
    /// Bytes that were published.
    Length: int
    /// How many of them the kernel is done with (incremental consumption, 6.12).
    Offset: int
    /// Parts of it that the application holds.
    Leases: int
}

/// The ring.
[<Struct>]
type BufferRing = {
    /// Free-running, 16 bits: what the shared tail says. The kernel sees the entries before it.
    Tail: uint16
    /// Entries written so far, counted as the tail is: many are committed with one store.
    Written: uint16
    /// The oldest position whose buffer has not come back from the kernel. The kernel's own head may be further: it
    /// takes a buffer before it says so.
    Head: uint16
    /// A power of two, 1..32768.
    Entries: int
    /// Buffers that the kernel owns.
    Published: int
}

/// What the caller of a buffer ring function has to do next.
[<Struct; RequireQualifiedAccess>]
type BufferVerdict =
    /// Write the entry at the slot.
    | Write
    /// Store the tail with release: it pairs with the kernel's acquire of the tail.
    | StoreTail
    /// The part is the application's, and with it the buffer.
    | Take
    /// The part is the application's; the kernel will fill more of this buffer.
    | TakePart
    /// The buffer waits to be published.
    | Return
    /// Somebody still holds a part of it.
    | Keep
    /// Nothing to do.
    | Ignore
    /// No room in the ring: the buffer keeps its owner.
    | Full
    /// The kernel named a buffer that it does not own, or more bytes than it had.
    | Violation

/// The transitions of a buffer ring; see `Owner` for the diagram and the laws.
[<RequireQualifiedAccess>]
module BufferRing =

    /// Most entries that 16-bit counters can tell apart.
    [<Literal>]
    let MaxEntries = 32768

    /// An empty ring: every buffer starts as `fresh` and has to be published.
    let create entries = { Tail = 0us; Written = 0us; Head = 0us; Entries = entries; Published = 0 }

    /// A buffer that has never been published.
    let fresh = { Owner = Owner.Returning; Position = 0us; Length = 0; Offset = 0; Leases = 0 }

    /// Entries of the smallest ring that holds this many buffers.
    let rec entriesFor count = if count <= 1 then 1 else 2 * entriesFor ((count + 1) / 2)

    /// The slot of a position.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let slotOf (position: uint16) ring = int position &&& (ring.Entries - 1)

    /// Where the next entry is written.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let slot ring = slotOf ring.Written ring

    /// The ring has no room for another entry.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let isFull ring = int (ring.Written - ring.Head) = ring.Entries

    /// The kernel can see what was published at this position.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let isCommitted (position: uint16) ring = int (position - ring.Head) < int (ring.Tail - ring.Head)

    /// Somebody gives this owner's buffer to the kernel, which sees it after the next commit: after `Write` it is what
    /// `published` says of the ring before.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let publish ring (owner: Owner) =
        match owner with
        | Owner.Kernel
        | Owner.Application -> struct (ring, BufferVerdict.Ignore)
        | Owner.Returning when isFull ring -> struct (ring, BufferVerdict.Full)
        | Owner.Returning ->
            struct ({ ring with Written = ring.Written + 1us; Published = ring.Published + 1 },
                    BufferVerdict.Write)

    /// A buffer of which the kernel is given `length` bytes at the place where the next entry is written. By itself, so
    /// that nobody has to read the buffer as it was, which has just been written: see docs/decisions/0005.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let published ring length : Buffer = {
        Owner = Owner.Kernel
        Position = ring.Written
        Length = length
        Offset = 0
        Leases = 0
    }

    /// Shows the kernel all that has been written.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let commit ring =
        if ring.Tail = ring.Written then
            struct (ring, BufferVerdict.Ignore)
        else
            struct ({ ring with Tail = ring.Written }, BufferVerdict.StoreTail)

    /// How much of what is left of a completion's bytes is in this buffer. Only a bundle goes on in the next.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let portion (buffer: Buffer) left = min left (buffer.Length - buffer.Offset)

    /// A completion brought `bytes` in this buffer; `more` when the kernel keeps the rest of it.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let selected ring (buffer: Buffer) bytes more =
        match buffer.Owner with
        | Owner.Kernel when isCommitted buffer.Position ring ->
            let leased: Buffer = { buffer with Offset = buffer.Offset + bytes; Leases = buffer.Leases + 1 }

            if more then
                struct (ring, leased, BufferVerdict.TakePart)
            else
                struct ({ ring with Published = ring.Published - 1 },
                        { leased with Owner = Owner.Application },
                        BufferVerdict.Take)
        | Owner.Kernel
        | Owner.Application
        | Owner.Returning -> struct (ring, buffer, BufferVerdict.Violation)

    /// The kernel took a later buffer. One that it had used in part is over (it gives up a rest that is smaller than
    /// `min_left` without saying so, which this library does not ask for); one that it has not used it still holds, for
    /// a request that has not completed.
    let passed ring (buffer: Buffer) =
        match buffer.Owner with
        | Owner.Kernel when buffer.Offset > 0 ->
            let ring = { ring with Published = ring.Published - 1 }

            if buffer.Leases > 0 then
                struct (ring, { buffer with Owner = Owner.Application }, BufferVerdict.Keep)
            else
                struct (ring, { buffer with Owner = Owner.Returning }, BufferVerdict.Return)
        | Owner.Kernel
        | Owner.Application
        | Owner.Returning -> struct (ring, buffer, BufferVerdict.Ignore)

    /// The buffer that was published at this position has come back, so the head can move over it.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let isBack (position: uint16) ring (buffer: Buffer) =
        position <> ring.Tail && not (buffer.Owner = Owner.Kernel && buffer.Position = position)

    /// Moves the head to the oldest position that has not come back.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let settledAt (head: uint16) (ring: BufferRing) = { ring with Head = head }

    /// The application is done with one part of the buffer.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let released (buffer: Buffer) =
        let fewer: Buffer = { buffer with Leases = buffer.Leases - 1 }

        match buffer.Owner with
        | Owner.Returning -> struct (buffer, BufferVerdict.Ignore)
        | Owner.Application
        | Owner.Kernel when buffer.Leases = 0 -> struct (buffer, BufferVerdict.Ignore)
        | Owner.Application when fewer.Leases = 0 ->
            struct ({ fewer with Owner = Owner.Returning }, BufferVerdict.Return)
        | Owner.Application
        | Owner.Kernel -> struct (fewer, BufferVerdict.Keep)
