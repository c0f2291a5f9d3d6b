// How a loop is made: what each option is, and which go together (with Model/RingSetup).
namespace Uring.Driver

open System
open Uring.Model

/// How a loop is made. The kernel rounds the sizes up to powers of two. What each helps and hurts: docs/options.md.
type LoopOptions = {
    /// Submission queue entries: how much is submitted in one call at most. 1 to 32768.
    Entries: int
    /// Completion queue entries: bursts beyond it are kept by the kernel, slowly. At least `Entries`, at most 65536.
    Completions: int
    /// Kernel threads for operations that must block, such as buffered writes on ext4; 0 leaves the kernel's default.
    BoundedWorkers: int
    /// The same for operations on sockets, pipes and the like.
    UnboundedWorkers: int
    /// Processors that these threads may run on; none: any (Linux 5.14).
    WorkerProcessors: int array
    /// Slots of the ring's own descriptor table, for direct descriptors (Linux 5.19); 0 makes none.
    DirectDescriptors: int
    /// So many of these slots, from the first on, are the program's to choose (`DirectSlot`): the kernel puts nothing there by
    /// itself (Linux 6.0).
    ReservedDescriptors: int
    /// Slots of its table of registered buffers, which is made for the first of them (Linux 5.19); 1 to 16384.
    RegisteredBuffers: int
    /// How often a loop with nothing to do looks for work before it blocks, about 150 ns each; 0 blocks at once. Looks in
    /// vain are soon given up (Model/Idle).
    Looks: int
    /// The way of waking to try first; a kernel without it gets the next.
    Wake: Wake
    /// What the ring shall be beyond an ordinary one.
    Setup: RingWishes
    /// What the ring may do; ValueNone: everything.
    Restriction: Restriction voption
    /// A loop that sleeps wakes for so many completions at once ...
    WaitFor: int
    /// ... or for one, when so many microseconds have passed (Linux 6.12; before it is 0).
    MinimumWait: int
    /// Waiting for completions does not count as waiting for a disk (Linux 6.15).
    NoIoWait: bool
    /// Each enter names the ring by the thread's own table, which saves looking its descriptor up (Linux 5.18).
    RegistersRing: bool
    /// Microseconds to poll network devices instead of waiting for interrupts (NAPI, Linux 6.9); 0 does not.
    BusyPolling: int
    /// The devices keep quiet meanwhile (SO_PREFER_BUSY_POLL).
    PrefersBusyPolling: bool
    /// The clock that bounded waits of the loop itself go by: monotonic, or boot time (Linux 6.12).
    WaitClock: Clock
    /// An eventfd that is signalled when completions come, for another epoll; -1 for none.
    EventDescriptor: int
}

/// Ready-made options, and checks.
[<RequireQualifiedAccess>]
module LoopOptions =

    /// 256 submissions, 4096 completions, and a limit that no burst can explode (the kernel's own default for
    /// unbounded workers is RLIMIT_NPROC, tens of thousands).
    let standard = {
        Entries = 256
        Completions = 4096
        BoundedWorkers = 0
        UnboundedWorkers = 64
        WorkerProcessors = [||]
        DirectDescriptors = 0
        ReservedDescriptors = 0
        // An empty slot costs the kernel eight bytes.
        RegisteredBuffers = 1024
        Looks = 300
        Wake = Wake.SendMessage
        Setup = RingSetup.nothing
        Restriction = ValueNone
        WaitFor = 1
        MinimumWait = 0
        NoIoWait = false
        RegistersRing = true
        BusyPolling = 0
        PrefersBusyPolling = false
        WaitClock = Clock.Monotonic
        EventDescriptor = -1
    }

    /// Raises an ArgumentException for what makes no sense on any kernel.
    let check (options: LoopOptions) =
        let refuse (name: string) (message: string) = raise (ArgumentException(message, name))

        if options.RegisteredBuffers < 1 || options.RegisteredBuffers > BufferSlots.Most then
            refuse "RegisteredBuffers" "A table has 1 to 16384 slots; none is made before the first buffer."

        if options.ReservedDescriptors < 0 || options.ReservedDescriptors > options.DirectDescriptors then
            refuse
                "ReservedDescriptors"
                "They are some of the DirectDescriptors: none, or all of them at most."

        if options.WaitFor < 1 then refuse "WaitFor" "A loop waits for one completion at least."

        if options.MinimumWait < 0 then refuse "MinimumWait" "A span of time is not negative."

        if options.WaitFor > 1 && options.MinimumWait = 0 then
            refuse
                "MinimumWait"
                "Waiting for several completions needs a time after which one is enough, or a single answer could wait for ever."

        if options.WaitClock <> Clock.Monotonic && options.WaitClock <> Clock.BootTime then
            refuse "WaitClock" "Waits go by the monotonic clock, or by boot time."

        for processor in options.WorkerProcessors do
            if processor < 0 || processor > 8191 then
                refuse "WorkerProcessors" "Processors have numbers from 0 to 8191."

        if options.BusyPolling < 0 then refuse "BusyPolling" "A span of time is not negative."

        if (options.Setup.Asked &&& SetupFlags.DevicePolling) <> SetupFlags.None then
            refuse
                "Setup"
                "A ring that polls devices (IORING_SETUP_IOPOLL) can neither open nor close nor cancel, and never sleeps: a loop cannot work on one (docs/options.md)."

        match RingSetup.conflict options.Setup.Asked with
        | ValueSome conflict -> refuse "Setup" (Setup.explain (Refusal.Conflicting conflict))
        | ValueNone -> ()
