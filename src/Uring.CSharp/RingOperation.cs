// What a submission can ask for, for C#: the numbers of Model/Abi.fs, checked in tests/Linux/SurfaceTests.fs.
namespace Uring;

/// <summary>
/// An operation of io_uring. docs/operations.md says which method uses which; man io_uring_enter(2) says what each does.
/// </summary>
public enum RingOperation
{
    /// <summary>IORING_OP_NOP, Linux 5.1.</summary>
    Nop = 0,

    /// <summary>IORING_OP_READV, Linux 5.1.</summary>
    ReadVector = 1,

    /// <summary>IORING_OP_WRITEV, Linux 5.1.</summary>
    WriteVector = 2,

    /// <summary>IORING_OP_FSYNC, Linux 5.1.</summary>
    Sync = 3,

    /// <summary>IORING_OP_READ_FIXED, Linux 5.1.</summary>
    ReadFixed = 4,

    /// <summary>IORING_OP_WRITE_FIXED, Linux 5.1.</summary>
    WriteFixed = 5,

    /// <summary>IORING_OP_POLL_ADD, Linux 5.1.</summary>
    PollAdd = 6,

    /// <summary>IORING_OP_POLL_REMOVE, Linux 5.1.</summary>
    PollRemove = 7,

    /// <summary>IORING_OP_SYNC_FILE_RANGE, Linux 5.2.</summary>
    SyncFileRange = 8,

    /// <summary>IORING_OP_SENDMSG, Linux 5.3.</summary>
    SendMessage = 9,

    /// <summary>IORING_OP_RECVMSG, Linux 5.3.</summary>
    ReceiveMessage = 10,

    /// <summary>IORING_OP_TIMEOUT, Linux 5.4.</summary>
    Timeout = 11,

    /// <summary>IORING_OP_TIMEOUT_REMOVE, Linux 5.5.</summary>
    TimeoutRemove = 12,

    /// <summary>IORING_OP_ACCEPT, Linux 5.5.</summary>
    Accept = 13,

    /// <summary>IORING_OP_ASYNC_CANCEL, Linux 5.5.</summary>
    Cancel = 14,

    /// <summary>IORING_OP_LINK_TIMEOUT, Linux 5.5.</summary>
    LinkTimeout = 15,

    /// <summary>IORING_OP_CONNECT, Linux 5.5.</summary>
    Connect = 16,

    /// <summary>IORING_OP_FALLOCATE, Linux 5.6.</summary>
    Allocate = 17,

    /// <summary>IORING_OP_OPENAT, Linux 5.6.</summary>
    OpenAt = 18,

    /// <summary>IORING_OP_CLOSE, Linux 5.6.</summary>
    Close = 19,

    /// <summary>IORING_OP_FILES_UPDATE, Linux 5.6.</summary>
    FilesUpdate = 20,

    /// <summary>IORING_OP_STATX, Linux 5.6.</summary>
    Status = 21,

    /// <summary>IORING_OP_READ, Linux 5.6.</summary>
    Read = 22,

    /// <summary>IORING_OP_WRITE, Linux 5.6.</summary>
    Write = 23,

    /// <summary>IORING_OP_FADVISE, Linux 5.6.</summary>
    FileAdvise = 24,

    /// <summary>IORING_OP_MADVISE, Linux 5.6.</summary>
    MemoryAdvise = 25,

    /// <summary>IORING_OP_SEND, Linux 5.6.</summary>
    Send = 26,

    /// <summary>IORING_OP_RECV, Linux 5.6.</summary>
    Receive = 27,

    /// <summary>IORING_OP_OPENAT2, Linux 5.6.</summary>
    OpenAt2 = 28,

    /// <summary>IORING_OP_EPOLL_CTL, Linux 5.6.</summary>
    EpollControl = 29,

    /// <summary>IORING_OP_SPLICE, Linux 5.7.</summary>
    Splice = 30,

    /// <summary>IORING_OP_PROVIDE_BUFFERS, Linux 5.7.</summary>
    ProvideBuffers = 31,

    /// <summary>IORING_OP_REMOVE_BUFFERS, Linux 5.7.</summary>
    RemoveBuffers = 32,

    /// <summary>IORING_OP_TEE, Linux 5.8.</summary>
    Tee = 33,

    /// <summary>IORING_OP_SHUTDOWN, Linux 5.11.</summary>
    Shutdown = 34,

    /// <summary>IORING_OP_RENAMEAT, Linux 5.11.</summary>
    RenameAt = 35,

    /// <summary>IORING_OP_UNLINKAT, Linux 5.11.</summary>
    UnlinkAt = 36,

    /// <summary>IORING_OP_MKDIRAT, Linux 5.15.</summary>
    MakeDirectoryAt = 37,

    /// <summary>IORING_OP_SYMLINKAT, Linux 5.15.</summary>
    SymbolicLinkAt = 38,

    /// <summary>IORING_OP_LINKAT, Linux 5.15.</summary>
    LinkAt = 39,

    /// <summary>IORING_OP_MSG_RING, Linux 5.18.</summary>
    MessageRing = 40,

    /// <summary>IORING_OP_FSETXATTR, Linux 5.19.</summary>
    SetAttributeOfFile = 41,

    /// <summary>IORING_OP_SETXATTR, Linux 5.19.</summary>
    SetAttribute = 42,

    /// <summary>IORING_OP_FGETXATTR, Linux 5.19.</summary>
    GetAttributeOfFile = 43,

    /// <summary>IORING_OP_GETXATTR, Linux 5.19.</summary>
    GetAttribute = 44,

    /// <summary>IORING_OP_SOCKET, Linux 5.19.</summary>
    Socket = 45,

    /// <summary>IORING_OP_URING_CMD, Linux 5.19.</summary>
    Command = 46,

    /// <summary>IORING_OP_SEND_ZC, Linux 6.0.</summary>
    SendZeroCopy = 47,

    /// <summary>IORING_OP_SENDMSG_ZC, Linux 6.1.</summary>
    SendMessageZeroCopy = 48,

    /// <summary>IORING_OP_READ_MULTISHOT, Linux 6.7.</summary>
    ReadMultishot = 49,

    /// <summary>IORING_OP_WAITID, Linux 6.7.</summary>
    WaitId = 50,

    /// <summary>IORING_OP_FUTEX_WAIT, Linux 6.7.</summary>
    FutexWait = 51,

    /// <summary>IORING_OP_FUTEX_WAKE, Linux 6.7.</summary>
    FutexWake = 52,

    /// <summary>IORING_OP_FUTEX_WAITV, Linux 6.7.</summary>
    FutexWaitVector = 53,

    /// <summary>IORING_OP_FIXED_FD_INSTALL, Linux 6.8.</summary>
    InstallFixed = 54,

    /// <summary>IORING_OP_FTRUNCATE, Linux 6.9.</summary>
    Truncate = 55,

    /// <summary>IORING_OP_BIND, Linux 6.11.</summary>
    Bind = 56,

    /// <summary>IORING_OP_LISTEN, Linux 6.11.</summary>
    Listen = 57,

    /// <summary>IORING_OP_RECV_ZC, Linux 6.15.</summary>
    ReceiveZeroCopy = 58,

    /// <summary>IORING_OP_EPOLL_WAIT, Linux 6.15.</summary>
    EpollWait = 59,

    /// <summary>IORING_OP_READV_FIXED, Linux 6.15.</summary>
    ReadVectorFixed = 60,

    /// <summary>IORING_OP_WRITEV_FIXED, Linux 6.15.</summary>
    WriteVectorFixed = 61,

    /// <summary>IORING_OP_PIPE, Linux 6.16.</summary>
    Pipe = 62,
}
