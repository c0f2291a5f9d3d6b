// Messages with their sender: recvmsg, and the multishot form, which lays everything out in a provided buffer.
// Source: reference section 3.7, man io_uring_prep_recvmsg_multishot(3), struct msghdr (56 bytes).
// What is sent goes by Transfers.
namespace Uring.Simulation.Kernel

open System
open Uring.Kernel
open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

[<Sealed>]
type internal Messages(memory: SimulatedMemory) =

    let headerLength = 16
    // MSG_TRUNC.
    let truncated = 0x20u

    let nameLength header = int (Mapped.read<uint32>(header + 8n))
    let controlLength header = int (Mapped.read<int64>(header + 40n))

    let copyName (source: byte array) (target: nativeint) (room: int) =
        source.AsSpan(0, min room source.Length).CopyTo(Mapped.span target room)

    let receiveOne (request: KernelRequest) (socket: SocketFile) : int =
        let header = nativeint request.Submission.Address
        let flags = int request.Submission.OpFlags
        let all = (request.Submission.OpFlags &&& Completing.waitAll) <> 0u && socket.Kind = 1
        let bytes = Array.zeroCreate<byte>(Vectors.length request - request.Moved)
        let mutable source: byte array = [||]
        let mutable isTruncated = false
        let result = socket.Receive(Span bytes, flags, &source, &isTruncated)
        request.IsCut <- isTruncated

        if result >= 0 then
            // The result can be the real length of what was cut.
            Vectors.scatter memory request bytes (min result bytes.Length)

            let name = Mapped.read<nativeint> header

            if name <> 0n then
                copyName source name (nameLength header)
                Mapped.write<uint32> (header + 8n) (uint32 source.Length)

            Mapped.write<int64> (header + 40n) 0L
            Mapped.write<uint32> (header + 48n) (if isTruncated then truncated else 0u)

        if all && result > 0 && request.Moved + result < Vectors.length request then
            request.Moved <- request.Moved + result
            Outcome.again
        elif result = Outcome.again || (result < 0 && request.Moved = 0) then
            result
        else
            request.Flags <- Transfers.NonEmpty socket
            request.Moved + max 0 result

    /// Header, name, control data, payload: all in one provided buffer.
    let intoBuffer (request: KernelRequest) (socket: SocketFile) (group: Group) : int =
        let header = nativeint request.Submission.Address
        let names = nameLength header
        let before = headerLength + names + controlLength header
        let provided = group.Peek 0

        if provided.Length < before then
            Errno.toResult Errno.EFAULT
        else
            memory.CheckWrite(provided.Address, provided.Length, "ReceiveMessage")
            let start = nativeint provided.Address
            let room = Mapped.span (start + nativeint before) (provided.Length - before)
            let mutable source: byte array = [||]
            let mutable isTruncated = false

            let result =
                socket.Receive(room, int (request.Submission.OpFlags ||| truncated), &source, &isTruncated)

            if result < 0 then
                result
            else
                let kept = min result room.Length
                Mapped.write<uint32> start (uint32 source.Length)
                Mapped.write<uint32> (start + 4n) 0u
                Mapped.write<uint32> (start + 8n) (uint32 result)
                Mapped.write<uint32> (start + 12n) (if isTruncated then truncated else 0u)
                copyName source (start + nativeint headerLength) names
                request.Flags <- group.Take(before + kept)
                before + kept

    let rec shots (ring: KernelRing) (request: KernelRequest) (socket: SocketFile) : int =
        match ring.Groups.TryGetValue request.Submission.Buffer with
        | true, group ->
            group.Receives()

            if group.Available = 0 then
                Errno.toResult Errno.ENOBUFS
            else
                let result = intoBuffer request socket group
                let isMultishot = (request.Submission.Priority &&& OpFlags.ReceiveMultishot) <> 0us

                if result < 0 then
                    request.Flags <- CqeFlags.None
                    result
                elif isMultishot && ring.TryMore(request, result, request.Flags) then
                    request.Flags <- CqeFlags.None
                    shots ring request socket
                else
                    result
        | _ -> Errno.toResult Errno.ENOBUFS

    /// recvmsg(2).
    member _.Receive(ring: KernelRing, request: KernelRequest, file: OpenFile) : int =
        match file with
        | :? SocketFile as socket when request.Has SqeFlags.BufferSelect -> shots ring request socket
        | :? SocketFile as socket -> receiveOne request socket
        | _ -> Errno.toResult Errno.ENOTSOCK
