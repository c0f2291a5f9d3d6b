// Reads what the kernel calls a socket: struct sockaddr. What the BCL does not know is null.
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

    /// A SocketAddress holds the system's own bytes, family included. A Unix socket without a name has an empty one.
    let read (name: ReadOnlySpan<byte>) : EndPoint | null =
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

    /// Who sent a message. Null when nothing leads back to him: a Unix socket without a name.
    let sender (name: ReadOnlySpan<byte>) : EndPoint | null = if name.Length <= 2 then null else read name
