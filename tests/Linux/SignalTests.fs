/// Signals aimed at the loop's thread, and every other answer of io_uring_enter, while operations run.
module Uring.Tests.Linux.SignalTests

open System
open System.IO
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

let private storms =
    testList "storm" [
        for name, way in ways do
            testCase $"10,000 operations, woken by {name}" (fun () ->
                install ()
                let kernel = FaultyKernel()

                withLoopOf kernel { small with Wake = way } (fun host ->
                    let thread = runOn host (uring { return gettid () })
                    // A kernel worker is there before the storm: see below.
                    inFolder (fun folder -> runOn host (create folder "first"))
                    let sent = storming thread 500 (fun () -> tenThousand host)
                    Expect.isGreaterThan sent 100 "signals"
                    Expect.isGreaterThan kernel.Interrupted 3 "waits that were interrupted"))

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

/// An operation from another thread, after the loop has gone to sleep, when the first try to wake it fails.
let private wakesAgain (options: LoopOptions) (refuse: FaultyKernel -> LoopThread -> unit) =
    let kernel = FaultyKernel()

    withLoopOf kernel options (fun host ->
        for _ in 1..20 do
            let asleep = host.Loop.Statistics.Enters
            runOn host Uring.nop |> ignore
            eventually "a turn" (fun () -> host.Loop.Statistics.Enters > asleep)
            // Nothing tells that the loop sleeps: give it the time to.
            Thread.Sleep 2
            refuse kernel host
            startAs host nop CancellationToken.None |> finish "nop" |> ignore)

// The pusher has taken the mark that the loop sleeps: nobody else would wake it.
let private refusedWakes =
    testList "a wake that is refused once" [
        for errno in [ Errno.EINTR; Errno.EAGAIN; Errno.ENOMEM; Errno.EBUSY ] do
            testCase $"SEND_MSG_RING: {errno}" (fun () ->
                wakesAgain small (fun kernel _ -> kernel.OnRegister <- Answer.times 1 (Answer.Before errno)))

            testCase $"the second ring: {errno}" (fun () ->
                wakesAgain { small with Wake = Wake.MessageRing } (fun kernel host ->
                    let own = host.Loop.Ring.Descriptor
                    let answer = Answer.times 1 (Answer.Before errno)
                    kernel.OnEnter <- fun call -> if call.Ring = own then Answer.Real else answer call))
    ]

[<Tests>]
let tests = testSequenced <| testList "Signal" [ storms; faults; refusedWakes ]
