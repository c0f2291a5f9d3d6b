// What a program says of bytes it will use, and asks to be written soon: results, and no other effect. Source: man
// posix_fadvise(2), madvise(2), sync_file_range(2).
namespace Uring.Simulation.Kernel

open Uring.Kernel
open Uring.Model
open Uring.Simulation.World

[<RequireQualifiedAccess>]
module internal Advising =

    let private fail (errno: Errno) = Errno.toResult errno

    /// A worker does it: only what a file remembers (normal, random, sequential) is done at once.
    let mayBlock (request: KernelRequest) =
        let submission = request.Submission
        submission.OpFlags > 2u

    /// posix_fadvise(2).
    let file (request: KernelRequest) (file: OpenFile) : int =
        let submission = request.Submission

        match file with
        | :? PipeReader
        | :? PipeWriter -> fail Errno.ESPIPE
        | _ when submission.OpFlags > 5u || int64 submission.Address < 0L -> fail Errno.EINVAL
        | _ -> 0

    // MADV_NORMAL to DONTNEED, FREE, DONTFORK to COLLAPSE; of MADV_REMOVE see below.
    let private known = set [ yield! [ 0u .. 4u ]; 8u; yield! [ 10u .. 25u ] ]

    // MADV_DONTNEED, MADV_DONTNEED_LOCKED.
    let private takesAway advice = advice = 4u || advice = 24u

    /// madvise(2), of private memory: what goes at once reads as zeros, what may go stays, and there is no file behind it that
    /// could get a hole (MADV_REMOVE). What is for root alone (MADV_HWPOISON, MADV_SOFT_OFFLINE) is refused.
    let memory (world: SimulatedMemory) (request: KernelRequest) : int =
        let submission = request.Submission

        match submission.OpFlags with
        | _ when submission.Address % 4096UL <> 0UL -> fail Errno.EINVAL
        | 100u
        | 101u -> fail Errno.EPERM
        | advice when not (Set.contains advice known) -> fail Errno.EINVAL
        | advice when takesAway advice ->
            world.CheckWrite(submission.Address, int submission.Length, "MemoryAdvise")
            (Mapped.span (nativeint submission.Address) (int submission.Length)).Clear()
            0
        | _ -> 0

    /// sync_file_range(2): what it has written is not safe before a sync, because nobody asked for the names.
    let syncRange (request: KernelRequest) (file: OpenFile) : int =
        let submission = request.Submission

        match file with
        | _ when submission.OpFlags > 7u || int64 submission.Offset < 0L -> fail Errno.EINVAL
        | :? RegularFile
        | :? DirectoryFile -> 0
        | _ -> fail Errno.ESPIPE
