/// A loop that stops with work in flight, or whose ring fails: everybody hears of it, and nothing is left.
module Uring.Tests.Linux.DisposeTests

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

let private memory (length: int) = Memory(Array.zeroCreate<byte> length)

let private receive (socket: Uring.FSharp.Socket) buffer = SocketRequest.receive socket.Descriptor buffer

let private isOpen (number: int) = Path.Exists $"/proc/self/fd/{number}"

let private expectEmpty (kernel: FaultyKernel) =
    Expect.equal (kernel.OpenRings, kernel.OpenMaps, kernel.Strays) (0, 0, 0) "rings, mappings, strays"

/// A loop on a kernel that counts, disposed of by the test itself.
let private case name (body: FaultyKernel -> LoopThread -> unit) =
    testCase name (fun () ->
        let kernel = FaultyKernel()
        let host = startLoop kernel small
        body kernel host
        stopLoop host
        expectEmpty kernel)

let private isDisposed what (failure: exn | null) =
    match failure with
    | :? ObjectDisposedException -> ()
    | other -> failtest $"{what}: expected ObjectDisposedException, but: {other}"

let private operations =
    testList "operations" [
        case "1,000 in flight: receives and timers" (fun _ host ->
            let sockets = [| for _ in 1..10 -> connectPair host |]

            let running = [|
                for number in 0..999 do
                    if number % 2 = 0 then
                        startAs host (timerOf 3_600_000.0) CancellationToken.None
                    else
                        let struct (ours, _) = sockets[number % 10]
                        startAs host (receive ours (memory 1)) CancellationToken.None
            |]

            eventually "in flight" (fun () -> host.Loop.InFlight = 1_000)
            stopLoop host

            for task in running do
                ended "operation" task
                Expect.isTrue task.IsCanceled "cancelled"

            Expect.equal host.Loop.InFlight 0 "none left")

        case "start after dispose" (fun _ host ->
            let struct (ours, _) = connectPair host
            stopLoop host
            isDisposed "start" (failureOf (fun () -> startAs host nop CancellationToken.None))
            isDisposed "program" (failureOf (fun () -> runOn host Uring.nop))

            isDisposed
                "chain"
                (failureOf (fun () -> host.Loop.StartChain(Chain.single nop, CancellationToken.None)))

            host.Loop.CloseDescriptor(ours.Descriptor).AsTask() |> finish "close" |> ignore
            Expect.isFalse (isOpen ours.Descriptor.Number) "a descriptor can still be closed")

        case "starts from many threads while it is disposed of" (fun _ host ->
            let submitter _ =
                Task.Run(fun () ->
                    let mutable ended = false

                    while not ended do
                        let mutable request = nop

                        try
                            host.Loop.TryStart(&request, CancellationToken.None).AsTask().Wait()
                        with
                        | :? ObjectDisposedException -> ended <- true
                        | :? AggregateException -> ())

            let submitters = Array.init 4 submitter
            eventually "they run" (fun () -> host.Loop.Statistics.Completed > 1_000L)
            stopLoop host
            Task.WhenAll submitters |> finished "submitters")

        case "twice, and at the same time" (fun _ host ->
            let disposals = [| for _ in 1..4 -> Task.Run(fun () -> (host :> IDisposable).Dispose()) |]
            Task.WhenAll disposals |> finished "disposals")

        case "from a program of its own" (fun _ host ->
            let program =
                uring {
                    let! _ = Uring.nop
                    do! host.DisposeAsync()
                    return Loop.Current = null
                }

            Expect.isTrue (runOn host program) "it goes on elsewhere")

        testCase "a loop that never did anything" (fun () ->
            for _ in 1..50 do
                let kernel = FaultyKernel()
                stopLoop (startLoop kernel small)
                expectEmpty kernel)

        testCase "the shared loop is started again" (fun () ->
            let first = LoopThread.Default
            Expect.isTrue (Object.ReferenceEquals(first, LoopThread.Default)) "one for all"
            stopLoop first
            Expect.equal (Uring.run Uring.nop) 0 "a new one"
            Expect.isFalse (Object.ReferenceEquals(first, LoopThread.Default)) "another")
    ]

let private programs =
    testList "programs" [
        case "whose finally blocks start operations" (fun _ host ->
            let ends = Array.zeroCreate<int> 100

            let program number =
                uring {
                    try
                        try
                            do! Uring.sleep (TimeSpan.FromHours 1.0)
                        with reason ->
                            ends[number] <- 1
                            let! _ = Uring.nop
                            ends[number] <- 2
                            raise reason
                    finally
                        ends[number] <- ends[number] + 10
                }

            let running = [| for number in 0..99 -> startOn host (program number) |]
            eventually "in flight" (fun () -> host.Loop.InFlight = 100)
            stopLoop host

            for task in running do
                ended "program" task
                Expect.isFalse task.IsCompletedSuccessfully "it did not end well"

            Expect.allEqual ends 11 "nothing starts any more, and finally has run")

        case "that hold files and sockets" (fun _ host ->
            let numbers = Collections.Concurrent.ConcurrentBag<int>()

            let holding =
                uring {
                    use! file = File.openRead "/dev/zero"
                    use! listener = Socket.listen loopback 4
                    numbers.Add file.Descriptor.Number
                    numbers.Add listener.Descriptor.Number
                    let! stream = Socket.acceptMany listener

                    for connection in stream do
                        do! Socket.close connection
                }

            let running = [| for _ in 1..50 -> startOn host holding |]
            eventually "accepting" (fun () -> numbers.Count = 100 && host.Loop.InFlight = 50)
            stopLoop host

            for task in running do
                ended "program" task

            Expect.equal numbers.Count 100 "all have opened theirs"
            Expect.isEmpty (numbers |> Seq.filter isOpen) "closed")

        case "that wait for a task from elsewhere" (fun _ host ->
            let source = TaskCompletionSource<int>()
            let entered = new ManualResetEventSlim()

            let program =
                uring {
                    use! file = File.openRead "/dev/null"
                    entered.Set()
                    let! _ = source.Task
                    let! _ = File.read file (memory 1) 0L
                    return ()
                }

            let running = startOn host program
            entered.Wait limit |> ignore
            stopLoop host
            source.SetResult 1
            isDisposed "program" (failureOf (fun () -> finish "program" running)))

        // A count that is not interlocked loses some of them, and the program hangs.
        testCase "whose children end on the pool, all at once" (fun () ->
            for _ in 1..50 do
                let host = startLoop LinuxKernel.Instance small
                let gate = TaskCompletionSource TaskCreationOptions.RunContinuationsAsynchronously
                use ready = new CountdownEvent 1000

                let child =
                    uring {
                        ready.Signal() |> ignore
                        do! gate.Task
                    }

                let program =
                    uring {
                        for _ in 1..1000 do
                            let! _ = Uring.spawn child
                            ()
                    }

                let running = startOn host program
                ready.Wait limit |> ignore
                stopLoop host
                gate.SetResult()
                ended "program" running)
    ]

/// Keeps the kernel from taking anything until the test says so.
let private withBusyKernel (kernel: FaultyKernel) (body: unit -> 'T) : 'T =
    kernel.OnEnter <- Answer.always (Answer.Before Errno.EBUSY)

    try
        body ()
    finally
        kernel.OnEnter <- Answer.real

let private queued =
    testList "waiting for room" [
        case "operations that never reached the kernel are withdrawn" (fun kernel host ->
            let running =
                withBusyKernel kernel (fun () ->
                    let running = [|
                        for _ in 1..40 -> startAs host (timerOf 3_600_000.0) CancellationToken.None
                    |]

                    eventually "queued" (fun () -> host.Loop.InFlight = 40)
                    host.DisposeAsync() |> ignore
                    eventually "withdrawn" (fun () -> host.Loop.InFlight <= 8)
                    running)

            for task in running do
                ended "timer" task
                Expect.isTrue task.IsCanceled "cancelled")

        // Withdrawn like an operation, such a close would leave its descriptor open.
        testCase "closes that never reached the kernel still close" (fun () ->
            let kernel = FaultyKernel()
            let host = startLoop kernel small
            let files = [| for _ in 1..40 -> runOn host (File.openRead "/dev/null") |]

            let closing =
                withBusyKernel kernel (fun () ->
                    let closing = [|
                        for file in files -> host.Loop.CloseDescriptor(file.Descriptor).AsTask()
                    |]

                    eventually "queued" (fun () -> host.Loop.InFlight = 40)
                    host.DisposeAsync() |> ignore
                    eventually "stopping" (fun () -> host.Loop.IsStopping)
                    // One more turn, in which a wrong withdrawal would happen.
                    let enters = host.Loop.Statistics.Enters
                    eventually "turned" (fun () -> host.Loop.Statistics.Enters > enters + 3L)
                    closing)

            for task in closing do
                finish "close" task |> ignore

            stopLoop host
            Expect.isEmpty (files |> Array.filter (fun file -> isOpen file.Descriptor.Number)) "closed")
    ]

/// Breaks the ring under a loop.
let private failing =
    testList "a ring that fails" [
        case "tells everybody why, and ends" (fun kernel host ->
            let struct (ours, _) = connectPair host

            let running = [|
                startAs host (receive ours (memory 1)) CancellationToken.None
                startAs host (timerOf 3_600_000.0) CancellationToken.None
                startOn host (uring { return! Uring.perform (timerOf 3_600_000.0) })
            |]

            eventually "in flight" (fun () -> host.Loop.InFlight = 3)
            kernel.OnEnter <- Answer.always (Answer.Before Errno.EBADR)
            host.Loop.Post((fun _ -> ()), null)

            for task in running do
                match failureOf (fun () -> finish "operation" task) with
                | :? RingFailedException as failed -> Expect.equal failed.Errno Errno.EBADR "the cause"
                | other -> failtest $"{other}"

            isDisposed "start" (failureOf (fun () -> startAs host nop CancellationToken.None)))

        // It has no slot of its own while it waits for the receive.
        testCase "answers a close that waits, and closes" (fun () ->
            let kernel = FaultyKernel()
            let host = startLoop kernel small
            let struct (ours, _) = connectPair host
            let receiving = startAs host (receive ours (memory 1)) CancellationToken.None
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            kernel.OnEnter <- Answer.always (Answer.Before Errno.EBADR)
            let closing = host.Loop.CloseDescriptor(ours.Descriptor).AsTask()
            ended "receive" receiving
            ended "close" closing
            Expect.isFalse (isOpen ours.Descriptor.Number) "closed")
    ]

[<Tests>]
let tests = testSequenced <| testList "Dispose" [ operations; programs; queued; failing ]
