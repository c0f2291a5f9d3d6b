// Sends a completion, or a slot of the table, from one ring to another: MSG_RING. The other loop stays until it is through.
namespace Uring.Driver

open System
open System.Threading
open System.Threading.Tasks
open Uring.Model

[<RequireQualifiedAccess>]
module internal Sending =

    let private leave (target: Loop) =
        target.Flights.Mailbox.Leave()

        // It may have waited for this alone.
        if target.IsStopping then
            let nothing = CallWork<bool>(fun () -> true)
            (target :> IHost).HandOver nothing
            // Where it has ended all the same, nobody minds.
            nothing.Ended.ContinueWith(
                (fun (ended: Task<bool>) -> ended.Exception |> ignore),
                TaskScheduler.Default
            )
            |> ignore

    /// From any thread. Errors are negative results; a target that stops is an exception.
    let perform (source: Loop) (target: Loop) (request: Request) (token: CancellationToken) : Task<int> =
        target.Flights.Mailbox.Enter()

        task {
            try
                ObjectDisposedException.ThrowIf(target.IsStopping, typeof<Loop>)
                return! source.TryStart(&request, token)
            finally
                leave target
        }

    /// The ring's number: it is the ring's own as long as somebody sends.
    let number (target: Loop) = target.Ring.Descriptor
