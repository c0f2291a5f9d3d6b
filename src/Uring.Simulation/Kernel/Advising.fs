// What a program says of bytes it will use, and asks to be written soon: results, and no other effect. Source: man
// posix_fadvise(2), madvise(2), sync_file_range(2).
namespace Uring.Simulation.Kernel

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

    // MADV_NORMAL to WILLNEED, FREE, HUGEPAGE, NOHUGEPAGE, COLD, PAGEOUT, POPULATE_READ, POPULATE_WRITE, COLLAPSE.
    let private known = set [ 0u; 1u; 2u; 3u; 14u; 15u; 20u; 21u; 22u; 23u; 25u ]

    /// madvise(2). What takes memory away is not simulated.
    let memory (request: KernelRequest) : int =
        let submission = request.Submission

        if submission.Address % 4096UL <> 0UL || not (Set.contains submission.OpFlags known) then
            fail Errno.EINVAL
        else
            0

    /// sync_file_range(2): what it has written is not safe before a sync, because nobody asked for the names.
    let syncRange (request: KernelRequest) (file: OpenFile) : int =
        let submission = request.Submission

        match file with
        | _ when submission.OpFlags > 7u || int64 submission.Offset < 0L -> fail Errno.EINVAL
        | :? RegularFile
        | :? DirectoryFile -> 0
        | _ -> fail Errno.ESPIPE
