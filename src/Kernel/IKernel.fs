// The seam: everything the library asks of a kernel. One virtual call per system call, none per operation, because
// submissions and completions travel through shared memory. LinuxKernel stands behind it in production; whatever
// else does (a simulation, a test that injects faults) reads the same SQE bytes and writes the same CQE bytes.
namespace Uring.Kernel

open System
open System.Runtime.CompilerServices
open System.Runtime.InteropServices
open Uring.Model

/// Where the submission ring's fields lie in its mapping: struct io_sqring_offsets, 40 bytes.
[<Struct; IsReadOnly; StructLayout(LayoutKind.Sequential, Size = 40)>]
type SubmissionOffsets = {
    Head: uint32
    Tail: uint32
    RingMask: uint32
    RingEntries: uint32
    Flags: uint32
    Dropped: uint32
    Array: uint32
    Reserved: uint32
    UserAddress: uint64
}

/// Where the completion ring's fields lie in its mapping: struct io_cqring_offsets, 40 bytes.
[<Struct; IsReadOnly; StructLayout(LayoutKind.Sequential, Size = 40)>]
type CompletionOffsets = {
    Head: uint32
    Tail: uint32
    RingMask: uint32
    RingEntries: uint32
    Overflow: uint32
    Completions: uint32
    Flags: uint32
    Reserved: uint32
    UserAddress: uint64
}

/// What io_uring_setup is told and what it answers: struct io_uring_params, 120 bytes.
[<Struct; IsReadOnly; StructLayout(LayoutKind.Sequential, Size = 120)>]
type SetupParameters = {
    SubmissionEntries: uint32
    CompletionEntries: uint32
    Flags: SetupFlags
    PollingCpu: uint32
    PollingIdle: uint32
    Features: FeatureFlags
    WorkQueue: uint32
    Reserved0: uint32
    Reserved1: uint32
    Reserved2: uint32
    SubmissionRing: SubmissionOffsets
    CompletionRing: CompletionOffsets
}

/// What sort of memory to allocate.
[<Struct; RequireQualifiedAccess>]
type MemoryKind =
    /// Ordinary pages.
    | Ordinary
    /// Pages of the huge size (2 MiB): refused where the system keeps none ready (vm.nr_hugepages).
    | Huge
    /// Ordinary pages that can be mapped a second time.
    | Mirrored

/// What the library needs from a kernel. Every member returns a negative errno on failure and never throws for it.
type IKernel =

    /// io_uring_setup(2). Returns the ring's descriptor and fills in `parameters`.
    abstract Setup: entries: uint32 * parameters: byref<SetupParameters> -> int

    /// io_uring_enter(2). Returns how many submissions were consumed. `timeout` bounds the wait in nanoseconds (5.11);
    /// negative means no bound. With one, the wait for `minComplete` lasts `minimum` microseconds (6.12): from then on
    /// one completion is enough.
    abstract Enter:
        ring: int *
        toSubmit: uint32 *
        minComplete: uint32 *
        flags: EnterFlags *
        timeout: int64 *
        minimum: uint32 ->
            int

    /// io_uring_register(2). An empty `argument` is NULL; `ring` may be -1 for calls that need no ring.
    abstract Register: ring: int * opcode: RegisterOpcode * argument: Span<byte> * count: uint32 -> int

    /// mmap(2), shared and populated, of the ring at `offset`. Page aligned.
    abstract Map: ring: int * length: unativeint * offset: int64 -> nativeint

    /// mmap(2) of fresh zeroed memory. Page aligned.
    abstract Allocate: length: unativeint * kind: MemoryKind -> nativeint

    /// A second mapping of memory that was allocated as `Mirrored`: mremap(2) with an old size of 0.
    abstract Mirror: address: nativeint * length: unativeint -> nativeint

    /// mprotect(2): whether this process may read and write there.
    abstract Protect: address: nativeint * length: unativeint * accessible: bool -> int

    /// munmap(2).
    abstract Unmap: address: nativeint * length: unativeint -> int

    /// close(2), for rings and for descriptors when no ring can do it.
    abstract Close: descriptor: int -> int

    /// getsockname(2), or getpeername(2) if `ofPeer`. Returns the length of the sockaddr, of which `address`
    /// holds as much as it has room for.
    abstract SocketName: descriptor: int * ofPeer: bool * address: Span<byte> -> int

    /// getsockopt(2). Returns the number of bytes written to `value`.
    abstract GetSocketOption: descriptor: int * level: int * name: int * value: Span<byte> -> int

    /// inotify_init1(2), closed on exec. Returns a descriptor.
    abstract Notify: unit -> int

    /// inotify_add_watch(2). `path` ends with a zero. Returns the number of the watch.
    abstract Watch: descriptor: int * path: ReadOnlySpan<byte> * mask: uint32 -> int

    /// inotify_rm_watch(2). Returns 0.
    abstract Unwatch: descriptor: int * watch: int -> int

    /// pidfd_open(2) (Linux 5.3). Returns a descriptor.
    abstract OpenProcess: id: int -> int

    /// pidfd_send_signal(2) (Linux 5.1). Returns 0.
    abstract Signal: descriptor: int * signal: int -> int

    /// kill(2): 0 is the caller's own process group, -1 all that it may signal, and any other negative number the group of
    /// that number. Returns 0.
    abstract SignalMany: group: int * signal: int -> int

    /// setsockopt(2). Returns 0.
    abstract SetSocketOption: descriptor: int * level: int * name: int * value: ReadOnlySpan<byte> -> int

    // What is asked of a descriptor that came from elsewhere.

    /// fcntl(2) with F_DUPFD_CLOEXEC: another descriptor for the same open file. Returns its number.
    abstract Duplicate: descriptor: int -> int

    /// fcntl(2) with F_GETFL. Returns how it was opened: O_ flags.
    abstract OpenedAs: descriptor: int -> int

    /// statx(2). Returns st_mode: its kind, and who may do what with it.
    abstract ModeOf: descriptor: int -> int

    // What follows stands in for opcodes that came late (Driver/SystemCalls.fs).

    /// pipe2(2). Writes the numbers of both ends, 4 bytes each.
    abstract Pipe: ends: Span<byte> * flags: uint32 -> int

    /// ftruncate(2).
    abstract Truncate: descriptor: int * length: int64 -> int

    /// bind(2), to a sockaddr.
    abstract Bind: descriptor: int * address: ReadOnlySpan<byte> -> int

    /// listen(2).
    abstract Listen: descriptor: int * backlog: int -> int
