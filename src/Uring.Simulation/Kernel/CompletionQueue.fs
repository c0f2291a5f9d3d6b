// The kernel's side of a completion queue: posts, keeps a backlog when it is full, and scribbles over what the program has
// given back, so that a completion that is read too late is seen. Source: reference section 4.8.
namespace Uring.Simulation.Kernel

open System.Collections.Generic
open Uring.Kernel
open Uring.Model
open Uring.Simulation

[<Sealed>]
type internal CompletionQueue
    (rings: nativeint, offsets: CompletionOffsets, flags: nativeint, entries: uint32, choices: Choices) =
    let head = rings + nativeint offsets.Head
    let tail = rings + nativeint offsets.Tail
    let slots = rings + nativeint offsets.Completions
    let backlog = Queue<Completion>()
    let mutable written = 0u
    let mutable scribbled = 0u

    // An operation that does not exist: the driver calls it a violation.
    let garbage = {
        UserData = UserData.pack 0x7fff_fff0u 0xdeadu CompletionKind.Operation
        Result = 0x0bad_cafe
        Flags = CqeFlags.None
    }

    let slot (index: uint32) = slots + nativeint (index &&& (entries - 1u)) * 16n

    let setOverflow isOverflowing =
        let bits = Mapped.read<uint32> flags
        let bit = uint32 SubmissionRingFlags.CompletionOverflow
        Mapped.storeRelease flags (if isOverflowing then bits ||| bit else bits &&& ~~~bit)

    let write (completion: Completion) =
        Mapped.write<Completion> (slot written) completion
        written <- written + 1u
        // Release: pairs with the program's acquire of the tail (RingMemory.CompletionTail).
        Mapped.storeRelease tail written

    /// What the program has read, it must not read again.
    let scribble (seen: uint32) =
        while scribbled <> seen do
            Mapped.write<Completion> (slot scribbled) garbage
            scribbled <- scribbled + 1u

    let room () =
        let seen = Mapped.loadAcquire head
        scribble seen
        entries - (written - seen)

    /// Completions in the ring that the program has not taken.
    member _.Ready = written - Mapped.loadAcquire head

    /// Completions that only io_uring_enter(GETEVENTS) brings.
    member _.HasBacklog = backlog.Count > 0

    /// Posts. False when it had to go to the backlog.
    member _.Post(completion: Completion) : bool =
        if backlog.Count = 0 && room () > 0u && not (choices.Strikes Fault.Overflowed) then
            write completion
            true
        else
            backlog.Enqueue completion
            setOverflow true
            false

    /// Posts, or says false and posts nothing: what has more to say stops then.
    member _.TryPost(completion: Completion) : bool =
        if backlog.Count = 0 && room () > 0u && not (choices.Strikes Fault.Overflowed) then
            write completion
            true
        else
            false

    /// Brings the backlog into the ring, as far as there is room.
    member _.Flush() =
        while backlog.Count > 0 && room () > 0u do
            write (backlog.Dequeue())

        if backlog.Count = 0 then setOverflow false

    /// Looks at what the program has given back.
    member _.Look() = scribble (Mapped.loadAcquire head)
