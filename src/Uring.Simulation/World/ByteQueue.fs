// Bytes on their way, in order, at most so many.
namespace Uring.Simulation.World

open System

///   first      count
///   [..|aaaaaaaaaaa|....]   a ring that grows up to its capacity
///
/// Laws
///  1. bytes leave in the order in which they came, each once
///  2. it takes what there is room for and no more: count + free = capacity
///  3. peeking takes nothing
///  4. what moves to another queue leaves this one, in order, and nothing is lost when the other is full
[<Sealed>]
type internal ByteQueue(capacity: int) =
    // Grows as it is used: most queues never hold much.
    let mutable bytes = Array.zeroCreate<byte>(min capacity 512)
    let mutable first = 0
    let mutable count = 0

    let grow (needed: int) =
        let larger = Array.zeroCreate<byte>(min capacity (max needed (bytes.Length * 2)))
        let untilEnd = min count (bytes.Length - first)
        Array.Copy(bytes, first, larger, 0, untilEnd)
        Array.Copy(bytes, 0, larger, untilEnd, count - untilEnd)
        bytes <- larger
        first <- 0

    member _.Count = count
    member _.Capacity = capacity
    member _.Free = capacity - count

    /// As much as there is room for.
    member _.Enqueue(source: ReadOnlySpan<byte>) : int =
        let taken = min source.Length (capacity - count)

        if count + taken > bytes.Length then grow (count + taken)

        let last = (first + count) % bytes.Length
        let untilEnd = min taken (bytes.Length - last)
        source.Slice(0, untilEnd).CopyTo(bytes.AsSpan last)
        source.Slice(untilEnd, taken - untilEnd).CopyTo(bytes.AsSpan())
        count <- count + taken
        taken

    /// Copies the oldest bytes without taking them.
    member _.Peek(target: Span<byte>) : int =
        let length = min target.Length count
        let untilEnd = min length (bytes.Length - first)
        bytes.AsSpan(first, untilEnd).CopyTo target
        bytes.AsSpan(0, length - untilEnd).CopyTo(target.Slice untilEnd)
        length

    /// Forgets the oldest bytes.
    member _.Drop(length: int) =
        first <- (first + length) % bytes.Length
        count <- count - length

    /// Takes the oldest bytes.
    member this.Dequeue(target: Span<byte>) : int =
        let length = this.Peek target
        this.Drop length
        length

    /// Moves as much as the other has room for.
    member this.MoveTo(other: ByteQueue) : int =
        let mutable moved = 0

        while count > 0 && other.Free > 0 do
            let run = min (min count other.Free) (bytes.Length - first)
            let taken = other.Enqueue(ReadOnlySpan(bytes, first, run))
            this.Drop taken
            moved <- moved + taken

        moved

    member _.Clear() =
        first <- 0
        count <- 0
