// Every decision of a simulated run comes from here, so that the same choices make the same run. Dice draws them from a
// seed; a path (Path.fs) is one of all that there are.
namespace Uring.Simulation

open System.Collections.Generic

/// What decides, and what has struck. Not for several threads. `spared` are the faults that do not happen, by their number
/// in the run without them: that is how a failing run is shrunk.
[<AbstractClass>]
type internal Choices(faults: Faults, spared: HashSet<int>) =
    let struck = Array.zeroCreate<int> Faults.count
    let mutable calm = false
    let mutable drawn = 0

    /// One of `count` possibilities that are all fair: 0 <= result < count.
    abstract Pick: count: int -> int

    /// Whether a fault with this rate, which is not 0, comes now.
    abstract Comes: rate: float -> bool

    /// Hears of each fault.
    member val Heard: (Fault -> unit) = ignore with get, set

    /// How often each fault has struck.
    member _.Struck = struck

    /// How many faults were drawn, spared ones included.
    member _.Drawn = drawn

    /// How often this fault happens.
    member _.Rate(fault: Fault) = if calm then 0.0 else faults.Rates[int fault]

    /// Whether this fault happens here and now.
    member this.Strikes(fault: Fault) =
        let rate = this.Rate fault

        if rate <= 0.0 || not (this.Comes rate) then
            false
        else
            drawn <- drawn + 1
            let strikes = not (spared.Contains(drawn - 1))

            if strikes then
                struck[int fault] <- struck[int fault] + 1
                this.Heard fault

            strikes

    /// From now on nothing goes wrong: the liveness phase.
    member _.Calm() = calm <- true

    /// From `least` to `most`, both included.
    member this.Between(least: int, most: int) =
        if most <= least then least else least + this.Pick(most - least + 1)

    /// Which of several things that are due comes first.
    abstract First: count: int -> int
    default this.First count = if count > 1 && this.Strikes Fault.Reordered then this.Pick count else 0

    /// A length that may come short: `length`, or from 1 to `length` - 1 bytes of it.
    abstract Shorten: length: int -> int

    default this.Shorten length =
        if length > 1 && this.Strikes Fault.Shortened then this.Between(1, length - 1) else length

/// SplitMix64: a good generator in five lines, the same on every machine and in every version of .NET.
[<Sealed>]
type internal Generator(seed: uint64) =
    let mutable state = seed

    member _.Next() : uint64 =
        state <- state + 0x9E37_79B9_7F4A_7C15UL
        let z = (state ^^^ (state >>> 30)) * 0xBF58_476D_1CE4_E5B9UL
        let z = (z ^^^ (z >>> 27)) * 0x94D0_49BB_1331_11EBUL
        z ^^^ (z >>> 31)

    /// 0 <= result < count, without a division; count > 0.
    member this.Below(count: int) = int (((this.Next() >>> 32) * uint64 count) >>> 32)

    /// True with this probability.
    member this.Chance(probability: float) = float (this.Next() >>> 11) / 9007199254740992.0 < probability

/// Choices from a seed. Whether a fault strikes and what is picked come from two streams, so that sparing one fault leaves
/// the draws of the others alone.
[<Sealed>]
type internal Dice(seed: uint64, faults: Faults, spared: HashSet<int>) =
    inherit Choices(faults, spared)

    let picks = Generator seed
    let strikes = Generator(seed ^^^ 0x5DEE_CE66_D1CE_CAFEUL)

    override _.Pick count = if count <= 1 then 0 else picks.Below count
    override _.Comes rate = strikes.Chance rate

/// Faults for one run of many.
[<RequireQualifiedAccess>]
module Swarm =

    /// Some of these faults, each more or less often: which ones, the seed decides.
    let ofSeed (seed: uint64) (faults: Faults) : Faults =
        let generator = Generator(seed * 0x2545_F491_4F6C_DD1DUL + 1UL)
        Faults.drawn generator.Below faults
