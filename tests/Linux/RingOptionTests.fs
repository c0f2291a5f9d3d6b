/// What the options of a loop do, on the ring and to those who use it.
// Length: one list for each option, with a ring of each kind.
module Uring.Tests.Linux.RingOptionTests

open System
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

[<DllImport("libc", EntryPoint = "eventfd")>]
extern int private eventfd(uint32 initial, int flags)

[<DllImport("libc", EntryPoint = "read")>]
extern nativeint private read(int fd, byte[] buffer, nativeint count)

[<DllImport("libc", EntryPoint = "close")>]
extern int private close(int fd)

/// Every call of io_uring_enter, and what it was told.
let private watched options (body: LoopThread -> unit) : EnterCall list =
    let calls = Collections.Concurrent.ConcurrentQueue<EnterCall>()
    let kernel = FaultyKernel()

    kernel.OnEnter <-
        fun call ->
            calls.Enqueue call
            Answer.Real

    withLoopOf kernel options body
    List.ofSeq calls

let private works (host: LoopThread) =
    for _ in 1..20 do
        Expect.equal (attempt host nop) 0 "nop"

    runOn host (Uring.sleep (TimeSpan.FromMilliseconds 1.0))

let private entering =
    testList "entering" [
        testCase "a ring is named by the thread's own table" (fun () ->
            let calls = watched small works
            // The first worker is made before.
            let named = calls |> List.filter _.Flags.HasFlag(EnterFlags.RegisteredRing)
            Expect.isGreaterThan named.Length 20 "calls"
            Expect.isTrue (calls |> List.last |> _.Flags.HasFlag(EnterFlags.RegisteredRing)) "to the end")

        testCase "unless it is not wished for" (fun () ->
            for call in watched { small with RegistersRing = false } works do
                Expect.isFalse (call.Flags.HasFlag EnterFlags.RegisteredRing) $"{call}")

        testCase "or the kernel has no such table" (fun () ->
            let kernel = FaultyKernel()

            kernel.OnRegister <-
                fun opcode ->
                    if opcode = RegisterOpcode.RingDescriptors then
                        Answer.Before Errno.EINVAL
                    else
                        Answer.Real

            kernel.OnEnter <-
                fun call ->
                    Expect.isFalse (call.Flags.HasFlag EnterFlags.RegisteredRing) $"{call}"
                    Answer.Real

            withLoopOf kernel small works)

        testCase "waits count as waits for a disk, or not" (fun () ->
            let counts options =
                watched options works |> List.countBy _.Flags.HasFlag(EnterFlags.NoIoWait) |> List.map fst

            Expect.equal (counts small) [ false ] "they do"
            Expect.equal (counts { small with NoIoWait = true }) [ true ] "they do not")

        testCase "a lone completion is waited for as long as the minimum, and no longer" (fun () ->
            match Setup.create LinuxKernel.Instance 8 16 with
            | Error refusal -> failtest $"{refusal}"
            | Ok ring ->
                use ring = ring
                ring.Enable()
                let nop = Submission.nop ()
                Expect.isTrue (ring.TrySubmit &nop) "room"
                let clock = Stopwatch.StartNew()
                ring.Enter(8, Enter.limitOf 300_000u -1L, 300_000u) |> ignore
                Expect.isGreaterThanOrEqual clock.ElapsedMilliseconds 299L "waited"
                Expect.equal (ring.Ready()) 1 "for one")

        // Not timers: the end of one ends any wait (docs/kernel-findings.md).
        testCase "several completions are taken by one call" (fun () ->
            let patient = { small with WaitFor = 8; MinimumWait = 100_000; Looks = 0 }
            let rounds = 20

            withLoopOf LinuxKernel.Instance patient (fun host ->
                let pairs = [ for _ in 1..8 -> connectPair host ]

                let hear (ours: Uring.FSharp.Socket) =
                    uring {
                        use! ours = Uring.result ours
                        let bytes = Memory(Array.zeroCreate<byte> 1)

                        for _ in 1..rounds do
                            let! _ = Socket.receive ours bytes
                            ()

                        return rounds
                    }

                let before = host.Loop.Statistics

                let running =
                    startOn host (Uring.``parallel`` [ for struct (ours, _) in pairs -> hear ours ])

                let pause = SpinWait()

                for _ in 1..rounds do
                    for struct (_, theirs) in pairs do
                        theirs.Send [| 1uy |] |> ignore

                        for _ in 1..20 do
                            pause.SpinOnce -1

                let heard = running |> finish "heard"
                let calls = host.Loop.Statistics.Enters - before.Enters
                Expect.equal (Array.sum heard) (8 * rounds) "heard"
                Expect.isLessThan calls (int64 (8 * rounds)) "calls"

                for struct (_, theirs) in pairs do
                    theirs.Dispose()))

        testCase "a loop that ends does not wait for several" (fun () ->
            let patient = { small with WaitFor = 8; MinimumWait = 1_000; Looks = 0 }

            let calls =
                watched patient (fun host ->
                    let waiting = startAs host (timerOf 60_000.0) CancellationToken.None
                    eventually "begun" (fun () -> host.Loop.InFlight > 0)
                    host.DisposeAsync().AsTask() |> ended "ended"
                    ended "cancelled" waiting)

            // What comes after the wait that the end interrupted.
            let last = calls |> List.filter (fun call -> call.MinComplete > 0u) |> List.last
            Expect.equal last.MinComplete 1u "the last wait")

        testCase "an idle loop with a minimum sleeps on" (fun () ->
            let calls =
                watched { small with WaitFor = 2; MinimumWait = 1_000; Looks = 0 } (fun host ->
                    works host
                    let before = host.Loop.Statistics.Enters
                    let clock = Stopwatch.StartNew()
                    eventually "time" (fun () -> clock.ElapsedMilliseconds > 100L)
                    Expect.isLessThan (host.Loop.Statistics.Enters - before) 10L "calls while idle")

            Expect.isNonEmpty calls "calls")
    ]

/// What the kernel's own threads of this process may run on, by the beginning of their names.
let private processorsOf (prefix: string) = [
    for task in Directory.GetDirectories "/proc/self/task" do
        let lines =
            try
                if
                    File.ReadAllText(Path.Combine(task, "comm")).StartsWith(prefix, StringComparison.Ordinal)
                then
                    File.ReadAllLines(Path.Combine(task, "status"))
                else
                    [||]
            with :? IOException ->
                // It has ended meanwhile.
                [||]

        for line in lines do
            if line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal) then
                line.Substring(18).Trim()
]

let private threads =
    testList "threads of the kernel" [
        testCase "workers stay on their processors" (fun () ->
            withLoopOf LinuxKernel.Instance { small with WorkerProcessors = [| 0 |] } (fun host ->
                works host
                Expect.contains (processorsOf "iou-wrk") "0" "the first worker"))

        testCase "the submitting thread stays on its processor" (fun () ->
            let setup = {
                RingSetup.nothing with
                    Asked = SetupFlags.SubmissionPolling ||| SetupFlags.SubmissionAffinity
            }

            withLoopOf LinuxKernel.Instance { small with Setup = setup } (fun host ->
                works host
                Expect.contains (processorsOf "iou-sqp") "0" "processors"))

        testCase "what the kernel refuses is told, and nothing stays behind" (fun () ->
            let cases = [
                { small with WorkerProcessors = [| 0 |] }, RegisterOpcode.WorkerAffinity, "processors"
                { small with BusyPolling = 50 }, RegisterOpcode.BusyPolling, "6.9"
                { small with WaitClock = Clock.BootTime }, RegisterOpcode.Clock, "6.12"
                { small with EventDescriptor = 0 }, RegisterOpcode.EventDescriptor, "eventfd"
                { small with Restriction = ValueSome(Restriction.only []) },
                RegisterOpcode.Restrictions,
                "5.10"
            ]

            for options, refused, remedy in cases do
                let kernel = FaultyKernel()

                kernel.OnRegister <-
                    fun opcode -> if opcode = refused then Answer.Before Errno.EINVAL else Answer.Real

                match failureOf (fun () -> startLoop kernel options) with
                | :? NotSupportedException as failure ->
                    Expect.stringContains failure.Message remedy $"{refused}"
                | other -> failtest $"{refused}: {other}"

                Expect.equal (kernel.OpenRings, kernel.OpenMaps, kernel.Strays) (0, 0, 0) "left behind")

        testCase "devices are polled, loopback as ever" (fun () ->
            let polling = { small with BusyPolling = 50; PrefersBusyPolling = true }

            withLoopOf LinuxKernel.Instance polling (fun host ->
                works host
                let struct (ours, theirs) = connectPair host
                use theirs = theirs
                runOn host (Socket.send ours (ReadOnlyMemory [| 7uy |]))
                let heard = Array.zeroCreate<byte> 1
                Expect.equal (theirs.Receive heard, heard[0]) (1, 7uy) "received"
                runOn host (Socket.close ours)))

        testCase "the event descriptor is signalled when completions come" (fun () ->
            let descriptor = eventfd (0u, 0x800)

            try
                withLoopOf LinuxKernel.Instance { small with EventDescriptor = descriptor } (fun host ->
                    let drain () = int (read (descriptor, Array.zeroCreate 8, 8n))
                    works host
                    drain () |> ignore
                    eventually "quiet" (fun () -> drain () < 0)
                    let waiting = startAs host (timerOf 1.0) CancellationToken.None
                    ended "timer" waiting
                    eventually "signalled" (fun () -> drain () = 8))
            finally
                close descriptor |> ignore)
    ]

let private resizing =
    testList "resize" [
        testCase "a ring that works takes other sizes, and goes on" (fun () ->
            let kernel = FaultyKernel()

            withLoopOf kernel small (fun host ->
                let waiting = startAs host (timerOf 50.0) CancellationToken.None

                for submissions, completions in [ 64, 4096; 16, 32; 256, 512; 8, 16 ] do
                    let crowd = [| for _ in 1..100 -> startAs host nop CancellationToken.None |]
                    let resized = Resizing.resize host.Loop submissions completions
                    Expect.isTrue (resized.AsTask() |> finish "resize") "done"
                    let setup = host.Loop.Plan.Setup

                    Expect.equal
                        (setup.Entries, setup.Completions)
                        (uint32 submissions, uint32 completions)
                        "sizes"

                    Task.WhenAll crowd |> finish "crowd" |> ignore
                    let wide = [| for _ in 1..300 -> startAs host nop CancellationToken.None |]
                    Task.WhenAll wide |> finish "all" |> ignore

                ended "what was in flight" waiting)

            Expect.equal (kernel.OpenRings, kernel.OpenMaps, kernel.Strays) (0, 0, 0) "left behind")

        testCase "from its own thread as well, between two operations" (fun () ->
            withLoopOf LinuxKernel.Instance small (fun host ->
                let program =
                    uring {
                        let! loop = Uring.loop
                        let! beside = Uring.spawn (Uring.sleep (TimeSpan.FromMilliseconds 5.0))
                        let! resized = Resizing.resize loop 512 1024
                        do! beside
                        let! several = Uring.``parallel`` [ for _ in 1..400 -> Uring.nop ]
                        return resized, several.Length
                    }

                Expect.equal (runOn host program) (true, 400) "done"))

        testCase "a ring with a submitting thread cannot, and says so" (fun () ->
            let setup = { RingSetup.nothing with Asked = SetupFlags.SubmissionPolling }

            withLoopOf LinuxKernel.Instance { small with Setup = setup } (fun host ->
                match
                    failureOf (fun () -> (Resizing.resize host.Loop 64 128).AsTask() |> finish "resize")
                with
                | :? NotSupportedException as failure -> Expect.stringContains failure.Message "6.13" "why"
                | other -> failtest $"{other}"

                works host))

        testCase "sizes out of range are refused" (fun () ->
            withLoopOf LinuxKernel.Instance small (fun host ->
                for submissions, completions in [ 0, 16; 32769, 65536; 16, 8; 8, 65537 ] do
                    Expect.throwsT<ArgumentOutOfRangeException>
                        (fun () -> Resizing.resize host.Loop submissions completions |> ignore)
                        $"{submissions}, {completions}"))
    ]

/// A loop that may do these operations, and no others.
let private boxed opcodes = { small with Restriction = ValueSome(Restriction.only opcodes) }

let private restrictions =
    testList "restrictions" [
        testCase "what is allowed works, and what is not is refused with its name" (fun () ->
            inFolder (fun folder ->
                IO.File.WriteAllText(at folder "a", "hello")

                withLoopOf LinuxKernel.Instance (boxed [ Opcode.OpenAt; Opcode.Read ]) (fun host ->
                    let program =
                        uring {
                            use! file = File.openRead (at folder "a")
                            let bytes = Array.zeroCreate<byte> 8
                            return! File.read file (Memory bytes) 0L
                        }

                    Expect.equal (runOn host program) 5 "read"

                    let refused (what: string) (program: Uring<'T>) =
                        match failureOf (fun () -> runOn host program) with
                        | :? UnauthorizedAccessException as failure ->
                            Expect.stringContains failure.Message what what
                            Expect.stringContains failure.Message "restrictions" what
                        | other -> failtest $"{what}: {other}"

                    refused "UnlinkAt" (File.delete (at folder "a"))
                    refused "Socket" (Socket.listen loopback 1)
                    refused "Status" (File.statusOfPath (at folder "a"))
                    Expect.isTrue (IO.File.Exists(at folder "a")) "still there")))

        testCase "the library can cancel, close and be woken whatever is allowed" (fun () ->
            let kernel = FaultyKernel()

            withLoopOf kernel (boxed [ Opcode.Timeout ]) (fun host ->
                for _ in 1..50 do
                    use source = new CancellationTokenSource()
                    let waiting = startAs host (timerOf 60_000.0) source.Token
                    source.Cancel()
                    ended "cancelled" waiting
                    Expect.isTrue waiting.IsCanceled "cancelled"

                works host)

            Expect.equal (kernel.OpenRings, kernel.OpenMaps, kernel.Strays) (0, 0, 0) "left behind")

        testCase "nothing more can be registered" (fun () ->
            withLoopOf LinuxKernel.Instance (boxed []) (fun host ->
                match failureOf (fun () -> runOn host Personality.register) with
                | :? NotSupportedException as failure ->
                    Expect.stringContains failure.Message "EACCES" "why"
                | other -> failtest $"{other}"

                match
                    failureOf (fun () -> (Resizing.resize host.Loop 64 128).AsTask() |> finish "resize")
                with
                | :? UnauthorizedAccessException as failure ->
                    Expect.stringContains failure.Message "restrictions" "why"
                | other -> failtest $"{other}"))

        testCase "what stands in for a late opcode is refused as well" (fun () ->
            inFolder (fun folder ->
                IO.File.WriteAllText(at folder "a", "hello")
                let kernel = FaultyKernel(Hidden = [ Opcode.Truncate ])

                withLoopOf kernel (boxed [ Opcode.OpenAt ]) (fun host ->
                    let mode = IO.UnixFileMode.UserRead
                    let file = runOn host (File.openWith OpenFlags.ReadWrite mode (at folder "a"))

                    match failureOf (fun () -> runOn host (File.truncate file 1L)) with
                    | :? UnauthorizedAccessException as failure ->
                        Expect.stringContains failure.Message "Truncate" "what"
                    | other -> failtest $"{other}"

                    runOn host (File.close file))

                Expect.equal (IO.File.ReadAllText(at folder "a")) "hello" "as it was"))

        testCase "links can be forbidden" (fun () ->
            let without flag = {
                Restriction.only [ Opcode.Nop ] with
                    Flags = LanguagePrimitives.EnumOfValue(0x7fuy &&& ~~~(byte flag))
            }

            withLoopOf
                LinuxKernel.Instance
                { small with Restriction = ValueSome(without SqeFlags.Link) }
                (fun host ->
                    let pair = Chain.append (Chain.single nop) (Chain.single nop)

                    let results =
                        host.Loop.StartChain(pair, CancellationToken.None)
                        |> Array.map (fun step -> step.AsTask() |> finish "step" |> Errno.ofResult)

                    Expect.equal results[0] Errno.EACCES "linked"
                    Expect.equal (attempt host nop) 0 "alone"))

        testCase "a kernel that does not know the newest registrations is asked without them" (fun () ->
            let kernel = FaultyKernel()
            let asked = ref 0

            kernel.OnRegister <-
                fun opcode ->
                    if opcode = RegisterOpcode.Restrictions && Interlocked.Increment asked <= 3 then
                        Answer.Before Errno.EINVAL
                    else
                        Answer.Real

            withLoopOf kernel (boxed [ Opcode.Timeout ]) works
            Expect.equal asked.Value 4 "attempts")
    ]

[<Tests>]
let tests = testSequenced <| testList "RingOption" [ entering; threads; resizing; restrictions ]
