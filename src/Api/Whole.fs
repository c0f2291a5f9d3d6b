// Transfers of all bytes. One stretch of memory goes on in the driver (Request.toward); several of them, and a file's own
// position, need a new request for each step. What breaks them off tells how far they were.
namespace Uring.FSharp

open System
open System.IO
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.Model

[<RequireQualifiedAccess>]
module internal Whole =

    let private loopOf (target: FileDescriptor) = target.Home :?> Loop

    /// Nothing is submitted for an empty buffer: of a socket it would wait.
    let effect (request: Request) : Uring<unit> =
        if request.Buffer.IsEmpty then
            Uring.result ()
        else
            Program.effect (Request.toward Goal.All request)

    /// All of it, or as much as there is: the number of bytes.
    let most (request: Request) : Uring<int> =
        if request.Buffer.IsEmpty then
            Uring.result 0
        else
            Program.single (Request.toward Goal.Most request)

    // One step after the other; `next` says what is submitted when so many bytes are done.
    let private start
        goal
        (target: FileDescriptor)
        (memories: MemoryVector)
        (next: int64 -> Request)
        (token: CancellationToken)
        : Task<int64> =
        task {
            let mutable moved = 0L
            let mutable verdict = if memories.IsDone then TransferVerdict.Complete else TransferVerdict.Again

            try
                while verdict = TransferVerdict.Again do
                    let request = next moved
                    let step = (loopOf target).Start(&request, token)
                    let! count = step.ConfigureAwait Hosting.StaysOnLoop
                    verdict <- Transfer.next goal (memories.Length - moved) count
                    memories.Advance count
                    moved <- moved + int64 count

                    if verdict = TransferVerdict.Stopped then
                        raise (Fault.stopped request.Submission.Opcode target.Name moved)
            with reason ->
                Fault.rethrowTransferred moved reason

            return moved
        }

    /// From any thread: writes all of the memories at `offset`, with these flags.
    let startWriting flags (file: FileDescriptor) (memories: MemoryVector) (offset: uint64) token =
        let next moved =
            VectorRequest.writeAt file (offset + uint64 moved) memories |> FileRequest.transferring flags

        start Goal.All file memories next token

    /// From any thread: fills the memories from `offset` on, as the goal says, with these flags.
    let startReading goal flags (file: FileDescriptor) (memories: MemoryVector) (offset: uint64) token =
        let next moved =
            VectorRequest.readAt file (offset + uint64 moved) memories |> FileRequest.transferring flags

        start goal file memories next token

    /// From any thread: sends all of the memories.
    let startSending (socket: FileDescriptor) (memories: MemoryVector) token =
        start Goal.All socket memories (fun _ -> SocketRequest.sendVector socket memories.Left) token

    /// From any thread: fills all of the memories.
    let startReceiving (socket: FileDescriptor) (memories: MemoryVector) token =
        start Goal.All socket memories (fun _ -> SocketRequest.receiveVector socket memories.Left) token

    // A program, of which each run begins anew.
    let private anew (memories: MemoryVector) (start: MemoryVector -> CancellationToken -> Task<int64>) =
        Program.ofScope (fun scope -> ValueTask<int64>(start (memories.Restarted()) scope.Token))

    /// Writes all of the memories at `offset`, with these flags.
    let writeVector flags (file: FileDescriptor) (memories: MemoryVector) (offset: uint64) : Uring<unit> =
        anew memories (fun memories -> startWriting flags file memories offset) |> Uring.discard

    /// Fills the memories from `offset` on, or until the file ends, with these flags: the number of bytes.
    let readVector flags (file: FileDescriptor) (memories: MemoryVector) (offset: uint64) : Uring<int64> =
        anew memories (fun memories -> startReading Goal.Most flags file memories offset)

    /// Sends all of the memories.
    let sendVector (socket: FileDescriptor) (memories: MemoryVector) : Uring<unit> =
        anew memories (startSending socket) |> Uring.discard

    /// Fills all of the memories.
    let receiveVector (socket: FileDescriptor) (memories: MemoryVector) : Uring<unit> =
        anew memories (startReceiving socket) |> Uring.discard

    // A regular file takes less only when it has no room, or its disk fails on the way, and then the kernel does not move its
    // position (6.18): what is written next would overwrite what was written. Nor does it say which of the two; mostly it
    // is room.
    let private throwIfRegular (file: FileDescriptor) (written: int) (whole: int) (token: CancellationToken) =
        task {
            if not file.IsDirect then
                let request = FileRequest.statusOf file
                let asking = (loopOf file).Start(&request, token)
                let! _ = asking.ConfigureAwait Hosting.StaysOnLoop
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

    /// From any thread: writes all of `buffer` at the file's own position.
    let startNext
        (file: FileDescriptor)
        (buffer: ReadOnlyMemory<byte>)
        (token: CancellationToken)
        : Task<unit> =
        task {
            let mutable written = 0

            try
                while written < buffer.Length do
                    let request = FileRequest.writeNext file (buffer.Slice written)
                    let step = (loopOf file).Start(&request, token)
                    let! count = step.ConfigureAwait Hosting.StaysOnLoop
                    let verdict = Transfer.next Goal.All (int64 (buffer.Length - written)) count
                    written <- written + count

                    match verdict with
                    | TransferVerdict.Again -> do! throwIfRegular file written buffer.Length token
                    | TransferVerdict.Stopped ->
                        raise (Fault.stopped request.Submission.Opcode file.Name (int64 written))
                    | TransferVerdict.Complete
                    | TransferVerdict.Failed -> ()
            with reason ->
                Fault.rethrowTransferred (int64 written) reason
        }

    /// Writes all of `buffer` at the file's own position.
    let writeNext (file: FileDescriptor) (buffer: ReadOnlyMemory<byte>) : Uring<unit> =
        Program.ofScope (fun scope -> ValueTask<unit>(startNext file buffer scope.Token))
