// Outgoing bytes of a socket in order, many in one submission, for F# programs and for the C# facade.
namespace Uring.FSharp

open System
open System.Threading.Tasks
open Uring.Driver

/// A queue of copies in front of one socket. While it exists nobody else may send on the socket. Dispose of it with
/// `use!`: what was not sent is dropped, so `SendQueue.flush` it first.
[<Sealed>]
type SendQueue internal (loop: Loop, core: SendBuffers) =

    /// Bytes that were queued and that the kernel has not taken. A snapshot.
    member _.Unsent = core.Unsent

    /// From any thread.
    static member internal Create
        (loop: Loop, socket: FileDescriptor, count: int, size: int)
        : Task<SendQueue> =
        task {
            let! core = loop.Call(fun () -> loop.Pools.CreateQueue(socket, count, size))
            return SendQueue(loop, core)
        }

    member internal _.Send(bytes: ReadOnlyMemory<byte>) : ValueTask =
        if loop.IsCurrent then
            ValueTask(core.Send bytes)
        else
            loop.CallThrough(fun () -> core.Send bytes)

    member internal _.Flush() : ValueTask = loop.CallThrough(fun () -> core.Flush())

    interface IAsyncDisposable with
        member _.DisposeAsync() =
            // A loop that ends closes its queues itself.
            if loop.IsStopping then
                ValueTask.CompletedTask
            else
                loop.CallThrough(fun () -> loop.Pools.CloseQueue core)

/// Sending by way of a queue. Each function is a cold program.
[<RequireQualifiedAccess>]
module SendQueue =

    /// A queue of `count` buffers of `size` bytes in front of a socket. With bundled sends (Linux 6.16) one submission
    /// sends as many as there are; older kernels send them one by one.
    let create (count: int) (size: int) (socket: Socket) : Uring<SendQueue> =
        Program.ofScope (fun _ ->
            ValueTask<SendQueue>(SendQueue.Create(socket.Loop, socket.Descriptor, count, size)))

    /// Queues a copy of the bytes; ends when the last of them has a place. Raises when the connection has failed.
    let send (queue: SendQueue) (bytes: ReadOnlyMemory<byte>) : Uring<unit> = uring { do! queue.Send bytes }

    /// Ends when the kernel has taken all that was queued before. Raises when the connection has failed.
    let flush (queue: SendQueue) : Uring<unit> = uring { do! queue.Flush() }

    /// Drops what was not sent; ends when the kernel has let go of the buffers.
    let close (queue: SendQueue) : Uring<unit> = uring { do! (queue :> IAsyncDisposable).DisposeAsync() }
