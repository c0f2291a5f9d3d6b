/// One of two kernels that run the same submissions, and what a program sees of it.
// Length: each command in one place, as a submission and as what is done before it.
module Uring.Tests.Simulation.Side

open System
open System.Collections.Generic
open System.IO
open System.Runtime.InteropServices
open Uring.Driver
open Uring.Kernel
open Uring.Model
open Uring.Simulation
open Uring.Simulation.Kernel
open Uring.Tests.Simulation.FileCommand
open Uring.Tests.Simulation.MessageCommand
open Uring.Tests.Simulation.NameCommand
open Uring.Tests.Simulation.PeerCommand
open Uring.Tests.Simulation.SlotCommand
open Uring.Tests.Simulation.TableCommand
open Uring.Tests.Simulation.VectorCommand
open Uring.Tests.Simulation.WaitCommand
open Uring.Tests.Simulation.WayCommand

/// One submission; descriptors and targets are numbers that are taken modulo what there is.
type Command =
    | Nop of result: int
    | MakePipe
    | OpenFile of file: int * create: bool
    | Connect of isTcp: bool
    /// Two sockets, each of which sends to the other: Unix, connected or not, and UDP.
    | Datagrams of kind: int
    | Read of fd: int * length: int * offset: int
    | Write of fd: int * length: int * offset: int
    | ReadBuffer of fd: int
    | ReadMany of fd: int
    | Send of fd: int * length: int
    | Receive of fd: int * length: int * all: bool
    | ReceiveBuffer of fd: int
    | ReceiveMany of fd: int * bundle: bool
    | Shutdown of fd: int * how: int
    | Close of fd: int
    | Poll of fd: int * events: PollEvents * many: bool
    | Pause of microseconds: int
    | Forever
    | Limit of microseconds: int
    | Cancel of target: int
    | CancelFile of fd: int
    | CancelAll
    | Sync of fd: int
    | Truncate of fd: int * length: int
    | Size of fd: int
    | Unlink of file: int
    | Rename of file: int * target: int
    | MakeDirectory of file: int
    | Provide of count: int
    | WaitWord of word: int * expected: int
    | WakeWord of word: int * count: int
    | OfFile of FileCommand
    | OfSlot of SlotCommand
    | OfMessage of MessageCommand
    | OfVector of VectorCommand
    | OfWait of WaitCommand
    | OfName of NameCommand
    | OfTable of TableCommand
    | OfPeer of PeerCommand
    | OfWay of WayCommand
    /// A socket that listens: it joins the descriptors.
    | Listener of isTcp: bool
    /// The directory that all files are in: it joins the descriptors.
    | Folder
    /// On what is in a slot of the ring's own table.
    | OnSlot of slot: int * command: Command
    | Bad of kind: int

/// Commands that are submitted together, with their flags.
type Batch = (Command * SqeFlags) list

/// A completion as a caller sees it: which submission, what result, what flags.
[<Struct>]
type Seen = { Index: int; Result: int; Flags: uint32 }

let private buffers = 4
let private bufferSize = 16
let private room = 256
// IPPROTO_TCP, TCP_NODELAY.
let private tcp = 6
let private noDelay = 1
// No read of a program is longer.
let private longest = 48
// What is for the other ring, or from nobody, is numbered from here.
let private toldFrom = 1000

/// What it does, wherever.
let rec plain (command: Command) =
    match command with
    | OnSlot(_, command) -> plain command
    | command -> command

/// It writes to the memory of its submission.
let private receives (command: Command) =
    match plain command with
    | Read _
    | OfFile(GetAttribute _)
    | OfSlot(ReadOne _ | ReadTwo _)
    | OfVector(ReadParts _)
    | Receive _ -> true
    | OfMessage command -> MessageCommand.receives command
    | OfName command -> NameCommand.receives command
    | OfTable command -> TableCommand.receives command
    | OfPeer command -> PeerCommand.receives command
    | OfWay command -> WayCommand.receives command
    | _ -> false

/// One of the two kernels, with the descriptors and the memory of one program.
[<Sealed>]
type Side(kernel: IKernel, prefix: string, unique: string, incremental: bool, settle: unit -> unit) =
    let openRing submissions completions =
        match Setup.create kernel submissions completions with
        | Ok ring ->
            ring.Enable()
            ring
        | Error refusal -> raise (InvalidOperationException(Setup.explain refusal))

    let ring = openRing 32 64

    // Room for each submission, then buffers of the group, then its ring.
    let memory = kernel.Allocate(65536un, MemoryKind.Ordinary)
    let groupRing = kernel.Allocate(4096un, MemoryKind.Ordinary)
    let pool = BufferRingMemory(groupRing, buffers)
    let descriptors = List<int>()
    // Sockets of TCP and for datagrams, which do not mind SPLICE_F_NONBLOCK.
    let patient = HashSet<int>()
    // Whom sockets for datagrams send to.
    let names = Dictionary<int, byte array>()
    let mutable submitted = 0
    let mutable tail = 0us
    let mutable made = 0
    // Submissions that receive into memory of their own.
    let targets = List<int>()
    // ... and the answers that they get besides.
    let answers = List<int>()
    // What came while something else was asked for.
    let early = List<Seen>()
    // What each submission asked for.
    let opcodes = List<Opcode>()
    // Those that make descriptors, and the descriptors that have come since: they join the others with the next batch.
    let makers = HashSet<int>()
    let come = List<struct (int * int)>()
    // Timeouts that tell of their time several times.
    let tickers = HashSet<int>()
    // What listeners are called.
    let listeners = List<byte array>()
    let succeeded = HashSet<Opcode>()
    let mutable other: Ring | null = null
    // The sockets of those who are about to arrive.
    let clients = Queue<int>()

    let placeOf index = memory + nativeint (index * room)
    let bufferAt id = memory + nativeint (60000 + id * bufferSize)
    let page = memory + 40960n
    let wordAt word = uint64 (memory + 62000n) + uint64 (word * 4)
    let wordSize = OpFlags.FutexSize32 ||| OpFlags.FutexPrivate

    let registerGroup () =
        let argument = Array.zeroCreate<byte> 40
        BitConverter.TryWriteBytes(argument.AsSpan 0, int64 groupRing) |> ignore
        BitConverter.TryWriteBytes(argument.AsSpan 8, buffers) |> ignore
        BitConverter.TryWriteBytes(argument.AsSpan 12, 1us) |> ignore
        BitConverter.TryWriteBytes(argument.AsSpan 14, (if incremental then 2us else 0us)) |> ignore
        kernel.Register(ring.Descriptor, RegisterOpcode.BufferRing, argument.AsSpan(), 1u)

    let nameOf (file: int) = $"{prefix}/f{file}"

    let path (file: int) index =
        let text = Text.Encoding.UTF8.GetBytes(nameOf file + "\000")
        text.CopyTo(Mapped.span (placeOf index) room)
        uint64 (placeOf index)

    let fd number =
        if descriptors.Count = 0 then 999
        elif number >= 0 then descriptors[number % descriptors.Count]
        else descriptors[max 0 (descriptors.Count + number)]

    let userData index = UserData.pack (uint32 index) 1u CompletionKind.Operation

    let timespec index (microseconds: int64) =
        Mapped.write<int64> (placeOf index) (microseconds / 1_000_000L)
        Mapped.write<int64> (placeOf index + 8n) (microseconds % 1_000_000L * 1000L)
        uint64 (placeOf index)

    /// Bytes that differ from submission to submission.
    let fill index length =
        let bytes = Mapped.span (placeOf index) length

        for at in 0 .. length - 1 do
            bytes[at] <- byte (index * 31 + at)

        uint64 (placeOf index)

    // Port 0: a free one.
    let loopbackName = [| 2uy; 0uy; 0uy; 0uy; 127uy; 0uy; 0uy; 1uy; yield! Array.zeroCreate<byte> 8 |]

    let registerTable (ring: Ring) (slots: int) =
        let table = DirectTable.sparse slots
        kernel.Register(ring.Descriptor, RegisterOpcode.Files, table.AsSpan(), 32u) |> ignore

    /// Another ring of the same program, once it is needed.
    let otherRing () : int =
        let ring =
            match other with
            | null ->
                let ring = openRing 8 16
                registerTable ring 2
                other <- ring
                ring
            | ring -> ring

        ring.Descriptor

    let told value = UserData.pack (uint32 (toldFrom + value)) 1u CompletionKind.Operation

    // A name of one's own for each submission.
    let another (index: obj) isTcp =
        if isTcp then
            loopbackName
        else
            Array.append [| 1uy; 0uy; 0uy |] (Text.Encoding.ASCII.GetBytes $"{unique}own{index}")

    let listenerName number = if listeners.Count = 0 then [||] else listeners[number % listeners.Count]

    let rec encode index command =
        let address = uint64 (placeOf index)

        match command with
        // Many of datagrams are what RECVMSG is for.
        | ReadMany file
        | ReceiveMany(file, _) when names.ContainsKey(fd file) -> Submission.nop ()
        | Nop result -> { Submission.nop () with Length = uint32 result; OpFlags = OpFlags.InjectResult }
        | Read(file, length, offset) -> Submission.read (fd file) address (uint32 length) (uint64 offset)
        | Write(file, length, offset) ->
            Submission.write (fd file) (fill index length) (uint32 length) (uint64 offset)
        | ReadBuffer file ->
            Submission.read (fd file) 0UL 0u OpFlags.CurrentPosition |> Submission.withBuffers 1us
        | ReadMany file -> Submission.readMultishot (fd file) 1us
        | Send(file, length) -> Submission.send (fd file) (fill index length) (uint32 length) 0u
        | Receive(file, length, all) ->
            Submission.receive (fd file) address (uint32 length) (if all then 0x100u else 0u)
        | ReceiveBuffer file -> Submission.receive (fd file) 0UL 0u 0u |> Submission.withBuffers 1us
        | ReceiveMany(file, bundle) ->
            let receive = Submission.receiveMultishot (fd file) 1us 0u
            if bundle then Submission.bundled receive else receive
        | Shutdown(file, how) -> Submission.shutdown (fd file) (uint32 how)
        | Close file ->
            let number = fd file
            descriptors.Remove number |> ignore
            patient.Remove number |> ignore
            names.Remove number |> ignore
            Submission.close number
        | Poll(file, events, many) ->
            if many then
                Submission.pollMultishot (fd file) (uint32 events)
            else
                Submission.poll (fd file) (uint32 events)
        // By any of the clocks: nobody can tell them apart here.
        | Pause microseconds ->
            let clocks = [| 0u; OpFlags.TimeoutBootTime; OpFlags.TimeoutRealTime |]
            Submission.timeout (timespec index (int64 microseconds)) clocks[microseconds % 3]
        // Its words are zero for ever.
        | WaitWord(word, expected) ->
            Submission.futexWait (wordAt word) (uint32 expected) OpFlags.FutexAnyone wordSize
        | WakeWord(word, count) ->
            Submission.futexWake (wordAt word) (uint32 count) OpFlags.FutexAnyone wordSize
        | Forever -> Submission.timeout (timespec index 3_600_000_000L) 0u
        | Limit microseconds ->
            let span = if microseconds = 0 then 3_600_000_000L else int64 microseconds
            Submission.linkTimeout (timespec index span) 0u
        | Cancel target -> Submission.cancel (userData (if index = 0 then 77 else target % index))
        | CancelFile file -> Submission.cancelDescriptor (fd file)
        | CancelAll -> Submission.cancelEverything ()
        | Sync file -> Submission.sync (fd file) 0u
        | Truncate(file, length) -> Submission.truncate (fd file) (uint64 length)
        // It would hold its pipe's lock while it waits, and who reads there would wait with the ring's thread.
        | OfFile(Splice(source, _, _)) when patient.Contains(fd source) -> Submission.nop ()
        | OfSlot command -> SlotCommand.encode fd (placeOf index) index command
        | OfMessage command ->
            let name number =
                match names.TryGetValue number with
                | true, name -> name
                | _ -> [||]

            MessageCommand.encode fd name (placeOf index) index command
        | OfFile command -> FileCommand.encode fd nameOf (placeOf index) index command
        | OfVector command -> VectorCommand.encode fd (placeOf index) index command
        | OfWait command ->
            let other number = if index = 0 then 77 else index - 1 - number % index

            let command =
                match command with
                | Tick _ ->
                    tickers.Add index |> ignore
                    command
                // It would tell of its time for ever, as often as both sides have time for that.
                | ChangeTime(target, _) when tickers.Contains(other target) -> Postpone target
                | command -> command

            WaitCommand.encode (other >> userData) wordAt (placeOf index) command
        // It would hold its pipe's lock while it waits: see above.
        | OfWay(SpliceHow(source, _, _, _)) when patient.Contains(fd source) -> Submission.nop ()
        | OfWay command ->
            let other number = if index = 0 then 77 else index - 1 - number % index

            let command =
                match command with
                | ChangeHow(target, true, how) when tickers.Contains(other target) ->
                    ChangeHow(target, false, how)
                | command -> command

            let ring own = if own then ring.Descriptor else otherRing ()
            WayCommand.encode fd ring told (other >> userData) (placeOf index) index command
        | OfName command -> NameCommand.encode fd nameOf page (placeOf index) index command
        // Many of datagrams are what RECVMSG is for, and a slot does not tell.
        | OfTable(Fill(first, second, _)) when
            List.exists (fun given -> given >= 0 && names.ContainsKey(fd given)) [ first; second ]
            ->
            Submission.nop ()
        | OfTable command ->
            TableCommand.encode fd nameOf ring.Descriptor otherRing told (placeOf index) command
        // How much of TCP has been acknowledged is a matter of time.
        | OfPeer(Ask(file, true)) when patient.Contains(fd file) && not (names.ContainsKey(fd file)) ->
            Submission.nop ()
        | OfPeer command ->
            let client = if command.IsArrive && clients.Count > 0 then clients.Dequeue() else -1
            PeerCommand.encode fd client listenerName (another index) (placeOf index) command
        | OnSlot(slot, command) -> { encode index command with Fd = slot } |> Submission.onFixedFile
        | Unlink file -> Submission.unlinkAt OpFlags.WorkingDirectory (path file index) 0u
        | MakeDirectory file -> Submission.makeDirectoryAt OpFlags.WorkingDirectory (path file index) 0o755u
        | Bad 0 -> Submission.nop () |> Submission.flagged (LanguagePrimitives.EnumOfValue 0x80uy)
        | Bad 1 -> { Submission.nop () with Opcode = LanguagePrimitives.EnumOfValue 200uy }
        | Bad 2 -> { Submission.read 3 address 1u 0UL with Reserved = 5UL }
        | Bad 3 -> Submission.receiveMultishot (fd 0) 1us 0x100u
        | Bad 4 -> Submission.nop () |> Submission.withBuffers 1us
        | Bad 5 -> { Submission.timeout address 0u with Length = 2u }
        | Bad 6 -> { Submission.cancel (userData 1) with OpFlags = 6u }
        | Bad 7 -> { Submission.close 3 with Offset = 1UL }
        | Bad 8 -> { Submission.send (fd 0) address 1u 0u with Buffer = 1us }
        | Bad 10 -> Submission.timeout (timespec index 0L) 12u
        | Bad 11 -> Submission.futexWait (wordAt 0 + 1UL) 0u OpFlags.FutexAnyone wordSize
        | Bad 12 -> Submission.futexWait (wordAt 0) 0u 0u wordSize
        | Bad 13 -> Submission.futexWake (wordAt 0) 1u OpFlags.FutexAnyone 0x40u
        | Bad 14 -> { Submission.futexWake (wordAt 0) 1u 1u wordSize with OpFlags = 1u }
        | Bad 9 -> Submission.read (fd 0) 0UL 0u 0UL |> Submission.withBuffers 9us
        | Bad _ -> Submission.linkTimeout address 0u
        | Rename _
        | Size _
        | MakePipe
        | OpenFile _
        | Connect _
        | Datagrams _
        | Listener _
        | Folder
        | Provide _ -> Submission.nop ()

    let submit (submission: Submission) =
        let mutable submission = submission

        if not (ring.TrySubmit &submission) then
            ring.Enter(0, -1L) |> ignore
            ring.TrySubmit &submission |> ignore

    /// The numbers of descriptors are not compared, and not those of clients, which differ as well.
    let seenOf (completion: Completion) =
        let index = int (UserData.slot completion.UserData)
        let isNew = completion.Result >= 0 && makers.Contains index
        if isNew then come.Add(struct (index, completion.Result))

        if
            index < opcodes.Count
            && (completion.Result >= 0 || completion.Result = Errno.toResult Errno.ETIME)
        then
            succeeded.Add opcodes[index] |> ignore

        {
            Index = index
            Result = if isNew then 0 else completion.Result
            Flags = uint32 completion.Flags
        }

    /// One submission outside of the program, whose result is at once asked for.
    let now (submission: Submission) : int =
        submit (Submission.tagged { Bits = 0xffff_0000UL } submission)
        let mutable result = Int32.MinValue

        while result = Int32.MinValue do
            ring.Enter(1, -1L) |> ignore

            for index in 0 .. ring.Ready() - 1 do
                let completion = ring.Completion index

                if completion.UserData.Bits = 0xffff_0000UL then
                    result <- completion.Result
                else
                    early.Add(seenOf completion)

            ring.Advance(ring.Ready())

        result

    let address (bytes: byte array) =
        bytes.CopyTo(Mapped.span (memory + 59000n) 110)
        uint64 (memory + 59000n)

    /// A listener, a client and the connection between them: the client and the server side join the descriptors.
    let connect isTcp =
        made <- made + 1
        let family = if isTcp then 2 else 1
        let listener = now (Submission.socket family 1 0)

        let name =
            if isTcp then
                loopbackName
            else
                Array.append [| 1uy; 0uy; 0uy |] (Text.Encoding.ASCII.GetBytes $"{unique}{made}")

        now (Submission.bind listener (address name) (uint32 name.Length)) |> ignore
        now (Submission.listen listener 4u) |> ignore
        let bound = Array.zeroCreate<byte> 110
        let length = kernel.SocketName(listener, false, bound.AsSpan())
        let client = now (Submission.socket family 1 0)

        let connected =
            now (Submission.connect client (address (Array.truncate length bound)) (uint32 length))

        let server = now (Submission.accept listener 0UL 0UL 0u)
        now (Submission.close listener) |> ignore

        if connected <> 0 || server < 0 then
            raise (InvalidOperationException $"no connection: {connected}, {server}")

        // A small segment that waits for a delayed acknowledgement (Nagle's algorithm) is a matter of 40 ms, which neither
        // side waits, and which the simulated network does not know.
        if isTcp then
            for number in [ client; server ] do
                patient.Add number |> ignore
                kernel.SetSocketOption(number, tcp, noDelay, ReadOnlySpan(BitConverter.GetBytes 1)) |> ignore

        descriptors.Add client
        descriptors.Add server

    /// Two sockets for datagrams: they join the descriptors.
    let pair kind =
        made <- made + 1
        let family = if kind = 2 then 2 else 1

        let make which =
            let socket = now (Submission.socket family 2 0)

            let wanted =
                if family = 2 then
                    loopbackName
                else
                    Array.append [| 1uy; 0uy; 0uy |] (Text.Encoding.ASCII.GetBytes $"{unique}{made}{which}")

            now (Submission.bind socket (address wanted) (uint32 wanted.Length)) |> ignore
            let bound = Array.zeroCreate<byte> 110
            let length = kernel.SocketName(socket, false, bound.AsSpan())
            struct (socket, Array.truncate length bound)

        let struct (one, nameOfOne) = make "a"
        let struct (other, nameOfOther) = make "b"
        names[one] <- nameOfOther
        names[other] <- nameOfOne

        if kind <> 1 then
            for socket in [ one; other ] do
                now (Submission.connect socket (address names[socket]) (uint32 names[socket].Length))
                |> ignore

        for socket in [ one; other ] do
            patient.Add socket |> ignore
            descriptors.Add socket

    /// A socket without Nagle's algorithm, if it is one of TCP: see `connect`.
    let atOnce number =
        patient.Add number |> ignore
        kernel.SetSocketOption(number, tcp, noDelay, ReadOnlySpan(BitConverter.GetBytes 1)) |> ignore

    let optionOf number name =
        let value = Array.zeroCreate<byte> 4

        if kernel.GetSocketOption(number, 1, name, value.AsSpan()) < 0 then
            -1
        else
            BitConverter.ToInt32 value

    /// What has come joins the descriptors.
    let adopt () =
        for struct (_, number) in Seq.sortBy (fun struct (index, _) -> index) come |> List.ofSeq do
            descriptors.Add number

            // SO_TYPE, SO_DOMAIN.
            match optionOf number 3, optionOf number 39 with
            | 2, _ ->
                patient.Add number |> ignore
                names[number] <- [||]
            | 1, 2 -> atOnce number
            | _ -> ()

        come.Clear()

    let listen isTcp =
        made <- made + 1
        let listener = now (Submission.socket (if isTcp then 2 else 1) 1 0)
        let wanted = another $"listener{made}" isTcp
        now (Submission.bind listener (address wanted) (uint32 wanted.Length)) |> ignore
        now (Submission.listen listener 4u) |> ignore
        let bound = Array.zeroCreate<byte> 110
        let length = kernel.SocketName(listener, false, bound.AsSpan())
        listeners.Add(Array.truncate length bound)
        // Those who are accepted inherit it.
        if isTcp then atOnce listener
        descriptors.Add listener

    /// What is done at once, before the batch; then the batch is submitted.
    let prepare command =
        match command with
        | Listener isTcp -> listen isTcp
        // Its family is that of the listener.
        | OfPeer(Arrive listener) ->
            match listenerName listener with
            | [||] -> ()
            | name ->
                let client = now (Submission.socket (int name[0]) 1 0)
                // With the next batch, so that nobody connects it twice at once.
                come.Add(struct (-1, client))
                clients.Enqueue client
        | Folder ->
            let text = Text.Encoding.UTF8.GetBytes $"{prefix}\000"
            let number = now (Submission.openAt OpFlags.WorkingDirectory (address text) 0o200000u 0u)
            if number >= 0 then descriptors.Add number
        | MakePipe ->
            if
                now {
                    Submission.nop () with
                        Opcode = Opcode.Pipe
                        Fd = 0
                        Address = uint64 (memory + 59000n)
                }
                    =
                    0
            then
                descriptors.Add(Mapped.read<int>(memory + 59000n))
                descriptors.Add(Mapped.read<int>(memory + 59004n))
        | OpenFile(file, create) ->
            let flags = if create then 0o102u else 2u
            let text = Text.Encoding.UTF8.GetBytes $"{prefix}/f{file}\000"
            let number = now (Submission.openAt OpFlags.WorkingDirectory (address text) flags 0o644u)
            if number >= 0 then descriptors.Add number
        | Connect isTcp -> connect isTcp
        | Datagrams kind -> pair kind
        | Provide count ->
            let head = PoolRing.head kernel ring.Descriptor 1us
            let free = buffers - int (tail - uint16 head)

            for _ in 1 .. min count free do
                let id = int tail % buffers
                pool.Write(int tail % buffers, bufferAt id, bufferSize, uint16 id)
                tail <- tail + 1us

            pool.PublishTail tail
        | _ -> ()

    do registerGroup () |> ignore
    do SlotCommand.register kernel ring memory 59000
    do registerTable ring TableCommand.slots
    do (Mapped.span page 64).Fill 7uy

    /// Opcodes that have done what they were asked to.
    member _.Succeeded: Opcode seq = succeeded

    member _.Submit(batch: Batch) =
        adopt ()

        for command, _ in batch do
            prepare command

        for command, flags in batch do
            let index = submitted
            submitted <- submitted + 1

            if receives command then targets.Add index

            match command with
            | OfMessage command when MessageCommand.receives command -> answers.Add index
            | _ -> ()

            let submission =
                match command with
                | Rename(file, target) ->
                    let place = path file index
                    let other = placeOf index + nativeint (room / 2)
                    (Text.Encoding.UTF8.GetBytes $"{prefix}/f{target}\000").CopyTo(Mapped.span other 128)

                    Submission.renameAt
                        OpFlags.WorkingDirectory
                        place
                        OpFlags.WorkingDirectory
                        (uint64 other)
                        0u
                | Size file ->
                    let place = memory + 61000n
                    Mapped.write<byte> (placeOf index) 0uy

                    Submission.status
                        (fd file)
                        (uint64 (placeOf index))
                        OpFlags.EmptyPath
                        OpFlags.StatusAll
                        (uint64 place)
                | command -> encode index command

            opcodes.Add submission.Opcode
            let isOwn = submission.FileIndex = 0u && submission.Opcode <> Opcode.MessageRing
            if isOwn && Catalogue.createsDescriptor submission.Opcode then makers.Add index |> ignore
            submission |> Submission.flagged flags |> Submission.tagged (userData index) |> submit

    /// Enters, waits for so many completions (in at most a second), and takes all that are there.
    member _.Reap(waitFor: int) : Seen list =
        let seen = List<Seen> early
        early.Clear()

        let takeFrom (ring: Ring) =
            for index in 0 .. ring.Ready() - 1 do
                seen.Add(seenOf (ring.Completion index))

            ring.Advance(ring.Ready())

        let take () =
            takeFrom ring

            match other with
            | null -> ()
            | other ->
                other.Enter(0, -1L) |> ignore
                takeFrom other

        // A chain goes on step by step.
        for _ in 1..10 do
            ring.Enter(0, -1L) |> ignore
            take ()
            settle ()

        let mutable tries = 0

        while seen.Count < waitFor && tries < 20 do
            tries <- tries + 1
            ring.Enter(1, 50_000_000L) |> ignore
            take ()

        // What is too much shows itself when the kernel is asked once more.
        ring.Enter(1, 0L) |> ignore
        take ()
        List.ofSeq seen

    /// What the kernel has written for the program: what each submission was to receive, and the buffers of the group.
    member _.Received() : byte array = [|
        for index in targets do
            yield! (Mapped.span (placeOf index) longest).ToArray()

        for index in answers do
            yield! MessageCommand.answer (placeOf index)

        for id in 0 .. buffers - 1 do
            yield! (Mapped.span (bufferAt id) bufferSize).ToArray()
    |]

    member _.Close() =
        submit (Submission.cancelEverything ())
        ring.Enter(0, -1L) |> ignore

        for number in descriptors do
            kernel.Close number |> ignore

        for struct (_, number) in come do
            kernel.Close number |> ignore

        ring.Close()

        match other with
        | null -> ()
        | other -> other.Close()

        kernel.Unmap(memory, 65536un) |> ignore
        kernel.Unmap(groupRing, 4096un) |> ignore
