/// What programs of the differential tests do with names: open what they lead to, and ask for its attributes. And with a page
/// of memory.
module Uring.Tests.Simulation.NameCommand

open System
open System.Text
open Uring.Kernel
open Uring.Model

/// One submission; descriptors, files and names are numbers that are taken modulo what there is.
type NameCommand =
    /// O_RDWR aside, with flags as in open(2).
    | Open of file: int * flags: int
    /// Within a directory, if the descriptor is one, by rules as in openat2(2).
    | OpenWithin of fd: int * name: int * flags: int * rules: int
    | SetByName of file: int * name: int * length: int * change: int
    | GetByName of file: int * name: int * room: int
    | RemoveFolder of file: int
    | Advise of advice: int * start: int

/// It writes to the memory of its submission.
let receives (command: NameCommand) =
    match command with
    | GetByName _ -> true
    | Open _
    | OpenWithin _
    | SetByName _
    | RemoveFolder _
    | Advise _ -> false

// O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_DIRECTORY, O_NOFOLLOW, O_PATH, as on x86-64.
let private ways = [|
    0
    0
    1
    2
    0o102
    0o302
    0o1002
    0o2002
    0o200000
    0o200000
    0o400002
    0o10000000
    0o1102
|]

// RESOLVE_NO_XDEV, NO_MAGICLINKS, NO_SYMLINKS, BENEATH, IN_ROOT, two of these, and what is no rule. What is in the cache of
// names (RESOLVE_CACHED) is the real kernel's own business.
let private rules = [| 0; 1; 2; 4; 8; 16; 12; 20; 24; 64 |]

// "/f0" is for those alone who do not leave their directory.
let private names = [| "f0"; "f1"; "f2"; "."; "f0/one"; "f1/../f2"; "one"; "two"; "/f0"; "" |]

// MADV_NORMAL to DONTNEED, WIPEONFORK and KEEPONFORK, COLD, POPULATE_READ and WRITE, DONTNEED_LOCKED, REMOVE, DONTDUMP and
// DODUMP, and what is no advice. What is for root alone would be done to the real memory.
let private advices = [| 0; 1; 2; 3; 4; 18; 19; 20; 22; 23; 24; 9; 16; 17; 5; 7; 99 |]

/// A random one.
let random (random: Random) : NameCommand =
    let file () = random.Next 3
    let length () = random.Next(0, 40)

    match random.Next 8 with
    | 0
    | 1 -> Open(file (), ways[random.Next ways.Length])
    | 2
    | 3 ->
        let flags = ways[random.Next ways.Length]
        OpenWithin(random.Next 8, random.Next names.Length, flags, rules[random.Next rules.Length])
    | 4 -> SetByName(file (), random.Next 3, length (), random.Next 4)
    | 5 -> GetByName(file (), random.Next 3, random.Next 48)
    | 6 -> RemoveFolder(file ())
    | _ -> Advise(advices[random.Next advices.Length], random.Next 4)

// Names that a file has perhaps; the last has no namespace that takes it.
let private attributeOf (name: int) = [| "user.a"; "user.b"; "nowhere.c" |][name % 3]

/// Its submission. It may use the memory at `place`: the first half for what it gets, the second for what it says. `page` is
/// what is advised about.
let encode
    (fd: int -> int)
    (path: int -> string)
    (page: nativeint)
    (place: nativeint)
    (index: int)
    (command: NameCommand)
    : Submission =
    let text (at: nativeint) (value: string) =
        Encoding.UTF8.GetBytes(value + "\000").CopyTo(Mapped.span (place + at) 96)
        uint64 (place + at)

    let working = OpFlags.WorkingDirectory

    match command with
    | Open(file, flags) -> Submission.openAt working (text 64n (path file)) (uint32 flags) (uint32 0o644)
    | OpenWithin(file, name, flags, rules) ->
        // struct open_how: a mode is for what is created.
        let mode = if (flags &&& 0o100) <> 0 then 0o644L else 0L
        Mapped.write<int64> (place + 160n) (int64 flags)
        Mapped.write<int64> (place + 168n) mode
        Mapped.write<int64> (place + 176n) (int64 rules)
        let name = names[name % names.Length]
        let name = if (rules &&& 24) = 0 then name.TrimStart '/' else name
        Submission.openAt2 (fd file) (text 64n name) (uint64 (place + 160n))
    | SetByName(file, name, length, change) ->
        let value = Mapped.span place length

        for at in 0 .. length - 1 do
            value[at] <- byte (index * 31 + at)

        let attribute = text 160n (attributeOf name)

        Submission.setAttributeOfPath
            (text 64n (path file))
            attribute
            (uint64 place)
            (uint32 length)
            (uint32 change)
    | GetByName(file, name, room) ->
        let attribute = text 160n (attributeOf name)
        Submission.attributeOfPath (text 64n (path file)) attribute (uint64 place) (uint32 room)
    | RemoveFolder file -> Submission.unlinkAt working (text 64n (path file)) OpFlags.RemoveDirectory
    | Advise(advice, start) ->
        // Now and then not at the start of a page.
        let address = uint64 page + (if start = 0 then 8UL else 0UL)
        Submission.adviseMemory address 4096u (uint32 advice)
