/// What programs of the differential tests do with sockets one by one: make them, bind, listen, connect and accept, and ask
/// them what they know.
module Uring.Tests.Simulation.PeerCommand

open System
open Uring.Kernel
open Uring.Model

/// One submission; a listener is a number that is taken modulo those that there are.
type PeerCommand =
    | Make of family: int * kind: int * protocol: int
    | Bind of fd: int * isTcp: bool
    | Listen of fd: int * backlog: int
    /// A new client comes to a listener. It joins the descriptors.
    | Arrive of listener: int
    /// A descriptor connects to a listener.
    | ConnectTo of fd: int * listener: int
    | Accept of fd: int * many: bool * waits: bool
    | AcceptInto of fd: int * slot: int
    | Ask of fd: int * outgoing: bool
    | GetOption of fd: int * name: int * room: int
    | SetOption of fd: int * name: int * value: int * room: int

/// It writes to the memory of its submission.
let receives (command: PeerCommand) =
    match command with
    | GetOption _ -> true
    // An open set: the rest has results alone.
    | _ -> false

// SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ACCEPTCONN: what a socket is.
let private facts = [| 3; 39; 38; 30 |]
// SO_REUSEADDR, SO_KEEPALIVE, SO_BROADCAST: what it was told.
let private switches = [| 2; 9; 6 |]

// AF_UNIX, AF_INET, and none.
let private families = [| 1; 2; 99 |]

/// A random one.
let random (random: Random) : PeerCommand =
    let fd () = random.Next 8

    match random.Next 16 with
    | 0 ->
        let kind = [| 1; 1; 2; 7 |][random.Next 4]
        Make(random.Next 3, kind, [| 0; 0; 0; 0; 1; 6; 17 |][random.Next 7])
    | 1 -> Bind(fd (), random.Next 2 = 0)
    | 2 -> Listen(fd (), random.Next 4)
    | 3
    | 4
    | 5
    | 6 -> Arrive(random.Next 4)
    | 7 -> ConnectTo(fd (), random.Next 4)
    | 8
    | 9
    | 10 -> Accept(fd (), random.Next 2 = 0, random.Next 4 > 0)
    | 11 -> AcceptInto(fd (), random.Next(-1, 5))
    | 12
    | 13 -> Ask(fd (), random.Next 2 = 0)
    | 14 -> GetOption(fd (), random.Next 7, random.Next 9)
    | _ -> SetOption(fd (), random.Next 3, random.Next 3, random.Next 9)

/// Its submission, with the memory at `place`. `client` is a socket that was made for it, `name` what a listener is called,
/// and `another` a name that nobody has.
let encode
    (fd: int -> int)
    (client: int)
    (name: int -> byte array)
    (another: bool -> byte array)
    (place: nativeint)
    (command: PeerCommand)
    : Submission =
    let address (bytes: byte array) =
        bytes.CopyTo(Mapped.span place 128)
        uint64 place

    let connect number listener =
        match name listener with
        | [||] -> Submission.nop ()
        | bytes -> Submission.connect number (address bytes) (uint32 bytes.Length)

    match command with
    | Make(family, kind, protocol) ->
        let family = families[family % families.Length]
        // Who may have ICMP depends on the machine.
        let protocol = if family <> 1 && protocol = 1 then 0 else protocol
        Submission.socket family kind protocol
    | Bind(file, isTcp) ->
        let bytes = another isTcp
        Submission.bind (fd file) (address bytes) (uint32 bytes.Length)
    | Listen(file, backlog) -> Submission.listen (fd file) (uint32 backlog)
    | Arrive listener -> connect client listener
    | ConnectTo(file, listener) -> connect (fd file) listener
    | Accept(file, many, waits) ->
        let accept =
            if many then
                Submission.acceptMultishot (fd file) 0u
            else
                Submission.accept (fd file) 0UL 0UL 0u

        if waits then accept else Submission.withoutWaiting accept
    | AcceptInto(file, slot) ->
        let accept = Submission.accept (fd file) 0UL 0UL 0u
        if slot < 0 then Submission.intoFreeSlot accept else Submission.intoSlot slot accept
    | Ask(file, outgoing) ->
        let question = if outgoing then OpFlags.BytesUnsent else OpFlags.BytesAvailable
        Submission.command (fd file) question 0UL 0UL
    | GetOption(file, name, room) ->
        let all = Array.append facts switches
        let value = uint64 place
        Submission.socketOption (fd file) OpFlags.GetOption 1 all[name % all.Length] value (uint32 room)
    | SetOption(file, name, value, room) ->
        Mapped.write<int64> place (int64 value)
        let name = switches[name % switches.Length]
        Submission.socketOption (fd file) OpFlags.SetOption 1 name (uint64 place) (uint32 room)
