// A datagram socket, UDP or Unix: messages with their sender, one by one. Source: man udp(7), unix(7), recv(2).
namespace Uring.Simulation.World

open System
open System.Collections.Generic
open Uring.Model
open Uring.Simulation

/// One datagram.
[<Struct; NoEquality; NoComparison>]
type internal Datagram = {
    Source: byte array
    Bytes: byte array
    /// Unix: who hears that its memory is free again.
    Sender: OpenFile voption
}

/// One socket, and the datagrams that wait there.
///
///   Send --Unix: at once--> queue of the other --Receive--> one datagram, whole or cut
///     +----UDP: travels, may be lost----^
///
/// Laws
///  1. each receive gives one datagram that was sent, whole, or cut to the buffer, and then it says so
///  2. no datagram comes twice, and none overtakes another unless it was delayed
///  3. a full queue refuses the new one (Unix) or loses it (UDP), and who was refused hears when there is room
///  4. the source of a datagram is an address that leads back to its sender
///  5. a connected socket hears its peer and nobody else
///  6. a datagram of another family, or one that is too long, is refused
///  7. after its end a side sends nothing more; what had come is received before the end
///  8. UDP: what nobody takes is refused, and a sender that is connected to that address hears of it, once
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
    let mutable writeShut = false
    let mutable closed = false
    // UDP: what it sent was refused; told once, by the next call.
    let mutable error = 0
    // Found this one full, and wait.
    let refused = List<DatagramSocket>()

    let fail (errno: Errno) = Errno.toResult errno

    let takeError () =
        let told = error
        error <- 0
        told

    let find (address: Address) : Result<DatagramSocket, Errno> =
        match network.Route(host, address) with
        | _ when Address.family address <> family ->
            Error(if family = unix then Errno.EINVAL else Errno.EAFNOSUPPORT)
        | null -> Error Errno.ENETUNREACH
        | target ->
            match target.Find(2, address), address with
            // No port: there is nobody.
            | _, Address.Internet(_, _, 0) -> Error Errno.EINVAL
            | (:? DatagramSocket as found), _ -> Ok found
            | _, Address.Unix name when not (name.StartsWith '\000') -> Error Errno.ENOENT
            | _ -> Error Errno.ECONNREFUSED

    member _.Host = host

    /// Where its datagrams go when no address is given.
    member private _.Target: Result<DatagramSocket, Errno> =
        match peer with
        | null ->
            match remote with
            | ValueSome address -> find address
            | ValueNone -> Error(if family = unix then Errno.ENOTCONN else Errno.EDESTADDRREQ)
        | other -> Ok other

    /// A message comes in. False when there is no room.
    member private this.Deliver(datagram: Datagram) =
        if closed || queue.Count >= most then
            false
        else
            queue.Enqueue datagram
            this.Changed PollEvents.Readable
            true

    /// UDP: of a connected socket's peer only. What was there before it was connected stays. False when nobody is here to
    /// take it; what there is no room for is lost without a word.
    member private this.Arrive(datagram: Datagram) : bool =
        match remote with
        | _ when closed -> false
        | ValueSome address when Address.bytes address <> datagram.Source -> false
        | _ ->
            this.Deliver datagram |> ignore
            true

    /// UDP: nobody has taken what it sent there (ICMP).
    member private this.Refused(target: Address voption) =
        if remote.IsSome && remote = target then
            error <- fail Errno.ECONNREFUSED
            this.Changed PollEvents.Error

    /// There is room again, or never will be: those who were refused look again.
    member private _.Wake(events: PollEvents) =
        let waiting = refused.ToArray()
        refused.Clear()

        for sender in waiting do
            sender.Changed events

    /// A datagram is no longer here: its sender has that memory again. Who was refused hears of it anyway.
    member private _.Free(sender: OpenFile) =
        match sender with
        | :? DatagramSocket as sender when not (refused.Contains sender) -> sender.Changed PollEvents.Writable
        | _ -> ()

    member private _.Refuse(sender: DatagramSocket) = if not (refused.Contains sender) then refused.Add sender
    member private _.IsFull = queue.Count >= most
    member private _.IsClosed = closed
    member private _.IsReadShut = readShut

    /// Unix: the full queue of the peer that it is connected to. Of who names the other each time poll(2) knows nothing: it
    /// says that there is room.
    member private this.Obstacle: DatagramSocket voption =
        match this.Target with
        | _ when family <> unix || writeShut -> ValueNone
        | Ok other when other.IsFull && not other.IsClosed && not other.IsReadShut -> ValueSome other
        | _ -> ValueNone

    /// Unix: it takes messages from anybody, or from the one that it is connected to.
    member private _.Hears(sender: DatagramSocket, address: Address voption) =
        match peer with
        | null -> remote.IsNone || remote = address
        | other -> obj.ReferenceEquals(other, sender)

    /// socketpair(2).
    member _.Pair(other: DatagramSocket) = peer <- other

    /// Nothing is left to receive, and nothing will come.
    member _.HasEnded = readShut && queue.Count = 0

    override _.HasMore = queue.Count > 0

    override _.Queued isOutgoing =
        if family = 1 then
            fail Errno.EOPNOTSUPP
        elif isOutgoing then
            0
        else
            match queue.TryPeek() with
            | true, next -> next.Bytes.Length
            | _ -> 0

    override _.Kind = 2
    override _.Family = family

    override _.Name =
        let kind = if family = unix then "unix datagram" else "udp"

        match local with
        | ValueSome address -> $"{kind} {Address.tell address}"
        | ValueNone -> kind

    override this.Events =
        let sending =
            match this.Obstacle with
            | ValueSome other ->
                // Who looks and finds it full hears when there is room, as one who was refused.
                other.Refuse this
                PollEvents.None
            | ValueNone -> PollEvents.Writable

        let when' condition (events: PollEvents) = if condition then events else PollEvents.None

        sending
        ||| when' (queue.Count > 0 || readShut) PollEvents.Readable
        ||| when' readShut PollEvents.ReadHangUp
        ||| when' (readShut && writeShut) PollEvents.HangUp
        ||| when' (error <> 0) PollEvents.Error

    override this.Bind bytes =
        match Address.parse bytes with
        | Error errno -> fail errno
        | Ok address when Address.family address <> family && family <> unix -> fail Errno.EAFNOSUPPORT
        | Ok address when Address.family address <> family || local.IsSome -> fail Errno.EINVAL
        | Ok address ->
            match host.Bind(this.Kind, address, this) with
            | Ok bound ->
                local <- ValueSome bound
                0
            | Error errno -> fail errno

    override _.Listen _ = fail Errno.EOPNOTSUPP
    override _.Accept() = struct (null, fail Errno.EOPNOTSUPP)

    override this.Connect bytes =
        match Address.parse bytes with
        | Error errno -> fail errno
        | Ok Address.Unspecified ->
            remote <- ValueNone
            0
        | Ok address when Address.family address <> family ->
            fail (if family = unix then Errno.EINVAL else Errno.EAFNOSUPPORT)
        | Ok address when family = unix ->
            match find address with
            | Error errno -> fail errno
            | Ok _ ->
                remote <- ValueSome address
                0
        | Ok address when isNull (network.Route(host, address)) -> fail Errno.ENETUNREACH
        | Ok address ->
            match address with
            | Address.Internet(_, text, port) ->
                let source = host.Source(family, text)

                if local.IsNone then
                    this.Bind(Address.bytes (Address.Internet(family, source, 0))) |> ignore

                let named = if text = Address.wildcard family then Address.loopback family else text
                remote <- ValueSome(Address.Internet(family, named, port))
            | other -> remote <- ValueSome other

            0

    override this.Send(bytes, _, target) =
        let length = bytes.Length

        let wanted =
            match (if target.Length > 0 then Address.parse target |> Result.bind find else this.Target) with
            // UDP: who does not say where to hears that first.
            | Error Errno.EDESTADDRREQ as missing -> missing
            | _ when writeShut -> Error Errno.EPIPE
            | found -> found

        // The kernel gives a sender a port of its own.
        if local.IsNone && family <> unix then
            this.Bind(Address.bytes (Address.Internet(family, Address.wildcard family, 0))) |> ignore

        let isOfPeer = target.Length = 0 && (remote.IsSome || not (isNull peer))

        let isGone =
            match wanted with
            | Ok other -> other.IsClosed
            | Error reason -> reason <> Errno.EPIPE

        let address =
            match Address.parse target with
            | Ok address when target.Length > 0 -> ValueSome address
            | _ -> remote

        match wanted with
        // The peer that it was connected to is no more: from now on it has none.
        | _ when family = unix && isOfPeer && isGone ->
            remote <- ValueNone
            peer <- null
            fail Errno.ECONNREFUSED
        | _ when length > 65507 -> fail Errno.EMSGSIZE
        | (Ok _ | Error(Errno.ECONNREFUSED | Errno.EPIPE)) when error <> 0 -> takeError ()
        | Error Errno.ECONNREFUSED when family <> unix ->
            network.After(network.Latency(host, host), "refusal", (fun () -> this.Refused address))
            length
        | Error errno -> fail errno
        | Ok other when other.IsClosed -> fail Errno.ECONNREFUSED
        | Ok other when family = unix && not (other.Hears(this, local)) -> fail Errno.EPERM
        | Ok other when family = unix && other.IsReadShut -> fail Errno.EPIPE
        | Ok other when family = unix ->
            let source =
                match local with
                | ValueSome address -> Address.bytes address
                | ValueNone -> [||]

            let datagram = { Source = source; Bytes = bytes.ToArray(); Sender = ValueSome(this :> OpenFile) }

            if other.Deliver datagram then
                length
            else
                other.Refuse this
                fail Errno.EAGAIN
        | Ok other ->
            let datagram = { Source = this.SourceTo target; Bytes = bytes.ToArray(); Sender = ValueNone }

            let arrive () = if not (other.Arrive datagram) then this.Refused address
            network.After(network.Latency(host, other.Host), "datagram", arrive)

            length

    /// What the other side sees as the sender: never a wildcard, which would lead it to itself.
    member private _.SourceTo(target: byte array) : byte array =
        let address =
            match Address.parse target, remote with
            | Ok address, _ -> ValueSome address
            | Error _, address -> address

        match local, address with
        | ValueSome(Address.Internet(_, text, port)), ValueSome(Address.Internet(_, other, _)) when
            text = Address.wildcard family
            ->
            Address.bytes (Address.Internet(family, host.Source(family, other), port))
        | ValueSome own, _ -> Address.bytes own
        | ValueNone, _ -> [||]

    override this.Receive(target, flags, source, isTruncated) =
        match queue.TryPeek() with
        | _ when error <> 0 -> takeError ()
        | true, datagram ->
            if (flags &&& 2) = 0 then
                queue.Dequeue() |> ignore
                datagram.Sender |> ValueOption.iter this.Free
                this.Wake PollEvents.Writable

            let length = min target.Length datagram.Bytes.Length
            datagram.Bytes.AsSpan(0, length).CopyTo target
            source <- datagram.Source
            isTruncated <- length < datagram.Bytes.Length
            // MSG_TRUNC asks for the real length.
            if (flags &&& 0x20) <> 0 then datagram.Bytes.Length else length
        // Who may not wait (MSG_DONTWAIT) does not hear of the end: recvmsg looks for that only before it would wait.
        | _ when readShut && (flags &&& 0x40) = 0 -> 0
        | _ -> fail Errno.EAGAIN

    override this.Read(target, offset) =
        let mutable source: byte array = [||]
        let mutable isTruncated = false

        if offset > 0L then fail Errno.ESPIPE
        elif target.Length = 0 then 0
        else this.Receive(target, 0, &source, &isTruncated)

    override this.Write(bytes, offset) = if offset > 0L then fail Errno.ESPIPE else this.Send(bytes, 0, [||])

    override this.Shutdown how =
        if how < 0 || how > 2 then
            fail Errno.EINVAL
        else
            if how <> 1 then readShut <- true
            if how <> 0 then writeShut <- true
            this.Changed PollEvents.None
            this.Wake PollEvents.None
            // UDP says so and shuts all the same.
            if family <> unix && remote.IsNone then fail Errno.ENOTCONN else 0

    override _.Address ofPeer =
        match (if ofPeer then remote else local) with
        | ValueSome address -> Address.bytes address
        | ValueNone when not ofPeer -> Address.bytes (Address.unbound family)
        | ValueNone -> [||]

    override _.Abort() = remote <- ValueNone

    override this.Released() =
        closed <- true
        let senders = queue |> Seq.choose (_.Sender >> ValueOption.toOption) |> Seq.distinct |> List.ofSeq

        for sender in senders do
            this.Free sender

        this.Wake PollEvents.None

        match local with
        | ValueSome address -> host.Unbind(this.Kind, address, this)
        | ValueNone -> ()
