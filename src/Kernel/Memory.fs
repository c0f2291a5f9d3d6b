// Reads and writes the memory that is shared with the kernel: the two queues and the buffer rings. Each access has
// its ordering in its name, and each acquire or release names what it pairs with. Decides nothing.
namespace Uring.Kernel

open System
open System.Buffers
open System.Runtime.InteropServices
open System.Threading
open Microsoft.FSharp.NativeInterop
open Uring.Model

#nowarn "9" // Pointers: this file's business.

/// Single accesses to mapped memory.
[<RequireQualifiedAccess>]
module internal Mapped =

    /// No later access of this thread moves before it.
    let loadAcquire (address: nativeint) : uint32 =
        Volatile.Read(NativePtr.toByRef (NativePtr.ofNativeInt<uint32> address))

    /// No earlier access of this thread moves after it.
    let storeRelease (address: nativeint) (value: uint32) =
        Volatile.Write(NativePtr.toByRef (NativePtr.ofNativeInt<uint32> address), value)

    /// As `storeRelease`, for the 16-bit tail of a buffer ring.
    let storeRelease16 (address: nativeint) (value: uint16) =
        Volatile.Write(NativePtr.toByRef (NativePtr.ofNativeInt<uint16> address), value)

    let write<'T when 'T: unmanaged> (address: nativeint) (value: 'T) =
        NativePtr.write (NativePtr.ofNativeInt<'T> address) value

    let read<'T when 'T: unmanaged> (address: nativeint) : 'T =
        NativePtr.read (NativePtr.ofNativeInt<'T> address)

    /// The address of memory that is pinned for as long as `handle` lives.
    let addressOfPin (handle: MemoryHandle) =
        uint64 (NativePtr.toNativeInt (NativePtr.ofVoidPtr<byte> handle.Pointer))

    /// The address of an array on the pinned object heap.
    let addressOfPinned (array: byte array) = uint64 (Marshal.UnsafeAddrOfPinnedArrayElement(array, 0))

    /// Memory that was allocated here, for as long as it stays mapped.
    let span (address: nativeint) (length: int) : Span<byte> = Span<byte>(address.ToPointer(), length)

    /// The address of a byte there, for those who pin memory that never moves; `holder` hears of the end.
    let handle (address: nativeint) (holder: IPinnable) =
        new MemoryHandle(address.ToPointer(), Unchecked.defaultof<GCHandle>, holder)

    /// A byte of memory that somebody else has pinned; `holder` hears of the end.
    let handleOf (pin: MemoryHandle) (index: int) (holder: IPinnable) =
        handle (NativePtr.toNativeInt (NativePtr.ofVoidPtr<byte> pin.Pointer) + nativeint index) holder

/// One ring's two mappings: the queues, and the SQEs.
[<Sealed>]
type internal RingMemory
    (rings: nativeint, ringsLength: unativeint, sqes: nativeint, parameters: SetupParameters) =

    let sq = parameters.SubmissionRing
    let cq = parameters.CompletionRing
    let submissionHead = rings + nativeint sq.Head
    let submissionTail = rings + nativeint sq.Tail
    let submissionFlags = rings + nativeint sq.Flags
    let completionHead = rings + nativeint cq.Head
    let completionTail = rings + nativeint cq.Tail
    let completions = rings + nativeint cq.Completions
    let sqesLength = unativeint parameters.SubmissionEntries * 64un

    /// Maps a ring that io_uring_setup has made (FEAT_SINGLE_MMAP: both queues share one mapping). A negative errno
    /// instead of memory when the kernel refuses.
    static member Map(kernel: IKernel, ring: int, parameters: SetupParameters) : Result<RingMemory, Errno> =
        let queuesEnd =
            max
                (parameters.SubmissionRing.Array + parameters.SubmissionEntries * 4u)
                (parameters.CompletionRing.Completions + parameters.CompletionEntries * 16u)

        let ringsLength = unativeint queuesEnd
        let rings = kernel.Map(ring, ringsLength, 0L)

        if rings < 0n then
            Error(Errno.ofResult (int rings))
        else
            let sqes = kernel.Map(ring, unativeint parameters.SubmissionEntries * 64un, 0x10000000L)

            if sqes < 0n then
                kernel.Unmap(rings, ringsLength) |> ignore
                Error(Errno.ofResult (int sqes))
            else
                let memory = RingMemory(rings, ringsLength, sqes, parameters)
                memory.FillArray()
                Ok memory

    /// Before NO_SQARRAY (6.6) the kernel goes through an index array: slot i holds i, once and for all.
    member private _.FillArray() =
        if (parameters.Flags &&& SetupFlags.NoSubmissionArray) = SetupFlags.None then
            for index in 0u .. parameters.SubmissionEntries - 1u do
                Mapped.write<uint32> (rings + nativeint sq.Array + nativeint index * 4n) index

    /// Writes one SQE. Plain stores: `PublishSubmissions` orders them.
    member _.Write(slot: uint32, submission: inref<Submission>) =
        Mapped.write<Submission> (sqes + (nativeint slot <<< 6)) submission

    /// Reads one SQE back: for those that the kernel has not consumed.
    member _.ReadSubmission(slot: uint32) = Mapped.read<Submission>(sqes + (nativeint slot <<< 6))

    /// Release: the SQEs before it are visible to the kernel, which loads the tail with acquire (io_get_sqrings).
    member _.PublishSubmissions(tail: uint32) = Mapped.storeRelease submissionTail tail

    /// Acquire: pairs with the kernel's release of the head, after which it no longer reads those SQEs.
    member _.SubmissionHead = Mapped.loadAcquire submissionHead

    /// TASKRUN and CQ_OVERFLOW: hints that the next enter answers, so no ordering is needed beyond the load itself.
    member _.Flags: SubmissionRingFlags = LanguagePrimitives.EnumOfValue(Mapped.loadAcquire submissionFlags)

    /// Acquire: pairs with the kernel's release store of the tail (io_commit_cqring); the CQEs before it are complete.
    member _.CompletionTail = Mapped.loadAcquire completionTail

    /// Copies one CQE out: after `ReleaseCompletions` the kernel may overwrite it.
    member _.ReadCompletion(slot: uint32) = Mapped.read<Completion>(completions + (nativeint slot <<< 4))

    /// Release: our reads of the CQEs before `head` are done; pairs with the kernel's load of the head before it
    /// writes there again (io_cqring_fill).
    member _.ReleaseCompletions(head: uint32) = Mapped.storeRelease completionHead head

    member _.Unmap(kernel: IKernel) =
        kernel.Unmap(sqes, sqesLength) |> ignore
        kernel.Unmap(rings, ringsLength) |> ignore

/// A provided buffer ring's entries: 16 bytes each, with the tail inside the first one.
[<Sealed>]
type internal BufferRingMemory(address: nativeint, entries: int) =

    member _.Address = address

    member _.Length = unativeint entries * 16un

    /// Writes address, length and id one by one: the 16-bit tail lies in `bufs[0].resv`, so a whole-struct write to
    /// slot 0 would reset it.
    member _.Write(slot: int, buffer: nativeint, length: int, id: uint16) =
        let entry = address + nativeint slot * 16n
        Mapped.write<uint64> entry (uint64 buffer)
        Mapped.write<uint32> (entry + 8n) (uint32 length)
        Mapped.write<uint16> (entry + 12n) id

    /// Release: the entries before it are complete; pairs with the kernel's smp_load_acquire(&br->tail).
    member _.PublishTail(tail: uint16) = Mapped.storeRelease16 (address + 14n) tail
