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

    /// From any thread: does something that names a loop's ring, which does not end meanwhile. One that stops already is an
    /// exception.
    let whileThere (target: Loop) (action: unit -> Task<'T>) : Task<'T> =
        target.Flights.Mailbox.Enter()

        task {
            try
                ObjectDisposedException.ThrowIf(target.IsStopping, typeof<Loop>)
                return! action ()
            finally
                leave target
        }

    /// From any thread. Errors are negative results.
    let perform (source: Loop) (target: Loop) (request: Request) (token: CancellationToken) : Task<int> =
        whileThere target (fun () ->
            let mutable request = request
            source.TryStart(&request, token).AsTask())

    /// The ring's number: it is the ring's own as long as somebody sends.
    let number (target: Loop) = target.Ring.Descriptor

    /// From any thread: puts a direct descriptor into a free slot of another ring's table. The slot is the target's from then
    /// on, and the one here is free. `fault` says what is raised for an error.
    let move (target: Loop) (direct: FileDescriptor) (fault: int -> exn) (token: CancellationToken) =
        let home = direct.Home :?> Loop

        if not direct.IsDirect then
            raise (
                InvalidOperationException
                    "Only a direct descriptor belongs to a ring: this one belongs to the process."
            )

        if obj.ReferenceEquals(home, target) then
            raise (ArgumentException("The descriptor is on this ring already.", nameof target))

        let request = {
            Request.bare (Submission.sendDirect (number target) direct.Number) with
                Other = direct
        }

        let sending = perform home target request token

        task {
            let! result = sending

            if result < 0 then raise (fault result)

            let arrived = target.OwnDirect result
            let! _ = home.CloseDescriptor direct
            return arrived
        }
