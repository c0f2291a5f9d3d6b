/// docs/operations.md: what each operation of the kernel is called here. The table says what they are; this says who offers them.
/// Length: one row for each opcode.
module Uring.Tests.Linux.OperationsPage

open System
open System.Reflection
open Uring.Model
open Uring.Simulation.Kernel

/// Who offers an operation, and which file of tests/Linux tries it. Or why nobody does.
[<NoEquality; NoComparison>]
type Offer = {
    Opcode: Opcode
    /// Functions of Uring.FSharp: "File.read".
    FSharp: string list
    /// Members of the facade: "UringFile.ReadAsync".
    CSharp: string list
    Tests: string list
    Reason: string
}

let private offer opcode (fsharp: string) (csharp: string) (tests: string) =
    let words (text: string) = text.Split(' ', StringSplitOptions.RemoveEmptyEntries) |> List.ofArray

    {
        Opcode = opcode
        FSharp = words fsharp
        CSharp = words csharp
        Tests = words tests
        Reason = ""
    }

/// It is there, and there is no method of its own for it on one side.
let private because reason offer = { offer with Reason = reason }

let private missing reason opcode = { offer opcode "" "" "" with Reason = reason }

let private legacy = missing "left out: buffer rings do it better since 5.19"
let private inside = "the library's own"

let offers: Offer list = [
    offer
        Opcode.Nop
        "Uring.nop Uring.nopWith Nop.perform"
        "Ring.NopAsync"
        "RingFacadeTests BuilderTests NopTests"
    offer
        Opcode.ReadVector
        "File.readVector File.readVectorAs"
        "UringFile.ReadAsync UringFile.ReadExactlyAsync"
        "FileVectorTests TransferFlagTests"
    offer
        Opcode.WriteVector
        "File.writeVector File.writeVectorAs"
        "UringFile.WriteAsync"
        "FileVectorTests TransferFlagTests"
    offer
        Opcode.Sync
        "File.sync File.syncData File.syncPart"
        "UringFile.FlushAsync"
        "FileOperationTests FileFacadeTests FileRuleTests"
    offer
        Opcode.ReadFixed
        "File.readRegistered File.readRegisteredAs"
        "UringFile.ReadAsync UringFile.ReadExactlyAsync"
        "RegisteredBufferTests TransferFlagTests"
    offer
        Opcode.WriteFixed
        "File.writeRegistered File.writeRegisteredAs"
        "UringFile.WriteAsync"
        "RegisteredBufferTests TransferFlagTests"
    offer
        Opcode.PollAdd
        "Socket.poll Socket.pollMany File.poll File.pollMany Poll.once Poll.many"
        "UringSocket.PollAsync UringSocket.PollAllAsync UringFile.PollAsync UringFile.PollAllAsync Ring.PollAsync Ring.PollAllAsync"
        "PollTests MultishotKindsTests HandleTests"
    offer Opcode.PollRemove "Poll.change" "UringPoll.ChangeAsync" "RunningTests"
    offer Opcode.SyncFileRange "File.syncRange" "UringFile.FlushRangeAsync" "FileAdviceTests"
    offer
        Opcode.SendMessage
        "Socket.sendTo SocketMessages.send"
        "UringSocket.SendToAsync UringSocket.SendMessageAsync"
        "DatagramTests SocketMessagesTests MessageFacadeTests"
    offer
        Opcode.ReceiveMessage
        "Socket.receiveFrom Socket.receiveMessages SocketMessages.receive"
        "UringSocket.ReceiveFromAsync UringSocket.ReceiveMessageAsync UringSocket.ReceiveMessagesAsync"
        "DatagramTests MessageTests SocketMessagesTests MessageFacadeTests"
    offer
        Opcode.Timeout
        "Uring.sleep Uring.sleepBy Uring.sleepUntil Uring.ticks Uring.ticksOf Uring.afterCompletions RunningTimer.start"
        "Ring.DelayAsync Ring.DelayUntilAsync Ring.TicksAsync Ring.StartTimer Ring.WaitForCompletionsAsync"
        "TimeOperationTests TimerFacadeTests MultishotKindsTests"
    offer
        Opcode.TimeoutRemove
        "RunningTimer.change RunningTimer.changeTo RunningChain.changeLimit"
        "UringTimer.ChangeAsync UringTimer.ChangeUntilAsync UringChainRun.ChangeLimitAsync"
        "RunningTests RunningChainTests TimerFacadeTests"
    offer
        Opcode.Accept
        "Socket.accept SocketTransfer.accept Socket.acceptMany SocketTransfer.acceptMany Socket.acceptDirect Socket.acceptManyDirect"
        "UringListener.AcceptAsync UringListener.AcceptAllAsync UringListener.AcceptDirectAsync UringListener.AcceptAllDirectAsync"
        "SocketOperationTests SocketMakingTests TransferTests MultishotFacadeTests DirectTests"
    offer
        Opcode.Cancel
        "Uring.cancelAll Uring.cancelAllOf Uring.cancelAllNow File.cancel Socket.cancel"
        "Ring.CancelAllAsync Ring.CancelAllNowAsync UringFile.CancelAsync UringSocket.CancelAsync UringListener.CancelAsync"
        "CancellationTests CancelAllTests CancelNowTests"
    offer
        Opcode.LinkTimeout
        "Uring.within Chains.runBounded"
        "UringChain.Within"
        "LinkTests ChainTests ChainFacadeTests"
    offer
        Opcode.Connect
        "Socket.connect Socket.connectTo Socket.connectDirect Personality.connect Personality.connectTo"
        "UringSocket.ConnectAsync UringSocket.ConnectDirectAsync RingPersonality.ConnectAsync"
        "SocketOperationTests SocketFacadeTests SocketMakingTests PersonalityTests"
    offer
        Opcode.Allocate
        "File.allocate File.allocateAs"
        "UringFile.AllocateAsync"
        "FileOperationTests FileSpaceTests FileFacadeTests"
    offer
        Opcode.OpenAt
        "File.openWith File.openRead File.create File.openDirectory File.openTemporary File.openDirect SlotRequest.openPath Personality.openWith Personality.openDirect Personality.openDirectory Personality.openTemporary"
        "UringFile.OpenAsync UringFile.OpenDirectAsync UringDirectory.OpenAsync RingPersonality.OpenAsync RingSlot.OpenAsync RingPersonality.OpenDirectAsync RingPersonality.OpenDirectoryAsync"
        "FileOperationTests FileOpenTests PathFacadeTests PersonalityTests"
    offer
        Opcode.Close
        "File.close Socket.close DirectSlots.close"
        "UringFile.DisposeAsync UringSocket.DisposeAsync"
        "LeakTests SlotTests"
    offer
        Opcode.FilesUpdate
        "File.makeDirect Socket.makeDirect DirectSlots.put DirectSlots.makeDirect"
        "UringFile.MakeDirectAsync UringSocket.MakeDirectAsync RingSlot.PutAsync"
        "DirectFileTests SlotTests"
    offer
        Opcode.Status
        "File.status File.statusOfPath File.statusOfLink File.statusAs DirectoryEntry.status Personality.statusOfPath"
        "UringFile.StatusAsync UringFile.GetStatusAsync UringFile.GetLengthAsync UringDirectory.StatusAsync RingPersonality.StatusAsync"
        "FileOperationTests PathFacadeTests FileRuleTests DirectoryEntryTests PersonalityTests"
    offer
        Opcode.Read
        "File.read File.readAs File.readNext File.readFull File.readWithPriority"
        "UringFile.ReadAsync UringFile.ReadNextAsync UringFile.ReadExactlyAsync"
        "FileOperationTests FileFacadeTests TransferFlagTests"
    offer
        Opcode.Write
        "File.write File.writeAs File.writeSome File.writeNext File.writeAllNext File.writeWithPriority"
        "UringFile.WriteAsync UringFile.WriteSomeAsync UringFile.WriteNextAllAsync"
        "FileOperationTests FileFacadeTests TransferFlagTests"
    offer Opcode.FileAdvise "File.advise" "UringFile.AdviseAsync" "FileAdviceTests"
    offer Opcode.MemoryAdvise "File.adviseMemory" "Ring.AdviseMemoryAsync" "FileAdviceTests"
    offer
        Opcode.Send
        "Socket.send Socket.sendSome SocketTransfer.send Socket.sendLease LeaseQueue.send SendQueue.send"
        "UringSocket.SendAsync UringSocket.SendAllAsync LeaseQueue.SendAsync SendQueue.SendAsync"
        "SocketOperationTests TransferTests SendQueueTests HandOnTests LeaseQueueTests"
    offer
        Opcode.Receive
        "Socket.receive SocketTransfer.receive SocketTransfer.receiveExactly SocketTransfer.receiveHinted Socket.receiveMany Socket.receiveAll"
        "UringSocket.ReceiveAsync UringSocket.ReceiveExactlyAsync UringSocket.ReceiveHintedAsync UringSocket.ReceiveAllAsync"
        "SocketOperationTests TransferTests StreamTests MultishotFacadeTests"
    offer
        Opcode.OpenAt2
        "File.openFrom File.openFromDirect"
        "UringDirectory.OpenFileAsync UringDirectory.OpenFileDirectAsync"
        "FileOpenTests"
    offer
        Opcode.EpollControl
        "Epoll.add Epoll.change Epoll.remove"
        "UringEpoll.AddAsync UringEpoll.ChangeAsync UringEpoll.RemoveAsync"
        "EpollTests"
    offer
        Opcode.Splice
        "File.splice File.spliceAs Socket.spliceTo Socket.spliceFrom Socket.spliceToAs"
        "UringFile.SpliceAsync UringSocket.SpliceAsync"
        "PipeTests PathOperationTests FileRuleTests"
    legacy Opcode.ProvideBuffers
    legacy Opcode.RemoveBuffers
    offer Opcode.Tee "Pipe.tee Pipe.teeAs" "UringFile.TeeAsync" "PipeTests FileSpaceTests FileRuleTests"
    offer
        Opcode.Shutdown
        "Socket.shutdown"
        "UringSocket.ShutdownAsync"
        "SocketOperationTests SocketFacadeTests"
    offer
        Opcode.RenameAt
        "File.rename File.renameAs DirectoryEntry.rename Personality.rename"
        "UringFile.MoveAsync UringDirectory.MoveAsync RingPersonality.MoveAsync"
        "PathOperationTests PathFacadeTests FileRuleTests DirectoryEntryTests PersonalityTests"
    offer
        Opcode.UnlinkAt
        "File.delete File.removeDirectory DirectoryEntry.delete DirectoryEntry.removeDirectory Personality.delete Personality.removeDirectory"
        "UringFile.DeleteAsync UringFile.RemoveDirectoryAsync UringDirectory.DeleteAsync UringDirectory.RemoveDirectoryAsync RingPersonality.DeleteAsync RingPersonality.RemoveDirectoryAsync"
        "PathOperationTests PathFacadeTests DirectoryEntryTests PersonalityTests"
    offer
        Opcode.MakeDirectoryAt
        "File.makeDirectory File.makeDirectoryWith DirectoryEntry.makeDirectory Personality.makeDirectory"
        "UringFile.CreateDirectoryAsync UringDirectory.CreateDirectoryAsync RingPersonality.CreateDirectoryAsync"
        "PathOperationTests PathFacadeTests DirectoryEntryTests PersonalityTests"
    offer
        Opcode.SymbolicLinkAt
        "File.makeSymbolicLink DirectoryEntry.makeSymbolicLink Personality.makeSymbolicLink"
        "UringFile.CreateSymbolicLinkAsync UringDirectory.CreateSymbolicLinkAsync RingPersonality.CreateSymbolicLinkAsync"
        "FileNameTests DirectoryEntryTests PersonalityTests"
    offer
        Opcode.LinkAt
        "File.makeHardLink DirectoryEntry.makeHardLink Personality.makeHardLink"
        "UringFile.CreateHardLinkAsync UringDirectory.CreateHardLinkAsync RingPersonality.CreateHardLinkAsync"
        "FileNameTests DirectoryEntryTests PersonalityTests"
    offer
        Opcode.MessageRing
        "Mail.post Socket.moveTo File.moveTo"
        "Ring.PostAsync UringSocket.MoveToAsync UringFile.MoveToAsync"
        "MailTests SlotTests"
    offer
        Opcode.SetAttributeOfFile
        "File.setAttribute File.setAttributeAs"
        "UringFile.SetAttributeAsync"
        "FileAttributeTests FileRuleTests"
    offer
        Opcode.SetAttribute
        "File.setAttributeOfPath File.setAttributeOfPathAs Personality.setAttributeOfPath"
        "UringFile.SetAttributeAsync RingPersonality.SetAttributeAsync"
        "FileAttributeTests FileRuleTests PersonalityTests"
    offer Opcode.GetAttributeOfFile "File.attribute" "UringFile.GetAttributeAsync" "FileAttributeTests"
    offer
        Opcode.GetAttribute
        "File.attributeOfPath Personality.attributeOfPath"
        "UringFile.GetAttributeAsync RingPersonality.GetAttributeAsync"
        "FileAttributeTests PersonalityTests"
    offer
        Opcode.Socket
        "Socket.create Socket.createDirect Socket.listen Socket.connect Personality.createSocket"
        "UringSocket.CreateAsync UringSocket.CreateDirectAsync UringSocket.BindAsync UringSocket.ConnectAsync UringListener.ListenAsync RingPersonality.CreateSocketAsync"
        "SocketOperationTests SocketMakingTests PersonalityTests"
    offer
        Opcode.Command
        "Command.send Command.on Command.within Socket.available Socket.unsent Socket.getOption Socket.setOption"
        "Ring.CommandAsync UringFile.CommandAsync UringSocket.CommandAsync UringListener.CommandAsync UringSocket.GetAvailableAsync UringSocket.GetRawSocketOptionAsync UringListener.GetRawSocketOptionAsync"
        "CommandTests"
    offer
        Opcode.SendZeroCopy
        "Socket.sendZeroCopy Socket.sendZeroCopyTo Socket.sendAllZeroCopy"
        "UringSocket.SendZeroCopy UringSocket.SendZeroCopyTo UringSocket.SendAllZeroCopy"
        "ZeroCopyTests ZeroCopyMessageTests RegisteredBufferTests"
    offer
        Opcode.SendMessageZeroCopy
        "SocketMessages.sendZeroCopy SocketMessages.sendZeroCopyRegistered"
        "UringSocket.SendMessageZeroCopy"
        "ZeroCopyMessageTests"
    offer Opcode.ReadMultishot "File.readMany" "UringFile.ReadAllAsync" "MultishotKindsTests PipeTests"
    offer
        Opcode.WaitId
        "Child.wait Child.reap Child.waitOn Child.waitAmong Child.tryWait"
        "UringProcess.WaitAsync UringProcess.WaitAnyAsync UringProcess.WaitGroupAsync UringProcess.TryWaitAsync"
        "ProcessTests"
    offer Opcode.FutexWait "Futex.wait" "UringFutex.WaitAsync" "FutexTests FutexFacadeTests"
    offer Opcode.FutexWake "Futex.wake" "UringFutex.WakeAsync" "FutexTests FutexFacadeTests"
    offer Opcode.FutexWaitVector "Futex.waitAny" "UringFutex.WaitAnyAsync" "FutexTests FutexFacadeTests"
    offer
        Opcode.InstallFixed
        "Socket.install File.install"
        "UringSocket.InstallAsync UringFile.InstallAsync"
        "DirectTests DirectFileTests InstallTests"
    offer Opcode.Truncate "File.truncate" "UringFile.SetLengthAsync" "FileOperationTests FileFacadeTests"
    offer
        Opcode.Bind
        "Socket.bind Personality.bind"
        "UringSocket.BindAsync RingPersonality.BindAsync"
        "SocketOperationTests SocketMakingTests PersonalityTests"
    offer
        Opcode.Listen
        "Socket.listen Socket.listenOn Socket.listenDirect Personality.listen"
        "UringListener.ListenAsync UringListener.ListenDirectAsync UringSocket.ListenAsync RingPersonality.ListenAsync"
        "SocketOperationTests SocketFacadeTests SocketMakingTests PersonalityTests"
    missing "left out: needs a network card that splits headers from data" Opcode.ReceiveZeroCopy
    offer Opcode.EpollWait "Epoll.wait" "UringEpoll.WaitAsync" "EpollTests"
    offer Opcode.ReadVectorFixed "File.readRegisteredVector" "UringFile.ReadAsync" "RegisteredBufferTests"
    offer
        Opcode.WriteVectorFixed
        "File.writeRegisteredVector"
        "UringFile.WriteSomeAsync"
        "RegisteredBufferTests"
    offer Opcode.Pipe "Pipe.create Pipe.createWith" "UringPipe.CreateAsync" "PipeTests"
]

/// Flags and commands of operations that are offered, and nobody can ask for: which, and why.
let leftOut: (Opcode * string * string) list = [
    Opcode.Nop,
    "NOP_CQE32",
    "tells in completions of 32 bytes, for which every completion of the ring would have to be twice as large"
    Opcode.Command,
    "SOCKET_URING_OP_TX_TIMESTAMP",
    "tells in completions of 32 bytes, too. The same stamps come as control data: `SO_TIMESTAMPING` set by `Socket.setOption`, \
and a message received with `ReceiveFlags.ErrorQueue`"
    Opcode.Send,
    "SEND_VECTORIZED",
    "what SENDMSG does since 5.3 for `SocketTransfer.sendVector`; that is of 6.17, and nothing but a try tells whether a kernel has it"
    Opcode.Accept,
    "SOCK_NONBLOCK",
    "an operation on such a socket says EAGAIN where it would wait. `DontWait` asks for that one by one. SOCK_CLOEXEC is always set"
    Opcode.PollAdd,
    "POLL_ADD_LEVEL",
    "Linux (6.18) refuses it, alone and with POLL_ADD_MULTI: EINVAL. `Poll.once` again and again tells of what is still there"
    Opcode.PollRemove, "POLL_UPDATE_USER_DATA", "user data are how the library knows whose completion it is"
    Opcode.MessageRing,
    "MSG_RING_CQE_SKIP of data",
    "Linux (6.18) refuses it: EINVAL. What hands a direct descriptor on sets it, as nobody has to hear of that"
]

/// "File.read" is a function of the module File, "UringFile.ReadAsync" a member of that type.
let exists (assembly: Assembly) (space: string) (name: string) =
    let typeName, memberName = name.Split '.' |> fun parts -> parts[0], parts[1]

    [ typeName; typeName + "Module" ]
    |> List.choose (fun name -> Option.ofObj (assembly.GetType $"{space}.{name}"))
    |> List.exists (fun found -> found.GetMember(memberName).Length > 0)

let private cell (names: string list) reason =
    match names with
    | [] when reason = "" -> "none"
    | [] -> reason
    | names -> names |> List.map (fun name -> $"`{name}`") |> String.concat ", "

/// What of it can be a direct descriptor.
let private slots (row: OperationRow) =
    let places = [
        Slots.Target, "its file"
        Slots.Source, "the source"
        Slots.Result, "what it makes"
        Slots.Argument, "an argument"
    ]

    match places |> List.filter (fun (place, _) -> row.Slots.HasFlag place) with
    | [] -> "-"
    | found -> found |> List.map snd |> String.concat ", "

/// The errors that a test brings about, where the rest is, and those that are injected.
let private refusals (row: OperationRow) =
    let names (errors: Errno list) = errors |> List.map string |> String.concat ", "

    [
        names (MetErrors.real row.Opcode)
        match ErrnoTests.elsewhere |> List.tryFind (fun (opcode, _) -> opcode = row.Opcode) with
        | Some(_, where) -> where
        | None -> ()
        match MetErrors.injected row.Opcode with
        | [] -> ()
        | errors -> $"injected: {names errors}"
    ]
    |> List.filter (fun part -> part <> "")
    |> String.concat "; "

let private line (row: OperationRow) (offer: Offer) =
    let simulated =
        match Strictness.absence row.Opcode with
        | ValueNone -> "yes"
        | ValueSome reason -> $"no: {reason}"

    let multishot = if row.Multishot = "" then "-" else row.Multishot

    [
        $"{int row.Opcode}"
        row.Name
        row.Since
        multishot
        slots row
        cell offer.FSharp offer.Reason
        cell offer.CSharp offer.Reason
        simulated
        cell offer.Tests offer.Reason
        refusals row
    ]
    |> String.concat " | "
    |> fun cells -> $"| {cells} |"

/// The page, as it has to be.
let text () : string =
    let offered = offers |> List.filter (fun offer -> not offer.Tests.IsEmpty)

    let lines =
        Catalogue.rows
        |> List.map (fun row -> line row (offers |> List.find (fun offer -> offer.Opcode = row.Opcode)))

    String.Join(
        "\n",
        [
            "# Operations"
            ""
            "Every operation of the kernel (Linux 6.18), what it is called here, and where it is tried. Made from the table in"
            "[src/Model/Catalogue.fs](../src/Model/Catalogue.fs) by `OperationsPage.fs`; a test fails when it is not, when a name"
            "does not exist, when a file of tests does not submit the operation, and when the running kernel has one that is missing."
            ""
            "```sh"
            "dotnet artifacts/bin/Linux/release/Uring.Tests.Linux.dll operations > docs/operations.md"
            "```"
            ""
            $"{offered.Length} of {Catalogue.rows.Length} are offered."
            ""
            "What it is refused with: one request for each error, on the real kernel, brought to it (`ErrnoTests`, `SocketErrorTests`), on a"
            "file system whose disk fails (`DiskErrorTests`), without descriptors left (`FileLimitTests`). *Injected* is what a kernel"
            "above it makes of the operation, as this machine cannot be brought to it (`InjectedErrorTests`; it tries all others as well)."
            ""
            "| # | operation | since | multishot | direct descriptors | F# | C# | simulated | tests/Linux | refused |"
            "|---|---|---|---|---|---|---|---|---|---|"
            yield! lines
            ""
            "## What of them is left out"
            ""
            "`IOSQE_IO_DRAIN`, of any operation: it waits for everything that is in flight on the ring, and what comes after it waits"
            "as well. A ring here is shared by all that runs on its loop, and a multishot or a wait for mail in front would"
            "hold it up for ever. In a `chain { }` each step waits for the one before it, and for nobody else."
            ""
            "Who has sent a signal (`si_pid`, `si_uid`): .NET's handlers are not told, and a signalfd(2), which would be, needs the"
            "signal blocked on all threads of the process, those of the runtime included."
            ""
            "| operation | what | why |"
            "|---|---|---|"
            for opcode, what, why in leftOut do
                let row = Catalogue.rows |> List.find (fun row -> row.Opcode = opcode)
                $"| {row.Name} | {what} | {why} |"
            ""
        ]
    )
