// Which socket answers under which address, on which machine, and how long it takes to get there.
namespace Uring.Simulation.World

open System.Collections.Generic
open Uring.Model
open Uring.Simulation

/// One machine on the network: its address, and the sockets that are bound there.
[<Sealed>]
type internal NetworkHost(name: string, address: string) =
    let bound = Dictionary<struct (int * string), SocketFile>()
    let mutable lastPort = 32767

    let isLoopback (address: string) = address = "127.0.0.1" || address = "::1"
    let isWildcard (address: string) = address = "0.0.0.0" || address = "::"

    let key (kind: int) (address: Address) = struct (kind, Address.tell address)

    let rec freePort kind family text =
        lastPort <- if lastPort = 60999 then 32768 else lastPort + 1

        if bound.ContainsKey(key kind (Address.Internet(family, text, lastPort))) then
            freePort kind family text
        else
            lastPort

    member _.Name = name
    member _.Address = address

    /// The address is one of this machine's own.
    member _.Has(text: string) = text = address || isLoopback text || isWildcard text

    /// bind(2): the address with its port filled in.
    member this.Bind(kind: int, wanted: Address, socket: SocketFile) : Result<Address, Errno> =
        let wanted =
            match wanted with
            | Address.Internet(family, text, 0) -> Address.Internet(family, text, freePort kind family text)
            // autobind: five hexadecimal digits, as Linux makes them up.
            | Address.Unix "" -> Address.Unix $"\000{bound.Count:x5}"
            | given -> given

        match wanted with
        | Address.Unspecified -> Error Errno.EINVAL
        | Address.Internet(_, text, _) when not (this.Has text) -> Error Errno.EADDRNOTAVAIL
        | given when bound.TryAdd(key kind given, socket) -> Ok given
        | _ -> Error Errno.EADDRINUSE

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
            let any = if family = 10 then "::" else "0.0.0.0"

            match bound.TryGetValue(key kind (Address.Internet(family, any, port))) with
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
