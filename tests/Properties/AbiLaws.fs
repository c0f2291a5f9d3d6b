module Uring.Laws.AbiLaws

open System
open Expecto
open Uring.Model

/// One line of a golden table: the C name, the number by hand from kernel.md, and ours.
let inline private row name (number: int64) (ours: 'Enum) = name, number, int64 (uint32 ours), string ours

/// kernel.md 1.1.
let private opcodes = [
    row "NOP" 0L Opcode.Nop
    row "READV" 1L Opcode.ReadVector
    row "WRITEV" 2L Opcode.WriteVector
    row "FSYNC" 3L Opcode.Sync
    row "READ_FIXED" 4L Opcode.ReadFixed
    row "WRITE_FIXED" 5L Opcode.WriteFixed
    row "POLL_ADD" 6L Opcode.PollAdd
    row "POLL_REMOVE" 7L Opcode.PollRemove
    row "SYNC_FILE_RANGE" 8L Opcode.SyncFileRange
    row "SENDMSG" 9L Opcode.SendMessage
    row "RECVMSG" 10L Opcode.ReceiveMessage
    row "TIMEOUT" 11L Opcode.Timeout
    row "TIMEOUT_REMOVE" 12L Opcode.TimeoutRemove
    row "ACCEPT" 13L Opcode.Accept
    row "ASYNC_CANCEL" 14L Opcode.Cancel
    row "LINK_TIMEOUT" 15L Opcode.LinkTimeout
    row "CONNECT" 16L Opcode.Connect
    row "FALLOCATE" 17L Opcode.Allocate
    row "OPENAT" 18L Opcode.OpenAt
    row "CLOSE" 19L Opcode.Close
    row "FILES_UPDATE" 20L Opcode.FilesUpdate
    row "STATX" 21L Opcode.Status
    row "READ" 22L Opcode.Read
    row "WRITE" 23L Opcode.Write
    row "FADVISE" 24L Opcode.FileAdvise
    row "MADVISE" 25L Opcode.MemoryAdvise
    row "SEND" 26L Opcode.Send
    row "RECV" 27L Opcode.Receive
    row "OPENAT2" 28L Opcode.OpenAt2
    row "EPOLL_CTL" 29L Opcode.EpollControl
    row "SPLICE" 30L Opcode.Splice
    row "PROVIDE_BUFFERS" 31L Opcode.ProvideBuffers
    row "REMOVE_BUFFERS" 32L Opcode.RemoveBuffers
    row "TEE" 33L Opcode.Tee
    row "SHUTDOWN" 34L Opcode.Shutdown
    row "RENAMEAT" 35L Opcode.RenameAt
    row "UNLINKAT" 36L Opcode.UnlinkAt
    row "MKDIRAT" 37L Opcode.MakeDirectoryAt
    row "SYMLINKAT" 38L Opcode.SymbolicLinkAt
    row "LINKAT" 39L Opcode.LinkAt
    row "MSG_RING" 40L Opcode.MessageRing
    row "FSETXATTR" 41L Opcode.SetAttributeOfFile
    row "SETXATTR" 42L Opcode.SetAttribute
    row "FGETXATTR" 43L Opcode.GetAttributeOfFile
    row "GETXATTR" 44L Opcode.GetAttribute
    row "SOCKET" 45L Opcode.Socket
    row "URING_CMD" 46L Opcode.Command
    row "SEND_ZC" 47L Opcode.SendZeroCopy
    row "SENDMSG_ZC" 48L Opcode.SendMessageZeroCopy
    row "READ_MULTISHOT" 49L Opcode.ReadMultishot
    row "WAITID" 50L Opcode.WaitId
    row "FUTEX_WAIT" 51L Opcode.FutexWait
    row "FUTEX_WAKE" 52L Opcode.FutexWake
    row "FUTEX_WAITV" 53L Opcode.FutexWaitVector
    row "FIXED_FD_INSTALL" 54L Opcode.InstallFixed
    row "FTRUNCATE" 55L Opcode.Truncate
    row "BIND" 56L Opcode.Bind
    row "LISTEN" 57L Opcode.Listen
    row "RECV_ZC" 58L Opcode.ReceiveZeroCopy
    row "EPOLL_WAIT" 59L Opcode.EpollWait
    row "READV_FIXED" 60L Opcode.ReadVectorFixed
    row "WRITEV_FIXED" 61L Opcode.WriteVectorFixed
    row "PIPE" 62L Opcode.Pipe
]

/// kernel.md 2.2 to 2.7: the prefix in C, the enumeration, its rows.
let private words = [
    "IORING_OP_", typeof<Opcode>, opcodes

    "IOSQE_",
    typeof<SqeFlags>,
    [
        row "FIXED_FILE" 0x1L SqeFlags.FixedFile
        row "IO_DRAIN" 0x2L SqeFlags.Drain
        row "IO_LINK" 0x4L SqeFlags.Link
        row "IO_HARDLINK" 0x8L SqeFlags.HardLink
        row "ASYNC" 0x10L SqeFlags.Async
        row "BUFFER_SELECT" 0x20L SqeFlags.BufferSelect
        row "CQE_SKIP_SUCCESS" 0x40L SqeFlags.SkipSuccess
    ]

    "IORING_CQE_F_",
    typeof<CqeFlags>,
    [
        row "BUFFER" 0x1L CqeFlags.Buffer
        row "MORE" 0x2L CqeFlags.More
        row "SOCK_NONEMPTY" 0x4L CqeFlags.SocketNonEmpty
        row "NOTIF" 0x8L CqeFlags.Notification
        row "BUF_MORE" 0x10L CqeFlags.BufferMore
        row "SKIP" 0x20L CqeFlags.Skip
    ]

    "IORING_SETUP_",
    typeof<SetupFlags>,
    [
        row "IOPOLL" 0x1L SetupFlags.DevicePolling
        row "SQPOLL" 0x2L SetupFlags.SubmissionPolling
        row "SQ_AFF" 0x4L SetupFlags.SubmissionAffinity
        row "CQSIZE" 0x8L SetupFlags.CompletionSize
        row "CLAMP" 0x10L SetupFlags.Clamp
        row "ATTACH_WQ" 0x20L SetupFlags.Attach
        row "R_DISABLED" 0x40L SetupFlags.Disabled
        row "SUBMIT_ALL" 0x80L SetupFlags.SubmitAll
        row "COOP_TASKRUN" 0x100L SetupFlags.CooperativeTaskrun
        row "TASKRUN_FLAG" 0x200L SetupFlags.TaskrunFlag
        row "SINGLE_ISSUER" 0x1000L SetupFlags.SingleIssuer
        row "DEFER_TASKRUN" 0x2000L SetupFlags.DeferTaskrun
        row "NO_SQARRAY" 0x10000L SetupFlags.NoSubmissionArray
        row "HYBRID_IOPOLL" 0x20000L SetupFlags.HybridPolling
    ]

    "IORING_FEAT_",
    typeof<FeatureFlags>,
    [
        row "SINGLE_MMAP" 0x1L FeatureFlags.SingleMap
        row "NODROP" 0x2L FeatureFlags.NoDrop
        row "SUBMIT_STABLE" 0x4L FeatureFlags.SubmitStable
        row "RW_CUR_POS" 0x8L FeatureFlags.CurrentPosition
        row "CUR_PERSONALITY" 0x10L FeatureFlags.CurrentPersonality
        row "FAST_POLL" 0x20L FeatureFlags.FastPoll
        row "POLL_32BITS" 0x40L FeatureFlags.Poll32Bits
        row "SQPOLL_NONFIXED" 0x80L FeatureFlags.PollingNonFixed
        row "EXT_ARG" 0x100L FeatureFlags.ExtendedArgument
        row "NATIVE_WORKERS" 0x200L FeatureFlags.NativeWorkers
        row "RSRC_TAGS" 0x400L FeatureFlags.ResourceTags
        row "CQE_SKIP" 0x800L FeatureFlags.SkipSuccess
        row "LINKED_FILE" 0x1000L FeatureFlags.LinkedFile
        row "REG_REG_RING" 0x2000L FeatureFlags.RegisteredRing
        row "RECVSEND_BUNDLE" 0x4000L FeatureFlags.Bundle
        row "MIN_TIMEOUT" 0x8000L FeatureFlags.MinimumTimeout
        row "RW_ATTR" 0x10000L FeatureFlags.ReadWriteAttributes
        row "NO_IOWAIT" 0x20000L FeatureFlags.NoIoWait
    ]

    "IORING_ENTER_",
    typeof<EnterFlags>,
    [
        row "GETEVENTS" 0x1L EnterFlags.GetEvents
        row "SQ_WAKEUP" 0x2L EnterFlags.WakeSubmitter
        row "SQ_WAIT" 0x4L EnterFlags.WaitForRoom
        row "EXT_ARG" 0x8L EnterFlags.ExtendedArgument
        row "REGISTERED_RING" 0x10L EnterFlags.RegisteredRing
        row "NO_IOWAIT" 0x80L EnterFlags.NoIoWait
    ]

    "IORING_SQ_",
    typeof<SubmissionRingFlags>,
    [
        row "NEED_WAKEUP" 0x1L SubmissionRingFlags.NeedWakeup
        row "CQ_OVERFLOW" 0x2L SubmissionRingFlags.CompletionOverflow
        row "TASKRUN" 0x4L SubmissionRingFlags.Taskrun
    ]

    "IORING_",
    typeof<RegisterOpcode>,
    [
        row "REGISTER_EVENTFD" 4L RegisterOpcode.EventDescriptor
        row "REGISTER_PROBE" 8L RegisterOpcode.Probe
        row "REGISTER_PERSONALITY" 9L RegisterOpcode.Personality
        row "UNREGISTER_PERSONALITY" 10L RegisterOpcode.UnregisterPersonality
        row "REGISTER_RESTRICTIONS" 11L RegisterOpcode.Restrictions
        row "REGISTER_ENABLE_RINGS" 12L RegisterOpcode.EnableRings
        row "REGISTER_FILES2" 13L RegisterOpcode.Files
        row "REGISTER_IOWQ_AFF" 17L RegisterOpcode.WorkerAffinity
        row "REGISTER_IOWQ_MAX_WORKERS" 19L RegisterOpcode.WorkerLimits
        row "REGISTER_RING_FDS" 20L RegisterOpcode.RingDescriptors
        row "UNREGISTER_RING_FDS" 21L RegisterOpcode.UnregisterRingDescriptors
        row "REGISTER_PBUF_RING" 22L RegisterOpcode.BufferRing
        row "UNREGISTER_PBUF_RING" 23L RegisterOpcode.UnregisterBufferRing
        row "REGISTER_SYNC_CANCEL" 24L RegisterOpcode.CancelAndWait
        row "REGISTER_FILE_ALLOC_RANGE" 25L RegisterOpcode.FileRange
        row "REGISTER_PBUF_STATUS" 26L RegisterOpcode.BufferRingStatus
        row "REGISTER_NAPI" 27L RegisterOpcode.BusyPolling
        row "REGISTER_CLOCK" 29L RegisterOpcode.Clock
        row "REGISTER_SEND_MSG_RING" 31L RegisterOpcode.SendMessage
        row "REGISTER_RESIZE_RINGS" 33L RegisterOpcode.ResizeRings
        row "REGISTER_BUFFERS2" 15L RegisterOpcode.Buffers
        row "REGISTER_BUFFERS_UPDATE" 16L RegisterOpcode.BuffersUpdate
        row "REGISTER_CLONE_BUFFERS" 30L RegisterOpcode.CloneBuffers
    ]
]

/// kernel.md 2.8, and fcntl(2), statx(2), unlinkat(2).
let private opFlags = [
    "IORING_FSYNC_DATASYNC", 1L, int64 OpFlags.SyncData
    "IORING_TIMEOUT_ETIME_SUCCESS", 0x20L, int64 OpFlags.TimeoutSuccess
    "IORING_ASYNC_CANCEL_ALL", 1L, int64 OpFlags.CancelAll
    "IORING_ASYNC_CANCEL_FD", 2L, int64 OpFlags.CancelDescriptor
    "IORING_ASYNC_CANCEL_ANY", 4L, int64 OpFlags.CancelAny
    "IORING_ACCEPT_MULTISHOT", 1L, int64 OpFlags.AcceptMultishot
    "IORING_RECV_MULTISHOT", 2L, int64 OpFlags.ReceiveMultishot
    "AT_REMOVEDIR", 0x200L, int64 OpFlags.RemoveDirectory
    "AT_FDCWD", -100L, int64 OpFlags.WorkingDirectory
    "AT_EMPTY_PATH", 0x1000L, int64 OpFlags.EmptyPath
    "AT_SYMLINK_NOFOLLOW", 0x100L, int64 OpFlags.NoFollow
    "IORING_FIXED_FD_NO_CLOEXEC", 1L, int64 OpFlags.KeepOnExec
    "IORING_RECVSEND_FIXED_BUF", 4L, int64 OpFlags.FixedBuffer
    // SUBVOL, WRITE_ATOMIC, DIO_READ_ALIGN; not MNT_ID_UNIQUE, which gives another number in the same place.
    "STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID | STATX_DIOALIGN | 0x38000",
    0x3BFFFL,
    int64 OpFlags.StatusAll
]

/// kernel.md 2.9: struct, size, (field, offset).
let private structs = [
    "io_uring_sqe", 64, [ for field, offset, _ in SubmissionLaws.layout -> field, offset ]
    "io_uring_sqe",
    64,
    [ "addr2", 8; "splice_off_in", 16; "open_flags", 28; "buf_group", 40; "splice_fd_in", 44 ]
    "io_uring_cqe", 16, [ "user_data", 0; "res", 8; "flags", 12 ]
    "io_uring_probe", 16, [ "last_op", 0; "ops_len", 1; "ops", 16 ]
    "io_uring_probe_op", 8, [ "op", 0; "flags", 2 ]
]

let private rows = [
    for prefix, _, rows in words do
        for name, number, _, _ in rows -> prefix + name, number
]

let private layouts = [
    for name, size, fields in structs do
        $"sizeof(struct {name})", int64 size

        for field, offset in fields do
            $"offsetof(struct {name}, {field})", int64 offset
]

[<Tests>]
let laws =
    testList "Abi" [
        for prefix, enumeration, rows in words do
            test $"every value of {enumeration.Name} is the kernel's, and no name is missing from the table" {
                for name, number, ours, _ in rows do
                    Expect.equal ours number (prefix + name)

                let named = [ for _, _, _, ours in rows -> ours ] |> Set.ofList
                let all = Enum.GetNames enumeration |> Set.ofArray
                Expect.equal named (Set.remove (if prefix = "IORING_OP_" then "" else "None") all) "names"
                Expect.hasLength rows named.Count "each name once"
            }

        test "the bits that travel in an opcode's own fields are the kernel's" {
            for name, number, ours in opFlags do
                Expect.equal ours number name

            Expect.hasLength opFlags 14 "flags"
            Expect.equal OpFlags.CurrentPosition (uint64 -1L) "off = -1"
        }

        test "values are as large as the kernel's structs" {
            Expect.equal sizeof<Submission> 64 "io_uring_sqe"
            Expect.equal sizeof<Completion> 16 "io_uring_cqe"
            Expect.equal sizeof<UserData> 8 "user_data"
            Expect.equal (sizeof<Opcode>, sizeof<SqeFlags>, sizeof<CqeFlags>) (1, 1, 4) "opcode, flags, flags"
        }

        test "the golden numbers are those of linux/io_uring.h, as far as it knows them" {
            rows @ [ for name, number, _ in opFlags -> name, number ] |> Header.expectSame 60
        }

        test "the golden layouts are those of linux/io_uring.h" { layouts |> Header.expectSame 20 }
    ]
