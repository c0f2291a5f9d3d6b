// What a file or a socket is asked in its own terms: URING_CMD. Decides what to do where a kernel does not know the question.
namespace Uring.FSharp

open System
open System.Buffers.Binary
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.Model

/// Commands that the file itself understands. man io_uring_prep_uring_cmd(3).
[<RequireQualifiedAccess>]
module Command =

    /// Room for what goes with a command.
    let private room = 16

    let private word (payload: ReadOnlySpan<byte>) =
        let padded = Span<byte>(Array.zeroCreate<byte> room)
        payload.CopyTo padded
        padded

    /// A command with up to 16 bytes as a request. What it points to has to stay where it is until the end.
    let private words (payload: ReadOnlyMemory<byte>) : struct (uint64 * uint64) =
        ArgumentOutOfRangeException.ThrowIfGreaterThan(payload.Length, room, nameof payload)
        let bytes = word payload.Span

        struct (BinaryPrimitives.ReadUInt64LittleEndian(Span.op_Implicit bytes),
                BinaryPrimitives.ReadUInt64LittleEndian(Span.op_Implicit (bytes.Slice 8)))

    /// As a request, of any descriptor of the process.
    let internal request (descriptor: int) (operation: uint32) (payload: ReadOnlyMemory<byte>) : Request =
        let struct (first, second) = words payload
        Request.bare (Submission.command descriptor operation first second)

    /// As a request: what `on` starts.
    let requestOn (descriptor: FileDescriptor) (operation: uint32) (payload: ReadOnlyMemory<byte>) : Request =
        let struct (first, second) = words payload
        Submission.command descriptor.Number operation first second |> Request.on descriptor

    /// As a request: what `within` starts.
    let requestWithin
        (descriptor: FileDescriptor)
        (buffer: RegisteredBuffer)
        (operation: uint32)
        (payload: ReadOnlyMemory<byte>)
        : Request =
        let struct (first, second) = words payload

        match RegisteredRequest.slotFor (nameof buffer) descriptor buffer with
        | ValueSome slot when Features.commandsOnBuffers (descriptor.Home :?> Loop).Plan -> {
            Request.on descriptor (Submission.commandFixed descriptor.Number operation first second slot) with
                // Pinned, so that its slot stays its own.
                Buffer = buffer.Memory
          }
        | ValueSome _
        | ValueNone -> raise (Fault.tooOldFor "commands on registered buffers" "6.1")

    /// The kernel, or this sort of socket, does not know the command.
    let private isUnknown (result: int) =
        result < 0
        && (match Errno.ofResult result with
            | Errno.EOPNOTSUPP
            | Errno.ENOSYS -> true
            // An open set: its own answer.
            | _ -> false)

    /// A direct descriptor has no number that a system call could be told: it gets one for the time of the call (6.8).
    let private byNumber
        (socket: FileDescriptor)
        (call: FileDescriptor -> int)
        (token: CancellationToken)
        : Task<int> =
        let loop = socket.Home :?> Loop

        task {
            if not socket.IsDirect then
                return call socket
            else
                let mutable install = FileRequest.install socket
                let! number = loop.Start(&install, token)
                let installed = loop.Own number

                try
                    return call installed
                finally
                    loop.CloseDescriptor installed |> ignore
        }

    /// Performs what the kernel may not have; `instead` does it by a system call. Negative results are as of a system call.
    let internal orElse
        (socket: FileDescriptor)
        (request: Request)
        (instead: FileDescriptor -> int)
        (token: CancellationToken)
        =
        let started = (socket.Home :?> Loop).TryStart(&request, token)

        task {
            let! result = started

            match Errno.ofResult result with
            | _ when result >= 0 -> return result
            | Errno.ECANCELED -> return raise (Fault.ofResult Opcode.Command null result token)
            | Errno.EBADF when socket.IsClosed ->
                return raise (Fault.ofResult Opcode.Command null result token)
            | _ when isUnknown result -> return! byNumber socket instead token
            | _ -> return raise (Fault.ofSocketCall "URING_CMD" result)
        }

    /// Reads an option by way of the ring; by a system call where the kernel cannot.
    let internal getOption
        (socket: FileDescriptor)
        (level: int)
        (name: int)
        (value: Memory<byte>)
        (token: CancellationToken)
        : Task<int> =
        let instead numbered = SocketOptions.getBytes numbered level name value.Span
        orElse socket (SocketRequest.getOption socket level name value) instead token

    /// Sets an option by way of the ring; by a system call where the kernel cannot.
    let internal setOption
        (socket: FileDescriptor)
        (level: int)
        (name: int)
        (value: ReadOnlyMemory<byte>)
        (token: CancellationToken)
        : Task<int> =
        let instead numbered =
            SocketOptions.setBytes numbered level name value.Span
            0

        orElse socket (SocketRequest.setOption socket level name value) instead token

    /// Reads an option that has a type.
    let internal read (option: SocketOption<'T>) (socket: FileDescriptor) : Uring<'T> =
        uring {
            let! token = Uring.token
            let value = Array.zeroCreate<byte> option.Size
            let! length = uring { return! getOption socket option.Level option.Name (Memory value) token }
            return option.Decode(ReadOnlySpan(value, 0, max 4 (min length option.Size)))
        }

    /// Sets an option that has a type.
    let internal write (option: SocketOption<'T>) (value: 'T) (socket: FileDescriptor) : Uring<unit> =
        uring {
            let! token = Uring.token
            let bytes = ReadOnlyMemory(option.Encode value)
            let! _ = uring { return! setOption socket option.Level option.Name bytes token }
            return ()
        }

    /// Sends a file a command of its own, with up to 16 bytes of `payload`, which the file gives a meaning (Linux 5.19). What
    /// they point to has to stay where it is until the end. The result is the file's. NotSupportedException when it
    /// has no such command.
    let send (handle: SafeHandle) (operation: uint32) (payload: ReadOnlyMemory<byte>) : Uring<int> =
        uring {
            let descriptor = Poll.hold handle

            try
                return! Program.single (request descriptor operation payload)
            finally
                handle.DangerousRelease()
        }

    /// As `send`, to a file or socket of ours (`file.Descriptor`), also a direct one.
    let on (descriptor: FileDescriptor) (operation: uint32) (payload: ReadOnlyMemory<byte>) : Uring<int> =
        Program.single (requestOn descriptor operation payload)

    /// As `on`, for a command that works on a registered buffer (Linux 6.1, PlatformNotSupportedException before): where in
    /// it, the payload says. IORING_URING_CMD_FIXED.
    let within
        (descriptor: FileDescriptor)
        (buffer: RegisteredBuffer)
        (operation: uint32)
        (payload: ReadOnlyMemory<byte>)
        : Uring<int> =
        Program.single (requestWithin descriptor buffer operation payload)
