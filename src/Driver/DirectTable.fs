// The ring's own table of descriptors: what lives there has no number in the process. Registers it; the kernel chooses
// the slots. Source: man io_uring_registered_files(7).
namespace Uring.Driver

open System
open System.Buffers.Binary
open Uring.Kernel
open Uring.Model

[<RequireQualifiedAccess>]
module internal DirectTable =

    /// struct io_uring_rsrc_register, 32 bytes: count @0, flags @4 (1: all slots empty). Tables of buffers have the same.
    let sparse (count: int) =
        let argument = Array.zeroCreate<byte> 32
        BinaryPrimitives.WriteInt32LittleEndian(argument.AsSpan 0, count)
        BinaryPrimitives.WriteInt32LittleEndian(argument.AsSpan 4, 1)
        argument

    let private refused (count: int) (errno: Errno) : exn =
        let remedy =
            match errno with
            | Errno.EMFILE ->
                "It may not have more slots than the process may have descriptors: raise `ulimit -n`, or ask for fewer."
            | Errno.EINVAL -> "Tables of empty slots need Linux 5.19."
            // An open set: the name of the error has to do.
            | _ -> "See man io_uring_register(2), IORING_REGISTER_FILES2."

        NotSupportedException(
            String.Concat(
                String.Concat("The kernel refused a table of ", count.ToString(), " direct descriptors ("),
                errno.ToString(),
                "). ",
                remedy
            )
        )

    /// struct io_uring_file_index_range: where the kernel looks for free slots.
    let private reserve (ring: Ring) (count: int) (reserved: int) =
        let argument = Array.zeroCreate<byte> 16
        BinaryPrimitives.WriteInt32LittleEndian(argument.AsSpan 0, reserved)
        BinaryPrimitives.WriteInt32LittleEndian(argument.AsSpan 4, count - reserved)
        let result = ring.Kernel.Register(ring.Descriptor, RegisterOpcode.FileRange, argument.AsSpan(), 0u)

        if Errno.isError result then
            raise (
                NotSupportedException(
                    String.Concat(
                        "The kernel would not keep ",
                        reserved.ToString(),
                        " direct descriptors for the program to choose: that needs Linux 6.0. Ask for no ReservedDescriptors."
                    )
                )
            )

    /// On the loop's thread. Raises when the kernel has no such table. `reserved` slots are the program's to choose.
    let register (ring: Ring) (count: int) (reserved: int) =
        if count > 0 then
            let argument = sparse count

            let result =
                ring.Kernel.Register(
                    ring.Descriptor,
                    RegisterOpcode.Files,
                    argument.AsSpan(),
                    uint32 argument.Length
                )

            if Errno.isError result then raise (refused count (Errno.ofResult result))

            if reserved > 0 then reserve ring count reserved
