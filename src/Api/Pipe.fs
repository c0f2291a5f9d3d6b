// Pipes for F# programs: `Pipe.create` and what moves bytes through one. Each function is a cold program.
namespace Uring.FSharp

open System
open System.Threading.Tasks
open Uring.Driver

/// Both ends of a pipe. Dispose of it with `use!`, or of each end.
[<Sealed>]
type Pipe internal (reader: File, writer: File) =
    /// The end to read from (`File.readNext`, `File.readMany`).
    member _.Reader = reader
    /// The end to write to (`File.writeNext`).
    member _.Writer = writer

    interface IAsyncDisposable with
        member _.DisposeAsync() =
            ValueTask(
                task {
                    do! (writer :> IAsyncDisposable).DisposeAsync()
                    do! (reader :> IAsyncDisposable).DisposeAsync()
                }
            )

/// Pipes. Each function is a cold program.
[<RequireQualifiedAccess>]
module Pipe =

    /// The ends that a request for a pipe has made on this loop.
    let internal own
        (loop: Loop)
        (modes: PipeModes)
        (request: Request)
        : struct (FileDescriptor * FileDescriptor) =
        let isDirect = modes.HasFlag PipeModes.Direct
        let struct (reader, writer) = FileRequest.pipeEnds request
        struct (loop.OwnAs(isDirect, reader), loop.OwnAs(isDirect, writer))

    /// Makes a pipe (Linux 6.16; older kernels by a system call, except for direct descriptors). man pipe2(2).
    let createWith (modes: PipeModes) : Uring<Pipe> =
        uring {
            let request = FileRequest.pipe modes
            let! _ = Program.single request
            let! loop = Uring.loop
            let struct (reader, writer) = own loop modes request
            let file descriptor name = File(loop, descriptor, name, false)
            return Pipe(file reader "pipe (end to read)", file writer "pipe (end to write)")
        }

    /// Makes a pipe: a stream of bytes.
    let create: Uring<Pipe> = createWith PipeModes.None

    /// Closes both ends.
    let close (pipe: Pipe) : Uring<unit> = uring { do! (pipe :> IAsyncDisposable).DisposeAsync() }

    /// As `tee`, with modes. man tee(2).
    let teeAs (modes: SpliceModes) (source: File) (target: File) (length: int) : Uring<int> =
        Program.single (FileRequest.teeAs modes source.Descriptor target.Descriptor length)

    /// Copies up to `length` bytes from one pipe's end to read to another's end to write, and leaves them in the first. Waits
    /// for both; 0 when no more will come. man tee(2).
    let tee (source: File) (target: File) (length: int) : Uring<int> =
        Program.single (FileRequest.tee source.Descriptor target.Descriptor length)
