// Credentials that a ring remembers: who an operation is done for. From any thread; the loop registers them.
// Source: man io_uring_register(2), IORING_REGISTER_PERSONALITY.
namespace Uring.Driver

open System
open System.Threading
open System.Threading.Tasks
open Uring.Model

/// The credentials that the loop's thread had when they were registered: user, groups, capabilities. Requests that are signed
/// with it are done with these. Dispose of it when no more will be signed; what has begun keeps them.
[<Sealed>]
type Personality private (loop: Loop, number: int) =
    let mutable isForgotten = 0

    /// The loop that remembers it, and no other does.
    member _.Loop = loop

    /// The kernel's number for it.
    member _.Number = number

    /// Remembers the credentials that the loop's thread has now (Linux 5.6).
    static member Register(loop: Loop) : ValueTask<Personality> =
        loop.Call(fun () -> Personality(loop, Registration.credentials loop.Ring))

    /// The same request, done with the credentials of that number; 0 are those of the loop's thread.
    static member Signed(request: Request, number: uint16) : Request = {
        request with
            Submission = { request.Submission with Personality = number }
    }

    /// The same request, done with these credentials. It has to start on the loop that remembers them.
    member this.Sign(request: Request) : Request =
        ObjectDisposedException.ThrowIf(Volatile.Read &isForgotten <> 0, this)

        match request.Target with
        | null -> ()
        | target when obj.ReferenceEquals(target.Home, loop) -> ()
        | _ ->
            raise (
                ArgumentException(
                    "The descriptor belongs to another ring than the credentials: operations on it are done there.",
                    nameof request
                )
            )

        Personality.Signed(request, uint16 number)

    member private _.Forget() : Task =
        task {
            try
                let! _ =
                    loop.Call(fun () ->
                        Registration.forget loop.Ring number
                        true)

                ()
            // They have gone with the ring.
            with :? ObjectDisposedException ->
                ()
        }

    interface IAsyncDisposable with
        member this.DisposeAsync() =
            if Interlocked.Exchange(&isForgotten, 1) = 0 then
                ValueTask(this.Forget())
            else
                ValueTask.CompletedTask
