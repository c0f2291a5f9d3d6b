/// Work from many threads reaches one loop: nothing is lost, nothing overtakes, no wake is missed.
module Uring.Tests.Linux.HandOffTests

open System.Collections.Generic
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

[<Sealed>]
type private Letter(producer: int, number: int) =
    inherit Work()
    member _.Producer = producer
    member _.Number = number
    override _.Run() = ()

/// A thread of its own, whose end is a task.
let private thread (body: unit -> unit) : Task = Task.Factory.StartNew(body, TaskCreationOptions.LongRunning)

/// Several producers, one consumer that sleeps whenever there is nothing to take. Each producer waits, before every
/// `rests`th, until the consumer has slept since the last time (0: never). How often it slept.
let private post producers count rests =
    let inbox = Inbox()
    use wake = new SemaphoreSlim(0)
    let lastOf = Array.zeroCreate<int> producers
    let queue = Queue<Work>()
    let mutable taken = 0
    let slept = [| 0 |]

    let produce producer () =
        let mutable seen = 0

        for number in 1..count do
            if rests > 0 && number % rests = 0 then
                let last = seen
                SpinWait.SpinUntil(fun () -> Volatile.Read &slept[0] > last)
                seen <- Volatile.Read &slept[0]
                // Now it falls asleep: at once, or a little later.
                Thread.SpinWait(number % 97)

            if inbox.Push(Letter(producer, number)) then wake.Release() |> ignore

    let receive (work: Work) =
        let letter = work :?> Letter
        Expect.equal letter.Number (lastOf[letter.Producer] + 1) "the next of its producer"
        lastOf[letter.Producer] <- letter.Number
        taken <- taken + 1

    let consume () =
        while taken < producers * count do
            match inbox.TakeAll() with
            | null ->
                if inbox.TrySleep() then
                    Volatile.Write(&slept[0], slept[0] + 1)

                    if not (wake.Wait limit) then failtest $"a wake was lost: {taken} of {producers * count}"

                    inbox.Awake()
            | work ->
                Work.enqueue queue work

                while queue.Count > 0 do
                    receive (queue.Dequeue())

    let threads = [|
        yield thread consume
        for producer in 0 .. producers - 1 do
            yield thread (produce producer)
    |]

    Task.WhenAll threads |> finished "hand-off"
    Expect.isTrue inbox.IsEmpty "nothing left"
    slept[0]

let private inbox =
    testList "Inbox" [
        for producers in [ 1; 2; 4 ] do
            testCase $"{producers} producers, as fast as they can" (fun () ->
                post producers 200_000 0 |> ignore)

            testCase $"{producers} producers that let the consumer sleep" (fun () ->
                Expect.isGreaterThanOrEqual (post producers 5_000 50) 100 "it slept: wakes were needed")

        testCase "asks for a wake only when the consumer sleeps, and once" (fun () ->
            let inbox = Inbox()
            Expect.isFalse (inbox.Push(Letter(0, 1))) "awake"
            Expect.isFalse (inbox.TrySleep()) "no sleep with work to do"
            Expect.isFalse (inbox.Push(Letter(0, 2))) "awake still"
            inbox.TakeAll() |> ignore
            Expect.isTrue (inbox.TrySleep()) "asleep"
            Expect.isTrue (inbox.Push(Letter(0, 3))) "the first wakes"
            Expect.isFalse (inbox.Push(Letter(0, 4))) "the second need not")

        testCase "work that is pushed again while it runs is not lost" (fun () ->
            let inbox = Inbox()
            let letter = Letter(0, 1)
            inbox.Push letter |> ignore
            inbox.Push(Letter(0, 2)) |> ignore
            let mutable seen = 0

            let queue = Queue<Work>()
            inbox.TakeAll() |> Work.enqueue queue

            while queue.Count > 0 do
                seen <- seen + 1
                let work = queue.Dequeue()

                if obj.ReferenceEquals(work, letter) then inbox.Push work |> ignore

            inbox.TakeAll() |> Work.enqueue queue
            seen <- seen + queue.Count
            Expect.equal seen 3 "both, and one again")
    ]

let private startNop (host: LoopThread) =
    let mutable request = nop
    host.Loop.Start(&request, CancellationToken.None)

/// Threads that submit to one ring and await each operation before the next.
let private submitAll kernel options threads count =
    withLoopOf kernel options (fun host ->
        let sums = Array.zeroCreate<int> threads

        let submitter number =
            Task.Run<unit>(fun () ->
                task {
                    for _ in 1..count do
                        let! result = startNop host
                        sums[number] <- sums[number] + result + 1
                })

        let all = Task.WhenAll(Array.init threads submitter)
        let mutable before = -1

        // Slow is no failure on a busy machine; standing still is.
        while not (all.Wait limit) do
            let now = Array.sum sums

            if now = before then failtest $"a wake was lost: {now} of {threads * count}"

            before <- now

        Expect.sequenceEqual sums (Array.create threads count) "each operation was answered"
        Expect.isGreaterThanOrEqual host.Loop.Statistics.Completed (int64 (threads * count)) "completed"
        Expect.equal host.Loop.InFlight 0 "none in flight")

let private ring =
    testList "one ring" [
        for threads in [ 2; 4 ] do
            testCase $"{threads} threads, 100,000 nops each" (fun () ->
                submitAll LinuxKernel.Instance LoopOptions.standard threads 100_000)

        for name, way in List.tail ways do
            testCase $"4 threads, woken by {name}" (fun () ->
                let kernel = FaultyKernel()
                if way = Wake.Poll then kernel.Hidden <- [ Opcode.MessageRing ]

                if way = Wake.Poll then
                    kernel.OnRegister <-
                        fun opcode ->
                            if opcode = RegisterOpcode.SendMessage then
                                Answer.Before Errno.EINVAL
                            else
                                Answer.Real

                submitAll kernel { small with Wake = way } 4 (if way = Wake.Poll then 500 else 10_000)
                Expect.equal (kernel.OpenRings, kernel.OpenMaps) (0, 0) "nothing left")

        testCase "a thousand bursts of eight, each after the loop has gone to sleep" (fun () ->
            withLoopOf LinuxKernel.Instance small (fun host ->
                for _ in 1..1000 do
                    let enters = host.Loop.Statistics.Enters
                    let burst = [| for _ in 1..8 -> startAs host nop CancellationToken.None |]
                    Task.WhenAll burst |> finish "burst" |> ignore
                    Expect.isGreaterThan host.Loop.Statistics.Enters enters "the loop woke"))
    ]

let private waker =
    testList "Waker" [
        testCase "wakes that come while it closes touch nothing that is closed" (fun () ->
            for _ in 1..50 do
                // Unmapped memory stays readable here: a late access is counted, and not a crash.
                let kernel = FaultyKernel(Lingers = true)

                match Setup.create kernel 8 16 with
                | Error _ -> failtest "no ring"
                | Ok target ->
                    target.Enable()
                    let waker = Waker(kernel, target, Wake.MessageRing)
                    waker.Choose()
                    kernel.OnEnter <- fun _ -> Thread.SpinWait 2_000 |> Answer.real
                    use started = new CountdownEvent 3

                    let wakeAll () =
                        started.Signal() |> ignore

                        for _ in 1..40 do
                            waker.Wake()

                    let threads = Array.init 3 (fun _ -> thread wakeAll)
                    started.Wait limit |> ignore
                    waker.Close()
                    Task.WhenAll threads |> finished "wakers"
                    target.Close()
                    kernel.UnmapAll()

                    Expect.equal
                        (kernel.OpenRings, kernel.OpenMaps, kernel.Strays)
                        (0, 0, 0)
                        "rings, mappings, strays")
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
let tests = testSequenced <| testList "HandOff" [ inbox; ring; waker; refusedWakes ]
