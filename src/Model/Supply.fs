// Decides when a pool adds buffers and when streams that starve are armed again. Knows no memory and no stream.
// Tested in SupplyLaws.fs; driven by Driver/BufferPool.fs.
namespace Uring.Model

/// How many buffers a pool has and may have.
///
/// Laws
///  1. a pool never grows beyond its limit, and each step but the last is a whole one
///  2. streams that starve are fed when enough buffers are there: arming for each single one would only fail again
///  3. ... but one buffer is enough after some patience, or when nothing else can happen: nobody starves beside a buffer
///  4. as many are fed as there are buffers for, a few for each: one with a backlog takes more than one; at least one is
[<Struct>]
type Supply = {
    /// Buffers that exist.
    Count: int
    /// Most that may exist.
    Limit: int
    /// How many to add at a time.
    Step: int
    /// So many buffers at the kernel are enough to go on.
    LowWater: int
}

/// The rules of a pool's supply; see `Supply` for the laws.
[<RequireQualifiedAccess>]
module Supply =

    /// Turns of the loop that a starving stream waits for more than one buffer.
    [<Literal>]
    let Patience = 8

    /// How many buffers to add now that none is left.
    let toAdd supply = min supply.Step (supply.Limit - supply.Count)

    /// The pool has `added` more.
    let grown added supply = { supply with Count = supply.Count + added }

    /// Streams that starve may be armed: `available` buffers are at the kernel, and they have waited for `turns`.
    let mayFeed available turns supply = available >= supply.LowWater || (available > 0 && turns >= Patience)

    /// How many streams to arm: arming one for each buffer would mostly fail, since the first take several.
    let toFeed available starving = min starving (max (min 1 available) (available / 8))

    /// A mark that suits a pool of this size: an eighth of it, and never more than 32.
    let lowWaterFor count = max 1 (min 32 (count / 8))
