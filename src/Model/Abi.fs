// Length: one list of names for each part of the interface.
// Names the numbers that io_uring's interface is made of: opcodes and flag bits, nothing else.
// Knows no rule about them. Checked against the kernel's own table in tests/Properties/AbiLaws.fs.
// Source: include/uapi/linux/io_uring.h, man io_uring_enter(2), io_uring_setup(2), io_uring_register(2).
namespace Uring.Model

open System

/// What one submission asks for: `io_uring_sqe.opcode`. The comment gives the first kernel that has it.
type Opcode =
    | Nop = 0uy // 5.1
    | ReadVector = 1uy // 5.1
    | WriteVector = 2uy // 5.1
    | Sync = 3uy // 5.1
    | ReadFixed = 4uy // 5.1
    | WriteFixed = 5uy // 5.1
    | PollAdd = 6uy // 5.1
    | PollRemove = 7uy // 5.1
    | SyncFileRange = 8uy // 5.2
    | SendMessage = 9uy // 5.3
    | ReceiveMessage = 10uy // 5.3
    | Timeout = 11uy // 5.4
    | TimeoutRemove = 12uy // 5.5
    | Accept = 13uy // 5.5
    | Cancel = 14uy // 5.5
    | LinkTimeout = 15uy // 5.5
    | Connect = 16uy // 5.5
    | Allocate = 17uy // 5.6
    | OpenAt = 18uy // 5.6
    | Close = 19uy // 5.6
    | FilesUpdate = 20uy // 5.6
    | Status = 21uy // 5.6
    | Read = 22uy // 5.6
    | Write = 23uy // 5.6
    | FileAdvise = 24uy // 5.6
    | MemoryAdvise = 25uy // 5.6
    | Send = 26uy // 5.6
    | Receive = 27uy // 5.6
    | OpenAt2 = 28uy // 5.6
    | EpollControl = 29uy // 5.6
    | Splice = 30uy // 5.7
    | ProvideBuffers = 31uy // 5.7
    | RemoveBuffers = 32uy // 5.7
    | Tee = 33uy // 5.8
    | Shutdown = 34uy // 5.11
    | RenameAt = 35uy // 5.11
    | UnlinkAt = 36uy // 5.11
    | MakeDirectoryAt = 37uy // 5.15
    | SymbolicLinkAt = 38uy // 5.15
    | LinkAt = 39uy // 5.15
    | MessageRing = 40uy // 5.18
    | SetAttributeOfFile = 41uy // 5.19
    | SetAttribute = 42uy // 5.19
    | GetAttributeOfFile = 43uy // 5.19
    | GetAttribute = 44uy // 5.19
    | Socket = 45uy // 5.19
    | Command = 46uy // 5.19
    | SendZeroCopy = 47uy // 6.0
    | SendMessageZeroCopy = 48uy // 6.1
    | ReadMultishot = 49uy // 6.7
    | WaitId = 50uy // 6.7
    | FutexWait = 51uy // 6.7
    | FutexWake = 52uy // 6.7
    | FutexWaitVector = 53uy // 6.7
    | InstallFixed = 54uy // 6.8
    | Truncate = 55uy // 6.9
    | Bind = 56uy // 6.11
    | Listen = 57uy // 6.11
    | ReceiveZeroCopy = 58uy // 6.15
    | EpollWait = 59uy // 6.15
    | ReadVectorFixed = 60uy // 6.15
    | WriteVectorFixed = 61uy // 6.15
    | Pipe = 62uy // 6.16

/// `io_uring_sqe.flags`.
[<Flags>]
type SqeFlags =
    | None = 0uy
    | FixedFile = 0x01uy // 5.1
    | Drain = 0x02uy // 5.2
    | Link = 0x04uy // 5.3
    | HardLink = 0x08uy // 5.5
    | Async = 0x10uy // 5.6
    | BufferSelect = 0x20uy // 5.7
    | SkipSuccess = 0x40uy // 5.17

/// `io_uring_cqe.flags`; with `Buffer` set, the upper 16 bits are the buffer id.
[<Flags>]
type CqeFlags =
    | None = 0u
    | Buffer = 0x1u // 5.7
    | More = 0x2u // 5.13
    | SocketNonEmpty = 0x4u // 5.19
    | Notification = 0x8u // 6.0
    | BufferMore = 0x10u // 6.12
    | Skip = 0x20u // 6.18

/// `io_uring_params.flags`.
[<Flags>]
type SetupFlags =
    | None = 0u
    | DevicePolling = 0x1u // 5.1
    | SubmissionPolling = 0x2u // 5.1
    | SubmissionAffinity = 0x4u // 5.1
    | CompletionSize = 0x8u // 5.5
    | Clamp = 0x10u // 5.6
    | Attach = 0x20u // 5.6
    | Disabled = 0x40u // 5.10
    | SubmitAll = 0x80u // 5.18
    | CooperativeTaskrun = 0x100u // 5.19
    | TaskrunFlag = 0x200u // 5.19
    | SingleIssuer = 0x1000u // 6.0
    | DeferTaskrun = 0x2000u // 6.1
    | NoSubmissionArray = 0x10000u // 6.6
    | HybridPolling = 0x20000u // 6.13

/// `io_uring_params.features`: what the kernel says of itself.
[<Flags>]
type FeatureFlags =
    | None = 0u
    | SingleMap = 0x1u // 5.4
    | NoDrop = 0x2u // 5.5
    | SubmitStable = 0x4u // 5.5
    | CurrentPosition = 0x8u // 5.6
    | CurrentPersonality = 0x10u // 5.6
    | FastPoll = 0x20u // 5.7
    | Poll32Bits = 0x40u // 5.9
    | PollingNonFixed = 0x80u // 5.11
    | ExtendedArgument = 0x100u // 5.11
    | NativeWorkers = 0x200u // 5.12
    | ResourceTags = 0x400u // 5.13
    | SkipSuccess = 0x800u // 5.17
    | LinkedFile = 0x1000u // 5.17
    | RegisteredRing = 0x2000u // 6.3
    | Bundle = 0x4000u // 6.10
    | MinimumTimeout = 0x8000u // 6.12
    | ReadWriteAttributes = 0x10000u // 6.14
    | NoIoWait = 0x20000u // 6.15

/// The `flags` argument of io_uring_enter(2).
[<Flags>]
type EnterFlags =
    | None = 0u
    | GetEvents = 0x1u // 5.1
    | WakeSubmitter = 0x2u // 5.1
    | WaitForRoom = 0x4u // 5.10
    | ExtendedArgument = 0x8u // 5.11
    | RegisteredRing = 0x10u // 5.18
    | NoIoWait = 0x80u // 6.15

/// What the kernel tells in the submission ring's flags word.
[<Flags>]
type SubmissionRingFlags =
    | None = 0u
    | NeedWakeup = 0x1u // 5.1
    | CompletionOverflow = 0x2u // 5.8
    | Taskrun = 0x4u // 5.19

/// The `opcode` argument of io_uring_register(2).
type RegisterOpcode =
    | EventDescriptor = 4u // 5.2
    | Probe = 8u // 5.6
    | Personality = 9u // 5.6
    | UnregisterPersonality = 10u // 5.6
    | Restrictions = 11u // 5.10
    | EnableRings = 12u // 5.10
    | Files = 13u // 5.13
    | Buffers = 15u // 5.13
    | BuffersUpdate = 16u // 5.13
    | WorkerAffinity = 17u // 5.14
    | WorkerLimits = 19u // 5.15
    | RingDescriptors = 20u // 5.18
    | UnregisterRingDescriptors = 21u // 5.18
    | BufferRing = 22u // 5.19
    | UnregisterBufferRing = 23u // 5.19
    | CancelAndWait = 24u // 6.0
    | FileRange = 25u // 6.0
    | BufferRingStatus = 26u // 6.8
    | BusyPolling = 27u // 6.9
    | Clock = 29u // 6.12
    | CloneBuffers = 30u // 6.12
    | SendMessage = 31u // 6.13
    | ResizeRings = 33u // 6.13

/// What a timer counts by. See man clock_gettime(2).
type Clock =
    /// Time since some point in the past, without the time that the machine was suspended (CLOCK_MONOTONIC).
    | Monotonic = 0
    /// The same, with the time that the machine was suspended (CLOCK_BOOTTIME, Linux 5.15).
    | BootTime = 1
    /// The time of day, which can be set (CLOCK_REALTIME, Linux 5.15).
    | RealTime = 2

/// What poll(2) waits for.
[<Flags>]
type PollEvents =
    | None = 0u
    /// There is something to read.
    | Readable = 0x1u
    /// Urgent data (TCP), or another exceptional condition.
    | Priority = 0x2u
    /// Something can be written.
    | Writable = 0x4u
    /// An error is pending. Reported whether asked for or not.
    | Error = 0x8u
    /// The peer has hung up. Reported whether asked for or not.
    | HangUp = 0x10u
    /// The peer has finished sending.
    | ReadHangUp = 0x2000u
    /// Of several who wait for this descriptor, one is woken and not all (EPOLLEXCLUSIVE). Is asked for, and never told.
    | Exclusive = 0x1000_0000u

/// What one read or write asks for besides its bytes: the RWF_ flags of preadv2(2). A file system that cannot do it says
/// EOPNOTSUPP.
[<Flags>]
type TransferFlags =
    | None = 0u
    /// Polls the device for the end. Rings that do so (`SetupFlags.DevicePolling`) always do; others say EINVAL.
    | HighPriority = 0x1u // 4.6
    /// The write ends when its data are on the device, as if the file had been opened with O_DSYNC.
    | DataSync = 0x2u // 4.7
    /// The write ends when its data and metadata are on the device, as if the file had been opened with O_SYNC.
    | Sync = 0x4u // 4.7
    /// Fails with EAGAIN rather than wait.
    | NoWait = 0x8u // 4.14
    /// Writes at the end of the file, whatever the offset, as if it had been opened with O_APPEND.
    | Append = 0x10u // 4.16
    /// Writes at the offset, though the file was opened with O_APPEND.
    | NoAppend = 0x20u // 6.9
    /// All of the write or nothing, whatever happens to the machine: past the page cache, in the sizes that statx(2) tells.
    | Atomic = 0x40u // 6.11
    /// What it puts into the page cache goes from there as soon as it can.
    | DontCache = 0x80u // 6.14
    /// A write to a pipe or socket that nobody reads ends with EPIPE, and brings no SIGPIPE. In .NET, which ignores that
    /// signal, it never does.
    | NoSignal = 0x100u // 6.18

/// How the device orders the reads and writes of several: see man ioprio_set(2).
type PriorityClass =
    /// As the process's, or by its nice value.
    | None = 0
    /// Before all others, for those who may (CAP_SYS_ADMIN, CAP_SYS_NICE).
    | RealTime = 1
    /// As ordinary work.
    | BestEffort = 2
    /// When nobody else wants the device.
    | Idle = 3

/// Bits that travel in an opcode's own fields.
[<RequireQualifiedAccess>]
module OpFlags =
    /// FSYNC: data only, like fdatasync(2).
    [<Literal>]
    let SyncData = 1u

    /// NOP: the result is what `len` says (6.10; older kernels look at no flag).
    [<Literal>]
    let InjectResult = 1u

    /// NOP: looks its descriptor up, as an operation on a file does (6.13).
    [<Literal>]
    let NopFile = 2u

    /// NOP, with `NopFile`: the descriptor is an index into the registered files (6.13).
    [<Literal>]
    let NopFixedFile = 4u

    /// NOP: looks a registered buffer up (6.13).
    [<Literal>]
    let NopFixedBuffer = 8u

    /// NOP: ends by task work, as what had to wait does (6.17).
    [<Literal>]
    let NopTaskWork = 16u

    /// URING_CMD: the command works on a registered buffer (6.1).
    [<Literal>]
    let CommandFixed = 1u

    /// TIMEOUT and LINK_TIMEOUT: a point in time, not a span.
    [<Literal>]
    let TimeoutAbsolute = 1u

    /// TIMEOUT and LINK_TIMEOUT: by CLOCK_BOOTTIME (5.15).
    [<Literal>]
    let TimeoutBootTime = 4u

    /// TIMEOUT and LINK_TIMEOUT: by CLOCK_REALTIME (5.15).
    [<Literal>]
    let TimeoutRealTime = 8u

    /// TIMEOUT: expiry is success, so that it does not break a chain (5.16).
    [<Literal>]
    let TimeoutSuccess = 0x20u

    /// ASYNC_CANCEL: all that match (5.19).
    [<Literal>]
    let CancelAll = 1u

    /// ASYNC_CANCEL: match by descriptor (5.19).
    [<Literal>]
    let CancelDescriptor = 2u

    /// ASYNC_CANCEL: match everything on this ring (5.19).
    [<Literal>]
    let CancelAny = 4u

    /// ACCEPT, in ioprio: one submission, many connections (5.19).
    [<Literal>]
    let AcceptMultishot = 1us

    /// In a receive's msg_flags: descriptors that come along are closed on exec (MSG_CMSG_CLOEXEC).
    [<Literal>]
    let CloseReceivedOnExec = 0x40000000u

    /// ACCEPT, in ioprio: fails with -EAGAIN where it would wait (6.10).
    [<Literal>]
    let AcceptDontWait = 2us

    /// ACCEPT, in ioprio: waits before it looks (6.10).
    [<Literal>]
    let AcceptPollFirst = 4us

    /// RECV, SEND and their kin, in ioprio: waits before it tries (5.19).
    [<Literal>]
    let PollFirst = 1us

    /// RECV, in ioprio: one submission, many completions (6.0).
    [<Literal>]
    let ReceiveMultishot = 2us

    /// RECV and SEND, in ioprio: one completion for several provided buffers (6.10).
    [<Literal>]
    let Bundle = 16us

    /// POLL_ADD, in len: one submission, many completions (5.13).
    [<Literal>]
    let PollMultishot = 1u

    /// POLL_REMOVE, in len: gives it other events, and ends nothing (5.13).
    [<Literal>]
    let PollChangeEvents = 2u

    /// TIMEOUT_REMOVE: gives a timeout another time, and ends nothing (5.11).
    [<Literal>]
    let TimeoutChange = 2u

    /// TIMEOUT_REMOVE, with `TimeoutChange`: of a link timeout (5.15).
    [<Literal>]
    let LinkTimeoutChange = 0x10u

    /// TIMEOUT: one submission, many completions (6.4).
    [<Literal>]
    let TimeoutMultishot = 0x40u

    /// FUTEX_WAIT and FUTEX_WAKE, in fd: the word has four bytes (FUTEX2_SIZE_U32).
    [<Literal>]
    let FutexSize32 = 2u

    /// FUTEX_WAIT and FUTEX_WAKE, in fd: only this process waits (FUTEX2_PRIVATE).
    [<Literal>]
    let FutexPrivate = 128u

    /// FUTEX_WAIT and FUTEX_WAKE, in addr3: whoever it is (FUTEX_BITSET_MATCH_ANY).
    [<Literal>]
    let FutexAnyone = 0xffff_ffffu

    /// URING_CMD of a socket, in cmd_op: bytes that can be received (6.5).
    [<Literal>]
    let BytesAvailable = 0u

    /// URING_CMD of a socket, in cmd_op: bytes that the peer has not acknowledged (6.5).
    [<Literal>]
    let BytesUnsent = 1u

    /// URING_CMD of a socket, in cmd_op: getsockopt(2), of SOL_SOCKET alone (6.7).
    [<Literal>]
    let GetOption = 2u

    /// URING_CMD of a socket, in cmd_op: setsockopt(2) (6.7).
    [<Literal>]
    let SetOption = 3u

    /// MSG_RING, in addr: a registered file, not data (6.0).
    [<Literal>]
    let MessageDescriptor = 1UL

    /// MSG_RING: no completion on the other ring (6.0). Of descriptors alone: 6.18 refuses it of data.
    [<Literal>]
    let MessageSilent = 1u

    /// MSG_RING: the completion has the flags that file_index says (6.3).
    [<Literal>]
    let MessageFlags = 2u

    /// WAITID, in len: any child (P_ALL).
    [<Literal>]
    let WaitAll = 0u

    /// WAITID, in len: a process by its id (P_PID).
    [<Literal>]
    let WaitProcess = 1u

    /// WAITID, in len: any child in a process group (P_PGID); 0 is the caller's own.
    [<Literal>]
    let WaitGroup = 2u

    /// WAITID, in len: a process by a descriptor of it (P_PIDFD).
    [<Literal>]
    let WaitDescriptor = 3u

    /// WAITID, in file_index: nothing is waited for (WNOHANG). Who finds nothing gets a siginfo_t without a signal.
    [<Literal>]
    let WaitNever = 1u

    /// WAITID, in file_index: the process stays as it is, so that others can wait for it, too (WNOWAIT).
    [<Literal>]
    let WaitKeep = 0x0100_0000u

    /// ACCEPT and others, in file_index: the kernel chooses a free slot of the registered files (5.19).
    [<Literal>]
    let AllocateFile = 0xffff_ffffu

    /// FIXED_FD_INSTALL: the descriptor is not closed on exec (6.8).
    [<Literal>]
    let KeepOnExec = 1u

    /// SEND_ZC and SENDMSG_ZC, ioprio: the memory lies within a registered buffer.
    [<Literal>]
    let FixedBuffer = 4us

    /// SEND_ZC and SENDMSG_ZC, ioprio: the notification says whether the bytes were copied (6.2).
    [<Literal>]
    let ReportUsage = 8us

    /// SPLICE, in splice_flags: the source is an index into the registered files.
    [<Literal>]
    let FixedSource = 0x8000_0000u

    /// REGISTER_PBUF_RING, in flags: incremental consumption (6.12).
    [<Literal>]
    let IncrementalBuffers = 2us

    /// UNLINKAT: remove a directory (AT_REMOVEDIR).
    [<Literal>]
    let RemoveDirectory = 0x200u

    /// Paths are relative to the working directory (AT_FDCWD).
    [<Literal>]
    let WorkingDirectory = -100

    /// STATX: the descriptor itself, with an empty path (AT_EMPTY_PATH).
    [<Literal>]
    let EmptyPath = 0x1000u

    /// STATX: a symbolic link itself, not its target (AT_SYMLINK_NOFOLLOW).
    [<Literal>]
    let NoFollow = 0x100u

    /// STATX: all that there is up to 6.18, with the mount's id as in /proc/self/mountinfo. Older kernels leave out what
    /// they do not know.
    [<Literal>]
    let StatusAll = 0x3bfffu

    /// Use the file's own position (off = -1; FEAT_RW_CUR_POS, 5.6).
    [<Literal>]
    let CurrentPosition = 0xffff_ffff_ffff_ffffUL
