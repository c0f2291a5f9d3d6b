// The memories of a READV or WRITEV, as one stretch of bytes. Source: man readv(2), struct iovec (16 bytes).
namespace Uring.Simulation.Kernel

open System
open Uring.Kernel
open Uring.Model

module internal Vectors =

    let has (opcode: Opcode) = opcode = Opcode.ReadVector || opcode = Opcode.WriteVector

    /// Notes what the array of struct iovec names: the array itself may go once the submission is taken.
    let copy (request: KernelRequest) : int =
        let count = int request.Submission.Length
        let vector = nativeint request.Submission.Address

        if count > Vector.Most then
            Errno.toResult Errno.EINVAL
        else
            request.Pieces <-
                Array.init count (fun index ->
                    let entry = vector + nativeint (16 * index)
                    struct (Mapped.read<nativeint> entry, int (Mapped.read<int64>(entry + 8n))))

            0

    let length (request: KernelRequest) = request.Pieces |> Array.sumBy (fun struct (_, length) -> length)

    /// What they hold.
    let gather (request: KernelRequest) : byte array =
        let bytes = Array.zeroCreate<byte>(length request)
        let mutable at = 0

        for struct (address, length) in request.Pieces do
            (Mapped.span address length).CopyTo(bytes.AsSpan at)
            at <- at + length

        bytes

    /// Fills them with the first `count` bytes.
    let scatter (memory: SimulatedMemory) (request: KernelRequest) (bytes: byte array) (count: int) =
        let mutable at = 0

        for struct (address, length) in request.Pieces do
            let part = min length (max 0 (count - at))

            if part > 0 then
                memory.CheckWrite(uint64 address, part, "ReadVector")
                bytes.AsSpan(at, part).CopyTo(Mapped.span address part)

            at <- at + part
