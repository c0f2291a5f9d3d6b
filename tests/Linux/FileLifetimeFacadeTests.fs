module Uring.Tests.Linux.FileLifetimeFacadeTests

open System
open System.IO
open System.IO.Pipes
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Tests.Linux.Observe

let private (/) folder name = Path.Combine(folder, name)
let private bytesOf (text: string) = Text.Encoding.UTF8.GetBytes text

let private cancelling =
    testList "cancelling" [
        tidyCase "before: nothing begins" (fun () ->
            task {
                let cancelled = CancellationToken true

                do!
                    isCancelled "open" (fun () ->
                        discard (UringFile.OpenAsync("/etc/passwd", cancellationToken = cancelled)))

                use! file = UringFile.OpenAsync "/etc/passwd"
                let buffer = Array.zeroCreate 4
                do! isCancelled "read" (fun () -> discard (file.ReadAsync(Memory buffer, 0L, cancelled)))
                Expect.equal buffer (Array.zeroCreate 4) "untouched"
            })

        tidyCase "during: the buffer is the caller's again, and nothing is lost" (fun () ->
            task {
                use pipe = new AnonymousPipeServerStream(PipeDirection.Out)
                use! file = openPipe Ring.Default pipe

                for round in 1..100 do
                    use source = new CancellationTokenSource()
                    let abandoned = Array.zeroCreate 8
                    let read = file.ReadAsync(Memory abandoned, 0L, source.Token).AsTask()

                    if round % 2 = 0 then do! eventually "in flight" (fun () -> Ring.Default.InFlight > 0)

                    source.Cancel()
                    do! isCancelled "read" (fun () -> discard (ValueTask<int> read))
                    let sent = bytesOf (round.ToString "d8")
                    pipe.Write(sent, 0, 8)
                    let found = Array.zeroCreate 8
                    do! file.ReadExactlyAsync(Memory found, 0L)
                    Expect.equal found sent "the next read gets it all"
                    Expect.equal abandoned (Array.zeroCreate 8) "the cancelled one wrote nothing"
            })

        tidyCase "after: the result stands" (fun () ->
            task {
                use source = new CancellationTokenSource()
                use! file = UringFile.OpenAsync "/etc/passwd"
                let buffer = Array.zeroCreate 4
                let read = file.ReadAsync(Memory buffer, 0L, source.Token)
                do! eventually "done" (fun () -> read.IsCompleted)
                source.Cancel()
                let! count = read
                Expect.equal (count, buffer) (4, bytesOf "root") "read"
            })

        testCaseTask "an open that waits for a pipe's other end" (fun () ->
            inFolder
            <| fun folder ->
                task {
                    use maker = Diagnostics.Process.Start("mkfifo", folder / "fifo")
                    do! maker.WaitForExitAsync()
                    use source = new CancellationTokenSource()

                    let opening =
                        UringFile
                            .OpenAsync(
                                folder / "fifo",
                                FileMode.OpenOrCreate,
                                cancellationToken = source.Token
                            )
                            .AsTask()

                    do! eventually "in flight" (fun () -> Ring.Default.InFlight > 0)
                    source.Cancel()
                    do! isCancelled "open" (fun () -> discard (ValueTask<UringFile> opening))
                })

        tidyCase "closing ends what is in flight" (fun () ->
            task {
                use pipe = new AnonymousPipeServerStream(PipeDirection.Out)
                let! file = openPipe Ring.Default pipe
                let reads = [| for _ in 1..10 -> file.ReadAsync(Memory(Array.zeroCreate 8), 0L).AsTask() |]
                do! eventually "in flight" (fun () -> Ring.Default.InFlight >= 10)
                do! file.DisposeAsync()

                for read in reads do
                    do! isCancelled "read" (fun () -> discard (ValueTask<int> read))
            })

        tidyCase "Dispose begins the same and does not wait" (fun () ->
            task {
                use pipe = new AnonymousPipeServerStream(PipeDirection.Out)
                let! file = openPipe Ring.Default pipe
                let read = file.ReadAsync(Memory(Array.zeroCreate 8), 0L).AsTask()
                do! eventually "in flight" (fun () -> Ring.Default.InFlight > 0)
                file.Dispose()
                do! isCancelled "read" (fun () -> discard (ValueTask<int> read))
            })

        tidyCase "closing the ring ends what is in flight, and files still close" (fun () ->
            task {
                let ring = new Ring()
                use pipe = new AnonymousPipeServerStream(PipeDirection.Out)
                let! file = openPipe ring pipe
                let read = file.ReadAsync(Memory(Array.zeroCreate 8), 0L).AsTask()
                do! ring.DisposeAsync()
                do! isCancelled "read" (fun () -> discard (ValueTask<int> read))

                let! _ =
                    raises<ObjectDisposedException> "read" (fun () ->
                        discard (file.ReadAsync(Memory(Array.zeroCreate 8), 0L)))

                do! file.DisposeAsync()
            })
    ]

/// An operation, so many times.
type private Repeated = UringFile -> byte array -> int -> Task

let private counted (operation: UringFile -> byte array -> ValueTask<int>) : Repeated =
    fun file buffer times ->
        task {
            for _ in 1..times do
                let! _ = operation file buffer
                ()
        }

let private effect (operation: UringFile -> byte array -> ValueTask) : Repeated =
    fun file buffer times ->
        task {
            for _ in 1..times do
                do! operation file buffer
        }

/// What 1000 operations allocate on the ring's own thread, after 2000 to warm up.
let private steadily (repeat: Repeated) =
    task {
        use ring = new Ring()

        let measure () =
            ValueTask<int64>(
                task {
                    use! file = UringFile.OpenAsync("/dev/zero", access = FileAccess.ReadWrite)
                    let buffer = GC.AllocateArray<byte>(4096, true)
                    do! repeat file buffer 2000
                    let before = GC.GetAllocatedBytesForCurrentThread()
                    do! repeat file buffer 1000
                    return GC.GetAllocatedBytesForCurrentThread() - before
                }
            )

        return! ring.RunAsync measure
    }

let private steady = [
    "a read", counted (fun file buffer -> file.ReadAsync(Memory buffer, 0L))
    "a read of all", effect (fun file buffer -> file.ReadExactlyAsync(Memory buffer, 0L))
    "a write", counted (fun file buffer -> file.WriteSomeAsync(ReadOnlyMemory buffer, 0L))
    "a write of all", effect (fun file buffer -> file.WriteAsync(ReadOnlyMemory buffer, 0L))
    "advice", effect (fun file _ -> file.AdviseAsync FileAdvice.Normal)
]

let private allocations =
    testList "allocations" [
        for name, repeat in steady do
            testCaseTask $"{name} allocates nothing" (fun () ->
                task {
                    let! bytes = steadily repeat
                    // The task of the repetition itself.
                    Expect.isLessThan bytes 1000L "bytes in 1000 of them"
                })
    ]

[<Tests>]
let tests = testSequenced <| testList "C# UringFile lifetime" [ cancelling; allocations ]
