// An open file description: what descriptors refer to. Says what can be done now, and tells who waits when that changes.
// Results are as the system call's: bytes, or a negative errno; -EAGAIN means that it would have to wait.
namespace Uring.Simulation.World

open System
open System.Collections.Generic
open Uring.Model

/// Who waits for a file to become ready: an operation that was armed on it.
type internal IWaiter =
    /// Something has changed: these events, or anything (None: look again). Called while the change is made, so it only
    /// takes note.
    abstract Woken: events: PollEvents -> unit

/// An open file: a regular file, a directory, an end of a pipe, a socket, a ring.
[<AbstractClass>]
type internal OpenFile() =
    let waiters = LinkedList<IWaiter>()
    let mutable references = 1

    /// "pipe (read end)", "tcp 127.0.0.1:4000", "/data/log": for traces and reports.
    abstract Name: string

    /// What poll(2) would say now.
    abstract Events: PollEvents

    /// True for what poll(2) can wait for; a regular file is always ready, and its operations never say EAGAIN.
    abstract CanPoll: bool
    default _.CanPoll = true

    /// It was opened to be read: FMODE_READ.
    abstract MayRead: bool
    default _.MayRead = true

    /// It was opened to be written: FMODE_WRITE.
    abstract MayWrite: bool
    default _.MayWrite = true

    /// read(2) or, for offset >= 0, pread(2).
    abstract Read: buffer: Span<byte> * offset: int64 -> int
    default _.Read(_, _) = Errno.toResult Errno.EINVAL

    /// write(2) or, for offset >= 0, pwrite(2).
    abstract Write: buffer: ReadOnlySpan<byte> * offset: int64 -> int
    default _.Write(_, _) = Errno.toResult Errno.EINVAL

    /// The last descriptor and the last operation have let go of it.
    abstract Released: unit -> unit
    default _.Released() = ()

    /// Descriptors and operations that refer to it.
    member _.References = references

    member _.Retain() = references <- references + 1

    member this.Release() =
        references <- references - 1
        if references = 0 then this.Released()

    member _.Waiters = waiters

    /// Readiness has changed: these events are new, or anything may be (None). Those who wait hear of it, in their order.
    member _.Changed(events: PollEvents) =
        let mutable node = waiters.First

        while not (isNull node) do
            let next = (nonNull node).Next
            (nonNull node).Value.Woken events
            node <- next

/// A socket. Addresses are sockaddr bytes, as the application passes them.
[<AbstractClass>]
type internal SocketFile() =
    inherit OpenFile()

    /// SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_SEQPACKET 5.
    abstract Kind: int
    /// AF_UNIX 1, AF_INET 2, AF_INET6 10.
    abstract Family: int
    abstract Bind: address: byte array -> int
    abstract Listen: backlog: int -> int
    /// The new connection, or the negative errno.
    abstract Accept: unit -> struct (SocketFile | null * int)
    /// 0; -EAGAIN while the handshake is on its way (then ask again when the file is ready).
    abstract Connect: address: byte array -> int
    /// `target` is the address of sendto(2), or empty. Flags as in send(2).
    abstract Send: buffer: ReadOnlySpan<byte> * flags: int * target: byte array -> int

    /// Flags as in recv(2). `source` is the sender's address, for datagrams.
    abstract Receive:
        buffer: Span<byte> * flags: int * source: byref<byte array> * isTruncated: byref<bool> -> int

    /// 0 receiving, 1 sending, 2 both.
    abstract Shutdown: how: int -> int
    /// Its own address, or its peer's; empty when there is none.
    abstract Address: ofPeer: bool -> byte array
    /// It takes connections.
    abstract IsListening: bool
    default _.IsListening = false
    /// There is more to receive, or to accept: what the flag SOCK_NONEMPTY of a completion says.
    abstract HasMore: bool
    /// Bytes that can be received (SIOCINQ), or that the peer has not acknowledged (SIOCOUTQ). Unix sockets know no such
    /// question.
    abstract Queued: outgoing: bool -> int
    /// Options that were set, by level and name: remembered, and otherwise without effect.
    member val Options = Dictionary<struct (int * int), byte array>()

    /// Drops the connection at once: connect(2) to AF_UNSPEC.
    abstract Abort: unit -> unit
