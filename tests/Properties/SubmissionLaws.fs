// Length: one row for each constructor.
module Uring.Laws.SubmissionLaws

open System
open System.Buffers.Binary
open System.Runtime.InteropServices
open Expecto
open Uring.Model

/// struct io_uring_sqe by hand from kernel.md 2.9: one of the kernel's names for each place, offset, size.
let layout = [
    "opcode", 0, 1
    "flags", 1, 1
    "ioprio", 2, 2
    "fd", 4, 4
    "off", 8, 8
    "addr", 16, 8
    "len", 24, 4
    "rw_flags", 28, 4
    "user_data", 32, 8
    "buf_index", 40, 2
    "personality", 42, 2
    "file_index", 44, 4
    "addr3", 48, 8
    "__pad2", 56, 8
]

/// The 64 bytes that hold these values at the kernel's places, and zero everywhere else.
let private sqe (values: (string * uint64) list) =
    let bytes = Array.zeroCreate<byte> 64
    let places = layout |> List.map (fun (name, offset, size) -> name, (offset, size)) |> Map.ofList

    for name, value in values do
        let offset, size = places[name]
        Array.blit (BitConverter.GetBytes value) 0 bytes offset size

    bytes

let private toBytes (submission: Submission) =
    let bytes = Array.zeroCreate sizeof<Submission>
    MemoryMarshal.Write(Span bytes, &submission)
    bytes

let private ofBytes (bytes: byte array) = MemoryMarshal.Read<Submission>(ReadOnlySpan bytes)

let private random seed =
    let bytes = Array.zeroCreate 64
    Random(seed).NextBytes bytes
    bytes

let private minusOne = 0xFFFF_FFFF_FFFF_FFFFUL

// Distinctive arguments: no two alike, and every byte of each is different from zero.
let private fd = 0x7172_7374
let private fdBits = 0x7172_7374UL
let private other = 0x6162_6364
let private otherBits = 0x6162_6364UL
let private address = 0xA1A2_A3A4_A5A6_A7A8UL
let private second = 0xB1B2_B3B4_B5B6_B7B8UL
let private offset = 0xC1C2_C3C4_C5C6_C7C8UL
let private length = 0xD1D2_D3D4u
let private lengthBits = 0xD1D2_D3D4UL
let private flags = 0xE1E2_E3E4u
let private flagBits = 0xE1E2_E3E4UL
let private target = { Bits = 0x9192_9394_9596_9798UL }

/// By hand from kernel.md 1.1: constructor, what it makes, what the kernel reads.
let internal constructors = [
    "nop", Submission.nop (), [ "opcode", 0UL; "fd", minusOne ]
    "installFixed", Submission.installFixed fd, [ "opcode", 54UL; "fd", fdBits ]
    "installInherited", Submission.installInherited fd, [ "opcode", 54UL; "fd", fdBits; "rw_flags", 1UL ]
    "nopWith", Submission.nopWith other, [ "opcode", 0UL; "fd", minusOne; "len", otherBits; "rw_flags", 1UL ]
    "nopLike",
    Submission.nopLike fd other flags 0x8182us,
    [
        "opcode", 0UL
        "fd", fdBits
        "len", otherBits
        "rw_flags", flagBits
        "buf_index", 0x8182UL
    ]
    "timeout",
    Submission.timeout address flags,
    [ "opcode", 11UL; "fd", minusOne; "addr", address; "len", 1UL; "rw_flags", flagBits ]
    "linkTimeout",
    Submission.linkTimeout address flags,
    [ "opcode", 15UL; "fd", minusOne; "addr", address; "len", 1UL; "rw_flags", flagBits ]
    "futexWaitAny",
    Submission.futexWaitAny address length,
    [ "opcode", 53UL; "addr", address; "len", lengthBits ]
    "command",
    Submission.command fd flags address second,
    [ "opcode", 46UL; "fd", fdBits; "off", flagBits; "addr3", address; "__pad2", second ]
    "commandFixed",
    Submission.commandFixed fd flags address second 0x8182us,
    [
        "opcode", 46UL
        "fd", fdBits
        "off", flagBits
        "rw_flags", 1UL
        "buf_index", 0x8182UL
        "addr3", address
        "__pad2", second
    ]
    "socketOption",
    Submission.socketOption fd flags 0x1122_3344 0x5566_7788 address length,
    [
        "opcode", 46UL
        "fd", fdBits
        "off", flagBits
        "addr", 0x5566_7788_1122_3344UL
        "file_index", lengthBits
        "addr3", address
    ]
    "sendDirect",
    Submission.sendDirect fd other,
    [
        "opcode", 40UL
        "fd", fdBits
        "addr", 1UL
        "rw_flags", 1UL
        "file_index", 0xFFFF_FFFFUL
        "addr3", otherBits
    ]
    "changeTimeout",
    Submission.changeTimeout target address flags,
    [
        "opcode", 12UL
        "fd", minusOne
        "off", address
        "addr", target.Bits
        "rw_flags", flagBits
    ]
    "changePoll",
    Submission.changePoll target flags,
    [ "opcode", 7UL; "fd", minusOne; "addr", target.Bits; "len", 2UL; "rw_flags", flagBits ]
    "cancel", Submission.cancel target, [ "opcode", 14UL; "fd", minusOne; "addr", target.Bits ]
    "cancelDescriptor", Submission.cancelDescriptor fd, [ "opcode", 14UL; "fd", fdBits; "rw_flags", 3UL ]
    "cancelEverything", Submission.cancelEverything (), [ "opcode", 14UL; "fd", minusOne; "rw_flags", 4UL ]
    "messageRing",
    Submission.messageRing fd target length,
    [ "opcode", 40UL; "fd", fdBits; "off", target.Bits; "len", lengthBits ]
    "messageRingFlagged",
    Submission.messageRingFlagged fd target length flags,
    [
        "opcode", 40UL
        "fd", fdBits
        "off", target.Bits
        "len", lengthBits
        "rw_flags", 2UL
        "file_index", flagBits
    ]
    "openAt",
    Submission.openAt fd address flags length,
    [ "opcode", 18UL; "fd", fdBits; "addr", address; "len", lengthBits; "rw_flags", flagBits ]
    "openAt2",
    Submission.openAt2 fd address second,
    [ "opcode", 28UL; "fd", fdBits; "off", second; "addr", address; "len", 24UL ]
    "close", Submission.close fd, [ "opcode", 19UL; "fd", fdBits ]
    "closeDirect", Submission.closeDirect 0x1234_5677, [ "opcode", 19UL; "file_index", 0x1234_5678UL ]
    "read",
    Submission.read fd address length offset,
    [ "opcode", 22UL; "fd", fdBits; "off", offset; "addr", address; "len", lengthBits ]
    "write",
    Submission.write fd address length offset,
    [ "opcode", 23UL; "fd", fdBits; "off", offset; "addr", address; "len", lengthBits ]
    "readVector",
    Submission.readVector fd address length offset,
    [ "opcode", 1UL; "fd", fdBits; "off", offset; "addr", address; "len", lengthBits ]
    "writeVector",
    Submission.writeVector fd address length offset,
    [ "opcode", 2UL; "fd", fdBits; "off", offset; "addr", address; "len", lengthBits ]
    "readFixed",
    Submission.readFixed fd address length offset 0x8182us,
    [
        "opcode", 4UL
        "fd", fdBits
        "off", offset
        "addr", address
        "len", lengthBits
        "buf_index", 0x8182UL
    ]
    "writeFixed",
    Submission.writeFixed fd address length offset 0x8182us,
    [
        "opcode", 5UL
        "fd", fdBits
        "off", offset
        "addr", address
        "len", lengthBits
        "buf_index", 0x8182UL
    ]
    "readVectorFixed",
    Submission.readVectorFixed fd address length offset 0x8182us,
    [
        "opcode", 60UL
        "fd", fdBits
        "off", offset
        "addr", address
        "len", lengthBits
        "buf_index", 0x8182UL
    ]
    "writeVectorFixed",
    Submission.writeVectorFixed fd address length offset 0x8182us,
    [
        "opcode", 61UL
        "fd", fdBits
        "off", offset
        "addr", address
        "len", lengthBits
        "buf_index", 0x8182UL
    ]
    "sendZeroCopyFixed",
    Submission.sendZeroCopyFixed fd address length flags 0x8182us,
    [
        "opcode", 47UL
        "ioprio", 4UL
        "fd", fdBits
        "addr", address
        "len", lengthBits
        "rw_flags", flagBits
        "buf_index", 0x8182UL
    ]
    "status",
    Submission.status fd address flags length second,
    [
        "opcode", 21UL
        "fd", fdBits
        "off", second
        "addr", address
        "len", lengthBits
        "rw_flags", flagBits
    ]
    "sync", Submission.sync fd flags, [ "opcode", 3UL; "fd", fdBits; "rw_flags", flagBits ]
    "syncPart",
    Submission.syncPart fd offset length flags,
    [ "opcode", 3UL; "fd", fdBits; "off", offset; "len", lengthBits; "rw_flags", flagBits ]
    "truncate", Submission.truncate fd offset, [ "opcode", 55UL; "fd", fdBits; "off", offset ]
    "allocate",
    Submission.allocate fd length offset second,
    [ "opcode", 17UL; "fd", fdBits; "off", offset; "addr", second; "len", lengthBits ]
    "makeDirectoryAt",
    Submission.makeDirectoryAt fd address length,
    [ "opcode", 37UL; "fd", fdBits; "addr", address; "len", lengthBits ]
    "unlinkAt",
    Submission.unlinkAt fd address flags,
    [ "opcode", 36UL; "fd", fdBits; "addr", address; "rw_flags", flagBits ]
    "renameAt",
    Submission.renameAt fd address other second flags,
    [
        "opcode", 35UL
        "fd", fdBits
        "off", second
        "addr", address
        "len", otherBits
        "rw_flags", flagBits
    ]
    "symbolicLinkAt",
    Submission.symbolicLinkAt address fd second,
    [ "opcode", 38UL; "fd", fdBits; "off", second; "addr", address ]
    "linkAt",
    Submission.linkAt fd address other second flags,
    [
        "opcode", 39UL
        "fd", fdBits
        "off", second
        "addr", address
        "len", otherBits
        "rw_flags", flagBits
    ]
    "advise",
    Submission.advise fd offset length flags,
    [ "opcode", 24UL; "fd", fdBits; "off", offset; "len", lengthBits; "rw_flags", flagBits ]
    "adviseLong",
    Submission.adviseLong fd offset second flags,
    [ "opcode", 24UL; "fd", fdBits; "off", offset; "addr", second; "rw_flags", flagBits ]
    "adviseMemory",
    Submission.adviseMemory address length flags,
    [
        "opcode", 25UL
        "fd", minusOne
        "addr", address
        "len", lengthBits
        "rw_flags", flagBits
    ]
    "syncRange",
    Submission.syncRange fd offset length flags,
    [ "opcode", 8UL; "fd", fdBits; "off", offset; "len", lengthBits; "rw_flags", flagBits ]
    "splice",
    Submission.splice fd offset other second length flags,
    [
        "opcode", 30UL
        "fd", otherBits
        "off", second
        "addr", offset
        "len", lengthBits
        "rw_flags", flagBits
        "file_index", fdBits
    ]
    "tee",
    Submission.tee fd other length flags,
    [
        "opcode", 33UL
        "fd", otherBits
        "len", lengthBits
        "rw_flags", flagBits
        "file_index", fdBits
    ]
    "attribute",
    Submission.attribute fd address second length,
    [ "opcode", 43UL; "fd", fdBits; "off", second; "addr", address; "len", lengthBits ]
    "updateFiles",
    Submission.updateFiles address length (uint32 other),
    [ "opcode", 20UL; "fd", minusOne; "off", otherBits; "addr", address; "len", lengthBits ]
    "attributeOfPath",
    Submission.attributeOfPath offset address second length,
    [
        "opcode", 44UL
        "fd", minusOne
        "off", second
        "addr", address
        "len", lengthBits
        "addr3", offset
    ]
    "setAttributeOfPath",
    Submission.setAttributeOfPath offset address second length flags,
    [
        "opcode", 42UL
        "fd", minusOne
        "off", second
        "addr", address
        "len", lengthBits
        "rw_flags", flagBits
        "addr3", offset
    ]
    "setAttribute",
    Submission.setAttribute fd address second length flags,
    [
        "opcode", 41UL
        "fd", fdBits
        "off", second
        "addr", address
        "len", lengthBits
        "rw_flags", flagBits
    ]
    "socket",
    Submission.socket fd other 0x5152_5354,
    [ "opcode", 45UL; "fd", fdBits; "off", otherBits; "len", 0x5152_5354UL ]
    "bind",
    Submission.bind fd address length,
    [ "opcode", 56UL; "fd", fdBits; "off", lengthBits; "addr", address ]
    "listen", Submission.listen fd length, [ "opcode", 57UL; "fd", fdBits; "len", lengthBits ]
    "accept",
    Submission.accept fd address second flags,
    [ "opcode", 13UL; "fd", fdBits; "off", second; "addr", address; "rw_flags", flagBits ]
    "acceptMultishot",
    Submission.acceptMultishot fd flags,
    [ "opcode", 13UL; "ioprio", 1UL; "fd", fdBits; "rw_flags", flagBits ]
    "connect",
    Submission.connect fd address length,
    [ "opcode", 16UL; "fd", fdBits; "off", lengthBits; "addr", address ]
    "send",
    Submission.send fd address length flags,
    [ "opcode", 26UL; "fd", fdBits; "addr", address; "len", lengthBits; "rw_flags", flagBits ]
    "receive",
    Submission.receive fd address length flags,
    [ "opcode", 27UL; "fd", fdBits; "addr", address; "len", lengthBits; "rw_flags", flagBits ]
    "receiveMultishot",
    Submission.receiveMultishot fd 0x8182us flags,
    [
        "opcode", 27UL
        "flags", 0x20UL
        "ioprio", 2UL
        "fd", fdBits
        "rw_flags", flagBits
        "buf_index", 0x8182UL
    ]
    "timeoutMultishot",
    Submission.timeoutMultishot address,
    [ "opcode", 11UL; "fd", minusOne; "addr", address; "len", 1UL; "rw_flags", 0x40UL ]
    "poll", Submission.poll fd flags, [ "opcode", 6UL; "fd", fdBits; "rw_flags", flagBits ]
    "pollMultishot",
    Submission.pollMultishot fd flags,
    [ "opcode", 6UL; "fd", fdBits; "len", 1UL; "rw_flags", flagBits ]
    "readMultishot",
    Submission.readMultishot fd 0x8182us,
    [ "opcode", 49UL; "flags", 0x20UL; "fd", fdBits; "off", minusOne; "buf_index", 0x8182UL ]
    "epollControl",
    Submission.epollControl fd length other address,
    [ "opcode", 29UL; "fd", fdBits; "off", otherBits; "addr", address; "len", lengthBits ]
    "epollWait",
    Submission.epollWait fd address length,
    [ "opcode", 59UL; "fd", fdBits; "addr", address; "len", lengthBits ]
    "waitId",
    Submission.waitId length fd flags second,
    [ "opcode", 50UL; "fd", fdBits; "off", second; "len", lengthBits; "file_index", flagBits ]
    "futexWait",
    Submission.futexWait address length flags (uint32 fd),
    [ "opcode", 51UL; "fd", fdBits; "off", lengthBits; "addr", address; "addr3", flagBits ]
    "futexWake",
    Submission.futexWake address length flags (uint32 fd),
    [ "opcode", 52UL; "fd", fdBits; "off", lengthBits; "addr", address; "addr3", flagBits ]
    "sendMessage",
    Submission.sendMessage fd address flags,
    [ "opcode", 9UL; "fd", fdBits; "addr", address; "len", 1UL; "rw_flags", flagBits ]
    "receiveMessage",
    Submission.receiveMessage fd address flags,
    [ "opcode", 10UL; "fd", fdBits; "addr", address; "len", 1UL; "rw_flags", flagBits ]
    "receiveMessageMultishot",
    Submission.receiveMessageMultishot fd 0x8182us address flags,
    [
        "opcode", 10UL
        "flags", 0x20UL
        "ioprio", 2UL
        "fd", fdBits
        "addr", address
        "len", 1UL
        "rw_flags", flagBits
        "buf_index", 0x8182UL
    ]
    "sendZeroCopy",
    Submission.sendZeroCopy fd address length flags,
    [ "opcode", 47UL; "fd", fdBits; "addr", address; "len", lengthBits; "rw_flags", flagBits ]
    "sendZeroCopyTo",
    Submission.sendZeroCopyTo fd address length flags second 0x71727374u,
    [
        "opcode", 47UL
        "fd", fdBits
        "off", second
        "addr", address
        "len", lengthBits
        "rw_flags", flagBits
        "file_index", 0x71727374UL
    ]
    "sendMessageZeroCopy",
    Submission.sendMessageZeroCopy fd address flags,
    [ "opcode", 48UL; "fd", fdBits; "addr", address; "len", 1UL; "rw_flags", flagBits ]
    "sendMessageZeroCopyFixed",
    Submission.sendMessageZeroCopyFixed fd address flags 0x8182us,
    [
        "opcode", 48UL
        "ioprio", 4UL
        "fd", fdBits
        "addr", address
        "len", 1UL
        "rw_flags", flagBits
        "buf_index", 0x8182UL
    ]
    "sendBundle",
    Submission.sendBundle fd 0x8182us flags,
    [
        "opcode", 26UL
        "flags", 0x20UL
        "ioprio", 16UL
        "fd", fdBits
        "rw_flags", flagBits
        "buf_index", 0x8182UL
    ]
    "pipe", Submission.pipe address flags, [ "opcode", 62UL; "addr", address; "rw_flags", flagBits ]
    "shutdown", Submission.shutdown fd length, [ "opcode", 34UL; "fd", fdBits; "len", lengthBits ]
]

/// Modifier, and the same done to the bytes.
let private modifiers =
    let setFlag (flag: byte) (bytes: byte array) = bytes[1] <- bytes[1] ||| flag

    [
        "flagged", Submission.flagged SqeFlags.Async, setFlag 0x10uy
        "linked", Submission.linked, setFlag 0x04uy
        "hardLinked", Submission.hardLinked, setFlag 0x08uy
        "drained", Submission.drained, setFlag 0x02uy
        "onFixedFile", Submission.onFixedFile, setFlag 0x01uy
        "silentOnSuccess", Submission.silentOnSuccess, setFlag 0x40uy
        "withBuffers",
        Submission.withBuffers 0x8182us,
        fun bytes ->
            setFlag 0x20uy bytes
            BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan 40, 0x8182us)
        "intoFreeSlot",
        Submission.intoFreeSlot,
        (fun bytes -> BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan 44, 0xFFFF_FFFFu))
        "intoSlot",
        Submission.intoSlot 0x1234_5677,
        (fun bytes -> BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan 44, 0x1234_5678u))
        "fromFixedFile", Submission.fromFixedFile, (fun bytes -> bytes[31] <- bytes[31] ||| 0x80uy)
        "transferring",
        Submission.transferring (TransferFlags.Append ||| TransferFlags.DontCache),
        (fun bytes -> bytes[28] <- bytes[28] ||| 0x90uy)
        "withMessageFlags",
        Submission.withMessageFlags 0x4100u,
        (fun bytes -> bytes[29] <- bytes[29] ||| 0x41uy)
        "prioritized",
        Submission.prioritized PriorityClass.BestEffort 5,
        (fun bytes -> BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan 2, 0x4005us))
        "bundled", Submission.bundled, (fun bytes -> bytes[2] <- bytes[2] ||| 16uy)
        "pollingFirst",
        Submission.pollingFirst,
        (fun bytes -> bytes[2] <- bytes[2] ||| (if bytes[0] = byte Opcode.Accept then 4uy else 1uy))
        "withoutWaiting", Submission.withoutWaiting, (fun bytes -> bytes[2] <- bytes[2] ||| 2uy)
        "reportingUsage", Submission.reportingUsage, (fun bytes -> bytes[2] <- bytes[2] ||| 8uy)
        "counting",
        Submission.counting length,
        fun bytes -> BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan 8, lengthBits)
        "tagged",
        Submission.tagged target,
        fun bytes -> BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan 32, target.Bits)
        "onDescriptor",
        Submission.onDescriptor fd,
        fun bytes -> BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan 4, fd)
    ]

/// Adds to the 64-bit number at an offset, byte by byte.
let private addAt offset (value: uint64) (bytes: byte array) =
    let mutable carry = 0

    for index in 0..7 do
        let sum = int bytes[offset + index] + int (BitConverter.GetBytes(value)[index]) + carry
        bytes[offset + index] <- byte (sum % 256)
        carry <- sum / 256

/// Copied field by field, so that a byte that is in no field would be lost.
let private rebuilt (it: Submission) = {
    Opcode = it.Opcode
    Flags = it.Flags
    Priority = it.Priority
    Fd = it.Fd
    Offset = it.Offset
    Address = it.Address
    Length = it.Length
    OpFlags = it.OpFlags
    UserData = { Bits = it.UserData.Bits }
    Buffer = it.Buffer
    Personality = it.Personality
    FileIndex = it.FileIndex
    Address3 = it.Address3
    Reserved = it.Reserved
}

[<Tests>]
let laws =
    testList "Submission" [
        test "1. the value is 64 bytes and every field lies where struct io_uring_sqe has it" {
            Expect.equal sizeof<Submission> 64 "bytes"
            let zero = ofBytes (Array.zeroCreate 64)

            let fields = [
                "opcode", 0xFEUL, { zero with Opcode = LanguagePrimitives.EnumOfValue 0xFEuy }
                "flags", 0xFDUL, { zero with Flags = LanguagePrimitives.EnumOfValue 0xFDuy }
                "ioprio", 0xFCFBUL, { zero with Priority = 0xFCFBus }
                "fd", fdBits, { zero with Fd = fd }
                "off", offset, { zero with Offset = offset }
                "addr", address, { zero with Address = address }
                "len", lengthBits, { zero with Length = length }
                "rw_flags", flagBits, { zero with OpFlags = flags }
                "user_data", target.Bits, { zero with UserData = target }
                "buf_index", 0xFAF9UL, { zero with Buffer = 0xFAF9us }
                "personality", 0xF8F7UL, { zero with Personality = 0xF8F7us }
                "file_index", otherBits, { zero with FileIndex = uint32 other }
                "addr3", second, { zero with Address3 = second }
                "__pad2", minusOne, { zero with Reserved = minusOne }
            ]

            for name, value, submission in fields do
                Expect.equal (toBytes submission) (sqe [ name, value ]) name
        }

        testProperty "2. bytes to value to bytes is the identity"
        <| fun (seed: int) -> toBytes (rebuilt (ofBytes (random seed))) = random seed

        for name, submission, values in constructors do
            test
                $"3. each constructor sets exactly the fields its opcode reads; every other byte is zero: {name}" {
                Expect.equal (toBytes submission) (sqe values) "all 64 bytes"
            }

        test "3. ... and none of them is missing from this file, nor any modifier" {
            let there =
                nonNull(typeof<Submission>.Assembly.GetType "Uring.Model.SubmissionModule").GetMethods()
                |> Array.filter (fun method -> method.ReturnType = typeof<Submission>)
                |> Array.map (fun method -> method.Name)

            let here = [
                "rebase"

                for name, _, _ in constructors do
                    name

                for name, _, _ in modifiers do
                    name
            ]

            Expect.equal (List.except here (List.ofArray there)) [] "in the module only"
            Expect.equal (List.except there here) [] "in this file only"
        }

        test "a descriptor that nobody asked for can be closed: the opcodes that return one are known" {
            // By hand from kernel.md 1.1: ACCEPT, OPENAT, OPENAT2, SOCKET, FIXED_FD_INSTALL.
            let makers = [
                for opcode in Enum.GetValues<Opcode>() do
                    if Catalogue.createsDescriptor opcode then int opcode
            ]

            Expect.equal makers [ 13; 18; 28; 45; 54 ] "opcodes whose result is a new descriptor"
        }

        testProperty "4. modifiers change their own bit or field and nothing else"
        <| fun (seed: int) ->
            for name, modifier, change in modifiers do
                let expected = random seed
                change expected
                Expect.equal (toBytes (modifier (ofBytes (random seed)))) expected name
                let bare = Array.zeroCreate 64
                change bare
                Expect.equal (toBytes (modifier (ofBytes (Array.zeroCreate 64)))) bare $"{name} of nothing"

        testProperty "5. rebasing adds the base to the fields that reach into the buffer, and to no other"
        <| fun (seed: int) (low: uint32) (high: uint32) ->
            let start = (uint64 high <<< 32) ||| uint64 low

            for reach, offsets in
                [
                    Reach.Nothing, []
                    Reach.Address, [ 16 ]
                    Reach.Offset, [ 8 ]
                    Reach.Address ||| Reach.Offset, [ 8; 16 ]
                    Reach.Address3, [ 48 ]
                    Reach.Address ||| Reach.Offset ||| Reach.Address3, [ 8; 16; 48 ]
                    Reach.Address3, [ 48 ]
                    Reach.Address ||| Reach.Offset ||| Reach.Address3, [ 8; 16; 48 ]
                ] do
                let expected = random seed

                for offset in offsets do
                    addAt offset start expected

                let rebased = Submission.rebase reach start (ofBytes (random seed))
                Expect.equal (toBytes rebased) expected $"{reach}"
    ]
