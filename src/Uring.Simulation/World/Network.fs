// Which socket answers under which address, on which machine, and how long it takes to get there.
namespace Uring.Simulation.World

open System.Collections.Generic
open Uring.Model
open Uring.Simulation

/// One machine on the network: its address, and the sockets that are bound there.
///
///   unbound --Bind--> bound, found under its address --Unbind--> unbound
///
/// Laws
///  1. one socket at most answers under an address; a wildcard is every address of its machine
///  2. a socket is found under its address until it is unbound, and nobody else is
///  3. a port or a name that the machine chooses is free; when none is, the answer is EADDRINUSE
///  4. kinds and families do not mix: each has its ports, and a path is no abstract name
///  5. an address leads to the machine that has it, and loopback never leaves its machine
///  6. what is sent to a machine comes from an address that leads back
[<Sealed>]
type internal NetworkHost(name: string, address: string) =
    let bound = Dictionary<struct (int * Address), SocketFile>()
    let mutable lastPort = 32767
    let mutable lastName = -1

    let isLoopback (address: string) = address = "127.0.0.1" || address = "::1"
    let isWildcard (address: string) = address = Address.wildcard 2 || address = Address.wildcard 10

    let key (kind: int) (address: Address) = struct (kind, address)

    let isTaken (kind: int) (address: Address) =
        bound.ContainsKey(key kind address)
        || match address with
           | Address.Internet(family, text, port) when isWildcard text ->
               bound.Keys
               |> Seq.exists (fun struct (otherKind, other) ->
                   match other with
                   | Address.Internet(otherFamily, _, otherPort) ->
                       otherKind = kind && otherFamily = family && otherPort = port
                   | _ -> false)
           | Address.Internet(family, _, port) ->
               bound.ContainsKey(key kind (Address.Internet(family, Address.wildcard family, port)))
           | _ -> false

    /// The next of the numbers that make a free address: so many are tried.
    let rec firstFree tries kind (addressOf: unit -> Address) : Result<Address, Errno> =
        let address = addressOf ()

        if tries = 0 then Error Errno.EADDRINUSE
        elif isTaken kind address then firstFree (tries - 1) kind addressOf
        else Ok address

    let nextPort () =
        lastPort <- if lastPort = 60999 then 32768 else lastPort + 1
        lastPort

    let nextName () =
        lastName <- (lastName + 1) % 0x100000
        lastName

    member _.Name = name
    member _.Address = address

    /// The address is one of this machine's own.
    member _.Has(text: string) = text = address || isLoopback text || isWildcard text

    /// What a packet to that address, of this family, comes from when its socket has no address in particular.
    member this.Source(family: int, target: string) : string =
        if isWildcard target then Address.loopback family
        elif this.Has target then target
        else address

    /// bind(2): the address with its port filled in.
    member this.Bind(kind: int, wanted: Address, socket: SocketFile) : Result<Address, Errno> =
        let free =
            match wanted with
            | Address.Unspecified -> Error Errno.EINVAL
            | Address.Internet(_, text, _) when not (this.Has text) -> Error Errno.EADDRNOTAVAIL
            | Address.Internet(family, text, 0) ->
                firstFree 28232 kind (fun () -> Address.Internet(family, text, nextPort ()))
            // autobind: five hexadecimal digits, as Linux makes them up.
            | Address.Unix "" -> firstFree 0x100000 kind (fun () -> Address.Unix $"\000{nextName ():x5}")
            | given when isTaken kind given -> Error Errno.EADDRINUSE
            | given -> Ok given

        match free with
        | Ok given -> bound.Add(key kind given, socket)
        | Error _ -> ()

        free

    member _.Unbind(kind: int, address: Address, socket: SocketFile) =
        match bound.TryGetValue(key kind address) with
        | true, found when obj.ReferenceEquals(found, socket) -> bound.Remove(key kind address) |> ignore
        | _ -> ()

    /// Who answers under this address, here.
    member _.Find(kind: int, address: Address) : SocketFile | null =
        let exact = bound.TryGetValue(key kind address)

        match exact, address with
        | (true, socket), _ -> socket
        | _, Address.Internet(family, _, port) ->
            match bound.TryGetValue(key kind (Address.Internet(family, Address.wildcard family, port))) with
            | true, socket -> socket
            | _ -> null
        | _ -> null

/// All machines, and the way between them.
[<Sealed>]
type internal Network(timeline: Timeline, choices: Choices) =
    let hosts = List<NetworkHost>()
    // Between two machines in one room.
    let distance = 50_000L

    member _.Choices = choices

    /// A machine joins; one that had this address before is gone.
    member _.Join(name: string, address: string) : NetworkHost =
        hosts.RemoveAll(fun host -> host.Address = address) |> ignore
        let host = NetworkHost(name, address)
        hosts.Add host
        host

    /// The machine that has this address, as seen from another; null when there is none.
    member _.Route(from: NetworkHost, address: Address) : NetworkHost | null =
        match address with
        | Address.Internet(_, text, _) when not (from.Has text) ->
            match hosts |> Seq.tryFind (fun host -> host.Address = text) with
            | Some host -> host
            | None -> null
        | _ -> from

    /// How long the next thing takes from one machine to another, in nanoseconds; 0 is at once.
    member _.Latency(from: NetworkHost, target: NetworkHost) : int64 =
        let base' = if obj.ReferenceEquals(from, target) then 0L else distance

        if choices.Strikes Fault.Delayed then
            base' + int64 (choices.Between(1, 1000)) * 1000L
        else
            base'

    member _.After(delay: int64, name: string, action: unit -> unit) =
        if delay = 0L then action () else timeline.After(delay, name, action) |> ignore
