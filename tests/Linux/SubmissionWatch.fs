/// Reads what a ring is about to be told, as the kernel does: the opcodes between the head and the tail of its queue.
namespace Uring.Tests.Linux

open System.Runtime.InteropServices
open Uring.Kernel
open Uring.Model

/// One ring's queue of submissions.
[<Sealed>]
type SubmissionWatch(parameters: SetupParameters) =
    let mutable rings, entries = 0n, 0n

    /// io_uring's mmap has given the ring this address. IORING_OFF_SQES; both queues share the other mapping.
    member _.Mapped(offset: int64, address: nativeint) =
        if offset = 0x10000000L then entries <- address else rings <- address

    /// The opcodes that wait to be taken.
    member _.Waiting: Opcode list =
        if rings = 0n || entries = 0n then
            []
        else
            let word (offset: uint32) = uint32 (Marshal.ReadInt32(rings + nativeint offset))
            let offsets = parameters.SubmissionRing
            let head, mask = word offsets.Head, word offsets.RingMask

            // The library's index array says nothing else.
            List.init (int (word offsets.Tail - head)) (fun index ->
                let place = nativeint ((head + uint32 index) &&& mask)
                LanguagePrimitives.EnumOfValue(Marshal.ReadByte(entries + 64n * place)))
