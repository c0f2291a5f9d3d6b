module Uring.Laws.MessageLayoutLaws

open System
open System.Buffers.Binary
open Expecto
open Uring.Model

/// What the kernel writes: header, name area, control area, payload.
let private written (room: MessageRoom) (name: int) (control: int) (payload: int) flags size =
    let bytes = Array.zeroCreate<byte> size

    if size >= MessageLayout.HeaderSize then
        [ name; control; payload; flags ]
        |> List.iteri (fun index word ->
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4 * index), word))

    MessageLayout.read room (ReadOnlySpan bytes)

let private extents layout = [ layout.Name; layout.Control; layout.Payload ]

[<Tests>]
let laws =
    testList "MessageLayout" [
        testProperty "1. every extent lies within the bytes that came, and none overlaps another"
        <| fun
               (nameRoom: byte)
               (controlRoom: byte)
               (name: uint16)
               (control: uint16)
               (payload: int)
               (size: byte) ->
            let room = { Name = int nameRoom; Control = int controlRoom }
            let layout = written room (int name) (int control) payload 0 (int size)
            let used = extents layout |> List.filter (fun extent -> extent.Length > 0)

            used |> List.forall (fun extent -> extent.Start >= 16 && extent.Start + extent.Length <= int size)
            && used |> List.pairwise |> List.forall (fun (one, next) -> one.Start + one.Length <= next.Start)

        test "1. ... where kernel.md 3.7 found them: 5 bytes, rooms of 16 and 32, 69 bytes in all" {
            let layout = written { Name = 16; Control = 32 } 16 0 5 0 69
            Expect.equal layout.Name { Start = 16; Length = 16 } "name"
            Expect.equal layout.Control { Start = 32; Length = 0 } "control"
            Expect.equal layout.Payload { Start = 64; Length = 5 } "payload"
        }

        test "2. what did not fit is reported: the payload, the control data" {
            // 200 bytes into a buffer of 128: the header says 200, and MSG_TRUNC.
            let layout = written { Name = 16; Control = 0 } 16 0 200 0x20 128
            Expect.equal layout.Payload { Start = 32; Length = 96 } "what there is"
            Expect.isTrue layout.IsTruncated "the payload"
            Expect.isFalse layout.IsControlTruncated "no control data"

            let layout = written { Name = 0; Control = 8 } 0 8 1 8 25
            Expect.isTrue layout.IsControlTruncated "the control data"
            Expect.isFalse layout.IsTruncated "the payload is whole"
        }

        testProperty "3. total: bytes that are no message decode to an empty one"
        <| fun (bytes: byte array) (nameRoom: byte) (controlRoom: byte) ->
            let room = { Name = int nameRoom; Control = int controlRoom }
            let layout = MessageLayout.read room (ReadOnlySpan bytes)

            bytes.Length >= MessageLayout.overhead room
            || (layout.IsTruncated && extents layout |> List.forall (fun extent -> extent.Length = 0))

        testProperty
            "4. of a header that one recvmsg(2) has answered in, no name and no control data is longer than its room, and what did not fit is reported"
        <| fun (room: byte) (controlRoom: byte) (name: uint32) (control: uint32) (flags: byte) ->
            let bytes = Array.zeroCreate<byte> 56
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan 8, name)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan 40, control)
            bytes[48] <- flags
            let rooms = { Name = int room; Control = int controlRoom }
            let layout = MessageLayout.ofHeader rooms 400 72 (ReadOnlySpan bytes)

            layout.Name.Start = 400
            && int64 layout.Name.Length = min (int64 room) (int64 name)
            && layout.Control.Start = 72
            && int64 layout.Control.Length = min (int64 controlRoom) (int64 control)
            && layout.IsTruncated = ((flags &&& 0x20uy) <> 0uy)
            && layout.IsControlTruncated = ((flags &&& 8uy) <> 0uy)
    ]
