// The system calls themselves: the only `extern` of the core. Errno comes back as a negative result, read right after
// the call, because libc's syscall(2) wrapper returns -1 (a library that compared -1 with -EINTR lost its loop).
namespace Uring.Kernel

open System
open System.Runtime.InteropServices
open Microsoft.FSharp.NativeInterop

#nowarn "9" // Pointers: this module's business.

[<RequireQualifiedAccess>]
module internal Native =

    // Numbers that x86-64 and arm64 share.
    let private sysSignal = 424n // pidfd_send_signal
    let private sysSetup = 425n
    let private sysEnter = 426n
    let private sysRegister = 427n
    let private sysOpenProcess = 434n // pidfd_open

    [<DllImport("libc", EntryPoint = "syscall")>]
    extern nativeint private syscall3(nativeint number, nativeint a, nativeint b)

    [<DllImport("libc", EntryPoint = "syscall")>]
    extern nativeint private syscall5(nativeint number, nativeint a, nativeint b, nativeint c, nativeint d)

    [<DllImport("libc", EntryPoint = "syscall")>]
    extern nativeint private syscall7(
        nativeint number,
        nativeint a,
        nativeint b,
        nativeint c,
        nativeint d,
        nativeint e,
        nativeint f
    )

    [<DllImport("libc", EntryPoint = "mmap")>]
    extern nativeint private mmap(
        nativeint address,
        unativeint length,
        int protection,
        int flags,
        int fd,
        nativeint offset
    )

    [<DllImport("libc", EntryPoint = "mremap")>]
    extern nativeint private mremap(nativeint address, unativeint oldLength, unativeint newLength, int flags)

    [<DllImport("libc", EntryPoint = "mprotect")>]
    extern int private mprotect(nativeint address, unativeint length, int protection)

    [<DllImport("libc", EntryPoint = "munmap")>]
    extern int private munmap(nativeint address, unativeint length)

    [<DllImport("libc", EntryPoint = "close")>]
    extern int private closeDescriptor(int fd)

    [<DllImport("libc", EntryPoint = "fcntl")>]
    extern int private fcntl(int fd, int command, nativeint argument)

    [<DllImport("libc", EntryPoint = "inotify_init1")>]
    extern int private inotifyInit(int flags)

    [<DllImport("libc", EntryPoint = "inotify_add_watch")>]
    extern int private inotifyAddWatch(int fd, nativeint path, uint32 mask)

    [<DllImport("libc", EntryPoint = "inotify_rm_watch")>]
    extern int private inotifyRemoveWatch(int fd, int watch)

    [<DllImport("libc", EntryPoint = "getsockname")>]
    extern int private getsockname(int fd, nativeint address, int& length)

    [<DllImport("libc", EntryPoint = "getpeername")>]
    extern int private getpeername(int fd, nativeint address, int& length)

    [<DllImport("libc", EntryPoint = "getsockopt")>]
    extern int private getsockopt(int fd, int level, int name, nativeint value, int& length)

    [<DllImport("libc", EntryPoint = "setsockopt")>]
    extern int private setsockopt(int fd, int level, int name, nativeint value, int length)

    [<DllImport("libc", EntryPoint = "pipe2")>]
    extern int private pipe2(nativeint ends, int flags)

    [<DllImport("libc", EntryPoint = "ftruncate64")>]
    extern int private ftruncate(int fd, int64 length)

    [<DllImport("libc", EntryPoint = "bind")>]
    extern int private bind(int fd, nativeint address, int length)

    [<DllImport("libc", EntryPoint = "listen")>]
    extern int private listen(int fd, int backlog)

    [<DllImport("libc", EntryPoint = "kill")>]
    extern int private kill(int pid, int signal)

    /// The result, or the negative errno.
    let private orErrno (result: nativeint) =
        if result < 0n then -(nativeint (Marshal.GetLastSystemError())) else result

    let setup (entries: uint32) (parameters: nativeint) =
        int (orErrno (syscall3 (sysSetup, nativeint entries, parameters)))

    let enter
        (ring: int)
        (toSubmit: uint32)
        (minComplete: uint32)
        (flags: uint32)
        (argument: nativeint)
        (size: int)
        =
        int (
            orErrno (
                syscall7 (
                    sysEnter,
                    nativeint ring,
                    nativeint toSubmit,
                    nativeint minComplete,
                    nativeint flags,
                    argument,
                    nativeint size
                )
            )
        )

    let register (ring: int) (opcode: uint32) (argument: nativeint) (count: uint32) =
        int (orErrno (syscall5 (sysRegister, nativeint ring, nativeint opcode, argument, nativeint count)))

    let private noAccess = 0 // PROT_NONE
    let private readWrite = 3 // PROT_READ | PROT_WRITE
    let private sharedPopulated = 0x8001 // MAP_SHARED | MAP_POPULATE
    let private mayMove = 1 // MREMAP_MAYMOVE

    let map (ring: int) (length: unativeint) (offset: int64) =
        orErrno (mmap (0n, length, readWrite, sharedPopulated, ring, nativeint offset))

    let allocate (length: unativeint) (kind: MemoryKind) =
        let flags =
            match kind with
            | MemoryKind.Ordinary -> 0x22 // MAP_PRIVATE | MAP_ANONYMOUS
            | MemoryKind.Huge -> 0x40022 // ... | MAP_HUGETLB
            | MemoryKind.Mirrored -> 0x21 // MAP_SHARED | MAP_ANONYMOUS

        orErrno (mmap (0n, length, readWrite, flags, -1, 0n))

    let mirror (address: nativeint) (length: unativeint) = orErrno (mremap (address, 0un, length, mayMove))

    let protect (address: nativeint) (length: unativeint) (accessible: bool) =
        int (orErrno (nativeint (mprotect (address, length, (if accessible then readWrite else noAccess)))))

    let unmap (address: nativeint) (length: unativeint) = int (orErrno (nativeint (munmap (address, length))))

    let close (fd: int) = int (orErrno (nativeint (closeDescriptor fd)))

    let duplicate (fd: int) = int (orErrno (nativeint (fcntl (fd, 1030, 0n)))) // F_DUPFD_CLOEXEC

    let openedAs (fd: int) = int (orErrno (nativeint (fcntl (fd, 3, 0n)))) // F_GETFL

    // By its number: not every libc has a name for it.
    let private sysStatus = if RuntimeInformation.ProcessArchitecture = Architecture.X64 then 332n else 291n // statx

    /// struct statx is 256 bytes, with the mode @28.
    let modeOf (fd: int) =
        let status = NativePtr.stackalloc<byte> 256
        // An empty path: the descriptor itself.
        let path = NativePtr.stackalloc<byte> 1
        NativePtr.write path 0uy

        let result =
            int (
                orErrno (
                    syscall7 (
                        sysStatus,
                        nativeint fd,
                        NativePtr.toNativeInt path,
                        0x1000n, // AT_EMPTY_PATH
                        3n, // STATX_TYPE | STATX_MODE
                        NativePtr.toNativeInt status,
                        0n
                    )
                )
            )

        if result < 0 then
            result
        else
            int (NativePtr.read (NativePtr.ofNativeInt<uint16>(NativePtr.toNativeInt status + 28n)))

    let notify () = int (orErrno (nativeint (inotifyInit 0o2000000))) // IN_CLOEXEC

    let watch (fd: int) (path: nativeint) (mask: uint32) =
        int (orErrno (nativeint (inotifyAddWatch (fd, path, mask))))

    let unwatch (fd: int) (watch: int) = int (orErrno (nativeint (inotifyRemoveWatch (fd, watch))))

    let openProcess (id: int) = int (orErrno (syscall3 (sysOpenProcess, nativeint id, 0n)))

    let signal (fd: int) (signal: int) =
        int (orErrno (syscall5 (sysSignal, nativeint fd, nativeint signal, 0n, 0n)))

    let signalMany (group: int) (signal: int) = int (orErrno (nativeint (kill (group, signal))))

    let socketName (fd: int) (ofPeer: bool) (address: nativeint) (size: int) =
        let mutable length = size

        let result = if ofPeer then getpeername (fd, address, &length) else getsockname (fd, address, &length)

        if result < 0 then int (orErrno (nativeint result)) else length

    let getOption (fd: int) (level: int) (name: int) (value: nativeint) (size: int) =
        let mutable length = size
        let result = getsockopt (fd, level, name, value, &length)
        if result < 0 then int (orErrno (nativeint result)) else length

    let setOption (fd: int) (level: int) (name: int) (value: nativeint) (size: int) =
        int (orErrno (nativeint (setsockopt (fd, level, name, value, size))))

    let makePipe (ends: nativeint) (flags: uint32) = int (orErrno (nativeint (pipe2 (ends, int flags))))

    let truncate (fd: int) (length: int64) = int (orErrno (nativeint (ftruncate (fd, length))))

    let bindTo (fd: int) (address: nativeint) (size: int) =
        int (orErrno (nativeint (bind (fd, address, size))))

    let listenFor (fd: int) (backlog: int) = int (orErrno (nativeint (listen (fd, backlog))))
