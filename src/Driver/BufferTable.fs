// The ring's table of registered buffers: made empty with the first of them, and filled slot by slot. Belongs to the loop's
// thread. Source: man io_uring_register(2), IORING_REGISTER_BUFFERS2, BUFFERS_UPDATE, CLONE_BUFFERS.
namespace Uring.Driver

open System
open System.Buffers.Binary
open System.Collections.Generic
open System.Threading
open Uring
open Uring.Kernel
open Uring.Model

/// Whether the ring has one.
[<Struct; RequireQualifiedAccess>]
type private Table =
    | Unmade
    | Made
    /// The kernel is too old (before 5.19): its buffers are memory like any other.
    | Missing

[<Sealed>]
type internal BufferTable(host: IHost, ring: Ring) =

    // An empty slot costs the kernel eight bytes.
    static let most = 1024

    let free = Stack<int>()
    let mutable table = Table.Unmade
    // On the pinned heap: the kernel reads the iovec behind the 32 bytes of struct io_uring_rsrc_update2.
    let update = GC.AllocateArray<byte>(48, true)

    let register (opcode: RegisterOpcode) (argument: byte array) (count: int) =
        ring.Kernel.Register(ring.Descriptor, opcode, argument.AsSpan(0, 32), uint32 count)

    let refused (what: string) (errno: Errno) : exn =
        match errno with
        | Errno.ENOMEM ->
            UringUnavailableException(
                Refusal.NoMemory,
                String.Concat(
                    "The kernel would not pin ",
                    what,
                    " (ENOMEM). Registered buffers count against RLIMIT_MEMLOCK: raise it (`ulimit -l`, LimitMEMLOCK= in systemd, --ulimit memlock in Docker), or register less."
                )
            )
        | Errno.EFAULT ->
            NotSupportedException(
                String.Concat(
                    "The kernel cannot register ",
                    what,
                    " (EFAULT): it wants memory that can be written, and no shared mapping of a file."
                )
            )
        // An open set: the name of the error has to do.
        | errno -> Fault.ofResult Opcode.ReadFixed null (Errno.toResult errno) CancellationToken.None

    /// The table, on first use. Kernels without empty tables say EINVAL.
    let make () =
        if table = Table.Unmade then
            let argument = DirectTable.sparse most
            let result = register RegisterOpcode.Buffers argument argument.Length

            if result >= 0 then
                table <- Table.Made

                for slot in most - 1 .. -1 .. 0 do
                    free.Push slot
            elif Errno.ofResult result = Errno.EINVAL then
                table <- Table.Missing
            else
                raise (refused "a table of buffers" (Errno.ofResult result))

    /// Tells the kernel what is in a slot from now on; no address empties it. Operations that have begun keep what they have.
    let put (slot: int) (address: nativeint) (length: int) =
        let write (at: int) (value: int64) = BinaryPrimitives.WriteInt64LittleEndian(update.AsSpan at, value)
        write 0 (int64 slot)
        write 8 (int64 (Mapped.addressOfPinned update) + 32L)
        write 16 0L
        write 24 1L
        write 32 (int64 address)
        write 40 (int64 length)
        register RegisterOpcode.BuffersUpdate update 32

    let take () =
        make ()

        match free.TryPop() with
        | true, slot -> slot
        | false, _ when table = Table.Missing -> -1
        | false, _ ->
            raise (
                InvalidOperationException(
                    String.Concat(
                        "A ring has at most ",
                        most.ToString(),
                        " registered buffers. Dispose of some, or register longer ones and use slices."
                    )
                )
            )

    /// Takes a slot and has `fill` fill it; gives everything back when that fails.
    member private this.Add(address, length: int, release: Action, fill: int -> int) : RegisteredBuffer =
        let mutable slot = -1

        try
            slot <- take ()
            let result = if slot < 0 then 0 else fill slot

            if Errno.isError result then
                raise (
                    refused
                        (String.Concat("a buffer of ", length.ToString(), " bytes"))
                        (Errno.ofResult result)
                )

            new RegisteredBuffer(host, this, slot, address, length, release)
        with _ ->
            if slot >= 0 then free.Push slot
            release.Invoke()
            reraise ()

    /// New memory, from the start of a page, in huge pages if that is wished and there are some.
    member this.Create(length: int, huge: bool) : RegisteredBuffer =
        match Slab.Allocate(ring.Kernel, 1, length, huge, false) with
        | Error errno -> raise (refused (String.Concat(length.ToString(), " bytes")) errno)
        | Ok slab ->
            let address = slab.Address 0
            this.Add(address, length, Action slab.Free, fun slot -> put slot address length)

    /// Memory of the caller's, which stays pinned for as long as it is registered.
    member this.Adopt(memory: Memory<byte>) : RegisteredBuffer =
        let pin = memory.Pin()
        let address = nativeint (Mapped.addressOfPin pin)
        this.Add(address, memory.Length, Action pin.Dispose, fun slot -> put slot address memory.Length)

    /// The memory of another ring's buffer, without looking its pages up again (6.12; else they are).
    member this.Clone(source: RegisteredBuffer, sourceRing: int) : RegisteredBuffer =
        // Counts as an operation on it: its slot and its memory are there until this one has gone.
        let pin = source.Pin 0
        let address = nativeint (Mapped.addressOfPin pin)

        let clone slot =
            // struct io_uring_clone_buffers: source ring, flags (2: into a table that is there), from, to, how many.
            let argument = Array.zeroCreate<byte> 32

            [ sourceRing; 2; source.Slot; slot; 1 ]
            |> List.iteri (fun index value ->
                BinaryPrimitives.WriteInt32LittleEndian(argument.AsSpan(4 * index), value))

            let result = if source.IsRegistered then register RegisterOpcode.CloneBuffers argument 1 else -1
            if Errno.isError result then put slot address source.Length else result

        this.Add(address, source.Length, Action pin.Dispose, clone)

    interface IBufferSlots with
        member _.Vacate slot =
            if slot >= 0 then
                put slot 0n 0 |> ignore
                free.Push slot
