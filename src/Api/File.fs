// Files for F# programs: `File.openRead`, `File.read`, `File.write`, ... Each function is a cold program.
namespace Uring.FSharp

open System
open System.Collections.Generic
open System.Runtime.CompilerServices
open System.IO
open System.Threading.Tasks
open Uring.Driver
open Uring.Model

/// An open file, and the loop that it belongs to. Dispose of it with `use!`.
[<Sealed>]
type File internal (loop: Loop, descriptor: FileDescriptor, path: string) =
    do descriptor.Name <- path

    /// For requests of your own.
    member _.Descriptor = descriptor
    /// The path that it was opened by.
    member _.Path = path
    member internal _.Loop = loop

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

    let private readWriteByOwner =
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

    /// Makes a file without a name in a directory: it goes when it is closed.
    let openTemporary (directory: string) : Uring<File> =
        openWith (OpenFlags.ReadWrite ||| OpenFlags.Temporary) readWriteByOwner directory

    /// Closes the file when the operations on it have ended; they are cancelled. Raises what close(2) reports.
    let close (file: File) : Uring<unit> = uring { do! (file :> IAsyncDisposable).DisposeAsync() }

    /// Reads up to `buffer.Length` bytes at `offset`; 0 at the end of the file. Allocates nothing.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let read (file: File) (buffer: Memory<byte>) (offset: int64) : Uring<int> =
        Program.single (FileRequest.read file.Descriptor buffer offset)

    /// Reads at the file's own position: for pipes and terminals. Allocates nothing.
    let readNext (file: File) (buffer: Memory<byte>) : Uring<int> =
        Program.single (FileRequest.readNext file.Descriptor buffer)

    /// Reads until the end, at the file's own position, into buffers of a pool: for pipes and terminals, and for files
    /// from their start to their end. Dispose of each lease.
    let readMany (file: File) (pool: BufferPool) : Uring<UringStream<BufferLease>> =
        Program.ofScope (fun scope ->
            let stream = file.Loop.Open(FileRequest.readManyNamed file.Descriptor pool, scope.Token)
            ValueTask<_>(UringStream(stream, _.Lease)))

    /// Writes at `offset`. The result can be fewer bytes than asked for. Allocates nothing.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let writeSome (file: File) (buffer: ReadOnlyMemory<byte>) (offset: int64) : Uring<int> =
        Program.single (FileRequest.write file.Descriptor buffer offset)

    /// Writes at the file's own position. The result can be fewer bytes than asked for. Allocates nothing.
    let writeNext (file: File) (buffer: ReadOnlyMemory<byte>) : Uring<int> =
        Program.single (FileRequest.writeNext file.Descriptor buffer)

    let private tookNothing (file: File) =
        IOException(String.Concat("'", file.Path, "' took none of the bytes that were left to write."))

    /// Writes all of `buffer` at `offset`.
    let write (file: File) (buffer: ReadOnlyMemory<byte>) (offset: int64) : Uring<unit> =
        uring {
            let mutable written = 0

            while written < buffer.Length do
                let! count = writeSome file (buffer.Slice written) (offset + int64 written)

                if count = 0 then raise (tookNothing file)

                written <- written + count
        }

    /// Reads until `buffer` is full or the file ends; the number of bytes.
    let readFull (file: File) (buffer: Memory<byte>) (offset: int64) : Uring<int> =
        uring {
            let mutable filled = 0
            let mutable more = buffer.Length > 0

            while more do
                let! count = read file (buffer.Slice filled) (offset + int64 filled)
                filled <- filled + count
                more <- count > 0 && filled < buffer.Length

            return filled
        }

    /// Fills the buffers in their order from `offset` on, or until the file ends; the number of bytes. For a file without
    /// offsets, such as a pipe, they are ignored. man readv(2).
    let readVector (file: File) (buffers: IReadOnlyList<Memory<byte>>) (offset: int64) : Uring<int64> =
        let offset = VectorRequest.checkedOffset offset
        let copy = MemoryVector.Of buffers

        uring {
            let vector = copy.Restarted()
            let mutable filled = 0L
            let mutable more = not vector.IsDone

            while more do
                let! count =
                    Program.single (VectorRequest.readAt file.Descriptor (offset + uint64 filled) vector)

                vector.Advance count
                filled <- filled + int64 count
                more <- count > 0 && not vector.IsDone

            return filled
        }

    /// Writes all of the buffers in their order, at `offset`. man writev(2).
    let writeVector
        (file: File)
        (buffers: IReadOnlyList<ReadOnlyMemory<byte>>)
        (offset: int64)
        : Uring<unit> =
        let offset = VectorRequest.checkedOffset offset
        let copy = MemoryVector.Of buffers

        uring {
            let vector = copy.Restarted()
            let mutable written = 0UL

            while not vector.IsDone do
                let! count = Program.single (VectorRequest.writeAt file.Descriptor (offset + written) vector)
                if count = 0 then raise (tookNothing file)
                vector.Advance count
                written <- written + uint64 count
        }

    let private statusOf (request: Request) : Uring<FileStatus> =
        uring {
            let! _ = Program.single request
            return FileStatus.ofBytes (Memory.op_Implicit(request.Buffer).Span)
        }

    /// What an open file is.
    let status (file: File) : Uring<FileStatus> = statusOf (FileRequest.statusOf file.Descriptor)

    /// What a path names, after symbolic links.
    let statusOfPath (path: string) : Uring<FileStatus> = statusOf (FileRequest.status path true)

    /// What a path names, itself a symbolic link or not.
    let statusOfLink (path: string) : Uring<FileStatus> = statusOf (FileRequest.status path false)

    /// Waits until data and metadata are on the device.
    let sync (file: File) : Uring<unit> =
        Uring.discard (Program.single (FileRequest.sync file.Descriptor false))

    /// Says how `length` bytes at `offset` will be read; 0 bytes mean to the end.
    let advise (file: File) (offset: int64) (length: int64) (advice: FileAdvice) : Uring<unit> =
        Uring.discard (Program.single (FileRequest.advise file.Descriptor offset length advice))

    /// Has `length` bytes at `offset` written to the device; 0 bytes mean to the end. No replacement for `sync`.
    let syncRange (file: File) (offset: int64) (length: int64) (how: RangeSync) : Uring<unit> =
        Uring.discard (Program.single (FileRequest.syncRange file.Descriptor offset length how))

    /// The value of an extended attribute such as "user.note" (Linux 5.19). One that is missing is an error (ENODATA, 61).
    let attribute (file: File) (name: string) : Uring<byte array> =
        uring {
            let! length = Program.single (FileRequest.attribute file.Descriptor name 0)
            let request = FileRequest.attribute file.Descriptor name length
            // Without room it would ask for the length again.
            let! found = if length = 0 then Uring.result 0 else Program.single request
            return request.Buffer.Slice(0, found).ToArray()
        }

    /// Sets an extended attribute (Linux 5.19).
    let setAttribute (file: File) (name: string) (value: ReadOnlyMemory<byte>) : Uring<unit> =
        FileRequest.setAttribute file.Descriptor name value AttributeChange.CreateOrReplace
        |> Program.single
        |> Uring.discard

    /// Sets the length (Linux 6.9): cuts the file, or extends it with a hole.
    let truncate (file: File) (length: int64) : Uring<unit> =
        Uring.discard (Program.single (FileRequest.truncate file.Descriptor length))

    /// Reserves space, extending the file if need be.
    let allocate (file: File) (offset: int64) (length: int64) : Uring<unit> =
        Uring.discard (Program.single (FileRequest.allocate file.Descriptor offset length))

    /// Reserves, frees or moves `length` bytes at `offset`.
    let allocateAs (file: File) (mode: Allocation) (offset: int64) (length: int64) : Uring<unit> =
        Uring.discard (Program.single (FileRequest.allocateAs file.Descriptor mode offset length))

    /// Makes a directory (Linux 5.15).
    let makeDirectory (path: string) : Uring<unit> =
        let mode = enum<UnixFileMode> 0o777
        Uring.discard (Program.single (FileRequest.makeDirectory path mode))

    /// Removes a file.
    let delete (path: string) : Uring<unit> = Uring.discard (Program.single (FileRequest.unlink path))

    /// Removes an empty directory.
    let removeDirectory (path: string) : Uring<unit> =
        Uring.discard (Program.single (FileRequest.removeDirectory path))

    /// Makes a symbolic link at `path` that leads to `pathToTarget` (Linux 5.15).
    let makeSymbolicLink (path: string) (pathToTarget: string) : Uring<unit> =
        Uring.discard (Program.single (FileRequest.makeSymbolicLink path pathToTarget))

    /// Gives the file that `pathToTarget` names another name, `path` (Linux 5.15).
    let makeHardLink (path: string) (pathToTarget: string) : Uring<unit> =
        Uring.discard (Program.single (FileRequest.makeHardLink path pathToTarget))

    /// Renames; what `destination` named before is replaced.
    let rename (source: string) (destination: string) : Uring<unit> =
        Uring.discard (Program.single (FileRequest.rename source destination))
