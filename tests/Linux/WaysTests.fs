/// Ways of doing what other files of tests do plainly: reads and writes with an I/O priority or without a signal, many
/// accepts with flags, splices with modes, names that are changed with other credentials.
// Length: one small list for each of the ways.
module Uring.Tests.Linux.WaysTests

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
type private Urgent = global.Uring.FilePriority
type private Class = global.Uring.FilePriorityClass

let private text (value: string) = ReadOnlyMemory(Text.Encoding.UTF8.GetBytes value)
let private room () = Memory(Array.zeroCreate<byte> 16)

/// A file of five bytes, to read and to write.
let private opened (host: LoopThread) (folder: string) =
    let path = at folder "file"
    Bcl.WriteAllText(path, "hello")
    runOn host (File.openWith OpenFlags.ReadWrite UnixFileMode.UserRead path)

let private outOfRange name (body: unit -> 'T) =
    match failureOf body with
    | :? ArgumentOutOfRangeException as reason -> Expect.equal reason.ParamName name "which"
    | other -> failtest $"{other}"

let private priorities =
    testList "I/O priority" [
        folderCase "of every class and level, of reads and writes of every form" (fun host folder ->
            let file = opened host folder

            let all = [
                PriorityClass.None, 0

                for priority in [ PriorityClass.BestEffort; PriorityClass.Idle ] do
                    for level in 0..7 do
                        priority, level
            ]

            for priority, level in all do
                let read = runOn host (File.readWithPriority priority level file (room ()) 0L)
                let wrote = runOn host (File.writeWithPriority priority level file (text "HE") 0L)
                Expect.equal (read, wrote) (5, 2) $"{priority} {level}"

            let buffer = runOn host (RegisteredBuffer.create 16)
            let memory = RegisteredBuffer.whole buffer

            for request in
                [
                    FileRequest.readNext file.Descriptor (room ())
                    RegisteredRequest.read file.Descriptor memory 0L
                    RegisteredRequest.readVector file.Descriptor [| memory |] 0L
                ] do
                let urgent = FileRequest.prioritized PriorityClass.Idle 7 request
                Expect.equal urgent.Submission.Priority 0x6007us "ioprio"
                Expect.equal (attempt host urgent) 5 "read"

            runOn host (RegisteredBuffer.close buffer)
            runOn host (File.close file))

        folderCase "the kernel refuses what is no class, and a level without one" (fun host folder ->
            let file = opened host folder

            for priority in [ 0x8000us; 0xE000us; 0x0005us ] do
                let request = FileRequest.read file.Descriptor (room ()) 0L
                let wrong = { request with Submission = { request.Submission with Priority = priority } }
                Expect.equal (errnoOf host wrong) Errno.EINVAL $"{priority}"

            runOn host (File.close file))

        folderCase "what is no priority never reaches the kernel" (fun host folder ->
            let file = opened host folder

            let ask priority level =
                FileRequest.prioritized priority level (FileRequest.read file.Descriptor (room ()) 0L)

            outOfRange "priority" (fun () -> ask (enum 4) 0)
            outOfRange "level" (fun () -> ask PriorityClass.Idle 8)
            outOfRange "level" (fun () -> ask PriorityClass.Idle -1)
            outOfRange "level" (fun () -> ask PriorityClass.None 1)

            Expect.throwsT<ArgumentException>
                (fun () ->
                    FileRequest.prioritized PriorityClass.Idle 0 (FileRequest.sync file.Descriptor false)
                    |> ignore)
                "no read or write"

            runOn host (File.close file))

        folderCase "cancelled before: nothing is written" (fun host folder ->
            let file = opened host folder
            let program = File.writeWithPriority PriorityClass.Idle 0 file (text "XX") 0L
            let running = Uring.startOn host (CancellationToken true) program
            ended "write" running
            Expect.isTrue running.IsCanceled "cancelled"
            Expect.equal (Bcl.ReadAllText(at folder "file")) "hello" "nothing"
            runOn host (File.close file))

        Observe.inFolderCase "from C#" (fun folder ->
            task {
                let path = at folder "file"
                Bcl.WriteAllText(path, "hello")
                use! file = Facade.OpenAsync(path, FileMode.Open, FileAccess.ReadWrite)
                let! wrote = file.WriteSomeAsync(text "HE", 0L, Urgent(Class.BestEffort, 7))
                let! read = file.ReadAsync(room (), 0L, Urgent(Class.Idle))
                Expect.equal (wrote, read) (2, 5) "bytes"
                Expect.equal (Bcl.ReadAllText path) "HEllo" "contents"
                outOfRange "level" (fun () -> Urgent(Class.None, 1))
                outOfRange "level" (fun () -> Urgent(Class.Idle, 8))
                outOfRange "priorityClass" (fun () -> Urgent(enum<Class> 9))
                let read () = Observe.discard (file.ReadAsync(room (), -1L, Urgent()))
                let! _ = Observe.raises<ArgumentOutOfRangeException> "offset" read
                ()
            })
    ]

let private signals =
    testList "no signal" [
        folderCase "a write with it, and one that nobody reads" (fun host folder ->
            let file = opened host folder

            Expect.equal
                (runOn
                    host
                    (Uring.perform (
                        FileRequest.transferring
                            TransferFlags.NoSignal
                            (FileRequest.write file.Descriptor (text "HE") 0L)
                    )))
                2
                "a file"

            let pipe = runOn host Pipe.create
            runOn host (File.close pipe.Reader)

            let broken =
                FileRequest.writeNext pipe.Writer.Descriptor (text "x")
                |> FileRequest.transferring TransferFlags.NoSignal

            Expect.equal (errnoOf host broken) Errno.EPIPE "nobody reads"
            runOn host (File.close pipe.Writer)
            runOn host (File.close file))

        folderCase "and a flag that nobody knows is refused: EOPNOTSUPP" (fun host folder ->
            let file = opened host folder
            let request = FileRequest.write file.Descriptor (text "HE") 0L
            let unknown = { request with Submission = { request.Submission with OpFlags = 0x200u } }
            Expect.equal (errnoOf host unknown) Errno.EOPNOTSUPP "unknown"
            runOn host (File.close file))

        testCase "before 6.18 it never reaches the kernel" (fun () ->
            inFolder (fun folder ->
                withLoopOf (FaultyKernel(Hidden = [ Opcode.Pipe ])) LoopOptions.standard (fun host ->
                    let file = opened host folder

                    match
                        failureOf (fun () ->
                            runOn host (File.writeAs TransferFlags.NoSignal file (text "XX") 0L))
                    with
                    | :? PlatformNotSupportedException as reason ->
                        Expect.stringContains reason.Message "Linux 6.18" "which"
                    | other -> failtest $"{other}"

                    Expect.equal (Bcl.ReadAllText(at folder "file")) "hello" "nothing"
                    runOn host (File.close file))))
    ]

let private peersAt (endPoint: Net.EndPoint) count = [
    for _ in 1..count do
        let peer = new Peer(SocketType.Stream, ProtocolType.Tcp)
        peer.Connect endPoint
        peer
]

let private peers (listener: Uring.FSharp.Socket) count = peersAt (Socket.localEndPoint listener) count

let private withListener (host: LoopThread) (body: Uring.FSharp.Socket -> unit) =
    let listener = runOn host (Socket.listen loopback 8)
    body listener
    runOn host (Socket.close listener)

let private next (stream: UringStream<'T>) : Uring<'T> =
    uring {
        let! more = UringStream.next stream
        Expect.isTrue more "goes on"
        return stream.Current
    }

let private leave (stream: UringStream<'T>) =
    (stream :> IAsyncDisposable).DisposeAsync().AsTask() |> finished "leave"

let private isWouldBlock (failure: exn | null) =
    match failure with
    | :? SocketException as reason -> Expect.equal reason.SocketErrorCode SocketError.WouldBlock "code"
    | other -> failtest $"{other}"

let private accepts =
    testList "many accepts" [
        testCase "who waits first, is told of those who come" (fun () ->
            withLoop (fun host ->
                withListener host (fun listener ->
                    let stream = runOn host (SocketTransfer.acceptMany AcceptFlags.PollFirst listener)

                    for peer in peers listener 3 do
                        runOn host (Socket.close (runOn host (next stream)))
                        peer.Dispose()

                    leave stream)))

        for name, hidden in [ "", []; ", one by one on an old kernel", [ Opcode.Socket ] ] do
            testCase $"who may not wait takes those who are there, and then fails{name}" (fun () ->
                withLoop (fun helper ->
                    // What makes sockets is hidden as well: this one is handed over.
                    let made = runOn helper (Socket.listen loopback 8)
                    let endPoint = Socket.localEndPoint made

                    withLoopOf (FaultyKernel(Hidden = hidden)) LoopOptions.standard (fun host ->
                        Expect.isTrue (made.Descriptor.AskClose()) "nobody else closes it"
                        GC.SuppressFinalize made.Descriptor
                        let descriptor = host.Loop.Own made.Descriptor.Number

                        let listener =
                            Uring.FSharp.Socket(host.Loop, descriptor, AddressFamily.InterNetwork)

                        let waiting = peersAt endPoint 2
                        let stream = runOn host (SocketTransfer.acceptMany AcceptFlags.DontWait listener)

                        for peer in waiting do
                            runOn host (Socket.close (runOn host (next stream)))
                            peer.Dispose()

                        isWouldBlock (failureOf (fun () -> runOn host (next stream)))
                        leave stream
                        Expect.equal host.Loop.InFlight 0 "over"
                        host.Loop.CloseDescriptor(descriptor).AsTask() |> finish "close" |> ignore)))

        testCase "who may not wait is refused before 6.10; the hint is left out" (fun () ->
            withLoopOf (FaultyKernel(Lacks = FeatureFlags.Bundle)) LoopOptions.standard (fun host ->
                withListener host (fun listener ->
                    match
                        failureOf (fun () ->
                            runOn host (SocketTransfer.acceptMany AcceptFlags.DontWait listener))
                    with
                    | :? PlatformNotSupportedException as reason ->
                        Expect.stringContains reason.Message "6.10" "which"
                    | other -> failtest $"{other}"

                    let stream = runOn host (SocketTransfer.acceptMany AcceptFlags.PollFirst listener)

                    for peer in peers listener 1 do
                        runOn host (Socket.close (runOn host (next stream)))
                        peer.Dispose()

                    leave stream)))

        Observe.tidyCase "from C#" (fun () ->
            task {
                use ring = new Uring.Ring()
                use! listener = Uring.UringListener.ListenAsync(loopback, 8, ring)
                use peer = new Peer(SocketType.Stream, ProtocolType.Tcp)
                peer.Connect listener.LocalEndPoint
                let all = listener.AcceptAllAsync(Uring.AcceptFlags.DontWait).GetAsyncEnumerator()
                let! more = all.MoveNextAsync()
                Expect.isTrue more "one waits"
                do! all.Current.DisposeAsync()

                let! failure =
                    Observe.raises<SocketException> "nobody" (fun () ->
                        Observe.discard (all.MoveNextAsync()))

                isWouldBlock failure
                do! all.DisposeAsync()

                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> listener.AcceptAllAsync(enum<Uring.AcceptFlags> 0x40) |> ignore)
                    "no flag"
            })
    ]

let private splices =
    testList "splices" [
        testCase "from a socket to a pipe and back, with modes" (fun () ->
            withLoop (fun host ->
                let struct (ours, theirs) = connectPair host
                let pipe = runOn host Pipe.create
                let modes = SpliceModes.Move ||| SpliceModes.More
                theirs.Send "hello"B |> ignore
                Expect.equal (runOn host (Socket.spliceToAs modes ours pipe.Writer 100)) 5 "to the pipe"
                Expect.equal (runOn host (Socket.spliceFromAs modes pipe.Reader ours 100)) 5 "to the socket"
                let buffer = Array.zeroCreate<byte> 9
                Expect.equal (theirs.Receive buffer) 5 "and the peer has it"
                runOn host (Pipe.close pipe)
                theirs.Dispose()
                runOn host (Socket.close ours)))

        testCase "an empty pipe, which may not be waited for: EAGAIN" (fun () ->
            withLoop (fun host ->
                let struct (ours, theirs) = connectPair host
                let pipe = runOn host Pipe.create

                match
                    failureOf (fun () ->
                        runOn host (Socket.spliceFromAs SpliceModes.NonBlocking pipe.Reader ours 100))
                with
                | :? IOException as reason -> Expect.equal reason.HResult (int Errno.EAGAIN) "errno"
                | other -> failtest $"{other}"

                runOn host (Pipe.close pipe)
                theirs.Dispose()
                runOn host (Socket.close ours)))

        Observe.tidyCase "from C#" (fun () ->
            Pairs.connected (fun client server ->
                task {
                    use! pipe = Uring.UringPipe.CreateAsync()
                    do! server.SendAllAsync(Pairs.bytesOf "hello")
                    let! into = client.SpliceAsync(pipe.Writer, 100, Uring.SpliceModes.Move)
                    Expect.equal into 5 "to the pipe"
                    let! from = pipe.Reader.SpliceAsync(client, 100, Uring.SpliceModes.More)
                    Expect.equal from 5 "to the socket"
                    let! echoed = Pairs.receiveExactly server 5
                    Expect.equal echoed (Pairs.bytesOf "hello") "bytes"

                    let! _ =
                        Observe.raises<ArgumentOutOfRangeException> "no mode" (fun () ->
                            Observe.discard (
                                client.SpliceAsync(pipe.Writer, 1, enum<Uring.SpliceModes> 0x40)
                            ))

                    ()
                }))
    ]

let private names =
    testList "names with credentials" [
        Observe.inFolderCase "made, moved and removed, from C#" (fun folder ->
            task {
                use ring = new Uring.Ring()
                use! personality = ring.RegisterPersonalityAsync()
                let path name = at folder name
                do! personality.CreateDirectoryAsync(path "directory")
                let! file = personality.OpenAsync(path "file", FileMode.CreateNew, FileAccess.Write)
                do! file.DisposeAsync()
                do! personality.CreateHardLinkAsync(path "link", path "file")
                do! personality.CreateSymbolicLinkAsync(path "symbolic", path "file")
                let! status = personality.StatusAsync(path "symbolic")
                Expect.equal (status.Kind, status.LinkCount) (Uring.FileKind.Regular, 2) "status"

                let! itself =
                    personality.StatusAsync(path "symbolic", Uring.StatusFields.Kind, followLinks = false)

                Expect.equal itself.Kind Uring.FileKind.SymbolicLink "the link"
                do! personality.SetAttributeAsync(path "file", "user.note", Pairs.bytesOf "a note")
                let! note = personality.GetAttributeAsync(path "symbolic", "user.note")
                Expect.equal note "a note"B "attribute"

                let! _ =
                    Observe.raises<IOException> "it is there" (fun () ->
                        personality.MoveAsync(path "file", path "link"))

                do! personality.MoveAsync(path "file", path "link", true)
                use! temporary = personality.CreateTemporaryAsync folder
                do! temporary.WriteAsync(Pairs.bytesOf "x", 0L)
                use! opened = personality.OpenDirectoryAsync folder
                let! found = opened.StatusAsync "file"
                Expect.equal found.LinkCount 2 "one file still: both names are its own"
                do! personality.MoveAsync(path "file", path "directory/moved", Uring.RenameRules.NoReplace)
                Expect.isTrue (Bcl.Exists(path "directory/moved")) "moved"

                let! _ =
                    Observe.raises<DirectoryNotFoundException> "no directory" (fun () ->
                        personality.RemoveDirectoryAsync(path "none"))

                let! _ =
                    Observe.raises<IOException> "not empty" (fun () ->
                        personality.RemoveDirectoryAsync(path "directory"))

                do! personality.DeleteAsync(path "directory/moved")
                do! personality.RemoveDirectoryAsync(path "directory")
                Expect.isFalse (Directory.Exists(path "directory")) "removed"

                let! _ =
                    Observe.raises<FileNotFoundException> "missing" (fun () ->
                        personality.DeleteAsync(path "none"))

                let! _ =
                    Observe.raises<DirectoryNotFoundException> "no folder" (fun () ->
                        personality.CreateDirectoryAsync(path "none/directory"))

                do!
                    Observe.isCancelled "before" (fun () ->
                        personality.DeleteAsync(path "none", CancellationToken true))

                do! personality.DisposeAsync()

                let! _ =
                    Observe.raises<ObjectDisposedException> "forgotten" (fun () ->
                        personality.DeleteAsync(path "none"))

                ()
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "Ways" [ priorities; signals; accepts; splices; names ]
