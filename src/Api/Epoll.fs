// An epoll of somebody else's by way of the ring: for programs that wait with epoll_wait(2) so far, and for libraries that
// do. What a ring waits for itself needs no epoll.
namespace Uring.FSharp

open System
open System.Buffers.Binary
open System.Runtime.CompilerServices
open System.Runtime.InteropServices
open Uring.Driver
open Uring.Model

/// How an epoll tells of events.
[<Flags>]
type EpollMode =
    /// As long as they are there.
    | Level = 0u
    /// Once, until it is changed again (EPOLLONESHOT).
    | OneShot = 0x4000_0000u
    /// When they come (EPOLLET).
    | Edge = 0x8000_0000u

/// What an epoll tells of.
[<Struct; IsReadOnly>]
type EpollEvent = {
    /// The events that are there.
    Events: PollEvents
    /// What was given when the descriptor was added.
    Data: uint64
}

/// Waiting with an epoll. man epoll(7), epoll_ctl(2), epoll_wait(2).
[<RequireQualifiedAccess>]
module Epoll =

    // EPOLL_CTL_ADD, _DEL, _MOD.
    let internal adding, internal removing, internal changing = 1u, 2u, 3u

    /// struct epoll_event is packed on x86-64, and nowhere else.
    let private dataAt = if RuntimeInformation.ProcessArchitecture = Architecture.X64 then 4 else 8

    let private size = dataAt + 8

    let private over (buffer: byte array) submission : Request = {
        Request.bare submission with
            Buffer = Memory buffer
            Reach = Reach.Address
    }

    let internal control (operation: uint32) (epoll: int) (target: int) (events: PollEvents) mode data =
        let event = Array.zeroCreate<byte> size
        let mask = uint32 events ||| uint32 (mode: EpollMode)
        BinaryPrimitives.WriteUInt32LittleEndian(Span(event, 0, 4), mask)
        BinaryPrimitives.WriteUInt64LittleEndian(Span(event, dataAt, 8), data)
        Submission.epollControl epoll operation target 0UL |> over event

    /// As many as the kernel takes: INT_MAX bytes of them (EP_MAX_EVENTS).
    let private most = Int32.MaxValue / 12

    /// Room for as many events.
    let internal room (maxEvents: int) =
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxEvents, nameof maxEvents)
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxEvents, most, nameof maxEvents)
        Array.zeroCreate<byte>(maxEvents * size)

    let internal waiting (epoll: int) (room: byte array) : Request =
        Submission.epollWait epoll 0UL (uint32 (room.Length / size)) |> over room

    /// What was told.
    let internal read (room: byte array) (count: int) : EpollEvent array =
        let event index =
            let bytes = ReadOnlySpan(room, index * size, size)

            {
                Events = LanguagePrimitives.EnumOfValue(BinaryPrimitives.ReadUInt32LittleEndian bytes)
                Data = BinaryPrimitives.ReadUInt64LittleEndian(bytes.Slice dataAt)
            }

        Array.init count event

    let private perform operation (epoll: SafeHandle) (target: SafeHandle) events mode data : Uring<unit> =
        uring {
            let onto = Poll.hold epoll

            try
                let descriptor = Poll.hold target

                try
                    let! _ = Program.single (control operation onto descriptor events mode data)
                    return ()
                finally
                    target.DangerousRelease()
            finally
                epoll.DangerousRelease()
        }

    /// From now on tells of these events on a descriptor, with `data`.
    let add (epoll: SafeHandle) (target: SafeHandle) (events: PollEvents) (mode: EpollMode) (data: uint64) =
        perform adding epoll target events mode data

    /// Tells of other events, or in another way, or with other data. What was told once is told again.
    let change
        (epoll: SafeHandle)
        (target: SafeHandle)
        (events: PollEvents)
        (mode: EpollMode)
        (data: uint64)
        =
        perform changing epoll target events mode data

    /// Tells of a descriptor no more.
    let remove (epoll: SafeHandle) (target: SafeHandle) =
        perform removing epoll target PollEvents.None EpollMode.Level 0UL

    /// Waits until there is something to tell: up to `maxEvents` events (Linux 6.15). Only one who waits is told of an event.
    let wait (epoll: SafeHandle) (maxEvents: int) : Uring<EpollEvent array> =
        uring {
            let from = Poll.hold epoll

            try
                let room = room maxEvents
                let! count = Program.single (waiting from room)
                return read room count
            finally
                epoll.DangerousRelease()
        }
