// Operations to use again. The loop's own are a stack, for the cache; other threads share a queue.
namespace Uring.Driver

open System.Collections.Concurrent
open System.Collections.Generic

[<Sealed>]
type internal IdleOperations(host: IHost) =
    let local = Stack<Operation>()
    let elsewhere = ConcurrentQueue<Operation>()
    // Bounded: a loop that only starts and another thread that only awaits would fill one of them for ever.
    let most = 4096

    member this.Rent(isLocal: bool) =
        let mutable found = Unchecked.defaultof<Operation>

        if (isLocal && local.TryPop &found) || elsewhere.TryDequeue &found then
            found
        else
            Operation(host, this)

    interface IOperationPool with
        member _.Return operation =
            if host.IsCurrentThread then
                if local.Count < most then local.Push operation
            elif elsewhere.Count < most then
                elsewhere.Enqueue operation
