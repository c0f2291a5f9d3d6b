// Reading into and writing from several memories with one operation: what is left of them, and the request for it. Used by
// the File module and by the C# facade.
namespace Uring.FSharp

open System
open System.Buffers.Binary
open System.Collections.Generic
open System.Runtime.InteropServices
open Uring.Driver
open Uring.Model

/// Several memories as one stretch of bytes, and how far it is done. The list is copied, the bytes are not.
[<Sealed>]
type internal MemoryVector private (all: Memory<byte> array) =

    let lengths = all |> Array.map _.Length
    let mutable place = Vector.start lengths

    static member Of(buffers: IReadOnlyList<Memory<byte>>) =
        ArgumentNullException.ThrowIfNull(buffers, nameof buffers)
        MemoryVector(Array.ofSeq buffers)

    static member Of(buffers: IReadOnlyList<ReadOnlyMemory<byte>>) =
        ArgumentNullException.ThrowIfNull(buffers, nameof buffers)
        MemoryVector(buffers |> Seq.map MemoryMarshal.AsMemory |> Array.ofSeq)

    /// The same memories, of which nothing is done.
    member _.Restarted() = MemoryVector all

    /// Bytes of all of them.
    member _.Length = all |> Array.sumBy (fun memory -> int64 memory.Length)

    /// Nothing is left.
    member _.IsDone = Vector.isEnd lengths place

    /// So many bytes more are done.
    member _.Advance(moved: int) = place <- Vector.after lengths place (int64 moved)

    /// What is left, as much as one operation takes.
    member _.Left: Memory<byte> array =
        let left = all.AsSpan(place.Index, Vector.count lengths place).ToArray()
        if left.Length > 0 then left[0] <- left[0].Slice place.Within
        left

    /// What is left, as much as one operation takes, as an array of struct iovec (address @0, length @8), which `submission`
    /// gets the number of.
    member this.Request(file: FileDescriptor, submission: uint32 -> Submission) : Request =
        let left = this.Left
        let bytes = Array.zeroCreate<byte>(16 * left.Length)

        for index in 0 .. left.Length - 1 do
            BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16 * index + 8), int64 left[index].Length)

        let pointers = left |> Array.mapi (fun index memory -> Pointer.Outside(16 * index, memory))
        let block = new PointerBlock(bytes, pointers)
        submission (uint32 left.Length) |> Request.over file block.Memory

/// What reading into and writing from several memories asks of the ring. One operation takes 1024 of them that are not
/// behind it; an empty one in front does not count. man readv(2).
[<RequireQualifiedAccess>]
module VectorRequest =

    let internal readAt (file: FileDescriptor) (offset: uint64) (vector: MemoryVector) =
        vector.Request(file, fun count -> Submission.readVector file.Number 0UL count offset)

    let internal writeAt (file: FileDescriptor) (offset: uint64) (vector: MemoryVector) =
        vector.Request(file, fun count -> Submission.writeVector file.Number 0UL count offset)

    let internal checkedOffset (offset: int64) =
        ArgumentOutOfRangeException.ThrowIfNegative(offset, nameof offset)
        uint64 offset

    /// Fills the memories in their order from `offset` on. The result is the number of bytes, 0 at the end of the file.
    let read (file: FileDescriptor) (buffers: IReadOnlyList<Memory<byte>>) (offset: int64) : Request =
        readAt file (checkedOffset offset) (MemoryVector.Of buffers)

    /// Reads at the file's own position, for pipes, terminals and other things without offsets.
    let readNext (file: FileDescriptor) (buffers: IReadOnlyList<Memory<byte>>) : Request =
        readAt file OpFlags.CurrentPosition (MemoryVector.Of buffers)

    /// Writes the memories in their order at `offset`. The result is the number of bytes, which can be fewer.
    let write
        (file: FileDescriptor)
        (buffers: IReadOnlyList<ReadOnlyMemory<byte>>)
        (offset: int64)
        : Request =
        writeAt file (checkedOffset offset) (MemoryVector.Of buffers)

    /// Writes at the file's own position.
    let writeNext (file: FileDescriptor) (buffers: IReadOnlyList<ReadOnlyMemory<byte>>) : Request =
        writeAt file OpFlags.CurrentPosition (MemoryVector.Of buffers)
