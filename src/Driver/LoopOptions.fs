// How a loop is made.
namespace Uring.Driver

open Uring.Model

/// How a loop is made. The kernel rounds the sizes up to powers of two.
type LoopOptions = {
    /// Submission queue entries: how much is submitted in one call at most. 1 to 32768.
    Entries: int
    /// Completion queue entries: bursts beyond it are kept by the kernel, slowly. At least `Entries`, at most 65536.
    Completions: int
    /// Kernel threads for operations that must block, such as buffered writes on ext4; 0 leaves the kernel's default.
    BoundedWorkers: int
    /// The same for operations on sockets, pipes and the like.
    UnboundedWorkers: int
    /// Slots of the ring's own descriptor table, for direct descriptors (Linux 5.19); 0 makes none.
    DirectDescriptors: int
    /// How often a loop with nothing to do looks for work before it blocks, about 150 ns each; 0 blocks at once. Looks in
    /// vain are soon given up (Model/Idle).
    Looks: int
    /// The way of waking to try first; a kernel without it gets the next.
    Wake: Wake
}

/// Ready-made options.
[<RequireQualifiedAccess>]
module LoopOptions =

    /// 256 submissions, 4096 completions, and a limit that no burst can explode (the kernel's own default for
    /// unbounded workers is RLIMIT_NPROC, tens of thousands).
    let standard = {
        Entries = 256
        Completions = 4096
        BoundedWorkers = 0
        UnboundedWorkers = 64
        DirectDescriptors = 0
        Looks = 300
        Wake = Wake.SendMessage
    }
