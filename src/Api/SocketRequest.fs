// What each socket operation asks of the ring, as a value. Used by the Socket module, by chains and by the C# facade.
namespace Uring.FSharp

open System
open System.Runtime.CompilerServices
open System.Buffers.Binary
open System.Net
open System.Net.Sockets
open System.Runtime.InteropServices
open Uring.Driver
open Uring.Kernel
open Uring.Model

/// What each socket operation asks of the ring.
[<RequireQualifiedAccess>]
module SocketRequest =

    let private closeOnExec = 0o2000000

    /// The kernel's numbers: the BCL numbers IPv6 otherwise.
    let private domain (family: AddressFamily) =
        match family with
        | AddressFamily.Unix -> 1
        | AddressFamily.InterNetwork -> 2
        | AddressFamily.InterNetworkV6 -> 10
        | other ->
            raise (
                NotSupportedException(
                    String.Concat(
                        "Address family ",
                        other.ToString(),
                        " is not supported: use InterNetwork, InterNetworkV6 or Unix."
                    )
                )
            )

    let private addressOf (endPoint: EndPoint) : SocketAddress =
        ArgumentNullException.ThrowIfNull(endPoint, nameof endPoint)

        match endPoint with
        | :? DnsEndPoint ->
            raise (
                ArgumentException(
                    "A name has to be resolved first: use Dns.GetHostAddressesAsync.",
                    nameof endPoint
                )
            )
        | _ -> ()

        endPoint.Serialize()

    /// The sockaddr, as sendmsg(2) takes it.
    let internal nameOf (endPoint: EndPoint) : byte array =
        let address = addressOf endPoint
        address.Buffer.Span.Slice(0, address.Size).ToArray()

    let private onAddress (socket: FileDescriptor) (endPoint: EndPoint) submission : Request =
        let address = addressOf endPoint

        {
            Request.over socket address.Buffer (submission socket.Number 0UL (uint32 address.Size)) with
                Subject = endPoint.ToString()
        }

    /// Makes a socket. The result is a descriptor.
    let socket (family: AddressFamily) (kind: SocketType) (protocol: ProtocolType) : Request =
        let protocol = if protocol = ProtocolType.Unspecified then 0 else int protocol
        Request.bare (Submission.socket (domain family) (int kind ||| closeOnExec) protocol)

    /// Makes a socket in a free slot of the ring's own table. The result is the slot.
    let socketDirect (family: AddressFamily) (kind: SocketType) (protocol: ProtocolType) : Request =
        let protocol = if protocol = ProtocolType.Unspecified then 0 else int protocol
        Request.bare (Submission.intoFreeSlot (Submission.socket (domain family) (int kind) protocol))

    /// Binds to an address (Linux 6.11, older by a system call). man bind(2).
    let bind (socket: FileDescriptor) (endPoint: EndPoint) : Request =
        onAddress socket endPoint Submission.bind

    /// Connects to an address. man connect(2).
    let connect (socket: FileDescriptor) (endPoint: EndPoint) : Request =
        onAddress socket endPoint Submission.connect

    /// Starts listening, with room for `backlog` connections that wait (Linux 6.11, older by a system call).
    let listen (socket: FileDescriptor) (backlog: int) : Request =
        ArgumentOutOfRangeException.ThrowIfNegative(backlog, nameof backlog)
        Submission.listen socket.Number (uint32 backlog) |> Request.on socket

    /// Takes one connection. The result is a descriptor.
    let accept (socket: FileDescriptor) : Request =
        Submission.accept socket.Number 0UL 0UL (uint32 closeOnExec) |> Request.on socket

    /// Takes one connection into a free slot of the ring's own table. The result is the slot.
    let acceptDirect (socket: FileDescriptor) : Request =
        Submission.accept socket.Number 0UL 0UL 0u |> Submission.intoFreeSlot |> Request.on socket

    let private planOf (socket: FileDescriptor) = (socket.Home :?> Loop).Plan

    /// Waits before it tries, where the kernel knows how.
    let private hinted isAsked (socket: FileDescriptor) (submission: Submission) =
        if isAsked && Features.canPollFirst submission.Opcode (planOf socket) then
            Submission.pollingFirst submission
        else
            submission

    /// Room for the largest sockaddr (struct sockaddr_storage).
    let internal senderRoom = 128

    // The sockaddr is behind its length.
    let private peerAt = 8

    let private asking (socket: FileDescriptor) flags : Request =
        let name = Array.zeroCreate<byte>(peerAt + senderRoom)
        BinaryPrimitives.WriteInt32LittleEndian(name.AsSpan(), senderRoom)

        {
            Request.over socket (Memory name) (Submission.accept socket.Number (uint64 peerAt) 0UL flags) with
                Reach = Reach.Address ||| Reach.Offset
        }

    /// Takes one connection, and asks who it is: `peerOf` says. The result is a descriptor. To be started once: the kernel
    /// answers in it. man accept(2).
    let acceptFrom (socket: FileDescriptor) : Request = asking socket (uint32 closeOnExec)

    /// The same into a free slot of the ring's own table. The result is the slot.
    let acceptDirectFrom (socket: FileDescriptor) : Request =
        let request = asking socket 0u
        { request with Submission = Submission.intoFreeSlot request.Submission }

    /// An accept, with flags. PlatformNotSupportedException when it may not wait, and the kernel is older than 6.10.
    let acceptWith (flags: AcceptFlags) (accept: Request) : Request =
        match accept.Target with
        | null -> accept
        | socket ->
            let mayWait = (flags &&& AcceptFlags.DontWait) = AcceptFlags.None

            if not (mayWait || Features.canPollFirst Opcode.Accept (planOf socket)) then
                raise (
                    PlatformNotSupportedException
                        "This kernel's io_uring has no accept that does not wait: it needs Linux 6.10 or newer."
                )

            let submission =
                hinted ((flags &&& AcceptFlags.PollFirst) <> AcceptFlags.None) socket accept.Submission

            {
                accept with
                    Submission = if mayWait then submission else Submission.withoutWaiting submission
            }

    /// What an accept that has ended well says of who has connected; null for a family that the BCL does not know.
    let peerOf (accepted: Request) : EndPoint | null =
        let bytes = Memory.op_Implicit(accepted.Buffer).Span
        let length = BinaryPrimitives.ReadInt32LittleEndian bytes
        SocketName.read (bytes.Slice(peerAt, min length senderRoom))

    /// Takes connections until cancelled, with flags. Each result is a descriptor. One submission for all of them (Linux
    /// 5.19). With `AcceptFlags.DontWait` it ends with EAGAIN when nobody is there; PlatformNotSupportedException before 6.10.
    let acceptManyAs (flags: AcceptFlags) (socket: FileDescriptor) : StreamRequest =
        let single = acceptWith flags (accept socket)
        let hints = single.Submission.Priority

        let multishot = Submission.acceptMultishot socket.Number (uint32 closeOnExec)

        {
            Multishot =
                { multishot with Priority = multishot.Priority ||| hints }
                |> Request.on socket
                |> Request.multishot
            Single = ValueSome single
            Source = Source.Descriptors
            Pool = null
            Discard = null
        }

    /// Takes connections until cancelled. Each result is a descriptor. One submission for all of them (Linux 5.19).
    let acceptMany (socket: FileDescriptor) : StreamRequest = acceptManyAs AcceptFlags.None socket

    /// As `acceptMany`, into free slots of the ring's own table (`LoopOptions.DirectDescriptors`): no descriptor of the
    /// process is used, and no operation has to look one up. Each result is a slot.
    let acceptManyDirect (socket: FileDescriptor) : StreamRequest = {
        Multishot =
            Submission.acceptMultishot socket.Number 0u
            |> Submission.intoFreeSlot
            |> Request.on socket
            |> Request.multishot
        Single = ValueNone
        Source = Source.Descriptors
        Pool = null
        Discard = null
    }

    /// A descriptor of the process for a direct one, which stays open: both are the same socket. The result is its number.
    let install (socket: FileDescriptor) : Request = FileRequest.install socket

    /// Sends `buffer`. The result is the number of bytes, which can be fewer.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let send (socket: FileDescriptor) (buffer: ReadOnlyMemory<byte>) : Request =
        Submission.send socket.Number 0UL (uint32 buffer.Length) 0u
        |> Request.over socket (MemoryMarshal.AsMemory buffer)

    /// Sends all of `length` bytes of memory that is pinned when this starts.
    let internal sendPinned (socket: FileDescriptor) (length: int) : Request = {
        (Submission.send socket.Number 0UL (uint32 length) 0u |> Request.on socket) with
            Reach = Reach.Address
            Goal = Goal.All
    }

    /// Receives into `buffer`. The result is the number of bytes, 0 when the peer has finished.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let receive (socket: FileDescriptor) (buffer: Memory<byte>) : Request =
        Submission.receive socket.Number 0UL (uint32 buffer.Length) 0u |> Request.over socket buffer

    // The hint is the ring's, and stands elsewhere than the socket's flags.
    let private sendingAs (flags: SendFlags) (socket: FileDescriptor) (submission: Submission) =
        Submission.withMessageFlags (uint32 (flags &&& ~~~SendFlags.PollFirst)) submission
        |> hinted ((flags &&& SendFlags.PollFirst) <> SendFlags.None) socket

    let private receivingAs (flags: ReceiveFlags) (socket: FileDescriptor) (submission: Submission) =
        Submission.withMessageFlags (uint32 (flags &&& ~~~ReceiveFlags.PollFirst)) submission
        |> hinted ((flags &&& ReceiveFlags.PollFirst) <> ReceiveFlags.None) socket

    /// Sends `buffer`, as the flags say. man send(2).
    let sendWith (flags: SendFlags) (socket: FileDescriptor) (buffer: ReadOnlyMemory<byte>) : Request =
        Submission.send socket.Number 0UL (uint32 buffer.Length) 0u
        |> sendingAs flags socket
        |> Request.over socket (MemoryMarshal.AsMemory buffer)

    /// Receives into `buffer`, as the flags say. man recv(2).
    let receiveWith (flags: ReceiveFlags) (socket: FileDescriptor) (buffer: Memory<byte>) : Request =
        Submission.receive socket.Number 0UL (uint32 buffer.Length) 0u
        |> receivingAs flags socket
        |> Request.over socket buffer

    /// Sends the message that the block describes, as the flags say. man sendmsg(2).
    let internal sendMessage (flags: SendFlags) (socket: FileDescriptor) (block: MessageBlock) : Request =
        Submission.sendMessage socket.Number 0UL 0u
        |> sendingAs flags socket
        |> Request.over socket block.Memory

    /// Receives one message as the block describes it, as the flags say. man recvmsg(2).
    let internal receiveMessage
        (flags: ReceiveFlags)
        (socket: FileDescriptor)
        (block: MessageBlock)
        : Request =
        Submission.receiveMessage socket.Number 0UL OpFlags.CloseReceivedOnExec
        |> receivingAs flags socket
        |> Request.over socket block.Memory

    /// The same, with a result that `Hint.ofResult` takes apart: the bytes, and whether there is more to receive. Up to 1 GiB.
    let receiveHinted (flags: ReceiveFlags) (socket: FileDescriptor) (buffer: Memory<byte>) : Request = {
        receiveWith flags socket (buffer.Slice(0, min buffer.Length Hint.Most)) with
            TellsMore = true
    }

    /// Sends memories in their order: one step of all of them.
    let internal sendVector (socket: FileDescriptor) (left: Memory<byte> array) : Request =
        sendMessage SendFlags.None socket (MessageBlock(left, [||], [||]))

    /// Fills memories in their order: one step of all of them, which the kernel fills if it can.
    let internal receiveVector (socket: FileDescriptor) (left: Memory<byte> array) : Request =
        receiveMessage ReceiveFlags.WaitAll socket (MessageBlock(left, [||], [||]))

    /// Receives into buffers of a pool until cancelled or finished. One submission for all of it (Linux 6.0).
    let receiveMany (socket: FileDescriptor) (pool: BufferPool) : StreamRequest =
        let multishot = Submission.receiveMultishot socket.Number pool.Group 0u

        {
            Multishot =
                (if pool.UsesBundles then Submission.bundled multishot else multishot)
                |> Request.on socket
                |> Request.multishot
            Single = ValueSome(Submission.receive socket.Number 0UL 0u 0u |> Request.on socket)
            Source = Source.Bytes
            Pool = pool
            Discard = null
        }

    /// Receives messages, each with its sender and its control data, into buffers of a pool until cancelled (Linux 6.0).
    /// A buffer holds 16 bytes and both rooms before the payload.
    let receiveMessages (socket: FileDescriptor) (pool: BufferPool) (room: MessageRoom) : StreamRequest =
        ArgumentOutOfRangeException.ThrowIfLessThan(
            pool.BufferSize,
            MessageLayout.overhead room + 1,
            "BufferSize"
        )

        if pool.Options.Incremental then
            raise (
                ArgumentException(
                    "Messages need a pool that is not incremental: what is left of a buffer could be too small for the next message, which would be cut.",
                    nameof pool
                )
            )

        // struct msghdr: name length @8, control length @40.
        let header = Array.zeroCreate<byte> 56
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan 8, room.Name)
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan 40, int64 room.Control)

        {
            Multishot =
                Submission.receiveMessageMultishot socket.Number pool.Group 0UL OpFlags.CloseReceivedOnExec
                |> Request.over socket (Memory header)
                |> Request.multishot
            Single = ValueNone
            Source = Source.Bytes
            Pool = pool
            Discard = Action<BufferLease>(ReceivedHandles.closeIn room)
        }

    /// Sends one datagram to an address. The result is its number of bytes. man sendmsg(2).
    let sendTo (socket: FileDescriptor) (buffer: ReadOnlyMemory<byte>) (endPoint: EndPoint) : Request =
        MessageBlock([| MemoryMarshal.AsMemory buffer |], nameOf endPoint, [||])
        |> sendMessage SendFlags.None socket

    /// Receives one datagram into `buffer`. The result is the number of bytes; `senderOf` says the rest. To be started once:
    /// the kernel answers in it. man recvmsg(2).
    let receiveFrom (socket: FileDescriptor) (buffer: Memory<byte>) : Request =
        MessageBlock([| buffer |], Array.zeroCreate senderRoom, [||])
        |> receiveMessage ReceiveFlags.None socket

    /// What a `receiveFrom` that has ended well says of its datagram: who sent it (null when the kernel does not say), and
    /// whether it was longer than the buffer.
    let senderOf (received: Request) : struct (EndPoint | null * bool) =
        let bytes = Memory.op_Implicit(received.Buffer).Span
        let nameAt = MessageBlock.NameAt(1, 0)
        let layout = MessageLayout.ofHeader { Name = senderRoom; Control = 0 } nameAt nameAt bytes
        struct (SocketName.sender (bytes.Slice(layout.Name.Start, layout.Name.Length)), layout.IsTruncated)

    /// Sends `buffer` without copying it (Linux 6.0): a result, and later the notification that it is free.
    let sendZeroCopy (socket: FileDescriptor) (buffer: Memory<byte>) : Request = {
        (Submission.sendZeroCopy socket.Number 0UL (uint32 buffer.Length) 0u |> Request.over socket buffer) with
            Shape = Shape.ZeroCopy
    }

    /// The same from memory within registered buffer `slot`.
    let internal sendZeroCopyFixed (socket: FileDescriptor) (buffer: Memory<byte>) (slot: uint16) : Request = {
        (Submission.sendZeroCopyFixed socket.Number 0UL (uint32 buffer.Length) 0u slot
         |> Request.over socket buffer) with
            Shape = Shape.ZeroCopy
    }

    /// The same to the sockaddr `name`, which is pinned and stays until the last completion.
    let internal sendZeroCopyTo (socket: FileDescriptor) (buffer: Memory<byte>) (name: byte array) : Request = {
        (Submission.sendZeroCopyTo
            socket.Number
            0UL
            (uint32 buffer.Length)
            0u
            (Mapped.addressOfPinned name)
            (uint32 name.Length)
         |> Request.over socket buffer) with
            Shape = Shape.ZeroCopy
    }

    /// Drops a connection at once, with what it has not sent: connect(2) to no address (AF_UNSPEC). The peer sees a
    /// reset.
    let abort (socket: FileDescriptor) : Request =
        Submission.connect socket.Number 0UL 16u |> Request.over socket (Memory(Array.zeroCreate<byte> 16))

    /// Waits until one of the events is there. The result is a mask of those that are.
    let poll (socket: FileDescriptor) (events: PollEvents) : Request = Poll.on socket events

    /// Tells of events each time that they come (Linux 5.13).
    let pollMany (socket: FileDescriptor) (events: PollEvents) : StreamRequest = Poll.manyOn socket events

    /// Ends one direction, or both.
    let shutdown (socket: FileDescriptor) (how: SocketShutdown) : Request =
        Submission.shutdown socket.Number (uint32 how) |> Request.on socket

    /// How many bytes can be received, or the next datagram has (Linux 6.5). SIOCINQ of man tcp(7).
    let available (socket: FileDescriptor) : Request =
        Submission.command socket.Number OpFlags.BytesAvailable 0UL 0UL |> Request.on socket

    /// How many bytes the peer has not acknowledged (Linux 6.5). SIOCOUTQ of man tcp(7).
    let unsent (socket: FileDescriptor) : Request =
        Submission.command socket.Number OpFlags.BytesUnsent 0UL 0UL |> Request.on socket

    let private option
        operation
        (socket: FileDescriptor)
        (level: int)
        (name: int)
        (value: Memory<byte>)
        : Request = {
        Request.on
            socket
            (Submission.socketOption socket.Number operation level name 0UL (uint32 value.Length)) with
            Buffer = value
            Reach = if value.IsEmpty then Reach.Nothing else Reach.Address3
    }

    /// Reads an option of SOL_SOCKET into `value` (Linux 6.7). The result is its length. man getsockopt(2).
    let getOption (socket: FileDescriptor) (level: int) (name: int) (value: Memory<byte>) : Request =
        option OpFlags.GetOption socket level name value

    /// Sets an option (Linux 6.7). man setsockopt(2).
    let setOption (socket: FileDescriptor) (level: int) (name: int) (value: ReadOnlyMemory<byte>) : Request =
        option OpFlags.SetOption socket level name (MemoryMarshal.AsMemory value)
