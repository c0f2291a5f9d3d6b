/// A small io_uring binding of the sort that is often written: a table of operations, one loop, streams into provided
/// buffers. It is right; and it can make each mistake that bindings have really made, to see whether the simulation finds it.
/// Length: all in one place, as such bindings are.
module Uring.Tests.Simulation.Binding

open System
open System.Collections.Generic
open Uring.Kernel
open Uring.Model
open Uring.Simulation
open Uring.Simulation.Kernel
open Uring.Simulation.World

/// A mistake, and where it was made (reference: peers, section 3.3).
type Mistake =
    /// ocaml-uring 123: completions are read after their slots were given back.
    | ReadAfterRelease
    /// ocaml-uring 89: a call that returns is taken for a completion.
    | CompletionTakenForGranted
    /// compio 1035: a submission is dropped when the queue is full.
    | DroppedWhenFull
    /// libuv 3991: completions that only another call would bring are waited for in the queue.
    | NeverAskedAgain
    /// libxev 233: a cancel names a number that another operation has by now.
    | ReusedNumber
    /// compio 746: what comes after a cancel was asked for is thrown away, with its buffer.
    | BufferLostByCancel
    /// compio 315: a connection that is accepted after the cancel is never closed.
    | DescriptorLostByCancel
    /// compio 943: memory is given back when the cancel is asked for, not when the operation has ended.
    | FreedTooEarly
    /// netty 14827: a buffer is given back twice.
    | GivenBackTwice
    /// liburing 1320, netty 14836: a stream is armed again only after ENOBUFS.
    | ArmedAfterEnobufsOnly
    /// helio: a bundle is counted as one buffer.
    | BundleCountedAsOne
    /// netty 15104: the offset in an incremental buffer is forgotten.
    | OffsetForgotten
    /// liburing 963: the memory of a zero-copy send is used again after the first of its two completions.
    | ReusedBeforeNotification
    /// tokio-uring: a descriptor is closed, and used again, before its operations have ended.
    | ClosedTooEarly
    /// io_uring_register(2): an entry's reserved field is cleared, and in the first that is the tail.
    | WholeEntryWritten
    /// A buffer is published before it is written.
    | PublishedTooEarly
    /// tokio-uring 250: a short send is taken for a whole one.
    | ShortSendIgnored
    /// CoreCLR sends signals: EINTR is taken for a failure.
    | InterruptTakenForFailure
    /// A cancel that found nothing is not asked for again: the kernel was between two tries.
    | CancelAskedOnce
    /// monad 1097: who holds the last buffers waits for a buffer.
    | HeldWhileWaiting

let private group = 1us
let private buffers = 4
let private size = 32
// Cancels that are looked at when they end are numbered from here.
let private cancels = 1UL <<< 32

type private Kind =
    | Receiving
    | Sending
    | Cancelling
    | Accepting
    | Connecting

/// An operation in flight.
[<Sealed>]
type private Operation(kind: Kind, stream: int) =
    member _.Kind = kind
    member _.Stream = stream
    member val Cancelled = false with get, set
    /// It is to be asked for again.
    member val IsMissed = false with get, set
    member val Length = 0 with get, set
    /// A zero-copy send that has its result.
    member val Held = false with get, set

/// One connection: what was sent, what came.
[<Sealed>]
type private Stream(sender: int, receiver: int, total: int) =
    member val Sender = sender with get, set
    member val Receiver = receiver with get, set
    member _.Total = total
    member val Sent = 0 with get, set
    member val Received = 0 with get, set
    member val Receive: uint64 = 0UL with get, set
    member val Area = 0n with get, set
    member val IsOver = false with get, set

/// What went wrong: the run is bad.
exception WrongException of string

[<Sealed>]
type private Engine(kernel: IKernel, machine: Machine, seed: uint64, mistake: Mistake option) =
    let random = Random(int seed)
    let makes wanted = mistake = Some wanted
    let incremental = makes OffsetForgotten || random.Next 3 = 0
    let bundles = makes BundleCountedAsOne || random.Next 2 = 0
    let zeroCopy = makes ReusedBeforeNotification || random.Next 3 = 0
    let wrong message = raise (WrongException message)

    let ring, memory, parameters =
        let mutable parameters = {
            Unchecked.defaultof<SetupParameters> with
                Flags =
                    SetupFlags.CompletionSize
                    ||| SetupFlags.SingleIssuer
                    ||| SetupFlags.DeferTaskrun
                    ||| SetupFlags.TaskrunFlag
                    ||| SetupFlags.SubmitAll
                CompletionEntries = 8u
        }

        let ring = kernel.Setup(4u, &parameters)

        match RingMemory.Map(kernel, ring, parameters) with
        | Ok memory -> ring, memory, parameters
        | Error errno -> raise (WrongException(errno.ToString()))

    let entries = kernel.Allocate(unativeint (buffers * 16), MemoryKind.Ordinary)
    let pool = kernel.Allocate(unativeint (buffers * size), MemoryKind.Ordinary)
    let entryRing = BufferRingMemory(entries, buffers)
    let operations = Dictionary<uint64, Operation>()
    let streams = List<Stream>()
    let waiting = Queue<Submission>()
    let starved = Queue<int>()
    let held = Queue<int>()
    let offsets = Array.zeroCreate<int> buffers
    // The ids in the order in which they were published: a bundle names only its first.
    let published = Queue<int>()
    let mutable tail = 0us
    let mutable submitted = 0u
    let mutable taken = 0u
    let mutable number = 0UL

    // ---- submissions

    let room () = parameters.SubmissionEntries - (submitted - memory.SubmissionHead)

    let write (submission: Submission) =
        let mutable submission = submission
        memory.Write(submitted &&& (parameters.SubmissionEntries - 1u), &submission)
        submitted <- submitted + 1u

    let submit (submission: Submission) =
        if room () > 0u && waiting.Count = 0 then write submission
        elif not (makes DroppedWhenFull) then waiting.Enqueue submission

    let start (operation: Operation) (submission: Submission) : uint64 =
        number <- number + 1UL

        let name =
            if makes ReusedNumber then
                uint64 operation.Stream * 8UL + uint64 (if operation.Kind = Sending then 1 else 2)
            else
                number

        operations[name] <- operation
        submit (Submission.tagged { Bits = name } submission)
        name

    // ---- buffers

    let publish (id: int) =
        let slot = int tail % buffers
        offsets[id] <- 0
        published.Enqueue id

        if makes PublishedTooEarly then entryRing.PublishTail(tail + 1us)

        if makes PublishedTooEarly then
            kernel.Enter(ring, 0u, 0u, EnterFlags.GetEvents, -1L, 0u) |> ignore

        entryRing.Write(slot, pool + nativeint (id * size), size, uint16 id)

        tail <- tail + 1us
        entryRing.PublishTail tail

        if makes WholeEntryWritten then
            Mapped.write<uint16> (entries + nativeint (slot * 16) + 14n) 0us

    let giveBack (id: int) =
        publish id

        if makes GivenBackTwice && random.Next 4 = 0 then publish id

    let register () =
        let argument = Array.zeroCreate<byte> 40
        BitConverter.TryWriteBytes(argument.AsSpan 0, int64 entries) |> ignore
        BitConverter.TryWriteBytes(argument.AsSpan 8, buffers) |> ignore
        BitConverter.TryWriteBytes(argument.AsSpan 12, group) |> ignore
        BitConverter.TryWriteBytes(argument.AsSpan 14, (if incremental then 2us else 0us)) |> ignore
        kernel.Register(ring, RegisterOpcode.BufferRing, argument.AsSpan(), 1u) |> ignore

        for id in 0 .. buffers - 1 do
            publish id

    // ---- streams

    let pattern (stream: int) (position: int) = byte (stream * 67 + position * 31 + position / 251)

    let arm (index: int) =
        let stream = streams[index]
        let receive = Submission.receiveMultishot stream.Receiver group 0u

        stream.Receive <-
            start (Operation(Receiving, index)) (if bundles then Submission.bundled receive else receive)

    let send (index: int) =
        let stream = streams[index]
        let length = min 60 (stream.Total - stream.Sent)
        let target = Mapped.span stream.Area length

        for at in 0 .. length - 1 do
            target[at] <- pattern index (stream.Sent + at)

        let make = if zeroCopy then Submission.sendZeroCopy else Submission.send

        start
            (Operation(Sending, index, Length = length))
            (make stream.Sender (uint64 stream.Area) (uint32 length) 0u)
        |> ignore

    let cancel (index: int) =
        let stream = streams[index]

        match operations.TryGetValue stream.Receive with
        | true, operation when operation.Kind = Receiving && not operation.Cancelled ->
            operation.Cancelled <- true
            let name: UserData = { Bits = stream.Receive }
            submit (Submission.cancel name |> Submission.tagged { Bits = 0UL })
        | _ -> ()

    let check (index: int) (bytes: Span<byte>) =
        let stream = streams[index]

        for at in 0 .. bytes.Length - 1 do
            if bytes[at] <> pattern index (stream.Received + at) then
                wrong $"stream {index}: byte {stream.Received + at} is another"

        stream.Received <- stream.Received + bytes.Length

    /// One buffer's part of a completion: how much was left of it, and whether it comes again.
    let consume (index: int) (id: int) (length: int) (again: bool) =
        let start = if makes OffsetForgotten then 0 else offsets[id]
        check index (Mapped.span (pool + nativeint (id * size + start)) length)

        if again then
            offsets[id] <- offsets[id] + length
        else
            published.Dequeue() |> ignore

            if makes HeldWhileWaiting && streams.Count > 1 then held.Enqueue id else giveBack id

    let data (index: int) (completion: Completion) =
        match Completion.bufferId completion with
        | ValueNone -> ()
        | ValueSome first ->
            let again = Completion.bufferMore completion
            let mutable id = int first
            let mutable left = completion.Result

            if left = 0 then consume index id 0 again

            while left > 0 do
                let length = if makes BundleCountedAsOne then left else min left (size - offsets[id])
                let isLast = length = left

                if length <= 0 then wrong $"buffer {id} has no room for what came"

                consume index id (min length size) (isLast && again)
                left <- left - length

                if left > 0 then id <- published.Peek()

    let close (index: int) =
        let stream = streams[index]

        if not stream.IsOver then
            stream.IsOver <- true
            kernel.Close stream.Receiver |> ignore

            while held.Count > 0 do
                giveBack (held.Dequeue())

    let received (index: int) (operation: Operation) (completion: Completion) =
        let stream = streams[index]
        let result = completion.Result
        let isLast = not (Completion.more completion)

        if operation.Cancelled && makes BufferLostByCancel then () else data index completion

        if isLast then
            if result = 0 then
                close index
            elif result = Errno.toResult Errno.ENOBUFS then
                starved.Enqueue index
            elif result < 0 && result <> Errno.toResult Errno.ECANCELED then
                wrong $"stream {index}: {Errno.ofResult result}"
            elif makes ArmedAfterEnobufsOnly && not operation.Cancelled then
                ()
            else
                arm index

        if stream.Received > stream.Total then wrong $"stream {index}: too much came"

    let sent (index: int) (operation: Operation) (completion: Completion) =
        let stream = streams[index]

        let next () = if stream.Sent < stream.Total then send index else kernel.Close stream.Sender |> ignore

        if Completion.notification completion then
            if not (makes ReusedBeforeNotification) then next ()
        elif completion.Result < 0 then
            wrong $"stream {index}: sending failed: {Errno.ofResult completion.Result}"
        else
            stream.Sent <-
                if makes ShortSendIgnored then
                    stream.Sent + operation.Length
                else
                    stream.Sent + completion.Result

            if not (Completion.more completion) || makes ReusedBeforeNotification then next ()

    // ---- the loop

    let handle (completion: Completion) =
        let name = completion.UserData.Bits

        match operations.TryGetValue name with
        | true, operation ->
            if not (Completion.more completion) then operations.Remove name |> ignore

            match operation.Kind with
            | Receiving -> received operation.Stream operation completion
            | Sending -> sent operation.Stream operation completion
            | Accepting ->
                if completion.Result >= 0 && not (operation.Cancelled && makes DescriptorLostByCancel) then
                    kernel.Close completion.Result |> ignore
            | Cancelling -> ()
            // Who is slow may find that somebody slower has left the place to him.
            | Connecting -> ()
        | _ when name = 0UL -> ()
        // The cancel of one that would wait for ever: by the number of what it names.
        | _ when name >= cancels && name < 2UL * cancels ->
            match operations.TryGetValue(name - cancels) with
            | true, operation when completion.Result = Errno.toResult Errno.ENOENT ->
                operation.IsMissed <- not (makes CancelAskedOnce)
            | _ -> ()
        | _ -> wrong $"a completion of nothing: 0x{name:x}"

    let enter () =
        while waiting.Count > 0 && room () > 0u do
            write (waiting.Dequeue())

        memory.PublishSubmissions submitted
        let unsubmitted = submitted - memory.SubmissionHead
        let ready = memory.CompletionTail - taken
        let pending = Enter.hasPendingWork memory.Flags
        let wait = if ready > 0u || pending || waiting.Count > 0 then 0u else 1u

        if not (makes NeverAskedAgain) || unsubmitted > 0u then
            let flags = if makes NeverAskedAgain then EnterFlags.None else EnterFlags.GetEvents

            let result =
                kernel.Enter(ring, unsubmitted, (if makes NeverAskedAgain then 0u else wait), flags, -1L, 0u)

            if result < 0 && makes InterruptTakenForFailure then
                wrong $"io_uring_enter: {Errno.ofResult result}"

    let reap () =
        let count =
            let ready = memory.CompletionTail - taken
            if makes CompletionTakenForGranted then max 1u ready else ready

        let slot index = (taken + index) &&& (parameters.CompletionEntries - 1u)

        if makes ReadAfterRelease then
            memory.ReleaseCompletions(taken + count)
            // The kernel uses what it was given.
            kernel.Enter(ring, 0u, 0u, EnterFlags.GetEvents, -1L, 0u) |> ignore

        let batch = [ for index in 1u .. count -> memory.ReadCompletion(slot (index - 1u)) ]
        taken <- taken + count
        memory.ReleaseCompletions taken
        List.iter handle batch

    let feed () =
        // Whoever found no buffer is armed again: there is always one that comes back.
        for _ in 1 .. starved.Count do
            arm (starved.Dequeue())

    let connect total =
        // A Unix socket sends nothing without a copy.
        let family = if zeroCopy then 2 else 1
        let one = StreamSocket(machine.World.Network, machine.Host, family)
        let other = StreamSocket(machine.World.Network, machine.Host, family)
        one.Pair other
        let sender = machine.Descriptors.Add one
        let receiver = machine.Descriptors.Add other
        Stream(sender, receiver, total, Area = kernel.Allocate(4096un, MemoryKind.Ordinary))

    /// Accepts, and may give up.
    let accepting () =
        let listener = StreamSocket(machine.World.Network, machine.Host, 1)
        let address = Address.bytes (Address.Unix $"/listener{random.Next()}")
        listener.Bind address |> ignore
        listener.Listen 4 |> ignore
        let number = machine.Descriptors.Add listener
        let client = StreamSocket(machine.World.Network, machine.Host, 1)
        let clientNumber = machine.Descriptors.Add client
        let operation = Operation(Accepting, 0)
        let name = start operation (Submission.accept number 0UL 0UL 0u)

        struct (operation, name, number, clientNumber, (fun () -> client.Connect address |> ignore))

    /// Connects where the backlog is full, for ever: somebody will have to give up.
    let connecting () =
        let listener = StreamSocket(machine.World.Network, machine.Host, 1)
        let address = Address.bytes (Address.Unix $"/full{random.Next()}")
        listener.Bind address |> ignore
        listener.Listen 0 |> ignore
        let sockets = List.init 2 (fun _ -> StreamSocket(machine.World.Network, machine.Host, 1))
        sockets[0].Connect address |> ignore
        let numbers = listener :: sockets |> List.map machine.Descriptors.Add
        let name = kernel.Allocate(4096un, MemoryKind.Ordinary)
        address.CopyTo(Mapped.span name address.Length)
        let operation = Operation(Connecting, 7)

        let number = start operation (Submission.connect numbers[2] (uint64 name) (uint32 address.Length))

        struct (operation, number, numbers)

    let cancelSurely (operation: Operation) (number: uint64) =
        operation.Cancelled <- true
        operation.IsMissed <- false
        let name: UserData = { Bits = number }
        submit (Submission.cancel name |> Submission.tagged { Bits = cancels + number })

    member _.Run() =
        register ()

        for _ in 1 .. (if makes HeldWhileWaiting then 3 else random.Next(1, 4)) do
            streams.Add(connect (random.Next(1, 400)))

        for index in 0 .. streams.Count - 1 do
            arm index
            send index

        let struct (accept, acceptName, listener, client, dial) = accepting ()
        let struct (connect', connectName, others) = connecting ()
        let mutable steps = 0
        let dialAt = random.Next 6
        let giveUpAt = random.Next 8
        let freeAt = random.Next 6

        while operations.Count > 0 do
            steps <- steps + 1

            if steps > 3000 then wrong "it goes on for ever"

            if steps = dialAt + 1 then dial ()

            // With nothing else to wait for, it is time to give up.
            let givesUp =
                steps > giveUpAt
                || operations.Values |> Seq.forall (fun one -> one.Kind = Accepting || one.Kind = Connecting)

            if connect'.IsMissed || (givesUp && not connect'.Cancelled) then
                cancelSurely connect' connectName

            if not accept.Cancelled && givesUp then
                accept.Cancelled <- true
                let name: UserData = { Bits = acceptName }

                if operations.ContainsKey acceptName then
                    submit (Submission.cancel name |> Submission.tagged { Bits = 0UL })

            if random.Next 12 = 0 then cancel (random.Next streams.Count)

            if makes FreedTooEarly && steps = freeAt + 1 then
                kernel.Unmap(streams[0].Area, 4096un) |> ignore

            if makes ClosedTooEarly && steps = freeAt + 1 && not streams[0].IsOver then
                streams[0].IsOver <- true
                kernel.Close streams[0].Receiver |> ignore
                let other = connect 40
                streams[0].Receiver <- other.Receiver
                kernel.Close other.Sender |> ignore

            enter ()
            reap ()
            feed ()

        for index in 0 .. streams.Count - 1 do
            let stream = streams[index]

            if stream.Received <> stream.Total then
                wrong $"stream {index}: {stream.Received} of {stream.Total} bytes came"

        for number in listener :: client :: others do
            kernel.Close number |> ignore

        memory.Unmap kernel
        kernel.Close ring |> ignore

/// What was wrong with a run, or nothing.
let run (seed: uint64) (mistake: Mistake option) : string option =
    let faults = Swarm.ofSeed seed Faults.ordinary
    let world = World(Dice(seed, faults, HashSet()), KernelVersion.linux6_18)
    let machine = Execution.Boot(world, "localhost", "10.0.0.1", world.NewDisk())

    try
        let failure =
            try
                Engine(SimulatedKernel machine, machine, seed, mistake).Run()
                None
            with
            | WrongException message -> Some message
            | :? StuckException as reason -> Some(reason.Message + Environment.NewLine + world.Trace.Tell 40)
            | reason -> Some $"{reason.GetType().Name}: {reason.Message}"

        let open' =
            machine.Descriptors.Open
            |> List.map (fun (number, name) -> $"descriptor {number} ({name}) is open")

        match failure, List.ofSeq world.Ledger.Violations, open' with
        | Some message, _, _ -> Some message
        | None, violation :: _, _ -> Some $"{violation.Rule}: {violation.Message}"
        | None, [], leaked :: _ -> Some leaked
        | None, [], [] -> None
    finally
        world.Memory.Free()
