// Sockets for F# programs: `Socket.listen`, `Socket.connect`, `Socket.send`, ... Each function is a cold program.
// Length: users look for all that is done with a socket in one module, and an F# module is one file.
namespace Uring.FSharp

open System
open System.Runtime.CompilerServices
open System.Net
open System.Net.Sockets
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.Model

/// A socket, and the loop that it belongs to. Dispose of it with `use!`.
[<Sealed>]
type Socket internal (loop: Loop, descriptor: FileDescriptor, family: AddressFamily, peer: EndPoint | null) =
    do descriptor.IsSocket <- true

    internal new(loop, descriptor, family) = Socket(loop, descriptor, family, null)

    /// For requests of your own.
    member _.Descriptor = descriptor
    member internal _.Loop = loop
    member internal _.Family = family
    /// Who was at the other end when the connection was made; null when nobody was asked.
    member internal _.Peer = peer

    interface IAsyncDisposable with
        member _.DisposeAsync() =
            let closing = loop.CloseDescriptor descriptor

            if closing.IsCompletedSuccessfully then
                ValueTask.CompletedTask
            else
                ValueTask(closing.AsTask())

/// Sockets. Each function is a cold program. Errors are SocketException, with the BCL's SocketErrorCode.
[<RequireQualifiedAccess>]
module Socket =

    /// Makes a socket.
    let create (family: AddressFamily) (kind: SocketType) (protocol: ProtocolType) : Uring<Socket> =
        uring {
            let! number = Program.single (SocketRequest.socket family kind protocol)
            let! loop = Uring.loop
            return Socket(loop, loop.Own number, family)
        }

    /// Makes a socket in a free slot of the ring's own table (`LoopOptions.DirectDescriptors`). Its names are told by
    /// `readLocalEndPoint`, its options by `getOption`: see `install`, too.
    let createDirect (family: AddressFamily) (kind: SocketType) (protocol: ProtocolType) : Uring<Socket> =
        uring {
            let! slot = Program.single (SocketRequest.socketDirect family kind protocol)
            let! loop = Uring.loop
            return Socket(loop, loop.OwnDirect slot, family)
        }

    /// A socket from elsewhere: one of the BCL's, one that came with a message. What works here is a duplicate; with
    /// `ownsHandle` the handle is disposed of, else it stays yours. ArgumentException when it is no socket.
    let ofHandle (ownsHandle: bool) (handle: SafeHandle) : Uring<Socket> =
        uring {
            let! loop = Uring.loop
            let struct (descriptor, family) = Adopting.socket loop ownsHandle handle
            return Socket(loop, descriptor, family)
        }

    /// Another descriptor for the same socket. Each has to be closed; the connection ends with the last.
    let duplicate (socket: Socket) : Socket =
        let descriptor = socket.Loop.Own(Adopting.duplicate socket.Descriptor)
        Socket(socket.Loop, descriptor, socket.Family, socket.Peer)

    /// The same for use elsewhere: by the BCL, or to be sent with a message. Yours to dispose of.
    let duplicateHandle (socket: Socket) : SafeSocketHandle =
        new SafeSocketHandle(nativeint (Adopting.duplicate socket.Descriptor), true)

    let internal protocolFor (family: AddressFamily) =
        if family = AddressFamily.Unix then ProtocolType.Unspecified else ProtocolType.Tcp

    let private stream (family: AddressFamily) = create family SocketType.Stream (protocolFor family)

    /// Closes the socket when the operations on it have ended; they are cancelled.
    let close (socket: Socket) : Uring<unit> = uring { do! (socket :> IAsyncDisposable).DisposeAsync() }

    /// Asks for the end of all that is in flight on the socket or waits to go on, whoever started it; the result counts the
    /// operations. The socket stays open. They end with OperationCanceledException, or with what they have done by then.
    let cancel (socket: Socket) : Uring<int> = Program.ofScope (fun _ -> Cancel.on socket.Descriptor)

    /// As `cancel`, and the kernel waits until each has ended, for `limit` at most: see `Uring.cancelAllNow` (Linux 6.0).
    let cancelNow (limit: TimeSpan) (socket: Socket) : Uring<CancelCount> =
        Program.ofScope (fun _ -> Cancel.onNow socket.Descriptor limit)

    /// Binds to an address. Before Linux 6.11 by a system call.
    let bind (socket: Socket) (endPoint: EndPoint) : Uring<unit> =
        Program.effect (SocketRequest.bind socket.Descriptor endPoint)

    /// Starts listening, with room for `backlog` connections that wait. Before Linux 6.11 by a system call.
    let listenOn (socket: Socket) (backlog: int) : Uring<unit> =
        Program.effect (SocketRequest.listen socket.Descriptor backlog)

    /// Connects to an address. Of a datagram socket: sets whom it talks to, and hears.
    let connectTo (socket: Socket) (endPoint: EndPoint) : Uring<unit> =
        Program.effect (SocketRequest.connect socket.Descriptor endPoint)

    /// A socket that is closed if a step fails.
    let internal making (make: Uring<Socket>) (steps: Socket -> Uring<unit>) : Uring<Socket> =
        uring {
            let! socket = make
            let mutable isReady = false

            try
                do! steps socket
                isReady <- true
            finally
                if not isReady then socket.Loop.CloseDescriptor socket.Descriptor |> ignore

            return socket
        }

    let private listening (make: Uring<Socket>) (endPoint: EndPoint) (backlog: int) : Uring<Socket> =
        making make (fun socket ->
            uring {
                if endPoint.AddressFamily <> AddressFamily.Unix then
                    if socket.Descriptor.IsDirect then
                        do! Command.write SocketOption.reuseAddress true socket.Descriptor
                    else
                        SocketOptions.setReuseAddress socket.Descriptor true

                do! bind socket endPoint
                do! listenOn socket backlog
            })

    let private direct (family: AddressFamily) = createDirect family SocketType.Stream (protocolFor family)

    /// A stream socket that listens on an address, with SO_REUSEADDR. Port 0 takes a free one: see `localEndPoint`.
    let listen (endPoint: EndPoint) (backlog: int) : Uring<Socket> =
        listening (stream endPoint.AddressFamily) endPoint backlog

    /// The same in the ring's own table (Linux 6.11).
    let listenDirect (endPoint: EndPoint) (backlog: int) : Uring<Socket> =
        listening (direct endPoint.AddressFamily) endPoint backlog

    /// A stream socket that is connected to an address.
    let connect (endPoint: EndPoint) : Uring<Socket> =
        making (stream endPoint.AddressFamily) (fun socket -> connectTo socket endPoint)

    /// The same in the ring's own table.
    let connectDirect (endPoint: EndPoint) : Uring<Socket> =
        uring {
            let! socket = making (direct endPoint.AddressFamily) (fun socket -> connectTo socket endPoint)
            return Socket(socket.Loop, socket.Descriptor, socket.Family, endPoint)
        }

    let private accepted (listener: Socket) number =
        Socket(listener.Loop, listener.Loop.Own number, listener.Family)

    /// Takes one connection; `remoteEndPoint` says whose it is, also after that has gone.
    let accept (listener: Socket) : Uring<Socket> =
        uring {
            let request = SocketRequest.acceptFrom listener.Descriptor
            let! number = Program.single request
            let peer = SocketRequest.peerOf request
            return Socket(listener.Loop, listener.Loop.Own number, listener.Family, peer)
        }

    /// Takes one connection into a free slot of the ring's own table (Linux 5.19).
    let acceptDirect (listener: Socket) : Uring<Socket> =
        uring {
            let request = SocketRequest.acceptDirectFrom listener.Descriptor
            let! slot = Program.single request
            let peer = SocketRequest.peerOf request
            return Socket(listener.Loop, listener.Loop.OwnDirect slot, listener.Family, peer)
        }

    /// For `acceptMany`, and for the one with flags (SocketTransfer).
    let internal acceptManyAs (flags: AcceptFlags) (listener: Socket) : Uring<UringStream<Socket>> =
        Program.ofScope (fun scope ->
            let request = SocketRequest.acceptManyAs flags listener.Descriptor
            let stream = listener.Loop.Open(request, scope.Token)
            ValueTask<_>(UringStream(stream, fun item -> accepted listener item.Result)))

    /// Takes connections with one submission (Linux 5.19): `for connection in stream do` in `uring { }`.
    let acceptMany (listener: Socket) : Uring<UringStream<Socket>> = acceptManyAs AcceptFlags.None listener

    /// As `acceptMany`, into slots of the ring's own table (`LoopOptions.DirectDescriptors`): cheaper for the kernel, and
    /// beyond the process's limit of descriptors. Its names are told by `readLocalEndPoint`. When the table is full
    /// the stream ends with an error (TooManyOpenSockets), and one connection is lost.
    let acceptManyDirect (listener: Socket) : Uring<UringStream<Socket>> =
        Program.ofScope (fun scope ->
            let loop = listener.Loop
            let stream = loop.Open(SocketRequest.acceptManyDirect listener.Descriptor, scope.Token)

            ValueTask<_>(
                UringStream(stream, fun item -> Socket(loop, loop.OwnDirect item.Result, listener.Family))
            ))

    /// A socket with a descriptor of the process, which has names and options, for a direct one, which stays open: both are
    /// the same connection, and each has to be closed. Linux 6.8.
    let install (direct: Socket) : Uring<Socket> =
        uring {
            let! number = Program.single (SocketRequest.install direct.Descriptor)
            return accepted direct number
        }

    /// As `install`, and programs that this process executes inherit the descriptor (no O_CLOEXEC).
    let installInherited (direct: Socket) : Uring<Socket> =
        uring {
            let! number = Program.single (FileRequest.installInherited direct.Descriptor)
            return accepted direct number
        }

    /// The other way round, into a free slot of the ring's own table (Linux 6.0).
    let makeDirect (socket: Socket) : Uring<Socket> =
        uring {
            let request = FileRequest.makeDirect socket.Descriptor
            let! _ = Program.single request
            return Socket(socket.Loop, socket.Loop.OwnDirect(FileRequest.slotOf request), socket.Family)
        }

    /// Receives up to `buffer.Length` bytes; 0 when the peer has finished. Allocates nothing.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let receive (socket: Socket) (buffer: Memory<byte>) : Uring<int> =
        Program.single (SocketRequest.receive socket.Descriptor buffer)

    /// Sends `buffer`. The result can be fewer bytes than asked for. Allocates nothing.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let sendSome (socket: Socket) (buffer: ReadOnlyMemory<byte>) : Uring<int> =
        Program.single (SocketRequest.send socket.Descriptor buffer)

    /// Sends all of `buffer`. When it fails or is cancelled, `Fault.transferred` tells how many bytes had been sent.
    let send (socket: Socket) (buffer: ReadOnlyMemory<byte>) : Uring<unit> =
        Whole.effect (SocketRequest.send socket.Descriptor buffer)

    /// Sends up to `length` bytes of a file from `offset` on; the number of bytes, which is less only where the file ends.
    let sendFile (socket: Socket) (source: File) (offset: int64) (length: int64) : Uring<int64> =
        Copying.fileToSocket source.Descriptor offset socket.Descriptor length

    /// Receives up to `length` bytes into a file at `offset`; the number of bytes, which is less only when the peer has
    /// finished.
    let receiveFile (socket: Socket) (target: File) (offset: int64) (length: int64) : Uring<int64> =
        Copying.socketToFile socket.Descriptor target.Descriptor offset length

    /// Sends to one peer what comes from another until that has finished; the number of bytes. For a proxy: one for each
    /// direction, and `shutdown` of the target's sending when it has ended.
    let relay (source: Socket) (target: Socket) : Uring<int64> =
        Copying.relay source.Descriptor target.Descriptor

    /// A pool of `count` buffers of `size` bytes for this loop. Buffer rings need Linux 5.19, and are used from 6.0 on.
    let bufferPool (count: int) (size: int) : Uring<BufferPool> =
        BufferPool.create (BufferPoolOptions.fixedOf count size)

    let private receiveInto (socket: Socket) (pool: BufferPool) (scope: Scope) =
        let stream = socket.Loop.Open(SocketRequest.receiveMany socket.Descriptor pool, scope.Token)
        ValueTask<_>(UringStream(stream, _.Lease))

    /// Receives with one submission into buffers of a pool (Linux 6.0), which the kernel takes only when data is there.
    /// Dispose of each lease to give its buffer back. For stream sockets: an empty datagram would look like the end.
    let receiveMany (socket: Socket) (pool: BufferPool) : Uring<UringStream<BufferLease>> =
        Program.ofScope (receiveInto socket pool)

    /// As `receiveMany`, into the buffers that the loop's programs share.
    let receiveAll (socket: Socket) : Uring<UringStream<BufferLease>> =
        Program.ofScope (fun scope ->
            let home = socket.Loop

            if home.IsCurrent then
                receiveInto socket home.Pools.Shared scope
            else
                ValueTask<UringStream<BufferLease>>(
                    task {
                        let! pool = home.Call(fun () -> home.Pools.Shared)
                        return! receiveInto socket pool scope
                    }
                ))

    /// Receives datagrams, each with its sender and control data (Linux 6.0). A buffer of
    /// the pool holds one message and its `room`.
    let receiveMessages
        (room: MessageRoom)
        (socket: Socket)
        (pool: BufferPool)
        : Uring<UringStream<Message>> =
        Program.ofScope (fun scope ->
            ObjectDisposedException.ThrowIf(pool.IsClosed, pool)
            SocketOptions.requireDatagrams socket.Descriptor
            let request = SocketRequest.receiveMessages socket.Descriptor pool room
            let stream = socket.Loop.Open(request, scope.Token)
            ValueTask<_>(UringStream(stream, fun item -> new Message(item.Lease, room))))

    /// Sends one datagram to an address; the number of bytes. man sendmsg(2).
    let sendTo (socket: Socket) (buffer: ReadOnlyMemory<byte>) (endPoint: EndPoint) : Uring<int> =
        Program.single (SocketRequest.sendTo socket.Descriptor buffer endPoint)

    /// Receives one datagram: its number of bytes, who sent it (null when the kernel does not say), and whether it was longer
    /// than the buffer, so that its rest is gone. man recvmsg(2).
    let receiveFrom (socket: Socket) (buffer: Memory<byte>) : Uring<struct (int * (EndPoint | null) * bool)> =
        uring {
            let request = SocketRequest.receiveFrom socket.Descriptor buffer
            let! length = Program.single request
            let struct (sender, isTruncated) = SocketRequest.senderOf request
            return struct (length, sender, isTruncated)
        }

    /// Sends a lease's bytes, all of them and without a copy, and gives its buffer back: the lease is handed on. It is
    /// given back in any case, also when sending fails.
    let sendLease (socket: Socket) (lease: BufferLease) : Uring<unit> =
        uring {
            // Memory of its own accord: it throws if somebody gives the lease back while this waits for its turn.
            try
                do! send socket (Memory.op_Implicit lease.Memory)
            finally
                lease.Dispose()
        }

    /// Starts to send `buffer` without copying it (Linux 6.0; older kernels copy): worth it from about 10 KB on, and on a
    /// real network card. The buffer stays the kernel's until `Released`. A peer that reads nothing holds it: after
    /// `holdAtMost` the connection is dropped, which frees it (`Timeout.InfiniteTimeSpan`: never).
    let sendZeroCopy
        (holdAtMost: TimeSpan)
        (socket: Socket)
        (buffer: ReadOnlyMemory<byte>)
        : Uring<ZeroCopySend> =
        Program.ofScope (fun scope ->
            ValueTask<_>(
                ZeroCopySend.Start(
                    socket.Loop,
                    socket.Descriptor,
                    buffer,
                    ValueNone,
                    holdAtMost,
                    scope.Token
                )
            ))

    /// The same from registered memory, which the kernel need not pin. man io_uring_prep_send_zc_fixed(3).
    let sendZeroCopyRegistered
        (socket: Socket)
        (holdAtMost: TimeSpan)
        (memory: RegisteredMemory)
        : Uring<ZeroCopySend> =
        Program.ofScope (fun scope ->
            let slot = RegisteredRequest.slotFor (nameof memory) socket.Descriptor memory.Owner
            let bytes = Memory.op_Implicit memory.Memory

            ValueTask<_>(
                ZeroCopySend.Start(socket.Loop, socket.Descriptor, bytes, slot, holdAtMost, scope.Token)
            ))

    /// The same as one datagram, to an address (Linux 6.0; older kernels copy). man io_uring_prep_send_zc(3).
    let sendZeroCopyTo
        (holdAtMost: TimeSpan)
        (socket: Socket)
        (buffer: ReadOnlyMemory<byte>)
        (endPoint: EndPoint)
        : Uring<ZeroCopySend> =
        Program.ofScope (fun scope ->
            ValueTask<_>(
                ZeroCopySend.StartTo(
                    socket.Loop,
                    socket.Descriptor,
                    buffer,
                    endPoint,
                    holdAtMost,
                    scope.Token
                )
            ))

    /// Starts to send all of `buffer` without copying it, in several steps if need be: `Sent` ends with all of it, or with an
    /// error (`Fault.transferred` tells how far it was), `Released` when none of it is read any more.
    let sendAllZeroCopy
        (holdAtMost: TimeSpan)
        (socket: Socket)
        (buffer: ReadOnlyMemory<byte>)
        : Uring<ZeroCopySend> =
        Program.ofScope (fun scope ->
            ValueTask<_>(
                ZeroCopySend.StartWhole(
                    socket.Loop,
                    socket.Descriptor,
                    buffer,
                    ValueNone,
                    holdAtMost,
                    scope.Token
                )
            ))

    /// Waits until one of the events is there.
    let poll (socket: Socket) (events: PollEvents) : Uring<PollEvents> =
        Uring.map
            (uint32 >> LanguagePrimitives.EnumOfValue)
            (Program.single (SocketRequest.poll socket.Descriptor events))

    /// Moves up to `length` bytes that came to a pipe's end by `modes`, which concern the pipe: it waits for the peer in any
    /// case. man splice(2).
    let spliceToAs (modes: SpliceModes) (socket: Socket) (target: File) (length: int) : Uring<int> =
        let splice = FileRequest.spliceAs modes socket.Descriptor -1L target.Descriptor -1L length

        // A splice that waits holds a worker thread, and the lock of its pipe: a read or write there, even one that is not
        // meant to wait, would stop the ring's thread. A poll waits for nothing but the peer.
        uring {
            let! _ = poll socket PollEvents.Readable
            return! Program.single splice
        }

    /// Moves up to `length` bytes that came to a pipe's end, without copying them through user memory; 0 when the peer has
    /// finished. man splice(2).
    let spliceTo (socket: Socket) (target: File) (length: int) : Uring<int> =
        spliceToAs SpliceModes.None socket target length

    /// Moves up to `length` bytes from a pipe's end to the peer, in the same way.
    let spliceFrom (source: File) (socket: Socket) (length: int) : Uring<int> =
        Program.single (FileRequest.splice source.Descriptor -1L socket.Descriptor -1L length)

    /// As `spliceFrom`, by modes: `SpliceModes.More` tells the socket that more will follow.
    let spliceFromAs (modes: SpliceModes) (source: File) (socket: Socket) (length: int) : Uring<int> =
        Program.single (FileRequest.spliceAs modes source.Descriptor -1L socket.Descriptor -1L length)

    /// Drops the connection at once, with what it has not sent. The peer sees a reset.
    let abort (socket: Socket) : Uring<unit> = Program.effect (SocketRequest.abort socket.Descriptor)

    /// Tells of events each time that they come (one submission from Linux 5.13 on). What the consumer has not taken is
    /// united with what comes.
    let pollMany (socket: Socket) (events: PollEvents) : Uring<UringStream<PollEvents>> =
        Program.ofScope (fun scope ->
            let stream = socket.Loop.Open(SocketRequest.pollMany socket.Descriptor events, scope.Token)
            ValueTask<_>(UringStream(stream, fun item -> LanguagePrimitives.EnumOfValue(uint32 item.Result))))

    /// Ends one direction, or both. The peer sees the end of the stream.
    let shutdown (socket: Socket) (how: SocketShutdown) : Uring<unit> =
        Program.effect (SocketRequest.shutdown socket.Descriptor how)

    /// The address that the socket is bound to.
    let localEndPoint (socket: Socket) : EndPoint = SocketOptions.localEndPoint socket.Descriptor

    /// The address of its peer.
    let remoteEndPoint (socket: Socket) : EndPoint =
        SocketOptions.remoteEndPointOr socket.Peer socket.Descriptor

    let private named (ask: FileDescriptor -> EndPoint) (socket: Socket) : Uring<EndPoint> =
        uring {
            if socket.Descriptor.IsDirect then
                use! installed = install socket
                return ask installed.Descriptor
            else
                return ask socket.Descriptor
        }

    /// As `localEndPoint`, also of a direct descriptor, which gets one of the process for it, and gives it back (Linux 6.8).
    let readLocalEndPoint (socket: Socket) : Uring<EndPoint> = named SocketOptions.localEndPoint socket

    /// As `remoteEndPoint`, also of a direct descriptor, in the same way.
    let readRemoteEndPoint (socket: Socket) : Uring<EndPoint> = named SocketOptions.remoteEndPoint socket

    /// Sends small messages at once instead of collecting them (TCP_NODELAY).
    let setNoDelay (socket: Socket) (value: bool) = SocketOptions.setNoDelay socket.Descriptor value

    /// How many bytes can be received at once; of datagrams, how many the next one has (Linux 6.5; not on Unix sockets).
    let available (socket: Socket) : Uring<int> = Program.single (SocketRequest.available socket.Descriptor)

    /// How many bytes the peer has not acknowledged (Linux 6.5; not on Unix sockets).
    let unsent (socket: Socket) : Uring<int> = Program.single (SocketRequest.unsent socket.Descriptor)

    /// Reads an option by way of the ring, also of a direct descriptor (Linux 6.7, of SOL_SOCKET; by a system call where the
    /// kernel cannot, for which a direct descriptor gets one of the process for a moment, Linux 6.8).
    let getOption (option: SocketOption<'T>) (socket: Socket) : Uring<'T> =
        Command.read option socket.Descriptor

    /// Sets an option by way of the ring, also of a direct descriptor (Linux 6.7; by a system call where the kernel cannot).
    let setOption (option: SocketOption<'T>) (value: 'T) (socket: Socket) : Uring<unit> =
        Command.write option value socket.Descriptor

    let internal moved
        (target: Loop)
        (socket: FileDescriptor)
        (token: CancellationToken)
        : Task<FileDescriptor> =
        let fault result =
            match Errno.ofResult result with
            | Errno.ENFILE -> Fault.ofSocketCall "MSG_RING" result
            // An open set: cancelled, closed, a kernel without it.
            | _ -> Fault.ofResult Opcode.MessageRing socket.Name result token

        Sending.move target socket fault token

    /// Hands a direct descriptor on to another ring's table (Linux 6.0): the result belongs to that ring, and `socket` is
    /// closed. SocketException (TooManyOpenSockets) when the other has no table or no free slot, ObjectDisposedException when it
    /// has ended: then `socket` stays. man io_uring_prep_msg_ring_fd_alloc(3).
    let moveTo (ring: LoopHost) (socket: Socket) : Uring<Socket> =
        uring {
            let! token = Uring.token
            let! arrived = uring { return! moved ring.Loop socket.Descriptor token }
            return Socket(ring.Loop, arrived, socket.Family)
        }
