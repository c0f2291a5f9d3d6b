// The ring's table of registered buffers: made empty with the first of them, and filled slot by slot. Belongs to the loop's
// thread. Source: man io_uring_register(2), IORING_REGISTER_BUFFERS2, BUFFERS_UPDATE, CLONE_BUFFERS.
namespace Uring.Driver

open System
open System.Buffers.Binary
open System.Threading
open System.Threading.Tasks
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
type internal BufferTable(host: IHost, ring: Ring, most: int) =

    let lost = TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
    let mutable slots = BufferSlots.ofSize most
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

            if result >= 0 then table <- Table.Made
            elif Errno.ofResult result = Errno.EINVAL then table <- Table.Missing
            else raise (refused "a table of buffers" (Errno.ofResult result))

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

        if table = Table.Missing then
            -1
        else
            let struct (next, slot) = BufferSlots.take slots
            slots <- next

            match slot with
            | ValueSome slot -> slot
            | ValueNone ->
                raise (
                    InvalidOperationException(
                        String.Concat(
                            "This ring has at most ",
                            most.ToString(),
                            " registered buffers (RegisteredBuffers in its options). Dispose of some, register longer ones and use slices, or make a ring with more."
                        )
                    )
                )

    let vacate (slot: int) =
        if slot >= 0 then
            put slot 0n 0 |> ignore
            slots <- BufferSlots.giveBack slot slots |> ValueOption.defaultValue slots

    /// Has `fill` fill a slot that is taken; gives everything back when that fails.
    member private this.Fill
        (slot: int, address, length: int, release: Action, fill: int -> int)
        : RegisteredBuffer =
        try
            let result = if slot < 0 then 0 else fill slot

            if Errno.isError result then
                raise (
                    refused
                        (String.Concat("a buffer of ", length.ToString(), " bytes"))
                        (Errno.ofResult result)
                )

            new RegisteredBuffer(host, this, slot, address, length, release)
        with _ ->
            vacate slot
            release.Invoke()
            reraise ()

    /// The same in a slot that is free.
    member private this.Add(address, length: int, release: Action, fill: int -> int) : RegisteredBuffer =
        let slot =
            try
                take ()
            with _ ->
                release.Invoke()
                reraise ()

        this.Fill(slot, address, length, release, fill)

    /// When the loop ends. The table goes with the ring; after a failure the kernel may still write to what is in use.
    member _.LoopEnded(hasFailed: bool) = if hasFailed then lost.TrySetResult() |> ignore

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

    /// Memory of the caller's in the slot of a buffer, which is closed: once the operations on that have ended.
    member this.Exchange(buffer: RegisteredBuffer, memory: Memory<byte>) : Task<RegisteredBuffer> =
        let pin = memory.Pin()
        let release = Action pin.Dispose
        let address = nativeint (Mapped.addressOfPin pin)
        let made = TaskCompletionSource<RegisteredBuffer>(TaskCreationOptions.RunContinuationsAsynchronously)
        let fill slot = put slot address memory.Length

        try
            buffer.PassOn
                {
                    new Work() with
                        member _.Run() =
                            try
                                made.SetResult(this.Fill(buffer.Slot, address, memory.Length, release, fill))
                            with reason ->
                                made.SetException reason

                        member _.Bury() =
                            release.Invoke()
                            made.SetException(ObjectDisposedException "Ring")
                }
        with _ ->
            release.Invoke()
            reraise ()

        task {
            let! first = Task.WhenAny(made.Task, lost.Task)

            if obj.ReferenceEquals(first, lost.Task) then raise (ObjectDisposedException "Ring")

            return! made.Task
        }

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
        member _.Vacate slot = vacate slot
        member _.Lost = lost.Task
