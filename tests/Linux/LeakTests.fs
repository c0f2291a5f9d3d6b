/// After everything, in a loop: descriptors, rings, mappings and memory are back where they were.
module Uring.Tests.Linux.LeakTests

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

/// What each open descriptor is. What the runtime opens when it likes, and the one that reads the list, do not count.
let private descriptors () =
    Directory.GetFileSystemEntries "/proc/self/fd"
    |> Array.choose (fun link -> FileInfo(link).LinkTarget |> Option.ofObj)
    |> Array.filter (fun target -> not (target.EndsWith ".dll" || target.EndsWith "[eventpoll]"))

let private rings () =
    descriptors () |> Array.filter (fun target -> target.EndsWith "[io_uring]") |> Array.length

/// Bytes of the process's memory that io_uring's mappings take.
let private mapped () =
    File.ReadLines "/proc/self/maps" |> Seq.filter (fun line -> line.Contains "io_uring") |> Seq.length

let private files folder =
    uring {
        let path = Path.Combine(folder, "leak")
        use! file = File.create path
        do! File.write file (ReadOnlyMemory(Array.zeroCreate<byte> 4096)) 0L
        let! _ = File.read file (Memory(Array.zeroCreate<byte> 4096)) 0L
        let! _ = File.status file
        let! _ = Uring.catch (File.openRead (path + ".missing"))
        do! File.delete path
    }

let private sockets =
    uring {
        use! listener = Socket.listen loopback 8
        let! connections = Socket.acceptMany listener
        use! client = Socket.connect (Socket.localEndPoint listener)
        let! _ = UringStream.next connections
        use! server = Uring.result connections.Current
        let! pool = Socket.bufferPool 4 64
        do! Socket.send client (ReadOnlyMemory "leak"B)
        let! stream = Socket.receiveMany server pool
        let! _ = UringStream.next stream
        // Left in the middle, with an unread connection, an open stream and a lease that nobody gives back.
        use! _ = Socket.connect (Socket.localEndPoint listener)
        do! (stream :> IAsyncDisposable).DisposeAsync()
        do! (connections :> IAsyncDisposable).DisposeAsync()
    }

let private cancelled =
    uring {
        let sleep = Uring.sleep (TimeSpan.FromHours 1.0)
        let! _ = Uring.catch (Uring.timeout (TimeSpan.FromMilliseconds 1.0) sleep)

        let! _ =
            Uring.catch (Uring.``parallel`` [ sleep; uring { return raise (InvalidOperationException()) } ])

        let! _ =
            Chains.run (
                chain {
                    nop
                    Uring.pause (TimeSpan.FromMilliseconds 1.0)
                    nop
                }
            )

        ()
    }

/// One loop, from its start to its end, with work in flight when it ends.
let private life (options: LoopOptions) folder =
    let kernel = FaultyKernel()
    let host = startLoop kernel options
    let struct (ours, theirs) = connectPair host
    let receive = SocketRequest.receive ours.Descriptor (Memory(Array.zeroCreate<byte> 1))
    let left = [| for _ in 1..10 -> startAs host receive CancellationToken.None |]
    runOn host (files folder)
    runOn host sockets
    runOn host cancelled
    host.Loop.CloseDescriptor ours.Descriptor |> ignore
    stopLoop host
    theirs.Dispose()

    for task in left do
        ended "receive" task

    // The lease that nobody gave back keeps its memory until it is collected.
    eventually "nothing mapped" (fun () ->
        GC.Collect()
        GC.WaitForPendingFinalizers()
        kernel.OpenMaps = 0)

    Expect.equal (kernel.OpenRings, kernel.OpenMaps, kernel.Strays) (0, 0, 0) "rings, mappings, strays"

let private lives =
    testList "loops that come and go" [
        for name, way in ways do
            testCase $"30 of them, woken by {name}" (fun () ->
                inFolder (fun folder ->
                    life { small with Wake = way } folder
                    let before = descriptors ()

                    for _ in 1..30 do
                        life { small with Wake = way } folder

                    // An awaited close is done; the peers' may take a moment.
                    eventually "descriptors" (fun () -> (descriptors ()).Length <= before.Length)))

        testCase "no ring and no mapping of one is left" (fun () ->
            inFolder (fun folder ->
                let ringsBefore, mapsBefore = rings (), mapped ()
                life small folder
                Expect.equal (rings (), mapped ()) (ringsBefore, mapsBefore) "rings and mappings"))

        testCase "loops that could not be made" (fun () ->
            let before = (descriptors ()).Length

            for _ in 1..50 do
                for errno in [ Errno.EPERM; Errno.ENOMEM; Errno.EINVAL ] do
                    let kernel = FaultyKernel(OnMap = Answer.always (Answer.Before errno))
                    Expect.isNotNull (failureOf (fun () -> startLoop kernel small)) "refused"

            Expect.equal (descriptors ()).Length before "descriptors")
    ]

/// Bytes on the heap that survive, after `warm` rounds and then after `more` of them.
let private growth (host: LoopThread) warm more (round: int -> Uring<unit>) =
    runOn host (round warm)
    let before = GC.GetTotalMemory true
    runOn host (round more)
    GC.GetTotalMemory true - before

let private memory =
    testList "memory" [
        let repeatedly (program: Uring<unit>) count =
            uring {
                for _ in 1..count do
                    do! program
            }

        let rounds: (string * Uring<unit> * int) list = [
            "open and close",
            uring {
                use! _ = File.openRead "/dev/null"
                ()
            },
            20_000
            "timeouts", Uring.timeout (TimeSpan.FromHours 1.0) (Uring.map ignore Uring.nop), 10_000
            "parallel", Uring.map ignore (Uring.``parallel`` (List.replicate 10 Uring.nop)), 3_000
            "spawn", Uring.map ignore (Uring.spawn Uring.nop), 10_000
            "chains",
            Uring.map
                ignore
                (Chains.run (
                    chain {
                        nop
                        nop
                    }
                )),
            10_000
            "failures", Uring.map ignore (Uring.catch (File.openRead "/no/such/file")), 3_000
        ]

        for name, program, count in rounds do
            testCase $"{name}: nothing survives" (fun () ->
                withLoop (fun host ->
                    // `spawn` keeps its children's count in the scope: one scope for each round.
                    let program = Uring.timeout (TimeSpan.FromHours 1.0) program
                    let grown = growth host 500 count (repeatedly program)
                    Expect.isLessThan grown (int64 count * 20L) $"bytes for {count} rounds"))

        testCase "operations from other threads: nothing survives" (fun () ->
            withLoop (fun host ->
                let submit count =
                    [|
                        for _ in 1..4 ->
                            Task.Run(fun () ->
                                for _ in 1..count do
                                    (startAs host nop CancellationToken.None).Wait())
                    |]
                    |> Task.WhenAll
                    |> finished "submitters"

                submit 500
                let before = GC.GetTotalMemory true
                submit 5_000
                Expect.isLessThan (GC.GetTotalMemory true - before) 400_000L "bytes for 20,000 operations"))

        testCase "a loop that has ended is collected" (fun () ->
            let weak = Array.init 5 (fun _ -> WeakReference(null))

            let lead index =
                let host = startLoop LinuxKernel.Instance small
                runOn host Uring.nop |> ignore
                stopLoop host
                weak[index].Target <- host.Loop

            for index in 0..4 do
                // On a thread whose stack is gone afterwards.
                let thread = Thread((fun () -> lead index))
                thread.Start()
                thread.Join()

            eventually "collected" (fun () ->
                GC.Collect()
                GC.WaitForPendingFinalizers()
                weak |> Array.filter _.IsAlive |> Array.length <= 1))
    ]

[<Tests>]
let tests = testSequenced <| testList "Leak" [ lives; memory ]
