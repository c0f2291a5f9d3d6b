// Files for F# programs: `File.openRead`, `File.read`, `File.write`, ... Each function is a cold program.
// Length: users look for all that is done with a file in one module, and an F# module is one file.
namespace Uring.FSharp

open System
open System.Collections.Generic
open System.Runtime.CompilerServices
open System.IO
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
open Microsoft.Win32.SafeHandles
open Uring.Driver
open Uring.Model

/// An open file, and the loop that it belongs to. Dispose of it with `use!`.
[<Sealed>]
type File internal (loop: Loop, descriptor: FileDescriptor, path: string, isNamed: bool) =
    do descriptor.Name <- path

    internal new(loop, descriptor, path) = File(loop, descriptor, path, true)

    /// For requests of your own.
    member _.Descriptor = descriptor
    /// The path that it was opened by.
    member _.Path = path
    member internal _.Loop = loop

    /// What is started on it begins on one of the kernel's worker threads (IOSQE_ASYNC), which costs some microseconds. For file
    /// systems that are programs (FUSE: sshfs and its like): what reads a file there is asked for where it is submitted, and
    /// an answer that takes its time holds up the ring's thread and all that waits on it (6.18). False at first.
    member _.BeginsOnWorker
        with get () = descriptor.BeginsOnWorker
        and set (value: bool) =
            ObjectDisposedException.ThrowIf(descriptor.IsClosed, typeof<File>)
            descriptor.BeginsOnWorker <- value

    /// It was opened by a path, and may be anything.
    member internal _.IsNamed = isNamed

    interface IAsyncDisposable with
        member _.DisposeAsync() =
            let closing = loop.CloseDescriptor descriptor

            if closing.IsCompletedSuccessfully then
                ValueTask.CompletedTask
            else
                ValueTask(closing.AsTask())

/// Files. Each function is a cold program; offsets and lengths are bytes. Errors are the BCL's exceptions.
[<RequireQualifiedAccess>]
module File =

    let internal readWriteByOwner =
        UnixFileMode.UserRead
        ||| UnixFileMode.UserWrite
        ||| UnixFileMode.GroupRead
        ||| UnixFileMode.OtherRead

    /// Opens a path with flags of your choice. `mode` is for a file that this creates.
    let openWith (flags: OpenFlags) (mode: UnixFileMode) (path: string) : Uring<File> =
        uring {
            let! number = Program.single (FileRequest.openPath path flags mode)
            let! loop = Uring.loop
            return File(loop, loop.Own number, path)
        }

    /// A file from elsewhere: one of the BCL's, one that came with a message, an end of a pipe. What works here is a duplicate, which
    /// has the same position; with `ownsHandle` the handle is disposed of, else it stays yours. ArgumentException when it is a
    /// socket or a directory. If it was opened with O_NONBLOCK, what would have to wait fails with EAGAIN.
    let ofHandle (ownsHandle: bool) (handle: SafeHandle) : Uring<File> =
        uring {
            let! loop = Uring.loop
            let struct (descriptor, _) = Adopting.file loop ownsHandle handle
            return File(loop, descriptor, nonNull descriptor.Name)
        }

    /// Another descriptor for the same open file. Each has to be closed.
    let duplicate (file: File) : File =
        File(file.Loop, file.Loop.Own(Adopting.duplicate file.Descriptor), file.Path)

    /// The same for use elsewhere: by the BCL, or to be sent with a message. Yours to dispose of.
    let duplicateHandle (file: File) : SafeFileHandle =
        new SafeFileHandle(nativeint (Adopting.duplicate file.Descriptor), true)

    /// Opens a path into a free slot of the ring's own table (`LoopOptions.DirectDescriptors`, Linux 5.19): no descriptor of
    /// the process is used. What is asked of its number, such as `status`, costs one for a moment: see `install`.
    let openDirect (flags: OpenFlags) (mode: UnixFileMode) (path: string) : Uring<File> =
        uring {
            let! slot = Program.single (FileRequest.openPathDirect path flags mode)
            let! loop = Uring.loop
            return File(loop, loop.OwnDirect slot, path)
        }

    /// A file with a descriptor of the process for a direct one, which stays open: both are the same open file, and each has
    /// to be closed (Linux 6.8).
    let install (direct: File) : Uring<File> =
        uring {
            let! number = Program.single (FileRequest.install direct.Descriptor)
            return File(direct.Loop, direct.Loop.Own number, direct.Path, direct.IsNamed)
        }

    /// As `install`, and programs that this process executes inherit the descriptor (no O_CLOEXEC).
    let installInherited (direct: File) : Uring<File> =
        uring {
            let! number = Program.single (FileRequest.installInherited direct.Descriptor)
            return File(direct.Loop, direct.Loop.Own number, direct.Path)
        }

    /// The other way round, into a free slot of the ring's own table (Linux 6.0).
    let makeDirect (file: File) : Uring<File> =
        uring {
            let request = FileRequest.makeDirect file.Descriptor
            let! _ = Program.single request
            let slot = FileRequest.slotOf request
            return File(file.Loop, file.Loop.OwnDirect slot, file.Path, file.IsNamed)
        }

    let internal moved
        (target: Loop)
        (file: FileDescriptor)
        (token: CancellationToken)
        : Task<FileDescriptor> =
        Sending.move
            target
            file
            (fun result -> Fault.ofResult Opcode.MessageRing file.Name result token)
            token

    /// Hands a direct file on to another ring's table (Linux 6.0): the result belongs to that ring, and `file` is closed.
    /// IOException (ENFILE, 23) when the other has no table or no free slot, ObjectDisposedException when it has ended: then
    /// `file` stays. man io_uring_prep_msg_ring_fd_alloc(3).
    let moveTo (ring: LoopHost) (file: File) : Uring<File> =
        uring {
            let! token = Uring.token
            let! arrived = uring { return! moved ring.Loop file.Descriptor token }
            return File(ring.Loop, arrived, file.Path)
        }

    let private standard (number: int) (name: string) : Uring<File> =
        uring {
            let! loop = Uring.loop
            return File(loop, loop.Borrow number, name)
        }

    /// Standard input, as a file for `readNext` and `readMany`. Closing it does nothing: it is the process's.
    let standardInput: Uring<File> = standard 0 "standard input"

    /// Standard output, as a file for `writeNext`. Closing it does nothing.
    let standardOutput: Uring<File> = standard 1 "standard output"

    /// Standard error, in the same way.
    let standardError: Uring<File> = standard 2 "standard error"

    /// Opens a file to read.
    let openRead (path: string) : Uring<File> = openWith OpenFlags.Read readWriteByOwner path

    /// Makes a file, or empties the one that is there, to write and read.
    let create (path: string) : Uring<File> =
        openWith (OpenFlags.ReadWrite ||| OpenFlags.Create ||| OpenFlags.Truncate) readWriteByOwner path

    /// Opens a directory, to open from.
    let openDirectory (path: string) : Uring<File> =
        openWith (OpenFlags.Read ||| OpenFlags.Directory) readWriteByOwner path

    /// Opens a path from a directory, by rules. `mode` is for a file that this creates.
    let openFrom
        (directory: File)
        (rules: PathRules)
        (flags: OpenFlags)
        (mode: UnixFileMode)
        (path: string)
        : Uring<File> =
        uring {
            let! number = Program.single (FileRequest.openFrom directory.Descriptor rules path flags mode)
            return File(directory.Loop, directory.Loop.Own number, path)
        }

    /// As `openFrom`, into a free slot of the ring's own table (`LoopOptions.DirectDescriptors`, Linux 5.19).
    let openFromDirect
        (directory: File)
        (rules: PathRules)
        (flags: OpenFlags)
        (mode: UnixFileMode)
        (path: string)
        : Uring<File> =
        uring {
            let! slot = Program.single (FileRequest.openFromDirect directory.Descriptor rules path flags mode)

            return File(directory.Loop, directory.Loop.OwnDirect slot, path)
        }

    /// Makes a file without a name in a directory: it goes when it is closed.
    let openTemporary (directory: string) : Uring<File> =
        openWith (OpenFlags.ReadWrite ||| OpenFlags.Temporary) readWriteByOwner directory

    /// Asks for the end of all that is in flight on the file or waits to go on, whoever started it; the result counts the
    /// operations. The file stays open. They end with OperationCanceledException, or with what they have done by then; what
    /// a device works on already ends as if nobody had asked.
    let cancel (file: File) : Uring<int> = Program.ofScope (fun _ -> Cancel.on file.Descriptor)

    /// As `cancel`, and the kernel waits until each has ended, for `limit` at most: see `Uring.cancelAllNow` (Linux 6.0).
    let cancelNow (limit: TimeSpan) (file: File) : Uring<CancelCount> =
        Program.ofScope (fun _ -> Cancel.onNow file.Descriptor limit)

    /// Closes the file when the operations on it have ended; they are cancelled. Raises what close(2) reports.
    let close (file: File) : Uring<unit> = uring { do! (file :> IAsyncDisposable).DisposeAsync() }

    /// Reads up to `buffer.Length` bytes at `offset`; 0 at the end of the file. Allocates nothing.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let read (file: File) (buffer: Memory<byte>) (offset: int64) : Uring<int> =
        Program.single (FileRequest.read file.Descriptor buffer offset)

    /// As `read`, with these flags. man preadv2(2).
    let readAs (flags: TransferFlags) (file: File) (buffer: Memory<byte>) (offset: int64) : Uring<int> =
        FileRequest.read file.Descriptor buffer offset |> FileRequest.transferring flags |> Program.single

    /// Reads at the file's own position: for pipes and terminals. Allocates nothing.
    let readNext (file: File) (buffer: Memory<byte>) : Uring<int> =
        Program.single (FileRequest.readNext file.Descriptor buffer)

    /// Reads until the end, at the file's own position, into buffers of a pool: for pipes and terminals, and for files
    /// from their start to their end. Dispose of each lease. From a pipe of `Pipe.create` it is one submission (Linux 6.7);
    /// what was opened by a path is read one by one. man io_uring_prep_read_multishot(3).
    let readMany (file: File) (pool: BufferPool) : Uring<UringStream<BufferLease>> =
        Program.ofScope (fun scope ->
            let request =
                if file.IsNamed then
                    FileRequest.readManyNamed file.Descriptor pool
                else
                    FileRequest.readMany file.Descriptor pool

            ValueTask<_>(UringStream(file.Loop.Open(request, scope.Token), _.Lease)))

    /// Writes at `offset`. The result can be fewer bytes than asked for. Allocates nothing.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let writeSome (file: File) (buffer: ReadOnlyMemory<byte>) (offset: int64) : Uring<int> =
        Program.single (FileRequest.write file.Descriptor buffer offset)

    /// As `writeSome`, with these flags. man pwritev2(2).
    let writeSomeAs
        (flags: TransferFlags)
        (file: File)
        (buffer: ReadOnlyMemory<byte>)
        (offset: int64)
        : Uring<int> =
        FileRequest.write file.Descriptor buffer offset |> FileRequest.transferring flags |> Program.single

    /// Writes at the file's own position. The result can be fewer bytes than asked for; a regular file has no room then, and
    /// its position may not have moved (6.18). Allocates nothing.
    let writeNext (file: File) (buffer: ReadOnlyMemory<byte>) : Uring<int> =
        Program.single (FileRequest.writeNext file.Descriptor buffer)

    /// Writes all of `buffer` at `offset`. When it fails or is cancelled, `Fault.transferred` tells how many bytes had been
    /// written.
    let write (file: File) (buffer: ReadOnlyMemory<byte>) (offset: int64) : Uring<unit> =
        Whole.effect (FileRequest.write file.Descriptor buffer offset)

    /// As `write`, with these flags. man pwritev2(2).
    let writeAs
        (flags: TransferFlags)
        (file: File)
        (buffer: ReadOnlyMemory<byte>)
        (offset: int64)
        : Uring<unit> =
        FileRequest.write file.Descriptor buffer offset |> FileRequest.transferring flags |> Whole.effect

    /// Writes all of `buffer` at the file's own position. When it fails or is cancelled, `Fault.transferred` tells how many
    /// bytes had been written.
    let writeAllNext (file: File) (buffer: ReadOnlyMemory<byte>) : Uring<unit> =
        Whole.writeNext file.Descriptor buffer

    /// Reads until `buffer` is full or the file ends; the number of bytes. When it fails or is cancelled, `Fault.transferred`
    /// tells how many bytes had been read.
    let readFull (file: File) (buffer: Memory<byte>) (offset: int64) : Uring<int> =
        Whole.most (FileRequest.read file.Descriptor buffer offset)

    /// As `readVector`, with these flags. man preadv2(2).
    let readVectorAs
        (flags: TransferFlags)
        (file: File)
        (buffers: IReadOnlyList<Memory<byte>>)
        (offset: int64)
        : Uring<int64> =
        Whole.readVector flags file.Descriptor (MemoryVector.Of buffers) (VectorRequest.checkedOffset offset)

    /// Fills the buffers in their order from `offset` on, or until the file ends; the number of bytes. For a file without
    /// offsets, such as a pipe, they are ignored. When it fails or is cancelled, `Fault.transferred` tells how many bytes had
    /// been read. man readv(2).
    let readVector (file: File) (buffers: IReadOnlyList<Memory<byte>>) (offset: int64) : Uring<int64> =
        readVectorAs TransferFlags.None file buffers offset

    /// As `writeVector`, with these flags. man pwritev2(2).
    let writeVectorAs
        (flags: TransferFlags)
        (file: File)
        (buffers: IReadOnlyList<ReadOnlyMemory<byte>>)
        (offset: int64)
        : Uring<unit> =
        Whole.writeVector flags file.Descriptor (MemoryVector.Of buffers) (VectorRequest.checkedOffset offset)

    /// Writes all of the buffers in their order, at `offset`. When it fails or is cancelled, `Fault.transferred` tells how
    /// many bytes had been written. man writev(2).
    let writeVector
        (file: File)
        (buffers: IReadOnlyList<ReadOnlyMemory<byte>>)
        (offset: int64)
        : Uring<unit> =
        writeVectorAs TransferFlags.None file buffers offset

    /// Reads into registered memory at `offset`: as `read`, without the cost of pinning. man io_uring_prep_read_fixed(3).
    let readRegistered (file: File) (memory: RegisteredMemory) (offset: int64) : Uring<int> =
        Program.single (RegisteredRequest.read file.Descriptor memory offset)

    /// As `readRegistered`, with these flags. man preadv2(2).
    let readRegisteredAs
        (flags: TransferFlags)
        (file: File)
        (memory: RegisteredMemory)
        (offset: int64)
        : Uring<int> =
        RegisteredRequest.read file.Descriptor memory offset
        |> FileRequest.transferring flags
        |> Program.single

    /// Fills parts of one registered buffer in their order: as `readRegistered` (Linux 6.15; older kernels pin them).
    let readRegisteredVector
        (file: File)
        (memories: IReadOnlyList<RegisteredMemory>)
        (offset: int64)
        : Uring<int> =
        Program.single (RegisteredRequest.readVector file.Descriptor memories offset)

    /// Writes all of registered memory at `offset`. man io_uring_prep_write_fixed(3).
    let writeRegistered (file: File) (memory: RegisteredMemory) (offset: int64) : Uring<unit> =
        Whole.effect (RegisteredRequest.write file.Descriptor memory offset)

    /// As `writeRegistered`, with these flags. man pwritev2(2).
    let writeRegisteredAs
        (flags: TransferFlags)
        (file: File)
        (memory: RegisteredMemory)
        (offset: int64)
        : Uring<unit> =
        RegisteredRequest.write file.Descriptor memory offset
        |> FileRequest.transferring flags
        |> Whole.effect

    /// Writes from parts of one registered buffer in their order (Linux 6.15; older kernels pin them); the number of
    /// bytes, which can be fewer.
    let writeRegisteredVector
        (file: File)
        (memories: IReadOnlyList<RegisteredMemory>)
        (offset: int64)
        : Uring<int> =
        Program.single (RegisteredRequest.writeVector file.Descriptor memories offset)

    /// Copies up to `length` bytes at `offset` to `targetOffset` of another file; the number of bytes, which is less only
    /// where the first file ends. The second is not cut. A file cannot be copied to itself.
    let copyRange
        (source: File)
        (offset: int64)
        (target: File)
        (targetOffset: int64)
        (length: int64)
        : Uring<int64> =
        Copying.files source.Descriptor offset target.Descriptor targetOffset length

    /// Copies all of a file to the start of another; the number of bytes.
    let copy (source: File) (target: File) : Uring<int64> = copyRange source 0L target 0L Int64.MaxValue

    let internal statusBy (perform: Request -> Uring<int>) (request: Request) : Uring<FileStatus> =
        uring {
            let! _ = perform request
            return FileStatus.ofBytes (Memory.op_Implicit(request.Buffer).Span)
        }

    let internal statusOf (request: Request) : Uring<FileStatus> = statusBy Program.single request

    /// What an open file is. A direct one gets a descriptor of the process for it, and gives it back (Linux 6.8).
    let status (file: File) : Uring<FileStatus> =
        uring {
            if file.Descriptor.IsDirect then
                use! installed = install file
                return! statusOf (FileRequest.statusOf installed.Descriptor)
            else
                return! statusOf (FileRequest.statusOf file.Descriptor)
        }

    /// What a path names, after symbolic links.
    let statusOfPath (path: string) : Uring<FileStatus> = statusOf (FileRequest.status path true)

    /// What a path names, itself a symbolic link or not.
    let statusOfLink (path: string) : Uring<FileStatus> = statusOf (FileRequest.status path false)

    /// Some of what an open file is, perhaps without asking a file system that lives elsewhere. man statx(2).
    let statusAs (fields: StatusFields) (sync: StatusSync) (file: File) : Uring<FileStatus> =
        statusOf (FileRequest.statusOfAs fields sync file.Descriptor)

    /// The same of what a path names; `follow` symbolic links.
    let statusOfPathAs
        (fields: StatusFields)
        (sync: StatusSync)
        (follow: bool)
        (path: string)
        : Uring<FileStatus> =
        statusOf (FileRequest.statusAs fields sync path follow)

    /// As `splice`, with modes. man splice(2).
    let spliceAs
        (modes: SpliceModes)
        (source: File)
        (offset: int64)
        (target: File)
        (targetOffset: int64)
        (length: int)
        : Uring<int> =
        FileRequest.spliceAs modes source.Descriptor offset target.Descriptor targetOffset length
        |> Program.single

    /// Moves up to `length` bytes without copying them through user memory: one of the two is a pipe's end. An offset of -1 is
    /// the file's own position, and the only one that a pipe has. 0 when no more will come. man splice(2).
    let splice
        (source: File)
        (offset: int64)
        (target: File)
        (targetOffset: int64)
        (length: int)
        : Uring<int> =
        FileRequest.splice source.Descriptor offset target.Descriptor targetOffset length |> Program.single

    /// As `read`, with an I/O priority: `level` 0 (first) to 7 of its class. What the device makes of it is its scheduler's.
    /// man ioprio_set(2).
    let readWithPriority
        (priority: PriorityClass)
        (level: int)
        (file: File)
        (buffer: Memory<byte>)
        (offset: int64)
        : Uring<int> =
        FileRequest.read file.Descriptor buffer offset
        |> FileRequest.prioritized priority level
        |> Program.single

    /// As `writeSome`, with an I/O priority, as `readWithPriority`.
    let writeWithPriority
        (priority: PriorityClass)
        (level: int)
        (file: File)
        (buffer: ReadOnlyMemory<byte>)
        (offset: int64)
        : Uring<int> =
        FileRequest.write file.Descriptor buffer offset
        |> FileRequest.prioritized priority level
        |> Program.single

    /// Waits until one of the events is there: for pipes, terminals and what else poll(2) can wait for; others are always
    /// ready. man io_uring_prep_poll_add(3).
    let poll (file: File) (events: PollEvents) : Uring<PollEvents> =
        Uring.map (uint32 >> LanguagePrimitives.EnumOfValue) (Program.single (Poll.on file.Descriptor events))

    /// Tells of events again and again (one submission from Linux 5.13 on): see `Poll.many`.
    let pollMany (file: File) (events: PollEvents) : Uring<UringStream<PollEvents>> =
        Program.ofScope (fun scope ->
            let stream = file.Loop.Open(Poll.manyOn file.Descriptor events, scope.Token)
            ValueTask<_>(UringStream(stream, fun item -> LanguagePrimitives.EnumOfValue(uint32 item.Result))))

    /// Waits until data and metadata are on the device.
    let sync (file: File) : Uring<unit> = Program.effect (FileRequest.sync file.Descriptor false)

    /// Waits until the data are on the device, and of the metadata what reading them needs: fdatasync(2).
    let syncData (file: File) : Uring<unit> = Program.effect (FileRequest.sync file.Descriptor true)

    /// As `sync`, or `syncData`, of `length` bytes at `offset`: 1 byte to 4 GiB less one. Many file systems sync the whole
    /// file.
    let syncPart (file: File) (offset: int64) (length: int64) (dataOnly: bool) : Uring<unit> =
        Program.effect (FileRequest.syncPart file.Descriptor offset length dataOnly)

    /// Says how memory will be used that starts with a page: mapped, or allocated so. Some advice takes contents away (see
    /// `MemoryAdvice`). man madvise(2).
    let adviseMemory (memory: Memory<byte>) (advice: MemoryAdvice) : Uring<unit> =
        Program.effect (FileRequest.adviseMemory memory advice)

    /// Says how `length` bytes at `offset` will be read; 0 bytes mean to the end.
    let advise (file: File) (offset: int64) (length: int64) (advice: FileAdvice) : Uring<unit> =
        Program.effect (FileRequest.advise file.Descriptor offset length advice)

    /// Has `length` bytes at `offset` written to the device; 0 bytes mean to the end. No replacement for `sync`.
    let syncRange (file: File) (offset: int64) (length: int64) (how: RangeSync) : Uring<unit> =
        Program.effect (FileRequest.syncRange file.Descriptor offset length how)

    /// Asks for the length first, and then for as much.
    let internal valueBy (perform: Request -> Uring<int>) (ask: int -> Request) : Uring<byte array> =
        uring {
            let! length = perform (ask 0)
            let request = ask length
            // Without room it would ask for the length again.
            let! found = if length = 0 then Uring.result 0 else perform request
            return request.Buffer.Slice(0, found).ToArray()
        }

    let private valueOf (ask: int -> Request) : Uring<byte array> = valueBy Program.single ask

    /// The value of an extended attribute such as "user.note" (Linux 5.19). One that is missing is an error (ENODATA, 61).
    let attribute (file: File) (name: string) : Uring<byte array> =
        valueOf (FileRequest.attribute file.Descriptor name)

    /// The same of what a path names, after symbolic links (Linux 5.19).
    let attributeOfPath (path: string) (name: string) : Uring<byte array> =
        valueOf (FileRequest.attributeOfPath path name)

    /// As `setAttributeOfPath`; the change says whether it may be there already.
    let setAttributeOfPathAs
        (change: AttributeChange)
        (path: string)
        (name: string)
        (value: ReadOnlyMemory<byte>)
        : Uring<unit> =
        Program.effect (FileRequest.setAttributeOfPath path name value change)

    /// Sets an extended attribute of what a path names, after symbolic links (Linux 5.19).
    let setAttributeOfPath (path: string) (name: string) (value: ReadOnlyMemory<byte>) : Uring<unit> =
        setAttributeOfPathAs AttributeChange.CreateOrReplace path name value

    /// As `setAttribute`; the change says whether it may be there already.
    let setAttributeAs
        (change: AttributeChange)
        (file: File)
        (name: string)
        (value: ReadOnlyMemory<byte>)
        : Uring<unit> =
        Program.effect (FileRequest.setAttribute file.Descriptor name value change)

    /// Sets an extended attribute (Linux 5.19).
    let setAttribute (file: File) (name: string) (value: ReadOnlyMemory<byte>) : Uring<unit> =
        setAttributeAs AttributeChange.CreateOrReplace file name value

    /// Sets the length: cuts the file, or extends it with a hole. Before Linux 6.9 by a system call.
    let truncate (file: File) (length: int64) : Uring<unit> =
        Program.effect (FileRequest.truncate file.Descriptor length)

    /// Reserves space, extending the file if need be.
    let allocate (file: File) (offset: int64) (length: int64) : Uring<unit> =
        Program.effect (FileRequest.allocate file.Descriptor offset length)

    /// Reserves, frees or moves `length` bytes at `offset`.
    let allocateAs (file: File) (mode: Allocation) (offset: int64) (length: int64) : Uring<unit> =
        Program.effect (FileRequest.allocateAs file.Descriptor mode offset length)

    /// Makes a directory with these permissions, less the process's umask (Linux 5.15).
    let makeDirectoryWith (mode: UnixFileMode) (path: string) : Uring<unit> =
        Program.effect (FileRequest.makeDirectory path mode)

    /// Makes a directory (Linux 5.15).
    let makeDirectory (path: string) : Uring<unit> = makeDirectoryWith (enum<UnixFileMode> 0o777) path

    /// Removes a file.
    let delete (path: string) : Uring<unit> = Program.effect (FileRequest.unlink path)

    /// Removes an empty directory.
    let removeDirectory (path: string) : Uring<unit> = Program.effect (FileRequest.removeDirectory path)

    /// Makes a symbolic link at `path` that leads to `pathToTarget` (Linux 5.15).
    let makeSymbolicLink (path: string) (pathToTarget: string) : Uring<unit> =
        Program.effect (FileRequest.makeSymbolicLink path pathToTarget)

    /// Gives the file that `pathToTarget` names another name, `path` (Linux 5.15).
    let makeHardLink (path: string) (pathToTarget: string) : Uring<unit> =
        Program.effect (FileRequest.makeHardLink path pathToTarget)

    /// Renames; the rules say what becomes of what `destination` named before. man renameat2(2).
    let renameAs (rules: RenameRules) (source: string) (destination: string) : Uring<unit> =
        Program.effect (FileRequest.renameAs rules source destination)

    /// Renames; what `destination` named before is replaced.
    let rename (source: string) (destination: string) : Uring<unit> =
        Program.effect (FileRequest.rename source destination)
