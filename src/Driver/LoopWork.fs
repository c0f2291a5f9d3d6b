// What other threads hand over to a loop, besides operations: chains, closes, callbacks.
namespace Uring.Driver

open System
open System.Collections.Generic
open System.Runtime.ExceptionServices
open System.Threading
open System.Threading.Tasks
open Uring.Model

/// A callback from another thread.
[<Sealed>]
type internal PostWork(surroundings: ISurroundings, callback: SendOrPostCallback, state: obj | null) =
    inherit Work()

    override _.Run() =
        let posted = { Callback = callback; State = state }
        posted.Run()

    override this.Bury() = surroundings.Queue this

    interface IThreadPoolWorkItem with
        member _.Execute() = callback.Invoke state

/// A function for the loop's thread, whose result somebody waits for.
[<Sealed>]
type internal CallWork<'T>(call: Func<'T>) =
    inherit Work()
    let ended = TaskCompletionSource<'T>(TaskCreationOptions.RunContinuationsAsynchronously)

    member _.Ended = ended.Task

    override _.Run() =
        try
            ended.SetResult(call.Invoke())
        with reason ->
            ended.SetException reason

    override _.Bury() = ended.SetException(ObjectDisposedException "Ring")

/// Linked operations that have to enter the ring together; without room they wait for the next turn.
[<Sealed>]
type internal ChainWork
    (
        chains: Chaining,
        rounds: Rounds,
        idle: IdleOperations,
        isLocal: bool,
        steps: struct (Request * SqeFlags) array,
        token: CancellationToken
    ) =
    inherit Work()

    let operations =
        steps
        |> Array.map (fun struct (request, _) ->
            let operation = idle.Rent isLocal
            operation.Initialize(&request, false, true, token)
            operation)

    let flags = steps |> Array.map (fun struct (_, flags) -> flags)

    /// One for each step.
    member _.Operations = operations

    /// One for each step.
    member _.Tasks = operations |> Array.map (fun operation -> ValueTask<int>(operation, operation.Version))

    override this.Run() = if not (chains.TryBegin(operations, flags)) then rounds.Postpone this

    override _.Bury() =
        for operation in operations do
            operation.Bury()

/// A close that waits its turn.
[<Sealed>]
type internal CloseWork(inFlight: InFlight, descriptor: FileDescriptor, closer: Operation) =
    inherit Work()
    override _.Run() = inFlight.Close(descriptor, closer)

    override _.Bury() =
        // Slots of the table have gone with the ring.
        if not descriptor.IsDirect then closer.Host.Kernel.Close descriptor.Number |> ignore

        closer.Refused 0
