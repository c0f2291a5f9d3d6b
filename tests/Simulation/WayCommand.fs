/// What programs of the differential tests do in ways of their own: flags that say how something is done which other commands
/// do plainly.
module Uring.Tests.Simulation.WayCommand

open System
open Uring.Kernel
open Uring.Model

/// One submission; `how` is a number that is taken modulo the ways that there are, and a target is how many others were
/// submitted between it and this one.
type WayCommand =
    /// Looks up what it is told to look up: a descriptor or a slot of files, and a slot of buffers.
    | Look of fd: int * slot: int * how: int * result: int
    /// A completion for the other ring, or for the own one, with flags.
    | TellFlags of own: bool * value: int * how: int
    /// Of the other ring: one that polls itself is told of its own completions, which come when they are told.
    | PollRing of events: PollEvents
    /// With an I/O priority.
    | ReadClass of fd: int * length: int * offset: int * how: int
    | WriteClass of fd: int * length: int * offset: int * how: int
    /// Without a signal when nobody reads any more (RWF_NOSIGNAL).
    | WriteQuietly of fd: int * length: int * offset: int
    | ReadQuietly of fd: int * length: int * offset: int
    | AcceptHow of fd: int * many: bool * how: int
    | SpliceHow of source: int * target: int * length: int * how: int
    | TeeHow of source: int * target: int * length: int * how: int
    /// Until a point in time: long past, or in a thousand years.
    | Until of past: bool * how: int
    /// Another time for a timeout: a point in time, a link timeout's, or with a clock, which is refused.
    | ChangeHow of target: int * past: bool * how: int

/// It writes to the memory of its submission.
let receives (command: WayCommand) =
    match command with
    | ReadClass _
    | ReadQuietly _ -> true
    // An open set: the rest has results alone.
    | _ -> false

/// A worker does it.
let isWorkers (command: WayCommand) =
    match command with
    | WriteClass _
    | WriteQuietly _
    | SpliceHow _
    | TeeHow _ -> true
    // An open set: the ring's own thread.
    | _ -> false

/// It looks for others, and finds those of its own batch by chance.
let looksForOthers (command: WayCommand) =
    match command with
    | ChangeHow _
    // What comes to the other ring is taken at once, and may be gone when the poll looks.
    | PollRing _ -> true
    // An open set: the rest stands for itself.
    | _ -> false

let private pick (choices: 'T array) (how: int) = choices[how % choices.Length]

// Classes 2 and 3 with their levels, none, and what is no class and no level of none. The first is for the privileged.
let private priorities = [| 0x4000us; 0x4007us; 0x6000us; 0x6003us; 0us; 0x0001us; 0x8000us |]

// Of a descriptor, a registered file, a registered buffer, by task work, as a completion of 32 bytes, and what is no flag.
let private looks = [| 2u; 6u; 4u; 8u; 0x10u; 0x12u; 0x1fu; 0x20u; 0x40u |]

// What arrives is what was sent, whatever it would mean in a completion of one's own.
let private flags = [| 0u; 1u; 2u; 4u; 0x10000u; 0x8000_0000u; 0xffff_ffffu |]

// Not to wait, to wait first, and both; what is no flag.
let private accepting = [|
    OpFlags.AcceptDontWait
    OpFlags.AcceptPollFirst
    OpFlags.AcceptDontWait ||| OpFlags.AcceptPollFirst
    0x8us
|]

// SPLICE_F_NONBLOCK, and with that MOVE, MORE, GIFT, and what is no flag.
let private splicing = [| 2u; 3u; 6u; 10u; 15u; 0x12u |]

// By a clock, and as a success.
let private clocks = [| 0u; OpFlags.TimeoutBootTime; OpFlags.TimeoutRealTime; OpFlags.TimeoutSuccess; 12u |]

let private changes = [|
    OpFlags.TimeoutChange ||| OpFlags.TimeoutAbsolute
    OpFlags.TimeoutChange ||| OpFlags.LinkTimeoutChange
    OpFlags.LinkTimeoutChange ||| OpFlags.TimeoutAbsolute
    OpFlags.TimeoutChange ||| OpFlags.TimeoutAbsolute ||| OpFlags.TimeoutBootTime
    OpFlags.TimeoutAbsolute
|]

/// A random one.
let random (random: Random) : WayCommand =
    let fd () = random.Next 8
    let length () = random.Next(0, 40)
    let offset () = if random.Next 2 = 0 then -1 else random.Next 50
    let how () = random.Next 60

    match random.Next 16 with
    | 0
    | 1 -> Look(random.Next 10, random.Next 5, how (), random.Next(-3, 5))
    | 2 -> TellFlags(random.Next 3 = 0, random.Next 100, how ())
    | 3 -> PollRing(if random.Next 3 = 0 then PollEvents.Writable else PollEvents.Readable)
    | 4
    | 5 -> ReadClass(fd (), length (), offset (), how ())
    | 6 -> WriteClass(fd (), length (), offset (), how ())
    | 7 -> WriteQuietly(fd (), length (), offset ())
    | 8 -> ReadQuietly(fd (), length (), offset ())
    | 9
    | 10
    | 11 -> AcceptHow(fd (), random.Next 2 = 0, how ())
    | 12 -> SpliceHow(fd (), fd (), length () + 1, how ())
    | 13 -> TeeHow(fd (), fd (), length () + 1, how ())
    | 14 -> Until(random.Next 2 = 0, how ())
    | _ -> ChangeHow(random.Next 4, random.Next 2 = 0, how ())

/// Its submission, with the memory at `place`. `ring` is the own one or the other, and `told` what is said there.
let encode
    (fd: int -> int)
    (ring: bool -> int)
    (told: int -> UserData)
    (userData: int -> UserData)
    (place: nativeint)
    (index: int)
    (command: WayCommand)
    : Submission =
    let filled (length: int) =
        let bytes = Mapped.span place length

        for at in 0 .. length - 1 do
            bytes[at] <- byte (index * 31 + at)

        uint64 place

    let point isPast =
        Mapped.write<int64> place (if isPast then 0L else 32_503_680_000L)
        Mapped.write<int64> (place + 8n) 0L
        uint64 place

    let classed how (submission: Submission) = { submission with Priority = pick priorities how }

    match command with
    | Look(file, slot, how, result) ->
        let wanted = pick looks how
        let target = if (wanted &&& OpFlags.NopFixedFile) <> 0u then slot else fd file

        let look = Submission.nopLike target result (wanted ||| OpFlags.InjectResult) (uint16 slot)

        if how % 2 = 0 then look else { look with OpFlags = wanted; Length = 0u }
    | TellFlags(own, value, how) ->
        Submission.messageRingFlagged (ring own) (told value) (uint32 value) (pick flags how)
    | PollRing events -> Submission.poll (ring false) (uint32 events)
    | ReadClass(file, length, offset, how) ->
        Submission.read (fd file) (uint64 place) (uint32 length) (uint64 offset) |> classed how
    | WriteClass(file, length, offset, how) ->
        Submission.write (fd file) (filled length) (uint32 length) (uint64 offset) |> classed how
    | WriteQuietly(file, length, offset) ->
        Submission.write (fd file) (filled length) (uint32 length) (uint64 offset)
        |> Submission.transferring TransferFlags.NoSignal
    | ReadQuietly(file, length, offset) ->
        Submission.read (fd file) (uint64 place) (uint32 length) (uint64 offset)
        |> Submission.transferring TransferFlags.NoSignal
    | AcceptHow(file, many, how) ->
        let accept =
            if many then
                Submission.acceptMultishot (fd file) 0u
            else
                Submission.accept (fd file) 0UL 0UL 0u

        { accept with Priority = accept.Priority ||| pick accepting how }
    | SpliceHow(source, target, length, how) ->
        let none = OpFlags.CurrentPosition
        Submission.splice (fd source) none (fd target) none (uint32 length) (pick splicing how)
    | TeeHow(source, target, length, how) ->
        Submission.tee (fd source) (fd target) (uint32 length) (pick splicing how)
    | Until(past, how) -> Submission.timeout (point past) (OpFlags.TimeoutAbsolute ||| pick clocks how)
    | ChangeHow(target, past, how) ->
        Submission.changeTimeout (userData target) (point past) (pick changes how)
