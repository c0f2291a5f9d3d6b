/// Cancelling is a request: whatever it races with, the result is the bytes or the cancellation, and nothing hangs.
module Uring.Tests.Linux.CancellationTests

open System
open System.IO
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

let private case name (body: LoopThread -> unit) = testCase name (fun () -> withLoop body)

let private memory (length: int) = Memory(Array.zeroCreate<byte> length)

let private receive (socket: Uring.FSharp.Socket) buffer = SocketRequest.receive socket.Descriptor buffer

let private isCancelled what (running: Task<'T>) =
    ended what running
    Expect.isTrue running.IsCanceled $"{what}: cancelled, not {running.Status}"

let private moments =
    testList "when" [
        case "before it starts: it never does" (fun host ->
            let submitted = host.Loop.Statistics.Submitted
            startAs host nop (CancellationToken true) |> isCancelled "nop"
            let program = Uring.startOn host (CancellationToken true) Uring.nop
            isCancelled "program" program
            Expect.equal host.Loop.InFlight 0 "nothing in flight"
            // What another turn submits would show only after it.
            Expect.equal (attempt host nop) 0 "another turn"
            Expect.equal host.Loop.Statistics.Submitted (submitted + 1L) "only this one was submitted")

        case "while it waits, from another thread" (fun host ->
            let struct (ours, theirs) = connectPair host
            use source = new CancellationTokenSource()
            let receiving = startAs host (receive ours (memory 1)) source.Token
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            source.Cancel()
            isCancelled "receive" receiving
            theirs.Send "x"B |> ignore
            Expect.equal (attempt host (receive ours (memory 1))) 1 "the socket is unharmed")

        case "while it waits, from its own loop" (fun host ->
            let struct (ours, _) = connectPair host
            use source = new CancellationTokenSource()

            let program =
                uring {
                    let! loop = Uring.loop
                    let mutable request = receive ours (memory 1)
                    let receiving = loop.Start(&request, source.Token).AsTask()
                    let! _ = Uring.nop
                    source.Cancel()
                    let! outcome = Uring.catch (uring { return! receiving })
                    return outcome
                }

            match runOn host program with
            | Error(:? OperationCanceledException as reason) ->
                Expect.equal reason.CancellationToken source.Token "whose token it was"
            | other -> failtest $"{other}")

        case "while the kernel tries it again and again, and finds nothing to cancel" (fun host ->
            inFolder (fun folder ->
                let endPoint = UnixDomainSocketEndPoint(Path.Combine(folder, "full"))

                let attempt entries =
                    uring {
                        use source = new CancellationTokenSource()
                        let! loop = Uring.loop

                        let! socket =
                            Socket.create AddressFamily.Unix SocketType.Stream ProtocolType.Unspecified

                        let mutable request = SocketRequest.connect socket.Descriptor endPoint
                        let connecting = loop.Start(&request, source.Token).AsTask()

                        for _ in 1..entries do
                            let! _ = Uring.nop
                            ()

                        source.Cancel()
                        let! outcome = Uring.catch (uring { return! connecting })
                        do! Socket.close socket
                        return outcome
                    }

                let filled =
                    uring {
                        let! listener = Socket.listen endPoint 0
                        let! first = Socket.connect endPoint
                        return listener, first
                    }

                let listener, first = runOn host filled

                // One entry and a few hundred: while it is tried, and when a worker has it.
                for entries in [ 1; 2; 20; 100; 127; 128; 129; 300 ] do
                    match runOn host (attempt entries) with
                    | Error(:? OperationCanceledException) -> ()
                    | other -> failtest $"after {entries}: {other}"

                runOn host (Socket.close first)
                runOn host (Socket.close listener)))

        case "after its end: nothing happens" (fun host ->
            use source = new CancellationTokenSource()
            let running = startAs host nop source.Token
            Expect.equal (finish "nop" running) 0 "result"
            source.Cancel()
            Expect.equal (attempt host nop) 0 "the loop goes on"
            Expect.equal running.Result 0 "the result stays")

        case "after its end, before its result was read" (fun host ->
            use source = new CancellationTokenSource()
            let mutable request = nop
            let running = host.Loop.Start(&request, source.Token)
            eventually "completed" (fun () -> running.IsCompleted)
            source.Cancel()
            Expect.equal (running.AsTask() |> finish "nop") 0 "the result wins")

        case "between the start and the loop's turn" (fun host ->
            for _ in 1..2_000 do
                use source = new CancellationTokenSource()
                let running = startAs host (timerOf 60_000.0) source.Token
                source.Cancel()
                isCancelled "timer" running)

        case "one token, many operations" (fun host ->
            use source = new CancellationTokenSource()
            let running = [| for _ in 1..1_000 -> startAs host (timerOf 60_000.0) source.Token |]
            source.Cancel()

            for task in running do
                isCancelled "timer" task

            Expect.equal host.Loop.InFlight 0 "none left")

        testCase "cancels that find the submission queue full" (fun () ->
            withLoopOf LinuxKernel.Instance small (fun host ->
                use source = new CancellationTokenSource()
                let sleeps = Uring.``parallel`` [ for _ in 1..500 -> Uring.sleep (TimeSpan.FromHours 1.0) ]
                let program = Uring.startOn host source.Token sleeps
                eventually "in flight" (fun () -> host.Loop.InFlight = 500)
                source.Cancel()
                isCancelled "program" program
                Expect.equal host.Loop.InFlight 0 "none left"))
    ]

/// Receives byte after byte, while another thread sends and cancels at the same time: whatever a cancelled receive did
/// not take, the next one has to find.
let private racing (host: LoopThread) rounds =
    let struct (ours, theirs) = connectPair host
    let random = Random 4711
    let buffer = Array.zeroCreate<byte> 3
    let mutable received = 0
    let mutable cancelled = 0

    for round in 1..rounds do
        use source = new CancellationTokenSource()
        let value = byte (round % 255 + 1)
        Array.Fill(buffer, 0uy)
        let receiving = startAs host (receive ours (Memory(buffer, 1, 1))) source.Token
        let send () = theirs.Send [| value |] |> ignore
        Thread.SpinWait(random.Next 500)

        if random.Next 2 = 0 then
            send ()
            Thread.SpinWait(random.Next 2_000)
            source.Cancel()
        else
            // The other way round the two overlap when the sender is a thread of its own.
            let sending = Task.Run send
            Thread.SpinWait(random.Next 2_000)
            source.Cancel()
            finished "send" sending

        ended "receive" receiving

        if receiving.IsCanceled then
            cancelled <- cancelled + 1
            Expect.equal buffer [| 0uy; 0uy; 0uy |] "a cancelled receive writes nothing"
            Expect.equal (attempt host (receive ours (Memory(buffer, 1, 1)))) 1 "the byte is still there"
        else
            received <- received + 1
            Expect.equal receiving.Result 1 "one byte"

        Expect.equal buffer [| 0uy; value; 0uy |] "the right byte, in its place"

    theirs.Dispose()
    received, cancelled

let private races =
    testList "race" [
        testCase "a cancel against the completion, 10,000 times" (fun () ->
            let received, cancelled = withLoop (fun host -> racing host 10_000)
            Expect.isGreaterThan received 100 "completion has won sometimes"
            Expect.isGreaterThan cancelled 100 "and the cancel sometimes")

        case "a token that is cancelled while its operations start on the loop" (fun host ->
            for _ in 1..500 do
                use source = new CancellationTokenSource()

                let program =
                    uring {
                        while true do
                            let! _ = Uring.nop
                            ()
                    }

                let running = Uring.startOn host source.Token program
                Thread.SpinWait 2_000
                source.Cancel()
                isCancelled "program" running)
    ]

let private closing =
    testList "close" [
        case "ends the operations on the descriptor first" (fun host ->
            let struct (ours, theirs) = connectPair host

            let receiving = [|
                for _ in 1..100 -> startAs host (receive ours (memory 1)) CancellationToken.None
            |]

            eventually "in flight" (fun () -> host.Loop.InFlight = 100)
            runOn host (Socket.close ours)
            Expect.isFalse (IO.Path.Exists $"/proc/self/fd/{ours.Descriptor.Number}") "closed"

            for task in receiving do
                isCancelled "receive" task

            Expect.equal (theirs.Receive(Array.zeroCreate<byte> 1)) 0 "the peer sees the end"
            Expect.equal (errnoOf host (receive ours (memory 1))) Errno.EBADF "nothing starts on it")

        case "operations that start at the same moment end, one way or the other" (fun host ->
            for _ in 1..200 do
                let struct (ours, theirs) = connectPair host
                let receiving = startAs host (receive ours (memory 1)) CancellationToken.None
                let closing = host.Loop.CloseDescriptor(ours.Descriptor).AsTask()
                finish "close" closing |> ignore
                ended "receive" receiving

                match receiving.IsCanceled, receiving.Exception with
                | true, _ -> ()
                | false, NonNull reason when (reason.InnerException :? ObjectDisposedException) -> ()
                | other -> failtest $"{other}"

                theirs.Dispose())

        case "twice at once" (fun host ->
            let struct (ours, _) = connectPair host
            let first = host.Loop.CloseDescriptor(ours.Descriptor).AsTask()
            let second = host.Loop.CloseDescriptor(ours.Descriptor).AsTask()
            Expect.equal (finish "first" first, finish "second" second) (0, 0) "both end well")

        case "a descriptor that is dropped is closed when it is collected" (fun host ->
            let drop () =
                let number = (runOn host (File.openRead "/dev/null")).Descriptor.Number
                $"/proc/self/fd/{number}"

            let link = drop ()
            runOn host Uring.nop |> ignore

            eventually "closed" (fun () ->
                GC.Collect()
                GC.WaitForPendingFinalizers()
                not (IO.File.Exists link)))
    ]

let private structured =
    testList "programs" [
        case "a timeout cancels, waits for the end, and says so" (fun host ->
            let struct (ours, _) = connectPair host
            let mutable ended = false

            let slow =
                uring {
                    try
                        let! _ = Socket.receive ours (memory 1)
                        ()
                    finally
                        ended <- true
                }

            match failureOf (fun () -> runOn host (Uring.timeout (TimeSpan.FromMilliseconds 20.0) slow)) with
            | :? TimeoutException -> ()
            | other -> failtest $"{other}"

            Expect.isTrue ended "the program has ended"
            Expect.equal host.Loop.InFlight 0 "nothing in flight")

        case "a timeout that is not needed leaves no timer" (fun host ->
            Expect.equal (runOn host (Uring.timeout (TimeSpan.FromHours 1.0) Uring.nop)) 0 "result"
            Expect.equal host.Loop.InFlight 0 "nothing in flight")

        case "an error inside a timeout is that error" (fun host ->
            let failing = uring { return raise (InvalidOperationException "mine") }

            match failureOf (fun () -> runOn host (Uring.timeout (TimeSpan.FromHours 1.0) failing)) with
            | :? InvalidOperationException as mine -> Expect.equal mine.Message "mine" "message"
            | other -> failtest $"{other}")

        case "a cancel from outside a timeout is a cancel" (fun host ->
            use source = new CancellationTokenSource()
            let sleep = Uring.sleep (TimeSpan.FromHours 1.0)
            let running = Uring.startOn host source.Token (Uring.timeout (TimeSpan.FromHours 2.0) sleep)
            eventually "in flight" (fun () -> host.Loop.InFlight = 2)
            source.Cancel()
            isCancelled "program" running)

        case "one failure ends the others, which are awaited" (fun host ->
            let struct (ours, _) = connectPair host
            let mutable ended = 0

            let waiting =
                uring {
                    try
                        let! _ = Socket.receive ours (memory 1)
                        ()
                    finally
                        ended <- ended + 1
                }

            let failing =
                uring {
                    let! _ = Uring.nop
                    return raise (InvalidOperationException "mine")
                }

            let all = Uring.``parallel`` [ waiting; failing; waiting; waiting ]

            match failureOf (fun () -> runOn host all) with
            | :? InvalidOperationException as mine -> Expect.equal mine.Message "mine" "the first failure"
            | other -> failtest $"{other}"

            Expect.equal ended 3 "the others have ended"
            Expect.equal host.Loop.InFlight 0 "nothing in flight")

        case "both of and! end when one fails" (fun host ->
            let program =
                uring {
                    let! _ = Uring.sleep (TimeSpan.FromHours 1.0)
                    and! _ = uring { return raise (InvalidOperationException "mine") }
                    return ()
                }

            match failureOf (fun () -> runOn host program) with
            | :? InvalidOperationException -> Expect.equal host.Loop.InFlight 0 "nothing in flight"
            | other -> failtest $"{other}")
    ]

[<Tests>]
let tests = testSequenced <| testList "Cancellation" [ moments; races; closing; structured ]
