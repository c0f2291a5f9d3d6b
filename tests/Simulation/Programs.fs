/// Random programs for the differential tests: one for each seed. What was added later is for later seeds, so that the older
/// ones stay what they were.
module Uring.Tests.Simulation.Programs

open System
open Uring.Model
open Uring.Tests.Simulation.FileCommand
open Uring.Tests.Simulation.MessageCommand
open Uring.Tests.Simulation.NameCommand
open Uring.Tests.Simulation.PeerCommand
open Uring.Tests.Simulation.Side
open Uring.Tests.Simulation.SlotCommand
open Uring.Tests.Simulation.TableCommand
open Uring.Tests.Simulation.VectorCommand
open Uring.Tests.Simulation.WaitCommand
open Uring.Tests.Simulation.WayCommand

/// A program: whether its buffers are consumed bit by bit, and what it submits.
type Program = { Incremental: bool; Batches: Batch list }

/// From this seed on programs use what was added later, so that the older seeds stay what they were.
let newer = 1_000_000

/// And from this one on what was added after that.
let newest = 2_000_000

/// And after that.
let latest = 3_000_000

/// From here on what is added is messages.
let messages = 5_000_000

/// And from here on flags of writes, rules of renames, and names from directories.
let named = 8_000_000

/// And from here on all that the simulated kernel can do.
let everything = 10_000_000

/// And from here on flags that say how something is done.
let ways = 20_000_000

/// Little stories, which random commands come upon too seldom. Negative descriptors count from the last that was made.
let private story (seed: int) (random: Random) : Batch list =
    let one command : Batch = [ command, SqeFlags.None ]
    let file, name = random.Next 3, random.Next 2
    let soon = random.Next(1, 300)

    match random.Next(if seed < ways then 8 else 12) with
    | 8 -> [
        one (OfWay(PollRing PollEvents.Readable))
        one (OfWay(TellFlags(false, random.Next 100, random.Next 60)))
        one (OfWay(PollRing PollEvents.Readable))
      ]
    | 9 -> [
        one (OfWay(Until(false, random.Next 3)))
        one (OfWay(ChangeHow(0, random.Next 2 = 0, random.Next 60)))
        one (OfWait(StopTime 1))
      ]
    | 10 -> [
        one MakePipe
        one (Write(-1, random.Next 40, -1))
        [ MakePipe, SqeFlags.None ]
        one (OfWay(TeeHow(-4, -1, random.Next 40 + 1, random.Next 60)))
        one (OfWay(SpliceHow(-4, -1, random.Next 40 + 1, random.Next 60)))
        one (Close -4)
        one (OfWay(WriteQuietly(-3, 5, -1)))
      ]
    | 11 -> [
        one (Listener(random.Next 2 = 0))
        one (OfWay(AcceptHow(-1, random.Next 2 = 0, random.Next 60)))
        one (OfPeer(Arrive(random.Next 4)))
        one (OfWay(AcceptHow(-1, random.Next 2 = 0, random.Next 60)))
      ]
    | 0 -> [
        one MakePipe
        one (Poll(-2, PollEvents.Readable, random.Next 2 = 0))
        one (OfWait(if random.Next 2 = 0 then StopPoll 0 else ChangeEvents(0, PollEvents.Readable)))
        one (Write(-1, random.Next 40, -1))
      ]
    | 1 -> [
        one (if random.Next 2 = 0 then Forever else OfWait(Tick(2, 0)))
        one (OfWait([| StopTime 0; Postpone 0; ChangeTime(0, soon) |][random.Next 3]))
        one (OfWait(StopTime 1))
      ]
    | 2 -> [
        one (OfWait(WaitWords(random.Next 2, random.Next 2, 0)))
        one (WakeWord(random.Next 2, random.Next 3))
      ]
    | 3 -> [
        one (OpenFile(file, true))
        one (OfName(SetByName(file, name, random.Next 40, random.Next 4)))
        one (OfFile(SetAttribute(-1, name, random.Next 40, random.Next 4)))
        one (OfFile(GetAttribute(-1, name, random.Next 48)))
        one (OfName(GetByName(file, name, random.Next 48)))
      ]
    | 4 -> [
        [ MakePipe, SqeFlags.None; MakePipe, SqeFlags.None ]
        one (Write(-3, random.Next 40, -1))
        one (OfFile(Tee(-4, -1, random.Next 40 + 1)))
        one (OfFile(Splice(-4, -1, random.Next 40 + 1)))
        one (Read(-2, 47, -1))
      ]
    | 5 -> [
        one (OpenFile(file, true))
        one Folder
        match NameCommand.random random with
        | OpenWithin(_, name, flags, rules) -> one (OfName(OpenWithin(-1, name, flags, rules)))
        | other -> one (OfName other)
        one (OfName(OpenWithin(-1, file, 0, 0)))
        one (Read(-1, 5, 0))
      ]
    | 6 ->
        let isTcp = random.Next 2 = 0

        [
            one (OfPeer(Make((if isTcp then 1 else 0), 1, 0)))
            one (OfPeer(Bind(-1, isTcp)))
            one (OfPeer(Listen(-1, random.Next 4)))
            one (OfPeer(Accept(-1, false, random.Next 2 = 0)))
        ]
    | _ -> [
        one (Listener(random.Next 2 = 0))
        one (OfPeer(if random.Next 2 = 0 then Accept(-1, true, true) else AcceptInto(-1, random.Next(-1, 4))))
        one (OfPeer(Arrive(random.Next 4)))
        one (OfPeer(Arrive(random.Next 4)))
      ]

/// What can be done with what is in a slot of the ring's own table as well.
let private forSlots (random: Random) : Command =
    let length () = random.Next(0, 40)
    let offset () = if random.Next 2 = 0 then -1 else random.Next 50

    match random.Next 16 with
    | 0
    | 1
    | 2 -> Read(0, length (), offset ())
    | 3
    | 4
    | 5 -> Write(0, length (), offset ())
    | 6 -> Send(0, length ())
    | 7 -> Receive(0, length () + 1, random.Next 3 = 0)
    | 8 -> ReadBuffer 0
    | 9 -> ReceiveBuffer 0
    | 10 -> ReceiveMany(0, false)
    | 11 -> ReadMany 0
    | 12 -> Poll(0, PollEvents.Readable, random.Next 2 = 0)
    | 13 -> Sync 0
    | 14 -> Truncate(0, random.Next 60)
    | _ -> OfVector(VectorCommand.random random)

/// A random program.
let generate (seed: int) : Program =
    let kinds, bad =
        if seed < newer then 40, 10
        elif seed < newest then 43, 16
        elif seed < latest then 55, 15
        elif seed < messages then 67, 15
        elif seed < named then 107, 15
        elif seed < everything then 119, 15
        elif seed < ways then 199, 15
        else 229, 15

    let random = Random seed
    let fd () = random.Next 8
    let length () = random.Next(0, 40)
    let file () = random.Next 3
    let offset () = if random.Next 2 = 0 then -1 else random.Next 50

    let command () =
        match random.Next kinds with
        | 0 -> Nop(random.Next(-3, 5))
        | 1
        | 2 -> MakePipe
        | 3 -> OpenFile(file (), random.Next 3 > 0)
        | 4
        | 5 -> Connect(random.Next 2 = 0)
        | 6
        | 7
        | 8 -> Read(fd (), length (), offset ())
        | 9
        | 10
        | 11 -> Write(fd (), length (), offset ())
        | 12 -> ReadBuffer(fd ())
        | 13 -> ReadMany(fd ())
        | 14
        | 15
        | 16 -> Send(fd (), length ())
        | 17
        // To receive nothing waits for something, and is a race with who receives that.
        | 18 -> Receive(fd (), length () + 1, random.Next 3 = 0)
        | 19 -> ReceiveBuffer(fd ())
        | 20
        // Bundles end when the kernel likes.
        | 21 -> ReceiveMany(fd (), false)
        | 22 -> Shutdown(fd (), random.Next 3)
        | 23 -> Close(fd ())
        | 24 -> Poll(fd (), (if random.Next 2 = 0 then PollEvents.Readable else PollEvents.Writable), false)
        | 25 -> Poll(fd (), PollEvents.Readable, true)
        | 26 -> Pause(random.Next 300)
        | 27 -> Forever
        | 28 -> Cancel(random.Next 20)
        | 29 -> CancelFile(fd ())
        | 30 -> CancelAll
        | 31 -> Sync(fd ())
        | 32 -> Truncate(fd (), random.Next 60)
        | 33 -> Size(fd ())
        | 34 -> Unlink(file ())
        | 35 -> Rename(file (), file ())
        | 36 -> MakeDirectory(file ())
        | 37
        | 38 -> Provide(random.Next(1, 4))
        | 39 -> Bad(random.Next bad)
        | 40
        | 41 -> WaitWord(random.Next 2, (if random.Next 5 = 0 then 1 else 0))
        | 42 -> WakeWord(random.Next 2, random.Next 3)
        | kind when kind < 55 -> OfFile(FileCommand.random random)
        | kind when kind < 67 -> OfSlot(SlotCommand.random random)
        | kind when kind < 72 -> Datagrams(random.Next 3)
        | kind when kind < 107 -> OfMessage(MessageCommand.random random)
        | kind when kind < 119 -> OfFile(FileCommand.randomLater random)
        | kind when kind < 127 -> OfVector(VectorCommand.random random)
        | kind when kind < 140 -> OfWait(WaitCommand.random random)
        | kind when kind < 153 -> OfName(NameCommand.random random)
        | kind when kind < 170 -> OfTable(TableCommand.random random)
        | kind when kind < 186 -> OfPeer(PeerCommand.random random)
        | kind when kind < 188 -> Listener(random.Next 2 = 0)
        | 188 -> Folder
        | kind when kind >= 199 -> OfWay(WayCommand.random random)
        | _ -> OnSlot(random.Next(TableCommand.slots + 1), forSlots random)

    let flags () =
        match random.Next 12 with
        | 0 -> SqeFlags.Link
        | 1 -> SqeFlags.HardLink
        | 2 -> SqeFlags.SkipSuccess
        | _ -> SqeFlags.None

    let comesAlone command =
        match command with
        | Cancel _
        | CancelFile _
        | CancelAll
        // Two workers: one may fill the slot that the other looks into.
        | OfTable(CancelSlot _ | TeeSlot _) -> true
        | OfWait command -> WaitCommand.looksForOthers command
        | OfWay command -> WayCommand.looksForOthers command
        | _ -> false

    /// Whether a cancel finds what a worker does is a race: cancels come alone.
    let alone (batch: Batch) =
        match batch |> List.tryFind (fst >> comesAlone) with
        | Some cancel -> [ cancel ]
        | None -> batch

    /// What a worker does silently is done nobody knows when: a cancel behind it may find it.
    let told (batch: Batch) : Batch =
        batch
        |> List.map (fun (command, flags) ->
            match command with
            | OfFile _
            | MakeDirectory _
            | Unlink _
            | Rename _
            | Size _
            | Sync _
            | Truncate _
            | Shutdown _
            | OfSlot _
            | OfVector _
            | OfName _
            | OfTable _
            | OfPeer _
            | OnSlot _
            | OfWay _
            | Write _ -> command, flags &&& ~~~SqeFlags.SkipSuccess
            | _ -> command, flags)

    /// Now and then it may take only so long: an hour, or longer than what does not wait.
    let bounded (command, flags) : Batch =
        if seed < everything || random.Next 8 > 0 then
            [ command, flags ]
        else
            let limit =
                match plain command with
                | Receive _
                | Read _
                | ReadMany _
                | ReceiveMany _
                | Poll _
                | Forever
                | WaitWord _
                | OfWay(WayCommand.AcceptHow _ | WayCommand.PollRing _ | WayCommand.Until _)
                | OfPeer(PeerCommand.Accept _) -> random.Next(1000, 3000)
                | _ -> 0

            [ command, SqeFlags.Link; Limit limit, flags &&& ~~~SqeFlags.SkipSuccess ]

    let start: Batch = [
        Provide(random.Next(0, 5)), SqeFlags.None
        (match random.Next 2 with
         | 0 when seed >= messages -> Datagrams(random.Next 3)
         | 0 -> MakePipe
         | _ -> Connect(random.Next 2 = 0)),
        SqeFlags.None

        if seed >= everything then
            OpenFile(random.Next 3, true), SqeFlags.None

            match random.Next 4 with
            | 0 -> Folder, SqeFlags.None
            | 1 -> MakePipe, SqeFlags.None
            | _ -> Listener(random.Next 2 = 0), SqeFlags.None
    ]

    {
        Incremental = random.Next 3 = 0
        Batches =
            start
            :: [
                for _ in 1 .. (if seed < everything then random.Next(1, 10) else random.Next(3, 20)) do
                    if seed >= everything && random.Next 5 = 0 then
                        yield! story seed random
                    else
                        [
                            for _ in 1 .. (if random.Next 3 = 0 then random.Next(1, 4) else 1) ->
                                command (), flags ()
                        ]
                        |> List.collect bounded
                        |> alone
                        |> told
            ]
    }
