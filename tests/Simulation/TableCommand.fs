/// What programs of the differential tests do with the ring's own table of files: they fill its slots, empty them, and send to
/// another ring.
module Uring.Tests.Simulation.TableCommand

open System
open System.Text
open Uring.Kernel
open Uring.Model

/// Slots of the table; the next one is beyond it.
let slots = 4

/// One submission; -1 is a slot that the kernel chooses.
type TableCommand =
    | OpenInto of file: int * create: bool * slot: int
    | SocketInto of family: int * slot: int
    | PipeInto of slot: int
    | CloseSlot of slot: int
    /// A descriptor, or nothing (-1), or what leaves its slot alone (-2).
    | Fill of first: int * second: int * slot: int
    /// Takes a descriptor for what is in a slot.
    | Install of slot: int
    | CancelSlot of slot: int
    | TeeSlot of slot: int * target: int * length: int
    /// A completion for the other ring, or for the own one.
    | Tell of own: bool * value: int
    | SendFile of slot: int * target: int * silent: bool

/// It writes to the memory of its submission.
let receives (command: TableCommand) =
    match command with
    | PipeInto _ -> true
    // An open set: the rest has results alone.
    | _ -> false

/// A random one.
let random (random: Random) : TableCommand =
    let slot () = random.Next(slots + 1)
    let place () = random.Next(-1, slots + 1)

    let given () =
        match random.Next 6 with
        | 0 -> -1
        | 1 -> -2
        | _ -> random.Next 8

    match random.Next 14 with
    | 0
    | 1 -> OpenInto(random.Next 3, random.Next 3 > 0, place ())
    | 2 -> SocketInto(random.Next 3, place ())
    | 3 -> PipeInto(if random.Next 3 = 0 then slot () else -1)
    | 4 -> CloseSlot(slot ())
    | 5
    | 6
    | 7 -> Fill(given (), given (), place ())
    | 8
    | 9 -> Install(slot ())
    | 10 -> CancelSlot(slot ())
    | 11 -> TeeSlot(slot (), random.Next 8, random.Next(1, 40))
    | 12 -> Tell(random.Next 3 = 0, random.Next 100)
    | _ -> SendFile(slot (), random.Next(-1, 3), random.Next 2 = 0)

// AF_UNIX, AF_INET, and none.
let private families = [| 1; 2; 99 |]

let private into (slot: int) (submission: Submission) =
    if slot < 0 then
        Submission.intoFreeSlot submission
    else
        Submission.intoSlot slot submission

/// Its submission, with the memory at `place`. `other` is the other ring, and `told` what is said there.
let encode
    (fd: int -> int)
    (path: int -> string)
    (own: int)
    (other: unit -> int)
    (told: int -> UserData)
    (place: nativeint)
    (command: TableCommand)
    : Submission =
    match command with
    | OpenInto(file, create, slot) ->
        Encoding.UTF8.GetBytes(path file + "\000").CopyTo(Mapped.span place 128)
        let flags = if create then 0o102u else 2u
        Submission.openAt OpFlags.WorkingDirectory (uint64 place) flags 0o644u |> into slot
    | SocketInto(family, slot) -> Submission.socket families[family % families.Length] 1 0 |> into slot
    | PipeInto slot -> Submission.pipe (uint64 place) 0u |> into slot
    | CloseSlot slot -> Submission.closeDirect slot
    | Fill(first, second, slot) ->
        let number given = if given < 0 then given else fd given
        Mapped.write<int> place (number first)
        Mapped.write<int> (place + 4n) (number second)
        let start = if slot < 0 then OpFlags.AllocateFile else uint32 slot
        Submission.updateFiles (uint64 place) 2u start
    | Install slot -> Submission.installFixed slot |> Submission.onFixedFile
    // IORING_ASYNC_CANCEL_FD_FIXED.
    | CancelSlot slot ->
        let cancel = Submission.cancelDescriptor slot
        { cancel with OpFlags = cancel.OpFlags ||| 8u }
    | TeeSlot(slot, target, length) ->
        Submission.tee slot (fd target) (uint32 length) 2u |> Submission.fromFixedFile
    | Tell(isOwn, value) ->
        Submission.messageRing (if isOwn then own else other ()) (told value) (uint32 value)
    | SendFile(slot, target, silent) ->
        let send = Submission.sendDirect (other ()) slot |> into target

        if silent then send else { send with Offset = (told 77).Bits; OpFlags = 0u }
