/// What programs of the differential tests do with files beyond reading and writing them.
module Uring.Tests.Simulation.FileCommand

open System
open System.Text
open Uring.Kernel
open Uring.Model

/// One submission; descriptors and files are numbers that are taken modulo what there is.
type FileCommand =
    | HardLink of file: int * target: int
    | SymbolicLink of file: int * target: int
    | Allocate of fd: int * mode: int * offset: int * length: int
    | Advise of fd: int * advice: int * offset: int * length: int
    | SyncRange of fd: int * offset: int * length: int * how: int
    | SetAttribute of fd: int * name: int * length: int * change: int
    | GetAttribute of fd: int * name: int * room: int
    /// None of these waits for a pipe: what could is a race.
    | Splice of source: int * target: int * length: int
    | Tee of source: int * target: int * length: int
    /// With flags of its own, as in pwritev2(2).
    | WriteAs of fd: int * length: int * offset: int * flags: int
    /// With rules, as in renameat2(2).
    | RenameAs of file: int * target: int * rules: int
    /// A name that starts from a descriptor, which may be a directory.
    | Within of fd: int * change: int

// SPLICE_F_NONBLOCK.
let private atOnce = 2u

/// Names that a file has perhaps; the last has no namespace that takes it.
let private nameOf (name: int) = [| "user.a"; "user.b"; "nowhere.c" |][name % 3]

/// A random one.
let random (random: Random) : FileCommand =
    let fd () = random.Next 8
    let file () = random.Next 3
    let offset () = random.Next(-1, 50)
    let length () = random.Next(0, 40)

    match random.Next 9 with
    | 0 -> HardLink(file (), file ())
    | 1 -> SymbolicLink(file (), file ())
    | 2 ->
        // Extend, keep the size, punch, zero, and what is no mode.
        Allocate(fd (), [| 0; 1; 3; 0x10; 0x11; 0x400 |][random.Next 6], offset (), length ())
    | 3 -> Advise(fd (), random.Next 7, offset (), length ())
    | 4 -> SyncRange(fd (), offset (), length (), random.Next 9)
    | 5 -> SetAttribute(fd (), random.Next 3, length (), random.Next 4)
    | 6 -> GetAttribute(fd (), random.Next 3, random.Next 48)
    | 7 -> Splice(fd (), fd (), length () + 1)
    | _ -> Tee(fd (), fd (), length () + 1)

/// A random one of those that were added later.
let randomLater (random: Random) : FileCommand =
    let flags = [| 0x1; 0x2; 0x4; 0x8; 0x10; 0x20; 0x30; 0x40; 0x80; 0x400; 0x12; 0x22 |]

    match random.Next 3 with
    | 0 -> WriteAs(random.Next 8, random.Next 40, random.Next(-1, 50), flags[random.Next flags.Length])
    | 1 -> RenameAs(random.Next 3, random.Next 3, [| 0; 1; 2; 3; 8 |][random.Next 5])
    | _ -> Within(random.Next 8, random.Next 6)

/// Its submission. It may use the memory at `place`: the first half for what it gets, the second for what it says.
let encode (fd: int -> int) (path: int -> string) (place: nativeint) (index: int) (command: FileCommand) =
    let half = 128n
    let here at = uint64 (place + at)

    let text (at: nativeint) (value: string) =
        Encoding.UTF8.GetBytes(value + "\000").CopyTo(Mapped.span (place + at) 128)
        here at

    let working = OpFlags.WorkingDirectory

    match command with
    | HardLink(file, target) ->
        Submission.linkAt working (text half (path target)) working (text 0n (path file)) 0u
    | SymbolicLink(file, target) ->
        Submission.symbolicLinkAt (text half (path target)) working (text 0n (path file))
    | Allocate(file, mode, offset, length) ->
        Submission.allocate (fd file) (uint32 mode) (uint64 offset) (uint64 length)
    | Advise(file, advice, offset, length) ->
        Submission.advise (fd file) (uint64 offset) (uint32 length) (uint32 advice)
    | SyncRange(file, offset, length, how) ->
        Submission.syncRange (fd file) (uint64 offset) (uint32 length) (uint32 how)
    | SetAttribute(file, name, length, change) ->
        let value = Mapped.span place length

        for at in 0 .. length - 1 do
            value[at] <- byte (index * 31 + at)

        Submission.setAttribute (fd file) (text half (nameOf name)) (here 0n) (uint32 length) (uint32 change)
    | GetAttribute(file, name, room) ->
        Submission.attribute (fd file) (text half (nameOf name)) (here 0n) (uint32 room)
    | Splice(source, target, length) ->
        let none = OpFlags.CurrentPosition
        Submission.splice (fd source) none (fd target) none (uint32 length) atOnce
    | Tee(source, target, length) -> Submission.tee (fd source) (fd target) (uint32 length) atOnce
    | WriteAs(file, length, offset, flags) ->
        let bytes = Mapped.span place length

        for at in 0 .. length - 1 do
            bytes[at] <- byte (index * 31 + at)

        Submission.write (fd file) (here 0n) (uint32 length) (uint64 offset)
        |> Submission.transferring (LanguagePrimitives.EnumOfValue(uint32 flags))
    | RenameAs(file, target, rules) ->
        Submission.renameAt working (text 0n (path file)) working (text half (path target)) (uint32 rules)
    | Within(file, change) ->
        let directory = fd file

        match change with
        | 0 -> Submission.makeDirectoryAt directory (text 0n "one") 0o755u
        | 1 -> Submission.unlinkAt directory (text 0n "one") OpFlags.RemoveDirectory
        | 2 -> Submission.unlinkAt directory (text 0n "two") 0u
        | 3 -> Submission.symbolicLinkAt (text half "one") directory (text 0n "two")
        | 4 -> Submission.renameAt directory (text 0n "two") directory (text half "one/three") 0u
        | _ -> Submission.linkAt directory (text 0n "two") directory (text half "one/three") 0u
