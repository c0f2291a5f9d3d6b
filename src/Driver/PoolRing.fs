// Registers a pool's buffer ring with the kernel, in the best mode that it takes. Decides nothing: Model/Features does.
namespace Uring.Driver

open System
open System.Buffers.Binary
open Uring
open Uring.Kernel
open Uring.Model

[<RequireQualifiedAccess>]
module internal PoolRing =

    /// struct io_uring_buf_reg, 40 bytes: address @0, entries @8, group @12, flags @14.
    let private registration (address: nativeint) (entries: int) (group: uint16) (flags: uint16) =
        let argument = Array.zeroCreate<byte> 40
        BinaryPrimitives.WriteInt64LittleEndian(argument.AsSpan 0, int64 address)
        BinaryPrimitives.WriteInt32LittleEndian(argument.AsSpan 8, entries)
        BinaryPrimitives.WriteUInt16LittleEndian(argument.AsSpan 12, group)
        BinaryPrimitives.WriteUInt16LittleEndian(argument.AsSpan 14, flags)
        argument

    let private flagsOf mode =
        match mode with
        | PoolMode.Incremental -> OpFlags.IncrementalBuffers
        | PoolMode.Whole
        | PoolMode.Plain -> 0us

    /// Why there is no pool.
    let refused (errno: Errno) : exn =
        match errno with
        | Errno.ENOMEM ->
            UringUnavailableException(
                Refusal.NoMemory,
                "The kernel would not give memory for this buffer pool (ENOMEM). Buffer rings count against RLIMIT_MEMLOCK: raise it (`ulimit -l`, LimitMEMLOCK= in systemd, --ulimit memlock in Docker), or make the pool's Limit smaller."
            )
        | _ ->
            UringUnavailableException(
                Refusal.Unexpected errno,
                String.Concat(
                    "The kernel refused this buffer pool: ",
                    errno.ToString(),
                    ". See man io_uring_register(2), IORING_REGISTER_PBUF_RING."
                )
            )

    /// The mode that the kernel agreed to, and the ring's memory (none without a ring). Raises when it has no room.
    let rec register
        (kernel: IKernel)
        (ring: int)
        (group: uint16)
        (entries: int)
        (mode: PoolMode)
        : struct (PoolMode * (BufferRingMemory | null)) =
        if mode = PoolMode.Plain then
            struct (mode, null)
        else
            let length = unativeint entries * 16un
            let address = kernel.Allocate(length, MemoryKind.Ordinary)

            if address < 0n then raise (refused (Errno.ofResult (int address)))

            let argument = registration address entries group (flagsOf mode)
            let result = kernel.Register(ring, RegisterOpcode.BufferRing, argument.AsSpan(), 1u)

            if not (Errno.isError result) then
                struct (mode, BufferRingMemory(address, entries))
            else
                kernel.Unmap(address, length) |> ignore

                match Features.nextPoolMode mode (Errno.ofResult result) with
                | ValueSome next -> register kernel ring group entries next
                | ValueNone -> raise (refused (Errno.ofResult result))

    /// When nothing uses the group any more.
    let unregister (kernel: IKernel) (ring: int) (group: uint16) (memory: BufferRingMemory | null) =
        match memory with
        | null -> ()
        | memory ->
            let argument = registration 0n 0 group 0us

            kernel.Register(ring, RegisterOpcode.UnregisterBufferRing, argument.AsSpan(), 1u) |> ignore

            kernel.Unmap(memory.Address, memory.Length) |> ignore

    /// How far the kernel has come, modulo 2^16 (6.8); a negative errno when it does not say. struct
    /// io_uring_buf_status, 40 bytes: group @0, head @4.
    let head (kernel: IKernel) (ring: int) (group: uint16) =
        let argument = Array.zeroCreate<byte> 40
        BinaryPrimitives.WriteUInt32LittleEndian(argument.AsSpan 0, uint32 group)
        let result = kernel.Register(ring, RegisterOpcode.BufferRingStatus, argument.AsSpan(), 1u)

        if Errno.isError result then
            result
        else
            int (BinaryPrimitives.ReadUInt16LittleEndian(ReadOnlySpan(argument, 4, 2)))
