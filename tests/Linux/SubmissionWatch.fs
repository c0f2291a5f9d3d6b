/// Reads what a ring is about to be told, as the kernel does: the opcodes between the head and the tail of its queue. And makes
/// some of it fail: as a NOP with that result in its place, so that nothing happens, or afterwards, in the completion.
namespace Uring.Tests.Linux

open System.Collections.Generic
open System.Runtime.InteropServices
open System.Threading
open Uring.Kernel
open Uring.Model

/// How a call is answered.
[<RequireQualifiedAccess>]
type Answer =
    /// As the kernel does.
    | Real
    /// With this error, and the kernel hears nothing of the call.
    | Before of Errno
    /// With this error, after the kernel has done it.
    | After of Errno
    /// The kernel sees so many submissions at most, and does not wait.
    | Partly of uint32

[<RequireQualifiedAccess>]
module Answer =

    let real _ = Answer.Real

    /// This answer for the first calls, then the kernel's.
    let times (count: int) answer =
        let left = ref count
        fun _ -> if Interlocked.Decrement(&left.contents) >= 0 then answer else Answer.Real

    /// This answer, always.
    let always answer _ : Answer = answer

/// One ring's queues, from the thread that enters it.
[<Sealed>]
type SubmissionWatch(parameters: SetupParameters) =
    let mutable rings, entries = 0n, 0n
    let mutable toldUntil = 0u
    let doomed = Dictionary<int64, Errno>()

    let word (offset: uint32) = uint32 (Marshal.ReadInt32(rings + nativeint offset))

    /// struct io_uring_sqe of 64 bytes: the opcode @0.
    let waiting () =
        if rings = 0n || entries = 0n then
            []
        else
            let offsets = parameters.SubmissionRing
            let head, mask = word offsets.Head, word offsets.RingMask

            // The library's index array says nothing else.
            List.init (int (word offsets.Tail - head)) (fun index ->
                entries + 64n * nativeint ((head + uint32 index) &&& mask))

    let opcodeOf (entry: nativeint) : Opcode = LanguagePrimitives.EnumOfValue(Marshal.ReadByte entry)

    /// What is left of it: links, and user data @32. The result of a NOP is @24, its flags are @28.
    let replace (entry: nativeint) (errno: Errno) =
        let fixedFile, selectsBuffer = 0x01uy, 0x20uy
        Marshal.WriteByte(entry, byte Opcode.Nop)
        Marshal.WriteByte(entry + 1n, Marshal.ReadByte(entry + 1n) &&& ~~~(fixedFile ||| selectsBuffer))
        Marshal.WriteInt16(entry + 2n, 0s)
        Marshal.WriteInt64(entry + 8n, 0L)
        Marshal.WriteInt64(entry + 16n, 0L)
        Marshal.WriteInt32(entry + 24n, Errno.toResult errno)
        Marshal.WriteInt32(entry + 28n, int OpFlags.InjectResult)

        for offset in [ 40n; 48n; 56n ] do
            Marshal.WriteInt64(entry + offset, 0L)

    /// io_uring's mmap has given the ring this address. IORING_OFF_SQES; both queues share the other mapping.
    member _.Mapped(offset: int64, address: nativeint) =
        if offset = 0x10000000L then entries <- address else rings <- address

    /// The opcodes that wait to be taken.
    member _.Waiting: Opcode list = waiting () |> List.map opcodeOf

    /// Before the kernel takes them: those that fail do so now, without having happened, or once they have.
    member _.Doom(answer: Opcode -> Answer) =
        for entry in waiting () do
            match answer (opcodeOf entry) with
            | Answer.Before errno -> replace entry errno
            | Answer.After errno -> doomed[Marshal.ReadInt64(entry + 32n)] <- errno
            | Answer.Real
            | Answer.Partly _ -> ()

    /// Before the library sees the completions that have come, struct io_uring_cqe of 16 bytes: the result @8.
    member _.Tell() =
        if rings <> 0n then
            let offsets = parameters.CompletionRing
            let tail, mask = word offsets.Tail, word offsets.RingMask
            if doomed.Count = 0 then toldUntil <- tail

            while toldUntil <> tail do
                let completion = rings + nativeint (offsets.Completions + 16u * (toldUntil &&& mask))

                let whose = Marshal.ReadInt64 completion

                match doomed.TryGetValue whose with
                | true, errno ->
                    doomed.Remove whose |> ignore
                    Marshal.WriteInt32(completion + 8n, Errno.toResult errno)
                | _ -> ()

                toldUntil <- toldUntil + 1u
