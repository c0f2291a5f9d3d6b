// Operations that are cancelled together: one registration with the token for all of them, none per operation.
namespace Uring.Driver

open System
open System.Threading

/// What a scope's operations have in common. Cancelling the token asks for the end of all that are in flight.
[<Sealed>]
type internal OperationGroup(host: IHost, token: CancellationToken) as this =
    inherit Work()

    let registration =
        token.UnsafeRegister(
            (fun _ ->
                if host.IsCurrentThread then
                    host.CancelGroup this
                else
                    // Once per token, so the object itself can be the work.
                    host.HandOver this),
            null
        )

    member _.Token = token

    /// From now on the token cancels nothing here.
    member _.Dispose() = registration.Unregister() |> ignore

    override this.Run() = host.CancelGroup this

    interface IDisposable with
        member this.Dispose() = this.Dispose()
