// Decides what a whole group of buffers does: publishing, what one completion took of which buffers, releasing. Knows
// no memory. Tested in BufferGroupLaws.fs and by the explorer; driven by Driver/BufferPool.fs.
namespace Uring.Model

open System.Runtime.CompilerServices

/// Where a group keeps its buffers, and the ids in the order in which they were published. A value to the laws; to the
/// driver an array in place, of which it uses each state once. So the rules are written once, and run as tested.
type IBuffers<'Buffers> =
    abstract Buffer: id: int -> Buffer
    abstract WithBuffer: id: int * buffer: Buffer -> 'Buffers
    /// The id in a slot of the ring.
    abstract IdAt: slot: int -> int
    abstract WithIdAt: slot: int * id: int -> 'Buffers

/// What a completion took of one buffer.
[<Struct>]
type Part = {
    Id: int
    /// Where it starts in the buffer.
    Start: int
    /// Its bytes.
    Length: int
    /// Bytes of the completion that lie in the buffers after this one.
    Left: int
    /// The buffer that they start in, if there are any.
    Next: int
}

/// The transitions of a group. A completion names only the first buffer of a bundle; the others follow it in the order
/// of the ring, so each buffer remembers its position and no separate head has to be kept in step with the kernel's.
///
/// All of it is compiled into its callers: a state that is handed over through memory, written field by field and read back
/// as a whole, costs a stall of the processor's store buffer (5 to 10 ns), and a message would meet a dozen of them.
///
/// Laws
///  1. the parts of a bundle cover its bytes exactly, in ring order, and none reaches beyond what was published
///  2. a completion without bytes that names a buffer still gives it back: a part of no bytes
///  3. nothing is lost: when every lease is released, every buffer is the kernel's or can be published
///  4. the head never passes a buffer that the kernel owns, and always reaches the tail when it owns none
[<RequireQualifiedAccess>]
module BufferGroup =

    /// Gives buffer `id` to the kernel. After `Write` its entry is what to write at the slot that the ring had before.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let publish ring (buffers: 'Buffers :> IBuffers<'Buffers>) id length =
        let struct (next, verdict) = BufferRing.publish ring (buffers.Buffer id).Owner

        match verdict with
        | BufferVerdict.Write ->
            let buffers = buffers.WithBuffer(id, BufferRing.published ring length)
            struct (next, buffers.WithIdAt(BufferRing.slot ring, id), verdict)
        | BufferVerdict.StoreTail
        | BufferVerdict.Take
        | BufferVerdict.TakePart
        | BufferVerdict.Return
        | BufferVerdict.Keep
        | BufferVerdict.Ignore
        | BufferVerdict.Full
        | BufferVerdict.Violation -> struct (ring, buffers, verdict)

    let rec private settledFrom (head: uint16) ring (buffers: 'Buffers :> IBuffers<'Buffers>) =
        if BufferRing.isBack head ring (buffers.Buffer(buffers.IdAt(BufferRing.slotOf head ring))) then
            settledFrom (head + 1us) ring buffers
        else
            head

    /// Moves the head over everything that has come back.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let private settle (ring: BufferRing) (buffers: 'Buffers :> IBuffers<'Buffers>) =
        BufferRing.settledAt (settledFrom ring.Head ring buffers) ring

    let rec private passFrom from position ring (buffers: 'Buffers :> IBuffers<'Buffers>) =
        if from = position then
            struct (ring, buffers, -1)
        else
            let id = buffers.IdAt(BufferRing.slotOf from ring)
            let buffer = buffers.Buffer id

            if buffer.Position <> from then
                passFrom (from + 1us) position ring buffers
            else
                let struct (ring, buffer, verdict) = BufferRing.passed ring buffer
                let buffers = buffers.WithBuffer(id, buffer)

                match verdict with
                | BufferVerdict.Return -> struct (settle ring buffers, buffers, id)
                | BufferVerdict.Write
                | BufferVerdict.StoreTail
                | BufferVerdict.Take
                | BufferVerdict.TakePart
                | BufferVerdict.Keep
                | BufferVerdict.Ignore
                | BufferVerdict.Full
                | BufferVerdict.Violation -> passFrom (from + 1us) position ring buffers

    /// Before `take`: the kernel has taken buffer `id`, so what it used in part before that is over. Returns one that
    /// nobody holds, to be published: ask again until it is -1.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let passOver ring (buffers: 'Buffers :> IBuffers<'Buffers>) id =
        let buffer = buffers.Buffer id

        // Mostly it is the oldest.
        if buffer.Position <> ring.Head && BufferRing.isCommitted buffer.Position ring then
            passFrom ring.Head buffer.Position ring buffers
        else
            struct (ring, buffers, -1)

    /// The buffer after this one in the ring's order, or -1.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let private following ring (buffers: 'Buffers :> IBuffers<'Buffers>) buffer =
        let position = buffer.Position + 1us

        if BufferRing.isCommitted position ring then
            buffers.IdAt(BufferRing.slotOf position ring)
        else
            -1

    /// A completion brought `bytes`, and buffer `id` is where they start; `more` when the kernel keeps the rest of the
    /// last one. One part per call: while `Left` is not 0, call again with it and `Next`.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let take ring (buffers: 'Buffers :> IBuffers<'Buffers>) id bytes more =
        let buffer = buffers.Buffer id
        let length = BufferRing.portion buffer bytes
        let left = bytes - length
        let struct (taken, after, verdict) = BufferRing.selected ring buffer length (more && left = 0)
        let next = if left = 0 then -1 else following ring buffers buffer

        let part = { Id = id; Start = buffer.Offset; Length = length; Left = left; Next = next }

        match verdict with
        | BufferVerdict.Take
        | BufferVerdict.TakePart when left = 0 || next >= 0 ->
            let buffers = buffers.WithBuffer(id, after)
            struct (settle taken buffers, buffers, verdict, part)
        | BufferVerdict.Write
        | BufferVerdict.StoreTail
        | BufferVerdict.Take
        | BufferVerdict.TakePart
        | BufferVerdict.Return
        | BufferVerdict.Keep
        | BufferVerdict.Ignore
        | BufferVerdict.Full
        | BufferVerdict.Violation -> struct (ring, buffers, BufferVerdict.Violation, part)

    /// The application is done with one part of buffer `id`. After `Return` it can be published again.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let release (buffers: 'Buffers :> IBuffers<'Buffers>) id =
        let struct (buffer, verdict) = BufferRing.released (buffers.Buffer id)
        struct (buffers.WithBuffer(id, buffer), verdict)
