// A struct msghdr with what it points to as one memory: the vectors, the name, the control data, and buffers elsewhere.
// Source: man sendmsg(2), man recvmsg(2).
namespace Uring.FSharp

open System
open System.Buffers.Binary
open Uring.Driver
open Uring.Model

/// One message that is to be sent, or room for one. An empty name is none.
[<Sealed>]
type internal MessageBlock(payload: Memory<byte> array, name: byte array, control: byte array) =

    // struct msghdr (56 bytes): name @0 and its length @8, vectors @16 and their number @24, control data @32 and its length
    // @40, flags @48. Behind it one struct iovec for each buffer (address @0, length @8), control data, name.
    let vectorsAt = 56
    let controlAt = vectorsAt + 16 * payload.Length
    let nameAt = MessageBlock.NameAt(payload.Length, control.Length)
    let bytes = Array.zeroCreate<byte>(nameAt + name.Length)

    let block =
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan 8, name.Length)
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan 24, int64 payload.Length)
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan 40, int64 control.Length)
        control.CopyTo(bytes, controlAt)
        name.CopyTo(bytes, nameAt)

        for index in 0 .. payload.Length - 1 do
            BinaryPrimitives.WriteInt64LittleEndian(
                bytes.AsSpan(vectorsAt + 16 * index + 8),
                int64 payload[index].Length
            )

        new PointerBlock(
            bytes,
            [|
                Pointer.Inside(0, nameAt)
                Pointer.Inside(16, vectorsAt)
                Pointer.Inside(32, controlAt)
                for index in 0 .. payload.Length - 1 do
                    Pointer.Outside(vectorsAt + 16 * index, payload[index])
            |]
        )

    /// Where the name is in a block of so many buffers and so much control data.
    static member NameAt(buffers: int, control: int) = 56 + 16 * buffers + control

    /// What a request works on.
    member _.Memory = block.Memory

    /// What a recvmsg(2) that has ended well says of its message.
    member _.Answer =
        MessageLayout.ofHeader
            { Name = name.Length; Control = control.Length }
            nameAt
            controlAt
            (ReadOnlySpan bytes)

    /// A part of it.
    member _.Bytes(extent: Extent) = ReadOnlySpan<byte>(bytes, extent.Start, extent.Length)
