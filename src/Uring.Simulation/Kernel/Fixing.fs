// Registered buffers: a table of memory for each ring, and operations that name a slot of it. Within the slot such an
// operation is the plain one. Source: man io_uring_registered_buffers(7), io_uring_register(2).
// Tested in tests/Linux/RegisteredBufferTests.fs, which runs on it, too.
namespace Uring.Simulation.Kernel

open System
open System.Buffers.Binary
open Uring.Kernel
open Uring.Model

module internal Fixing =

    let private most = 16384
    let private longest = 1L <<< 30
    let private fail (errno: Errno) = Errno.toResult errno

    let private int32At (argument: Span<byte>) (at: int) =
        BinaryPrimitives.ReadInt32LittleEndian(argument.Slice at)

    let private int64At (argument: Span<byte>) (at: int) =
        BinaryPrimitives.ReadInt64LittleEndian(argument.Slice at)

    /// IORING_REGISTER_BUFFERS2, of empty slots (5.19).
    let register (ring: KernelRing) (argument: Span<byte>) (size: uint32) : int =
        let slots = int32At argument 0

        if size <> 32u || slots < 1 || slots > most || int32At argument 4 <> 1 then
            fail Errno.EINVAL
        elif ring.Buffers.Length > 0 then
            fail Errno.EBUSY
        else
            ring.Buffers <- Array.zeroCreate slots
            0

    /// IORING_REGISTER_BUFFERS_UPDATE: how many slots have been filled, or emptied by a struct iovec of nothing.
    let update (ring: KernelRing) (argument: Span<byte>) : int =
        let first, count = int32At argument 0, int32At argument 24
        let vector = nativeint (int64At argument 8)

        if ring.Buffers.Length = 0 then
            fail Errno.ENXIO
        elif count < 1 || first < 0 || first + count > ring.Buffers.Length then
            fail Errno.EINVAL
        else
            let mutable result = count

            for index in count - 1 .. -1 .. 0 do
                let entry = vector + nativeint (16 * index)
                let address, length = Mapped.read<int64> entry, Mapped.read<int64>(entry + 8n)

                if (address = 0L) <> (length = 0L) || length > longest then
                    result <- fail Errno.EFAULT
                else
                    ring.Buffers[first + index] <- struct (address, length)

            result

    /// IORING_REGISTER_CLONE_BUFFERS, of one slot into a table that is there (6.13; before it is all of them or none). What
    /// it fails with: measured on 6.18.
    let clone (ring: KernelRing) (source: KernelRing | null) (argument: Span<byte>) (knowsSlots: bool) : int =
        let from, place = int32At argument 8, int32At argument 12

        match source with
        | null -> fail Errno.EBADF
        | _ when not knowsSlots || int32At argument 16 <> 1 || place >= ring.Buffers.Length ->
            fail Errno.EINVAL
        | _ when int32At argument 4 <> 2 -> fail Errno.EBUSY
        | source when source.Buffers.Length = 0 -> fail Errno.ENXIO
        | source when from >= source.Buffers.Length -> fail Errno.EOVERFLOW
        | source ->
            ring.Buffers[place] <- source.Buffers[from]
            0

    /// There is memory in the slot.
    let isFilled (ring: KernelRing) (slot: uint16) =
        int slot < ring.Buffers.Length
        && (let struct (start, _) = ring.Buffers[int slot]
            start <> 0L)

    let private contains (ring: KernelRing) (slot: uint16) (address: uint64) (length: int64) =
        int slot < ring.Buffers.Length
        && (let struct (start, size) = ring.Buffers[int slot]
            let offset = int64 address - start
            start <> 0L && offset >= 0L && length <= size - offset)

    let private pieces (submission: Submission) = [
        for index in 0 .. int submission.Length - 1 do
            let entry = nativeint submission.Address + nativeint (16 * index)
            struct (Mapped.read<uint64> entry, Mapped.read<int64>(entry + 8n))
    ]

    /// The plain form of an operation on registered memory; as it is when that is not within its slot.
    let plain (ring: KernelRing) (submission: Submission) : Submission =
        let one opcode =
            if contains ring submission.Buffer submission.Address (int64 submission.Length) then
                { submission with Opcode = opcode; Buffer = 0us }
            else
                submission

        let areWithin (submission: Submission) =
            pieces submission
            |> List.forall (fun struct (address, length) ->
                // An empty one lies nowhere.
                length > 0L && contains ring submission.Buffer address length)

        let several opcode =
            if areWithin submission then
                { submission with Opcode = opcode; Buffer = 0us }
            else
                submission

        let unpinnedIf (isWithin: bool) =
            if isWithin then
                {
                    submission with
                        Priority = submission.Priority &&& ~~~OpFlags.FixedBuffer
                        Buffer = 0us
                }
            else
                submission

        match submission.Opcode with
        | Opcode.ReadFixed -> one Opcode.Read
        | Opcode.WriteFixed -> one Opcode.Write
        | Opcode.ReadVectorFixed -> several Opcode.ReadVector
        | Opcode.WriteVectorFixed -> several Opcode.WriteVector
        | Opcode.SendZeroCopy when (submission.Priority &&& OpFlags.FixedBuffer) <> 0us ->
            unpinnedIf (contains ring submission.Buffer submission.Address (int64 submission.Length))
        | Opcode.SendMessageZeroCopy when (submission.Priority &&& OpFlags.FixedBuffer) <> 0us ->
            let header = nativeint submission.Address
            let vector = Mapped.read<uint64>(header + 16n)
            let count = Mapped.read<int64>(header + 24n)

            unpinnedIf (areWithin { submission with Address = vector; Length = uint32 count })
        // An open set: nothing else names a slot.
        | _ -> submission

    /// It names a slot still: the memory is not within it.
    let isOutside (submission: Submission) =
        match submission.Opcode with
        | Opcode.ReadFixed
        | Opcode.WriteFixed
        | Opcode.ReadVectorFixed
        | Opcode.WriteVectorFixed -> true
        | Opcode.SendZeroCopy
        | Opcode.SendMessageZeroCopy -> (submission.Priority &&& OpFlags.FixedBuffer) <> 0us
        // An open set.
        | _ -> false
