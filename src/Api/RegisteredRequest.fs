// What reading into and sending from registered buffers asks of the ring. A buffer that its kernel could not register is
// memory like any other: the same request without a slot.
namespace Uring.FSharp

open System
open System.Collections.Generic
open Uring.Driver
open Uring.Model

/// Requests within registered buffers: what `File` and `Socket` start.
[<RequireQualifiedAccess>]
module RegisteredRequest =

    /// The slot, if it has one; a slot of another ring's table would be somebody else's memory.
    let internal slotOn (parameter: string) (home: obj) (buffer: RegisteredBuffer) : uint16 voption =
        ArgumentNullException.ThrowIfNull(buffer, parameter)
        ObjectDisposedException.ThrowIf(buffer.IsClosed, buffer)

        if not (obj.ReferenceEquals(home, buffer.Home)) then
            raise (ArgumentException("The buffer is registered with another ring: clone it.", parameter))

        if buffer.IsRegistered then ValueSome(uint16 buffer.Slot) else ValueNone

    let internal slotFor (parameter: string) (file: FileDescriptor) (buffer: RegisteredBuffer) =
        slotOn parameter file.Home buffer

    let private within (file: FileDescriptor) (memory: RegisteredMemory) =
        let slot = slotFor (nameof memory) file memory.Owner
        struct (memory.Memory, uint32 memory.Length, slot)

    /// Reads up to as many bytes as the memory has room for. man io_uring_prep_read_fixed(3).
    let read (file: FileDescriptor) (memory: RegisteredMemory) (offset: int64) : Request =
        ArgumentOutOfRangeException.ThrowIfNegative(offset, nameof offset)
        let struct (bytes, length, slot) = within file memory

        match slot with
        | ValueSome slot -> Submission.readFixed file.Number 0UL length (uint64 offset) slot
        | ValueNone -> Submission.read file.Number 0UL length (uint64 offset)
        |> Request.over file bytes

    /// Writes up to as many bytes as there are. man io_uring_prep_write_fixed(3).
    let write (file: FileDescriptor) (memory: RegisteredMemory) (offset: int64) : Request =
        ArgumentOutOfRangeException.ThrowIfNegative(offset, nameof offset)
        let struct (bytes, length, slot) = within file memory

        match slot with
        | ValueSome slot -> Submission.writeFixed file.Number 0UL length (uint64 offset) slot
        | ValueNone -> Submission.write file.Number 0UL length (uint64 offset)
        |> Request.over file bytes

    /// Several parts of one buffer in their order, and its slot.
    let internal partsOf
        (file: FileDescriptor)
        (memories: IReadOnlyList<RegisteredMemory>)
        : struct (Memory<byte> array * uint16 voption) =
        ArgumentNullException.ThrowIfNull(memories, nameof memories)
        ArgumentOutOfRangeException.ThrowIfZero(memories.Count, nameof memories)
        let owner = memories[0].Owner

        if memories |> Seq.exists (fun memory -> not (obj.ReferenceEquals(memory.Owner, owner))) then
            raise (ArgumentException("They are parts of more than one registered buffer.", nameof memories))

        let slot = slotFor (nameof memories) file owner

        // An empty one lies in no buffer: EFAULT (6.18).
        let filled = memories |> Seq.filter (fun memory -> memory.Length > 0) |> Seq.map _.Memory
        struct (Array.ofSeq filled, slot)

    let private vector
        (file: FileDescriptor)
        (memories: IReadOnlyList<RegisteredMemory>)
        (offset: int64)
        opcode
        plain
        onSlot
        =
        ArgumentOutOfRangeException.ThrowIfNegative(offset, nameof offset)
        let struct (filled, slot) = partsOf file memories

        // Tables came before vectors on them (6.15).
        let isKnown = Features.supports opcode (file.Home :?> Loop).Plan
        let parts = MemoryVector.Of(filled :> IReadOnlyList<Memory<byte>>)

        parts.Request(
            file,
            fun count ->
                match slot with
                | ValueSome slot when isKnown -> onSlot file.Number 0UL count (uint64 offset) slot
                | ValueSome _
                | ValueNone -> plain file.Number 0UL count (uint64 offset)
        )

    /// Fills parts of one buffer in their order (Linux 6.15; older kernels pin them each time). man io_uring_prep_readv_fixed(3).
    let readVector
        (file: FileDescriptor)
        (memories: IReadOnlyList<RegisteredMemory>)
        (offset: int64)
        : Request =
        vector file memories offset Opcode.ReadVectorFixed Submission.readVector Submission.readVectorFixed

    /// Writes parts of one buffer in their order (Linux 6.15; older kernels pin them each time). man io_uring_prep_writev_fixed(3).
    let writeVector
        (file: FileDescriptor)
        (memories: IReadOnlyList<RegisteredMemory>)
        (offset: int64)
        : Request =
        vector file memories offset Opcode.WriteVectorFixed Submission.writeVector Submission.writeVectorFixed
