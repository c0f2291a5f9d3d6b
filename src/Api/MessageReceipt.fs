// Messages with several buffers and control data: what one asks of the ring, and what has come. Received descriptors have
// an owner from the moment that they are open, whatever becomes of the operation.
namespace Uring.FSharp

open System
open System.Net
open System.Runtime.InteropServices
open Microsoft.Win32.SafeHandles
open Uring.Driver
open Uring.Model

/// What has come with a received message. It owns the descriptors that came along, and closes those that nobody has taken
/// when it is disposed of.
[<Sealed>]
type MessageReceipt internal (buffers: Memory<byte> array, controlRoom: int) =

    let block =
        MessageBlock(buffers, Array.zeroCreate SocketRequest.senderRoom, Array.zeroCreate controlRoom)

    let mutable length = -1
    let mutable control: ControlMessage list = []
    let mutable handles: SafeFileHandle array = [||]

    /// The kernel has answered: all that is open has an owner.
    let claim () =
        control <- ControlMessage.decode (block.Bytes block.Answer.Control)

        handles <- ReceivedHandles.own control

    member internal _.Request(socket: FileDescriptor, flags: ReceiveFlags) : Request =
        SocketRequest.receiveMessage flags socket block

    /// The operation has ended well.
    member internal _.Arrived(bytes: int) =
        length <- bytes
        claim ()

    /// The operation is over. If it has not ended well, descriptors may have come nevertheless: nobody wants them.
    member internal this.Over() =
        if length < 0 then
            claim ()
            this.Dispose()

    /// Number of bytes, 0 when the peer of a connection has finished.
    member _.Length = length

    /// Who sent it; null when the kernel does not say.
    member _.Sender: EndPoint | null = SocketName.sender (block.Bytes block.Answer.Name)

    /// It was longer than the buffers: the rest is gone.
    member _.IsTruncated = block.Answer.IsTruncated

    /// Control data did not fit: descriptors that found no room are closed.
    member _.IsControlTruncated = block.Answer.IsControlTruncated

    /// Control messages, but for descriptors.
    member _.Control: ControlMessage list = ControlMessage.withoutDescriptors control

    /// The descriptors that came along, in their order: yours from now on. None the second time.
    member _.TakeHandles() : SafeFileHandle array =
        let taken = handles
        handles <- [||]
        taken

    /// Closes the descriptors that nobody has taken. Again does nothing.
    member this.Dispose() = this.TakeHandles() |> Array.iter _.Dispose()

    interface IDisposable with
        member this.Dispose() = this.Dispose()

/// What goes with a message, besides its bytes.
[<NoEquality; NoComparison>]
type MessageExtras = {
    /// Descriptors that the receiver gets as well: 253 at most, over a Unix socket. They stay yours. man unix(7).
    Handles: SafeHandle list
    /// Other control messages: credentials, and what a protocol takes. Descriptors only by `Handles`.
    Control: ControlMessage list
    /// Whom it is for; null on a connection.
    EndPoint: EndPoint | null
    Flags: SendFlags
}

/// What sending asks of the ring.
[<RequireQualifiedAccess>]
module MessageExtras =

    /// Nothing.
    let none: MessageExtras = { Handles = []; Control = []; EndPoint = null; Flags = SendFlags.None }

    /// Before anything is held.
    let internal check (extras: MessageExtras) =
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            extras.Handles.Length,
            ControlMessage.MostDescriptors,
            "Handles"
        )

        // In disguise, too.
        let control = ControlMessage.decode (ReadOnlySpan(ControlMessage.encode extras.Control))

        if not (ControlMessage.descriptors control).IsEmpty then
            raise (
                ArgumentException(
                    "Descriptors go by Handles, which keeps them open until they are sent.",
                    "Control"
                )
            )

    /// The same where nothing is held.
    let internal checkWithoutCopy (extras: MessageExtras) =
        check extras

        if not extras.Handles.IsEmpty then
            raise (
                ArgumentException(
                    "Descriptors go over Unix sockets, which send nothing without a copy: send them with SocketMessages.send.",
                    "Handles"
                )
            )

    /// `descriptors`: the numbers of `Handles`, which are held.
    let internal request
        (socket: FileDescriptor)
        (buffers: Memory<byte> array)
        (descriptors: int list)
        (extras: MessageExtras)
        : Request =
        let control =
            if descriptors.IsEmpty then
                extras.Control
            else
                ControlMessage.Descriptors descriptors :: extras.Control

        let name =
            match extras.EndPoint with
            | null -> [||]
            | endPoint -> SocketRequest.nameOf endPoint

        MessageBlock(buffers, name, ControlMessage.encode control)
        |> SocketRequest.sendMessage extras.Flags socket
