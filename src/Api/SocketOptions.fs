// Names and options of sockets, which io_uring has no opcode for on every kernel we support: system calls,
// made at once by way of the seam. Decides what their results mean to a .NET developer.
namespace Uring.FSharp

open System
open System.Net
open System.Net.Sockets
open System.Runtime.InteropServices
open Uring.Driver
open Uring.Model

/// Addresses and options of a socket, from any thread. None of these blocks. Errors are SocketException, with
/// the BCL's SocketErrorCode.
[<RequireQualifiedAccess>]
module SocketOptions =

    /// struct sockaddr_storage: room for an address of any family.
    let private largestName = 128

    let private requireNumber (descriptor: FileDescriptor) =
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, typeof<Sockets.Socket>)

        if descriptor.IsDirect then
            raise (
                NotSupportedException
                    "A direct descriptor has no number that a system call could be told. Ask for its names and options by way of the ring (Socket.readLocalEndPoint and getOption; UringSocket.GetLocalEndPointAsync and GetRawSocketOptionAsync), or install it in the process's table."
            )

    let private nameOf (descriptor: FileDescriptor) (ofPeer: bool) : EndPoint | null =
        requireNumber descriptor
        let name = Array.zeroCreate<byte> largestName
        let result = descriptor.Kernel.SocketName(descriptor.Number, ofPeer, name)
        // Until here it must not be collected, which would close its number.
        GC.KeepAlive descriptor

        if result >= 0 then
            SocketName.read (ReadOnlySpan(name, 0, min result largestName))
        else
            match Errno.ofResult result with
            | Errno.ENOTCONN
            | Errno.ENOTSOCK -> null
            // An open set: what stands in the way of an answer.
            | _ -> raise (Fault.ofSocketCall (if ofPeer then "getpeername" else "getsockname") result)

    /// The address that the socket is bound to; null when it has none.
    let internal tryLocalEndPoint (descriptor: FileDescriptor) = nameOf descriptor false

    /// The address of its peer; null when it has none.
    let internal tryRemoteEndPoint (descriptor: FileDescriptor) = nameOf descriptor true

    /// The same, or what it was when the connection was made, where that cannot be asked any more or never could.
    let internal peerOr (known: EndPoint | null) (descriptor: FileDescriptor) : EndPoint | null =
        ObjectDisposedException.ThrowIf(descriptor.IsClosed, typeof<Sockets.Socket>)

        match known with
        | null -> tryRemoteEndPoint descriptor
        | known when descriptor.IsDirect -> known
        | known ->
            match tryRemoteEndPoint descriptor with
            | null -> known
            | found -> found

    let private required (endPoint: EndPoint | null) : EndPoint =
        match endPoint with
        | null -> raise (InvalidOperationException "The socket has no address yet: bind or connect it first.")
        | endPoint -> endPoint

    /// The address that the socket is bound to.
    let localEndPoint (descriptor: FileDescriptor) : EndPoint = required (tryLocalEndPoint descriptor)

    /// The address of its peer.
    let remoteEndPoint (descriptor: FileDescriptor) : EndPoint = required (tryRemoteEndPoint descriptor)

    /// The address of its peer, or what it was when the connection was made.
    let internal remoteEndPointOr (known: EndPoint | null) (descriptor: FileDescriptor) : EndPoint =
        required (peerOr known descriptor)

    let private tryGet (descriptor: FileDescriptor) (level: int) (name: int) (value: Span<byte>) : int =
        requireNumber descriptor
        let result = descriptor.Kernel.GetSocketOption(descriptor.Number, level, name, value)
        GC.KeepAlive descriptor
        result

    /// Reads an option into `value`, by the kernel's numbers for its level and its name. Returns how many
    /// bytes it has. man getsockopt(2).
    let getBytes (descriptor: FileDescriptor) (level: int) (name: int) (value: Span<byte>) : int =
        let result = tryGet descriptor level name value
        if Errno.isError result then raise (Fault.ofSocketCall "getsockopt" result) else result

    /// Sets an option, by the kernel's numbers for its level and its name. man setsockopt(2).
    let setBytes (descriptor: FileDescriptor) (level: int) (name: int) (value: ReadOnlySpan<byte>) : unit =
        requireNumber descriptor
        let result = descriptor.Kernel.SetSocketOption(descriptor.Number, level, name, value)
        GC.KeepAlive descriptor
        if Errno.isError result then raise (Fault.ofSocketCall "setsockopt" result)

    /// Reads an option that is a number (an `int` of C), as most are.
    let get (descriptor: FileDescriptor) (level: int) (name: int) : int =
        let mutable value = 0
        getBytes descriptor level name (MemoryMarshal.AsBytes(Span<int>(&value))) |> ignore
        value

    /// Sets an option that is a number (an `int` of C), as most are.
    let set (descriptor: FileDescriptor) (level: int) (name: int) (value: int) : unit =
        let mutable value = value
        setBytes descriptor level name (MemoryMarshal.AsBytes(ReadOnlySpan<int>(&value)))

    /// Reads an option that has a type, such as `SocketOption.keepAlive`.
    let read (option: SocketOption<'T>) (descriptor: FileDescriptor) : 'T =
        let value = Array.zeroCreate<byte> option.Size
        let length = getBytes descriptor option.Level option.Name (Span value)
        option.Decode(ReadOnlySpan(value, 0, max 4 (min length option.Size)))

    /// Sets an option that has a type.
    let write (option: SocketOption<'T>) (value: 'T) (descriptor: FileDescriptor) : unit =
        setBytes descriptor option.Level option.Name (ReadOnlySpan(option.Encode value))

    /// Raises unless the socket sends datagrams: the end of a connection looks like empty messages without
    /// end.
    let internal requireDatagrams (descriptor: FileDescriptor) =
        if not descriptor.IsDirect then
            let mutable value = 0
            let kind = SocketOption.socketType
            let result = tryGet descriptor kind.Level kind.Name (MemoryMarshal.AsBytes(Span<int>(&value)))

            match enum<SocketType> value with
            // What is no socket, the kernel refuses when it is to receive.
            | _ when Errno.isError result -> ()
            | SocketType.Stream
            | SocketType.Seqpacket ->
                raise (
                    NotSupportedException(
                        "Messages are received from datagram sockets. Of a connection receive the bytes: over a sequenced-packet socket each lease is one message."
                    )
                )
            // An open set: datagrams, raw sockets.
            | _ -> ()

    /// Whether small messages are sent at once (TCP_NODELAY).
    let noDelay (descriptor: FileDescriptor) : bool = read SocketOption.noDelay descriptor

    /// Sends small messages at once instead of collecting them (TCP_NODELAY).
    let setNoDelay (descriptor: FileDescriptor) (value: bool) : unit =
        write SocketOption.noDelay value descriptor

    /// Lets a server bind to an address whose last connections still linger (SO_REUSEADDR). The BCL's
    /// ReuseAddress also sets SO_REUSEPORT, which would let a second server in: this does not.
    let setReuseAddress (descriptor: FileDescriptor) (value: bool) : unit =
        write SocketOption.reuseAddress value descriptor
