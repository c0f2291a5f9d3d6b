// Reads what the kernel calls a socket: struct sockaddr. What has none that the BCL knows is null.
namespace Uring.FSharp

open System
open System.Buffers.Binary
open System.Net
open System.Net.Sockets

/// What the kernel calls a socket.
[<RequireQualifiedAccess>]
module internal SocketName =

    // Each only lends its `Create`, which reads the sockaddr of its family.
    let private anyInterNetwork = IPEndPoint(IPAddress.Any, 0)
    let private anyInterNetworkV6 = IPEndPoint(IPAddress.IPv6Any, 0)
    let private anyUnix = UnixDomainSocketEndPoint "/"

    /// As `read`, with what has no name as an end point without one. A SocketAddress holds the system's own bytes, family
    /// included.
    let whole (name: ReadOnlySpan<byte>) : EndPoint | null =
        let family = if name.Length < 2 then 0us else BinaryPrimitives.ReadUInt16LittleEndian name

        let kind: EndPoint | null =
            match int family with
            | 1 -> anyUnix
            | 2 when name.Length >= 16 -> anyInterNetwork
            | 10 when name.Length >= 28 -> anyInterNetworkV6
            // A family that this does not know.
            | _ -> null

        match kind with
        | null -> null
        | kind ->
            // The kernel ends a path with a NUL even where that is one byte more than a sockaddr_un.
            let length = if kind.AddressFamily = AddressFamily.Unix then min name.Length 110 else name.Length
            let address = SocketAddress(kind.AddressFamily, length)
            name.Slice(0, length).CopyTo address.Buffer.Span
            kind.Create address

    /// struct sockaddr_in and sockaddr_in6 in the network's byte order.
    let read (name: ReadOnlySpan<byte>) : EndPoint | null =
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
