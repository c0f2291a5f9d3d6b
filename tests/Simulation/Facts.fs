/// What random programs have found out about the real kernel, one thing at a time.
// Length: one list, of what was found so far.
module Uring.Tests.Simulation.Facts

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

let alone command : Command * SqeFlags = command, SqeFlags.None
let linked command : Command * SqeFlags = command, SqeFlags.Link
let tied command : Command * SqeFlags = command, SqeFlags.HardLink

/// Programs, by what they show.
let facts: (string * Batch list) list = [
    "a file that is closed in a chain is let go of behind the next two steps",
    [
        [ alone MakePipe ]
        [
            tied (Close 0)
            tied (Write(0, 10, -1))
            tied (Write(0, 14, -1))
            alone (Write(0, 15, -1))
        ]
    ]
    "a shutdown that fails does not break its chain",
    [
        [ alone (Connect true) ]
        [ alone (Shutdown(0, 2)) ]
        [ alone (Shutdown(1, 2)) ]
        [ linked (Shutdown(0, 2)); alone (Nop 1) ]
    ]
    "a multishot receive meets the end behind the last bytes",
    [
        [ alone (Provide 2); alone (Connect true) ]
        [ alone (Shutdown(0, 0)) ]
        [ alone (Send(1, 8)); alone (ReceiveMany(0, false)); alone (Send(1, 3)) ]
    ]
    "a poll that was woken tells of it, though somebody else has taken the bytes by then",
    [
        [ alone (Connect true) ]
        [ alone (Poll(0, PollEvents.Readable, false)) ]
        [ alone (Receive(0, 21, false)); alone (Send(1, 12)); alone (Write(1, 3, -1)) ]
    ]
    "a Unix socket whose peer closes with unread bytes hears of a reset, even behind an end",
    [
        [ alone (Connect false) ]
        [ alone (Shutdown(1, 1)) ]
        [ alone (Send(0, 10)) ]
        [ alone (Close 1) ]
        [ alone (Receive(0, 5, false)) ]
    ]
    "a shot of a multishot lets what has ended be told first, and followed",
    [
        [ alone (Provide 4); alone (Connect true) ]
        [ alone (Write(1, 10, -1)) ]
        [ alone (Close 1); alone (Write(0, 19, -1)) ]
        [
            tied (Poll(0, PollEvents.Readable, false))
            alone (Write(0, 20, -1))
            alone (ReceiveMany(0, false))
        ]
    ]
    "a short read of a file takes all of an incremental buffer",
    [
        [ alone (Provide 2); alone (OpenFile(1, true)) ]
        [ alone (Truncate(0, 27)) ]
        [ alone (ReadBuffer 0) ]
        [ alone (ReadBuffer 0) ]
    ]
    "those who wait for a word are woken in their order, as many as are asked for",
    [
        [ alone (WaitWord(0, 0)) ]
        [ alone (WaitWord(0, 0)); alone (WaitWord(1, 0)); alone (WaitWord(0, 1)) ]
        [ alone (WakeWord(0, 0)) ]
        [ alone (WakeWord(0, 1)) ]
        [ alone (Cancel 1) ]
        [ alone (WakeWord(0, 2)); alone (WakeWord(1, 2)) ]
    ]
    "a wait for a word is bounded, and breaks a chain",
    [
        [ linked (WaitWord(0, 0)); alone (Limit 200) ]
        [ linked (WaitWord(0, 1)); alone (Nop 1) ]
        [ linked (WaitWord(0, 0)); alone (Nop 1) ]
        [ alone (WakeWord(0, 1)) ]
    ]
    "a wait for a word that is cancelled counts as done",
    [
        [ linked (WaitWord(0, 0)); alone (Nop 1) ]
        [ WaitWord(1, 0), SqeFlags.SkipSuccess ]
        [ alone (Cancel 0) ]
        [ alone (Cancel 2) ]
        [ alone CancelAll ]
    ]
    "what is no word is refused",
    [
        [ alone (Bad 10) ]
        [ alone (Bad 11) ]
        [ alone (Bad 12) ]
        [ alone (Bad 13) ]
        [ alone (Bad 14) ]
    ]
    "what a file is asked for is looked at before what it is",
    [
        [ alone MakePipe; alone (Connect false) ]
        [ alone (OfFile(Allocate(0, 0, -1, 1))) ]
        [ alone (OfFile(Allocate(0, 0x400, 0, 1))) ]
        [ alone (OfFile(Allocate(0, 0, 0, 1))) ]
        [ alone (OfFile(Allocate(1, 0, 0, 1))) ]
        [ alone (OfFile(Allocate(2, 0, 0, 1))) ]
    ]
    "what is no file has no attributes, and may not have any",
    [
        [ alone (Connect false) ]
        [ alone (OfFile(GetAttribute(0, 0, 10))) ]
        [ alone (OfFile(SetAttribute(0, 0, 10, 0))) ]
        [ alone (OfFile(SetAttribute(0, 2, 10, 0))) ]
    ]
    "splice and tee want to read and to write, and two pipes",
    [
        [ alone MakePipe; alone (Connect false) ]
        [ alone (OfFile(Splice(0, 1, 5))) ]
        [ alone (OfFile(Splice(1, 0, 5))) ]
        [ alone (OfFile(Tee(1, 0, 5))) ]
        [ alone (OfFile(Tee(2, 3, 5))) ]
        [ alone (OfFile(Splice(2, 3, 5))) ]
        [ alone (Close 0) ]
        [ alone (OfFile(Splice(1, 0, 5))) ]
    ]
    "what is not within its slot of registered buffers is refused, after a bad descriptor",
    [
        [ alone (OfSlot(ReadOne(0, 2, 0, 1, 0))) ]
        [ alone (OpenFile(0, true)) ]
        [ alone (OfSlot(WriteOne(0, 0, 0, 30, 0))) ]
        [ alone (OfSlot(ReadOne(0, 1, 0, 20, 0))) ]
        [ alone (OfSlot(ReadOne(0, 1, 0, 20, 0))) ]
        [ alone (OfSlot(ReadOne(0, 1, 1, 20, 0))); alone (OfSlot(ReadOne(0, 1, 0, 0, 0))) ]
        [ alone (OfSlot(WriteOne(0, 2, 0, 0, 0))); alone (OfSlot(ReadOne(0, 3, 0, 1, 0))) ]
    ]
    "an empty part of a vector is not within any slot",
    [
        [ alone (OpenFile(0, true)) ]
        [ alone (OfSlot(WriteTwo(0, 0, 5, 7, 0))) ]
        [ alone (OfSlot(WriteTwo(0, 0, 5, 0, 0))); alone (OfSlot(ReadTwo(0, 0, 0, 7, 0))) ]
        [ alone (OfSlot(ReadTwo(0, 1, 5, 7, 0))); alone (OfSlot(ReadTwo(0, 1, 9, 9, 4))) ]
    ]
    "an operation outside of its slot breaks its chain, and a short one within does",
    [
        [ alone (OpenFile(0, true)); alone MakePipe ]
        [
            linked (OfSlot(WriteOne(0, 0, 0, 10, 0)))
            linked (OfSlot(ReadOne(0, 0, 0, 10, 0)))
            alone (Nop 1)
        ]
        [ linked (OfSlot(ReadOne(0, 0, 0, 20, 0))); alone (Nop 2) ]
        [ linked (OfSlot(ReadOne(0, 2, 0, 1, 0))); alone (Nop 3) ]
        [ tied (OfSlot(ReadOne(0, 2, 0, 1, 0))); alone (Nop 4) ]
        [ linked (OfSlot(ReadOne(1, 0, 0, 5, -1))); alone (Nop 5) ]
        [ alone (OfSlot(WriteOne(2, 0, 0, 3, -1))) ]
    ]
    "a multishot poll tells what has woken it, and not what else is true",
    [
        [ alone (Connect true) ]
        [ alone (Shutdown(1, 0)) ]
        [ alone (Poll(1, PollEvents.Readable, true)) ]
        [ alone (Write(0, 19, -1)) ]
    ]
    "a datagram that is cut is not all that was asked for",
    [
        [ alone (Datagrams 2) ]
        [ alone (Send(1, 26)) ]
        [ OfMessage(ReceiveTwo(0, 20, 3, 3)), SqeFlags.SkipSuccess ]
        [ alone (Send(1, 26)) ]
        [ Receive(0, 23, true), SqeFlags.SkipSuccess ]
        [ alone (Send(1, 23)) ]
        [ linked (Receive(0, 23, true)); alone (Nop 1) ]
    ]
    "who has sent to nobody hears of it with what comes next, and wakes who waits",
    [
        [ alone (Datagrams 2) ]
        [ alone (Receive(1, 5, false)) ]
        [ alone (Close 0) ]
        [ alone (Send(0, 3)) ]
        [ alone (Send(0, 3)) ]
        [ alone (Poll(0, PollEvents.None, false)) ]
        [ alone (Send(0, 3)) ]
        [ alone (Send(0, 3)) ]
        [ alone (Shutdown(0, 2)) ]
        [ alone (Send(0, 3)) ]
        [ alone (Poll(0, PollEvents.Readable, false)) ]
        [ alone (Receive(0, 3, false)) ]
    ]
    "a socket for datagrams that is shut says so to who polls, and not to who may not wait",
    [
        [ alone (Datagrams 0) ]
        [ alone (Shutdown(0, 0)) ]
        [ alone (OfMessage(ReceiveTwo(0, 16, 7, 6))) ]
        [ alone (Poll(0, PollEvents.None, false)) ]
        [ alone (Shutdown(0, 1)) ]
        [ alone (Poll(0, PollEvents.Readable, false)) ]
        [ alone (Receive(0, 5, false)) ]
        [ alone (Read(0, 5, -1)) ]
    ]
    "the end of a socket for datagrams takes a buffer",
    [
        [ alone (Provide 4); alone (Datagrams 1); alone (ReceiveBuffer 1) ]
        [ alone (Shutdown(1, 2)) ]
        [ alone (ReceiveBuffer 1) ]
        [ alone (ReadBuffer 1) ]
    ]
    "what no name is is refused before its descriptor is looked at, and what leaves its directory as well",
    [
        [ linked (OfName(OpenWithin(7, 9, 2, 16))); alone (Nop 1) ]
        [ tied (OfName(OpenWithin(7, 9, 2, 64))); alone (Nop 1) ]
        [ alone (OfName(OpenWithin(7, 8, 0o200000, 8))) ]
        [ alone Folder ]
        [ alone (OfName(OpenWithin(0, 8, 0o102, 16))) ]
        [ alone (OfName(OpenWithin(0, 8, 0, 8))) ]
        [ alone (OfName(OpenWithin(0, 5, 0, 8))) ]
    ]
    "a directory reads nothing, gives a buffer away, and does not try without waiting",
    [
        [ alone (Provide 4); alone Folder ]
        [ alone (Read(0, 0, 38)) ]
        [ alone (Read(0, 1, -1)) ]
        [ alone (OfVector(ReadParts(0, 7, 9, -1, 8))) ]
        [ alone (ReadBuffer 0) ]
        [ alone (ReadBuffer 0) ]
    ]
    "a write to a file never goes without waiting",
    [
        [ alone (OpenFile(2, true)) ]
        [ alone (OfFile(WriteAs(0, 6, 16, 8))) ]
        [ alone (OfVector(WriteParts(0, 6, 12, 46, 8))) ]
        [
            linked (OfVector(WriteParts(0, 6, 12, -1, 0)))
            alone (OfVector(ReadParts(0, 6, 12, 0, 8)))
        ]
        [ alone (OfVector(ReadParts(0, 6, 20, 0, 0))) ]
    ]
    "a listener neither reads nor sends, and is no listener any more when it is shut",
    [
        [ alone (Listener false); alone (Listener true) ]
        [ alone (Read(0, 5, -1)) ]
        [ alone (Read(1, 5, -1)) ]
        [ alone (Send(0, 5)) ]
        [ alone (OfPeer(Ask(0, false))) ]
        [ alone (OfPeer(Ask(1, false))) ]
        [ alone (Shutdown(0, 1)) ]
        [ alone (Shutdown(1, 1)) ]
        [ alone (Send(0, 5)) ]
        [ alone (OfPeer(Arrive 0)) ]
        [ alone (OfPeer(Arrive 1)) ]
        [ alone (OfPeer(Accept(0, true, true))); alone (Shutdown(0, 2)) ]
        [ alone (OfPeer(Accept(1, true, true))); alone (Shutdown(1, 2)) ]
        [ alone (OfPeer(Accept(0, false, false))) ]
        [ alone (OfPeer(Accept(1, false, false))) ]
        [ alone (Poll(0, PollEvents.None, false)) ]
        [ alone (Poll(1, PollEvents.None, false)) ]
        [ alone (OfPeer(Arrive 0)) ]
        [ alone (OfPeer(Arrive 1)) ]
        [ alone (OfPeer(Listen(1, 1))) ]
    ]
    "who waits to be accepted loses a listener that is shut",
    [
        [ alone (Listener true) ]
        [ alone (OfPeer(Arrive 0)) ]
        [ alone (Shutdown(0, 2)) ]
        [ alone (Receive(1, 5, false)) ]
    ]
    "an address of another family is refused in the socket's own words",
    [
        [ alone (Connect true); alone (Connect false); alone (Datagrams 0); alone (Datagrams 2) ]
        [ alone (OfPeer(Bind(0, false))) ]
        [ alone (OfPeer(Bind(2, true))) ]
        [ alone (OfPeer(Bind(4, true))) ]
        [ alone (OfPeer(Bind(6, false))) ]
        [ alone (Listener true); alone (Listener false) ]
        [ alone (OfPeer(ConnectTo(2, 0))) ]
        [ alone (OfPeer(ConnectTo(4, 0))) ]
        [ alone (OfPeer(ConnectTo(9, 1))) ]
        [ alone (OfPeer(ConnectTo(9, 0))) ]
        [ alone (OfPeer(ConnectTo(8, 0))) ]
    ]
    "a port that was lent goes with its connection",
    [
        [ alone (Connect true) ]
        [ alone (Close 0) ]
        [ alone (Send(0, 5)) ]
        [ alone (OfPeer(Bind(0, true))) ]
    ]
    "kinds and protocols of sockets",
    [
        for family in 0..2 do
            for kind in [ 1; 2; 7 ] do
                for protocol in [ 0; 6; 17 ] do
                    [ alone (OfPeer(Make(family, kind, protocol))) ]

        [ alone (OfPeer(Make(0, 1, 1))) ]
        [ alone (OfPeer(Make(0, 2, 1))) ]
    ]
    "an option is a number of four bytes, and tells as many as there is room for",
    [
        [ alone (Connect true) ]
        [ alone (OfPeer(SetOption(0, 1, 1, 3))) ]
        [ alone (OfPeer(GetOption(0, 5, 4))) ]
        [ alone (OfPeer(SetOption(0, 1, 1, 4))) ]
        [ alone (OfPeer(GetOption(0, 5, 8))) ]
        [ alone (OfPeer(SetOption(0, 1, 2, 8))) ]
        [ alone (OfPeer(GetOption(0, 5, 3))) ]
        [ alone (OfPeer(GetOption(0, 0, 0))) ]
    ]
    "a free slot is looked for behind the last that was taken, or where one was given back",
    [
        [ alone (Connect true) ]
        [ alone (OfTable(PipeInto 3)) ]
        [ alone (OfTable(PipeInto 2)) ]
        [ alone (OfTable(CloseSlot 3)) ]
        [ alone (OfTable(Fill(0, -1, 0))) ]
        [ alone (OfTable(OpenInto(1, true, -1))) ]
        [ alone (OfTable(OpenInto(1, true, -1))) ]
        [ alone (OfTable(OpenInto(1, true, -1))) ]
        [ alone (OfTable(OpenInto(1, true, -1))) ]
        [ alone (OfTable(CloseSlot 0)) ]
        [ alone (OfTable(Fill(1, 0, 2))) ]
        [ alone (OfTable(OpenInto(1, true, 2))) ]
        [ alone (OfTable(OpenInto(1, true, -1))) ]
    ]
    "a socket that finds no slot does not break its chain",
    [
        [ linked (OfTable(SocketInto(1, 4))); alone (Nop 1) ]
        [ linked (OfTable(SocketInto(2, 4))); alone (Nop 1) ]
        [ linked (OfTable(OpenInto(1, true, 4))); alone (Nop 1) ]
    ]
    "a connection that finds no slot is lost, and the next one is told of",
    [
        [ alone (Listener true) ]
        [ alone (OfPeer(Arrive 0)) ]
        [ alone (OfPeer(Arrive 0)) ]
        [ alone (OfPeer(AcceptInto(0, 4))) ]
        [ alone (OfPeer(AcceptInto(0, 3))) ]
    ]
    "a Unix socket that was refused is as it was",
    [
        [ alone (Listener false) ]
        [ alone (Shutdown(0, 0)) ]
        [ alone (OfPeer(Arrive 0)) ]
        [ alone (Write(1, 34, -1)) ]
        [ alone (Receive(1, 5, false)) ]
    ]
    "who has sent a datagram over a Unix socket hears when it is taken",
    [
        [ alone (Datagrams 0) ]
        [ alone (Poll(0, PollEvents.Readable, true)) ]
        [ alone (OfWait(ChangeEvents(0, PollEvents.Writable))) ]
        [ alone (Send(0, 5)) ]
        [ alone (Receive(1, 5, false)) ]
        [ alone (Send(0, 5)) ]
        [ alone (Close 1) ]
    ]
    "who cannot send says where first, or that its end has come",
    [
        [ alone (OfPeer(Make(1, 2, 0))); alone (OfPeer(Make(0, 2, 0))); alone (Datagrams 1) ]
        [ alone (Shutdown(2, 1)) ]
        [ alone (Shutdown(3, 1)) ]
        [ alone (Shutdown(0, 1)) ]
        [ alone (Send(0, 5)) ]
        [ alone (Send(1, 5)) ]
        [ alone (Send(2, 5)) ]
        [ alone (Send(3, 5)) ]
    ]
    "a name is no file for a slot or for a cancel, and a directory no source",
    [
        [ alone (OpenFile(1, true)); alone MakePipe; alone Folder ]
        [ alone (OfName(Open(1, 0o10000000))) ]
        [ alone (CancelFile 4) ]
        [ alone (OfTable(Fill(0, 4, 0))) ]
        [ alone (OfTable(Fill(4, 0, -1))) ]
        [ alone (OfFile(Splice(3, 2, 9))) ]
        [ alone (OfFile(Splice(4, 2, 9))) ]
    ]
    "a wait for several words that is cancelled counts as done",
    [
        [ OfWait(WaitWords(0, 1, 0)), SqeFlags.SkipSuccess ]
        [ alone CancelAll ]
        [ linked (OfWait(WaitWords(1, 1, 0))); alone (Nop 1) ]
        [ alone (Cancel 2) ]
        [ linked (OfWait(WaitWords(1, 0, 1))); alone (Nop 1) ]
        [ alone (OfWait(WaitWords(1, 0, 0))) ]
        [ alone (WakeWord(0, 1)) ]
    ]
    "times that are changed, and ended",
    [
        [ alone (OfWait(Tick(3, 200))) ]
        [ alone (OfWait(Tick(2, 0))) ]
        [ alone (OfWait(Postpone 0)) ]
        [ alone (OfWait(StopTime 1)) ]
        [ alone (OfWait(StopTime 2)) ]
        [ alone Forever ]
        [ alone (OfWait(ChangeTime(0, 100))) ]
        // Long enough for what was changed to end: what the real kernel tells too late is waited for by nobody else.
        [ alone (Pause 5000) ]
        [ alone (OfWait(ChangeTime(2, 100))) ]
    ]
    "a link timeout is not what a cancel finds",
    [
        [ linked (OfWait(WaitWords(1, 0, 0))); alone (Limit 0) ]
        [ alone (Cancel 1) ]
        [ alone CancelAll ]
        [ linked (Receive(0, 5, false)); alone (Limit 2000) ]
        [ linked Forever; alone (Limit 2000) ]
    ]
    "a descriptor that goes to another ring, and a word with it",
    [
        [ alone (OfTable(OpenInto(1, true, 0))) ]
        [ alone (OfTable(Tell(false, 5))); alone (OfTable(Tell(true, 6))) ]
        [ alone (OfTable(SendFile(0, -1, true))) ]
        [ alone (OfTable(SendFile(0, -1, false))) ]
        [ alone (OfTable(SendFile(0, -1, false))) ]
        [ alone (OfTable(SendFile(1, 0, false))) ]
        [ alone (OfTable(SendFile(0, 2, false))) ]
    ]
]
