// A word of memory that programs wait for: futex(2) by way of the ring.
namespace Uring.FSharp

open System
open System.Buffers.Binary
open System.Runtime.InteropServices
open Uring.Driver
open Uring.Model

/// Four bytes of memory that programs wait for and wake each other by. `isShared`: the memory is mapped into several
/// processes. The memory has to stay where it is while anybody waits; the ring pins it for that long.
[<Sealed>]
type Futex(memory: Memory<byte>, isShared: bool) =
    do
        if memory.Length <> sizeof<int> then
            raise (ArgumentException("A futex has four bytes.", nameof memory))

    /// A word of its own, for this process, with the value 0.
    new() = Futex(Memory(GC.AllocateArray<byte>(sizeof<int>, true)), false)

    /// The memory.
    member _.Memory = memory

    /// Other processes wait for it, too.
    member _.IsShared = isShared

    /// The word, for `Volatile` and `Interlocked`: change it first, then wake.
    member _.Value: byref<int> = &MemoryMarshal.AsRef<int> memory.Span

/// Waiting for a word of memory to change (Linux 6.7). man futex(2), io_uring_prep_futex_wait(3).
[<RequireQualifiedAccess>]
module Futex =

    let private size (futex: Futex) =
        if futex.IsShared then
            OpFlags.FutexSize32
        else
            OpFlags.FutexSize32 ||| OpFlags.FutexPrivate

    let private over (futex: Futex) submission : Request = {
        Request.bare submission with
            Buffer = futex.Memory
            Reach = Reach.Address
    }

    /// As `wait`, as a request. Its result is 0, or -EAGAIN when the word had another value already.
    let waiting (futex: Futex) (expected: int) : Request =
        Submission.futexWait 0UL (uint32 expected) OpFlags.FutexAnyone (size futex) |> over futex

    /// As `wake`, as a request.
    let waking (futex: Futex) (count: int) : Request =
        ArgumentOutOfRangeException.ThrowIfNegative(count, nameof count)
        Submission.futexWake 0UL (uint32 count) OpFlags.FutexAnyone (size futex) |> over futex

    /// Waits while the word is `expected`, until somebody wakes it. False when it was another at once: nobody had to wake
    /// it. Look at the word again in either case.
    let wait (futex: Futex) (expected: int) : Uring<bool> =
        uring {
            let request = waiting futex expected
            let! result = Program.attempt request

            match Errno.ofResult result with
            | Errno.EAGAIN -> return false
            | _ when result >= 0 -> return true
            | _ ->
                let! token = Uring.token
                return raise (Fault.ofResult request.Submission.Opcode null result token)
        }

    /// Wakes up to `count` of those who wait, on whichever ring or thread. The result counts them.
    let wake (futex: Futex) (count: int) : Uring<int> = Program.single (waking futex count)

    // struct futex_waitv: value @0, address @8, flags @16.
    let private entry = 24
    let private mostWords = 128

    /// As `waitAny`, as a request. Its result is the index of the word that was woken, or -EAGAIN.
    let waitingAny (words: struct (Futex * int) list) : Request =
        let count = List.length words
        ArgumentOutOfRangeException.ThrowIfZero(count, nameof words)
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, mostWords, nameof words)
        let bytes = Array.zeroCreate<byte>(count * entry)

        let pointers =
            words
            |> List.mapi (fun index (struct (futex, expected)) ->
                let at = index * entry
                BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan at, uint64 (uint32 expected))
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at + 16), size futex)
                Pointer.Outside(at + 8, futex.Memory))

        let block = new PointerBlock(bytes, Array.ofList pointers)

        {
            Request.bare (Submission.futexWaitAny 0UL (uint32 count)) with
                Buffer = block.Memory
                Reach = Reach.Address
        }

    /// Waits while each of 1 to 128 words has the value beside it, until somebody wakes one of them: the result is its
    /// index. Nothing when one had another value at once, so that nobody had to wake it. man futex_waitv(2).
    let waitAny (words: struct (Futex * int) list) : Uring<int voption> =
        uring {
            let request = waitingAny words
            let! result = Program.attempt request

            match Errno.ofResult result with
            | _ when result >= 0 -> return ValueSome result
            | Errno.EAGAIN -> return ValueNone
            | _ ->
                let! token = Uring.token
                return raise (Fault.ofResult request.Submission.Opcode null result token)
        }
