// A datagram socket, UDP or Unix: messages with their sender, whole or cut, in their order or not at all. Source: man
// udp(7), unix(7), recv(2).
namespace Uring.Simulation.World

open System
open System.Collections.Generic
open Uring.Model
open Uring.Simulation

/// One datagram.
[<Struct; NoEquality; NoComparison>]
type internal Datagram = { Source: byte array; Bytes: byte array }

[<Sealed>]
type internal DatagramSocket(network: Network, host: NetworkHost, family: int) =
    inherit SocketFile()

    let unix = 1
    // As many as the default buffer of 212,992 bytes holds of small ones.
    let most = 256
    let queue = Queue<Datagram>()
    let mutable local: Address voption = ValueNone
    let mutable remote: Address voption = ValueNone
    let mutable peer: DatagramSocket | null = null
    let mutable readShut = false
    let mutable closed = false

    let fail (errno: Errno) = Errno.toResult errno

    let find (address: Address) : Result<DatagramSocket, Errno> =
        match network.Route(host, address) with
        | null -> Error Errno.ENETUNREACH
        | target ->
            match target.Find(2, address), address with
            | (:? DatagramSocket as found), _ -> Ok found
            | _, Address.Unix name when not (name.StartsWith '\000') -> Error Errno.ENOENT
            | _ -> Error Errno.ECONNREFUSED

    member _.Host = host

    /// A message comes in. False when there is no room.
    member private this.Deliver(datagram: Datagram) =
        if closed || queue.Count >= most then
            false
        else
            queue.Enqueue datagram
            this.Changed PollEvents.Readable
            true

    member private _.IsClosed = closed

    /// socketpair(2).
    member _.Pair(other: DatagramSocket) = peer <- other

    override _.HasMore = queue.Count > 0
    override _.Kind = 2
    override _.Family = family

    override _.Name =
        let kind = if family = unix then "unix datagram" else "udp"

        match local with
        | ValueSome address -> $"{kind} {Address.tell address}"
        | ValueNone -> kind

    override _.Events =
        PollEvents.Writable
        ||| (if queue.Count > 0 || readShut then PollEvents.Readable else PollEvents.None)

    override this.Bind bytes =
        match Address.parse bytes with
        | Error errno -> fail errno
        | Ok address when Address.family address <> family || local.IsSome -> fail Errno.EINVAL
        | Ok address ->
            match host.Bind(this.Kind, address, this) with
            | Ok bound ->
                local <- ValueSome bound
                0
            | Error errno -> fail errno

    override _.Listen _ = fail Errno.EOPNOTSUPP
    override _.Accept() = struct (null, fail Errno.EOPNOTSUPP)

    override _.Connect bytes =
        match Address.parse bytes with
        | Error errno -> fail errno
        | Ok Address.Unspecified ->
            remote <- ValueNone
            0
        | Ok address when Address.family address <> family -> fail Errno.EAFNOSUPPORT
        | Ok address ->
            match (if family = unix then find address |> Result.map ignore else Ok()) with
            | Error errno -> fail errno
            | Ok() ->
                remote <- ValueSome address
                0

    override this.Send(bytes, _, target) =
        let wanted =
            if target.Length > 0 then
                Address.parse target |> Result.bind find
            elif not (isNull peer) then
                Ok(nonNull peer)
            else
                match remote with
                | ValueSome address -> find address
                | ValueNone -> Error(if family = unix then Errno.ENOTCONN else Errno.EDESTADDRREQ)

        // The kernel gives a sender a port of its own.
        if local.IsNone && family <> unix then
            let any = if family = 10 then "::1" else "127.0.0.1"
            this.Bind(Address.bytes (Address.Internet(family, any, 0))) |> ignore

        match wanted with
        | _ when bytes.Length > 65507 && family <> unix -> fail Errno.EMSGSIZE
        | Error Errno.ECONNREFUSED when family <> unix -> bytes.Length // Nobody answers: it is lost.
        | Error errno -> fail errno
        | Ok other when other.IsClosed -> fail Errno.ECONNREFUSED
        | Ok _ when bytes.Length > 65507 -> fail Errno.EMSGSIZE
        | Ok other ->
            let source =
                match local with
                | ValueSome address -> Address.bytes address
                | ValueNone -> [||]

            let datagram = { Source = source; Bytes = bytes.ToArray() }
            let length = bytes.Length

            if family = unix then
                if other.Deliver datagram then length else fail Errno.EAGAIN
            else
                network.After(
                    network.Latency(host, other.Host),
                    "datagram",
                    fun () -> other.Deliver datagram |> ignore
                )

                length

    override _.Receive(target, flags, source, isTruncated) =
        match queue.TryPeek() with
        | true, datagram ->
            if (flags &&& 2) = 0 then queue.Dequeue() |> ignore

            let length = min target.Length datagram.Bytes.Length
            datagram.Bytes.AsSpan(0, length).CopyTo target
            source <- datagram.Source
            isTruncated <- length < datagram.Bytes.Length
            // MSG_TRUNC asks for the real length.
            if (flags &&& 0x20) <> 0 then datagram.Bytes.Length else length
        | _ when readShut -> 0
        | _ -> fail Errno.EAGAIN

    override this.Read(target, offset) =
        let mutable source: byte array = [||]
        let mutable isTruncated = false

        if offset > 0L then fail Errno.ESPIPE
        elif target.Length = 0 then 0
        else this.Receive(target, 0, &source, &isTruncated)

    override this.Write(bytes, offset) = if offset > 0L then fail Errno.ESPIPE else this.Send(bytes, 0, [||])

    override this.Shutdown how =
        if remote.IsNone && isNull peer then
            fail Errno.ENOTCONN
        else
            if how <> 1 then readShut <- true

            this.Changed PollEvents.None
            0

    override _.Address ofPeer =
        match (if ofPeer then remote else local) with
        | ValueSome address -> Address.bytes address
        | ValueNone when not ofPeer -> Address.bytes (Address.unbound family)
        | ValueNone -> [||]

    override _.Abort() = remote <- ValueNone

    override this.Released() =
        closed <- true

        match local with
        | ValueSome address -> host.Unbind(this.Kind, address, this)
        | ValueNone -> ()
