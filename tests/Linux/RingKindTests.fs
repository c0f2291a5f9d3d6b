/// Rings of every kind: which the kernel takes, and that the library works on them.
module Uring.Tests.Linux.RingKindTests

open System
open System.IO
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

let private named (flags: SetupFlags) = string flags

/// The kernel's word on a ring with exactly these flags.
let private isTaken (flags: SetupFlags) =
    let mutable parameters = {
        Unchecked.defaultof<SetupParameters> with
            Flags = flags
            CompletionEntries = 8u
            PollingIdle = 1u
    }

    match LinuxKernel.Instance.Setup(4u, &parameters) with
    | result when Errno.isError result ->
        Expect.equal (Errno.ofResult result) Errno.EINVAL (named flags)
        false
    | ring ->
        LinuxKernel.Instance.Close ring |> ignore
        true

/// All subsets.
let rec private subsets flags =
    match flags with
    | [] -> [ SetupFlags.None ]
    | first :: rest -> subsets rest |> List.collect (fun flags -> [ flags; flags ||| first ])

/// Those that some rule speaks of, and some that none does.
let private combinations =
    subsets [
        SetupFlags.DevicePolling
        SetupFlags.SubmissionPolling
        SetupFlags.SubmissionAffinity
        SetupFlags.Disabled
        SetupFlags.CooperativeTaskrun
        SetupFlags.TaskrunFlag
        SetupFlags.SingleIssuer
        SetupFlags.DeferTaskrun
        SetupFlags.NoSubmissionArray
        SetupFlags.HybridPolling
        SetupFlags.Clamp ||| SetupFlags.SubmitAll ||| SetupFlags.CompletionSize
    ]

let private kernels =
    testList "combinations" [
        testCase "what the model accepts the kernel takes, and what it refuses the kernel refuses" (fun () ->
            let wrong = [
                for flags in combinations do
                    if isTaken flags <> (RingSetup.conflict flags).IsNone then named flags
            ]

            Expect.hasLength combinations 2048 "combinations"
            Expect.equal wrong [] "where model and kernel disagree")

        testCase
            "a refused combination is an ArgumentException with the remedy, before the kernel hears of it"
            (fun () ->
                let kernel = FaultyKernel()

                for asked, remedy in
                    [
                        SetupFlags.SubmissionAffinity, "IORING_SETUP_SQPOLL"
                        SetupFlags.SubmissionPolling ||| SetupFlags.DeferTaskrun, "Leave one of them out"
                    ] do
                    let setup = { RingSetup.nothing with Asked = asked }

                    match failureOf (fun () -> startLoop kernel { small with Setup = setup }) with
                    | :? ArgumentException as failure ->
                        Expect.stringContains failure.Message remedy "remedy"
                        Expect.equal failure.ParamName "Setup" "parameter"
                    | other -> failtest $"{other}"

                Expect.equal kernel.Setups 0 "calls")

        testCase "a ring that polls devices is refused, and why" (fun () ->
            let setup = { RingSetup.nothing with Asked = SetupFlags.DevicePolling }

            match failureOf (fun () -> startLoop LinuxKernel.Instance { small with Setup = setup }) with
            | :? ArgumentException as failure -> Expect.stringContains failure.Message "IOPOLL" "why"
            | other -> failtest $"{other}")

        // The reasons of docs/options.md, as far as they can be looked at.
        testCase "a ring that polls devices refuses what a loop needs" (fun () ->
            match
                Setup.createWith
                    LinuxKernel.Instance
                    { RingSetup.nothing with Asked = SetupFlags.DevicePolling }
                    8
                    16
            with
            | Error refusal -> failtest $"{refusal}"
            | Ok ring ->
                use ring = ring
                ring.Enable()

                let result (submission: Submission) =
                    Expect.isTrue (ring.TrySubmit &submission) "room"
                    ring.Enter(0, -1L) |> ignore

                    eventually "answered" (fun () ->
                        ring.Enter(0, -1L) |> ignore
                        ring.Ready() > 0)

                    let result = ring.Completion(0).Result
                    ring.Advance 1
                    result

                Expect.equal (result (Submission.nop ())) 0 "a nop"

                for what, submission in
                    [
                        "close", Submission.close 100_000
                        "cancel", Submission.cancel UserData.none
                        "poll", Submission.poll 0 1u
                        "timer", Submission.timeout 0UL 0u
                    ] do
                    Expect.equal (Errno.ofResult (result submission)) Errno.EINVAL what)

        testCase "a processor that is not there is told of, after each rung" (fun () ->
            let setup = {
                RingSetup.nothing with
                    Asked = SetupFlags.SubmissionPolling ||| SetupFlags.SubmissionAffinity
                    PollingProcessor = 4095u
            }

            match failureOf (fun () -> startLoop LinuxKernel.Instance { small with Setup = setup }) with
            | :? Uring.UringUnavailableException as failure ->
                Expect.stringContains failure.Message "IORING_SETUP_SQ_AFF" "what"
                Expect.stringContains failure.Message "processor" "remedy"
            | other -> failtest $"{other}")

        testCase "options that make no sense are refused with their names" (fun () ->
            for options, name in
                [
                    { small with WaitFor = 0 }, "WaitFor"
                    { small with WaitFor = 8 }, "MinimumWait"
                    { small with MinimumWait = -1 }, "MinimumWait"
                    { small with BusyPolling = -1 }, "BusyPolling"
                    { small with WaitClock = Clock.RealTime }, "WaitClock"
                    { small with WorkerProcessors = [| -1 |] }, "WorkerProcessors"
                ] do
                match failureOf (fun () -> startLoop LinuxKernel.Instance options) with
                | :? ArgumentException as failure -> Expect.equal failure.ParamName name name
                | other -> failtest $"{other}")
    ]

// ---- the same work on every kind of ring

let private files (host: LoopThread) =
    inFolder (fun folder ->
        let text = Array.init 100_000 byte

        let program =
            uring {
                use! file = File.create (at folder "a")

                for index in 0..9 do
                    do!
                        File.write
                            file
                            (ReadOnlyMemory(text, index * 10_000, 10_000))
                            (int64 index * 10_000L)

                do! File.sync file
                let read = Array.zeroCreate<byte> text.Length
                let! count = File.read file (Memory read) 0L
                return count, read
            }

        let count, read = runOn host program
        Expect.equal count text.Length "bytes"
        Expect.isTrue (read.AsSpan().SequenceEqual(ReadOnlySpan text)) "as written"

        match failureOf (fun () -> runOn host (File.openRead (at folder "missing"))) with
        | :? FileNotFoundException -> ()
        | other -> failtest $"{other}")

let private sockets (host: LoopThread) =
    let struct (ours, theirs) = connectPair host
    use theirs = theirs
    let bytes = Array.init 5_000 byte

    let program =
        uring {
            use! ours = Uring.result ours
            do! Socket.send ours (ReadOnlyMemory bytes)
            let back = Array.zeroCreate<byte> bytes.Length
            let mutable got = 0

            while got < back.Length do
                let! count = Socket.receive ours (Memory(back, got, back.Length - got))
                got <- got + count

            return back
        }

    let running = startOn host program
    let heard = Array.zeroCreate<byte> bytes.Length
    let mutable got = 0

    while got < heard.Length do
        got <- got + theirs.Receive(heard, got, heard.Length - got, Net.Sockets.SocketFlags.None)

    theirs.Send heard |> ignore
    Expect.equal (running |> finish "echo") bytes "there and back"

let private timers (host: LoopThread) =
    let program = Uring.timeout (TimeSpan.FromMilliseconds 5.0) (Uring.sleep (TimeSpan.FromMinutes 1.0))

    match failureOf (fun () -> runOn host program) with
    | :? TimeoutException -> ()
    | other -> failtest $"{other}"

    use source = new CancellationTokenSource()
    let waiting = startAs host (timerOf 60_000.0) source.Token
    source.Cancel()
    ended "cancelled" waiting
    Expect.isTrue waiting.IsCanceled "cancelled"

/// More at once than the queue has places, here and from other threads.
let private crowds (host: LoopThread) =
    let burst = [| for _ in 1..500 -> startAs host nop CancellationToken.None |]
    Task.WhenAll burst |> finish "burst" |> ignore

    let local =
        uring {
            let! results = Uring.``parallel`` [ for _ in 1..300 -> Uring.nop ]
            return results.Length
        }

    Expect.equal (runOn host local) 300 "from within"

/// What the kernel reads of a submission has to stay until it is done with it, which a thread of the kernel is late.
let private memories (host: LoopThread) =
    inFolder (fun folder ->
        let opens = [|
            for index in 1..200 ->
                startOn
                    host
                    (uring {
                        use! _ = File.create (at folder $"file-{index}")
                        return index
                    })
        |]

        GC.Collect()
        let made = Task.WhenAll opens |> finish "files"
        Expect.equal (Array.sum made) 20_100 "all"

        for index in 1..200 do
            Expect.isTrue (IO.File.Exists(at folder $"file-{index}")) "a name that arrived whole")

let private lets (asked: SetupFlags) = {
    LoopOptions.standard with
        Entries = 8
        Completions = 64
        Setup = { RingSetup.nothing with Asked = asked; PollingIdle = 1u }
}

let private eager = lets SetupFlags.SubmissionPolling

/// Every kind that is not refused here.
let private kinds = [
    "ordinary", small
    "submitting thread, asleep after a millisecond", eager
    "submitting thread, never asleep", { eager with Setup = { eager.Setup with PollingIdle = 60_000u } }
    "submitting thread on the first processor",
    lets (SetupFlags.SubmissionPolling ||| SetupFlags.SubmissionAffinity)
    "submitting thread, blocking at once", { eager with Looks = 0 }
    "without a registered descriptor", { small with RegistersRing = false }
    "batches of completions", { small with WaitFor = 4; MinimumWait = 500 }
    "waits that count as idle", { small with NoIoWait = true; Looks = 0 }
    "boot time", { small with WaitClock = Clock.BootTime; Wake = Wake.Poll }
    "workers on the first processor", { small with WorkerProcessors = [| 0 |] }
    "one worker of each sort", { small with BoundedWorkers = 1; UnboundedWorkers = 1 }
    "cooperative", lets SetupFlags.CooperativeTaskrun
]

let private works =
    testList "works" [
        for kind, options in kinds do
            for what, work in
                [
                    "files", files
                    "sockets", sockets
                    "timers", timers
                    "crowds", crowds
                    "memories", memories
                ] do
                testCase $"{what}: {kind}" (fun () ->
                    let kernel = FaultyKernel()
                    withLoopOf kernel options work
                    Expect.equal (kernel.OpenRings, kernel.OpenMaps, kernel.Strays) (0, 0, 0) "left behind")
    ]

let private pair = Chain.append (Chain.single nop) (Chain.single nop)

let private polled =
    testList "submitting thread" [
        testCase "it is on every rung, down to 5.11" (fun () ->
            for missing in [ SetupFlags.NoSubmissionArray; SetupFlags.SingleIssuer; SetupFlags.SubmitAll ] do
                let kernel = FaultyKernel()
                kernel.RefuseFlags missing

                withLoopOf kernel eager (fun host ->
                    let flags = host.Loop.Plan.Setup.Flags
                    Expect.isTrue (flags.HasFlag SetupFlags.SubmissionPolling) "asked for"
                    Expect.equal (flags &&& missing) SetupFlags.None "missing"
                    crowds host))

        testCase "a kernel without it refuses, and is not given another ring" (fun () ->
            let kernel = FaultyKernel()
            kernel.RefuseFlags SetupFlags.SubmissionPolling

            match failureOf (fun () -> startLoop kernel eager) with
            | :? Uring.UringUnavailableException as failure ->
                Expect.equal failure.Refusal (Refusal.NotLikeThis SetupFlags.SubmissionPolling) "cause"
            | other -> failtest $"{other}")

        testCase "while it is awake, submitting takes no call" (fun () ->
            let kernel = FaultyKernel()
            let submitted = ref 0

            kernel.OnEnter <-
                fun call ->
                    let why = EnterFlags.GetEvents ||| EnterFlags.WakeSubmitter ||| EnterFlags.WaitForRoom

                    if (call.Flags &&& why) = EnterFlags.None then Interlocked.Increment submitted |> ignore

                    Answer.Real

            let awake = {
                eager with
                    Setup = { eager.Setup with PollingIdle = 60_000u }
                    Entries = 256
                    Completions = 1024
            }

            withLoopOf kernel awake (fun host ->
                crowds host
                let statistics = host.Loop.Statistics
                Expect.isGreaterThan statistics.Submitted 800L "submitted"
                Expect.isLessThan statistics.Enters 800L "calls"
                Expect.equal submitted.Value 0 "calls that only submit"))

        testCase "two rings share it, and chains are refused on both" (fun () ->
            withLoopOf LinuxKernel.Instance eager (fun lender ->
                let wishes = lender.Loop.LendSubmitter()

                withLoopOf LinuxKernel.Instance { small with Setup = wishes } (fun borrower ->
                    for host in [ lender; borrower ] do
                        crowds host
                        files host

                        match failureOf (fun () -> host.Loop.StartChain(pair, CancellationToken.None)) with
                        | :? NotSupportedException as failure ->
                            Expect.stringContains failure.Message "shares" "why"
                        | other -> failtest $"{other}")))

        testCase "a ring without one lends none" (fun () ->
            withLoopOf LinuxKernel.Instance small (fun host ->
                Expect.throwsT<InvalidOperationException>
                    (fun () -> host.Loop.LendSubmitter() |> ignore)
                    "lends"))

        testCase "a ring that has ended lends none" (fun () ->
            let wishes = withLoopOf LinuxKernel.Instance eager (fun lender -> lender.Loop.LendSubmitter())

            match failureOf (fun () -> startLoop LinuxKernel.Instance { small with Setup = wishes }) with
            | :? Uring.UringUnavailableException -> ()
            | other -> failtest $"{other}")
    ]

[<Tests>]
let tests = testSequenced <| testList "RingKind" [ kernels; works; polled ]
