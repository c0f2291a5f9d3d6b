/// What programs of the differential tests do with messages: in two parts, to an address and from one, without a copy.
module Uring.Tests.Simulation.MessageCommand

open System
open Uring.Kernel
open Uring.Model

/// One submission. `how` are flags of the message, `asks` those in the submission's ioprio: numbers that are taken modulo what
/// there is.
type MessageCommand =
    | SendTwo of fd: int * first: int * second: int * how: int
    | ReceiveTwo of fd: int * first: int * second: int * how: int
    /// To the name of the socket itself, if it has one.
    | SendNamed of fd: int * length: int * how: int
    | SendFree of fd: int * length: int * how: int * asks: int
    | SendFreeTo of fd: int * length: int * how: int
    | SendTwoFree of fd: int * first: int * second: int * how: int * asks: int
    /// From a slot of the table of registered buffers: see SlotCommand.
    | SendSlot of fd: int * slot: int * start: int * length: int
    | SendTwoSlot of fd: int * slot: int * first: int * second: int

// MSG_DONTWAIT, MSG_WAITALL, MSG_PEEK.
let private ways = [| 0u; 0u; 0x40u; 0x100u |]
let private waysToReceive = [| 0u; 0x40u; 0x40u; 0x100u; 0x42u |]

// REPORT_USAGE, and that with POLL_FIRST.
let private wishes = [| 0us; OpFlags.ReportUsage; OpFlags.ReportUsage ||| 1us |]

/// It is received into the memory of the submission.
let receives (command: MessageCommand) =
    match command with
    | ReceiveTwo _ -> true
    | SendTwo _
    | SendNamed _
    | SendFree _
    | SendFreeTo _
    | SendTwoFree _
    | SendSlot _
    | SendTwoSlot _ -> false

/// A random one.
let random (random: Random) : MessageCommand =
    let fd () = random.Next 8
    let part () = random.Next(0, 20)
    let how () = random.Next 12
    let slot () = [| 0; 0; 0; 1; 1; 2; 3 |][random.Next 7]

    match random.Next 10 with
    | 0
    | 1 -> SendTwo(fd (), part (), part (), how ())
    | 2
    // To receive nothing waits for something, and is a race with who receives that.
    | 3 -> ReceiveTwo(fd (), part () + 1, part (), how ())
    | 4 -> SendNamed(fd (), part (), how ())
    | 5 -> SendFree(fd (), part (), how (), how ())
    | 6 -> SendFreeTo(fd (), part (), how ())
    | 7 -> SendTwoFree(fd (), part (), part (), how (), how ())
    | 8 -> SendSlot(fd (), slot (), random.Next 8, part ())
    | _ -> SendTwoSlot(fd (), slot (), part (), part ())

// In the memory of a submission: what is sent or received, the struct msghdr, two struct iovec, and a name.
let private headerAt = 64n
let private vectorAt = 128n
let private nameAt = 160n
let private nameRoom = 96

/// Its submission, with the memory at `place`. `name` is what a descriptor is called.
let encode
    (fd: int -> int)
    (name: int -> byte array)
    (place: nativeint)
    (index: int)
    (command: MessageCommand)
    : Submission =
    let fill (start: int) (length: int) =
        let bytes = Mapped.span (place + nativeint start) length

        for at in 0 .. length - 1 do
            bytes[at] <- byte (index * 31 + at)

        uint64 place + uint64 start

    let header (first: int) (second: int) (nameLength: int) =
        let entries = place + vectorAt
        Mapped.write<int64> entries (int64 place)
        Mapped.write<int64> (entries + 8n) (int64 first)
        Mapped.write<int64> (entries + 16n) (int64 place + 24L)
        Mapped.write<int64> (entries + 24n) (int64 second)
        let header = place + headerAt
        Mapped.write<int64> header (if nameLength = 0 then 0L else int64 (place + nameAt))
        Mapped.write<int64> (header + 8n) (int64 nameLength)
        Mapped.write<int64> (header + 16n) (int64 entries)
        Mapped.write<int64> (header + 24n) 2L
        uint64 header

    let called (number: int) =
        let bytes = name number
        bytes.CopyTo(Mapped.span (place + nameAt) nameRoom)
        bytes.Length

    let way how = ways[how % ways.Length]
    let wish asks = wishes[asks % wishes.Length]

    let two (first: int) (second: int) =
        fill 0 first |> ignore
        fill 24 second |> ignore
        header first second 0

    match command with
    | SendTwo(file, first, second, how) -> Submission.sendMessage (fd file) (two first second) (way how)
    | ReceiveTwo(file, first, second, how) ->
        let flags = waysToReceive[how % waysToReceive.Length]
        Submission.receiveMessage (fd file) (header first second nameRoom) flags
    | SendNamed(file, length, how) ->
        fill 0 length |> ignore
        let number = fd file
        Submission.sendMessage number (header length 0 (called number)) (way how)
    | SendFree(file, length, how, asks) -> {
        Submission.sendZeroCopy (fd file) (fill 0 length) (uint32 length) (way how) with
            Priority = wish asks
      }
    | SendFreeTo(file, length, how) ->
        let number = fd file

        match called number with
        | 0 -> Submission.sendZeroCopy number (fill 0 length) (uint32 length) (way how)
        | nameLength ->
            let at = uint64 (place + nameAt)

            Submission.sendZeroCopyTo number (fill 0 length) (uint32 length) (way how) at (uint32 nameLength)
    | SendTwoFree(file, first, second, how, asks) -> {
        Submission.sendMessageZeroCopy (fd file) (two first second) (way how) with
            Priority = wish asks
      }
    | SendSlot(file, slot, start, length) ->
        Submission.sendZeroCopyFixed (fd file) (fill start length) (uint32 length) 0u (uint16 slot)
    | SendTwoSlot(file, slot, first, second) ->
        Submission.sendMessageZeroCopyFixed (fd file) (two first second) 0u (uint16 slot)

/// What recvmsg(2) has said in the memory at `place`: how long the name is, the flags, and the name of a Unix socket. Others
/// have numbers in it that differ from kernel to kernel.
let answer (place: nativeint) : byte array =
    let header = place + headerAt
    let length = Mapped.read<int>(header + 8n)
    let name = (Mapped.span (place + nameAt) nameRoom).ToArray()
    let isUnix = length > 0 && name[0] = 1uy

    [|
        yield! BitConverter.GetBytes length
        yield! BitConverter.GetBytes(Mapped.read<int>(header + 48n))
        yield! (if isUnix then name else Array.zeroCreate nameRoom)
    |]
