// The memories of a READV or WRITEV, or of a message, as one stretch of bytes. Source: man readv(2), struct iovec (16 bytes),
// man sendmsg(2), struct msghdr (56 bytes).
namespace Uring.Simulation.Kernel

open System
open Uring.Kernel
open Uring.Model

module internal Vectors =

    let has (opcode: Opcode) =
        opcode = Opcode.ReadVector
        || opcode = Opcode.WriteVector
        || opcode = Opcode.SendMessage
        || opcode = Opcode.SendMessageZeroCopy
        || opcode = Opcode.ReceiveMessage

    let private entries (vector: nativeint) (count: int) =
        Array.init count (fun index ->
            let entry = vector + nativeint (16 * index)
            struct (Mapped.read<nativeint> entry, int (Mapped.read<int64>(entry + 8n))))

    /// Notes what the array of struct iovec names: the array itself may go once the submission is taken.
    let copy (request: KernelRequest) : int =
        let count = int request.Submission.Length
        let vector = nativeint request.Submission.Address

        if count > Vector.Most then
            Errno.toResult Errno.EINVAL
        else
            request.Pieces <- entries vector count
            0

    /// Notes what the struct msghdr names: the memories, and for a message that is sent whom it is for. A multishot takes its
    /// memory elsewhere.
    let copyMessage (request: KernelRequest) : int =
        let header = nativeint request.Submission.Address
        let count = Mapped.read<int64>(header + 24n)
        let name = Mapped.read<nativeint> header

        if request.Has SqeFlags.BufferSelect then
            0
        elif count > int64 Vector.Most then
            Errno.toResult Errno.EMSGSIZE
        else
            request.Pieces <- entries (Mapped.read<nativeint>(header + 16n)) (int count)

            if request.Opcode <> Opcode.ReceiveMessage && name <> 0n then
                request.Address <- (Mapped.span name (Mapped.read<int>(header + 8n))).ToArray()

            0

    /// Bytes that they have together.
    let length (request: KernelRequest) = request.Pieces |> Array.sumBy (fun struct (_, length) -> length)

    /// What they hold.
    let gather (request: KernelRequest) : byte array =
        let bytes = Array.zeroCreate<byte>(length request)
        let mutable at = 0

        for struct (address, length) in request.Pieces do
            (Mapped.span address length).CopyTo(bytes.AsSpan at)
            at <- at + length

        bytes

    /// Fills them with the first `count` bytes, behind those that have moved before.
    let scatter (memory: SimulatedMemory) (request: KernelRequest) (bytes: byte array) (count: int) =
        let mutable behind = request.Moved
        let mutable at = 0

        for struct (address, length) in request.Pieces do
            let start = min length behind
            behind <- behind - start
            let part = min (length - start) (max 0 (count - at))

            if part > 0 then
                memory.CheckWrite(uint64 address + uint64 start, part, string request.Opcode)
                bytes.AsSpan(at, part).CopyTo(Mapped.span (address + nativeint start) part)

            at <- at + part
