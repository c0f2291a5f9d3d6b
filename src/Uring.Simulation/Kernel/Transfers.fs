// Moves bytes between a program's memory and a file: reads, writes, sends and receives, into memory of their own or into
// provided buffers, once or many times. Source: reference sections 3.3 to 3.7.
namespace Uring.Simulation.Kernel

open System
open Uring.Kernel
open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

/// What a piece of work came to, besides a result.
[<RequireQualifiedAccess>]
module internal Outcome =

    /// It will be completed by somebody else, or has been.
    [<Literal>]
    let Parked = Int32.MinValue

    let again = Errno.toResult Errno.EAGAIN

[<Sealed>]
type internal Transfers(memory: SimulatedMemory, ledger: Ledger, choices: Choices) =

    let multishot (request: KernelRequest) =
        request.Opcode = Opcode.ReadMultishot
        || ((request.Opcode = Opcode.Receive || request.Opcode = Opcode.ReceiveMessage)
            && (request.Submission.Priority &&& OpFlags.ReceiveMultishot) <> 0us)

    /// Bytes that it would move in all.
    let whole (request: KernelRequest) =
        if Vectors.has request.Opcode then
            Vectors.length request
        else
            int request.Submission.Length

    /// It goes on until all has moved: only streams do.
    let wantsAll (request: KernelRequest) (file: OpenFile) =
        match file with
        | :? SocketFile as socket ->
            socket.Kind = 1 && (request.Submission.OpFlags &&& Completing.waitAll) <> 0u
        | _ -> false

    let bundled (request: KernelRequest) = (request.Submission.Priority &&& OpFlags.Bundle) <> 0us

    /// A sample of what the kernel only reads: the program must leave it alone until the last completion.
    let sum (bytes: ReadOnlySpan<byte>) =
        let mutable hash = 17
        let mutable index = 0
        // At most 64 samples: enough to notice that a buffer was used for something else.
        let step = max 1 (bytes.Length / 64)

        while index < bytes.Length do
            hash <- hash * 31 + int bytes[index]
            index <- index + step

        hash

    let source (request: KernelRequest) : ReadOnlySpan<byte> =
        let whole: Span<byte> =
            if Vectors.has request.Opcode then
                Span<byte>(Vectors.gather request)
            else
                Mapped.span (nativeint request.Submission.Address) (int request.Submission.Length)

        match request.Sum with
        | ValueNone -> request.Sum <- ValueSome(sum (Span.op_Implicit whole))
        | ValueSome before ->
            if before <> sum (Span.op_Implicit whole) then
                ledger.Broken(
                    Rule.MemoryKept,
                    $"{request.Opcode}: the program changed its buffer before the operation had ended"
                )

        Span.op_Implicit (whole.Slice request.Moved)

    let readInto (request: KernelRequest) (file: OpenFile) (target: Span<byte>) (offset: int64) : int =
        match file with
        | :? SocketFile as socket when request.Opcode = Opcode.Receive ->
            let mutable source: byte array = [||]
            let mutable isTruncated = false
            let result = socket.Receive(target, int request.Submission.OpFlags, &source, &isTruncated)
            request.IsCut <- isTruncated
            result
        | _ when request.Opcode = Opcode.Receive -> Errno.toResult Errno.ENOTSOCK
        | file -> file.Read(target, offset)

    let offset (request: KernelRequest) =
        match request.Submission.Opcode with
        | Opcode.Read
        | Opcode.ReadVector -> int64 request.Submission.Offset
        // An open set: the rest has no position.
        | _ -> -1L

    let own (request: KernelRequest) : Span<byte> =
        let submission = request.Submission
        memory.CheckWrite(submission.Address, int submission.Length, string submission.Opcode)

        Mapped.span
            (nativeint submission.Address + nativeint request.Moved)
            (int submission.Length - request.Moved)

    let isNonEmpty (request: KernelRequest) (file: OpenFile) =
        match file with
        | :? SocketFile as socket when request.Opcode = Opcode.Receive -> Transfers.NonEmpty socket
        | _ -> CqeFlags.None

    /// Into the buffer at the head of the group, or into several.
    let intoGroup (request: KernelRequest) (file: OpenFile) (group: Group) (available: int) : int =
        let most =
            if request.Limit > 0 then request.Limit
            elif request.Submission.Length = 0u then Int32.MaxValue
            else int request.Submission.Length

        let buffers = if bundled request then min available 256 else 1

        // Without poll, or where poll says that there is something and a receive that may not wait finds nothing, which leaves
        // it to a worker: the buffer is taken before it is read into, in the length that was asked for, however little comes.
        let isTakenFirst =
            match file with
            | :? DatagramSocket as socket -> socket.HasEnded
            | file -> request.Opcode = Opcode.Read && not file.CanPoll

        let mutable moved = 0
        let mutable index = 0
        let mutable result = 0
        let mutable goes = true

        while goes do
            let provided = group.Peek index
            let length = min provided.Length (most - moved)
            request.Wanted <- length
            memory.CheckWrite(provided.Address, length, string request.Opcode)
            result <- readInto request file (Mapped.span (nativeint provided.Address) length) (offset request)

            if result > 0 then moved <- moved + result

            index <- index + 1
            goes <- result = length && index < buffers && moved < most

        if moved > 0 then
            request.Flags <-
                if isTakenFirst then
                    group.Take request.Wanted
                else
                    group.TakeBundle moved ||| isNonEmpty request file

            moved
        else
            // At the end and after an error the buffer stays in the ring; a read that is no multishot gives it away (6.18).
            request.Flags <-
                if result <> Outcome.again && isTakenFirst then group.Take request.Wanted
                elif result = 0 && request.Opcode = Opcode.Read then group.Take 0
                elif result = 0 then isNonEmpty request file
                else CqeFlags.None

            // A multishot read takes care not to be limited so, and bundles have lengths of their own.
            if result = Outcome.again && request.Opcode <> Opcode.ReadMultishot && not (bundled request) then
                request.Limit <- request.Wanted

            result

    let groupOf (ring: KernelRing) (request: KernelRequest) : Group | null =
        match ring.Groups.TryGetValue request.Submission.Buffer with
        | true, group -> group
        | _ -> null

    let once (ring: KernelRing) (request: KernelRequest) (file: OpenFile) : int =
        if request.Opcode = Opcode.Receive && not (file :? SocketFile) then
            Errno.toResult Errno.ENOTSOCK
        elif request.Has SqeFlags.BufferSelect then
            match groupOf ring request with
            | null -> Errno.toResult Errno.ENOBUFS
            | group ->
                group.Receives()

                match group.Available with
                | 0 -> Errno.toResult Errno.ENOBUFS
                | available -> intoGroup request file group available
        elif request.Opcode = Opcode.ReadVector then
            let bytes = Array.zeroCreate<byte>(Vectors.length request)
            let result = readInto request file (Span bytes) (offset request)
            Vectors.scatter memory request bytes result
            result
        else
            readInto request file (own request) (offset request)

    /// After so many more than one shot others have their turn (MULTISHOT_MAX_RETRY).
    let mostShots = 32

    /// Shot after shot, until there is nothing more, no room, or a reason to end.
    let rec shots (ring: KernelRing) (request: KernelRequest) (file: OpenFile) (before: int) : int =
        let result = once ring request file

        if result <= 0 then
            if result < 0 then request.Flags <- CqeFlags.None

            result
        else
            // A bundle that has emptied the group may end the multishot, without ENOBUFS: that depends on how much the kernel
            // knew to be there when it chose the buffers.
            let isLast =
                bundled request
                && (match groupOf ring request with
                    | null -> true
                    | group -> group.Available = 0)
                && choices.Pick 2 = 0

            let flags = request.Flags
            request.Limit <- 0

            if not isLast && ring.TryMore(request, result, flags) then
                request.Flags <- CqeFlags.None
                let signs = PollEvents.Readable ||| PollEvents.HangUp ||| PollEvents.Error
                let isMore = (file.Events &&& signs) <> PollEvents.None
                // Without more to receive nobody looks for a buffer.
                // The first shot of a multishot read is alone, the rest comes by task work; a receive goes on at once if the
                // socket has said that there is more, or if it was woken several times and an end is there.
                let goesOn =
                    let hangUps = PollEvents.HangUp ||| PollEvents.ReadHangUp

                    let hasEnded =
                        request.PollFirst
                        && request.Heard = PollEvents.None
                        && (file.Events &&& hangUps) <> PollEvents.None

                    match file with
                    | :? StreamSocket as socket when request.Opcode = Opcode.Receive ->
                        socket.HasMore || hasEnded
                    | _ -> request.Opcode = Opcode.Receive || request.PollFirst

                if isMore && goesOn && before < mostShots then
                    shots ring request file (before + 1)
                elif isMore && goesOn then
                    request.IsRequeued <- true
                    Outcome.again
                else
                    Outcome.again
            else
                result

    /// Commits buffers to a bundle: as many as there are, at most 256 (the kernel's limit).
    let choose (request: KernelRequest) (group: Group) =
        let mutable flags = CqeFlags.None

        request.Pieces <-
            Array.init (min group.Available (if bundled request then 256 else 1)) (fun _ ->
                let provided = group.Peek 0
                let taken = group.Take provided.Length

                if flags = CqeFlags.None then flags <- taken

                struct (nativeint provided.Address, provided.Length))

        request.Flags <- flags

    /// From where it stopped. All of it, or what was sent when the socket took no more.
    let sendPieces (request: KernelRequest) (socket: SocketFile) : int =
        let flags = int request.Submission.OpFlags
        let waits = (request.Submission.OpFlags &&& Completing.waitAll) <> 0u
        let mutable skipped = 0
        let mutable stopped = 0

        for struct (address, length) in request.Pieces do
            let before = min length (max 0 (request.Moved - skipped))
            skipped <- skipped + length
            let mutable left = length - before

            while stopped = 0 && left > 0 do
                let bytes = Mapped.span (address + nativeint (length - left)) left
                let result = socket.Send(Span.op_Implicit bytes, flags, [||])

                if result > 0 then
                    left <- left - result
                    request.Moved <- request.Moved + result
                else
                    stopped <- result

        if stopped = 0 then request.Moved
        elif stopped = Outcome.again && (waits || request.Moved = 0) then stopped
        elif request.Moved > 0 then request.Moved
        else stopped

    /// What a completion says of what is left to receive: only streams tell.
    static member NonEmpty(socket: SocketFile) =
        if socket.Kind = 1 && socket.HasMore then CqeFlags.SocketNonEmpty else CqeFlags.None

    /// From now on the program may not change what is sent or written.
    member _.Hold(request: KernelRequest) =
        if not (request.Has SqeFlags.BufferSelect) then
            let bytes = source request
            ignore bytes.Length

    /// Until now the program was not allowed to change what it sends.
    member _.Verify(request: KernelRequest) =
        let bytes = source request
        ignore bytes.Length

    /// Reads and receives.
    member _.Receive(ring: KernelRing, request: KernelRequest, file: OpenFile) : int =
        if multishot request then
            if request.Opcode = Opcode.ReadMultishot && not file.CanPoll then
                Errno.toResult Errno.EBADFD
            else
                let result = shots ring request file 0
                // A shot that ends the multishot keeps what it says of its buffer.
                result
        else
            let result = once ring request file
            let all = wantsAll request file

            if request.Opcode = Opcode.Receive && all && result > 0 then
                request.Moved <- request.Moved + result

                if request.Moved < int request.Submission.Length then
                    Outcome.again
                else
                    request.Flags <- isNonEmpty request file
                    request.Moved
            elif request.Moved > 0 && result <> Outcome.again then
                request.Flags <- isNonEmpty request file
                request.Moved
            elif result >= 0 && request.Flags = CqeFlags.None then
                request.Flags <- isNonEmpty request file
                result
            else
                result

    /// Writes and sends from memory of their own.
    member _.Send(request: KernelRequest, file: OpenFile) : int =
        let bytes = source request
        let sends = request.Opcode <> Opcode.Write && request.Opcode <> Opcode.WriteVector

        let result =
            match file with
            | :? SocketFile as socket when sends ->
                socket.Send(bytes, int request.Submission.OpFlags, request.Address)
            | _ when sends -> Errno.toResult Errno.ENOTSOCK
            | :? RegularFile as file ->
                let flags = Flagging.ofRequest request

                match request.Position with
                | ValueNone -> file.WriteAs(bytes, int64 request.Submission.Offset, flags)
                | ValueSome position ->
                    let mutable next = position
                    let result = file.WriteFrom(bytes, &next, flags)
                    request.Position <- ValueSome next
                    result
            | file -> file.Write(bytes, int64 request.Submission.Offset)

        let all = wantsAll request file

        if sends && all && result > 0 then
            request.Moved <- request.Moved + result

            if request.Moved < whole request then Outcome.again else request.Moved
        elif request.Moved > 0 && result <> Outcome.again then
            request.Moved
        else
            result

    /// Sends buffers of a group, in their order. They are taken when they are chosen, whatever comes of it.
    member this.SendBundle(ring: KernelRing, request: KernelRequest, file: OpenFile) : int =
        match file, groupOf ring request with
        | _, null -> Errno.toResult Errno.ENOBUFS
        | :? SocketFile as socket, group ->
            if request.Pieces.Length = 0 then choose request group

            if request.Pieces.Length = 0 then
                Errno.toResult Errno.ENOBUFS
            else
                let result = sendPieces request socket
                let total = request.Pieces |> Array.sumBy (fun struct (_, length) -> length)

                if result = total && group.Available > 0 && ring.TryMore(request, result, request.Flags) then
                    request.Pieces <- [||]
                    request.Moved <- 0
                    this.SendBundle(ring, request, file)
                else
                    result
        | _ -> Errno.toResult Errno.ENOTSOCK
