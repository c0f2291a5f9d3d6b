// Checks World/DatagramSocket.fs: numbered datagrams between two machines, and within one.
module Uring.Laws.SimulatedDatagramSocketLaws

open System
open System.Collections.Generic
open Expecto
open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

type Step =
    | Send of length: byte
    | Receive of length: byte * peeks: bool
    /// Lets something on its way arrive, or time pass.
    | Pass

type private Ear() =
    member val Count = 0 with get, set

    interface IWaiter with
        member this.Woken _ = this.Count <- this.Count + 1

[<Literal>]
let private Most = 256

let private fail (errno: Errno) = Errno.toResult errno
let private inet text port = Address.bytes (Address.Internet(2, text, port))

let private worldOf faults seed =
    let choices = Dice(seed, faults, HashSet()) :> Choices
    let timeline = Timeline choices
    let network = Network(timeline, choices)
    timeline, network, network.Join("one", "10.0.0.1"), network.Join("two", "10.0.0.2")

let private settle (timeline: Timeline) =
    while timeline.TryStep() || timeline.TryAdvance() do
        ()

/// The result, the bytes, the source, and whether it was cut.
let private receive (socket: DatagramSocket) length flags =
    let buffer = Array.create length 0xEEuy
    let mutable source: byte array = [||]
    let mutable isTruncated = false
    let result = socket.Receive(Span buffer, flags, &source, &isTruncated)
    result, buffer, source, isTruncated

let private send (socket: DatagramSocket) (bytes: byte array) target =
    socket.Send(ReadOnlySpan bytes, 0, target)

let private ok what result = Expect.equal result 0 what

/// A datagram that says its number in each of its bytes and in its length.
let private datagram number = Array.create (number % 50 + 4) (byte number)

/// What was sent and accepted, by number; what came, as (number, asked, result, bytes, is truncated), peeks aside.
type private Traffic = {
    Sent: int list
    Refused: (int * int) list
    Came: (int * int * int * byte array * bool) list
    PeeksLie: bool
}

/// Sends and receives by the steps, then receives all that is left.
let private traffic
    (timeline: Timeline)
    (sender: DatagramSocket)
    (receiver: DatagramSocket)
    target
    (steps: Step list)
    =
    let sent = List<int>()
    let refused = List<int * int>()
    let came = List<int * int * int * byte array * bool>()
    let mutable number = 0
    let mutable peeked = None
    let mutable lies = false

    let take length peeks =
        let result, bytes, _, isTruncated = receive receiver length (if peeks then 2 else 0)

        if result > 0 then
            let it = int bytes[0], length, result, bytes, isTruncated
            lies <- lies || (peeked |> Option.exists (fun before -> before <> int bytes[0]))
            peeked <- if peeks then Some(int bytes[0]) else None
            if not peeks then came.Add it

        result > 0

    for step in steps do
        match step with
        | Send _ ->
            let bytes = datagram number
            let result = send sender bytes target
            if result = bytes.Length then sent.Add number else refused.Add(number, result)
            number <- number + 1
        | Receive(length, peeks) -> take (int length % 60 + 1) peeks |> ignore
        | Pass -> if not (timeline.TryStep()) then timeline.TryAdvance() |> ignore

    settle timeline

    while take 60 false do
        ()

    {
        Sent = List.ofSeq sent
        Refused = List.ofSeq refused
        Came = List.ofSeq came
        PeeksLie = lies
    }

let private unixPair faults seed =
    let timeline, network, host, _ = worldOf faults seed
    let one, other = DatagramSocket(network, host, 1), DatagramSocket(network, host, 1)
    one.Pair other
    other.Pair one
    timeline, one, other

let private udp faults seed =
    let timeline, network, one, two = worldOf faults seed
    let receiver = DatagramSocket(network, two, 2)
    receiver.Bind(inet "0.0.0.0" 53) |> ignore
    timeline, DatagramSocket(network, one, 2), receiver

let private overUnix faults seed steps =
    let timeline, one, other = unixPair faults seed
    traffic timeline one other [||] steps

let private overUdp faults seed steps =
    let timeline, one, other = udp faults seed
    traffic timeline one other (inet "10.0.0.2" 53) steps

/// Each as it was sent, or cut and said to be.
let private isWhole (traffic: Traffic) =
    not traffic.PeeksLie
    && traffic.Came
       |> List.forall (fun (number, asked, result, bytes, isTruncated) ->
           let whole = datagram number

           result = min asked whole.Length
           && Array.truncate result bytes = Array.truncate result whole
           && Array.forall ((=) 0xEEuy) (Array.skip result bytes)
           && isTruncated = (asked < whole.Length))

let private numbers traffic = traffic.Came |> List.map (fun (number, _, _, _, _) -> number)

[<Tests>]
let laws =
    testList "SimulatedDatagramSocket" [
        testProperty
            "1. each receive gives one datagram that was sent, whole, or cut to the buffer, and then it says so"
        <| fun (steps: Step list) (seed: uint64) ->
            isWhole (overUnix Faults.ordinary seed steps) && isWhole (overUdp Faults.ordinary seed steps)

        test "1. ... and MSG_TRUNC asks for the real length" {
            let _, one, other = unixPair Faults.none 1UL
            Expect.equal (send one (Array.zeroCreate 100) [||]) 100 "sent"
            let result, _, _, isTruncated = receive other 10 0x20
            Expect.equal (result, isTruncated) (100, true) "its length"
        }

        testProperty "2. no datagram comes twice, and none overtakes another unless it was delayed"
        <| fun (steps: Step list) (seed: uint64) ->
            let inOrder = overUdp Faults.none seed steps
            let mixed = overUdp (Faults.none.With(Fault.Delayed, 0.5)) seed steps
            let unix = overUnix Faults.ordinary seed steps

            numbers inOrder = inOrder.Sent
            && numbers unix = unix.Sent
            && List.sort (numbers mixed) = mixed.Sent

        test
            "3. a full queue refuses the new one (Unix) or loses it (UDP), and who was refused hears when there is room" {
            let _, one, other = unixPair Faults.none 1UL
            let ear = Ear()
            one.Waiters.AddLast ear |> ignore
            let results = List.init (Most + 3) (fun number -> send one (datagram (number % 200)) [||])
            Expect.equal (results |> List.filter ((=) (fail Errno.EAGAIN)) |> List.length) 3 "refused"
            Expect.isFalse (one.Events.HasFlag PollEvents.Writable) "not ready"
            Expect.equal ear.Count 0 "nothing has changed"
            let _, first, _, _ = receive other 60 0
            Expect.equal (first[0], ear.Count) (0uy, 1) "the oldest is there, and the sender hears"
            Expect.isTrue (one.Events.HasFlag PollEvents.Writable) "ready"
            Expect.equal (send one [| 9uy |] [||]) 1 "there is room"

            Expect.equal (send one [| 9uy |] [||]) (fail Errno.EAGAIN) "full again"
            other.Release()
            Expect.equal ear.Count 2 "nobody is there any more"
            Expect.equal (send one [| 9uy |] [||]) (fail Errno.ECONNREFUSED) "so it says"

            let timeline, sender, receiver = udp Faults.none 1UL

            for number in 0 .. Most + 2 do
                Expect.equal
                    (send sender [| byte number; byte (number / 256) |] (inet "10.0.0.2" 53))
                    2
                    "always sent"

            settle timeline

            for number in 0 .. Most - 1 do
                let _, bytes, _, _ = receive receiver 2 0
                Expect.equal bytes [| byte number; byte (number / 256) |] "the oldest are there"

            let result, _, _, _ = receive receiver 2 0
            Expect.equal result (fail Errno.EAGAIN) "the newest are lost"
        }

        test "3. ... and so does who names the other each time, and who only asked whether there is room" {
            let _, network, host, _ = worldOf Faults.none 1UL
            let sockets = List.init 3 (fun _ -> DatagramSocket(network, host, 1))
            let there = Address.bytes (Address.Unix "/there")
            sockets[0].Bind there |> ok "bound"
            sockets[2].Connect there |> ok "connected"

            let ears =
                sockets
                |> List.map (fun socket ->
                    let ear = Ear()
                    socket.Waiters.AddLast ear |> ignore
                    ear)

            let results = List.init (Most + 1) (fun _ -> send sockets[1] [| 1uy |] there)
            Expect.equal (List.last results) (fail Errno.EAGAIN) "full"

            let isReady sender = sockets[sender].Events.HasFlag PollEvents.Writable
            Expect.equal (isReady 1, isReady 2) (true, false) "only who is connected waits for it"

            receive sockets[0] 1 0 |> ignore

            for sender in 1..2 do
                Expect.equal ears[sender].Count 1 "hears"
                Expect.isTrue (isReady sender) "ready"
        }

        test "4. the source of a datagram is an address that leads back to its sender" {
            for connects, binds, target in
                List.allPairs [ false; true ] [ None; Some "0.0.0.0" ]
                |> List.allPairs [ "10.0.0.2"; "10.0.0.1"; "127.0.0.1"; "0.0.0.0" ]
                |> List.map (fun (target, (connects, binds)) -> connects, binds, target) do
                let timeline, network, one, two = worldOf Faults.none 1UL
                let there = if target = "10.0.0.2" then two else one
                let server = DatagramSocket(network, there, 2)
                server.Bind(inet "0.0.0.0" 53) |> ok "server"
                let client = DatagramSocket(network, one, 2)
                binds |> Option.iter (fun text -> client.Bind(inet text 99) |> ok "client")
                if connects then client.Connect(inet target 53) |> ok "connected"
                let to' = if connects then [||] else inet target 53
                let what = $"to {target}, bound {binds}, connected {connects}"
                Expect.equal (send client [| 1uy |] to') 1 what
                settle timeline
                let result, _, source, _ = receive server 1 0
                Expect.equal result 1 $"{what}: came"
                Expect.equal (send server [| 2uy |] source) 1 $"{what}: answered"
                settle timeline
                let result, bytes, from, _ = receive client 1 0
                Expect.equal (result, bytes) (1, [| 2uy |]) $"{what}: the answer"
                let named = if target = "0.0.0.0" then "127.0.0.1" else target
                Expect.equal from (inet named 53) $"{what}: from where it was sent to"
        }

        test "5. a connected socket hears its peer and nobody else" {
            let timeline, network, one, two = worldOf Faults.none 1UL
            let receiver = DatagramSocket(network, one, 2)
            let peer, stranger = DatagramSocket(network, two, 2), DatagramSocket(network, two, 2)
            receiver.Bind(inet "10.0.0.1" 53) |> ok "bound"
            peer.Bind(inet "10.0.0.2" 54) |> ok "bound"
            let to' = inet "10.0.0.1" 53
            Expect.equal (send stranger [| 1uy |] to') 1 "before"
            settle timeline
            receiver.Connect(inet "10.0.0.2" 54) |> ok "connected"
            Expect.equal (send stranger [| 2uy |] to', send peer [| 3uy |] to') (1, 1) "sent"
            settle timeline
            let _, first, _, _ = receive receiver 1 0
            let _, second, _, _ = receive receiver 1 0
            let third, _, _, _ = receive receiver 1 0

            Expect.equal
                (first, second, third)
                ([| 1uy |], [| 3uy |], fail Errno.EAGAIN)
                "what came before, and the peer's"

            let path name = Address.bytes (Address.Unix name)
            let sockets = List.init 3 (fun _ -> DatagramSocket(network, one, 1))
            sockets |> List.iteri (fun nth socket -> socket.Bind(path $"/{nth}") |> ok "bound")
            sockets[0].Connect(path "/1") |> ok "connected"
            Expect.equal (send sockets[1] [| 1uy |] (path "/0")) 1 "its peer may"
            Expect.equal (send sockets[2] [| 1uy |] (path "/0")) (fail Errno.EPERM) "another may not"
        }

        test "6. a datagram of another family, or one that is too long, is refused" {
            let _, network, one, _ = worldOf Faults.none 1UL
            let unix, internet = DatagramSocket(network, one, 1), DatagramSocket(network, one, 2)
            let path = Address.bytes (Address.Unix "/there")
            unix.Bind path |> ok "bound"
            internet.Bind(inet "127.0.0.1" 53) |> ok "bound"
            Expect.equal (send internet [| 1uy |] path) (fail Errno.EAFNOSUPPORT) "UDP to a path"
            Expect.equal (send unix [| 1uy |] (inet "127.0.0.1" 53)) (fail Errno.EINVAL) "Unix to a port"
            let longest = Array.zeroCreate 65507
            Expect.equal (send internet longest (inet "127.0.0.1" 53)) 65507 "the longest"
            let longer = Array.zeroCreate 65508
            Expect.equal (send internet longer (inet "127.0.0.1" 53)) (fail Errno.EMSGSIZE) "longer"
        }

        test "7. after its end a side sends nothing more; what had come is received before the end" {
            for timeline, one, other in
                [
                    unixPair Faults.none 1UL
                    (let timeline, one, other = udp Faults.none 1UL
                     one.Connect(inet "10.0.0.2" 53) |> ok "connected"
                     timeline, one, other)
                ] do
                Expect.equal (send one [| 1uy |] [||]) 1 "sent"
                settle timeline
                one.Shutdown 1 |> ok "sending is over"
                Expect.equal (send one [| 2uy |] [||]) (fail Errno.EPIPE) "nothing more"
                other.Shutdown 0 |> ignore
                let result, bytes, _, _ = receive other 1 0
                Expect.equal (result, bytes) (1, [| 1uy |]) "what had come"
                let result, _, _, _ = receive other 1 0
                Expect.equal result 0 "the end"
                Expect.equal (one.Shutdown 3) (fail Errno.EINVAL) "no such end"
        }

        test
            "8. UDP: what nobody takes is refused, and a sender that is connected to that address hears of it, once" {
            let refused = fail Errno.ECONNREFUSED
            let nobody = inet "10.0.0.2" 54

            for flags in [ 0; 2; 0x40 ] do
                let timeline, one, _ = udp Faults.none 1UL
                Expect.equal (send one [| 1uy |] nobody) 1 "not connected: sent, and lost"
                settle timeline
                one.Connect nobody |> ok "connected"
                let ear = Ear()
                one.Waiters.AddLast(ear :> IWaiter) |> ignore
                Expect.equal (send one [| 1uy |] [||]) 1 "sent"
                settle timeline
                Expect.isGreaterThan ear.Count 0 "who waits hears of it"
                Expect.isTrue (one.Events.HasFlag PollEvents.Error) "an error"
                let result, _, _, _ = receive one 1 flags
                Expect.equal result refused "received"
                let result, _, _, _ = receive one 1 flags
                Expect.equal result (fail Errno.EAGAIN) "once"
                Expect.equal (send one [| 1uy |] [||]) 1 "sent again"
                settle timeline
                Expect.equal (send one [| 1uy |] [||]) refused "told to who sends"
                Expect.equal (send one [| 1uy |] [||]) 1 "once"
        }
    ]
