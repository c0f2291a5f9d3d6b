// Other sizes for the queues of a ring that runs. From any thread; the loop does it between two turns.
// Source: man io_uring_resize_rings(3).
namespace Uring.Driver

open System
open System.Threading.Tasks
open Uring.Model

/// Changing the sizes of a ring while it works.
[<RequireQualifiedAccess>]
module Resizing =

    let private fault (errno: Errno) : exn =
        match errno with
        | Errno.EINVAL ->
            NotSupportedException
                "The kernel refused to resize the ring (EINVAL). It needs Linux 6.13, and a ring without a submitting thread."
        | Errno.EOVERFLOW ->
            InvalidOperationException
                "More results wait in the ring than would fit (EOVERFLOW): ask for more room, or try again later."
        | Errno.EACCES ->
            UnauthorizedAccessException "The ring was made with restrictions that do not allow resizing."
        // An open set: the name of the error has to do.
        | other ->
            InvalidOperationException(
                String.Concat("The kernel refused to resize the ring: ", other.ToString(), ".")
            )

    /// Gives the ring queues of these sizes, which the kernel rounds up to powers of two; what is in flight goes on. True
    /// when that is done.
    let resize (loop: Loop) (submissions: int) (completions: int) : ValueTask<bool> =
        if submissions < 1 || submissions > 32768 then
            raise (ArgumentOutOfRangeException(nameof submissions, "1 to 32768."))

        if completions < submissions || completions > 65536 then
            raise (
                ArgumentOutOfRangeException(
                    nameof completions,
                    "At least as many as submissions, at most 65536."
                )
            )

        let attempt () = loop.Call(fun () -> loop.Ring.TryResize(uint32 submissions, uint32 completions))

        // More may wait in the queues, for a moment, than the new ones have room for: each turn empties them.
        let rec go triesLeft =
            task {
                match! attempt () with
                | Ok() -> return true
                | Error Errno.EOVERFLOW when triesLeft > 0 ->
                    do! Task.Yield()
                    return! go (triesLeft - 1)
                | Error errno -> return raise (fault errno)
            }

        ValueTask<bool>(go 1000)
