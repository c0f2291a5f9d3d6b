// Checks World/Network.fs against a list of who is bound where.
module Uring.Laws.SimulatedNetworkLaws

open System.Collections.Generic
open Expecto
open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

type Step =
    /// A new socket takes one of a few addresses.
    | Bind of stream: bool * address: byte
    | Unbind of nth: byte

type private Bound = { Kind: int; Address: Address; Socket: SocketFile }

let private addresses = [|
    Address.Internet(2, "127.0.0.1", 80)
    Address.Internet(2, "10.0.0.1", 80)
    Address.Internet(2, "0.0.0.0", 80)
    Address.Internet(2, "127.0.0.1", 81)
    Address.Internet(10, "::1", 80)
    Address.Internet(10, "::", 80)
    Address.Unix "127.0.0.1:80"
    Address.Unix "@name"
    Address.Unix "\000name"
    Address.Unix "\00000001"
    // The machine chooses.
    Address.Unix ""
    Address.Internet(2, "127.0.0.1", 0)
    Address.Internet(2, "0.0.0.0", 0)
|]

let private world faults =
    let choices = Dice(1UL, faults, HashSet()) :> Choices
    let timeline = Timeline choices
    let network = Network(timeline, choices)
    timeline, network, network.Join("one", "10.0.0.1"), network.Join("two", "10.0.0.2")

/// The address with its port filled in is one that was asked for.
let private isAsked wanted given =
    match wanted, given with
    | Address.Internet(family, text, 0), Address.Internet(otherFamily, otherText, port) ->
        family = otherFamily && text = otherText && port > 1023
    | Address.Unix "", Address.Unix name -> name.Length = 6 && name[0] = '\000'
    | _ -> wanted = given

/// Both would answer to somebody.
let private clash (one: Address) (other: Address) =
    match one, other with
    | Address.Internet(family, text, port), Address.Internet(otherFamily, otherText, otherPort) ->
        let isAny text = text = "0.0.0.0" || text = "::"
        family = otherFamily && port = otherPort && (text = otherText || isAny text || isAny otherText)
    | _ -> one = other

/// Who should answer here.
let private answering kind address bound =
    bound |> List.tryFind (fun it -> it.Kind = kind && clash it.Address address)

/// Runs the steps. Each time: the list before, what was asked, and the answer.
let private run (host: NetworkHost) (network: Network) (steps: Step list) =
    let apply (bound, seen) step =
        match step with
        | Bind(stream, nth) ->
            let kind = if stream then 1 else 2
            let wanted = addresses[int nth % addresses.Length]
            let socket = DatagramSocket(network, host, 2)
            let answer = host.Bind(kind, wanted, socket)

            let now =
                match answer with
                | Ok address -> { Kind = kind; Address = address; Socket = socket } :: bound
                | Error _ -> bound

            now, (bound, kind, wanted, answer) :: seen
        | Unbind _ when List.isEmpty bound -> bound, seen
        | Unbind nth ->
            let gone = bound[int nth % bound.Length]
            host.Unbind(gone.Kind, gone.Address, gone.Socket)
            List.removeAt (int nth % bound.Length) bound, seen

    List.fold apply ([], []) steps

let private property name holds =
    testProperty name
    <| fun (steps: Step list) ->
        let _, network, host, _ = world Faults.none
        holds host (run host network steps)

[<Tests>]
let laws =
    testList "SimulatedNetwork" [
        property
            "1. one socket at most answers under an address; a wildcard is every address of its machine"
            (fun _ (_, seen) ->
                seen
                |> List.forall (fun (bound, kind, wanted, answer) ->
                    match wanted, answer with
                    | (Address.Internet(_, _, 0) | Address.Unix ""), _ -> true
                    | _, Ok _ -> (answering kind wanted bound).IsNone
                    | _, Error errno -> errno = Errno.EADDRINUSE && (answering kind wanted bound).IsSome))

        property
            "2. a socket is found under its address until it is unbound, and nobody else is"
            (fun host (bound, _) ->
                List.allPairs [ 1; 2 ] (List.ofArray addresses @ List.map _.Address bound)
                |> List.forall (fun (kind, address) ->
                    let isAny =
                        match address with
                        | Address.Internet(_, ("0.0.0.0" | "::"), _) -> true
                        | _ -> false

                    match host.Find(kind, address), answering kind address bound with
                    | null, None -> true
                    | found, Some expected -> isAny || obj.ReferenceEquals(found, expected.Socket)
                    | _, None -> false))

        test "2. ... and who is not bound there cannot unbind another" {
            let _, network, host, _ = world Faults.none
            let mine, theirs = DatagramSocket(network, host, 2), DatagramSocket(network, host, 2)
            Expect.isOk (host.Bind(2, addresses[0], mine)) "bound"
            host.Unbind(2, addresses[0], theirs)
            Expect.isTrue (obj.ReferenceEquals(host.Find(2, addresses[0]), mine)) "still there"
        }

        property
            "3. a port or a name that the machine chooses is free; when none is, the answer is EADDRINUSE"
            (fun _ (_, seen) ->
                seen
                |> List.forall (fun (bound, kind, wanted, answer) ->
                    match wanted, answer with
                    | (Address.Internet(_, _, 0) | Address.Unix ""), Ok given ->
                        isAsked wanted given && (answering kind given bound).IsNone
                    | (Address.Internet(_, _, 0) | Address.Unix ""), Error _ -> false
                    | _ -> true))

        test "3. ... there are 28232 ports, and each is given once" {
            let _, network, host, _ = world Faults.none
            let socket = DatagramSocket(network, host, 2)
            let bind () = host.Bind(2, Address.Internet(2, "127.0.0.1", 0), socket)
            let given = List.init 28232 (fun _ -> bind ())
            Expect.isTrue (given |> List.forall _.IsOk) "all are there"
            Expect.equal (List.distinct given).Length 28232 "each once"
            Expect.equal (bind ()) (Error Errno.EADDRINUSE) "none is left"

            match given[77] with
            | Ok address -> host.Unbind(2, address, socket)
            | Error _ -> ()

            Expect.equal (bind ()) given[77] "the one that was given back"
        }

        test "4. kinds and families do not mix: each has its ports, and a path is no abstract name" {
            let _, network, host, _ = world Faults.none
            // The first of each that clash.
            let alone = [ 0; 1; 3; 4; 6; 7; 8 ]

            for kind in [ 1; 2 ] do
                for nth in alone do
                    let socket = DatagramSocket(network, host, 2)
                    Expect.isOk (host.Bind(kind, addresses[nth], socket)) $"{kind} {addresses[nth]}"
        }

        test "5. an address leads to the machine that has it, and loopback never leaves its machine" {
            let _, network, one, two = world Faults.none
            let to' text = Address.Internet(2, text, 80)

            let leads (from: NetworkHost) text =
                network.Route(from, to' text) |> Option.ofObj |> Option.map _.Name

            for from, other in [ one, two; two, one ] do
                for own in [ "127.0.0.1"; "0.0.0.0"; from.Address ] do
                    Expect.equal (leads from own) (Some from.Name) $"{own} from {from.Name}"

                Expect.equal (leads from other.Address) (Some other.Name) "to the other"
                Expect.equal (leads from "10.9.9.9") None "to nobody"
                let elsewhere = from.Bind(2, to' other.Address, DatagramSocket(network, from, 2))
                Expect.equal elsewhere (Error Errno.EADDRNOTAVAIL) "the other's address"

            let again = network.Join("three", "10.0.0.2")
            Expect.isTrue (obj.ReferenceEquals(network.Route(one, to' "10.0.0.2"), again)) "who came last"
        }

        test "6. what is sent to a machine comes from an address that leads back" {
            let _, network, one, two = world Faults.none

            for target, text in [ one, "127.0.0.1"; one, "0.0.0.0"; one, "10.0.0.1"; two, "10.0.0.2" ] do
                let source = Address.Internet(2, one.Source(2, text), 5)
                Expect.notEqual (Address.tell source) "0.0.0.0:5" "an address"
                Expect.isTrue (obj.ReferenceEquals(network.Route(target, source), one)) $"back from {text}"
        }
    ]
