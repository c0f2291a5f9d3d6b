// Starts zero-copy sends whose notification somebody wants to hear.
namespace Uring.Driver

open System
open System.Threading
open System.Threading.Tasks
open Uring.Model

[<RequireQualifiedAccess>]
module internal Notifying =

    let private startAt
        (loop: Loop)
        (request: Request)
        (listener: INotified)
        (token: CancellationToken)
        : ValueTask<int> =
        ObjectDisposedException.ThrowIf(loop.IsStopping, typeof<Loop>)

        if token.IsCancellationRequested then
            ValueTask.FromCanceled<int> token
        else
            let isLocal = loop.IsCurrent
            let operation = loop.Idle.Rent isLocal
            let version = operation.Version
            operation.Initialize(&request, isLocal, false, token)
            operation.Listener <- listener

            if isLocal then
                loop.Flights.Begin(operation, &request)
            else
                (loop :> IHost).HandOver operation

            ValueTask<int>(operation, version)

    /// From any thread, as `Loop.Start`. The listener hears of the notification if there is one, before the memory is free.
    let start
        (loop: Loop)
        (request: Request)
        (listener: INotified)
        (token: CancellationToken)
        : ValueTask<int> =
        match request.Target with
        | null -> startAt loop request listener token
        | target -> startAt (target.Home :?> Loop) request listener token
