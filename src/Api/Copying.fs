// Copies from one open thing to another until the first has ended: files and connections, in any pair. Through a buffer, not
// a pipe: what can be read is read at once, and a splice always costs a worker thread of the kernel.
// Tested in tests/Linux/CopyingTests.fs.
namespace Uring.FSharp

open System
open System.Buffers
open System.Threading
open System.Threading.Tasks
open Uring.Driver

/// Takes up to a buffer's bytes when so many have been taken; 0 at the end.
type internal Take = int64 -> Memory<byte> -> Uring<int>

/// Gives all of these bytes away when so many have been given.
type internal Give = int64 -> ReadOnlyMemory<byte> -> Uring<unit>

[<RequireQualifiedAccess>]
module internal Copying =

    let private room = 256 * 1024

    let private fromFile (file: FileDescriptor) (offset: int64) : Take =
        ArgumentOutOfRangeException.ThrowIfNegative(offset, nameof offset)
        fun taken buffer -> Program.single (FileRequest.read file buffer (offset + taken))

    let private fromSocket (socket: FileDescriptor) : Take =
        fun _ buffer -> Program.single (SocketRequest.receive socket buffer)

    let private toFile (file: FileDescriptor) (targetOffset: int64) : Give =
        ArgumentOutOfRangeException.ThrowIfNegative(targetOffset, nameof targetOffset)
        fun given bytes -> Whole.effect (FileRequest.write file bytes (targetOffset + given))

    let private toSocket (socket: FileDescriptor) : Give =
        fun _ bytes -> Whole.effect (SocketRequest.send socket bytes)

    /// Up to `length` bytes; the number of those that both sides have had.
    let private run (length: int64) (take: Take) (give: Give) : Uring<int64> =
        ArgumentOutOfRangeException.ThrowIfNegative(length, nameof length)

        uring {
            use owner = MemoryPool<byte>.Shared.Rent room
            let mutable copied = 0L
            let mutable goes = length > 0L

            try
                while goes do
                    let wanted = int (min (int64 owner.Memory.Length) (length - copied))
                    let! count = take copied (owner.Memory.Slice(0, wanted))
                    if count > 0 then do! give copied (Memory.op_Implicit (owner.Memory.Slice(0, count)))
                    copied <- copied + int64 count
                    goes <- count > 0 && copied < length
            with reason ->
                Fault.rethrowFurther copied reason

            return copied
        }

    /// What a file has from `offset` on, to a peer.
    let fileToSocket (source: FileDescriptor) (offset: int64) (socket: FileDescriptor) (length: int64) =
        run length (fromFile source offset) (toSocket socket)

    /// What a peer sends, to a file.
    let socketToFile (socket: FileDescriptor) (target: FileDescriptor) (targetOffset: int64) (length: int64) =
        run length (fromSocket socket) (toFile target targetOffset)

    /// What one peer sends, to another.
    let relay (source: FileDescriptor) (target: FileDescriptor) =
        run Int64.MaxValue (fromSocket source) (toSocket target)

    let private statusOf (file: FileDescriptor) : Uring<FileStatus> =
        uring {
            let request = FileRequest.statusOf file
            let! _ = Program.single request
            return FileStatus.ofBytes (Memory.op_Implicit(request.Buffer).Span)
        }

    /// Two names of one regular file. Of direct descriptors nobody can tell, unless it is the same one.
    let private isSameFile (source: FileDescriptor) (target: FileDescriptor) : Uring<bool> =
        uring {
            if obj.ReferenceEquals(source, target) then
                return true
            elif source.IsDirect || target.IsDirect then
                return false
            else
                let! one = statusOf source
                let! other = statusOf target

                return one.Kind = FileKind.Regular && one.Inode = other.Inode && one.Device = other.Device
        }

    /// From one file to another. A file on itself is refused: what is read would be what was written.
    let files
        (source: FileDescriptor)
        (offset: int64)
        (target: FileDescriptor)
        (targetOffset: int64)
        (length: int64)
        : Uring<int64> =
        let copying = run length (fromFile source offset) (toFile target targetOffset)

        uring {
            let! isSame = isSameFile source target

            if isSame then
                raise (ArgumentException("A file cannot be copied to itself.", nameof target))

            return! copying
        }

    /// Starts it for those who are not in a program.
    let start (loop: Loop) (copying: Uring<int64>) (token: CancellationToken) : Task<int64> =
        Uring.startIn loop token copying
