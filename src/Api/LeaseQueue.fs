// Leases that are sent on a socket while their sender goes on, for F# programs and for the C# facade.
namespace Uring.FSharp

open System
open System.Threading
open System.Threading.Tasks
open Uring.Driver

/// A queue of leases in front of one socket, each sent from where it lies. While it exists nobody else may send on the
/// socket. Dispose of it with `use!`: what was not sent is dropped, so `LeaseQueue.flush` it first.
[<Sealed>]
type LeaseQueue internal (loop: Loop, line: LeaseLine) =
    let mutable isDisposed = false

    /// What another thread sends goes by way of the loop's.
    let sendElsewhere (lease: BufferLease) =
        task {
            try
                do! loop.CallThrough(fun () -> line.Offer(lease).AsTask())
            finally
                // Harmless once it was handed on; a loop that has ended meanwhile never looks at it.
                lease.Dispose()
        }

    /// From any thread. `limit`: so many leases may be there before a sender waits.
    static member internal Create(loop: Loop, socket: FileDescriptor, limit: int) =
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1, nameof limit)
        let line = LeaseLine(loop, socket, limit)
        line.Open()
        LeaseQueue(loop, line)

    /// Leases that were handed on and not yet sent. A snapshot.
    member _.Unsent = line.Unsent

    /// For who wants to be spared the look into this object at each message.
    member internal _.Line = line

    /// The line did not take a lease. Raises if it never will again.
    member internal _.Refused() =
        ObjectDisposedException.ThrowIf(Volatile.Read &isDisposed || loop.IsStopping, typeof<LeaseQueue>)
        false

    member internal this.TrySend(lease: BufferLease) = line.TryOffer lease || this.Refused()

    member internal _.Send(lease: BufferLease) : ValueTask =
        if loop.IsCurrent then line.Offer lease else ValueTask(sendElsewhere lease)

    member internal _.Flush() : ValueTask = loop.CallThrough(fun () -> line.Flush())

    interface IAsyncDisposable with
        member _.DisposeAsync() =
            Volatile.Write(&isDisposed, true)

            // A loop that ends ends its sends itself.
            if loop.IsStopping then
                ValueTask.CompletedTask
            else
                loop.CallThrough(fun () -> line.Close())

/// Sending by way of a queue of leases. Each function is a cold program.
[<RequireQualifiedAccess>]
module LeaseQueue =

    /// A queue in front of a socket. Who sends waits while more than `limit` leases (at least 1) are in it.
    let create (limit: int) (socket: Socket) : Uring<LeaseQueue> =
        Program.ofScope (fun _ ->
            ValueTask<LeaseQueue>(LeaseQueue.Create(socket.Loop, socket.Descriptor, limit)))

    /// As `send`, at once, if that would end at once: there is room, this is the ring's thread, and the connection has not
    /// failed as far as is known. The lease is the caller's still when the answer is false, or an exception: one whose queue
    /// or ring was disposed of raises ObjectDisposedException.
    let trySend (queue: LeaseQueue) (lease: BufferLease) : bool = queue.TrySend lease

    /// Hands a lease on: it is sent behind those that were handed on before, and its buffer goes back when it has been, or
    /// when that failed. Ends at once, unless more leases than the limit are in the queue. Raises when the connection has
    /// failed, perhaps with an earlier one.
    let send (queue: LeaseQueue) (lease: BufferLease) : Uring<unit> = uring { do! queue.Send lease }

    /// Ends when all that was handed on before has been sent. Raises when the connection has failed.
    let flush (queue: LeaseQueue) : Uring<unit> = uring { do! queue.Flush() }

    /// Drops what was not sent; ends when the kernel has let go of it.
    let close (queue: LeaseQueue) : Uring<unit> = uring { do! (queue :> IAsyncDisposable).DisposeAsync() }
