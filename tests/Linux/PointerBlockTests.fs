/// Blocks with pointers in them, and what stays pinned for how long.
module Uring.Tests.Linux.PointerBlockTests

open System
open System.Buffers
open System.Runtime.InteropServices
open Expecto
open Uring.Driver
open Uring.Kernel

/// Memory that counts how often it is pinned, and that cannot be when it is disposed.
[<Sealed>]
type private Counted(length: int) =
    inherit MemoryManager<byte>()
    let bytes = GC.AllocateArray<byte>(length, true)
    member val Pins = 0 with get, set
    member val IsBroken = false with get, set
    member _.Address = Mapped.addressOfPinned bytes
    override _.GetSpan() = Span<byte> bytes

    override this.Pin index =
        if this.IsBroken then raise (ObjectDisposedException "Counted")
        this.Pins <- this.Pins + 1
        Mapped.handle (nativeint (this.Address + uint64 index)) this

    override this.Unpin() = this.Pins <- this.Pins - 1
    override _.Dispose(_: bool) = ()

let private at (block: PointerBlock) index = MemoryMarshal.Read<uint64>(ReadOnlySpan(block.Bytes, index, 8))

[<Tests>]
let tests =
    testList "PointerBlock" [
        testCase "pinned, every pointer has its address" (fun () ->
            let first, second = new Counted 4, new Counted 8

            let block =
                new PointerBlock(
                    Array.zeroCreate 48,
                    [|
                        Pointer.Outside(0, first.Memory)
                        Pointer.Outside(8, second.Memory.Slice 3)
                        Pointer.Outside(16, Memory.Empty)
                        Pointer.Inside(24, 40)
                    |]
                )

            use pin = block.Memory.Pin()
            Expect.equal (at block 0) first.Address "the first"
            Expect.equal (at block 8) (second.Address + 3UL) "a slice of the second"
            Expect.equal (at block 16) 0UL "no memory, no address"
            Expect.equal (at block 24) (Mapped.addressOfPin pin + 40UL) "into itself")

        testCase "pinned twice, it lets go with the last" (fun () ->
            let memory = new Counted 4
            let block = new PointerBlock(Array.zeroCreate 8, [| Pointer.Outside(0, memory.Memory) |])
            let first, second = block.Memory.Pin(), block.Memory.Pin()
            Expect.equal memory.Pins 1 "once"
            first.Dispose()
            Expect.equal memory.Pins 1 "the second pin still holds it"
            second.Dispose()
            Expect.equal memory.Pins 0 "free"
            use again = block.Memory.Pin()
            Expect.equal memory.Pins 1 "and pinned again")

        testCase "one that cannot be pinned leaves none pinned" (fun () ->
            let first, second = new Counted 4, new Counted 4
            second.IsBroken <- true

            let block =
                new PointerBlock(
                    Array.zeroCreate 16,
                    [| Pointer.Outside(0, first.Memory); Pointer.Outside(8, second.Memory) |]
                )

            Expect.throwsT<ObjectDisposedException> (fun () -> block.Memory.Pin().Dispose()) "refused"
            Expect.equal first.Pins 0 "the first is free"
            second.IsBroken <- false
            block.Memory.Pin().Dispose()
            Expect.equal (first.Pins, second.Pins) (0, 0) "and it works afterwards")
    ]
