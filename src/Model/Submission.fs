// Length: one constructor for each form of each opcode.
// Decides how a request is encoded as an SQE. Knows no memory: addresses are numbers here, and so are descriptors.
// Tested in SubmissionLaws.fs. Source: man io_uring_enter(2), the liburing prep pages; one constructor per opcode.
namespace Uring.Model

open System.Runtime.CompilerServices
open System.Runtime.InteropServices

/// Which fields of a submission are offsets into the operation's own buffer until the driver pins it.
[<System.Flags>]
type Reach =
    | Nothing = 0uy
    /// `Address` counts from the start of the buffer.
    | Address = 1uy
    /// `Offset` (the kernel's addr2) counts from the start of the buffer.
    | Offset = 2uy
    /// `Address3` counts from the start of the buffer.
    | Address3 = 4uy

/// One SQE as an immutable 64-byte value, in the kernel's own layout: storing it in the ring is one write.
///
/// Laws
///  1. the value is 64 bytes and every field lies where struct io_uring_sqe has it
///  2. bytes to value to bytes is the identity
///  3. each constructor sets exactly the fields its opcode reads; every other byte is zero
///  4. modifiers change their own bit or field and nothing else
///  5. rebasing adds the base to the fields that reach into the buffer, and to no other
[<Struct; IsReadOnly; StructLayout(LayoutKind.Sequential, Size = 64); NoComparison>]
type Submission = {
    /// @0
    Opcode: Opcode
    /// @1
    Flags: SqeFlags
    /// @2 ioprio: I/O priority, or flags of accept, send and receive.
    Priority: uint16
    /// @4 the descriptor that the operation works on.
    Fd: int
    /// @8 off | addr2.
    Offset: uint64
    /// @16 addr | splice_off_in.
    Address: uint64
    /// @24
    Length: uint32
    /// @28 rw_flags, msg_flags, open_flags, ...: one word of flags that only the opcode can name.
    OpFlags: uint32
    /// @32
    UserData: UserData
    /// @40 buf_index | buf_group.
    Buffer: uint16
    /// @42
    Personality: uint16
    /// @44 splice_fd_in | file_index | optlen.
    FileIndex: uint32
    /// @48
    Address3: uint64
    /// @56
    Reserved: uint64
}

/// One constructor per opcode, and modifiers; see `Submission` for the laws. Paths and addresses are numbers here.
[<RequireQualifiedAccess>]
module Submission =

    let inline private prepare opcode fd offset address length opFlags = {
        Opcode = opcode
        Flags = SqeFlags.None
        Priority = 0us
        Fd = fd
        Offset = offset
        Address = address
        Length = length
        OpFlags = opFlags
        UserData = { Bits = 0UL }
        Buffer = 0us
        Personality = 0us
        FileIndex = 0u
        Address3 = 0UL
        Reserved = 0UL
    }

    // ---- nothing, time, cancellation

    /// Completes at once with 0.
    let nop () = prepare Opcode.Nop -1 0UL 0UL 0u 0u

    /// Completes with -ETIME each time that the 16-byte timespec at `timespec` has passed, until cancelled (6.4).
    let timeoutMultishot timespec = prepare Opcode.Timeout -1 0UL timespec 1u OpFlags.TimeoutMultishot

    /// Completes with `result`, for tests of what a result leads to (6.10).
    let nopWith (result: int) = prepare Opcode.Nop -1 0UL 0UL (uint32 result) OpFlags.InjectResult

    /// As `nop`, on the way of another operation: `flags` say which, with `fd` for its descriptor, and `slot` for its
    /// registered buffer. man io_uring_prep_nop(3).
    let nopLike fd (result: int) flags (slot: uint16) = {
        prepare Opcode.Nop fd 0UL 0UL (uint32 result) flags with
            Buffer = slot
    }

    /// Completes with -ETIME after the 16-byte timespec at `timespec` (relative and CLOCK_MONOTONIC, unless `flags` say
    /// otherwise).
    let timeout timespec flags = prepare Opcode.Timeout -1 0UL timespec 1u flags

    /// Bounds the submission before it, which must be linked to this one.
    let linkTimeout timespec flags = prepare Opcode.LinkTimeout -1 0UL timespec 1u flags

    /// Gives a running timeout another time, at the 16-byte timespec at `timespec` (5.11); `flags` with
    /// `OpFlags.TimeoutChange`, or `LinkTimeoutChange` as well, and `TimeoutAbsolute` by the clock that it has. -ENOENT when it
    /// does not run any more. It counts no completions from then on. man io_uring_prep_timeout_update(3).
    let changeTimeout (target: UserData) timespec flags =
        prepare Opcode.TimeoutRemove -1 timespec target.Bits 0u flags

    /// Asks for the end of the operation that was submitted with this user data.
    let cancel (target: UserData) = prepare Opcode.Cancel -1 0UL target.Bits 0u 0u

    /// Asks for the end of every operation on a descriptor (5.19); the result counts them.
    let cancelDescriptor fd =
        prepare Opcode.Cancel fd 0UL 0UL 0u (OpFlags.CancelDescriptor ||| OpFlags.CancelAll)

    /// Asks for the end of everything on this ring (5.19); the result counts them.
    let cancelEverything () = prepare Opcode.Cancel -1 0UL 0UL 0u OpFlags.CancelAny

    /// Posts a completion with this user data and result on another ring.
    let messageRing ring (target: UserData) (result: uint32) =
        prepare Opcode.MessageRing ring target.Bits 0UL result 0u

    /// As `messageRing`, and the completion has these flags (6.3).
    let messageRingFlagged ring (target: UserData) (result: uint32) (flags: uint32) = {
        prepare Opcode.MessageRing ring target.Bits 0UL result OpFlags.MessageFlags with
            FileIndex = flags
    }

    /// Puts a slot of this ring's registered files into a free one of another's, which is then the result (6.0). The other
    /// hears nothing of it.
    let sendDirect ring (slot: int) = {
        prepare Opcode.MessageRing ring 0UL OpFlags.MessageDescriptor 0u OpFlags.MessageSilent with
            FileIndex = OpFlags.AllocateFile
            Address3 = uint64 slot
    }

    // ---- readiness

    /// Completes with the events that are there, of those asked for: a mask as in poll(2).
    let poll fd (events: uint32) = prepare Opcode.PollAdd fd 0UL 0UL 0u events

    /// Completes each time that one of the events comes, until cancelled (5.13).
    let pollMultishot fd (events: uint32) = prepare Opcode.PollAdd fd 0UL 0UL OpFlags.PollMultishot events

    /// Gives a running poll other events (5.13). -ENOENT when it does not run any more, -EALREADY when it tells of
    /// something now. man io_uring_prep_poll_update(3).
    let changePoll (target: UserData) (events: uint32) =
        prepare Opcode.PollRemove -1 0UL target.Bits OpFlags.PollChangeEvents events

    /// Changes what the epoll waits for on `fd`: `operation` as in epoll_ctl(2), with the struct epoll_event at `event`.
    let epollControl epoll (operation: uint32) (fd: int) event =
        prepare Opcode.EpollControl epoll (uint64 (uint32 fd)) event operation 0u

    /// Waits until the epoll has something to tell, and writes up to `most` struct epoll_event to `events` (6.15). The
    /// result counts them.
    let epollWait epoll events (most: uint32) = prepare Opcode.EpollWait epoll 0UL events most 0u

    // ---- processes, words of memory, commands of a file

    /// Waits for a change of a child: `options` say for which, as in waitid(2). Writes a 128-byte siginfo_t to `info` (6.7).
    let waitId (kind: uint32) (id: int) (options: uint32) info = {
        prepare Opcode.WaitId id info 0UL kind 0u with
            FileIndex = options
    }

    /// Waits while the word at `address` is `expected`, until woken for a bit of `mask` (6.7); `size` as in futex2.
    /// -EAGAIN when it is another already. man io_uring_prep_futex_wait(3).
    let futexWait address (expected: uint32) (mask: uint32) (size: uint32) = {
        prepare Opcode.FutexWait (int size) (uint64 expected) address 0u 0u with
            Address3 = uint64 mask
    }

    /// Wakes up to `count` of those who wait for the word at `address` and a bit of `mask` (6.7). The result counts them.
    let futexWake address (count: uint32) (mask: uint32) (size: uint32) = {
        prepare Opcode.FutexWake (int size) (uint64 count) address 0u 0u with
            Address3 = uint64 mask
    }

    /// Waits while each of the words that `count` struct futex_waitv (24 bytes) at `vector` name has the value that they say,
    /// until one is woken (6.7): the result is its index. -EAGAIN when one has another value already.
    let futexWaitAny vector (count: uint32) = prepare Opcode.FutexWaitVector 0 0UL vector count 0u

    /// Asks the file to do what it calls `operation` (5.19), with 16 bytes in two words. man io_uring_prep_uring_cmd(3).
    let command fd (operation: uint32) (first: uint64) (second: uint64) = {
        prepare Opcode.Command fd (uint64 operation) 0UL 0u 0u with
            Address3 = first
            Reserved = second
    }

    /// As `command`, on memory within registered buffer `slot` (6.1): where, the command itself says.
    let commandFixed fd (operation: uint32) (first: uint64) (second: uint64) (slot: uint16) = {
        prepare Opcode.Command fd (uint64 operation) 0UL 0u OpFlags.CommandFixed with
            Buffer = slot
            Address3 = first
            Reserved = second
    }

    /// Asks a socket for an option, or to set it (6.7): `OpFlags.GetOption` or `SetOption`, of `length` bytes at `value`.
    /// man io_uring_prep_cmd_sock(3).
    let socketOption fd (operation: uint32) (level: int) (name: int) value (length: uint32) = {
        prepare
            Opcode.Command
            fd
            (uint64 operation)
            (uint64 (uint32 level) ||| (uint64 (uint32 name) <<< 32))
            0u
            0u with
            FileIndex = length
            Address3 = value
    }

    // ---- files

    /// Reads into provided buffers of `group` until cancelled, starved or at the end (6.7). Pipes, terminals and the
    /// like: what poll(2) can wait for. man io_uring_prep_read_multishot(3).
    let readMultishot fd group = {
        prepare Opcode.ReadMultishot fd OpFlags.CurrentPosition 0UL 0u 0u with
            Flags = SqeFlags.BufferSelect
            Buffer = group
    }

    /// Puts `count` descriptors of the process, 4 bytes each at `descriptors`, into slots of the registered files from `first`
    /// on; for `OpFlags.AllocateFile` (6.0) into free ones, whose numbers take their place. The result counts them.
    let updateFiles descriptors count (first: uint32) =
        prepare Opcode.FilesUpdate -1 (uint64 first) descriptors count 0u

    /// Opens a path, relative to `directory`. The result is the descriptor.
    let openAt directory path flags mode = prepare Opcode.OpenAt directory 0UL path mode flags

    /// Bytes of a struct open_how.
    [<Literal>]
    let openHowSize = 24

    /// Opens a path, relative to `directory`, as the struct open_how at `how` says. man io_uring_prep_openat2(3).
    let openAt2 directory path how = prepare Opcode.OpenAt2 directory how path (uint32 openHowSize) 0u

    /// Closes a descriptor. It cancels nothing. man io_uring_prep_close(3).
    let close fd = prepare Opcode.Close fd 0UL 0UL 0u 0u

    /// FILES_UPDATE: no descriptor, which empties the slot.
    [<Literal>]
    let noDescriptor = -1

    /// Frees a slot of the registered files (5.15). Not a fixed file: the slot is the operation's argument.
    let closeDirect (slot: int) = { prepare Opcode.Close 0 0UL 0UL 0u 0u with FileIndex = uint32 (slot + 1) }

    /// Reads up to `length` bytes at `offset`, or at the file's own position for `OpFlags.CurrentPosition`.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let read fd address length offset = prepare Opcode.Read fd offset address length 0u

    /// Writes up to `length` bytes at `offset`. man io_uring_prep_write(3).
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let write fd address length offset = prepare Opcode.Write fd offset address length 0u

    /// Reads at `offset` into the memories that `count` struct iovec at `vector` name. man io_uring_prep_readv(3).
    let readVector fd vector count offset = prepare Opcode.ReadVector fd offset vector count 0u

    /// Writes at `offset` the memories that `count` struct iovec at `vector` name. man io_uring_prep_writev(3).
    let writeVector fd vector count offset = prepare Opcode.WriteVector fd offset vector count 0u

    /// As `read`, into memory within registered buffer `slot`. man io_uring_prep_read_fixed(3).
    let readFixed fd address length offset (slot: uint16) = {
        prepare Opcode.ReadFixed fd offset address length 0u with
            Buffer = slot
    }

    /// As `write`, from memory within registered buffer `slot`. man io_uring_prep_write_fixed(3).
    let writeFixed fd address length offset (slot: uint16) = {
        prepare Opcode.WriteFixed fd offset address length 0u with
            Buffer = slot
    }

    /// As `readVector`, into memories within registered buffer `slot` (6.15). man io_uring_prep_readv_fixed(3).
    let readVectorFixed fd vector count offset (slot: uint16) = {
        prepare Opcode.ReadVectorFixed fd offset vector count 0u with
            Buffer = slot
    }

    /// As `writeVector`, from memories within registered buffer `slot` (6.15). man io_uring_prep_writev_fixed(3).
    let writeVectorFixed fd vector count offset (slot: uint16) = {
        prepare Opcode.WriteVectorFixed fd offset vector count 0u with
            Buffer = slot
    }

    /// Writes a 256-byte struct statx to `status`.
    let status directory path flags mask status = prepare Opcode.Status directory status path mask flags

    /// Waits until the file is on its device; `OpFlags.SyncData` for its data alone. man io_uring_prep_fsync(3).
    let sync fd flags = prepare Opcode.Sync fd 0UL 0UL 0u flags

    /// As `sync`, of `length` bytes at `offset`.
    let syncPart fd offset length flags = prepare Opcode.Sync fd offset 0UL length flags

    /// Reads the extended attribute that `name` names into `length` bytes at `value` (5.19). fgetxattr(2).
    let attribute fd name value length = prepare Opcode.GetAttributeOfFile fd value name length 0u

    /// Sets the extended attribute that `name` names to `length` bytes at `value` (5.19). fsetxattr(2).
    let setAttribute fd name value length flags = prepare Opcode.SetAttributeOfFile fd value name length flags

    /// As `attribute`, of what `path` names (5.19). getxattr(2).
    let attributeOfPath path name value length = {
        prepare Opcode.GetAttribute -1 value name length 0u with
            Address3 = path
    }

    /// As `setAttribute`, of what `path` names (5.19). setxattr(2).
    let setAttributeOfPath path name value length flags = {
        prepare Opcode.SetAttribute -1 value name length flags with
            Address3 = path
    }

    /// Sets a file's length (6.9).
    let truncate fd length = prepare Opcode.Truncate fd length 0UL 0u 0u

    /// Reserves or punches `length` bytes at `offset`; `mode` as in fallocate(2).
    let allocate fd mode offset length = prepare Opcode.Allocate fd offset length mode 0u

    /// Makes a directory (5.15). man io_uring_prep_mkdirat(3).
    let makeDirectoryAt directory path mode = prepare Opcode.MakeDirectoryAt directory 0UL path mode 0u

    /// Removes a name (5.11). man io_uring_prep_unlinkat(3).
    let unlinkAt directory path flags = prepare Opcode.UnlinkAt directory 0UL path 0u flags

    /// Renames (5.11). man io_uring_prep_renameat(3).
    let renameAt oldDirectory oldPath (newDirectory: int) newPath flags =
        prepare Opcode.RenameAt oldDirectory newPath oldPath (uint32 newDirectory) flags

    /// Makes a symbolic link at `path` that leads to `target` (5.15). man io_uring_prep_symlinkat(3).
    let symbolicLinkAt target directory path = prepare Opcode.SymbolicLinkAt directory path target 0u 0u

    /// Gives what `oldPath` names another name (5.15). man io_uring_prep_linkat(3).
    let linkAt oldDirectory oldPath (newDirectory: int) newPath flags =
        prepare Opcode.LinkAt oldDirectory newPath oldPath (uint32 newDirectory) flags

    /// Says how `length` bytes at `offset` will be read; `advice` as in posix_fadvise(2), and no length means to the end.
    let advise fd offset length advice = prepare Opcode.FileAdvise fd offset 0UL length advice

    /// As `advise`, for a length that needs 64 bits (6.10).
    let adviseLong fd offset (length: uint64) advice = prepare Opcode.FileAdvise fd offset length 0u advice

    /// Says how `length` bytes of memory will be used; `advice` as in madvise(2). man io_uring_prep_madvise(3).
    let adviseMemory address length advice = prepare Opcode.MemoryAdvise -1 0UL address length advice

    /// Starts to write `length` bytes at `offset` to the device, or waits for that; `flags` as in sync_file_range(2).
    let syncRange fd offset length flags = prepare Opcode.SyncFileRange fd offset 0UL length flags

    /// Moves `length` bytes between two descriptors of which one is a pipe; an offset of
    /// `OpFlags.CurrentPosition` means none.
    let splice source sourceOffset target targetOffset length flags = {
        prepare Opcode.Splice target targetOffset sourceOffset length flags with
            FileIndex = uint32 (source: int)
    }

    /// Copies `length` bytes from one pipe to another, and leaves them in the first. man io_uring_prep_tee(3).
    let tee source target length flags = {
        prepare Opcode.Tee target 0UL 0UL length flags with
            FileIndex = uint32 (source: int)
    }

    /// Makes a pipe (6.16): writes the numbers of its two ends, 4 bytes each, to `ends`; `flags` as in pipe2(2).
    let pipe ends flags = prepare Opcode.Pipe 0 0UL ends 0u flags

    // ---- sockets

    /// Makes a socket (5.19). The result is the descriptor.
    let socket (domain: int) (kind: int) (protocol: int) =
        prepare Opcode.Socket domain (uint64 (uint32 kind)) 0UL (uint32 protocol) 0u

    /// Binds to the sockaddr of `length` bytes at `address` (6.11).
    let bind fd address (length: uint32) = prepare Opcode.Bind fd (uint64 length) address 0u 0u

    /// Starts listening (6.11).
    let listen fd backlog = prepare Opcode.Listen fd 0UL 0UL backlog 0u

    /// Takes one connection. `address` and `lengthAt` may be 0 when the peer's address is not wanted.
    let accept fd address lengthAt flags = prepare Opcode.Accept fd lengthAt address 0u flags

    /// Takes connections until cancelled (5.19): each completion is one descriptor.
    let acceptMultishot fd flags = {
        prepare Opcode.Accept fd 0UL 0UL 0u flags with
            Priority = OpFlags.AcceptMultishot
    }

    /// Connects to the sockaddr of `length` bytes at `address`. man io_uring_prep_connect(3).
    let connect fd address (length: uint32) = prepare Opcode.Connect fd (uint64 length) address 0u 0u

    /// Sends up to `length` bytes; `flags` as in send(2). man io_uring_prep_send(3).
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let send fd address length flags = prepare Opcode.Send fd 0UL address length flags

    /// Receives up to `length` bytes; `flags` as in recv(2). man io_uring_prep_recv(3).
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let receive fd address length flags = prepare Opcode.Receive fd 0UL address length flags

    /// Receives into provided buffers of `group` until cancelled, starved or closed (6.0).
    let receiveMultishot fd group flags = {
        prepare Opcode.Receive fd 0UL 0UL 0u flags with
            Flags = SqeFlags.BufferSelect
            Priority = OpFlags.ReceiveMultishot
            Buffer = group
    }

    /// Sends one message from what the 56-byte struct msghdr at `header` says. man sendmsg(2).
    let sendMessage fd header flags = prepare Opcode.SendMessage fd 0UL header 1u flags

    /// Receives one message into what the 56-byte struct msghdr at `header` says, and writes to it. recvmsg(2).
    let receiveMessage fd header flags = prepare Opcode.ReceiveMessage fd 0UL header 1u flags

    /// Receives messages into provided buffers of `group` until cancelled or starved (6.0); of the header only the two
    /// lengths matter. man io_uring_prep_recvmsg_multishot(3).
    let receiveMessageMultishot fd group header flags = {
        prepare Opcode.ReceiveMessage fd 0UL header 1u flags with
            Flags = SqeFlags.BufferSelect
            Priority = OpFlags.ReceiveMultishot
            Buffer = group
    }

    /// Sends up to `length` bytes without copying them (6.0): a result, and a notification when the buffer is free.
    /// man io_uring_prep_send_zc(3).
    let sendZeroCopy fd address length flags = prepare Opcode.SendZeroCopy fd 0UL address length flags

    /// As `sendZeroCopy`, from memory within registered buffer `slot`. man io_uring_prep_send_zc_fixed(3).
    let sendZeroCopyFixed fd address length flags (slot: uint16) = {
        prepare Opcode.SendZeroCopy fd 0UL address length flags with
            Priority = OpFlags.FixedBuffer
            Buffer = slot
    }

    /// As `sendZeroCopy`, to the sockaddr of `nameLength` bytes at `name`.
    let sendZeroCopyTo fd address length flags name (nameLength: uint32) = {
        prepare Opcode.SendZeroCopy fd name address length flags with
            FileIndex = nameLength
    }

    /// As `sendMessage`, without copying the bytes (6.1): a result, and a notification when the buffers are free.
    /// man io_uring_prep_sendmsg_zc(3).
    let sendMessageZeroCopy fd header flags = prepare Opcode.SendMessageZeroCopy fd 0UL header 1u flags

    /// As `sendMessageZeroCopy`, from memories within registered buffer `slot` (6.15). man io_uring_prep_sendmsg_zc_fixed(3).
    let sendMessageZeroCopyFixed fd header flags (slot: uint16) = {
        prepare Opcode.SendMessageZeroCopy fd 0UL header 1u flags with
            Priority = OpFlags.FixedBuffer
            Buffer = slot
    }

    /// Sends provided buffers of `group` in their order, as many as there are (6.10).
    let sendBundle fd group flags = {
        prepare Opcode.Send fd 0UL 0UL 0u flags with
            Flags = SqeFlags.BufferSelect
            Priority = OpFlags.Bundle
            Buffer = group
    }

    /// Ends one direction (0 receiving, 1 sending) or both (2) (5.11). man io_uring_prep_shutdown(3).
    let shutdown fd (how: uint32) = prepare Opcode.Shutdown fd 0UL 0UL how 0u

    /// FIXED_FD_INSTALL (6.8): a descriptor of the process for a slot of the ring's table, closed on exec. Goes with
    /// `onFixedFile`, as all that works on a slot.
    let installFixed (slot: int) = prepare Opcode.InstallFixed slot 0UL 0UL 0u 0u

    /// As `installFixed`, and a program that this process executes inherits the descriptor.
    let installInherited (slot: int) = prepare Opcode.InstallFixed slot 0UL 0UL 0u OpFlags.KeepOnExec

    // ---- modifiers

    /// Sets flags, and clears none.
    let inline flagged flag (submission: Submission) = { submission with Flags = submission.Flags ||| flag }

    /// The next submission waits for this one, and is cancelled if this one fails.
    let linked submission = flagged SqeFlags.Link submission

    /// The next submission waits for this one, whatever comes of it.
    let hardLinked submission = flagged SqeFlags.HardLink submission

    /// Waits for all before it, and all after it wait. A pending multishot in front stalls the ring.
    let drained submission = flagged SqeFlags.Drain submission

    /// `Fd` is an index into the registered files.
    let onFixedFile submission = flagged SqeFlags.FixedFile submission

    /// What it makes goes to a free slot of the registered files, which is then the result (5.19).
    let intoFreeSlot (submission: Submission) = { submission with FileIndex = OpFlags.AllocateFile }

    /// What it makes goes to this slot of the registered files, in place of what is there (5.15); the result is 0.
    let intoSlot (slot: int) (submission: Submission) = { submission with FileIndex = uint32 (slot + 1) }

    /// The source of a splice is an index into the registered files.
    let fromFixedFile (submission: Submission) = {
        submission with
            OpFlags = submission.OpFlags ||| OpFlags.FixedSource
    }

    /// A read or write with these flags. man preadv2(2).
    let transferring (flags: TransferFlags) (submission: Submission) = {
        submission with
            OpFlags = submission.OpFlags ||| uint32 flags
    }

    /// A send or receive with these flags: MSG_ of man send(2) and recv(2).
    let withMessageFlags (flags: uint32) (submission: Submission) = {
        submission with
            OpFlags = submission.OpFlags ||| flags
    }

    /// A read or write with this I/O priority: `level` 0 (first) to 7 of its class. man ioprio_set(2).
    let prioritized (priority: PriorityClass) (level: int) (submission: Submission) = {
        submission with
            Priority = uint16 ((int priority <<< 13) ||| level)
    }

    /// Posts no completion unless it fails (5.17).
    let silentOnSuccess submission = flagged SqeFlags.SkipSuccess submission

    /// The kernel takes a buffer of this group when it has something to put there.
    let withBuffers group (submission: Submission) = {
        submission with
            Flags = submission.Flags ||| SqeFlags.BufferSelect
            Buffer = group
    }

    /// One completion may fill several of the group's buffers, or send them (6.10).
    let bundled (submission: Submission) = {
        submission with
            Priority = submission.Priority ||| OpFlags.Bundle
    }

    /// It waits for its socket before it tries, which saves an attempt that would find nothing (5.19; ACCEPT 6.10).
    let pollingFirst (submission: Submission) = {
        submission with
            Priority =
                submission.Priority
                ||| (if submission.Opcode = Opcode.Accept then OpFlags.AcceptPollFirst else OpFlags.PollFirst)
    }

    /// An accept that fails with -EAGAIN where it would wait (6.10).
    let withoutWaiting (submission: Submission) = {
        submission with
            Priority = submission.Priority ||| OpFlags.AcceptDontWait
    }

    /// The notification of a zero-copy send says whether the bytes were copied (6.2).
    let reportingUsage (submission: Submission) = {
        submission with
            Priority = submission.Priority ||| OpFlags.ReportUsage
    }

    /// A timeout that ends with 0 when so many completions have come, if its time is not over before; a multishot one ends
    /// after so many times.
    let counting (count: uint32) (submission: Submission) = { submission with Offset = uint64 count }

    /// The kernel echoes this in every completion.
    let inline tagged userData (submission: Submission) = { submission with UserData = userData }

    /// Replaces the descriptor.
    let onDescriptor fd (submission: Submission) = { submission with Fd = fd }

    /// Turns offsets into the operation's buffer into addresses, now that the buffer is pinned at `address`.
    let inline rebase (reach: Reach) (address: uint64) (submission: Submission) = {
        submission with
            Address =
                submission.Address + (if (byte reach &&& byte Reach.Address) <> 0uy then address else 0UL)
            Offset = submission.Offset + (if (byte reach &&& byte Reach.Offset) <> 0uy then address else 0UL)
            Address3 =
                submission.Address3 + (if (byte reach &&& byte Reach.Address3) <> 0uy then address else 0UL)
    }
