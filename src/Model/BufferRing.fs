// Decides who owns each provided buffer and where the ring's tail stands. Knows no memory and no waiting receivers.
// Tested in BufferRingLaws.fs; driven by Driver/BufferPool.fs, which keeps one `Buffer` per id and one `BufferRing`.
namespace Uring.Model

/// Who may touch a buffer's bytes.
///
///              selected (CQE with F_BUFFER)              released
///   Kernel ---------------------------> Application ----------------> Returning
///     ^  | selected, BUF_MORE: stays, the offset moves                   |
///     |  +------------------------------------------                     |
///     +------------------------------------------------------------------+
///                          published (tail + 1)
///
/// Laws
///  1. each buffer has exactly one owner, and the counts add up to the number of buffers
///  2. the tail never passes head + entries: a full ring refuses a publish and changes nothing
///  3. the tail counts publishes modulo 2^16, and the slot is the tail modulo entries
///  4. a buffer that the kernel does not own cannot be selected: that is a violation, and changes nothing
///  5. releasing twice is harmless: only the first release returns the buffer
///  6. offsets of an incremental buffer add up to what was received, and start again at 0 when it is published
[<Struct; RequireQualifiedAccess>]
type Owner =
    | Kernel
    | Application
    | Returning

/// One buffer: its owner, and how many of its bytes the kernel has already filled (incremental consumption, 6.12).
[<Struct>]
type Buffer = { Owner: Owner; Offset: int }

/// The ring: how far the tail has come and how many entries the kernel still holds.
[<Struct>]
type BufferRing = {
    /// Free-running, 16 bits: what the kernel reads from the shared tail.
    Tail: uint16
    /// A power of two, 1..32768.
    Entries: int
    /// Published and not yet selected.
    Published: int
}

/// What the caller of a buffer ring function has to do next.
[<Struct; RequireQualifiedAccess>]
type BufferVerdict =
    /// Write the entry at the slot, then store the tail with release.
    | Publish
    /// The completion's bytes are the application's: they start where the buffer's offset was before.
    | Take
    /// The same, but the kernel will fill more of this buffer.
    | TakePart
    /// The buffer waits to be published.
    | Return
    /// Nothing to do.
    | Ignore
    /// No room in the ring: the buffer keeps its owner.
    | Full
    /// The kernel named a buffer that it does not own.
    | Violation

/// The transitions of a buffer ring; see `Owner` for the diagram and the laws.
[<RequireQualifiedAccess>]
module BufferRing =

    /// Most entries that 16-bit counters can tell apart.
    [<Literal>]
    let MaxEntries = 32768

    /// An empty ring: every buffer starts as `fresh` and has to be published.
    let create entries = { Tail = 0us; Entries = entries; Published = 0 }

    /// A buffer that has never been published.
    let fresh = { Owner = Owner.Returning; Offset = 0 }

    /// Where the next published entry goes.
    let slot ring = int ring.Tail &&& (ring.Entries - 1)

    /// Hands a returning buffer to the kernel.
    let publish ring buffer =
        match buffer.Owner with
        | Owner.Kernel
        | Owner.Application -> struct (ring, buffer, BufferVerdict.Ignore)
        | Owner.Returning when ring.Published = ring.Entries -> struct (ring, buffer, BufferVerdict.Full)
        | Owner.Returning ->
            let ring = { ring with Tail = ring.Tail + 1us; Published = ring.Published + 1 }

            struct (ring, { Owner = Owner.Kernel; Offset = 0 }, BufferVerdict.Publish)

    /// A completion brought this buffer with `bytes` in it; `more` when the kernel keeps the rest.
    let selected ring buffer bytes more =
        match buffer.Owner with
        | Owner.Kernel when more ->
            struct (ring, { buffer with Offset = buffer.Offset + bytes }, BufferVerdict.TakePart)
        | Owner.Kernel ->
            struct ({ ring with Published = ring.Published - 1 },
                    { Owner = Owner.Application; Offset = buffer.Offset + bytes },
                    BufferVerdict.Take)
        | Owner.Application
        | Owner.Returning -> struct (ring, buffer, BufferVerdict.Violation)

    /// The application is done with the buffer.
    let released buffer =
        match buffer.Owner with
        | Owner.Application -> struct ({ buffer with Owner = Owner.Returning }, BufferVerdict.Return)
        | Owner.Kernel
        | Owner.Returning -> struct (buffer, BufferVerdict.Ignore)
