/// Signals aimed at the loop's thread, and every other answer of io_uring_enter, while operations run.
module Uring.Tests.Linux.SignalTests

open System
open System.IO
open System.IO.Pipes
open System.Runtime.InteropServices
open System.Security.Cryptography
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

[<DllImport("libc")>]
extern int private gettid()

[<DllImport("libc")>]
extern int private tgkill(int group, int thread, int signal)

[<DllImport("libc")>]
extern nativeint private signal(int number, nativeint handler)

[<DllImport("libc")>]
extern int private siginterrupt(int number, int flag)

/// A real-time signal that neither .NET nor glibc uses.
[<Literal>]
let private Storm = 50

/// The handler is libc's abs(3): a native function that takes an int, and does nothing that a handler may not.
let private install () =
    let libc = NativeLibrary.Load "libc.so.6"
    signal (Storm, NativeLibrary.GetExport(libc, "abs")) |> ignore
    siginterrupt (Storm, 1) |> ignore

/// Sends signals to one thread for as long as `body` runs. How many were sent.
let private storming (thread: int) (pause: int) (body: unit -> unit) =
    use ending = new CancellationTokenSource()

    let send () =
        let mutable sent = 0

        while not ending.IsCancellationRequested do
            if tgkill (Environment.ProcessId, thread, Storm) = 0 then sent <- sent + 1

            Thread.SpinWait pause

        sent

    let sender = Task.Factory.StartNew(send, TaskCreationOptions.LongRunning)

    try
        body ()
    finally
        ending.Cancel()

    finish "sender" sender

/// Runs `body` in a storm, again if need be: how many waits one run has, and signals hit, is the scheduler's choice.
let private interrupting (kernel: FaultyKernel) thread (body: unit -> unit) =
    storming thread 500 (fun () ->
        eventually "waits that were interrupted" (fun () ->
            body ()
            kernel.Interrupted > 3))

/// Writes and reads back, sleeps a little, sends over a connection: operations of every sort, 20 per round.
let private round (file: File) (connection: Uring.FSharp.Socket) (number: int) =
    uring {
        let bytes = RandomNumberGenerator.GetBytes 512
        let back = Array.zeroCreate<byte> 512

        for part in 0..3 do
            let offset = int64 (number * 4 + part) * 512L
            do! File.write file (ReadOnlyMemory bytes) offset
            let! count = File.readFull file (Memory back) offset
            Expect.equal count 512 "length"
            Expect.isTrue (bytes.AsSpan().SequenceEqual back) "bytes"

            // One byte and its echo; all rounds share the connection, so which byte it is says nothing.
            do! Socket.send connection (ReadOnlyMemory "x"B)
            let! echoed = Socket.receive connection (Memory(back, 0, 1))
            Expect.equal (echoed, back[0]) (1, byte 'x') "echo"
            do! Uring.sleep (TimeSpan.FromMicroseconds 200.0)
    }

let private echo (peer: Peer) =
    Task.Factory.StartNew(
        (fun () ->
            let buffer = Array.zeroCreate<byte> 256
            let mutable count = peer.Receive buffer

            while count > 0 do
                peer.Send(ReadOnlySpan(buffer, 0, count)) |> ignore
                count <- peer.Receive buffer),
        TaskCreationOptions.LongRunning
    )

/// 500 rounds of 20 operations, 25 at a time.
let private tenThousand (host: LoopThread) =
    inFolder (fun folder ->
        let struct (connection, peer) = connectPair host
        let echoing = echo peer

        let program =
            uring {
                use! file = File.create (Path.Combine(folder, "file"))

                let worker first =
                    uring {
                        for number in first..25..499 do
                            do! round file connection number
                    }

                let! _ = Uring.``parallel`` [ for first in 0..24 -> worker first ]
                return ()
            }

        runOn host program
        Expect.isGreaterThanOrEqual host.Loop.Statistics.Completed 10_000L "operations"
        runOn host (Socket.close connection)
        finished "echo" echoing
        peer.Dispose())

/// Opens with O_TRUNC, which only a kernel worker can do.
let private create folder name =
    uring {
        use! _ = File.create (Path.Combine(folder, name))
        ()
    }

/// On rings that have no worker yet.
let private firstOpens () =
    install ()

    inFolder (fun folder ->
        for number in 1..100 do
            withLoopOf LinuxKernel.Instance small (fun host ->
                let thread = runOn host (uring { return gettid () })

                storming thread 200 (fun () -> runOn host (create folder $"{number}")) |> ignore))

/// 4,000 nops, 3,000 timers of 1 ms, and 3,000 reads of a pipe whose bytes have to come in order; every result checked.
let private nopsTimersAndPipe (pipe: AnonymousPipeServerStream) =
    let repeat count expected (request: Request) =
        uring {
            for _ in 1..count do
                let! result = Uring.attempt request
                Expect.equal result expected "result"
        }

    let reads =
        uring {
            use! file = File.openRead $"/proc/self/fd/{pipe.ClientSafePipeHandle.DangerousGetHandle()}"
            let buffer = Array.zeroCreate<byte> 4

            for number in 1..3_000 do
                let! count = File.readNext file (Memory buffer)
                Expect.equal (count, BitConverter.ToInt32 buffer) (4, number) "the next number"
        }

    Uring.``parallel`` [
        yield reads
        yield! List.replicate 10 (repeat 400 0 nop)
        yield! List.replicate 20 (repeat 150 (Errno.toResult Errno.ETIME) (timerOf 1.0))
    ]

let private storms =
    testList "storm" [
        testCase "nops, timers and a pipe: 10,000 operations" (fun () ->
            install ()
            let kernel = FaultyKernel()
            use pipe = new AnonymousPipeServerStream(PipeDirection.Out)

            let put (number: int) = pipe.Write(ReadOnlySpan(BitConverter.GetBytes number))

            withLoopOf kernel small (fun host ->
                let thread = runOn host (uring { return gettid () })

                let round () =
                    let writing = Task.Run(fun () -> Seq.iter put [ 1..3_000 ])
                    runOn host (nopsTimersAndPipe pipe) |> ignore
                    finished "writer" writing

                interrupting kernel thread round |> ignore
                Expect.isGreaterThanOrEqual host.Loop.Statistics.Completed 10_000L "operations"))

        for name, way in ways do
            testCase $"10,000 operations, woken by {name}" (fun () ->
                install ()
                let kernel = FaultyKernel()

                withLoopOf kernel { small with Wake = way } (fun host ->
                    let thread = runOn host (uring { return gettid () })
                    // A kernel worker is there before the storm: see below.
                    inFolder (fun folder -> runOn host (create folder "first"))
                    let sent = interrupting kernel thread (fun () -> tenThousand host)
                    Expect.isGreaterThan sent 100 "signals"))

        // The kernel gives up making its first worker while signals are pending, and cancels what waits for it: ECANCELED,
        // though nobody cancelled. So the loop makes one before it takes work (Workers.makeFirst).
        testCase "the first operation that needs a kernel worker" firstOpens

        testCase "nothing to do but to be interrupted" (fun () ->
            install ()
            let kernel = FaultyKernel()

            withLoopOf kernel small (fun host ->
                let thread = runOn host (uring { return gettid () })
                let sleeping = startOn host (Uring.sleep (TimeSpan.FromMilliseconds 200.0))
                storming thread 5_000 (fun () -> finish "sleep" sleeping) |> ignore
                Expect.isGreaterThan kernel.Interrupted 100 "waits that were interrupted"
                Expect.equal (attempt host nop) 0 "the loop goes on"))
    ]

let private faults =
    testList "faults at io_uring_enter" [
        let kinds = [|
            for errno in [ Errno.EINTR; Errno.EAGAIN; Errno.EBUSY; Errno.ENOMEM ] do
                Answer.Before errno
                Answer.After errno
            Answer.Partly 0u
            Answer.Partly 1u
        |]

        for seed in 1..3 do
            testCase $"10,000 operations, every other call is answered wrongly (seed {seed})" (fun () ->
                let kernel = FaultyKernel()
                let random = Random seed

                withLoopOf kernel small (fun host ->
                    let own = host.Loop.Ring.Descriptor

                    kernel.OnEnter <-
                        fun call ->
                            if call.Ring <> own || random.Next 2 = 0 then
                                Answer.Real
                            else
                                kinds[random.Next kinds.Length]

                    tenThousand host)

                Expect.equal (kernel.OpenRings, kernel.OpenMaps) (0, 0) "nothing left")
    ]

[<Tests>]
let tests = testSequenced <| testList "Signal" [ storms; faults ]
