/// What a consumer does with a connection: one stream after the other, left, cancelled or closed when the plan says so,
/// and leases that are kept, shared and given back late, on any thread, and then still have to hold the same bytes.
module Uring.Tests.Linux.TrafficReader

open System
open System.Collections.Concurrent
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Tests.Linux.TrafficPlan
open Uring.Tests.Linux.TrafficLinks

/// What all connections of a run share.
[<Sealed>]
type World(plan: Plan, host: LoopThread) =
    let mutable outstanding = 0
    let mutable leases = 0

    member _.Plan = plan
    member _.Host = host
    /// The pool that streams are opened with now.
    member val Pool = Unchecked.defaultof<BufferPool> with get, set
    /// What went wrong where nobody awaits.
    member val Failures = ConcurrentQueue<string>()
    /// Leases that are not given back yet.
    member _.Outstanding = Volatile.Read &outstanding
    member _.Leases = Volatile.Read &leases

    member _.Taken() =
        Interlocked.Increment &outstanding |> ignore
        Interlocked.Increment &leases |> ignore

    member _.GivenBack() = Interlocked.Decrement &outstanding |> ignore

/// Gives a lease back, if it still holds what it held.
let private giveBack (world: World) (lease: BufferLease) (held: byte array) =
    if not (lease.Span.SequenceEqual(ReadOnlySpan held)) then
        world.Failures.Enqueue $"{held.Length} leased bytes changed before their lease was given back"

    lease.Dispose()
    world.GivenBack()

let private elsewhere (action: unit -> unit) =
    ThreadPool.UnsafeQueueUserWorkItem((fun _ -> action ()), null) |> ignore

let private later (action: unit -> unit) =
    task {
        do! Task.Delay 1
        action ()
    }
    |> ignore

/// Half of it to be given back here, half elsewhere.
let private share (world: World) (lease: BufferLease) (held: byte array) =
    let middle = held.Length / 2
    let first, second = lease.Slice(0, middle), lease.Slice(middle, held.Length - middle)
    world.Taken()
    world.Taken()
    giveBack world lease held
    elsewhere (fun () -> giveBack world first held[.. middle - 1])
    later (fun () -> giveBack world second held[middle..])

/// Writes behind the bytes, where there may be room: nobody else's may change by it.
let private append (world: World) (lease: BufferLease) (held: byte array) =
    let more = Array.create (min 8 (lease.Capacity - lease.Length)) 0xAAuy
    let all = if lease.TryAppend(ReadOnlySpan more) then Array.append held more else held
    later (fun () -> giveBack world lease all)

let private take (world: World) (connection: Connection) (random: Random) (lease: BufferLease) =
    world.Taken()
    let held = lease.Span.ToArray()
    connection.Ledger.Received held

    if random.Next 10 >= world.Plan.Laziness then
        giveBack world lease held
    else
        match random.Next 8 with
        | 0 -> share world lease held
        | 1 -> append world lease held
        | 2
        | 3 -> later (fun () -> giveBack world lease held)
        | _ -> elsewhere (fun () -> giveBack world lease held)

/// The kernel's head is never behind the model's, nor beyond what was published.
let private compareHeads (pool: BufferPool) =
    let struct (kernel, model) = pool.Heads()

    if pool.IsRing && not pool.IsClosed then
        let ahead = int (uint16 (kernel - model))
        Expect.isLessThanOrEqual ahead pool.Count "buffers that the kernel has taken and not told of"

/// One stream, to its end. False when the connection is over.
let private stream (world: World) connection (random: Random) (source: CancellationTokenSource) pool ending =
    uring {
        let! opened = connection.Open pool
        use stream = opened
        let mutable leases = 0
        let mutable isOver = false

        while not isOver do
            match ending with
            | Left after when after = leases ->
                isOver <- true
                connection.Ledger.Gap()
            | Cancelled(after, false) when after = leases -> source.Cancel()
            | Cancelled(after, true) when after = leases -> elsewhere source.Cancel
            | Closed after when after = leases ->
                let! _ = Uring.spawn (Uring.catch connection.Close)
                ()
            | _ -> ()

            if not isOver then
                let! more = UringStream.next stream
                isOver <- not more
                leases <- leases + 1

                if more then
                    take world connection random stream.Current

                    if random.Next 200 = 0 then compareHeads pool
                    // A slow consumer, whom its own token does not interrupt.
                    if random.Next 10 < world.Plan.Laziness then do! task { do! Task.Yield() }
                else
                    connection.Ledger.Ended()

        return
            (match ending with
             | Left after -> leases >= after
             | _ -> false)
    }

/// All streams of a connection until its last byte, or until it is closed.
let read (world: World) (connection: Connection) : Task<unit> =
    let random = Random(world.Plan.Seed * 1000 + connection.Index)

    task {
        let mutable goesOn = true
        let mutable attempts = 0

        while goesOn do
            let pool = world.Pool
            let ending = nextEnding world.Plan random
            // Not disposed of: it may be cancelled late, on another thread.
            let source = new CancellationTokenSource()
            attempts <- attempts + 1

            try
                let! left =
                    Uring.startOn world.Host source.Token (stream world connection random source pool ending)

                goesOn <- left
            with
            | :? OperationCanceledException
            | :? ObjectDisposedException as reason ->
                match ending with
                | Closed _ -> goesOn <- false
                | _ when source.IsCancellationRequested || pool.IsClosed -> ()
                | _ -> failtest $"connection {connection.Index} was ended by nobody: {reason}"

        do! Uring.startOn world.Host CancellationToken.None connection.Close
    }
