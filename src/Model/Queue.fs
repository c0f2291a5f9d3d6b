// Decides where in a ring the next entry goes and how many there are. Knows neither SQEs nor CQEs nor memory.
// Tested in QueueLaws.fs; driven by Driver/Ring.fs for both queues.
namespace Uring.Model

/// One ring's counters. They run freely over 32 bits and are never masked, only the slot is.
///
///        push                  consumed (by the other side)
///   tail ----> tail + 1        head ----> head + n
///
/// Laws
///  1. used + free = entries, across the 2^32 wrap
///  2. a push on a full queue is refused and changes nothing
///  3. entries leave in the order in which they came, each exactly once
///  4. the head never passes the tail: a report that says so is refused
///  5. two live entries never share a slot
[<Struct>]
type Queue = {
    /// Position of the oldest entry.
    Head: uint32
    /// Position after the newest entry.
    Tail: uint32
    /// A power of two.
    Entries: uint32
}

/// The arithmetic of a queue; see `Queue` for the laws.
[<RequireQualifiedAccess>]
module Queue =

    /// An empty queue; `entries` is a power of two.
    let create entries = { Head = 0u; Tail = 0u; Entries = entries }

    /// Entries in the queue.
    let used queue = queue.Tail - queue.Head

    /// Entries that still fit.
    let free queue = queue.Entries - used queue

    /// Nothing is in the queue.
    let isEmpty queue = queue.Head = queue.Tail

    /// Nothing more fits.
    let isFull queue = used queue = queue.Entries

    /// The slot in memory that belongs to a position.
    let slot position queue = position &&& (queue.Entries - 1u)

    /// Adds one entry at `tail`; the caller has seen that the queue is not full.
    let pushed queue = if isFull queue then queue else { queue with Tail = queue.Tail + 1u }

    /// The consumer reports its head. A head outside head..tail is not believed.
    let consumedTo head queue = if head - queue.Head <= used queue then { queue with Head = head } else queue

    /// The producer reports its tail. A tail that goes back, or further than `entries` from the head, is not believed.
    let filledTo tail queue =
        let reported = tail - queue.Head

        if reported >= used queue && reported <= queue.Entries then
            { queue with Tail = tail }
        else
            queue
