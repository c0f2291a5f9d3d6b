/// Random traffic through buffer pools, on the kernel that this machine has: no byte is lost, doubled or moved, and at
/// rest every buffer is back. URING_TRAFFIC_SEED=n runs that seed alone, URING_TRAFFIC_COUNT=n so many seeds.
module Uring.Tests.Linux.TrafficTests

open System
open System.IO
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting
open Uring.Tests.Linux.TrafficPlan
open Uring.Tests.Linux.TrafficReader

/// What is open, but for what the runtime opens when it likes.
let private descriptors () =
    Directory.GetFileSystemEntries "/proc/self/fd"
    |> Array.choose (fun link -> FileInfo(link).LinkTarget |> Option.ofObj)
    |> Array.filter (fun target -> not (target.EndsWith ".dll" || target.EndsWith "[eventpoll]"))

/// As it is on the loop's thread.
let private onLoop (host: LoopThread) (ask: unit -> 'T) : 'T =
    (host.Loop.Call(Func<'T> ask)).AsTask() |> finish "a call"

/// Every buffer is available, nobody holds, waits or works, and the kernel agrees.
let expectRest (host: LoopThread) (pool: BufferPool) =
    eventually "every buffer is back" (fun () -> pool.Available = pool.Count)
    eventually "nothing in flight" (fun () -> host.Loop.InFlight = 0)
    eventually "nobody starves" (fun () -> pool.Statistics.Starving = 0)
    let now = onLoop host (fun () -> pool.Statistics)
    Expect.equal (now.Available, now.Leased, now.Lost) (now.Count, 0, 0L) "available, leased, lost"
    let struct (kernel, model) = onLoop host pool.Heads

    if pool.IsRing then Expect.equal kernel model "the kernel's head is the model's"

/// Replaces the pool while traffic flows.
let private replacePool (world: World) =
    uring {
        let former = world.Pool
        let! fresh = BufferPool.create world.Plan.Pool
        world.Pool <- fresh
        do! BufferPool.close former
        return former
    }

/// Ends pools as often as the plan says; they come back with nothing leased in the end.
let private endPools (world: World) (isOver: unit -> bool) : Task<BufferPool list> =
    task {
        let mutable former = []
        let mutable next = world.Plan.PoolEndsAfter

        while next > 0 && former.Length < 20 && not (isOver ()) do
            if world.Leases >= next then
                let! pool = Uring.startOn world.Host CancellationToken.None (replacePool world)
                former <- pool :: former
                next <- next + world.Plan.PoolEndsAfter
            else
                do! Task.Delay 1

        return former
    }

/// Ends with the first failure, or says who hangs and where.
let private awaitReaders
    (world: World)
    (connections: TrafficLinks.Connection list)
    (reading: Task<unit> list)
    =
    let firstFailure = TaskCompletionSource()

    for reader in reading do
        reader.ContinueWith(
            (fun (reader: Task<unit>) ->
                if reader.IsFaulted then firstFailure.TrySetException(nonNull reader.Exception) |> ignore),
            TaskScheduler.Default
        )
        |> ignore

    let both = [| Task.WhenAll(reading) :> Task; firstFailure.Task |]

    if Task.WaitAny(both, limit) < 0 then
        let places =
            List.map2
                (fun (connection: TrafficLinks.Connection) (reader: Task<unit>) ->
                    $"{connection.Index}: {connection.Ledger.Place}, reader {reader.Status}, writer {connection.Writing.Status}")
                connections
                reading

        let now = world.Pool.Statistics
        let places = String.Join("\n", places)

        failtest
            $"hangs with {now.Available} of {now.Count} available, {now.Leased} leased, {now.Starving} starving, {world.Outstanding} outstanding, {world.Host.Loop.InFlight} in flight, {ThreadPool.ThreadCount} threads, {ThreadPool.PendingWorkItemCount} pending\n{places}"

    if firstFailure.Task.IsFaulted then firstFailure.Task.GetAwaiter().GetResult()

let private traffic (world: World) =
    let plan = world.Plan
    let random = Random plan.Seed
    let connections = List.mapi (TrafficLinks.connect world.Host random) plan.Links
    world.Pool <- runOn world.Host (BufferPool.create plan.Pool)
    let reading = connections |> List.map (TrafficReader.read world)

    let ending =
        endPools world (fun () -> List.forall (fun (reader: Task<unit>) -> reader.IsCompleted) reading)

    awaitReaders world connections reading
    let former = finish "the pools" ending

    for connection in connections do
        finished "a writer" connection.Writing
        connection.CloseOther()

    eventually "every lease is given back" (fun () -> world.Outstanding = 0)
    Expect.isEmpty world.Failures "leases that changed"
    expectRest world.Host world.Pool

    for pool in former do
        eventually "a closed pool has nothing leased" (fun () -> pool.Statistics.Leased = 0)

/// Runs a plan; after it nothing is open or mapped.
let private run (plan: Plan) =
    try
        let before = descriptors ()
        let kernel = FaultyKernel()

        if plan.Mode = Plain then kernel.Hidden <- [ Opcode.SendZeroCopy; Opcode.ReadMultishot ]

        withLoopOf
            kernel
            { LoopOptions.standard with Entries = 8; Completions = plan.Completions }
            (fun host -> traffic (World(plan, host)))

        Expect.equal (kernel.OpenRings, kernel.OpenMaps, kernel.Strays) (0, 0, 0) "rings, mappings, strays"
        eventually "descriptors" (fun () -> (descriptors ()).Length <= before.Length)
    with reason ->
        raise (Exception($"{describe plan}\n{reason.Message}", reason))

/// Seeds that have once found something, and what.
let private kept: (int * string) list = []

let private number (name: string) =
    match Int32.TryParse(Environment.GetEnvironmentVariable name) with
    | true, number -> Some number
    | false, _ -> None

let private seeds =
    match number "URING_TRAFFIC_SEED", number "URING_TRAFFIC_COUNT" with
    | Some seed, _ -> [ seed ]
    | None, Some count -> List.init count (fun _ -> Random.Shared.Next 1_000_000)
    | None, None -> List.map fst kept @ [ 1..60 ]

/// Connects, takes one lease, and is cancelled or leaves while more is on its way.
let private comeAndGo (host: LoopThread) (pool: BufferPool) (listener: Net.Sockets.TcpListener) index =
    task {
        use source = new CancellationTokenSource()
        use! ours = Socket.connect listener.LocalEndpoint |> startOn host
        use theirs = listener.AcceptSocket()
        theirs.Send(Array.zeroCreate<byte> 1000) |> ignore

        let program =
            uring {
                let! opened = Socket.receiveMany ours pool
                use stream = opened
                let! _ = UringStream.next stream
                use _ = stream.Current

                if index % 2 = 0 then
                    source.Cancel()
                    let! more = UringStream.next stream
                    if more then stream.Current.Dispose()
            }

        try
            do! Uring.startOn host source.Token program
        with :? OperationCanceledException ->
            ()
    }

[<Tests>]
let tests =
    testSequenced
    <| testList "Traffic" [
        for seed in seeds do
            testCase $"seed {seed}" (fun () -> run (ofSeed seed))

        testCase "connected, streaming and cancelled in the middle, 1,000 times" (fun () ->
            let before = descriptors ()

            withLoop (fun host ->
                let pool = runOn host (Socket.bufferPool 8 64)
                use listener = new Net.Sockets.TcpListener(loopback)
                listener.Start()

                for index in 1..1000 do
                    finish "one connection" (comeAndGo host pool listener index)

                expectRest host pool)

            eventually "descriptors" (fun () -> (descriptors ()).Length <= before.Length))
    ]
