// Sending and receiving messages with several buffers and control data.
namespace Uring.FSharp

open System
open System.Collections.Generic
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
open Uring.Driver
open Uring.Model

/// Messages of a socket, one at a time. Many of them: `Socket.receiveMessages`.
[<RequireQualifiedAccess>]
module SocketMessages =

    // More than any protocol has to say: net.core.optmem_max is 128 KB at most by default.
    let private mostControl = 1 <<< 17

    let private payloadOf (buffers: IReadOnlyList<ReadOnlyMemory<byte>>) : Memory<byte> array =
        ArgumentNullException.ThrowIfNull(buffers, nameof buffers)
        ArgumentOutOfRangeException.ThrowIfGreaterThan(buffers.Count, Vector.Most, nameof buffers)
        buffers |> Seq.map MemoryMarshal.AsMemory |> Array.ofSeq

    let private roomOf (buffers: IReadOnlyList<Memory<byte>>) (controlRoom: int) : Memory<byte> array =
        ArgumentNullException.ThrowIfNull(buffers, nameof buffers)
        ArgumentOutOfRangeException.ThrowIfGreaterThan(buffers.Count, Vector.Most, nameof buffers)
        ArgumentOutOfRangeException.ThrowIfNegative(controlRoom, nameof controlRoom)
        ArgumentOutOfRangeException.ThrowIfGreaterThan(controlRoom, mostControl, nameof controlRoom)
        Array.ofSeq buffers

    let private sendHolding
        (socket: FileDescriptor)
        (payload: Memory<byte> array)
        (extras: MessageExtras)
        (token: CancellationToken)
        : Task<int> =
        task {
            let held = Stack<SafeHandle>()

            try
                let descriptors =
                    extras.Handles
                    |> List.map (fun handle ->
                        let number = Poll.hold handle
                        held.Push handle
                        number)

                let request = MessageExtras.request socket payload descriptors extras
                return! (socket.Home :?> Loop).Start(&request, token)
            finally
                for handle in held do
                    handle.DangerousRelease()
        }

    let private receiveOwning
        (socket: FileDescriptor)
        (room: Memory<byte> array)
        (controlRoom: int)
        (flags: ReceiveFlags)
        (token: CancellationToken)
        : Task<MessageReceipt> =
        task {
            let receipt = new MessageReceipt(room, controlRoom)

            try
                let request = receipt.Request(socket, flags)
                let! bytes = (socket.Home :?> Loop).Start(&request, token)
                receipt.Arrived bytes
                return receipt
            finally
                receipt.Over()
        }

    /// From any thread: `send`.
    let internal startSend socket buffers (extras: MessageExtras) token : Task<int> =
        let payload = payloadOf buffers
        MessageExtras.check extras
        sendHolding socket payload extras token

    /// From any thread: `receive`.
    let internal startReceive socket buffers controlRoom flags token : Task<MessageReceipt> =
        receiveOwning socket (roomOf buffers controlRoom) controlRoom flags token

    /// Sends the buffers as one message, with what goes with it; the number of bytes, which on a stream can be fewer. The
    /// handles stay open until it has ended, whoever disposes of them meanwhile. man sendmsg(2).
    let send
        (socket: Socket)
        (buffers: IReadOnlyList<ReadOnlyMemory<byte>>)
        (extras: MessageExtras)
        : Uring<int> =
        let payload = payloadOf buffers
        MessageExtras.check extras

        Program.ofScope (fun scope ->
            ValueTask<int>(sendHolding socket.Descriptor payload extras scope.Token))

    let private payloadWithin (socket: FileDescriptor) (memories: IReadOnlyList<RegisteredMemory>) =
        let struct (buffers, slot) = RegisteredRequest.partsOf socket memories
        ArgumentOutOfRangeException.ThrowIfGreaterThan(buffers.Length, Vector.Most, nameof memories)
        struct (buffers, slot)

    let private holding
        (loop: Loop)
        (socket: FileDescriptor)
        (extras: MessageExtras)
        (holdAtMost: TimeSpan)
        (struct (payload, slot): struct (Memory<byte> array * uint16 voption))
        (token: CancellationToken)
        : ZeroCopySend =
        ZeroCopySend.StartMessage(loop, socket, payload, extras, slot, holdAtMost, token)

    /// From any thread: `sendZeroCopy`.
    let internal startZeroCopy loop socket buffers (extras: MessageExtras) holdAtMost token : ZeroCopySend =
        let payload = payloadOf buffers
        MessageExtras.checkWithoutCopy extras
        holding loop socket extras holdAtMost (struct (payload, ValueNone)) token

    /// From any thread: `sendZeroCopyRegistered`.
    let internal startZeroCopyRegistered
        loop
        socket
        memories
        (extras: MessageExtras)
        holdAtMost
        token
        : ZeroCopySend =
        let payload = payloadWithin socket memories
        MessageExtras.checkWithoutCopy extras
        holding loop socket extras holdAtMost payload token

    let private later (socket: Socket) extras holdAtMost payload : Uring<ZeroCopySend> =
        MessageExtras.checkWithoutCopy extras

        Program.ofScope (fun scope ->
            ValueTask<_>(holding socket.Loop socket.Descriptor extras holdAtMost payload scope.Token))

    /// Starts to send the buffers as one message without copying them (Linux 6.1; older kernels copy): see
    /// `Socket.sendZeroCopy`. Not over Unix sockets, and so without handles. man io_uring_prep_sendmsg_zc(3).
    let sendZeroCopy
        (holdAtMost: TimeSpan)
        (socket: Socket)
        (buffers: IReadOnlyList<ReadOnlyMemory<byte>>)
        (extras: MessageExtras)
        : Uring<ZeroCopySend> =
        later socket extras holdAtMost (struct (payloadOf buffers, ValueNone))

    /// The same from parts of one registered buffer, which the kernel need not pin (Linux 6.15; older kernels do).
    let sendZeroCopyRegistered
        (holdAtMost: TimeSpan)
        (socket: Socket)
        (memories: IReadOnlyList<RegisteredMemory>)
        (extras: MessageExtras)
        : Uring<ZeroCopySend> =
        later socket extras holdAtMost (payloadWithin socket.Descriptor memories)

    /// Receives one message into the buffers, in their order, with up to `controlRoom` bytes of control data
    /// (`ControlMessage.roomForDescriptors`). Dispose of what comes: it owns the descriptors that came along, which are closed
    /// on exec. man recvmsg(2).
    let receive
        (socket: Socket)
        (buffers: IReadOnlyList<Memory<byte>>)
        (controlRoom: int)
        (flags: ReceiveFlags)
        : Uring<MessageReceipt> =
        let room = roomOf buffers controlRoom

        Program.ofScope (fun scope ->
            ValueTask<MessageReceipt>(receiveOwning socket.Descriptor room controlRoom flags scope.Token))
