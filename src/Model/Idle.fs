// Decides how long a loop with nothing to do looks for work before it blocks. Knows no clock: it counts looks.
// Tested in IdleLaws.fs; driven by Driver/Lookout.fs.
namespace Uring.Model

/// To block and be woken costs two context switches, tens of microseconds in a virtual machine: where work comes sooner,
/// looking for it is quicker and cheaper. Where it does not, looking only warms the processor, so that is soon given up.
///
///             found                                       blocked (2^misses - 1 times)
///   Looks  ----------> Looks        Skips (misses = n) -------------------------------> Looks
///     |                               ^
///     +----- in vain: misses + 1 -----+
///
/// Laws
///  1. who found work the last time looks again
///  2. looks in vain become rarer: after n in a row, 2^n - 1 waits block at once, 63 at most
///  3. it never gives up for good: of any 64 waits at least one looks
///  4. a limit of no looks never looks
[<Struct>]
type Idle = {
    /// How often a loop may look in one wait; 0 blocks at once.
    Limit: int
    /// Waits in a row that looked in vain, 6 at most.
    Misses: int
    /// Waits that have blocked at once since.
    Skipped: int
}

/// The steps of an idle loop; see `Idle` for the diagram and the laws.
[<RequireQualifiedAccess>]
module Idle =

    /// 2^6 - 1 waits are skipped at most.
    [<Literal>]
    let private MostMisses = 6

    /// Before the first wait.
    let create limit = { Limit = limit; Misses = 0; Skipped = 0 }

    /// How often to look in this wait, before it blocks.
    let looks idle = if idle.Skipped < (1 <<< idle.Misses) - 1 then 0 else idle.Limit

    /// There was work before it had to block.
    let found idle = { idle with Misses = 0; Skipped = 0 }

    /// It blocks: after it has looked in vain, or at once.
    let blocked idle =
        if looks idle = 0 then
            { idle with Skipped = min (idle.Skipped + 1) ((1 <<< MostMisses) - 1) }
        else
            { idle with Misses = min (idle.Misses + 1) MostMisses; Skipped = 0 }
