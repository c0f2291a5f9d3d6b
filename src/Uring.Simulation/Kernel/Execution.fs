// What each opcode does. Source: reference section 1, and the man page of each system call.
namespace Uring.Simulation.Kernel

open System
open Uring.Kernel
open Uring.Model
open Uring.Simulation
open Uring.Simulation.World

[<Sealed>]
type internal Execution(machine: Machine) =
    inherit Executor()

    let world = machine.World
    let choices = world.Choices
    let timeline = world.Timeline
    let transfers = Transfers(world.Memory, world.Ledger, choices)
    let messages = Messages world.Memory
    let futexes = Futexes()
    let timers = Timers(timeline, choices, world.Clocks)
    let placing = Placing machine
    let fail (errno: Errno) = Errno.toResult errno

    let files (ring: KernelRing) (descriptor: int) isFixed : OpenFile | null =
        if not isFixed then machine.Descriptors.Find descriptor
        elif descriptor >= 0 && descriptor < ring.Files.Length then ring.Files[descriptor]
        else null

    /// Looks up what it is told to look up, and says what it is told to say.
    let nop (ring: KernelRing) (submission: Submission) : int =
        let asks flag = (submission.OpFlags &&& flag) <> 0u

        if not (KernelVersion.has FeatureFlags.Bundle world.Version) then
            0
        elif asks OpFlags.NopFile && isNull (files ring submission.Fd (asks OpFlags.NopFixedFile)) then
            fail Errno.EBADF
        elif asks OpFlags.NopFixedBuffer && not (Fixing.isFilled ring submission.Buffer) then
            fail Errno.EFAULT
        elif asks OpFlags.InjectResult then
            int submission.Length
        else
            0

    let cancel (ring: KernelRing) (request: KernelRequest) =
        let submission = request.Submission
        let byFile = (submission.OpFlags &&& OpFlags.CancelDescriptor) <> 0u

        let file =
            match files ring submission.Fd ((submission.OpFlags &&& 8u) <> 0u) with
            // O_PATH: no operation is on one.
            | :? PathFile -> null
            | file -> file

        if byFile && isNull file then
            fail Errno.EBADF
        else
            Cancelling.perform ring choices request {
                Flags = submission.OpFlags
                UserData = submission.Address
                File = file
                Opcode = LanguagePrimitives.EnumOfValue(byte submission.Length)
            }

    let onSocket (file: OpenFile) (action: SocketFile -> int) : int =
        match file with
        | :? SocketFile as socket -> action socket
        | _ -> fail Errno.ENOTSOCK

    let connect (request: KernelRequest) (socket: SocketFile) : int =
        let result = socket.Connect request.Address
        result

    /// Sends, and tells later that the memory is free: when the other side has it.
    let sendZeroCopy (request: KernelRequest) (file: OpenFile) : int =
        match file with
        | :? SocketFile as socket when socket.Family = 1 -> fail Errno.EOPNOTSUPP
        | _ ->
            let result = transfers.Send(request, file)

            let rec notify () =
                match file with
                | :? StreamSocket as socket when
                    socket.Unacknowledged > 0 && socket.Phase = StreamPhase.Connected
                    ->
                    timeline.After(1_000_000L, "acknowledgement", notify) |> ignore
                | _ ->
                    transfers.Verify request
                    request.Continue()

            if result > 0 then
                request.Holds <- fun _ -> timeline.After(0L, "acknowledgement", notify) |> ignore

            result

    let fails (request: KernelRequest) : int =
        match Catalogue.tryFind request.Opcode with
        | ValueSome row when
            not (request.PollFirst || row.Errors.IsEmpty) && request.Moved = 0 && choices.Strikes Fault.Failed
            ->
            fail row.Errors[choices.Pick row.Errors.Length]
        | _ -> 0

    override _.Prepare(_, request) = Inputs.copy world.Clocks request

    override _.Resolve(ring, request) =
        let submission = request.Submission

        let take descriptor isFixed : OpenFile | null =
            match files ring descriptor isFixed with
            | null
            | :? PathFile -> null
            | file ->
                file.Retain()
                file

        match request.Opcode with
        // Its file is a ring.
        | Opcode.MessageRing -> 0
        | opcode when not (Catalogue.takesSlot Slots.Target opcode) -> 0
        | opcode ->
            request.File <- take submission.Fd (request.Has SqeFlags.FixedFile)
            let hasSource = Catalogue.takesSlot Slots.Source opcode

            if hasSource then
                let isFixed = (submission.OpFlags &&& OpFlags.FixedSource) <> 0u
                request.Other <- take (int submission.FileIndex) isFixed

            let isMissing = isNull request.File || (hasSource && isNull request.Other)
            if isMissing then fail Errno.EBADF else 0

    override _.IsAlwaysWorkers request =
        match request.Opcode with
        | Opcode.Sync
        | Opcode.SyncFileRange
        | Opcode.GetAttributeOfFile
        | Opcode.SetAttributeOfFile
        | Opcode.GetAttribute
        | Opcode.SetAttribute
        | Opcode.MemoryAdvise
        | Opcode.Allocate
        | Opcode.Truncate
        | Opcode.Splice
        | Opcode.Tee
        | Opcode.Shutdown -> true
        | Opcode.FileAdvise -> Advising.mayBlock request
        // An open set: the rest is tried at once.
        | _ -> false

    override _.About(ring, request) =
        let named (file: OpenFile | null) : obj | null =
            match file with
            | null -> null
            | file -> file

        match request.Opcode with
        | Opcode.Close when request.Submission.FileIndex <> 0u ->
            named (files ring (int request.Submission.FileIndex - 1) true)
        | Opcode.Close -> named (files ring request.Submission.Fd false)
        | Opcode.LinkAt
        | Opcode.SymbolicLinkAt -> String.Concat(request.OtherPath, " for ", request.Path)
        | Opcode.RenameAt -> String.Concat(request.Path, " to ", request.OtherPath)
        | Opcode.GetAttribute
        | Opcode.SetAttribute -> String.Concat(request.Path, " of ", request.OtherPath)
        | _ when isNull request.File && request.Path <> "" -> request.Path
        // An open set: the file, if it has one.
        | _ -> named request.File

    override _.NeedsWorker request =
        match request.Opcode, request.File with
        | Opcode.Write, :? RegularFile
        | Opcode.WriteVector, :? RegularFile
        | Opcode.Sync, _
        | Opcode.SyncFileRange, _
        | Opcode.GetAttributeOfFile, _
        | Opcode.SetAttributeOfFile, _
        | Opcode.GetAttribute, _
        | Opcode.SetAttribute, _
        | Opcode.MemoryAdvise, _
        | Opcode.Allocate, _
        | Opcode.Truncate, _
        | Opcode.Status, _
        | Opcode.UnlinkAt, _
        | Opcode.MakeDirectoryAt, _
        | Opcode.LinkAt, _
        | Opcode.SymbolicLinkAt, _
        | Opcode.RenameAt, _
        | Opcode.Splice, _
        | Opcode.Tee, _
        | Opcode.Shutdown, _ -> true
        | Opcode.FileAdvise, _ -> Advising.mayBlock request
        // A cached name that is only opened needs none.
        | Opcode.OpenAt, _
        | Opcode.OpenAt2, _ -> Naming.creates request
        | Opcode.Read, :? RegularFile
        | Opcode.ReadVector, :? RegularFile -> choices.Strikes Fault.Delayed
        // An open set: what poll(2) can wait for, and what is done at once.
        | _ -> false

    override _.Begin request =
        // What is not within its registered buffer may be nowhere.
        if Strictness.isRead request.Opcode && not (Fixing.isOutside request.Submission) then
            transfers.Hold request

    override _.Perform(ring, request) =
        let submission = request.Submission

        match fails request with
        | errno when errno < 0 -> errno
        | _ ->
            match request.Opcode, request.File with
            | Opcode.Nop, _ -> nop ring submission
            | Opcode.Timeout, _ -> timers.Await(ring, request)
            | Opcode.Cancel, _ -> cancel ring request
            | Opcode.TimeoutRemove, _ -> timers.Remove(ring, request)
            | Opcode.PollRemove, _ -> Polls.remove choices ring request
            | Opcode.MessageRing, _ when submission.Address = OpFlags.MessageDescriptor ->
                placing.SendFile(ring, request)
            | Opcode.MessageRing, _ -> machine.Message submission
            | Opcode.FutexWait, _ -> futexes.Wait request
            | Opcode.FutexWaitVector, _ -> futexes.WaitAny request
            | Opcode.FutexWake, _ -> futexes.Wake request
            | Opcode.Close, _ -> placing.Close(ring, request)
            | Opcode.Socket, _ ->
                Sockets.create
                    world.Network
                    machine.Host
                    submission.Fd
                    (int submission.Offset)
                    (int submission.Length)
                |> Result.map (fun socket -> socket :> OpenFile)
                |> fun made -> placing.AddNew(ring, request, made)
            | Opcode.Pipe, _ -> placing.MakePipe(ring, request)
            | Opcode.FilesUpdate, _ -> placing.UpdateFiles(ring, request)
            | Opcode.OpenAt, _
            | Opcode.OpenAt2, _ ->
                Naming.openAt machine request |> fun made -> placing.AddNew(ring, request, made)
            | Opcode.UnlinkAt, _ -> Naming.remove machine request
            | Opcode.MakeDirectoryAt, _ -> Naming.makeDirectory machine request
            | Opcode.RenameAt, _ -> Naming.rename machine request
            | Opcode.LinkAt, _ -> Naming.link machine request
            | Opcode.SymbolicLinkAt, _ -> Naming.makeSymbolicLink machine request
            | Opcode.MemoryAdvise, _ -> Advising.memory world.Memory request
            | Opcode.Status, _ -> Naming.status machine request
            | Opcode.GetAttribute, _ -> Attributing.get machine request
            | Opcode.SetAttribute, _ -> Attributing.set machine request
            | _, null -> fail Errno.EBADF
            // Linux looks at the socket before the memory, but for a message.
            | Opcode.SendZeroCopy, file when Fixing.isOutside submission ->
                onSocket file (fun socket ->
                    if socket.Family = 1 then fail Errno.EOPNOTSUPP else fail Errno.EFAULT)
            | _ when Fixing.isOutside submission -> fail Errno.EFAULT
            | _, file when Flagging.refusal world.Version request file < 0 ->
                Flagging.refusal world.Version request file
            | Opcode.Read, file
            | Opcode.ReadVector, file
            | Opcode.ReadMultishot, file
            | Opcode.Receive, file -> transfers.Receive(ring, request, file)
            | Opcode.ReceiveMessage, file -> messages.Receive(ring, request, file)
            | Opcode.PollAdd, file -> Polls.perform ring request file
            | Opcode.Send, file when request.Has SqeFlags.BufferSelect ->
                transfers.SendBundle(ring, request, file)
            | Opcode.Send, file
            | Opcode.SendMessage, file
            | Opcode.Write, file
            | Opcode.WriteVector, file -> transfers.Send(request, file)
            | Opcode.SendZeroCopy, file
            | Opcode.SendMessageZeroCopy, file -> sendZeroCopy request file
            | Opcode.Accept, file -> placing.Accept(ring, request, file)
            | Opcode.InstallFixed, file ->
                file.Retain()
                machine.Descriptors.Add file
            | Opcode.Command, (:? SocketFile as socket) -> SocketCommands.perform submission socket
            // It takes any, and does nothing.
            | Opcode.Command, (:? DeviceFile as device) when device.Kind = DeviceKind.Null -> 0
            | Opcode.Command, _ -> fail Errno.EOPNOTSUPP
            | Opcode.Connect, file -> onSocket file (connect request)
            | Opcode.Bind, file -> onSocket file _.Bind(request.Address)
            | Opcode.Listen, file -> onSocket file _.Listen(int submission.Length)
            | Opcode.Shutdown, file -> onSocket file _.Shutdown(int submission.Length)
            | Opcode.Sync, file -> Disk.sync file
            | Opcode.SyncFileRange, file -> Advising.syncRange request file
            | Opcode.FileAdvise, file -> Advising.file request file
            | Opcode.GetAttributeOfFile, _ -> Attributing.get machine request
            | Opcode.SetAttributeOfFile, _ -> Attributing.set machine request
            | Opcode.Truncate, file -> Disk.truncate file (int64 submission.Offset)
            | Opcode.Allocate, file ->
                Disk.allocate
                    file
                    (int submission.Length)
                    (int64 submission.Offset)
                    (int64 submission.Address)
            | Opcode.Splice, file ->
                match request.Other with
                | null -> fail Errno.EBADF
                | source -> Splicing.perform request source file
            | Opcode.Tee, file ->
                match request.Other with
                | null -> fail Errno.EBADF
                | source -> Splicing.tee request source file
            // An open set: Strictness refuses what is unknown before it comes here.
            | _ -> fail Errno.EINVAL

    /// A machine that is ready to run programs.
    static member Boot(world: World, name: string, address: string, disk: Disk) : Machine =
        let machine = Machine(world, name, address, disk)

        machine.Issuing <-
            Issuing(Execution machine, world.Version, world.Timeline, world.Choices, world.Trace)

        machine
