/// Length: three sorts of tests on the same slots and the same files.
/// Slots of the ring's own table that the program chooses, several descriptors at a time, and what a direct descriptor is asked.
module Uring.Tests.Linux.SlotTests

open System
open System.IO
open System.Net
open System.Net.Sockets
open System.Threading
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

type private Bcl = System.IO.File

/// Three of four slots are the program's.
let private options = { LoopOptions.standard with DirectDescriptors = 4; ReservedDescriptors = 3 }

let private case name (body: LoopThread -> string -> unit) =
    testCase name (fun () ->
        inFolder (fun folder ->
            Bcl.WriteAllText(at folder "one", "text of one")
            Bcl.WriteAllText(at folder "two", "text of two")
            withLoopOf LinuxKernel.Instance options (fun host -> body host folder)))

let private slotOf host number = runOn host (DirectSlots.ofNumber number)

let private openInto slot path = SlotRequest.openPath slot path OpenFlags.Read UnixFileMode.None

/// What is in it, or why not.
let private textIn (host: LoopThread) (slot: DirectSlot) =
    let buffer = Memory(Array.zeroCreate<byte> 20)

    match attempt host (FileRequest.read slot.Descriptor buffer 0L) with
    | count when count >= 0 -> Ok(Text.Encoding.UTF8.GetString(buffer.Span.Slice(0, count)))
    | result -> Error(Errno.ofResult result)

let private isErrno (errno: Errno) what (failure: exn | null) =
    match failure with
    | :? IOException as reason -> Expect.equal reason.HResult (int errno) what
    | other -> failtest $"{what}: {other}"

let private chosen =
    testList "chosen" [
        case "open, read and close by one chain" (fun host folder ->
            let slot = slotOf host 1
            let buffer = Array.zeroCreate<byte> 11

            let linked =
                chain {
                    openInto slot (at folder "one")
                    FileRequest.read slot.Descriptor (Memory buffer) 0L
                    SlotRequest.close slot
                }

            for _ in 1..3 do
                Expect.equal
                    (runOn host (Chains.run linked))
                    [ StepOutcome.Ran 0; StepOutcome.Ran 11; StepOutcome.Ran 0 ]
                    "outcomes"

            Expect.equal buffer "text of one"B "read"
            Expect.equal (textIn host slot) (Error Errno.EBADF) "nothing is left in it")

        case "a file that is missing ends the chain, and nothing is in the slot" (fun host folder ->
            let slot = slotOf host 0

            let outcomes =
                runOn
                    host
                    (Chains.run (
                        chain {
                            openInto slot (at folder "missing")
                            FileRequest.read slot.Descriptor (Memory(Array.zeroCreate 4)) 0L
                            SlotRequest.close slot
                        }
                    ))

            Expect.equal
                outcomes
                [ StepOutcome.Failed Errno.ENOENT; StepOutcome.Cancelled; StepOutcome.Cancelled ]
                "outcomes"

            Expect.equal (errnoOf host (SlotRequest.close slot)) Errno.EBADF "empty")

        case "what is in it is replaced, and each slot is by itself" (fun host folder ->
            let first, second = slotOf host 0, slotOf host 2
            Expect.equal (attempt host (openInto first (at folder "one"))) 0 "one"
            Expect.equal (attempt host (openInto second (at folder "one"))) 0 "one again"
            Expect.equal (attempt host (openInto first (at folder "two"))) 0 "two"
            Expect.equal (textIn host first) (Ok "text of two") "replaced"
            Expect.equal (textIn host second) (Ok "text of one") "the other"
            runOn host (DirectSlots.close first)
            runOn host (DirectSlots.close second)

            match failureOf (fun () -> runOn host (DirectSlots.close second)) with
            | :? ObjectDisposedException -> ()
            | other -> failtest $"closed twice: {other}")

        case "the kernel gives none of them away" (fun host folder ->
            let openDirect () =
                runOn host (File.openDirect OpenFlags.Read UnixFileMode.None (at folder "one"))

            let only = openDirect ()
            Expect.equal only.Descriptor.Number 3 "the one that is not reserved"
            failureOf openDirect |> isErrno Errno.ENFILE "the program's are not free"

            Expect.equal
                (attempt host (openInto (slotOf host 0) (at folder "two")))
                0
                "they are the program's"

            runOn host (File.close only))

        case "closing what stands for it does nothing" (fun host folder ->
            let slot = slotOf host 0
            Expect.equal (attempt host (openInto slot (at folder "one"))) 0 "open"
            let file = DirectSlots.file slot (at folder "one")
            runOn host (File.close file)
            Expect.equal (runOn host (File.readFull file (Memory(Array.zeroCreate 20)) 0L)) 11 "still there")

        case "sockets: made and connected by a chain, and accepted" (fun host _ ->
            let ours, theirs = slotOf host 0, slotOf host 1
            let listener = runOn host (Socket.listen loopback 4)

            let accepting =
                startAs host (SlotRequest.accept theirs listener.Descriptor) CancellationToken.None

            let client = DirectSlots.socket ours AddressFamily.InterNetwork

            let outcomes =
                runOn
                    host
                    (Chains.run (
                        chain {
                            SlotRequest.socket
                                ours
                                AddressFamily.InterNetwork
                                SocketType.Stream
                                ProtocolType.Tcp

                            SocketRequest.connect client.Descriptor (Socket.localEndPoint listener)
                            SocketRequest.send client.Descriptor (ReadOnlyMemory "hello"B)
                        }
                    ))

            Expect.equal outcomes [ StepOutcome.Ran 0; StepOutcome.Ran 0; StepOutcome.Ran 5 ] "outcomes"
            Expect.equal (finish "accept" accepting) 0 "accepted"
            let buffer = Array.zeroCreate<byte> 5
            let server = DirectSlots.socket theirs AddressFamily.InterNetwork
            Expect.equal (runOn host (Socket.receive server (Memory buffer))) 5 "received"
            Expect.equal buffer "hello"B "bytes"
            runOn host (Socket.close listener))

        case "an accept that is cancelled leaves the slot empty" (fun host _ ->
            let slot = slotOf host 0
            let listener = runOn host (Socket.listen loopback 4)
            use source = new CancellationTokenSource()
            let accepting = startAs host (SlotRequest.accept slot listener.Descriptor) source.Token
            eventually "in flight" (fun () -> host.Loop.InFlight = 1)
            source.Cancel()
            ended "accept" accepting
            Expect.isTrue accepting.IsCanceled "cancelled"
            Expect.equal (errnoOf host (SlotRequest.close slot)) Errno.EBADF "empty"
            runOn host (Socket.close listener))

        case "numbers that are not the program's" (fun host _ ->
            for number in [ -1; 3; 4; Int32.MaxValue ] do
                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> slotOf host number |> ignore)
                    $"{number}")

        testCase "more than there are, and less than none" (fun () ->
            for reserved in [ -1; 5 ] do
                Expect.throwsT<ArgumentException>
                    (fun () ->
                        withLoopOf
                            LinuxKernel.Instance
                            { options with ReservedDescriptors = reserved }
                            ignore)
                    $"{reserved}")

        testCase "all of them: the kernel has none to give" (fun () ->
            withLoopOf LinuxKernel.Instance { options with ReservedDescriptors = 4 } (fun host ->
                let request = FileRequest.openPathDirect "/" OpenFlags.Read UnixFileMode.None
                Expect.equal (errnoOf host request) Errno.ENFILE "none"
                Expect.equal (attempt host (openInto (slotOf host 3) "/")) 0 "the last"))

        testCase "a kernel before 6.0 says so" (fun () ->
            let kernel = FaultyKernel()

            kernel.OnRegister <-
                fun opcode ->
                    if opcode = RegisterOpcode.FileRange then Answer.Before Errno.EINVAL else Answer.Real

            match failureOf (fun () -> withLoopOf kernel options ignore) with
            | :? NotSupportedException as reason -> Expect.stringContains reason.Message "6.0" "since"
            | other -> failtest $"{other}")
    ]

let private several =
    testList "several" [
        case "put side by side, and taken out again" (fun host folder ->
            let files = [ for name in [ "one"; "two" ] -> runOn host (File.openRead (at folder name)) ]
            let first, second = slotOf host 1, slotOf host 2
            let put = DirectSlots.put first [| for file in files -> file.Descriptor |]
            Expect.equal (runOn host put) 2 "two"

            for file in files do
                runOn host (File.close file)

            Expect.equal (textIn host first) (Ok "text of one") "first"
            Expect.equal (textIn host second) (Ok "text of two") "second"
            Expect.equal (attempt host (SlotRequest.clear (slotOf host 0) 3)) 3 "with the one that was empty"
            Expect.equal (textIn host first) (Error Errno.EBADF) "first"
            Expect.equal (textIn host second) (Error Errno.EBADF) "second")

        case "too many, none, one that is closed, and another ring's" (fun host folder ->
            let file = runOn host (File.openRead (at folder "one"))
            let put slot sources = runOn host (DirectSlots.put (slotOf host slot) sources) |> ignore

            for sources in [ [||]; Array.replicate 2 file.Descriptor ] do
                Expect.throwsT<ArgumentOutOfRangeException> (fun () -> put 2 sources) "count"

            withLoop (fun other ->
                let elsewhere = runOn other (File.openRead (at folder "one"))

                Expect.throwsT<ArgumentException>
                    (fun () -> put 0 [| elsewhere.Descriptor |])
                    "another ring's"

                runOn other (File.close elsewhere))

            for count in [ 0; 4 ] do
                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> SlotRequest.clear (slotOf host 0) count |> ignore)
                    "clear"

            runOn host (File.close file)
            Expect.throwsT<ObjectDisposedException> (fun () -> put 0 [| file.Descriptor |]) "closed")

        case "into free slots: all of them, or none" (fun host folder ->
            let files = [ for name in [ "one"; "two" ] -> runOn host (File.openRead (at folder name)) ]

            for _ in 1..2 do
                failureOf (fun () -> runOn host (DirectSlots.makeDirect files))
                |> isErrno Errno.ENFILE "there is one free slot"

            let only = runOn host (DirectSlots.makeDirect [ files.Head ]) |> List.exactlyOne
            Expect.equal only.Descriptor.Number 3 "it was given back"
            Expect.equal (runOn host (File.readFull only (Memory(Array.zeroCreate 20)) 0L)) 11 "read"
            runOn host (File.close only)

            for file in files do
                runOn host (File.close file))

        testCase "into free slots, in their order" (fun () ->
            inFolder (fun folder ->
                withLoopOf LinuxKernel.Instance { options with ReservedDescriptors = 0 } (fun host ->
                    let names = [ for name in [ "a"; "b"; "c" ] -> at folder name ]

                    let files = [
                        for name in names do
                            Bcl.WriteAllText(name, name)
                            runOn host (File.openRead name)
                    ]

                    let made = runOn host (DirectSlots.makeDirect files)

                    for direct, name in List.zip made names do
                        let buffer = Array.zeroCreate<byte> 200
                        let count = runOn host (File.readFull direct (Memory buffer) 0L)
                        Expect.equal (Text.Encoding.UTF8.GetString(buffer, 0, count)) name "contents"

                    for file in made @ files do
                        runOn host (File.close file))))
    ]

/// One connection as a direct descriptor, and the other end.
let private withDirect (body: LoopThread -> Socket -> Peer -> unit) =
    withLoopOf LinuxKernel.Instance { LoopOptions.standard with DirectDescriptors = 4 } (fun host ->
        let listener = runOn host (Socket.listen loopback 4)
        use peer = new Peer(SocketType.Stream, ProtocolType.Tcp)
        peer.Connect(Socket.localEndPoint listener)
        let accepted = runOn host (Socket.acceptDirect listener)
        body host accepted peer
        runOn host (Socket.close accepted)
        runOn host (Socket.close listener))

let private asked =
    testList "what a direct descriptor is asked" [
        case "what a file is" (fun host folder ->
            let file = runOn host (File.openDirect OpenFlags.Read UnixFileMode.None (at folder "one"))
            let status = runOn host (File.status file)
            Expect.equal (status.Length, status.Kind) (11L, FileKind.Regular) "status"
            Expect.equal host.Loop.InFlight 0 "nothing is left"
            runOn host (File.close file))

        testCase "names of a socket" (fun () ->
            withDirect (fun host ours theirs ->
                // The BCL's peer is an IPv6 socket, which has the same ports.
                let port (name: EndPoint | null) = (nonNull name :?> IPEndPoint).Port

                Expect.equal
                    (port (runOn host (Socket.readLocalEndPoint ours)))
                    (port theirs.RemoteEndPoint)
                    "local"

                Expect.equal
                    (port (runOn host (Socket.readRemoteEndPoint ours)))
                    (port theirs.LocalEndPoint)
                    "peer"))

        case "names of a socket that is not direct" (fun host _ ->
            let struct (ours, theirs) = connectPair host
            Expect.equal (runOn host (Socket.readLocalEndPoint ours)) (nonNull theirs.RemoteEndPoint) "local")

        testCase "options that the ring cannot read" (fun () ->
            withDirect (fun host ours _ ->
                for value in [ true; false ] do
                    runOn host (Socket.setOption SocketOption.noDelay value ours)

                    Expect.equal
                        (runOn host (Socket.getOption SocketOption.noDelay ours))
                        value
                        "TCP_NODELAY"))

        testCase "a kernel before 6.8 cannot lend it a number, and says so" (fun () ->
            inFolder (fun folder ->
                Bcl.WriteAllText(at folder "one", "text")
                let kernel = FaultyKernel(Hidden = [ Opcode.InstallFixed ])

                withLoopOf kernel options (fun host ->
                    let file =
                        runOn host (File.openDirect OpenFlags.Read UnixFileMode.None (at folder "one"))

                    match failureOf (fun () -> runOn host (File.status file)) with
                    | :? PlatformNotSupportedException as reason ->
                        Expect.stringContains reason.Message "6.8" "since"
                    | other -> failtest $"{other}"

                    runOn host (File.close file))))

        case "a file handed on to another ring" (fun host folder ->
            withLoopOf LinuxKernel.Instance options (fun other ->
                let here = runOn host (File.openDirect OpenFlags.Read UnixFileMode.None (at folder "one"))
                let there = runOn host (File.moveTo other here)
                Expect.equal there.Path here.Path "path"
                Expect.equal (runOn other (File.readFull there (Memory(Array.zeroCreate 20)) 0L)) 11 "read"
                failureOf (fun () -> runOn host (File.moveTo other here)) |> nonNull |> ignore
                let next = runOn host (File.openDirect OpenFlags.Read UnixFileMode.None (at folder "two"))
                failureOf (fun () -> runOn host (File.moveTo other next)) |> isErrno Errno.ENFILE "full"
                Expect.equal (runOn host (File.status next)).Length 11L "it stays"
                runOn host (File.close next)
                runOn other (File.close there)))

        case "a file that is not direct stays where it is" (fun host folder ->
            withLoopOf LinuxKernel.Instance options (fun other ->
                let file = runOn host (File.openRead (at folder "one"))

                Expect.throwsT<InvalidOperationException>
                    (fun () -> runOn host (File.moveTo other file) |> ignore)
                    "it"

                runOn host (File.close file)))
    ]

let private facade =
    testList "C#" [
        Observe.inFolderCase "slots, chains on them, and several at a time" (fun folder ->
            task {
                Bcl.WriteAllText(at folder "one", "text of one")
                Bcl.WriteAllText(at folder "two", "text of two")

                let kept = Uring.RingOptions(DirectDescriptors = 4, ReservedDescriptors = 2)
                use ring = new Uring.Ring(kept)
                let slot = ring.GetSlot 0
                let buffer = Memory(Array.zeroCreate<byte> 11)

                let! results =
                    ring.ChainAsync(fun chain ->
                        chain.Open(slot, at folder "one").Read(slot.File, buffer, 0L).Close slot |> ignore)

                Expect.equal [ for one in results -> one.Value ] [ 0; 11; 0 ] "values"
                Expect.equal (buffer.ToArray()) "text of one"B "read"
                do! slot.OpenAsync(at folder "two")
                let! count = slot.File.ReadAsync(buffer, 0L)
                Expect.equal count 11 "read"
                let! length = slot.File.GetLengthAsync()
                Expect.equal length 11L "a descriptor of the process for a moment"
                do! slot.CloseAsync()
                let! _ = Observe.raises<ObjectDisposedException> "closed twice" (fun () -> slot.CloseAsync())
                use! one = Uring.UringFile.OpenAsync(at folder "one", ring = ring)
                use! two = Uring.UringFile.OpenAsync(at folder "two", ring = ring)
                let! count = slot.PutAsync [| one; two |]
                Expect.equal count 2 "put"
                let! _ = (ring.GetSlot 1).File.ReadAsync(buffer, 0L)
                Expect.equal (buffer.ToArray()) "text of two"B "the second"
                let! direct = Uring.UringFile.MakeDirectAsync [| one; two |]
                Expect.equal direct.Count 2 "made direct"
                let! _ = direct[1].ReadAsync(buffer, 0L)
                Expect.equal (buffer.ToArray()) "text of two"B "in their order"
                use other = new Uring.Ring(kept)
                use! moved = direct[0].MoveToAsync other
                let! _ = moved.ReadAsync(buffer, 0L)
                Expect.equal (buffer.ToArray()) "text of one"B "on the other ring"
                use! inherited = direct[1].InstallAsync true
                Expect.isFalse inherited.IsDirect "a descriptor of the process"
                do! direct[1].DisposeAsync()

                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> ring.GetSlot 2 |> ignore)
                    "not the program's"
            })

        Observe.tidyCase "a connection in a slot, and its names" (fun () ->
            task {
                use ring = new Uring.Ring(Uring.RingOptions(DirectDescriptors = 4, ReservedDescriptors = 2))
                use! listener = Uring.UringListener.ListenAsync(loopback, ring = ring)
                let ours, theirs = ring.GetSlot 0, ring.GetSlot 1
                let accepting = theirs.AcceptAsync(listener).AsTask()

                let! results =
                    ring.ChainAsync(fun chain ->
                        chain
                            .Socket(ours, AddressFamily.InterNetwork)
                            .Connect(ours.Socket, listener.LocalEndPoint)
                            .Send(ours.Socket, ReadOnlyMemory "hello"B)
                        |> ignore)

                Expect.equal [ for one in results -> one.Value ] [ 0; 0; 5 ] "values"
                do! accepting
                let! count = theirs.Socket.ReceiveAsync(Memory(Array.zeroCreate 5))
                Expect.equal count 5 "received"
                let! local = theirs.Socket.GetLocalEndPointAsync()
                Expect.equal local listener.LocalEndPoint "local"
                let! peer = ours.Socket.GetRemoteEndPointAsync()
                Expect.equal peer listener.LocalEndPoint "peer"
                do! ours.CloseAsync()
                do! theirs.CloseAsync()
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "Slot" [ chosen; several; asked; facade ]
