// The buffer pools of one loop. Belongs to the loop's thread. Decides nothing but which group id comes next.
namespace Uring.Driver

open System
open System.Collections.Generic
open System.Threading.Tasks
open Uring.Model

[<Sealed>]
type internal Pools(host: IHost, ring: Ring) =
    let pools = List<BufferPool>()
    let queues = List<SendBuffers>()
    let mutable lastGroup = 0us
    let mutable shared: BufferPool | null = null

    let isTaken group =
        pools.Exists(fun pool -> pool.Group = group) || queues.Exists(fun queue -> queue.Group = group)

    /// Those that the kernel has let go of need nothing any more, and their ids are free.
    let prune () =
        pools.RemoveAll(fun pool -> pool.IsUnregistered) |> ignore
        queues.RemoveAll(fun queue -> queue.IsUnregistered) |> ignore

    let rec nextGroup () =
        prune ()
        lastGroup <- lastGroup + 1us
        if isTaken lastGroup then nextGroup () else lastGroup

    /// A new pool. Raises when the options make no sense, and when the kernel has no room for it.
    member _.Create(options: BufferPoolOptions) : BufferPool =
        BufferPoolOptions.check options
        let pool = BufferPool(host, ring.Plan, ring.Descriptor, nextGroup (), options)
        pool.Register()
        pools.Add pool
        pool

    /// How much a stream that receives into this pool may hold. Without a pool these are descriptors: what a slow consumer has
    /// not taken waits in the listener's backlog.
    member _.LimitOf(pool: BufferPool | null) =
        match pool with
        | null -> 64
        | pool ->
            ObjectDisposedException.ThrowIf(pool.IsClosed, pool)

            if not (obj.ReferenceEquals(pool.Host, host)) then
                raise (
                    ArgumentException(
                        "The buffer pool belongs to another ring: a ring can only receive into its own.",
                        nameof pool
                    )
                )

            pool.Options.PerStream

    /// The pool of those who name none; made on first use, and again after somebody has closed it.
    member this.Shared: BufferPool =
        match shared with
        | null -> this.Share()
        | pool when pool.IsClosed -> this.Share()
        | pool -> pool

    member private this.Share() =
        let pool = this.Create BufferPoolOptions.shared
        shared <- pool
        pool

    /// Closes a pool: see `BufferPool.Close`.
    member _.Close(pool: BufferPool) : Task =
        let closing = pool.Close()
        prune ()
        closing

    /// A queue of `count` buffers of `size` bytes in front of a socket.
    member _.CreateQueue(socket: FileDescriptor, count: int, size: int) : SendBuffers =
        BufferPoolOptions.check (BufferPoolOptions.fixedOf count size)
        let queue = SendBuffers(host, ring.Plan, ring.Descriptor, nextGroup (), socket, count, size)
        queue.Register()
        queues.Add queue
        queue

    /// Closes a queue: see `SendBuffers.Close`.
    member _.CloseQueue(queue: SendBuffers) : Task =
        let closing = queue.Close()
        prune ()
        closing

    /// A stream starves beside a buffer.
    member _.CanFeed =
        let mutable can = false

        for index in 0 .. pools.Count - 1 do
            can <- can || pools[index].CanFeed

        can

    member _.Feed() =
        for index in 0 .. pools.Count - 1 do
            pools[index].Feed()

    /// Before each enter.
    member _.Commit() =
        for index in 0 .. pools.Count - 1 do
            pools[index].Commit()

        for index in 0 .. queues.Count - 1 do
            queues[index].Commit()

    /// When the loop ends. After a failure the kernel may still write: the memory stays.
    member _.LoopEnded(hasFailed: bool) =
        for pool in pools.ToArray() do
            pool.LoopEnded hasFailed

        if not hasFailed then
            for queue in queues.ToArray() do
                queue.Close() |> ignore
