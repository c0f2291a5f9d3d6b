// A pipe and its two ends. Source: man pipe(7); 64 KiB, writes of up to 4 KiB are all or nothing.
namespace Uring.Simulation.World

open System
open Uring.Model
open Uring.Simulation

/// What the two ends share.
///
///   PipeWriter --Write--> [ at most 64 KiB ] --Read, Peek and Drop--> PipeReader
///   released: the reader finds the end      released: the writer gets EPIPE
///
/// Laws
///  1. bytes come out as they went in: in order, none lost, none twice
///  2. it never holds more than 64 KiB, and refuses only what does not fit
///  3. a write of up to 4 KiB is whole or refused, and never cut
///  4. the end is read after the last byte, and only when the writer has gone
///  5. writing fails with EPIPE when the reader has gone, and only then
///  6. whoever waits at the other end hears of every change
///  7. without faults it takes and gives as much as it can
[<Sealed>]
type internal PipeState(choices: Choices) =
    /// PIPE_BUF: writes up to here do not come in pieces.
    member _.Atomic = 4096
    member val Bytes = ByteQueue 65536
    member _.Choices = choices
    member val Reader: OpenFile | null = null with get, set
    member val Writer: OpenFile | null = null with get, set
    /// Without one there has not been an end, only a beginning that is still to come: a FIFO that was opened to read.
    member val HadWriter = true with get, set

    static member Tell(end': OpenFile | null, events: PollEvents) =
        match end' with
        | null -> ()
        | file -> file.Changed events

[<Sealed>]
type internal PipeReader(pipe: PipeState, name: string) =
    inherit OpenFile()
    let isOver () = isNull pipe.Writer && pipe.HadWriter

    override _.Name = name
    override _.MayWrite = false

    override _.Events =
        (if pipe.Bytes.Count > 0 then PollEvents.Readable else PollEvents.None)
        ||| (if isOver () then PollEvents.HangUp else PollEvents.None)

    override _.Read(target, _) =
        if target.Length = 0 then
            0
        elif pipe.Bytes.Count > 0 then
            let length = pipe.Choices.Shorten(min target.Length pipe.Bytes.Count)
            let taken = pipe.Bytes.Dequeue(target.Slice(0, length))
            PipeState.Tell(pipe.Writer, PollEvents.Writable)
            taken
        elif isOver () then
            0
        else
            Errno.toResult Errno.EAGAIN

    override _.Write(_, _) = Errno.toResult Errno.EBADF

    /// For splice(2): 0 at the end, -EAGAIN when there is nothing now.
    member _.Peek(target: Span<byte>) : int =
        if pipe.Bytes.Count > 0 then pipe.Bytes.Peek target
        elif isOver () then 0
        else Errno.toResult Errno.EAGAIN

    /// Takes what was spliced.
    member _.Drop(length: int) =
        pipe.Bytes.Drop length
        PipeState.Tell(pipe.Writer, PollEvents.Writable)

    override _.Released() =
        pipe.Reader <- null
        PipeState.Tell(pipe.Writer, PollEvents.None)

[<Sealed>]
type internal PipeWriter(pipe: PipeState, name: string) =
    inherit OpenFile()

    override _.Name = name
    override _.MayRead = false

    override _.Events =
        (if pipe.Bytes.Free >= pipe.Atomic then PollEvents.Writable else PollEvents.None)
        ||| (if isNull pipe.Reader then PollEvents.Error else PollEvents.None)

    override _.Write(source, _) =
        if source.Length = 0 then
            0
        elif isNull pipe.Reader then
            Errno.toResult Errno.EPIPE
        elif source.Length <= pipe.Atomic && source.Length > pipe.Bytes.Free then
            Errno.toResult Errno.EAGAIN
        elif source.Length > 0 && pipe.Bytes.Free = 0 then
            Errno.toResult Errno.EAGAIN
        else
            let length =
                if source.Length > pipe.Atomic then
                    pipe.Choices.Shorten(min source.Length pipe.Bytes.Free)
                else
                    source.Length

            let taken = pipe.Bytes.Enqueue(source.Slice(0, length))

            if taken > 0 then PipeState.Tell(pipe.Reader, PollEvents.Readable)

            taken

    override _.Read(_, _) = Errno.toResult Errno.EBADF

    /// The two are ends of one pipe.
    member _.IsOf(reader: OpenFile) =
        match pipe.Reader with
        | null -> false
        | own -> Object.ReferenceEquals(own, reader)

    /// Nobody reads any more.
    member _.IsBroken = isNull pipe.Reader

    /// Bytes that it would take now.
    member _.Room = pipe.Bytes.Free

    override _.Released() =
        pipe.Writer <- null
        PipeState.Tell(pipe.Reader, PollEvents.None)

[<RequireQualifiedAccess>]
module internal Pipe =

    /// The read end and the write end of a new pipe.
    let create (choices: Choices) : struct (PipeReader * PipeWriter) =
        let state = PipeState choices
        let reader = PipeReader(state, "pipe (read end)")
        let writer = PipeWriter(state, "pipe (write end)")
        state.Reader <- reader
        state.Writer <- writer
        struct (reader, writer)
