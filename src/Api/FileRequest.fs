// What each file operation asks of the ring, as a value. Checks what the caller can get wrong, so that nothing
// malformed reaches the kernel. Used by the File module, by chains and by the C# facade.
namespace Uring.FSharp

open System
open System.Runtime.CompilerServices
open System.IO
open System.Runtime.InteropServices
open System.Text
open Uring.Driver
open Uring.Model

/// How to open a file: what open(2) calls its flags, with the numbers of x86-64. Requests have the processor's own.
[<Flags>]
type OpenFlags =
    | Read = 0
    | Write = 1
    | ReadWrite = 2
    | Create = 0o100
    | Exclusive = 0o200
    | Truncate = 0o1000
    | Append = 0o2000
    /// Does not wait for the other end of a named pipe, or for a terminal.
    | NonBlocking = 0o4000
    /// Each write ends when its data are on the device.
    | DataSync = 0o10000
    /// Past the page cache: memory, offsets and lengths are multiples of the device's block.
    | Direct = 0o40000
    /// Nothing but a directory.
    | Directory = 0o200000
    /// No symbolic link as the last name.
    | NoFollow = 0o400000
    /// Reading does not change the access time. For the owner only.
    | NoAccessTime = 0o1000000
    /// Each write ends when its data and metadata are on the device.
    | Sync = 0o4010000
    /// The name alone, neither to read nor to write: a directory to open from, say.
    | Path = 0o10000000
    /// A file without a name, in the directory that the path names. Needs Write.
    | Temporary = 0o20200000

/// What a path may lead through, when it is opened from a directory: openat2(2).
[<Flags>]
type PathRules =
    /// Whatever it likes.
    | None = 0
    /// No other file system.
    | NoCrossDevice = 1
    /// None of the links that lead elsewhere by themselves, as those of /proc/self/fd do.
    | NoMagicLinks = 2
    /// No symbolic links at all.
    | NoLinks = 4
    /// Nothing outside the directory: what leads there is an error.
    | Beneath = 8
    /// The directory is the root: absolute paths and ".." end there.
    | InRoot = 16

/// The numbers of open(2) that differ between processors.
[<RequireQualifiedAccess>]
module internal OpenNumbers =

    /// From x86-64 to arm64, and back: O_DIRECT and O_DIRECTORY change places, O_NOFOLLOW and O_LARGEFILE too.
    let swapped (flags: uint32) =
        let exchange (one: uint32) (other: uint32) flags =
            let without = flags &&& ~~~(one ||| other)

            without
            ||| (if flags &&& one <> 0u then other else 0u)
            ||| (if flags &&& other <> 0u then one else 0u)

        flags |> exchange 0o40000u 0o200000u |> exchange 0o100000u 0o400000u

    /// This processor's, from those of x86-64, and back.
    let native (flags: uint32) =
        if RuntimeInformation.ProcessArchitecture = Architecture.Arm64 then
            swapped flags
        else
            flags

/// How a file will be read: posix_fadvise(2). Advice changes no contents.
type FileAdvice =
    /// As any other: takes back Random and Sequential.
    | Normal = 0
    /// Here and there: reading ahead is of no use.
    | Random = 1
    /// From its start to its end: reads further ahead.
    | Sequential = 2
    /// Soon: reads it into memory.
    | WillNeed = 3
    /// Not soon: what is in memory and on the device can go from memory.
    | DoNotNeed = 4
    /// Once.
    | NoReuse = 5

/// What becomes of a stretch of a file: the modes of fallocate(2). Not every file system has all of them.
type Allocation =
    /// Space is reserved, and the file is at least as long.
    | Extend = 0
    /// Space is reserved, past the end as well, and the length stays.
    | KeepSize = 1
    /// A hole: space goes back, and it reads as zeros. The length stays.
    | PunchHole = 3
    /// Cut out: what is behind comes forward. Whole blocks only, and not up to the end.
    | Collapse = 8
    /// Zeros, with their space; the file is at least as long.
    | Zero = 16
    /// Zeros, with their space; the length stays.
    | ZeroKeepSize = 17
    /// A hole is put in: what is there goes behind it. Whole blocks only, and before the end.
    | Insert = 32

/// How memory will be used: madvise(2), without what takes contents away.
type MemoryAdvice =
    /// As any other.
    | Normal = 0
    /// Here and there.
    | Random = 1
    /// From its start to its end.
    | Sequential = 2
    /// Soon.
    | WillNeed = 3
    /// Large pages are welcome.
    | HugePages = 14
    /// Large pages are not.
    | NoHugePages = 15
    /// Not soon: the first to go when memory is short (5.4).
    | Cold = 20
    /// Goes now, to the swap or its file (5.4).
    | PageOut = 21
    /// Makes the pages present to read (5.14).
    | PopulateRead = 22
    /// Makes the pages present to write (5.14).
    | PopulateWrite = 23

/// What is done of a stretch of a file: sync_file_range(2). All three are a write that is waited for.
[<Flags>]
type RangeSync =
    /// Nothing.
    | None = 0
    /// Waits for what is being written.
    | WaitBefore = 1
    /// Starts to write what has changed.
    | Write = 2
    /// Waits for all of it.
    | WaitAfter = 4

/// What each file operation asks of the ring.
[<RequireQualifiedAccess>]
module FileRequest =

    let private closeOnExec = 0o2000000

    /// UTF-8 with a final zero, behind `reserved` bytes for what the kernel writes.
    let private pathBytes (reserved: int) (path: string) =
        ArgumentException.ThrowIfNullOrEmpty(path, nameof path)

        if path.Contains '\000' then
            raise (ArgumentException("A path cannot contain a zero character.", nameof path))

        let bytes = Array.zeroCreate<byte>(reserved + Encoding.UTF8.GetByteCount path + 1)
        Encoding.UTF8.GetBytes(path, bytes.AsSpan reserved) |> ignore
        bytes

    let private nonNegative (name: string) (value: int64) =
        ArgumentOutOfRangeException.ThrowIfNegative(value, name)

    /// Two paths in one buffer: `submission` gets where the first and the second are.
    let private onPaths (subject: string) (first: string) (second: string) submission : Request =
        let secondBytes = pathBytes 0 second
        let bytes = pathBytes secondBytes.Length first
        secondBytes.CopyTo(bytes, 0)

        submission (uint64 secondBytes.Length) 0UL
        |> Request.onPath subject (Memory bytes) (Reach.Address ||| Reach.Offset)

    let private onPath path submission =
        Request.onPath path (Memory(pathBytes 0 path)) Reach.Address submission

    /// Opens a path. `mode` is used when the file is created, less the process's umask. The result is a descriptor.
    let openPath (path: string) (flags: OpenFlags) (mode: UnixFileMode) : Request =
        let flags = OpenNumbers.native (uint32 flags) ||| uint32 closeOnExec
        Submission.openAt OpFlags.WorkingDirectory 0UL flags (uint32 mode) |> onPath path

    /// Opens a path from a directory, by rules. `mode` is used when a file is created. man openat2(2).
    let openFrom
        (directory: FileDescriptor)
        (rules: PathRules)
        (path: string)
        (flags: OpenFlags)
        (mode: UnixFileMode)
        : Request =
        let creates = flags.HasFlag OpenFlags.Create || flags.HasFlag OpenFlags.Temporary
        // struct open_how, and then the path. A mode for nothing is refused.
        let bytes = pathBytes Submission.openHowSize path
        let words = MemoryMarshal.Cast<byte, uint64>(bytes.AsSpan(0, Submission.openHowSize))
        words[0] <- uint64 (OpenNumbers.native (uint32 flags) ||| uint32 closeOnExec)
        words[1] <- if creates then uint64 mode else 0UL
        words[2] <- uint64 rules

        {
            (Submission.openAt2 directory.Number (uint64 Submission.openHowSize) 0UL
             |> Request.onPath path (Memory bytes) (Reach.Address ||| Reach.Offset)) with
                Target = directory
        }

    /// Reads into `buffer` at `offset` bytes. The result is the number of bytes, 0 at the end of the file.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let read (file: FileDescriptor) (buffer: Memory<byte>) (offset: int64) : Request =
        nonNegative (nameof offset) offset

        Submission.read file.Number 0UL (uint32 buffer.Length) (uint64 offset) |> Request.over file buffer

    /// Reads at the file's own position, for pipes, terminals and other things without offsets.
    let readNext (file: FileDescriptor) (buffer: Memory<byte>) : Request =
        Submission.read file.Number 0UL (uint32 buffer.Length) OpFlags.CurrentPosition
        |> Request.over file buffer

    /// Reads into buffers of a pool, until the end: for what poll(2) can wait for, such as the ends of pipe(2) (one
    /// submission from Linux 6.7 on).
    let readMany (file: FileDescriptor) (pool: BufferPool) : StreamRequest = {
        Multishot = Submission.readMultishot file.Number pool.Group |> Request.on file |> Request.multishot
        Single = ValueSome(Submission.read file.Number 0UL 0u OpFlags.CurrentPosition |> Request.on file)
        Source = Source.Bytes
        Pool = pool
    }

    /// As `readMany`, one by one: a pipe that was opened by name never tells a multishot of its end (6.18).
    let readManyNamed (file: FileDescriptor) (pool: BufferPool) : StreamRequest =
        let single = Submission.read file.Number 0UL (uint32 pool.BufferSize) OpFlags.CurrentPosition

        {
            Multishot =
                (if pool.IsRing then Submission.withBuffers pool.Group single else single) |> Request.on file
            Single = ValueSome(Request.on file single)
            Source = Source.Bytes
            Pool = pool
        }

    /// Writes `buffer` at `offset`. The result is the number of bytes, which can be fewer.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let write (file: FileDescriptor) (buffer: ReadOnlyMemory<byte>) (offset: int64) : Request =
        nonNegative (nameof offset) offset

        Submission.write file.Number 0UL (uint32 buffer.Length) (uint64 offset)
        |> Request.over file (MemoryMarshal.AsMemory buffer)

    /// Writes at the file's own position.
    let writeNext (file: FileDescriptor) (buffer: ReadOnlyMemory<byte>) : Request =
        Submission.write file.Number 0UL (uint32 buffer.Length) OpFlags.CurrentPosition
        |> Request.over file (MemoryMarshal.AsMemory buffer)

    /// Asks what a path names; `follow` symbolic links. The struct statx is at the start of the request's buffer.
    let status (path: string) (follow: bool) : Request =
        let flags = if follow then 0u else OpFlags.NoFollow

        Submission.status OpFlags.WorkingDirectory (uint64 FileStatus.Size) flags OpFlags.StatusAll 0UL
        |> Request.onPath path (Memory(pathBytes FileStatus.Size path)) (Reach.Address ||| Reach.Offset)

    /// Asks what an open file is. The struct statx is at the start of the request's buffer.
    let statusOf (file: FileDescriptor) : Request = {
        (Submission.status file.Number (uint64 FileStatus.Size) OpFlags.EmptyPath OpFlags.StatusAll 0UL
         |> Request.over file (Memory(Array.zeroCreate (FileStatus.Size + 1)))) with
            Reach = Reach.Address ||| Reach.Offset
    }

    /// Waits until the file's data (and unless `dataOnly`, its metadata) are on the device.
    let sync (file: FileDescriptor) (dataOnly: bool) : Request =
        Submission.sync file.Number (if dataOnly then OpFlags.SyncData else 0u) |> Request.on file

    /// Says how the file will be read: `length` bytes at `offset`, and 0 means to the end. More than 4 GiB need 6.10.
    let advise (file: FileDescriptor) (offset: int64) (length: int64) (advice: FileAdvice) : Request =
        nonNegative (nameof offset) offset
        nonNegative (nameof length) length

        if length > int64 UInt32.MaxValue then
            Submission.adviseLong file.Number (uint64 offset) (uint64 length) (uint32 advice)
            |> Request.on file
        else
            Submission.advise file.Number (uint64 offset) (uint32 length) (uint32 advice) |> Request.on file

    /// Says how memory will be used that starts with a page: mapped, or allocated so. Its last page counts as a whole.
    let adviseMemory (memory: Memory<byte>) (advice: MemoryAdvice) : Request = {
        Request.bare (Submission.adviseMemory 0UL (uint32 memory.Length) (uint32 advice)) with
            Buffer = memory
            Reach = Reach.Address
    }

    /// Has `length` bytes at `offset` written to the device, and 0 means to the end; at most 4 GiB less one. Neither
    /// metadata nor the device's own cache: what has to survive a power loss needs `sync`.
    let syncRange (file: FileDescriptor) (offset: int64) (length: int64) (how: RangeSync) : Request =
        nonNegative (nameof offset) offset
        nonNegative (nameof length) length
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, int64 UInt32.MaxValue, nameof length)

        Submission.syncRange file.Number (uint64 offset) (uint32 length) (uint32 how) |> Request.on file

    /// Sets the file's length (6.9): cuts it, or extends it with a hole.
    let truncate (file: FileDescriptor) (length: int64) : Request =
        nonNegative (nameof length) length
        Submission.truncate file.Number (uint64 length) |> Request.on file

    /// Reserves, frees or moves `length` bytes at `offset`.
    let allocateAs (file: FileDescriptor) (mode: Allocation) (offset: int64) (length: int64) : Request =
        nonNegative (nameof offset) offset
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length, nameof length)

        Submission.allocate file.Number (uint32 mode) (uint64 offset) (uint64 length) |> Request.on file

    /// Reserves `length` bytes at `offset`, extending the file if need be.
    let allocate (file: FileDescriptor) (offset: int64) (length: int64) : Request =
        allocateAs file Allocation.Extend offset length

    /// Makes a directory (Linux 5.15); `mode` less the process's umask. man mkdirat(2).
    let makeDirectory (path: string) (mode: UnixFileMode) : Request =
        Submission.makeDirectoryAt OpFlags.WorkingDirectory 0UL (uint32 mode) |> onPath path

    /// Removes a file, not a directory.
    let unlink (path: string) : Request = Submission.unlinkAt OpFlags.WorkingDirectory 0UL 0u |> onPath path

    /// Removes an empty directory.
    let removeDirectory (path: string) : Request =
        Submission.unlinkAt OpFlags.WorkingDirectory 0UL OpFlags.RemoveDirectory |> onPath path

    /// Renames; what `target` named before is replaced.
    let rename (source: string) (target: string) : Request =
        onPaths source source target (fun source target ->
            Submission.renameAt OpFlags.WorkingDirectory source OpFlags.WorkingDirectory target 0u)

    /// Makes a symbolic link at `path` (Linux 5.15). `target` is stored as it is, whether it names something or not.
    let makeSymbolicLink (path: string) (target: string) : Request =
        onPaths path target path (fun target path ->
            Submission.symbolicLinkAt target OpFlags.WorkingDirectory path)

    /// Gives the file that `target` names another name, `path` (Linux 5.15). A symbolic link there is not followed.
    let makeHardLink (path: string) (target: string) : Request =
        onPaths path target path (fun target path ->
            Submission.linkAt OpFlags.WorkingDirectory target OpFlags.WorkingDirectory path 0u)

    /// Moves up to `length` bytes without copying them through user memory; one side must be a pipe. An offset of -1
    /// means the side's own position, and is the only one that a pipe has.
    let splice
        (source: FileDescriptor)
        (sourceOffset: int64)
        (target: FileDescriptor)
        (targetOffset: int64)
        (length: int)
        : Request =
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length, nameof length)
        ArgumentOutOfRangeException.ThrowIfLessThan(sourceOffset, -1L, nameof sourceOffset)
        ArgumentOutOfRangeException.ThrowIfLessThan(targetOffset, -1L, nameof targetOffset)

        {
            (Submission.splice
                source.Number
                (uint64 sourceOffset)
                target.Number
                (uint64 targetOffset)
                (uint32 length)
                0u
             |> Request.on target) with
                Other = source
        }

    /// Copies up to `length` bytes from one pipe to another, and leaves them in the first (Linux 5.8). man tee(2).
    let tee (source: FileDescriptor) (target: FileDescriptor) (length: int) : Request =
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length, nameof length)

        {
            (Submission.tee source.Number target.Number (uint32 length) 0u |> Request.on target) with
                Other = source
        }
