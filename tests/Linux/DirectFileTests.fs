/// Files and single sockets in the ring's own table, there and back.
module Uring.Tests.Linux.DirectFileTests

open System
open System.IO
open System.Net.Sockets
open System.Threading
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

type private Bcl = System.IO.File
type private Facade = global.Uring.UringFile

let private slots = 2

let private case name (body: LoopThread -> string -> unit) =
    testCase name (fun () ->
        inFolder (fun folder ->
            Bcl.WriteAllText(at folder "file", "text")

            withLoopOf
                LinuxKernel.Instance
                { LoopOptions.standard with DirectDescriptors = slots }
                (fun host -> body host folder)))

let private openIt folder = File.openDirect OpenFlags.ReadWrite UnixFileMode.UserRead (at folder "file")

let private textOf (file: File) : Uring<string> =
    uring {
        let buffer = Memory(Array.zeroCreate<byte> 20)
        let! count = File.read file buffer 0L
        return Text.Encoding.UTF8.GetString(buffer.Span.Slice(0, count))
    }

let private files =
    testList "files" [
        case "open, read, write, sync, cut, close: and the slot is free again" (fun host folder ->
            let program =
                uring {
                    for round in 1 .. slots + 1 do
                        let! file = openIt folder
                        Expect.isTrue file.Descriptor.IsDirect "direct"
                        let! text = textOf file
                        Expect.stringStarts text "text" "read"
                        do! File.write file (ReadOnlyMemory "more"B) (int64 (4 * round))
                        do! File.sync file
                        do! File.close file

                    let! file = openIt folder
                    do! File.truncate file 6L
                    do! File.close file
                }

            runOn host program
            Expect.equal (Bcl.ReadAllText(at folder "file")) "textmo" "contents")

        case "a full table, and none" (fun host folder ->
            let request = FileRequest.openPathDirect (at folder "file") OpenFlags.Read UnixFileMode.UserRead
            let first = runOn host (openIt folder)
            let second = runOn host (openIt folder)
            Expect.equal (errnoOf host request) Errno.ENFILE "full"

            Expect.equal
                (errnoOf host (FileRequest.makeDirect (runOn host (File.openRead folder)).Descriptor))
                Errno.ENFILE
                "full"

            runOn host (File.close first)
            runOn host (File.close second)

            withLoop (fun other -> Expect.equal (errnoOf other request) Errno.ENFILE "no table"))

        case "no such file" (fun host folder ->
            let request =
                FileRequest.openPathDirect (at folder "missing") OpenFlags.Read UnixFileMode.UserRead

            Expect.equal (errnoOf host request) Errno.ENOENT "missing")

        case "what needs a number says so" (fun host folder ->
            let file = runOn host (openIt folder)

            Expect.throwsT<NotSupportedException>
                (fun () -> FileRequest.statusOf file.Descriptor |> ignore)
                "statx"

            Expect.throwsT<InvalidOperationException>
                (fun () -> FileRequest.makeDirect file.Descriptor |> ignore)
                "direct already"

            runOn host (File.close file))

        case "installed, and direct again: the same open file, with its position" (fun host folder ->
            let program =
                uring {
                    let! direct = openIt folder
                    let! installed = File.install direct
                    Expect.isFalse installed.Descriptor.IsDirect "a descriptor of the process"
                    do! File.close direct
                    let two = Memory(Array.zeroCreate<byte> 2)
                    let! _ = File.readNext installed two
                    let! again = File.makeDirect installed
                    Expect.isTrue again.Descriptor.IsDirect "direct"
                    let! _ = File.readNext again two
                    Expect.equal (two.ToArray()) "xt"B "goes on where the other was"
                    let! status = File.status installed
                    Expect.equal status.Length 4L "status"
                    do! File.close installed
                    let! text = textOf again
                    Expect.equal text "text" "the other is still open"
                    do! File.close again
                }

            runOn host program
            let first, second = runOn host (openIt folder), runOn host (openIt folder)
            runOn host (File.close first)
            runOn host (File.close second))

        case "cancelled too late, it is there to be closed" (fun host folder ->
            let file = runOn host (File.openRead (at folder "file"))

            for _ in 1..20 do
                use source = new CancellationTokenSource()
                let request = FileRequest.makeDirect file.Descriptor
                let running = startAs host request source.Token
                source.Cancel()

                match failureOf (fun () -> finish "makeDirect" running) with
                | null ->
                    let direct = host.Loop.OwnDirect(FileRequest.slotOf request)
                    host.Loop.CloseDescriptor(direct).AsTask() |> finish "close" |> ignore
                | :? OperationCanceledException -> ()
                | other -> failtest $"{other}"

            let first, second = runOn host (openIt folder), runOn host (openIt folder)
            runOn host (File.close first)
            runOn host (File.close second)
            runOn host (File.close file))

        testCase "an older kernel says which it needs" (fun () ->
            withLoopOf (FaultyKernel(Hidden = [ Opcode.FilesUpdate ])) small (fun host ->
                match
                    failureOf (fun () ->
                        runOn
                            host
                            (uring {
                                let! pipe = Pipe.create
                                let! result = Uring.catch (File.makeDirect pipe.Reader)
                                do! Pipe.close pipe

                                return
                                    (match result with
                                     | Ok _ -> ()
                                     | Error reason -> raise reason)
                            }))
                with
                | :? PlatformNotSupportedException -> ()
                | other -> failtest $"{other}"))
    ]

let private echo (ours: Socket) (theirs: Peer) =
    uring {
        theirs.Send "hello"B |> ignore
        let buffer = Array.zeroCreate<byte> 5
        let! count = Socket.receive ours (Memory buffer)
        do! Socket.send ours (ReadOnlyMemory(buffer, 0, count))
        let answer = Array.zeroCreate<byte> 5
        Expect.equal (theirs.Receive answer, answer) (5, "hello"B) "there and back"
    }

let private sockets =
    testList "sockets" [
        case "one is accepted, another connects, a third is made direct" (fun host _ ->
            let program =
                uring {
                    use! listener = Socket.listen loopback 16
                    use peer = new Peer(SocketType.Stream, ProtocolType.Tcp)
                    peer.Connect(Socket.localEndPoint listener)
                    let! accepted = Socket.acceptDirect listener
                    Expect.isTrue accepted.Descriptor.IsDirect "direct"
                    do! echo accepted peer
                    do! Socket.close accepted
                    let! connected = Socket.connectDirect (Socket.localEndPoint listener)
                    Expect.isTrue connected.Descriptor.IsDirect "direct"
                    let! other = Socket.accept listener
                    do! Socket.send connected (ReadOnlyMemory "x"B)
                    let! direct = Socket.makeDirect other
                    do! Socket.close other
                    let buffer = Memory(Array.zeroCreate<byte> 5)
                    let! count = Socket.receive direct buffer
                    Expect.equal count 1 "received"
                    do! Socket.close direct
                    do! Socket.close connected
                }

            runOn host program
            runOn host program)

        case "a connection that is refused leaves its slot free" (fun host folder ->
            for _ in 0..slots do
                match
                    failureOf (fun () ->
                        runOn host (Socket.connectDirect (Net.IPEndPoint(Net.IPAddress.Loopback, 1))))
                with
                | :? SocketException as reason ->
                    Expect.equal reason.SocketErrorCode SocketError.ConnectionRefused "code"
                | other -> failtest $"{other}"

            runOn
                host
                (uring {
                    let! file = openIt folder
                    do! File.close file
                }))
    ]

let private facade =
    testList "C#" [
        Observe.inFolderCase "files and sockets" (fun folder ->
            task {
                Bcl.WriteAllText(at folder "file", "text")
                use ring = new global.Uring.Ring(global.Uring.RingOptions(DirectDescriptors = slots))
                use! file = Facade.OpenDirectAsync(at folder "file", ring = ring)
                let buffer = Memory(Array.zeroCreate<byte> 4)
                let! count = file.ReadAsync(buffer, 0L)
                Expect.equal (count, file.IsDirect) (4, true) "read"

                let! status = file.GetStatusAsync()
                Expect.equal status.Length 4L "by a number that it has for a moment"
                use! installed = file.InstallAsync()
                Expect.isFalse installed.IsDirect "a descriptor of the process"
                let! length = installed.GetLengthAsync()
                Expect.equal length 4L "length"
                use! again = installed.MakeDirectAsync()
                Expect.isTrue again.IsDirect "direct"
                let full () = Observe.discard (Facade.OpenDirectAsync(at folder "file", ring = ring))
                let! reason = Observe.raises<IOException> "full" full
                Expect.equal reason.HResult 23 "ENFILE"
                let missing () = Observe.discard (Facade.OpenDirectAsync(at folder "missing", ring = ring))
                let! _ = Observe.raises<FileNotFoundException> "missing" missing
                do! file.DisposeAsync()
                do! again.DisposeAsync()
                use! listener = global.Uring.UringListener.ListenAsync(loopback, ring = ring)
                use! ours = global.Uring.UringSocket.ConnectDirectAsync(listener.LocalEndPoint, ring)
                use! theirs = listener.AcceptDirectAsync()
                do! ours.SendAllAsync(ReadOnlyMemory "echo"B)
                let! count = theirs.ReceiveAsync buffer
                Expect.equal (count, ours.IsDirect, theirs.IsDirect) (4, true, true) "received"
                do! ours.DisposeAsync()
                use! installed = theirs.InstallAsync()
                use! direct = installed.MakeDirectAsync()
                Expect.isTrue direct.IsDirect "direct"
                do! ring.DisposeAsync()
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "DirectFile" [ files; sockets; facade ]
