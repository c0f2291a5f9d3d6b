// Buffer pools for F# programs.
namespace Uring.FSharp

open System.Threading.Tasks
open Uring.Driver

/// Buffers that the kernel takes when data comes. Each function is a cold program; a pool belongs to the loop that runs it.
[<RequireQualifiedAccess>]
module BufferPool =

    /// A pool of one's own. Raises ArgumentOutOfRangeException for sizes that make no sense, and
    /// UringUnavailableException, which names cause and remedy, when the kernel has no room for it.
    let create (options: BufferPoolOptions) : Uring<BufferPool> =
        Program.ofScope (fun scope -> ValueTask<BufferPool>(scope.Loop.Pools.Create options))

    /// The pool that the loop's programs share: 64 buffers of 16 KiB, growing to 64 MiB.
    let shared: Uring<BufferPool> =
        Program.ofScope (fun scope -> ValueTask<BufferPool> scope.Loop.Pools.Shared)

    /// Refuses new streams, ends those that use the pool, and ends when the kernel has let go of its buffers. Leases that
    /// are still held stay valid.
    let close (pool: BufferPool) : Uring<unit> =
        Program.ofScope (fun _ ->
            let home = pool.Host :?> Loop

            ValueTask<unit>(
                task {
                    let! closing = home.Call(fun () -> home.Pools.Close pool)
                    do! closing
                }
            ))
