// One received message: its bytes, where it came from, and what came along. Reads Model/MessageLayout.
namespace Uring.FSharp

open System
open System.Buffers.Binary
open System.Net
open System.Net.Sockets
open System.Runtime.CompilerServices
open Uring.Driver
open Uring.Model

/// A message in a pool's buffer, yours until you dispose of it.
[<Struct; IsReadOnly; NoEquality; NoComparison>]
type Message internal (lease: BufferLease, room: MessageRoom) =

    /// struct sockaddr_in and sockaddr_in6 in the network's byte order.
    static let endPoint (name: ReadOnlySpan<byte>) : EndPoint | null =
        let family = if name.Length < 2 then 0us else BinaryPrimitives.ReadUInt16LittleEndian name

        match int family with
        | 2 when name.Length >= 8 ->
            IPEndPoint(IPAddress(name.Slice(4, 4)), int (BinaryPrimitives.ReadUInt16BigEndian(name.Slice 2)))
        | 10 when name.Length >= 28 ->
            let scope = BinaryPrimitives.ReadUInt32LittleEndian(name.Slice 24)

            IPEndPoint(
                IPAddress(name.Slice(8, 16), int64 scope),
                int (BinaryPrimitives.ReadUInt16BigEndian(name.Slice 2))
            )
        | 1 when name.Length > 2 && name[2] <> 0uy ->
            let path = name.Slice 2
            let length = path.IndexOf 0uy

            UnixDomainSocketEndPoint(
                Text.Encoding.UTF8.GetString(if length < 0 then path else path.Slice(0, length))
            )
        // An unnamed or abstract Unix socket, or a family that this does not know.
        | _ -> null

    member private _.Layout = MessageLayout.read room (Span.op_Implicit lease.Span)

    member private _.Bytes(extent: Extent) = lease.Span.Slice(extent.Start, extent.Length)

    /// Number of bytes.
    member this.Length = this.Layout.Payload.Length

    /// The bytes.
    member this.Payload: Span<byte> = this.Bytes this.Layout.Payload

    /// Control messages, as recvmsg(2) gives them (man cmsg(3)).
    member this.Control: ReadOnlySpan<byte> = Span.op_Implicit (this.Bytes this.Layout.Control)

    /// Who sent it; null when the kernel does not say, or has no room for it.
    member this.Sender: EndPoint | null = endPoint (Span.op_Implicit (this.Bytes this.Layout.Name))

    /// It was longer than the buffer: the rest is gone.
    member this.IsTruncated = this.Layout.IsTruncated

    /// Control data did not fit.
    member this.IsControlTruncated = this.Layout.IsControlTruncated

    /// A lease of its own on the bytes.
    member this.Share() : BufferLease =
        let payload = this.Layout.Payload
        lease.Slice(payload.Start, payload.Length)

    /// Gives the buffer back. Harmless when it was done before.
    member _.Dispose() = lease.Dispose()

    interface IDisposable with
        member this.Dispose() = this.Dispose()
