// Length: one function for each form of each operation.
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

/// What each file operation asks of the ring.
[<RequireQualifiedAccess>]
module FileRequest =

    let private closeOnExec = 0o2000000

    /// UTF-8 with a final zero, behind `reserved` bytes for what the kernel writes.
    let internal textBytes (parameter: string) (reserved: int) (text: string) =
        ArgumentException.ThrowIfNullOrEmpty(text, parameter)

        if text.Contains '\000' then
            raise (ArgumentException("It cannot contain a zero character.", parameter))

        let bytes = Array.zeroCreate<byte>(reserved + Encoding.UTF8.GetByteCount text + 1)
        Encoding.UTF8.GetBytes(text, bytes.AsSpan reserved) |> ignore
        bytes

    let private pathBytes reserved (path: string) = textBytes (nameof path) reserved path

    let private nonNegative (name: string) (value: int64) =
        ArgumentOutOfRangeException.ThrowIfNegative(value, name)

    /// Two paths, with the names of their parameters, in one buffer: `submission` gets where the first and the second are.
    let private onPaths subject (firstName, first) (secondName, second) submission : Request =
        let secondBytes = textBytes secondName 0 second
        let bytes = textBytes firstName secondBytes.Length first
        secondBytes.CopyTo(bytes, 0)

        submission (uint64 secondBytes.Length) 0UL
        |> Request.onPath subject (Memory bytes) (Reach.Address ||| Reach.Offset)

    let private onPath path submission =
        Request.onPath path (Memory(pathBytes 0 path)) Reach.Address submission

    let private opening (flags: OpenFlags) (mode: UnixFileMode) =
        let flags = OpenNumbers.native (uint32 flags) ||| uint32 closeOnExec
        Submission.openAt OpFlags.WorkingDirectory 0UL flags (uint32 mode)

    /// Opens a path. `mode` is used when the file is created, less the process's umask. The result is a descriptor.
    let openPath (path: string) (flags: OpenFlags) (mode: UnixFileMode) : Request =
        onPath path (opening flags mode)

    /// Opens a new file without a name in a directory; its data is gone when it is closed. man open(2), O_TMPFILE.
    let openTemporary (directory: string) (mode: UnixFileMode) : Request =
        let path = Memory(textBytes (nameof directory) 0 directory)

        opening (OpenFlags.ReadWrite ||| OpenFlags.Temporary) mode
        |> Request.onPath directory path Reach.Address

    /// Opens a path into a free slot of the ring's own table (`LoopOptions.DirectDescriptors`, Linux 5.19). The result is the
    /// slot.
    let openPathDirect (path: string) (flags: OpenFlags) (mode: UnixFileMode) : Request =
        Submission.openAt OpFlags.WorkingDirectory 0UL (OpenNumbers.native (uint32 flags)) (uint32 mode)
        |> Submission.intoFreeSlot
        |> onPath path

    let private installAs (submission: int -> Submission) (direct: FileDescriptor) : Request =
        if not direct.IsDirect then
            raise (
                InvalidOperationException
                    "This has a descriptor of the process already: install is for those of the ring's own table."
            )

        submission direct.Number |> Request.on direct

    /// A descriptor of the process for a direct one, which stays open: both are the same (Linux 6.8). The result is its number.
    let install (direct: FileDescriptor) : Request = installAs Submission.installFixed direct

    /// As `install`, and programs that this process executes inherit it (no O_CLOEXEC).
    let installInherited (direct: FileDescriptor) : Request = installAs Submission.installInherited direct

    /// A slot of the ring's own table for a descriptor of the process, which stays open: both are the same (Linux 6.0).
    /// `slotOf` says which. man io_uring_prep_files_update(3).
    let makeDirect (descriptor: FileDescriptor) : Request =
        if descriptor.IsDirect then
            raise (InvalidOperationException "This is a slot of the ring's own table already.")

        let bytes = Array.zeroCreate<byte> 4
        BitConverter.TryWriteBytes(bytes.AsSpan(), descriptor.Number) |> ignore

        {
            Request.bare (Submission.updateFiles 0UL 1u OpFlags.AllocateFile) with
                Target = descriptor
                Buffer = Memory bytes
                Reach = Reach.Address
        }

    /// The slot that `makeDirect` has filled.
    let slotOf (request: Request) : int = MemoryMarshal.Read<int>(Memory.op_Implicit(request.Buffer).Span)

    let private planOf (file: FileDescriptor) = (file.Home :?> Loop).Plan

    let private openingFrom
        (directory: FileDescriptor)
        (rules: PathRules)
        (path: string)
        (flags: OpenFlags)
        (mode: UnixFileMode)
        (more: int)
        : Request =
        if rules.HasFlag PathRules.Cached && not (Features.canOpenCached (planOf directory)) then
            raise (Fault.tooOldFor "opening by what is in memory (RESOLVE_CACHED)" "5.12")

        let creates = flags.HasFlag OpenFlags.Create || flags.HasFlag OpenFlags.Temporary
        // struct open_how, and then the path. A mode for nothing is refused.
        let bytes = pathBytes Submission.openHowSize path
        let words = MemoryMarshal.Cast<byte, uint64>(bytes.AsSpan(0, Submission.openHowSize))
        words[0] <- uint64 (OpenNumbers.native (uint32 flags) ||| uint32 more)
        words[1] <- if creates then uint64 mode else 0UL
        words[2] <- uint64 rules

        {
            (Submission.openAt2 directory.Number (uint64 Submission.openHowSize) 0UL
             |> Request.onPath path (Memory bytes) (Reach.Address ||| Reach.Offset)) with
                Target = directory
        }

    /// Opens a path from a directory, by rules. `mode` is used when a file is created. man openat2(2).
    let openFrom
        (directory: FileDescriptor)
        (rules: PathRules)
        (path: string)
        (flags: OpenFlags)
        (mode: UnixFileMode)
        : Request =
        openingFrom directory rules path flags mode closeOnExec

    /// As `openFrom`, into a free slot of the ring's own table (Linux 5.19). The result is the slot.
    let openFromDirect
        (directory: FileDescriptor)
        (rules: PathRules)
        (path: string)
        (flags: OpenFlags)
        (mode: UnixFileMode)
        : Request =
        let request = openingFrom directory rules path flags mode 0
        { request with Submission = Submission.intoFreeSlot request.Submission }

    /// A read or write of an open file, of whatever form, with these flags. man preadv2(2).
    let transferring (flags: TransferFlags) (request: Request) : Request =
        match request.Target with
        | null -> raise (ArgumentException("It is no read or write of an open file.", nameof request))
        | _ when flags = TransferFlags.None -> request
        | target ->
            match Features.missingForTransfer flags (planOf target) with
            | ValueSome since ->
                raise (Fault.tooOldFor (String.Concat("transfers with ", flags.ToString())) since)
            | ValueNone -> { request with Submission = Submission.transferring flags request.Submission }

    /// A read or write of an open file, of whatever form, with this I/O priority: `level` 0 (first) to 7 of its class; 0 for
    /// `PriorityClass.None`. EPERM for who may not be so urgent. man ioprio_set(2).
    let prioritized (priority: PriorityClass) (level: int) (request: Request) : Request =
        if not (Enum.IsDefined priority) then raise (ArgumentOutOfRangeException(nameof priority))

        let most = if priority = PriorityClass.None then 0 else 7
        ArgumentOutOfRangeException.ThrowIfNegative(level, nameof level)
        ArgumentOutOfRangeException.ThrowIfGreaterThan(level, most, nameof level)

        if not (Catalogue.takesPriority request.Submission.Opcode) then
            raise (ArgumentException("It is no read or write of a file.", nameof request))

        { request with Submission = Submission.prioritized priority level request.Submission }

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
        Discard = null
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
            Discard = null
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

    /// Asks for some of what a path names; `follow` symbolic links. The struct statx is at the start of the request's buffer.
    let statusAs (fields: StatusFields) (sync: StatusSync) (path: string) (follow: bool) : Request =
        let flags = uint32 sync ||| (if follow then 0u else OpFlags.NoFollow)

        Submission.status OpFlags.WorkingDirectory (uint64 FileStatus.Size) flags (uint32 fields) 0UL
        |> Request.onPath path (Memory(pathBytes FileStatus.Size path)) (Reach.Address ||| Reach.Offset)

    let private allFields: StatusFields = LanguagePrimitives.EnumOfValue OpFlags.StatusAll

    /// Asks what a path names; `follow` symbolic links. The struct statx is at the start of the request's buffer.
    let status (path: string) (follow: bool) : Request = statusAs allFields StatusSync.AsUsual path follow

    /// Asks for some of what an open file is. The struct statx is at the start of the request's buffer.
    let statusOfAs (fields: StatusFields) (sync: StatusSync) (file: FileDescriptor) : Request =
        if file.IsDirect then
            raise (
                NotSupportedException
                    "A direct descriptor has no number that statx(2) could be told: install it in the process's table first, as File.status does."
            )

        {
            (Submission.status
                file.Number
                (uint64 FileStatus.Size)
                (uint32 sync ||| OpFlags.EmptyPath)
                (uint32 fields)
                0UL
             |> Request.over file (Memory(Array.zeroCreate (FileStatus.Size + 1)))) with
                Reach = Reach.Address ||| Reach.Offset
        }

    /// Asks what an open file is. The struct statx is at the start of the request's buffer.
    let statusOf (file: FileDescriptor) : Request = statusOfAs allFields StatusSync.AsUsual file

    /// Waits until the file's data (and unless `dataOnly`, its metadata) are on the device.
    let sync (file: FileDescriptor) (dataOnly: bool) : Request =
        Submission.sync file.Number (if dataOnly then OpFlags.SyncData else 0u) |> Request.on file

    /// As `sync`, of `length` bytes at `offset`, at least 1 and less than 4 GiB. Many file systems sync the whole file.
    let syncPart (file: FileDescriptor) (offset: int64) (length: int64) (dataOnly: bool) : Request =
        nonNegative (nameof offset) offset
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length, nameof length)
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, int64 UInt32.MaxValue, nameof length)
        let flags = if dataOnly then OpFlags.SyncData else 0u
        Submission.syncPart file.Number (uint64 offset) (uint32 length) flags |> Request.on file

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

    /// Asks for an extended attribute of at most `capacity` bytes (Linux 5.19): its value is at the start of the request's
    /// buffer, and the result is its length. No capacity asks for the length alone. man fgetxattr(2).
    let attribute (file: FileDescriptor) (name: string) (capacity: int) : Request =
        ArgumentOutOfRangeException.ThrowIfNegative(capacity, nameof capacity)

        {
            (Submission.attribute file.Number (uint64 capacity) 0UL (uint32 capacity)
             |> Request.over file (Memory(textBytes (nameof name) capacity name))) with
                Reach = Reach.Address ||| Reach.Offset
        }

    /// Sets an extended attribute (Linux 5.19); the value is copied. man fsetxattr(2).
    let setAttribute
        (file: FileDescriptor)
        (name: string)
        (value: ReadOnlyMemory<byte>)
        (change: AttributeChange)
        : Request =
        let bytes = textBytes (nameof name) value.Length name
        value.Span.CopyTo(bytes.AsSpan())

        {
            (Submission.setAttribute
                file.Number
                (uint64 value.Length)
                0UL
                (uint32 value.Length)
                (uint32 change)
             |> Request.over file (Memory bytes)) with
                Reach = Reach.Address ||| Reach.Offset
        }

    /// `room` for a value, then the attribute's name, then the path; and where both start.
    let private named (room: int) (name: string) (path: string) : struct (byte array * uint64 * uint64) =
        let pathBytes = pathBytes 0 path
        let bytes = textBytes (nameof name) room name
        let whole = Array.append bytes pathBytes
        struct (whole, uint64 room, uint64 bytes.Length)

    let private onAttribute (path: string) (bytes: byte array) submission =
        Request.onPath path (Memory bytes) (Reach.Address ||| Reach.Offset ||| Reach.Address3) submission

    /// As `attribute`, of what a path names; symbolic links are followed (Linux 5.19). man getxattr(2).
    let attributeOfPath (path: string) (name: string) (capacity: int) : Request =
        ArgumentOutOfRangeException.ThrowIfNegative(capacity, nameof capacity)
        let struct (bytes, nameAt, pathAt) = named capacity name path
        Submission.attributeOfPath pathAt nameAt 0UL (uint32 capacity) |> onAttribute path bytes

    /// As `setAttribute`, of what a path names; symbolic links are followed (Linux 5.19). man setxattr(2).
    let setAttributeOfPath
        (path: string)
        (name: string)
        (value: ReadOnlyMemory<byte>)
        (change: AttributeChange)
        : Request =
        let struct (bytes, nameAt, pathAt) = named value.Length name path
        value.Span.CopyTo(bytes.AsSpan())

        Submission.setAttributeOfPath pathAt nameAt 0UL (uint32 value.Length) (uint32 change)
        |> onAttribute path bytes

    /// Sets the file's length (6.9, older by a system call): cuts it, or extends it with a hole.
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

    /// Renames; the rules say what becomes of what `destination` named before.
    let renameAs (rules: RenameRules) (source: string) (destination: string) : Request =
        onPaths source (nameof source, source) (nameof destination, destination) (fun source destination ->
            Submission.renameAt
                OpFlags.WorkingDirectory
                source
                OpFlags.WorkingDirectory
                destination
                (uint32 rules))

    /// Renames; what `destination` named before is replaced.
    let rename (source: string) (destination: string) : Request = renameAs RenameRules.None source destination

    /// Makes a symbolic link at `path` (Linux 5.15). `pathToTarget` is stored as it is, whether it names something or not.
    let makeSymbolicLink (path: string) (pathToTarget: string) : Request =
        onPaths path (nameof pathToTarget, pathToTarget) (nameof path, path) (fun target path ->
            Submission.symbolicLinkAt target OpFlags.WorkingDirectory path)

    /// Gives the file that `pathToTarget` names another name, `path` (Linux 5.15). A symbolic link there is not followed.
    let makeHardLink (path: string) (pathToTarget: string) : Request =
        onPaths path (nameof pathToTarget, pathToTarget) (nameof path, path) (fun target path ->
            Submission.linkAt OpFlags.WorkingDirectory target OpFlags.WorkingDirectory path 0u)

    let private onNumber (parameter: string) (directory: FileDescriptor) =
        if directory.IsDirect then
            raise (
                ArgumentException(
                    "Paths start from a directory of the process, not from a direct one.",
                    parameter
                )
            )

    /// The same of a request about a path: if that is relative, it starts from an open directory.
    let from (directory: FileDescriptor) (request: Request) : Request =
        onNumber (nameof directory) directory

        {
            request with
                Submission = Submission.onDescriptor directory.Number request.Submission
                Target = directory
        }

    /// One operation runs on one ring, which has to have both descriptors.
    let private onOneRing (source: FileDescriptor) (target: FileDescriptor) =
        if not (obj.ReferenceEquals(source.Home, target.Home)) then
            raise (ArgumentException("Both ends have to belong to the same ring.", nameof target))

    /// The same of a rename or a link: the first path starts from `directory`, the second from `target`.
    let fromBoth (directory: FileDescriptor) (target: FileDescriptor) (request: Request) : Request =
        onNumber (nameof target) target
        onOneRing directory target
        let request = from directory request

        {
            request with
                Submission = { request.Submission with Length = uint32 target.Number }
                Other = target
        }

    /// As `splice`, with modes.
    let spliceAs
        (modes: SpliceModes)
        (source: FileDescriptor)
        (offset: int64)
        (target: FileDescriptor)
        (targetOffset: int64)
        (length: int)
        : Request =
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length, nameof length)
        ArgumentOutOfRangeException.ThrowIfLessThan(offset, -1L, nameof offset)
        ArgumentOutOfRangeException.ThrowIfLessThan(targetOffset, -1L, nameof targetOffset)
        onOneRing source target

        {
            (Submission.splice
                source.Number
                (uint64 offset)
                target.Number
                (uint64 targetOffset)
                (uint32 length)
                (uint32 modes)
             |> Request.on target) with
                Other = source
        }

    /// Moves up to `length` bytes without copying them through user memory; one side must be a pipe. An offset of -1
    /// means the side's own position, and is the only one that a pipe has.
    let splice source offset target targetOffset length : Request =
        spliceAs SpliceModes.None source offset target targetOffset length

    /// Makes a pipe (Linux 6.16; older kernels by pipe2(2), except for direct descriptors): `pipeEnds` says what it made.
    let pipe (modes: PipeModes) : Request =
        let flags = OpenNumbers.native (uint32 (modes &&& ~~~PipeModes.Direct))

        let submission =
            if modes.HasFlag PipeModes.Direct then
                Submission.intoFreeSlot (Submission.pipe 0UL flags)
            else
                Submission.pipe 0UL (flags ||| uint32 closeOnExec)

        {
            Request.bare submission with
                Buffer = Memory(Array.zeroCreate 8)
                Reach = Reach.Address
        }

    /// What a request for a pipe made: the numbers, or slots, of the end to read from and of the end to write to.
    let pipeEnds (request: Request) : struct (int * int) =
        let numbers = MemoryMarshal.Cast<byte, int> request.Buffer.Span
        struct (numbers[0], numbers[1])

    /// As `tee`, with modes.
    let teeAs (modes: SpliceModes) (source: FileDescriptor) (target: FileDescriptor) (length: int) : Request =
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length, nameof length)
        onOneRing source target

        {
            (Submission.tee source.Number target.Number (uint32 length) (uint32 modes) |> Request.on target) with
                Other = source
        }

    /// Copies up to `length` bytes from one pipe to another, and leaves them in the first (Linux 5.8). man tee(2).
    let tee source target length : Request = teeAs SpliceModes.None source target length
