/// What a seed means: which connections, which pool, which ring, and how rudely streams are treated. Draws, and does
/// nothing.
module Uring.Tests.Linux.TrafficPlan

open System
open Uring.Driver
open Uring.Model

/// What a connection is made of.
type Link =
    | Tcp
    | Unix
    | Pipe

/// How buffers are given out.
type Mode =
    | Whole
    | Incremental
    | Bundles
    | IncrementalBundles
    /// A kernel without buffer rings.
    | Plain

/// How one stream ends. A connection has one stream after the other until its last byte.
type Ending =
    | ByItself
    /// The consumer leaves after so many leases, and what was received but not looked at is lost on purpose.
    | Left of leases: int
    /// Its token is cancelled, here or on another thread: nothing may be lost.
    | Cancelled of leases: int * elsewhere: bool
    /// The descriptor is closed under it, and the connection is over.
    | Closed of leases: int

type Plan = {
    Seed: int
    Mode: Mode
    Pool: BufferPoolOptions
    Completions: int
    /// One connection each, and its bytes.
    Links: (Link * int) list
    /// The pool is closed and replaced by another each time that so many leases were taken; 0 is never.
    PoolEndsAfter: int
    /// Of ten streams, so many end before their time.
    Rudeness: int
    /// Of ten leases, so many are kept for a while.
    Laziness: int
}

let private pick (random: Random) (values: 'T list) = values[random.Next values.Length]

/// Everything of a run that is decided beforehand; the rest is timing.
let ofSeed (seed: int) : Plan =
    // Spread: generators of neighbouring seeds begin alike.
    let random = Random(int (uint32 seed * 2654435761u >>> 1))
    let mode = pick random [ Whole; Incremental; Bundles; IncrementalBundles; Plain ]
    let count = pick random [ 1; 2; 3; 4; 7; 16; 64 ]
    let size = pick random [ 8; 64; 100; 512; 4096 ]
    let limit = pick random [ count; count; min 64 (3 * count) ]

    {
        Seed = seed
        Mode = mode
        Pool = {
            BufferPoolOptions.fixedOf count size with
                Limit = limit
                PerStream = pick random [ 1; 2; 4; 16 ]
                LowWater = pick random [ 0; 0; 1; count ]
                Incremental = (mode = Incremental || mode = IncrementalBundles)
                Bundles = (mode = Bundles || mode = IncrementalBundles)
        }
        // Smaller than what a burst brings, so that it overflows.
        Completions = pick random [ 8; 16; 64; 4096 ]
        Links = [
            for _ in 1 .. random.Next(1, 9) ->
                pick random [ Tcp; Tcp; Unix; Unix; Pipe ], random.Next(1, 400 * size)
        ]
        PoolEndsAfter = pick random [ 0; 0; random.Next(1, 300) ]
        Rudeness = pick random [ 0; 3; 8; 10 ]
        Laziness = pick random [ 0; 3; 8 ]
    }

/// How the next stream ends.
let nextEnding (plan: Plan) (random: Random) : Ending =
    if random.Next 10 >= plan.Rudeness then
        ByItself
    else
        let leases = random.Next(0, 40)

        match random.Next 16 with
        | 0 -> Closed leases
        | choice when choice < 8 -> Left leases
        | choice -> Cancelled(leases, choice % 2 = 0)

/// For the message of a failure: enough to run it again.
let describe (plan: Plan) =
    let links = plan.Links |> List.map (fun (link, bytes) -> $"%A{link} {bytes}") |> String.concat ", "

    $"URING_TRAFFIC_SEED={plan.Seed}: {plan.Mode}, {plan.Pool.Count} (to {plan.Pool.Limit}) buffers of {plan.Pool.BufferSize}, {plan.Pool.PerStream} per stream, {plan.Completions} completions; {links}; rudeness {plan.Rudeness}, laziness {plan.Laziness}, pool ends after {plan.PoolEndsAfter}"
