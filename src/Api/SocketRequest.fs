// What each socket operation asks of the ring, as a value. Used by the Socket module, by chains and by the C# facade.
namespace Uring.FSharp

open System
open System.Runtime.CompilerServices
open System.Net
open System.Net.Sockets
open System.Runtime.InteropServices
open Uring.Driver
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

    let private onAddress (socket: FileDescriptor) (endPoint: EndPoint) submission : Request =
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

        let address = endPoint.Serialize()

        {
            Request.over socket address.Buffer (submission socket.Number 0UL (uint32 address.Size)) with
                Subject = endPoint.ToString()
        }

    /// Makes a socket. The result is a descriptor.
    let socket (family: AddressFamily) (kind: SocketType) (protocol: ProtocolType) : Request =
        let protocol = if protocol = ProtocolType.Unspecified then 0 else int protocol
        Request.bare (Submission.socket (domain family) (int kind ||| closeOnExec) protocol)

    /// Binds to an address (Linux 6.11). man bind(2).
    let bind (socket: FileDescriptor) (endPoint: EndPoint) : Request =
        onAddress socket endPoint Submission.bind

    /// Connects to an address. man connect(2).
    let connect (socket: FileDescriptor) (endPoint: EndPoint) : Request =
        onAddress socket endPoint Submission.connect

    /// Starts listening, with room for `backlog` connections that wait.
    let listen (socket: FileDescriptor) (backlog: int) : Request =
        ArgumentOutOfRangeException.ThrowIfNegative(backlog, nameof backlog)
        Submission.listen socket.Number (uint32 backlog) |> Request.on socket

    /// Takes one connection. The result is a descriptor.
    let accept (socket: FileDescriptor) : Request =
        Submission.accept socket.Number 0UL 0UL (uint32 closeOnExec) |> Request.on socket

    /// Takes connections until cancelled. Each result is a descriptor.
    let acceptMany (socket: FileDescriptor) : Request = {
        (Submission.acceptMultishot socket.Number (uint32 closeOnExec) |> Request.on socket) with
            Shape = Shape.Multishot
    }

    /// Sends `buffer`. The result is the number of bytes, which can be fewer.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let send (socket: FileDescriptor) (buffer: ReadOnlyMemory<byte>) : Request =
        Submission.send socket.Number 0UL (uint32 buffer.Length) 0u
        |> Request.over socket (MemoryMarshal.AsMemory buffer)

    /// Receives into `buffer`. The result is the number of bytes, 0 when the peer has finished.
    [<MethodImpl(MethodImplOptions.AggressiveInlining)>]
    let receive (socket: FileDescriptor) (buffer: Memory<byte>) : Request =
        Submission.receive socket.Number 0UL (uint32 buffer.Length) 0u |> Request.over socket buffer

    /// Receives into buffers of a pool until cancelled or finished.
    let receiveMany (socket: FileDescriptor) (pool: BufferPool) : Request = {
        (Submission.receiveMultishot socket.Number pool.Group 0u |> Request.on socket) with
            Shape = Shape.Multishot
    }

    /// Ends one direction, or both.
    let shutdown (socket: FileDescriptor) (how: SocketShutdown) : Request =
        Submission.shutdown socket.Number (uint32 how) |> Request.on socket
