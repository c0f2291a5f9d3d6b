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
