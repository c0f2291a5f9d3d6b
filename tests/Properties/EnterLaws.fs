module Uring.Laws.EnterLaws

open Expecto
open Uring.Model

/// What the kernel answers to one call.
type Answer =
    /// It takes so many submissions and says so.
    | Takes of count: byte
    /// It takes so many submissions, and then a signal comes: it says EINTR and not the number.
    | Interrupted of count: byte
    /// It wants completions taken first: EBUSY, EAGAIN or ENOMEM.
    | ShortOfRoom of which: byte

let private errnos = [| Errno.EBUSY; Errno.EAGAIN; Errno.ENOMEM |]

/// A ring between a driver, who only obeys verdicts, and a kernel, who takes submissions in order, and none
/// while completions lie about.
type private World = {
    Queue: Queue
    /// The kernel's own count of what it has taken.
    Taken: int
    /// Completions that the driver has not reaped.
    Backlog: int
    Calls: int
}

let private kernel answer world =
    let inside = int (world.Queue.Tail - (0xFFFF_FFF0u + uint32 world.Taken))
    let take count = { world with Taken = world.Taken + min (int count) inside }

    match answer with
    | Takes _ when world.Backlog > 0 -> world, Errno.toResult Errno.EBUSY
    | Takes count -> take count, (take count).Taken - world.Taken
    | Interrupted count when world.Backlog = 0 -> take count, Errno.toResult Errno.EINTR
    | Interrupted _ -> world, Errno.toResult Errno.EINTR
    | ShortOfRoom which -> { world with Backlog = 8 }, Errno.toResult errnos[int which % 3]

/// The driver: reads the kernel's head after every call, and does what the verdict says.
let rec private submit answers world =
    let unsubmitted = Queue.used world.Queue

    if Enter.needed unsubmitted 0u SubmissionRingFlags.None |> not then
        world
    elif world.Calls > 1000 then
        failtest "it calls for ever"
    else
        let answer, answers =
            match answers with
            | answer :: rest -> answer, rest
            | [] -> Takes 255uy, []

        let world, result = kernel answer { world with Calls = world.Calls + 1 }
        let head = 0xFFFF_FFF0u + uint32 world.Taken
        let world = { world with Queue = Queue.consumedTo head world.Queue }

        match Enter.verdict result with
        | EnterVerdict.Progress
        | EnterVerdict.Again -> submit answers world
        | EnterVerdict.ReapFirst -> submit answers { world with Backlog = 0 }
        | EnterVerdict.TimedOut
        | EnterVerdict.Fatal -> failtestf "%d is no reason to stop" result

let private submitAll count answers =
    submit answers {
        Queue = { Head = 0xFFFF_FFF0u; Tail = 0xFFFF_FFF0u + uint32 count; Entries = 256u }
        Taken = 0
        Backlog = 0
        Calls = 0
    }

let private words = [
    for bits in 0u .. 7u -> LanguagePrimitives.EnumOfValue<uint32, SubmissionRingFlags> bits
]

/// By hand from kernel.md 2.6: of the three bits, 2 (overflow) and 4 (task work) want io_uring_enter.
let private wants (ring: SubmissionRingFlags) = uint32 ring >= 2u

let private counts = [ 0u; 1u; 2u; 32768u; 0x8000_0000u; 0xFFFF_FFFFu ]

[<Tests>]
let laws =
    testList "Enter" [
        testProperty
            "1. a signal loses nothing: EINTR means again, and what was consumed is read from the \
             kernel's head"
        <| fun (count: byte) (answers: Answer list) ->
            let world = submitAll count answers
            Expect.equal world.Taken (int count) "submissions taken"
            Expect.isTrue (Queue.isEmpty world.Queue) "and none is left"

        test "1. ... and the same call again" { Expect.equal (Enter.verdict -4) EnterVerdict.Again "EINTR" }

        test
            "2. when the kernel is short of room (EBUSY, EAGAIN, ENOMEM) completions are reaped before \
             the next try" {
            for result in [ -16; -11; -12 ] do
                Expect.equal (Enter.verdict result) EnterVerdict.ReapFirst $"{result}"

            let world = submitAll 8uy [ for which in 0uy .. 5uy -> ShortOfRoom which ]
            Expect.equal world.Calls 7 "each refusal costs one call"
        }

        test "3. a lost completion (EBADR) and every unexpected error is fatal, never ignored" {
            for number in 1..4095 do
                if not (List.contains number [ 4; 11; 12; 16; 62 ]) then
                    Expect.equal (Enter.verdict -number) EnterVerdict.Fatal $"errno {number}"

            Expect.equal (Enter.verdict -62) EnterVerdict.TimedOut "ETIME"
        }

        testProperty "3. ... and only errors are"
        <| fun (result: int) -> (Enter.verdict result = EnterVerdict.Progress) = (result >= 0)

        test "4. it is never called without work: no submission, no wait, no pending kernel work, no call" {
            for unsubmitted, waitFor in List.allPairs counts counts do
                for ring in words do
                    let work = unsubmitted <> 0u || waitFor <> 0u || wants ring

                    Expect.equal
                        (Enter.needed unsubmitted waitFor ring)
                        work
                        $"{unsubmitted}, {waitFor}, {ring}"
        }

        test "4. ... and a call that submits nothing has GETEVENTS, or it would do nothing" {
            for waitFor in counts do
                for ring in words do
                    let flags deferred = uint32 (Enter.flags deferred waitFor ring)
                    let context = $"{waitFor}, {ring}"
                    Expect.equal (flags true) 1u $"deferred, {context}"
                    let expected = if Enter.needed 0u waitFor ring then 1u else 0u
                    Expect.equal (flags false) expected context
        }

        test
            "5. a ring with a submitting thread is entered to wake that thread (it sleeps, and something waits \
             for it), to wait for room in a full queue, and to wait for completions; never to submit" {
            for unsubmitted, waitFor in List.allPairs counts counts do
                for isFull in [ true; false ] do
                    for ring in words do
                        let flags = uint32 (Enter.whenPolled unsubmitted isFull waitFor ring)
                        let wakes = unsubmitted > 0u && uint32 ring % 2u = 1u
                        let context = $"{unsubmitted}, {isFull}, {waitFor}, {ring}"
                        Expect.equal (flags &&& 2u <> 0u) wakes $"SQ_WAKEUP: {context}"
                        Expect.equal (flags &&& 4u <> 0u) isFull $"SQ_WAIT: {context}"
                        Expect.equal (flags &&& 1u <> 0u) (waitFor > 0u || wants ring) $"GETEVENTS: {context}"
                        Expect.equal (flags &&& ~~~7u) 0u $"nothing else: {context}"
        }

        testProperty
            "6. a wait with a minimum has an end as well: without one the kernel would end it at the minimum"
        <| fun (minimum: uint32) (limit: int64) ->
            let limited = Enter.limitOf minimum limit
            Expect.equal (Enter.limitOf 0u limit) limit "no minimum, no change"

            if minimum > 0u then
                Expect.isTrue (limited >= 0L) "an end"

                if limit >= 0L then
                    Expect.equal limited limit "that was there"
                else
                    Expect.isTrue (limited / 1000L > int64 minimum) "long after the minimum"
    ]
