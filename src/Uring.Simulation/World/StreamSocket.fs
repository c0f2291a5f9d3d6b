// A stream socket, TCP or Unix: connections, half close, reset, and the two buffers between a sender and a receiver.
// Length: one machine with two sides, which act on each other's state.
// Source: man tcp(7), unix(7), connect(2), shutdown(2), and the reference, section 4.9.
namespace Uring.Simulation.World

open System
open System.Collections.Generic
open Uring.Model
open Uring.Simulation

/// Where a stream socket stands.
///
///   Fresh --listen--> Listening
///     | connect            accept makes one that is Connected
///   Connecting --handshake--> Connected --reset, closed on both sides--> Broken
///
/// Laws
///  1. bytes arrive in their order, none twice, and none is lost unless the connection was reset
///  2. the end of a stream is seen after its last byte
///  3. a reset is told once; after that the end is read, and sending fails with EPIPE
///  4. a full buffer says EAGAIN, and whoever waits is woken when there is room
///  5. shutting one direction leaves the other as it was
///  6. a listener holds one connection more than its backlog, the next one waits, and each is accepted once
///  7. where nobody listens a connection is refused
///  8. a Unix socket that finds no room in the backlog is as it was, ready to write, and hears when there is room
type internal StreamPhase =
    | Fresh = 0
    | Listening = 1
    | Connecting = 2
    | Connected = 3
    | Broken = 4

[<Sealed>]
type internal StreamSocket(network: Network, host: NetworkHost, family: int) =
    inherit SocketFile()

    let unix = 1
    let choices = network.Choices
    let incoming = ByteQueue 65536
    let outgoing = ByteQueue 65536
    let backlog = Queue<StreamSocket>()
    // Those that found it full.
    // Found no room in the backlog.
    let refused = List<StreamSocket>()
    // Where this one found none: that name is there.
    let mutable foundFull: Address voption = ValueNone
    let mutable backlogLimit = 0
    let mutable phase = StreamPhase.Fresh
    let mutable local: Address voption = ValueNone
    // TCP: it did not ask for this port, and gives it back with its connection.
    let mutable hasLentPort = family <> 1
    let mutable remote: Address voption = ValueNone
    let mutable peer: StreamSocket | null = null
    // The other side will send no more; told after its last byte.
    let mutable ended = false
    // The end came as such, and not with a reset: it is told before an error is.
    let mutable finished = false
    // This side reads, sends no more.
    let mutable readShut = false
    let mutable writeShut = false
    let mutable endSent = false
    // The other side does not know yet that its end has arrived: it will look again when it hears of that.
    let mutable owesAnswer = false
    let mutable closed = false
    // Told once, by the next call.
    let mutable error = 0
    // Something is on its way already: what comes meanwhile goes with it.
    let mutable travelling = false

    let fail (errno: Errno) = Errno.toResult errno

    let hasRoom () = outgoing.Free * 3 >= outgoing.Capacity

    let takeError () =
        let told = error
        error <- 0
        told

    member private _.Peer
        with get () = peer
        and set (value: StreamSocket | null) = peer <- value

    member _.Host = host
    member _.Phase = phase

    /// Bytes that the other side has not got yet.
    member _.Unacknowledged = outgoing.Count

    // ---- between the two sides

    /// The connection is gone; the next call hears of it.
    member private this.Break(reason: Errno) =
        if phase = StreamPhase.Connected || phase = StreamPhase.Connecting then
            phase <- StreamPhase.Broken
            // TCP: after the peer's end Linux says EPIPE.
            let isBehindEnd = ended && family <> unix && reason = Errno.ECONNRESET
            error <- fail (if isBehindEnd then Errno.EPIPE else reason)
            outgoing.Clear()
            ended <- true
            writeShut <- true
            // No end will follow.
            endSent <- true
            this.Changed PollEvents.None

    /// Tells the other side that the connection is gone.
    member private _.ResetPeer() =
        match peer with
        | null -> ()
        | other ->
            peer <- null
            other.Peer <- null

            network.After(
                network.Latency(host, other.Host),
                "reset",
                (fun () -> other.Break Errno.ECONNRESET)
            )

    /// The other side of a Unix connection learns at once that nobody reads any more.
    member private _.StopPeer() =
        match peer with
        | null -> ()
        | other when family = unix -> other.Stop()
        | _ -> ()

    member private this.Stop() =
        writeShut <- true
        endSent <- true
        this.Changed PollEvents.None

    /// Moves what there is room for at the other side.
    member private this.Arrive() =
        travelling <- false

        match peer with
        | null -> ()
        | other when other.IsClosed && outgoing.Count > 0 ->
            // Nobody is there to read it: the answer is a reset.
            this.Break Errno.ECONNRESET
        | other when family <> unix && other.IsShut && outgoing.Count > 0 ->
            // It has said that it neither reads nor writes: the answer is a reset, and that is its end, too.
            this.Break Errno.ECONNRESET
            other.Break Errno.ECONNRESET
        | other ->
            let wasFull = not (hasRoom ())
            let moved = other.Take outgoing

            if outgoing.Count = 0 && writeShut && not endSent then
                endSent <- true
                other.End()

            if moved > 0 then
                // TCP: the answer to the other side's end has waited for the first segment that goes there.
                if owesAnswer then
                    owesAnswer <- false
                    other.Changed PollEvents.None

                other.Changed PollEvents.Readable
                // Who could write all the time hears nothing.
                if wasFull && hasRoom () then this.Changed PollEvents.Writable

    member private _.Take(bytes: ByteQueue) = bytes.MoveTo incoming

    member private _.IsClosed = closed
    member private _.IsShut = readShut && writeShut

    member private this.End() =
        ended <- true
        finished <- true
        owesAnswer <- family <> unix
        this.Changed PollEvents.None

    member private this.Transmit() =
        match peer with
        | null -> ()
        | _ when travelling -> ()
        | other ->
            travelling <- true
            network.After(network.Latency(host, other.Host), "segment", (fun () -> this.Arrive()))

    /// Two sockets become a connection.
    member private this.Join(other: StreamSocket) =
        phase <- StreamPhase.Connected
        this.Peer <- other

    /// socketpair(2).
    member this.Pair(other: StreamSocket) =
        this.Join other
        other.Join this

    member private _.Takes = phase = StreamPhase.Listening && not readShut

    /// Those who wait to be accepted lose their connections, and those who could not even wait look again.
    member private this.TurnAway() =
        for waiting in backlog do
            waiting.Abort()
            waiting.Release()

        backlog.Clear()

        this.TellOfRoom()

    /// Those who were refused look again, and the first of them finds room.
    member private _.TellOfRoom() =
        let waiting = refused.ToArray()
        refused.Clear()

        for socket in waiting do
            socket.Changed PollEvents.None

    /// Unix: there is no connection on its way, as in TCP: a socket that found no room is as it was.
    member private this.Refuse(client: StreamSocket) =
        client.TurnBack()
        if not (refused.Contains client) then refused.Add client

    member private this.TurnBack() =
        phase <- StreamPhase.Fresh
        foundFull <- remote
        remote <- ValueNone

    /// A connection comes in. False when the backlog is full.
    member private this.Offer(from: StreamSocket, fromAddress: Address) : bool =
        if backlog.Count > backlogLimit then
            false
        else
            let server = StreamSocket(network, host, family)
            server.Name' local (ValueSome fromAddress)
            server.Join from
            backlog.Enqueue server
            from.Join server
            this.Changed PollEvents.Readable
            true

    member private _.Name' (own: Address voption) (other: Address voption) =
        local <- own
        remote <- other

    /// The handshake has come to the other machine.
    member private this.Shake(target: NetworkHost, address: Address) =
        // Who has closed meanwhile has given up.
        if phase = StreamPhase.Connecting && not closed then
            match target.Find(this.Kind, address) with
            | :? StreamSocket as listener when listener.Takes ->
                let own = ValueOption.defaultValue (Address.Unix "") local

                if listener.Offer(this, own) then
                    this.Changed PollEvents.None
                elif family = unix then
                    listener.Refuse this
                else
                    // A lost SYN is sent again after a second.
                    network.After(1_000_000_000L, "SYN", (fun () -> this.Shake(target, address)))
            | _ -> this.Break Errno.ECONNREFUSED

    // ---- SocketFile

    // TCP says so of the end as well, so that the program reads on.
    override _.HasMore =
        if phase = StreamPhase.Listening then
            // Unix sockets do not say.
            family <> unix && backlog.Count > 0
        else
            incoming.Count > 0 || (family <> unix && finished)

    override _.Queued isOutgoing =
        if family = unix then fail Errno.EOPNOTSUPP
        elif phase = StreamPhase.Listening then fail Errno.EINVAL
        elif isOutgoing then outgoing.Count
        else incoming.Count

    override _.IsListening = phase = StreamPhase.Listening
    override _.Kind = 1
    override _.Family = family

    override _.Name =
        let text word address =
            match address with
            | ValueSome address -> word + Address.tell address
            | ValueNone -> ""

        let kind = if family = unix then "unix" else "tcp"
        let role = if phase = StreamPhase.Listening then " listener" else ""
        kind + role + text " " local + text " to " remote

    override _.Events =
        let when' condition (events: PollEvents) = if condition then events else PollEvents.None

        match phase with
        | StreamPhase.Listening ->
            when' (backlog.Count > 0 || readShut) PollEvents.Readable
            ||| when' readShut PollEvents.ReadHangUp
            ||| when' (readShut && writeShut) PollEvents.HangUp
        | StreamPhase.Connecting -> PollEvents.None
        | StreamPhase.Fresh -> PollEvents.Writable ||| PollEvents.HangUp
        // An open set, as enumerations are: connected, or was.
        | _ ->
            when' (incoming.Count > 0 || ended || readShut || error <> 0) PollEvents.Readable
            ||| when' (hasRoom () || writeShut || error <> 0) PollEvents.Writable
            ||| when' (ended || readShut) PollEvents.ReadHangUp
            ||| when' (((ended || readShut) && writeShut) || phase = StreamPhase.Broken) PollEvents.HangUp
            ||| when' (error <> 0) PollEvents.Error

    override this.Bind bytes =
        match Address.parse bytes with
        | Error errno -> fail errno
        | Ok address when Address.family address <> family ->
            fail (if family = unix then Errno.EINVAL else Errno.EAFNOSUPPORT)
        | Ok _ when local.IsSome && not (phase = StreamPhase.Broken && hasLentPort) -> fail Errno.EINVAL
        | Ok address ->
            match host.Bind(this.Kind, address, this) with
            | Ok bound ->
                match local with
                | ValueSome before -> host.Unbind(this.Kind, before, this)
                | ValueNone -> ()

                hasLentPort <-
                    match address with
                    | Address.Internet(_, _, port) -> port = 0
                    | _ -> false

                local <- ValueSome bound
                0
            | Error errno -> fail errno

    override this.Listen limit =
        match phase, local with
        | (StreamPhase.Connected | StreamPhase.Connecting), _ -> fail Errno.EINVAL
        | _, ValueNone when family = unix -> fail Errno.EINVAL
        | _, ValueNone ->
            let bound = this.Bind(Address.bytes (Address.unbound family))
            if bound < 0 then bound else this.Listen limit
        | _ ->
            phase <- StreamPhase.Listening
            backlogLimit <- max 0 limit
            0

    override this.Accept() =
        if phase <> StreamPhase.Listening then
            struct (null, fail Errno.EINVAL)
        else
            match backlog.TryDequeue() with
            | true, connection ->
                this.TellOfRoom()
                struct (connection, 0)
            | _ when readShut -> struct (null, fail Errno.EINVAL)
            | _ -> struct (null, fail Errno.EAGAIN)

    override this.Connect bytes =
        match phase, Address.parse bytes with
        | _, Error errno -> fail errno
        | _, Ok Address.Unspecified ->
            this.Abort()
            0
        | _, Ok address when family = unix && Address.family address <> unix -> fail Errno.EINVAL
        | StreamPhase.Connecting, _ -> fail Errno.EAGAIN
        | StreamPhase.Connected, Ok _ when remote.IsSome && this.IsNew -> this.Told()
        | StreamPhase.Connected, _ -> fail Errno.EISCONN
        | StreamPhase.Listening, _ -> fail (if family = unix then Errno.EINVAL else Errno.EISCONN)
        | _ when error <> 0 -> takeError ()
        | StreamPhase.Broken, _ -> fail Errno.ECONNABORTED
        | _, Ok address when Address.family address <> family -> fail Errno.EAFNOSUPPORT
        | _, Ok address ->
            match network.Route(host, address) with
            | null -> fail Errno.ENETUNREACH
            | target ->
                let isUnheard =
                    family = unix
                    && (match target.Find(this.Kind, address) with
                        | :? StreamSocket as listener -> not listener.Takes
                        | _ -> true)

                if isUnheard then
                    match address with
                    | Address.Unix name when
                        not (name.StartsWith '\000')
                        && isNull (target.Find(this.Kind, address))
                        && foundFull <> ValueSome address
                        ->
                        fail Errno.ENOENT
                    | _ -> fail Errno.ECONNREFUSED
                else
                    if local.IsNone && family <> unix then
                        let from =
                            if obj.ReferenceEquals(target, host) then
                                address
                            else
                                Address.Internet(family, host.Address, 0)

                        match from with
                        | Address.Internet(_, text, _) ->
                            let own = if text = "0.0.0.0" then "127.0.0.1" else text

                            match host.Bind(this.Kind, Address.Internet(family, own, 0), this) with
                            | Ok bound -> local <- ValueSome bound
                            | Error _ -> ()
                        | _ -> ()

                    phase <- StreamPhase.Connecting
                    remote <- ValueSome address
                    this.IsNew <- true

                    let latency = network.Latency(host, target)

                    network.After(
                        latency,
                        "SYN",
                        fun () ->
                            this.Shake(target, address)
                            // Who has waited for it tries again.
                            if latency > 0L && phase = StreamPhase.Fresh then this.Changed PollEvents.None
                    )

                    match phase with
                    | StreamPhase.Connected -> this.Told()
                    | StreamPhase.Broken -> takeError ()
                    // An open set, as enumerations are: on its way.
                    | _ -> fail Errno.EAGAIN

    /// Connecting has succeeded, and the caller has not heard of it.
    member val private IsNew = false with get, set

    member private this.Told() =
        this.IsNew <- false
        0

    override this.Send(bytes, _, _) =
        if family = unix && (phase = StreamPhase.Fresh || phase = StreamPhase.Listening) then
            fail Errno.ENOTCONN
        elif family = unix && writeShut then
            fail Errno.EPIPE
        elif error <> 0 then
            takeError ()
        elif writeShut || phase = StreamPhase.Broken then
            fail Errno.EPIPE
        elif phase <> StreamPhase.Connected then
            fail (if family = unix then Errno.ENOTCONN else Errno.EPIPE)
        elif family <> unix && choices.Strikes Fault.Reset then
            this.ResetPeer()
            this.Break Errno.ECONNRESET
            takeError ()
        else
            match peer with
            // The other side has closed: it answers with a reset.
            | null -> fail Errno.EPIPE
            | other when family = unix && other.IsClosed -> fail Errno.EPIPE
            | _ when bytes.Length > 0 && outgoing.Free = 0 -> fail Errno.EAGAIN
            | _ ->
                let wanted = choices.Shorten bytes.Length
                let mutable taken = 0
                let mutable goes = true

                // While there is room: of a peer that is near both buffers take.
                while goes do
                    let part = min (wanted - taken) outgoing.Free
                    taken <- taken + outgoing.Enqueue(bytes.Slice(taken, part))
                    this.Transmit()
                    goes <- taken < wanted && outgoing.Free > 0 && phase = StreamPhase.Connected

                taken

    override _.Receive(target, flags, source, _) =
        let peeks = (flags &&& 2) <> 0

        if incoming.Count > 0 then
            // A Unix socket tells whose the bytes are, if he has a name.
            match remote with
            | ValueSome(Address.Unix name) when name <> "" -> source <- Address.bytes (Address.Unix name)
            | _ -> ()

            let length = choices.Shorten(min target.Length incoming.Count)

            if peeks then
                incoming.Peek(target.Slice(0, length))
            else
                let taken = incoming.Dequeue(target.Slice(0, length))

                match peer with
                | null -> ()
                | other -> other.Transmit()

                taken
        elif finished && family <> unix then
            0
        elif error <> 0 then
            takeError ()
        elif phase = StreamPhase.Fresh || phase = StreamPhase.Listening || phase = StreamPhase.Connecting then
            fail (if family = unix then Errno.EINVAL else Errno.ENOTCONN)
        elif ended || readShut then
            0
        else
            fail Errno.EAGAIN

    override this.Read(target, offset) =
        let mutable source: byte array = [||]
        let mutable isTruncated = false

        if offset > 0L then fail Errno.ESPIPE
        elif target.Length = 0 then 0
        else this.Receive(target, 0, &source, &isTruncated)

    override this.Write(bytes, offset) = if offset > 0L then fail Errno.ESPIPE else this.Send(bytes, 0, [||])

    override this.Shutdown how =
        match phase with
        | _ when how < 0 || how > 2 -> fail Errno.EINVAL
        // TCP: it is as it was before it listened, and who waits to be accepted is turned away.
        | StreamPhase.Listening when family <> unix ->
            if how <> 1 then
                phase <- StreamPhase.Fresh
                this.TurnAway()

            this.Changed PollEvents.None
            0
        | StreamPhase.Listening ->
            if how <> 1 then readShut <- true
            if how <> 0 then writeShut <- true
            this.Changed PollEvents.None
            0
        | StreamPhase.Connected when family = unix ->
            let isNew = how <> 0 && not writeShut
            if how <> 1 then readShut <- true
            if how <> 0 then writeShut <- true
            // Who waits here is woken first, then who waits there, whether or not anything is new.
            this.Changed PollEvents.None
            if how <> 1 then this.StopPeer()

            match peer with
            | null -> ()
            | _ when isNew -> this.Transmit()
            | other -> other.Changed PollEvents.None

            0
        | StreamPhase.Connected when not (finished && endSent) ->
            if how <> 1 then readShut <- true

            if how <> 0 && not writeShut then
                writeShut <- true
                this.Transmit()

            this.Changed PollEvents.None
            0
        // An open set, as enumerations are: not connected, or no more. Who waits is woken all the same.
        | _ ->
            this.Changed PollEvents.None
            if family = unix then 0 else fail Errno.ENOTCONN

    override _.Address ofPeer =
        match (if ofPeer then remote else local) with
        | ValueSome address -> Address.bytes address
        | ValueNone when not ofPeer || (family = unix && phase = StreamPhase.Connected) ->
            Address.bytes (Address.unbound family)
        | ValueNone -> [||]

    override this.Abort() =
        this.ResetPeer()

        if phase = StreamPhase.Connected then
            phase <- StreamPhase.Fresh
            remote <- ValueNone
            incoming.Clear()
            outgoing.Clear()
            this.Changed PollEvents.None

    override this.Released() =
        match local with
        | ValueSome address -> host.Unbind(this.Kind, address, this)
        | ValueNone -> ()

        closed <- true

        if phase = StreamPhase.Listening then phase <- StreamPhase.Broken
        this.TurnAway()

        // Unread bytes make it a reset, so that the other side knows of the loss.
        if incoming.Count > 0 then
            this.ResetPeer()
        elif not writeShut then
            writeShut <- true
            this.Transmit()

        this.StopPeer()
