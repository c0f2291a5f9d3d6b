// How a buffer pool is made, and which values make sense.
namespace Uring.Driver

open System
open Uring.Model

/// How a buffer pool is made.
type BufferPoolOptions = {
    /// Buffers to begin with, and to add at a time. 1 to 32768; any number, not only powers of two.
    Count: int
    /// Most buffers: a pool grows by `Count` when streams find none left. At least `Count`, at most 32768.
    Limit: int
    /// Bytes in each buffer. Pages of 4096 are what the kernel handles best.
    BufferSize: int
    /// Received and not yet taken by its consumer, a stream holds about so many buffers; then it pauses until half of
    /// them have been taken. So a slow consumer cannot empty a pool that others use.
    PerStream: int
    /// So many free buffers are enough for streams that found none to go on; 0 chooses an eighth of `Count`, at most 32.
    LowWater: int
    /// Each receive uses only the part of a buffer that it fills, and the next goes on behind it (Linux 6.16: some kernels
    /// before put bytes in the wrong order; older kernels use whole buffers). For many small messages in few large buffers.
    Incremental: bool
    /// One receive may fill several buffers at once (Linux 6.16; older kernels fill one). For large messages.
    Bundles: bool
    /// Wishes for huge pages: fewer page table walks with large pools. Without `vm.nr_hugepages` they are ordinary ones.
    HugePages: bool
    /// For debugging: touching a buffer that is the kernel's ends the process at that very instruction (by SIGSEGV, or by
    /// the runtime's own abort) instead of reading what comes next. Costs two system calls per buffer.
    Guarded: bool
    /// For debugging: remembers where each lease was taken, for the report when it is lost. Costs a stack trace each.
    TrackLeases: bool
}

/// Ready-made options, and the check.
[<RequireQualifiedAccess>]
module BufferPoolOptions =

    /// A fixed pool of `count` buffers of `size` bytes.
    let fixedOf count size = {
        Count = count
        Limit = count
        BufferSize = size
        PerStream = 16
        LowWater = 0
        Incremental = false
        Bundles = false
        HugePages = false
        Guarded = false
        TrackLeases = false
    }

    /// What a loop's shared pool is: 64 buffers of 16 KiB (1 MiB), and 64 more at a time up to 64 MiB.
    let shared = { fixedOf 64 16384 with Limit = 4096 }

    /// Raises ArgumentOutOfRangeException that names the value and its range.
    let check options =
        let between (name: string) least most (value: int) =
            ArgumentOutOfRangeException.ThrowIfLessThan(value, least, name)
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, most, name)

        between "Count" 1 BufferRing.MaxEntries options.Count
        between "Limit" options.Count BufferRing.MaxEntries options.Limit
        between "BufferSize" 1 (1 <<< 30) options.BufferSize
        between "PerStream" 1 BufferRing.MaxEntries options.PerStream
        between "LowWater" 0 options.Limit options.LowWater
