// Names and options of sockets, which io_uring has no opcode for on every kernel we support: ordinary system calls, by way
// of the kernel that the descriptor belongs to. None of these blocks. Source: man getsockname(2), getsockopt(2), socket(7).
namespace Uring.FSharp

open System
open System.Buffers.Binary
open System.Net
open System.Net.Sockets
open Uring.Driver
open Uring.Kernel
open Uring.Model

/// Names and options. Errors are SocketException; ObjectDisposedException when the socket was closed.
[<RequireQualifiedAccess>]
module SocketOptions =

    // Linux's numbers.
    let private socketLevel = 1
    let private tcpLevel = 6
    let private reuseAddress = 2
    let private kind = 3
    let private noDelay = 1
    /// struct sockaddr_storage.
    let private longestAddress = 128

    let private check (descriptor: FileDescriptor) =
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, typeof<Sockets.Socket>)

        if descriptor.IsDirect then
            raise (
                NotSupportedException
                    "A direct descriptor has no number outside of its ring: names and options of its socket are out of reach here. Accept without direct descriptors where you need them."
            )

    /// The result, or the exception. Until here the descriptor must not be collected, which would close its number.
    let private checkResult (descriptor: FileDescriptor) (result: int) =
        GC.KeepAlive descriptor

        if Errno.isError result then
            raise (SocketException(int (Fault.socketError (Errno.ofResult result))))

        result

    /// An option's value as bytes: how many there were room for in `value`. man getsockopt(2).
    let get (descriptor: FileDescriptor) (level: int) (name: int) (value: byte array) : int =
        check descriptor

        checkResult
            descriptor
            (descriptor.Kernel.GetSocketOption(descriptor.Number, level, name, value.AsSpan()))

    /// Sets an option to these bytes. man setsockopt(2).
    let set (descriptor: FileDescriptor) (level: int) (name: int) (value: byte array) =
        check descriptor
        let value = ReadOnlySpan value

        checkResult descriptor (descriptor.Kernel.SetSocketOption(descriptor.Number, level, name, value))
        |> ignore

    /// An option that is a number.
    let getNumber (descriptor: FileDescriptor) (level: int) (name: int) : int =
        let value = Array.zeroCreate<byte> 4
        get descriptor level name value |> ignore
        BinaryPrimitives.ReadInt32LittleEndian(ReadOnlySpan value)

    /// Sets an option that is a number.
    let setNumber (descriptor: FileDescriptor) (level: int) (name: int) (value: int) =
        set descriptor level name (BitConverter.GetBytes value)

    /// Raises unless the socket sends datagrams: the end of a connection looks like empty messages without end.
    let internal requireDatagrams (descriptor: FileDescriptor) =
        let kind = if descriptor.IsDirect then 2 else getNumber descriptor socketLevel kind

        match kind with
        // SOCK_STREAM, SOCK_SEQPACKET.
        | 1
        | 5 ->
            raise (
                NotSupportedException(
                    "Messages are received from datagram sockets. Of a connection receive the bytes: over a sequenced-packet socket each lease is one message."
                )
            )
        // An open set: datagrams, raw sockets.
        | _ -> ()

    /// The end point that a sockaddr says; null for one that says nothing.
    let private endPointOf (address: ReadOnlySpan<byte>) : EndPoint | null =
        let family = if address.Length < 2 then 0us else BinaryPrimitives.ReadUInt16LittleEndian address

        let like: EndPoint | null =
            match family with
            | 1us -> UnixDomainSocketEndPoint "any"
            | 2us -> IPEndPoint(IPAddress.Any, 0)
            | 10us -> IPEndPoint(IPAddress.IPv6Any, 0)
            // An open set: families that this library does not make.
            | _ -> null

        match like with
        | null -> null
        | like ->
            let serialized = SocketAddress(like.AddressFamily, max 2 address.Length)
            address.CopyTo serialized.Buffer.Span
            serialized.Size <- address.Length
            like.Create serialized

    let private nameOf (descriptor: FileDescriptor) (ofPeer: bool) : EndPoint | null =
        check descriptor
        let address = Array.zeroCreate<byte> longestAddress
        let kernel = descriptor.Kernel

        let length = checkResult descriptor (kernel.SocketName(descriptor.Number, ofPeer, address.AsSpan()))

        endPointOf (ReadOnlySpan(address, 0, min length longestAddress))

    let private required (endPoint: EndPoint | null) : EndPoint =
        match endPoint with
        | null -> raise (InvalidOperationException "The socket has no address yet: bind or connect it first.")
        | endPoint -> endPoint

    /// The address that the socket is bound to.
    let localEndPoint descriptor : EndPoint = required (nameOf descriptor false)

    /// The address of its peer.
    let remoteEndPoint descriptor : EndPoint = required (nameOf descriptor true)

    /// Whether small messages are sent at once (TCP_NODELAY).
    let getNoDelay descriptor : bool = getNumber descriptor tcpLevel noDelay <> 0

    /// Sends small messages at once instead of collecting them (TCP_NODELAY).
    let setNoDelay descriptor (value: bool) = setNumber descriptor tcpLevel noDelay (if value then 1 else 0)

    /// Lets a server bind to an address whose last connections still linger (SO_REUSEADDR). Not SO_REUSEPORT, which would
    /// let a second server in.
    let setReuseAddress descriptor (value: bool) =
        setNumber descriptor socketLevel reuseAddress (if value then 1 else 0)
