// An operation that is named while it runs: to be changed, or ended apart from its token. The name is the user data, which
// the loop's thread alone knows; so what is asked is handed over to it, behind the operation itself.
namespace Uring.Driver

open System.Threading
open System.Threading.Tasks
open Uring.Model

/// One use of an operation's object.
[<Struct; NoEquality; NoComparison>]
type internal Running = { Loop: Loop; Operation: Operation; Version: int16 }

[<RequireQualifiedAccess>]
module internal Running =

    let private isRunning (running: Running) =
        running.Operation.Version = running.Version
        && running.Loop.Flights.IsLive running.Operation.UserData

    let private later (running: Running) (call: unit -> 'T) : Task<'T> =
        let work = CallWork<'T> call
        (running.Loop :> IHost).HandOver work
        work.Ended

    /// Starts an operation. Errors are negative results.
    let start (loop: Loop) (request: Request) (token: CancellationToken) : struct (Running * ValueTask<int>) =
        System.ObjectDisposedException.ThrowIf(loop.IsStopping, loop)
        token.ThrowIfCancellationRequested()
        let operation = loop.Idle.Rent loop.IsCurrent

        let running = { Loop = loop; Operation = operation; Version = operation.Version }

        operation.Initialize(&request, loop.IsCurrent, true, token)

        if loop.IsCurrent then
            loop.Flights.Begin(operation, &request)
        else
            (loop :> IHost).HandOver operation

        struct (running, ValueTask<int>(operation, running.Version))

    /// Starts a chain. Errors are negative results. What names each step, and its result.
    let startChain
        (loop: Loop)
        (chain: Chain<Request>)
        (token: CancellationToken)
        : struct (Running array * ValueTask<int> array) =
        let struct (operations, results) = loop.BeginChain(chain, token)

        let name (operation: Operation) = { Loop = loop; Operation = operation; Version = operation.Version }

        struct (Array.map name operations, results)

    /// Performs a request about it. -ENOENT when it has ended.
    let ask (running: Running) (about: UserData -> Request) : Task<int> =
        task {
            let! answer =
                later running (fun () ->
                    if isRunning running then
                        let request = about running.Operation.UserData
                        running.Loop.TryStart(&request, CancellationToken.None)
                    else
                        ValueTask<int>(Errno.toResult Errno.ENOENT))

            return! answer
        }

    /// Asks for its end. False when it has ended, or somebody has asked before.
    let cancel (running: Running) : Task<bool> =
        later running (fun () ->
            let isMeant = isRunning running && not running.Operation.CancelAsked
            if isMeant then running.Loop.Flights.Cancel running.Operation
            isMeant)
