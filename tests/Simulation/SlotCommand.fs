/// What programs of the differential tests do with registered buffers.
module Uring.Tests.Simulation.SlotCommand

open System
open Uring.Driver
open Uring.Kernel
open Uring.Model

/// One submission, within a slot of the table or not: of three slots the first holds all of a program's memory, the second
/// the start of it, and the third nothing; there is no fourth.
type SlotCommand =
    | ReadOne of fd: int * slot: int * start: int * length: int * offset: int
    | WriteOne of fd: int * slot: int * start: int * length: int * offset: int
    /// Two parts, 24 bytes apart.
    | ReadTwo of fd: int * slot: int * first: int * second: int * offset: int
    | WriteTwo of fd: int * slot: int * first: int * second: int * offset: int

/// It writes to a file, which can be a worker's business.
let writes (command: SlotCommand) =
    match command with
    | WriteOne _
    | WriteTwo _ -> true
    | ReadOne _
    | ReadTwo _ -> false

/// Makes the table, and fills it. The second slot ends within the memory of a submission.
let register (kernel: IKernel) (ring: Ring) (memory: nativeint) (length: int) =
    let table = DirectTable.sparse 3
    kernel.Register(ring.Descriptor, RegisterOpcode.Buffers, table.AsSpan(), 32u) |> ignore
    let update = GC.AllocateArray<byte>(80, true)
    let write (at: int) (value: int64) = BitConverter.TryWriteBytes(update.AsSpan at, value) |> ignore
    write 8 (int64 (Mapped.addressOfPinned update) + 32L)
    write 24 3L
    write 32 (int64 memory)
    write 40 (int64 length)
    write 48 (int64 memory)
    write 56 1044L
    kernel.Register(ring.Descriptor, RegisterOpcode.BuffersUpdate, update.AsSpan(0, 32), 32u) |> ignore

/// A random one.
let random (random: Random) : SlotCommand =
    let fd () = random.Next 8
    let slot () = [| 0; 0; 0; 1; 1; 2; 3 |][random.Next 7]
    let start () = random.Next 8
    let length () = random.Next(0, 40)
    let part () = random.Next(0, 20)
    let offset () = if random.Next 2 = 0 then -1 else random.Next 50

    match random.Next 4 with
    | 0 -> ReadOne(fd (), slot (), start (), length (), offset ())
    | 1 -> WriteOne(fd (), slot (), start (), length (), offset ())
    | 2 -> ReadTwo(fd (), slot (), part (), part (), offset ())
    | _ -> WriteTwo(fd (), slot (), part (), part (), offset ())

/// Its submission, with the memory at `place`.
let encode (fd: int -> int) (place: nativeint) (index: int) (command: SlotCommand) : Submission =
    let fill (start: int) (length: int) =
        let bytes = Mapped.span (place + nativeint start) length

        for at in 0 .. length - 1 do
            bytes[at] <- byte (index * 31 + at)

    let vector (first: int) (second: int) =
        let entries = place + 128n
        Mapped.write<int64> entries (int64 place)
        Mapped.write<int64> (entries + 8n) (int64 first)
        Mapped.write<int64> (entries + 16n) (int64 place + 24L)
        Mapped.write<int64> (entries + 24n) (int64 second)
        uint64 entries

    match command with
    | ReadOne(file, slot, start, length, offset) ->
        let address = uint64 place + uint64 start
        Submission.readFixed (fd file) address (uint32 length) (uint64 offset) (uint16 slot)
    | WriteOne(file, slot, start, length, offset) ->
        fill start length
        let address = uint64 place + uint64 start
        Submission.writeFixed (fd file) address (uint32 length) (uint64 offset) (uint16 slot)
    | ReadTwo(file, slot, first, second, offset) ->
        Submission.readVectorFixed (fd file) (vector first second) 2u (uint64 offset) (uint16 slot)
    | WriteTwo(file, slot, first, second, offset) ->
        fill 0 first
        fill 24 second
        Submission.writeVectorFixed (fd file) (vector first second) 2u (uint64 offset) (uint16 slot)
