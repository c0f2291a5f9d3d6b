// System.IO.Pipes' names for pipes of the simulated machine.
namespace System.IO.Pipes

open System
open System.IO
open System.Threading
open Microsoft.Win32.SafeHandles
open Uring.Model
open Uring.Simulation.World
open Uring.Tests.Machine.OneMachine

/// pipe(2): one end is the stream, the other a descriptor for somebody else.
[<Sealed>]
type AnonymousPipeServerStream(direction: PipeDirection) =
    inherit Stream()

    let own, client =
        inside (fun () ->
            let struct (reader, writer) = Pipe.create live.World.Choices
            let reader: OpenFile = reader
            let writer: OpenFile = writer
            if direction = PipeDirection.In then reader, writer else writer, reader)

    let number, clientNumber = inside (fun () -> describe own, describe client)
    let mutable isOpen = true
    let mutable clientIsOpen = true
    // Whoever has looked at it closes it: so the BCL's does.
    let mutable isExposed = false

    /// Its result, when it has one.
    let finish (attempt: unit -> int) : int =
        match await Timeout.InfiniteTimeSpan attempt with
        | result when result >= 0 -> result
        | result -> raise (IOException($"pipe: errno {-result}", -result))

    new() = new AnonymousPipeServerStream(PipeDirection.Out)

    member _.ClientSafePipeHandle =
        isExposed <- true
        new SafePipeHandle(nativeint clientNumber, false)

    member _.SafePipeHandle = new SafePipeHandle(nativeint number, false)

    member _.DisposeLocalCopyOfClientHandle() =
        if clientIsOpen then
            clientIsOpen <- false
            close clientNumber

    override _.CanRead = direction = PipeDirection.In
    override _.CanWrite = direction = PipeDirection.Out
    override _.CanSeek = false
    override _.Length = raise (NotSupportedException "A pipe has no length.")

    override _.Position
        with get () = raise (NotSupportedException "A pipe has no position.")
        and set _ = raise (NotSupportedException "A pipe has no position.")

    override _.Seek(_, _) = raise (NotSupportedException "A pipe has no position.")
    override _.SetLength _ = raise (NotSupportedException "A pipe has no length.")
    override _.Flush() = ()

    override _.Read(buffer: byte array, offset: int, count: int) : int =
        finish (fun () -> own.Read(buffer.AsSpan(offset, count), -1L))

    override _.Write(buffer: byte array, offset: int, count: int) =
        let mutable sent = 0

        while sent < count do
            sent <-
                sent + finish (fun () -> own.Write(ReadOnlySpan(buffer, offset + sent, count - sent), -1L))

    override this.Dispose(_: bool) =
        if isOpen then
            isOpen <- false
            close number
            if not isExposed then this.DisposeLocalCopyOfClientHandle()
