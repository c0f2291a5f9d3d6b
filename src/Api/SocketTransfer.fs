// Sending and receiving with flags and hints, and until all of it is done.
namespace Uring.FSharp

open System
open System.Collections.Generic
open Uring.Driver
open Uring.Model

/// What goes beyond `Socket.send` and `Socket.receive`. Each function is a cold program.
[<RequireQualifiedAccess>]
module SocketTransfer =

    /// Sends `buffer`, as the flags say. The result can be fewer bytes than asked for. Allocates nothing. man send(2).
    let send (flags: SendFlags) (socket: Socket) (buffer: ReadOnlyMemory<byte>) : Uring<int> =
        Program.single (SocketRequest.sendWith flags socket.Descriptor buffer)

    /// Receives up to `buffer.Length` bytes, as the flags say; 0 when the peer has finished. Allocates nothing. man recv(2).
    let receive (flags: ReceiveFlags) (socket: Socket) (buffer: Memory<byte>) : Uring<int> =
        Program.single (SocketRequest.receiveWith flags socket.Descriptor buffer)

    /// Receives up to `buffer.Length` bytes (1 GiB at most), and whether there was more when it completed (Linux 5.19). False
    /// also where a socket does not say: over Unix sockets, and on older kernels. TCP says so of its end, too.
    let receiveHinted
        (flags: ReceiveFlags)
        (socket: Socket)
        (buffer: Memory<byte>)
        : Uring<struct (int * bool)> =
        Uring.map Hint.ofResult (Program.single (SocketRequest.receiveHinted flags socket.Descriptor buffer))

    /// As `receiveHinted`, after one that has said whether there was more. If there was, it looks at once; else it waits first,
    /// which saves an attempt that would find nothing: for who asks one connection again and again. Many connections, and no
    /// buffer for those that are idle: `Socket.receiveMany`.
    let receiveAgain (hadMore: bool) (socket: Socket) (buffer: Memory<byte>) : Uring<struct (int * bool)> =
        receiveHinted (if hadMore then ReceiveFlags.None else ReceiveFlags.PollFirst) socket buffer

    /// Fills `buffer`. EndOfStreamException when the peer finishes before that; when it fails or is cancelled,
    /// `Fault.transferred` tells how many bytes are there. An empty buffer is full: that waits for nothing.
    let receiveExactly (socket: Socket) (buffer: Memory<byte>) : Uring<unit> =
        Whole.effect (SocketRequest.receiveWith ReceiveFlags.WaitAll socket.Descriptor buffer)

    /// Fills the buffers in their order, in the same way. The list is copied.
    let receiveExactlyVector (socket: Socket) (buffers: IReadOnlyList<Memory<byte>>) : Uring<unit> =
        Whole.receiveVector socket.Descriptor (MemoryVector.Of buffers)

    /// Sends all of the buffers in their order, in as few steps as the kernel lets it: 1024 of them each. When it fails or is
    /// cancelled, `Fault.transferred` tells how many bytes had been sent. The list is copied.
    let sendVector (socket: Socket) (buffers: IReadOnlyList<ReadOnlyMemory<byte>>) : Uring<unit> =
        Whole.sendVector socket.Descriptor (MemoryVector.Of buffers)

    /// Takes one connection, as the flags say, and whether another waited when it completed (Linux 6.10, TCP). False also where
    /// the kernel does not say.
    let accept (flags: AcceptFlags) (listener: Socket) : Uring<struct (Socket * bool)> =
        uring {
            let request = {
                SocketRequest.acceptWith flags (SocketRequest.acceptFrom listener.Descriptor) with
                    TellsMore = true
            }

            let! result = Program.single request
            let struct (number, hasMore) = Hint.ofResult result
            let peer = SocketRequest.peerOf request
            return struct (Socket(listener.Loop, listener.Loop.Own number, listener.Family, peer), hasMore)
        }

    /// Takes connections with one submission (Linux 5.19), with flags. With `AcceptFlags.DontWait` it takes those that wait,
    /// and fails with EAGAIN (WouldBlock) when there is none: PlatformNotSupportedException before Linux 6.10.
    let acceptMany (flags: AcceptFlags) (listener: Socket) : Uring<UringStream<Socket>> =
        Socket.acceptManyAs flags listener
