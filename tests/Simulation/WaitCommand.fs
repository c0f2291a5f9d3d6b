/// What programs of the differential tests do with what waits: for its time, for events, for one of several words; and how
/// they change that.
module Uring.Tests.Simulation.WaitCommand

open System
open Uring.Kernel
open Uring.Model

/// One submission; a target is how many others were submitted between it and this one, modulo those that there are.
type WaitCommand =
    /// Tells of its time `count` times: after an hour, when there are no microseconds.
    | Tick of count: int * microseconds: int
    | ChangeTime of target: int * microseconds: int
    /// In hours, so that nothing comes of it.
    | Postpone of target: int
    | StopTime of target: int
    | ChangeEvents of target: int * events: PollEvents
    | StopPoll of target: int
    /// Two words and what is expected of them. They are zero for ever.
    | WaitWords of first: int * second: int * expected: int

/// It looks for others, and finds those of its own batch by chance.
let looksForOthers (command: WaitCommand) =
    match command with
    | ChangeTime _
    | Postpone _
    | StopTime _
    | ChangeEvents _
    | StopPoll _ -> true
    | Tick _
    | WaitWords _ -> false

/// A random one.
let random (random: Random) : WaitCommand =
    let target () = random.Next 4

    match random.Next 10 with
    | 8
    | 9
    | 0 -> Tick(random.Next(1, 4), (if random.Next 2 = 0 then 0 else random.Next 300))
    | 1 -> ChangeTime(target (), random.Next 300)
    | 2 -> Postpone(target ())
    | 3 -> StopTime(target ())
    | 4 -> ChangeEvents(target (), PollEvents.Readable)
    | 5 -> ChangeEvents(target (), PollEvents.Writable)
    | 6 -> StopPoll(target ())
    | _ -> WaitWords(random.Next 2, random.Next 2, (if random.Next 5 = 0 then 1 else 0))

let private hour = 3_600_000_000L

/// Its submission, with the memory at `place`.
let encode (userData: int -> UserData) (wordAt: int -> uint64) (place: nativeint) (command: WaitCommand) =
    let timespec (microseconds: int64) =
        Mapped.write<int64> place (microseconds / 1_000_000L)
        Mapped.write<int64> (place + 8n) (microseconds % 1_000_000L * 1000L)
        uint64 place

    match command with
    | Tick(count, microseconds) ->
        let span = if microseconds = 0 then hour else int64 microseconds

        { Submission.timeoutMultishot (timespec span) with Offset = uint64 count }
    | ChangeTime(target, microseconds) ->
        Submission.changeTimeout (userData target) (timespec (int64 microseconds)) OpFlags.TimeoutChange
    | Postpone target ->
        Submission.changeTimeout (userData target) (timespec (2L * hour)) OpFlags.TimeoutChange
    | StopTime target -> {
        Submission.nop () with
            Opcode = Opcode.TimeoutRemove
            Address = (userData target).Bits
      }
    | ChangeEvents(target, events) -> Submission.changePoll (userData target) (uint32 events)
    | StopPoll target -> {
        Submission.nop () with
            Opcode = Opcode.PollRemove
            Address = (userData target).Bits
      }
    | WaitWords(first, second, expected) ->
        for index, word in [ 0, first; 1, second ] do
            let entry = place + nativeint (24 * index)
            Mapped.write<uint64> entry (if index = 1 then uint64 expected else 0UL)
            Mapped.write<uint64> (entry + 8n) (wordAt word)
            Mapped.write<uint64> (entry + 16n) (uint64 (OpFlags.FutexSize32 ||| OpFlags.FutexPrivate))

        Submission.futexWaitAny (uint64 place) 2u
