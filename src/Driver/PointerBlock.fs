// A block of bytes with pointers in it, as the kernel's structures have them (struct iovec, msghdr, futex_waitv): to
// memory elsewhere and to the block itself. To a request it is one memory like any other: pinning it pins all that it
// points to and writes the addresses, so neither the model nor the loop know of more than one memory per operation.
// Tested in tests/Linux/PointerBlockTests.fs.
namespace Uring.Driver

open System
open System.Buffers
open System.Runtime.InteropServices
open Uring.Kernel

/// An address in a block, 8 bytes at `At`.
[<Struct; RequireQualifiedAccess; NoEquality; NoComparison>]
type internal Pointer =
    /// To the block's own byte at `index`.
    | Inside of at: int * index: int
    /// To the start of other memory, which stays pinned with the block. No memory is the address 0.
    | Outside of at: int * memory: Memory<byte>

/// `bytes` and where the pointers stand in them. It may be pinned several times over: what it points to stays where it is
/// from the first pin to the last unpin.
[<Sealed>]
type internal PointerBlock(bytes: byte array, pointers: Pointer array) =
    inherit MemoryManager<byte>()

    let mutable pins = 0
    let mutable own = Unchecked.defaultof<MemoryHandle>
    let others = Array.zeroCreate<MemoryHandle> pointers.Length

    let release () =
        for index in 0 .. others.Length - 1 do
            others[index].Dispose()
            others[index] <- Unchecked.defaultof<MemoryHandle>

        own.Dispose()
        own <- Unchecked.defaultof<MemoryHandle>

    let store (at: int) (address: uint64) = MemoryMarshal.Write(Span<byte>(bytes, at, 8), &address)

    let pin () =
        try
            own <- Memory<byte>(bytes).Pin()

            for index in 0 .. pointers.Length - 1 do
                match pointers[index] with
                | Pointer.Inside(at, target) -> store at (Mapped.addressOfPin own + uint64 target)
                | Pointer.Outside(at, memory) ->
                    if memory.Length > 0 then others[index] <- memory.Pin()

                    store at (Mapped.addressOfPin others[index])
        with _ ->
            // One of them could not be pinned (disposed, say): the others are not kept.
            release ()
            reraise ()

    /// The block itself: where the kernel has answered in it.
    member _.Bytes = bytes

    override _.GetSpan() = Span<byte> bytes

    override this.Pin index =
        lock others (fun () ->
            if pins = 0 then pin ()
            pins <- pins + 1
            Mapped.handleOf own index this)

    override _.Unpin() =
        lock others (fun () ->
            pins <- pins - 1
            if pins = 0 then release ())

    override _.Dispose(_: bool) = ()
