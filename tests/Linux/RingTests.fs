/// The ring without threads: full queues, overflows and every answer of io_uring_enter lose nothing.
module Uring.Tests.Linux.RingTests

open System
open System.Runtime.CompilerServices
open System.Runtime.InteropServices
open Expecto
open Uring.Driver
open Uring.Kernel
open Uring.Model

let private made kernel entries completions =
    match Setup.create kernel entries completions with
    | Ok ring ->
        ring.Enable()
        ring
    | Error refusal -> failtest $"no ring: {refusal}"

let private named (number: int) = Submission.nop () |> Submission.tagged { Bits = uint64 number }

/// Takes what is there, and hands on its names.
let private reap (ring: Ring) (visit: int -> unit) =
    let count = ring.Ready()

    for index in 0 .. count - 1 do
        let completion = ring.Completion index
        Expect.equal completion.Result 0 "a nop"
        visit (int completion.UserData.Bits)

    ring.Advance count
    count

/// Submits `total` nops, entering when the queue is full, without reaping; then reaps all.
let private overflowing kernel =
    let total = 10_000
    use ring = made kernel 8 16

    for number in 1..total do
        let nop = named number

        if not (ring.TrySubmit &nop) then
            ring.Enter(0, -1L) |> ignore
            Expect.isTrue (ring.TrySubmit &nop) "room after an enter"

    ring.Enter(0, -1L) |> ignore
    Expect.equal (ring.Ready()) 16 "the completion queue is full"
    Expect.isTrue ring.HasPendingWork "and says that there is more"
    let seen = ResizeArray<int>()

    while seen.Count < total do
        if reap ring seen.Add = 0 then
            Expect.isTrue ring.HasPendingWork "the rest is with the kernel"
            ring.Enter(0, -1L) |> ignore

    Expect.sequenceEqual seen (seq { 1..total }) "each once, in order"
    Expect.equal ring.Statistics.Submitted (int64 total) "submitted"
    Expect.equal ring.Statistics.Completed (int64 total) "completed"

/// Submits and reaps side by side, whatever the kernel answers.
let private throughFaults (answers: int -> Answer) =
    let total = 5_000
    let faulty = FaultyKernel()
    let calls = ref 0
    use ring = made faulty 8 16

    faulty.OnEnter <-
        fun _ ->
            calls.Value <- calls.Value + 1
            answers calls.Value

    let seen = ResizeArray<int>()
    let mutable next = 1

    while seen.Count < total do
        if calls.Value > 20 * total then failtest $"only {seen.Count} of {total} have come"

        while next <= total
              && (let nop = named next
                  ring.TrySubmit &nop) do
            next <- next + 1

        ring.Enter(1, 1_000_000L) |> ignore
        reap ring seen.Add |> ignore

    Expect.sequenceEqual seen (seq { 1..total }) "each once, in order"
    Expect.equal ring.Unsubmitted 0 "nothing left"

let private faults = [
    for errno in [ Errno.EINTR; Errno.EAGAIN; Errno.EBUSY; Errno.ENOMEM ] do
        $"{errno} before the call", Answer.Before errno
        $"{errno} after the call", Answer.After errno
    "one submission at a time", Answer.Partly 1u
    "three submissions at a time", Answer.Partly 3u
    "no submission", Answer.Partly 0u
]

let private flow =
    testList "completions" [
        for rung in Features.ladder do
            testCase $"10,000 nops through 8 entries, reaped at the end, with {rung}" (fun () ->
                let kernel = FaultyKernel()

                kernel.OnSetup <-
                    fun flags -> if flags = rung then Answer.Real else Answer.Before Errno.EINVAL

                overflowing kernel
                Expect.equal (kernel.OpenRings, kernel.OpenMaps) (0, 0) "nothing left")

        for what, fault in faults do
            testCase $"two calls of three: {what}" (fun () ->
                throughFaults (fun call -> if call % 3 = 0 then Answer.Real else fault))

        testCase "any fault at any call" (fun () ->
            for seed in 1..10 do
                let random = Random seed

                throughFaults (fun _ ->
                    if random.Next 2 = 0 then Answer.Real else snd faults[random.Next faults.Length]))
    ]

let private answers =
    testList "Enter" [
        testCase "makes no call when there is nothing to do" (fun () ->
            let kernel = FaultyKernel()
            use ring = made kernel 8 16
            kernel.OnEnter <- fun call -> failtest $"{call}"
            Expect.equal (ring.Enter(0, -1L)) EnterVerdict.Progress "nothing to do")

        testCase "waits no longer than it may" (fun () ->
            use ring = made LinuxKernel.Instance 8 16
            Expect.equal (ring.Enter(1, 2_000_000L)) EnterVerdict.TimedOut "nothing came")

        for errno in [ Errno.EBADR; Errno.EBADF; Errno.EINVAL; Errno.EFAULT; Errno.EOWNERDEAD ] do
            testCase $"{errno} is the end of the ring" (fun () ->
                let kernel = FaultyKernel()
                use ring = made kernel 8 16
                kernel.OnEnter <- Answer.always (Answer.Before errno)
                let nop = named 1
                ring.TrySubmit &nop |> ignore

                let raised = Expect.throwsC (fun () -> ring.Enter(0, -1L) |> ignore) (fun reason -> reason)

                match raised with
                | :? RingFailedException as failed -> Expect.equal failed.Errno errno "the cause"
                | other -> failtest $"{other}")

        testCase "a closed ring is closed once" (fun () ->
            let kernel = FaultyKernel()
            let ring = made kernel 8 16
            ring.Close()
            ring.Close()
            Expect.equal (kernel.OpenRings, kernel.OpenMaps, kernel.Strays) (0, 0, 0) "closed")
    ]

/// Reads a struct from words that hold their own number: each field then says where it lies.
let private numbered<'T when 'T: struct and 'T: (new: unit -> 'T) and 'T :> ValueType> () : 'T =
    let words = Array.init 64 uint32
    MemoryMarshal.Read<'T>(MemoryMarshal.AsBytes(ReadOnlySpan<uint32> words))

/// The layouts of kernel.md 2.9, in bytes.
let private layouts =
    testList "layouts" [
        testCase "io_uring_params" (fun () ->
            Expect.equal (Unsafe.SizeOf<SetupParameters>()) 120 "size"
            let seen = numbered<SetupParameters>()

            let places = [
                seen.SubmissionEntries, 0
                seen.CompletionEntries, 4
                uint32 seen.Flags, 8
                seen.PollingCpu, 12
                seen.PollingIdle, 16
                uint32 seen.Features, 20
                seen.WorkQueue, 24
                seen.SubmissionRing.Head, 40
                seen.CompletionRing.Head, 80
            ]

            for word, at in places do
                Expect.equal (int word * 4) at "offset")

        testCase "io_sqring_offsets" (fun () ->
            Expect.equal (Unsafe.SizeOf<SubmissionOffsets>()) 40 "size"
            let seen = numbered<SubmissionOffsets>()

            Expect.sequenceEqual
                [
                    seen.Head
                    seen.Tail
                    seen.RingMask
                    seen.RingEntries
                    seen.Flags
                    seen.Dropped
                    seen.Array
                    seen.Reserved
                    uint32 seen.UserAddress
                ]
                [ 0u .. 8u ]
                "words")

        testCase "io_cqring_offsets" (fun () ->
            Expect.equal (Unsafe.SizeOf<CompletionOffsets>()) 40 "size"
            let seen = numbered<CompletionOffsets>()

            Expect.sequenceEqual
                [
                    seen.Head
                    seen.Tail
                    seen.RingMask
                    seen.RingEntries
                    seen.Overflow
                    seen.Completions
                    seen.Flags
                    seen.Reserved
                    uint32 seen.UserAddress
                ]
                [ 0u .. 8u ]
                "words")

        testCase "io_uring_getevents_arg and __kernel_timespec" (fun () ->
            Expect.equal (Unsafe.SizeOf<GetEventsArgument>()) 24 "argument"
            let argument = numbered<GetEventsArgument>()
            Expect.equal (argument.SignalMaskSize, argument.MinimumWait) (2u, 3u) "words 2 and 3"
            Expect.equal (uint32 argument.Timespec) 4u "word 4"
            Expect.equal (Unsafe.SizeOf<Timespec>()) 16 "timespec"
            Expect.equal (uint32 (numbered<Timespec>()).Nanoseconds) 2u "word 2")

        testCase "an SQE has 64 bytes, a CQE 16" (fun () ->
            Expect.equal (Unsafe.SizeOf<Submission>()) 64 "SQE"
            Expect.equal (Unsafe.SizeOf<Completion>()) 16 "CQE"
            let seen = numbered<Completion>()
            Expect.equal (seen.Result, uint32 seen.Flags) (2, 3u) "words 2 and 3")

        testCase "the kernel fills in what we read" (fun () ->
            let mutable parameters = {
                Unchecked.defaultof<SetupParameters> with
                    Flags = SetupFlags.CompletionSize
                    CompletionEntries = 33u
            }

            let ring = LinuxKernel.Instance.Setup(5u, &parameters)
            Expect.isGreaterThanOrEqual ring 0 "a ring"
            LinuxKernel.Instance.Close ring |> ignore

            Expect.equal
                (parameters.SubmissionEntries, parameters.CompletionEntries)
                (8u, 64u)
                "rounded up to powers of two"

            Expect.isTrue (Features.isSufficient parameters.Features) "features"
            let cq = parameters.CompletionRing
            Expect.isLessThan cq.Head cq.Completions "the counters come before the entries")
    ]

[<Tests>]
let tests = testSequenced <| testList "Ring" [ flow; answers; layouts ]
