// The decisions of one explored run, and which run comes next: depth first through all that can be decided.
namespace Uring.Simulation

open System.Collections.Generic

/// Follows decisions that were made before, and takes the first possibility of each that comes after them. A fault with a
/// rate may come wherever it can, at most `faultLimit` times in a run; what is merely another order is always tried.
[<Sealed>]
type internal Path(faults: Faults, faultLimit: int, decided: int array) =
    inherit Choices(faults, HashSet())

    let taken = List<struct (int * int)>()
    let mutable struck = 0

    let pick count =
        if count <= 1 then
            0
        else
            let index = taken.Count
            let chosen = if index < decided.Length then min decided[index] (count - 1) else 0
            taken.Add(struct (chosen, count))
            chosen

    override _.Pick count = pick count

    override _.Comes _ =
        let comes = struck < faultLimit && pick 2 = 1

        if comes then struck <- struck + 1

        comes

    // Not a fault and then its kind: each order once.
    override this.First count = if this.Rate Fault.Reordered > 0.0 then pick count else 0

    /// What was decided, in its order.
    member _.Decisions = [ for struct (chosen, _) in taken -> chosen ]

    /// The decisions of the next run: the last one that has another possibility takes it. Nothing when this was the last run.
    member _.Next: int array voption =
        let mutable last = taken.Count - 1

        let isExhausted () =
            let struct (chosen, count) = taken[last]
            chosen = count - 1

        while last >= 0 && isExhausted () do
            last <- last - 1

        if last < 0 then
            ValueNone
        else
            let next = Array.init (last + 1) (fun index -> let struct (chosen, _) = taken[index] in chosen)
            next[last] <- next[last] + 1
            ValueSome next
