// Checks World/StreamSocket.fs: numbered bytes in both directions of a connection, and an onlooker who counts them.
module Uring.Laws.SimulatedStreamSocketLaws

open System
open System.Collections.Generic
open Expecto
open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

/// `first`: the side that connected, or the first of a pair.
type Step =
    | Send of first: bool * length: byte
    | Receive of first: bool * length: byte * peeks: bool
    | Finish of first: bool
    /// Lets something on its way arrive, or time pass.
    | Pass

type private Ear() =
    member val Count = 0 with get, set

    interface IWaiter with
        member this.Woken _ = this.Count <- this.Count + 1

/// What one side did and what it was told. Numbers count bytes of the direction that is meant.
type private Seen = {
    First: bool
    Step: Step
    Result: int
    Asked: int
    /// Before the step.
    Sent: int
    Received: int
    /// Who sends in this direction had finished.
    IsFinished: bool
    IsRight: bool
}

/// Two sides, and whether what is sent arrives at once.
type private Connection = { Timeline: Timeline; Sides: SocketFile array }

[<Literal>]
let private Capacity = 65536

let private fail (errno: Errno) = Errno.toResult errno
let private again = fail Errno.EAGAIN
let private ok what result = Expect.equal result 0 what
let private lengths = [| 1; 2; 100; 4096; 30_000; Capacity - 1; Capacity; 70_000 |]
let private lengthOf (n: byte) = lengths[int n % lengths.Length]
let private value at = byte (at % 251)

let private worldOf faults seed =
    let choices = Dice(seed, faults, HashSet()) :> Choices
    let timeline = Timeline choices
    let network = Network(timeline, choices)
    timeline, network, network.Join("one", "10.0.0.1"), network.Join("two", "10.0.0.2")

let private settle (timeline: Timeline) =
    while timeline.TryStep() || timeline.TryAdvance() do
        ()

let private receive (socket: SocketFile) (buffer: byte array) flags =
    let mutable source: byte array = [||]
    let mutable isTruncated = false
    socket.Receive(Span buffer, flags, &source, &isTruncated)

let private send (socket: SocketFile) (bytes: byte array) = socket.Send(ReadOnlySpan bytes, 0, [||])
let private inet text port = Address.bytes (Address.Internet(2, text, port))
let private path name = Address.bytes (Address.Unix name)

/// Connects, and answers what the second call says.
let private connect (timeline: Timeline) (socket: SocketFile) address =
    match socket.Connect address with
    | result when result = again ->
        settle timeline
        socket.Connect address
    | result -> result

let private unixPair faults seed =
    let timeline, network, host, _ = worldOf faults seed

    match Sockets.pair network host 1 with
    | Ok struct (one, other) -> { Timeline = timeline; Sides = [| one; other |] }
    | Error errno -> failtestf "%A" errno

let private tcp text faults seed =
    let timeline, network, one, two = worldOf faults seed
    let listener = StreamSocket(network, (if text = "10.0.0.2" then two else one), 2)
    listener.Bind(inet "0.0.0.0" 80) |> ok "bound"
    listener.Listen 1 |> ok "listens"
    let client = StreamSocket(network, one, 2)
    connect timeline client (inet text 80) |> ok "connected"

    match listener.Accept() with
    | struct (null, result) -> failtestf "accept said %d" result
    | struct (server, _) -> { Timeline = timeline; Sides = [| client; server |] }

let private kinds = [ unixPair; tcp "127.0.0.1"; tcp "10.0.0.2" ]

let private run connection (steps: Step list) =
    let sent, received, finished = [| 0; 0 |], [| 0; 0 |], [| false; false |]
    let side first = if first then 0 else 1

    let look step =
        match step with
        | Send(first, length) ->
            let at = side first
            let bytes = Array.init (lengthOf length) (fun n -> value (sent[at] + n))
            let before = sent[at]
            let result = send connection.Sides[at] bytes
            sent[at] <- before + max 0 result

            Some {
                First = first
                Step = step
                Result = result
                Asked = bytes.Length
                Sent = before
                Received = received[at]
                IsFinished = finished[at]
                IsRight = result <= bytes.Length
            }
        | Receive(first, length, peeks) ->
            let from = side (not first)
            let buffer = Array.zeroCreate (lengthOf length)
            let before = received[from]
            let result = receive connection.Sides[side first] buffer (if peeks then 2 else 0)
            if not peeks then received[from] <- before + max 0 result
            let taken = Array.truncate (max 0 result) buffer

            Some {
                First = first
                Step = step
                Result = result
                Asked = buffer.Length
                Sent = sent[from]
                Received = before
                IsFinished = finished[from]
                IsRight =
                    before + taken.Length <= sent[from]
                    && Array.forall2 (=) taken (Array.init taken.Length (fun n -> value (before + n)))
            }
        | Finish first ->
            if connection.Sides[side first].Shutdown 1 = 0 then finished[side first] <- true
            None
        | Pass ->
            if not (connection.Timeline.TryStep()) then connection.Timeline.TryAdvance() |> ignore
            None

    let seen = List.choose look steps

    // What is on its way arrives, and both read until there is nothing more.
    let drain () =
        [ true; false; true; false; true; false ]
        |> List.collect (fun first ->
            settle connection.Timeline
            List.init 5 (fun _ -> look (Receive(first, 6uy, false))) |> List.choose id)

    seen, drain ()

let private law name faults holds =
    testProperty name
    <| fun (steps: Step list) (seed: uint64) ->
        kinds |> List.forall (fun kind -> run (kind faults seed) steps |> holds)

let private each holds (seen, drained) = List.forall holds (seen @ drained)

/// The last that each side was told, and whether it has all.
let private isAllThere (_, drained: Seen list) =
    [ true; false ]
    |> List.forall (fun first ->
        let last = drained |> List.filter (fun it -> it.First = first) |> List.last
        last.Received = last.Sent && last.Result = (if last.IsFinished then 0 else again))

let private ends it =
    match it.Step with
    | Receive _ when it.Result = 0 -> it.IsFinished && it.Received = it.Sent
    | _ -> true

/// What a side is told after it was told of the reset: no error but EPIPE, and the end.
let private toldOnce (seen, drained) =
    [ true; false ]
    |> List.forall (fun first ->
        let mine = seen @ drained |> List.filter (fun it -> it.First = first)

        match mine |> List.tryFindIndex (fun it -> it.Result = fail Errno.ECONNRESET) with
        | None -> true
        | Some at ->
            List.skip (at + 1) mine
            |> List.forall (fun it ->
                match it.Step with
                | Send _ -> it.Result = fail Errno.EPIPE
                | _ -> it.Result >= 0))

let private halfClosed it =
    match it.Step with
    | Send _ -> if it.IsFinished then it.Result = fail Errno.EPIPE else it.Result > 0 || it.Result = again
    | _ -> it.Result >= 0 || it.Result = again

[<Tests>]
let laws =
    testList "SimulatedStreamSocket" [
        testList
            "1. bytes arrive in their order, none twice, and none is lost unless the connection was reset"
            [
                law "in order" Faults.ordinary (each _.IsRight)
                law "even if it is reset" (Faults.none.With(Fault.Reset, 0.05)) (each _.IsRight)
                law "all of them" Faults.ordinary isAllThere
            ]

        law "2. the end of a stream is seen after its last byte" Faults.ordinary (each ends)

        law
            "3. a reset is told once; after that the end is read, and sending fails with EPIPE"
            (Faults.none.With(Fault.Reset, 0.1).With(Fault.Delayed, 0.2))
            toldOnce

        test "3. ... and who closes with bytes unread resets, who has read all does not" {
            for reads in [ false; true ] do
                for text in [ "127.0.0.1"; "10.0.0.2" ] do
                    let connection = tcp text Faults.none 1UL
                    let mine, theirs = connection.Sides[0], connection.Sides[1]
                    Expect.equal (send mine [| 1uy |]) 1 "sent"
                    settle connection.Timeline
                    if reads then Expect.equal (receive theirs (Array.zeroCreate 9) 0) 1 "read"
                    theirs.Release()
                    settle connection.Timeline
                    let told = if reads then 0 else fail Errno.ECONNRESET
                    Expect.equal (receive mine (Array.zeroCreate 9) 0) told $"{text}, {reads}"
                    Expect.equal (receive mine (Array.zeroCreate 9) 0) 0 "then the end"
        }

        test "4. a full buffer says EAGAIN, and whoever waits is woken when there is room" {
            for kind in kinds do
                let connection = kind Faults.none 1UL
                let mine, theirs = connection.Sides[0], connection.Sides[1]
                let ear = Ear()

                let rec fill total =
                    let result = send mine (Array.zeroCreate 10_000)
                    settle connection.Timeline
                    if result > 0 then fill (total + result) else total, result

                Expect.equal (fill 0) (2 * Capacity, again) "both buffers"
                mine.Waiters.AddLast ear |> ignore
                Expect.isFalse (mine.Events.HasFlag PollEvents.Writable) "not ready"

                let rec drain total =
                    let result = receive theirs (Array.zeroCreate 10_000) 0
                    settle connection.Timeline
                    if ear.Count = 0 && result > 0 then drain (total + result) else total + max 0 result

                Expect.isLessThan (drain 0) Capacity "woken long before it is empty"
                Expect.isTrue (mine.Events.HasFlag PollEvents.Writable) "ready"
                Expect.isGreaterThan (send mine [| 1uy |]) 0 "there is room"
        }

        law "5. shutting one direction leaves the other as it was" Faults.ordinary (each halfClosed)

        test
            "6. a listener holds one connection more than its backlog, the next one waits, and each is accepted once" {
            for family, address in [ 2, inet "10.0.0.1" 80; 2, inet "10.0.0.2" 80; 1, path "/there" ] do
                for backlog in [ 0; 1; 5 ] do
                    let timeline, network, one, two = worldOf Faults.none 1UL
                    let isFar = address = inet "10.0.0.2" 80
                    let listener = StreamSocket(network, (if isFar then two else one), family)
                    listener.Bind address |> ok "bound"
                    listener.Listen backlog |> ok "listens"
                    let clients = List.init (backlog + 4) (fun _ -> StreamSocket(network, one, family))
                    let first = clients |> List.map (fun client -> client.Connect address)

                    // Shorter than it takes until TCP tries again.
                    while timeline.TryStep() || timeline.TryAdvance 500_000_000L do
                        ()

                    let connected () =
                        clients
                        |> List.filter (fun client -> client.Phase = StreamPhase.Connected)
                        |> List.length

                    Expect.equal (connected ()) (backlog + 1) $"{first}: the others wait"
                    let servers = List<SocketFile>()
                    let mutable goesOn = true

                    while goesOn do
                        match listener.Accept() with
                        | struct (null, result) ->
                            Expect.equal result again "no more"
                            goesOn <- connected () < clients.Length

                            // Unix: nothing is on its way, so that who found no room has to try again.
                            for client in clients do
                                if client.Phase = StreamPhase.Fresh then client.Connect address |> ignore

                            (timeline.TryStep() || timeline.TryAdvance()) |> ignore
                        | struct (server, _) -> servers.Add server

                    Expect.equal
                        (connected (), servers.Count)
                        (clients.Length, clients.Length)
                        "all, each once"

                    clients
                    |> List.iteri (fun nth client -> Expect.equal (send client [| byte nth |]) 1 "sent")

                    settle timeline

                    let heard =
                        servers
                        |> Seq.map (fun server ->
                            let buffer = [| 0xEEuy |]
                            receive server buffer 0 |> ignore
                            int buffer[0])
                        |> List.ofSeq

                    Expect.equal (List.sort heard) [ 0 .. clients.Length - 1 ] "each has its own"
        }

        test
            "8. a Unix socket that finds no room in the backlog is as it was, ready to write, and hears when there is room" {
            let timeline, network, one, _ = worldOf Faults.none 1UL
            let address = path "/full"
            let listener = StreamSocket(network, one, 1)
            listener.Bind address |> ok "bound"
            listener.Listen 0 |> ok "listens"
            let sockets = List.init 3 (fun _ -> StreamSocket(network, one, 1))
            sockets[0].Connect address |> ok "the first"
            let heard = Array.zeroCreate<int> 3

            for index in 1..2 do
                let ear = {
                    new IWaiter with
                        member _.Woken _ = heard[index] <- heard[index] + 1
                }

                Expect.equal (sockets[index].Connect address) again "full"
                Expect.equal (sockets[index].Connect address) again "full still"
                sockets[index].Waiters.AddLast ear |> ignore
                Expect.equal sockets[index].Phase StreamPhase.Fresh "as it was"
                Expect.isEmpty (sockets[index].Address true) "no peer"
                Expect.isTrue (sockets[index].Events.HasFlag PollEvents.Writable) "poll(2) says ready"

            let struct (server, _) = listener.Accept()
            Expect.isFalse (isNull server) "accepted"
            Expect.equal heard [| 0; 1; 1 |] "both hear of it, once"
            sockets[1].Connect address |> ok "there is room"
            Expect.equal (sockets[2].Connect address) again "for one"
            listener.Release()
            Expect.equal heard[2] 2 "and that there will never be"
            Expect.equal (sockets[2].Connect address) (Errno.toResult Errno.ECONNREFUSED) "so it says"
            settle timeline
        }

        test "7. where nobody listens a connection is refused" {
            let timeline, network, one, two = worldOf Faults.none 1UL
            let bound = StreamSocket(network, two, 2)
            bound.Bind(inet "10.0.0.2" 80) |> ok "bound, and does not listen"
            let closed = StreamSocket(network, two, 2)
            closed.Bind(inet "10.0.0.2" 81) |> ok "bound"
            closed.Listen 1 |> ok "listens"
            closed.Release()

            for family, address, wanted in
                [
                    2, inet "10.0.0.2" 80, Errno.ECONNREFUSED
                    2, inet "10.0.0.2" 81, Errno.ECONNREFUSED
                    2, inet "127.0.0.1" 80, Errno.ECONNREFUSED
                    2, inet "10.9.9.9" 80, Errno.ENETUNREACH
                    1, path "/nobody", Errno.ENOENT
                    1, path "\000nobody", Errno.ECONNREFUSED
                ] do
                let client = StreamSocket(network, one, family)
                Expect.equal (connect timeline client address) (fail wanted) $"%A{Address.parse address}"
        }
    ]
