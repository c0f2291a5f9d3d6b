// Where what an operation makes is put: into the process's table of descriptors, or into the ring's own. Source: man
// io_uring_registered_files(7), io_uring_prep_msg_ring_fd(3).
namespace Uring.Simulation.Kernel

open System
open Uring.Kernel
open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

[<Sealed>]
type internal Placing(machine: Machine) =

    let world = machine.World
    let choices = world.Choices
    let fail (errno: Errno) = Errno.toResult errno

    /// Frees a slot of the ring's table.
    let release (ring: KernelRing) (slot: int) : int =
        if slot < 0 || slot >= ring.Files.Length then
            fail Errno.EINVAL
        else
            match ring.Files[slot] with
            | null -> fail Errno.EBADF
            | file ->
                ring.Files[slot] <- null
                ring.FileHint <- slot
                file.Release()
                0

    /// A free slot, from where the last one was taken or given back (6.18), or -1.
    let freeSlot (ring: KernelRing) : int =
        let struct (first, behind) = ring.FileRange
        let isFree slot = slot < ring.Files.Length && isNull ring.Files[slot]
        let find start stop = seq { start .. stop - 1 } |> Seq.tryFind isFree
        let hint = ring.FileHint

        match find hint (min behind ring.Files.Length) with
        | Some slot -> slot
        | None ->
            ring.FileHint <- first
            find first hint |> Option.defaultValue -1

    /// What was there leaves. A slot that was in use is not the next to be looked at.
    let put (ring: KernelRing) (slot: int) (file: OpenFile) =
        match ring.Files[slot] with
        | null -> ring.FileHint <- slot + 1
        | before -> before.Release()

        ring.Files[slot] <- file

    let isDirect (request: KernelRequest) = request.Submission.FileIndex <> 0u

    /// Into a slot of the ring's table: a free one, or the one that was asked for.
    let placeAt (ring: KernelRing) (wanted: uint32) (file: OpenFile) : int =
        if ring.Files.Length = 0 && wanted <> OpFlags.AllocateFile then
            file.Release()
            fail Errno.ENXIO
        elif wanted = OpFlags.AllocateFile then
            match freeSlot ring with
            | -1 ->
                file.Release()
                fail Errno.ENFILE
            | slot ->
                put ring slot file
                slot
        elif wanted > uint32 ring.Files.Length then
            file.Release()
            fail Errno.EINVAL
        else
            put ring (int wanted - 1) file
            0

    let place (ring: KernelRing) (request: KernelRequest) (file: OpenFile) : int =
        placeAt ring request.Submission.FileIndex file

    /// MSG_RING with a file: into another ring's table.
    let sendFile (ring: KernelRing) (request: KernelRequest) : int =
        let slot = int request.Submission.Address3

        match machine.RingOf request.Submission.Fd with
        | null -> fail Errno.EBADFD
        | target when obj.ReferenceEquals(target, ring) -> fail Errno.EINVAL
        | target when target.Files.Length = 0 -> fail Errno.ENFILE
        | _ when slot >= ring.Files.Length -> fail Errno.EBADF
        | target ->
            match ring.Files[slot] with
            | null -> fail Errno.EBADF
            | file ->
                file.Retain()
                let result = place target request file

                if result >= 0 && (request.Submission.OpFlags &&& OpFlags.MessageSilent) = 0u then
                    machine.Message { request.Submission with Length = uint32 result } |> ignore

                result

    let add (ring: KernelRing) (request: KernelRequest) (file: OpenFile) : int =
        if isDirect request then place ring request file else machine.Descriptors.Add file

    let addNew (ring: KernelRing) (request: KernelRequest) (made: Result<OpenFile, Errno>) : int =
        match made with
        | Ok file -> add ring request file
        | Error errno -> fail errno

    let close (ring: KernelRing) (request: KernelRequest) : int =
        if isDirect request then
            release ring (int request.Submission.FileIndex - 1)
        else
            machine.Close(request.Submission.Fd, true)

    /// Who has connected: as much of the sockaddr as there is room for, and how long it is.
    let tell (submission: Submission) (name: byte array) =
        let room = Mapped.read<int>(nativeint submission.Offset)
        world.Memory.CheckWrite(submission.Address, room, "Accept")
        world.Memory.CheckWrite(submission.Offset, 4, "Accept")
        name.AsSpan(0, min room name.Length).CopyTo(Mapped.span (nativeint submission.Address) room)
        Mapped.write<int> (nativeint submission.Offset) name.Length

    let rec accept (ring: KernelRing) (request: KernelRequest) (file: OpenFile) : int =
        match file with
        | :? SocketFile as listener ->
            let isMultishot = (request.Submission.Priority &&& OpFlags.AcceptMultishot) <> 0us
            let mayWait = (request.Submission.Priority &&& OpFlags.AcceptDontWait) = 0us

            match listener.Accept() with
            // A Unix listener that is shut: who may not wait does not hear of it, as with datagrams, and a multishot never
            // does.
            | struct (null, _) when
                listener.Family = 1 && listener.IsListening && (isMultishot || not mayWait)
                ->
                fail Errno.EAGAIN
            | struct (null, errno) -> errno
            | struct (connection, _) ->
                let name = connection.Address true
                let result = add ring request connection
                if result >= 0 && request.Submission.Address <> 0UL then tell request.Submission name

                // 6.10, as bundles; also when there was no place for this one.
                request.Flags <-
                    if listener.HasMore && KernelVersion.has FeatureFlags.Bundle world.Version then
                        CqeFlags.SocketNonEmpty
                    else
                        CqeFlags.None

                if result < 0 || not isMultishot then result
                elif ring.TryMore(request, result, request.Flags) then accept ring request file
                else result
        | _ -> fail Errno.ENOTSOCK

    /// What a slot can hold: no ring within a ring, and nothing that is only a name.
    let fileOf (descriptor: int) : OpenFile | null =
        match machine.Descriptors.Find descriptor with
        | :? KernelRing
        | :? PathFile -> null
        | file -> file

    /// One descriptor of the process's table into a slot: -1 empties it, and -2 leaves it (IORING_REGISTER_FILES_SKIP).
    let updateSlot (ring: KernelRing) (slot: int) (descriptor: int) : int =
        match descriptor with
        | -2 -> 0
        | -1 ->
            release ring slot |> ignore
            0
        | _ ->
            match fileOf descriptor with
            | null -> fail Errno.EBADF
            | file ->
                file.Retain()
                // Emptied, and then filled: see `put`.
                release ring slot |> ignore
                placeAt ring (uint32 slot + 1u) file

    /// One descriptor of the process's table into a free slot, whose number takes its place.
    let allocateSlot (ring: KernelRing) (at: nativeint) : int =
        match fileOf (Mapped.read<int> at) with
        | null -> fail Errno.EBADF
        | file ->
            file.Retain()

            match placeAt ring OpFlags.AllocateFile file with
            | slot when slot < 0 -> slot
            | slot ->
                world.Memory.CheckWrite(uint64 at, 4, "FilesUpdate")
                Mapped.write<int> at slot
                0

    /// Descriptors of the process's table into slots of the ring's, one after another: how many, or why not the first.
    let updateFiles (ring: KernelRing) (request: KernelRequest) : int =
        let submission = request.Submission
        let count = int submission.Length
        let at index = nativeint submission.Address + nativeint (4 * index)
        let isAllocating = submission.Offset = uint64 OpFlags.AllocateFile

        let one index =
            if isAllocating then
                allocateSlot ring (at index)
            else
                updateSlot ring (int submission.Offset + index) (Mapped.read<int>(at index))

        let rec go index =
            if index = count then
                index
            else
                match one index with
                | result when result >= 0 -> go (index + 1)
                | result -> if index > 0 then index else result

        if isAllocating then go 0
        elif ring.Files.Length = 0 then fail Errno.ENXIO
        elif submission.Offset + uint64 count > uint64 ring.Files.Length then fail Errno.EINVAL
        else go 0

    /// Both ends, into the process's table or the ring's: or none.
    let makePipe (ring: KernelRing) (request: KernelRequest) : int =
        let submission = request.Submission

        let made =
            if not (isDirect request) then
                machine.MakePipe()
            else
                let struct (reader, writer) = Pipe.create choices
                let wanted = submission.FileIndex
                let isFree = wanted = OpFlags.AllocateFile

                match placeAt ring wanted reader with
                | one when one < 0 ->
                    writer.Release()
                    Error(Errno.ofResult one)
                | one ->
                    let first = if isFree then one else int wanted - 1

                    // A slot of one's choice, and the next one.
                    match placeAt ring (if isFree then wanted else wanted + 1u) writer with
                    | other when other < 0 ->
                        release ring first |> ignore
                        Error(Errno.ofResult other)
                    | other -> Ok(struct (first, (if isFree then other else first + 1)))

        match made with
        | Error errno -> fail errno
        | Ok(struct (one, other)) ->
            world.Memory.CheckWrite(submission.Address, 8, "Pipe")
            Mapped.write<int> (nativeint submission.Address) one
            Mapped.write<int> (nativeint submission.Address + 4n) other
            0

    /// MSG_RING with a file.
    member _.SendFile(ring, request) = sendFile ring request

    /// CLOSE of a descriptor, or of a slot.
    member _.Close(ring, request) = close ring request

    /// A file that was made, or why not.
    member _.AddNew(ring, request, made) = addNew ring request made

    /// ACCEPT, once or as a multishot.
    member _.Accept(ring, request, file) = accept ring request file

    /// FILES_UPDATE.
    member _.UpdateFiles(ring, request) = updateFiles ring request

    /// PIPE.
    member _.MakePipe(ring, request) = makePipe ring request
