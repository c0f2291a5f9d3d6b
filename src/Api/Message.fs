// One received message: its bytes, where it came from, and what came along. Reads Model/MessageLayout.
namespace Uring.FSharp

open System
open System.Net
open System.Runtime.CompilerServices
open Microsoft.Win32.SafeHandles
open Uring.Driver
open Uring.Model

/// A message in a pool's buffer, yours until you dispose of it. That closes the descriptors that came along and that nobody
/// has taken; so does the end of the stream for messages that nobody has looked at.
[<Struct; IsReadOnly; NoEquality; NoComparison>]
type Message internal (lease: BufferLease, room: MessageRoom) =

    member private _.Layout = MessageLayout.read room (Span.op_Implicit lease.Span)

    member private _.Bytes(extent: Extent) = lease.Span.Slice(extent.Start, extent.Length)

    /// Number of bytes.
    member this.Length = this.Layout.Payload.Length

    /// The bytes.
    member this.Payload: Span<byte> = this.Bytes this.Layout.Payload

    /// Control messages, as recvmsg(2) gives them (man cmsg(3)).
    member this.Control: ReadOnlySpan<byte> = Span.op_Implicit (this.Bytes this.Layout.Control)

    /// The same, decoded, but for descriptors.
    member this.ControlMessages: ControlMessage list =
        ControlMessage.withoutDescriptors (ControlMessage.decode this.Control)

    /// The descriptors that came along (SCM_RIGHTS), in their order: yours from now on. None the second time.
    member this.TakeHandles() : SafeFileHandle array =
        ReceivedHandles.takeFrom (this.Bytes this.Layout.Control)

    /// Who sent it; null when the kernel does not say, or has no room for it.
    member this.Sender: EndPoint | null = SocketName.sender (Span.op_Implicit (this.Bytes this.Layout.Name))

    /// It was longer than the buffer: the rest is gone.
    member this.IsTruncated = this.Layout.IsTruncated

    /// Control data did not fit.
    member this.IsControlTruncated = this.Layout.IsControlTruncated

    /// A lease of its own on the bytes.
    member this.Share() : BufferLease =
        let payload = this.Layout.Payload
        lease.Slice(payload.Start, payload.Length)

    /// Gives the buffer back. Harmless when it was done before.
    member _.Dispose() =
        if not lease.IsDisposed then ReceivedHandles.closeIn room lease
        lease.Dispose()

    interface IDisposable with
        member this.Dispose() = this.Dispose()
