// Transfers that come short go on: all of a buffer is written, or sent. What breaks them off tells how far they were.
namespace Uring.FSharp

open System
open System.IO
open Uring.Driver
open Uring.Model

[<RequireQualifiedAccess>]
module internal Whole =

    let private noneTaken (file: FileDescriptor) : exn =
        let name =
            match file.Name with
            | null -> "the file"
            | name -> name

        IOException(String.Concat("'", name, "' took none of the bytes that were left to write."))

    /// Writes all of `buffer` at `offset`.
    let write (file: FileDescriptor) (buffer: ReadOnlyMemory<byte>) (offset: int64) : Uring<unit> =
        uring {
            let mutable written = 0

            try
                while written < buffer.Length do
                    let request = FileRequest.write file (buffer.Slice written) (offset + int64 written)
                    let! count = Program.single request
                    if count = 0 then raise (noneTaken file)
                    written <- written + count
            with reason ->
                Fault.rethrowTransferred (int64 written) reason
        }

    /// Writes all of a buffer of so many bytes: `request` says how the rest is written, from so many on.
    let private writeRest (file: FileDescriptor) (length: int) (request: int -> Request) : Uring<unit> =
        uring {
            let mutable written = 0

            try
                while written < length do
                    let! count = Program.single (request written)
                    if count = 0 then raise (noneTaken file)
                    written <- written + count
            with reason ->
                Fault.rethrowTransferred (int64 written) reason
        }

    /// As `write`, with these flags.
    let writeAs flags (file: FileDescriptor) (buffer: ReadOnlyMemory<byte>) (offset: int64) : Uring<unit> =
        writeRest file buffer.Length (fun written ->
            FileRequest.write file (buffer.Slice written) (offset + int64 written)
            |> FileRequest.transferring flags)

    // A regular file takes less only when it has no room, or its disk fails on the way, and then the kernel does not move its
    // position (6.18): what is written next would overwrite what was written. Nor does it say which of the two; mostly it
    // is room.
    let private noRoom (file: FileDescriptor) (written: int) (whole: int) : Uring<unit> =
        uring {
            if written < whole && not file.IsDirect then
                let request = FileRequest.statusOf file
                let! _ = Program.single request
                let status = FileStatus.ofBytes (Memory.op_Implicit(request.Buffer).Span)

                if status.Kind = FileKind.Regular then
                    let counts = String.Concat(written.ToString(), " of ", whole.ToString())

                    let message =
                        String.Concat(
                            "The file took ",
                            counts,
                            " bytes and no more: it has no room (ENOSPC), or its disk has failed."
                        )

                    raise (IOException(message, int Errno.ENOSPC))
        }

    /// Writes all of `buffer` at the file's own position.
    let writeNext (file: FileDescriptor) (buffer: ReadOnlyMemory<byte>) : Uring<unit> =
        uring {
            let mutable written = 0

            try
                while written < buffer.Length do
                    let! count = Program.single (FileRequest.writeNext file (buffer.Slice written))
                    if count = 0 then raise (noneTaken file)
                    written <- written + count
                    do! noRoom file written buffer.Length
            with reason ->
                Fault.rethrowTransferred (int64 written) reason
        }

    /// Writes all of registered memory at `offset`, with these flags.
    let writeRegistered
        flags
        (file: FileDescriptor)
        (memory: RegisteredMemory)
        (offset: int64)
        : Uring<unit> =
        writeRest file memory.Length (fun written ->
            RegisteredRequest.write
                file
                (memory.Slice(written, memory.Length - written))
                (offset + int64 written)
            |> FileRequest.transferring flags)

    /// Writes all of the memories at `offset`, with these flags.
    let writeVector flags (file: FileDescriptor) (memories: MemoryVector) (offset: uint64) : Uring<unit> =
        uring {
            let left = memories.Restarted()
            let mutable written = 0L

            try
                while not left.IsDone do
                    let request = VectorRequest.writeAt file (offset + uint64 written) left
                    let! count = Program.single (FileRequest.transferring flags request)
                    if count = 0 then raise (noneTaken file)
                    left.Advance count
                    written <- written + int64 count
            with reason ->
                Fault.rethrowTransferred written reason
        }

    /// Sends all of `buffer`.
    let send (socket: FileDescriptor) (buffer: ReadOnlyMemory<byte>) : Uring<unit> =
        uring {
            let mutable sent = 0

            try
                while sent < buffer.Length do
                    let! count = Program.single (SocketRequest.send socket (buffer.Slice sent))
                    sent <- sent + count
            with reason ->
                Fault.rethrowTransferred (int64 sent) reason
        }

    /// The peer has finished before all was there.
    let ended (received: int64) : exn =
        EndOfStreamException(
            String.Concat(
                "The peer finished after ",
                received.ToString(),
                " bytes, before the buffer was full."
            )
        )

    /// Fills `buffer`. MSG_WAITALL: the kernel goes on from segment to segment by itself, so that one submission does it; what it
    /// lets go of too early is submitted again.
    let receive (socket: FileDescriptor) (buffer: Memory<byte>) : Uring<unit> =
        uring {
            let mutable received = 0

            try
                while received < buffer.Length do
                    let rest = buffer.Slice received
                    let! count = Program.single (SocketRequest.receiveWith ReceiveFlags.WaitAll socket rest)
                    if count = 0 then raise (ended (int64 received))
                    received <- received + count
            with reason ->
                Fault.rethrowTransferred (int64 received) reason
        }

    /// Sends all of the memories.
    let sendVector (socket: FileDescriptor) (memories: MemoryVector) : Uring<unit> =
        uring {
            let left = memories.Restarted()
            let mutable sent = 0L

            try
                while not left.IsDone do
                    let! count = Program.single (SocketRequest.sendVector socket left.Left)
                    left.Advance count
                    sent <- sent + int64 count
            with reason ->
                Fault.rethrowTransferred sent reason
        }

    /// Fills all of the memories.
    let receiveVector (socket: FileDescriptor) (memories: MemoryVector) : Uring<unit> =
        uring {
            let left = memories.Restarted()
            let mutable received = 0L

            try
                while not left.IsDone do
                    let! count = Program.single (SocketRequest.receiveVector socket left.Left)
                    if count = 0 then raise (ended received)
                    left.Advance count
                    received <- received + int64 count
            with reason ->
                Fault.rethrowTransferred received reason
        }
