/// What programs of the differential tests read and write in several parts.
module Uring.Tests.Simulation.VectorCommand

open System
open Uring.Kernel
open Uring.Model

/// One submission; its parts lie 24 bytes apart. `flags` are those of preadv2(2).
type VectorCommand =
    | ReadParts of fd: int * first: int * second: int * offset: int * flags: int
    | WriteParts of fd: int * first: int * second: int * offset: int * flags: int

/// It writes to a file, which can be a worker's business.
let writes (command: VectorCommand) =
    match command with
    | WriteParts _ -> true
    | ReadParts _ -> false

/// A random one.
let random (random: Random) : VectorCommand =
    let part () = random.Next(0, 20)
    let offset () = if random.Next 2 = 0 then -1 else random.Next 50
    let flags = [| 0; 0; 0; 0; 0x1; 0x2; 0x4; 0x8; 0x10; 0x20; 0x30; 0x40; 0x80; 0x400; 0x12; 0x22 |]
    let how () = flags[random.Next flags.Length]

    match random.Next 2 with
    | 0 -> ReadParts(random.Next 8, part (), part (), offset (), how ())
    | _ -> WriteParts(random.Next 8, part (), part (), offset (), how ())

/// Its submission, with the memory at `place`.
let encode (fd: int -> int) (place: nativeint) (index: int) (command: VectorCommand) : Submission =
    let vector (first: int) (second: int) =
        let entries = place + 128n
        Mapped.write<int64> entries (int64 place)
        Mapped.write<int64> (entries + 8n) (int64 first)
        Mapped.write<int64> (entries + 16n) (int64 place + 24L)
        Mapped.write<int64> (entries + 24n) (int64 second)
        uint64 entries

    let fill (start: int) (length: int) =
        let bytes = Mapped.span (place + nativeint start) length

        for at in 0 .. length - 1 do
            bytes[at] <- byte (index * 31 + at)

    let flagged (flags: int) = Submission.transferring (LanguagePrimitives.EnumOfValue(uint32 flags))

    match command with
    | ReadParts(file, first, second, offset, flags) ->
        Submission.readVector (fd file) (vector first second) 2u (uint64 offset) |> flagged flags
    | WriteParts(file, first, second, offset, flags) ->
        fill 0 first
        fill 24 second
        Submission.writeVector (fd file) (vector first second) 2u (uint64 offset) |> flagged flags
