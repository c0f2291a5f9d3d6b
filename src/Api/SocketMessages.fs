// Sending and receiving messages with several buffers and control data.
namespace Uring.FSharp

open System
open System.Collections.Generic
open System.Runtime.InteropServices
open Uring.Model

/// Messages of a socket, one at a time. Many of them: `Socket.receiveMessages`.
[<RequireQualifiedAccess>]
module SocketMessages =

    // More than any protocol has to say: net.core.optmem_max is 128 KB at most by default.
    let private mostControl = 1 <<< 17

    /// Sends the buffers as one message, with what goes with it; the number of bytes, which on a stream can be fewer. The
    /// handles stay open until it has ended, whoever disposes of them meanwhile. man sendmsg(2).
    let send
        (socket: Socket)
        (buffers: IReadOnlyList<ReadOnlyMemory<byte>>)
        (extras: MessageExtras)
        : Uring<int> =
        ArgumentNullException.ThrowIfNull(buffers, nameof buffers)
        ArgumentOutOfRangeException.ThrowIfGreaterThan(buffers.Count, Vector.Most, nameof buffers)
        MessageExtras.check extras
        let payload = buffers |> Seq.map MemoryMarshal.AsMemory |> Array.ofSeq

        uring {
            let held = Stack<SafeHandle>()

            try
                let descriptors =
                    extras.Handles
                    |> List.map (fun handle ->
                        let number = Poll.hold handle
                        held.Push handle
                        number)

                return! Program.single (MessageExtras.request socket.Descriptor payload descriptors extras)
            finally
                for handle in held do
                    handle.DangerousRelease()
        }

    /// Receives one message into the buffers, in their order, with up to `controlRoom` bytes of control data
    /// (`ControlMessage.roomForDescriptors`). Dispose of what comes: it owns the descriptors that came along, which are closed
    /// on exec. man recvmsg(2).
    let receive
        (socket: Socket)
        (buffers: IReadOnlyList<Memory<byte>>)
        (controlRoom: int)
        (flags: MessageFlags)
        : Uring<MessageReceipt> =
        ArgumentNullException.ThrowIfNull(buffers, nameof buffers)
        ArgumentOutOfRangeException.ThrowIfGreaterThan(buffers.Count, Vector.Most, nameof buffers)
        ArgumentOutOfRangeException.ThrowIfNegative(controlRoom, nameof controlRoom)
        ArgumentOutOfRangeException.ThrowIfGreaterThan(controlRoom, mostControl, nameof controlRoom)

        uring {
            let receipt = new MessageReceipt(buffers, controlRoom)

            try
                let! bytes = Program.single (receipt.Request(socket.Descriptor, flags))
                receipt.Arrived bytes
                return receipt
            finally
                receipt.Over()
        }
