/// Descriptors from elsewhere and to elsewhere: what they are is looked at, who closes them, and that nothing stays open.
module Uring.Tests.Linux.HandleTests

open System
open System.IO
open System.IO.Pipes
open System.Net
open System.Net.Sockets
open System.Runtime.InteropServices
open System.Threading
open System.Threading.Tasks
open Expecto
open Microsoft.Win32.SafeHandles
open Uring
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Observe
open Uring.Tests.Linux.Hosting

let private refused (text: string) (make: unit -> obj) =
    match failureOf make with
    | :? ArgumentException as reason ->
        Expect.equal reason.ParamName "handle" "which"
        Expect.stringContains reason.Message text "why"
    | other -> failtest $"{other}"

/// A connection of the BCL's: the client, which is to be wrapped, and its peer.
let private bclPair () =
    use listener = new TcpListener(IPAddress.Loopback, 0)
    listener.Start()
    let client = new Peer(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
    client.Connect(listener.LocalEndpoint)
    let peer = listener.AcceptSocket()
    client, peer

let private files =
    testList "file" [
        inFolderCase "of the BCL is read where it stands, and closed with its new owner" (fun folder ->
            task {
                let path = Path.Combine(folder, "file")
                File.WriteAllText(path, "contents")
                let handle = File.OpenHandle path
                use file = UringFile.FromHandle(handle, ownsHandle = true)
                Expect.isTrue handle.IsClosed "taken over"
                let buffer = Array.zeroCreate<byte> 8
                do! file.ReadExactlyAsync(Memory buffer, 0L)
                Expect.equal buffer "contents"B "bytes"

                // It is open to read, and nobody has to say so.
                let! _ =
                    raises<NotSupportedException> "written" (fun () ->
                        file.WriteAsync(ReadOnlyMemory buffer, 0L))

                ()
            })

        inFolderCase "that stays the caller's is open until both are disposed of" (fun folder ->
            task {
                let path = Path.Combine(folder, "file")
                use handle = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite)
                let file = UringFile.FromHandle(handle, ownsHandle = false)
                do! file.WriteAsync(ReadOnlyMemory "abc"B, 0L)
                do! file.DisposeAsync()
                Expect.equal (RandomAccess.GetLength handle) 3L "still open"
                let file = UringFile.FromHandle(handle, ownsHandle = false)
                handle.Dispose()
                let! status = file.GetLengthAsync()
                Expect.equal status 3L "and the other way round"
                do! file.DisposeAsync()
            })

        tidyCase "that is an end of a pipe" (fun () ->
            task {
                use writer = new AnonymousPipeServerStream(PipeDirection.Out)
                use reader = UringFile.FromHandle(writer.ClientSafePipeHandle, ownsHandle = true)
                let buffer = Array.zeroCreate<byte> 8
                let reading = reader.ReadNextAsync(Memory buffer).AsTask()
                writer.Write("hi"B, 0, 2)
                let! count = reading
                Expect.equal (count, buffer[0]) (2, byte 'h') "it waited"
                do! reader.DisposeAsync()
                Expect.throwsT<IOException> (fun () -> writer.Write("x"B, 0, 1)) "nobody reads any more"
            })

        inFolderCase "duplicated has the same position, and its own life" (fun folder ->
            task {
                let path = Path.Combine(folder, "file")
                File.WriteAllText(path, "abcdef")
                let! file = UringFile.OpenAsync path
                let other = file.Duplicate()
                let buffer = Array.zeroCreate<byte> 3
                let! _ = file.ReadNextAsync(Memory buffer)
                do! file.DisposeAsync()
                let! _ = other.ReadNextAsync(Memory buffer)
                Expect.equal buffer "def"B "goes on"
                use handle = other.DuplicateHandle()
                do! other.DisposeAsync()
                Expect.equal (RandomAccess.GetLength handle) 6L "out of here"
                Expect.throwsT<ObjectDisposedException> (fun () -> other.Duplicate() |> ignore) "disposed"
            })

        folderCase "F#: the same, and a duplicate" (fun host folder ->
            File.WriteAllText(at folder "file", "contents")
            use handle = File.OpenHandle(at folder "file")
            let file = runOn host (File.ofHandle false handle)
            let other = File.duplicate file
            runOn host (File.close file)
            let buffer = Memory(Array.zeroCreate<byte> 8)
            Expect.equal (runOn host (File.read other buffer 0L)) 8 "bytes"
            use out = File.duplicateHandle other
            runOn host (File.close other)
            Expect.equal (RandomAccess.GetLength out) 8L "out of here")

        folderCase "that is none is refused, and stays the caller's" (fun host folder ->
            use socket = new Peer(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
            refused "is a socket" (fun () -> UringFile.FromHandle(socket.SafeHandle, ownsHandle = true))
            Expect.isFalse socket.SafeHandle.IsClosed "socket"
            let directory = runOn host (File.openWith OpenFlags.Directory UnixFileMode.None folder)
            use handle = File.duplicateHandle directory
            refused "is a directory" (fun () -> UringFile.FromHandle(handle, ownsHandle = true))
            Expect.isFalse handle.IsClosed "directory"
            let name = runOn host (File.openWith OpenFlags.Path UnixFileMode.None folder)
            use named = File.duplicateHandle name
            refused "O_PATH" (fun () -> UringFile.FromHandle(named, ownsHandle = true))
            use invalid = new SafeFileHandle(-1n, true)
            refused "not an open descriptor" (fun () -> UringFile.FromHandle(invalid, ownsHandle = true))
            let closed = File.OpenHandle "/dev/null"
            closed.Dispose()

            Expect.throwsT<ObjectDisposedException>
                (fun () -> UringFile.FromHandle(closed, ownsHandle = true) |> ignore)
                "closed")

        testCase "when no descriptor is left" (fun () ->
            let kernel = FaultyKernel()
            kernel.OnDuplicate <- Answer.always (Answer.Before Errno.EMFILE)

            withLoopOf kernel LoopOptions.standard (fun host ->
                use handle = File.OpenHandle "/dev/null"

                match failureOf (fun () -> runOn host (File.ofHandle true handle)) with
                | :? IOException as reason -> Expect.equal reason.HResult 24 "EMFILE"
                | other -> failtest $"{other}"

                Expect.isFalse handle.IsClosed "it stays the caller's"))
    ]

let private sockets =
    testList "socket" [
        tidyCase "of the BCL: what is sent before it is closed arrives, and then the end" (fun () ->
            task {
                let client, peer = bclPair ()
                use peer = peer
                client.LingerState <- LingerOption(false, 0)
                let socket = UringSocket.FromHandle(client.SafeHandle, ownsHandle = true)
                client.Dispose()
                Expect.equal socket.RemoteEndPoint (nonNull peer.LocalEndPoint) "connected"
                Expect.isFalse socket.LingerState.Enabled "the BCL's way to close is undone"
                do! socket.SendAllAsync(ReadOnlyMemory "hello"B)
                do! socket.DisposeAsync()
                let buffer = Array.zeroCreate<byte> 8
                Expect.equal (peer.Receive buffer) 5 "bytes"
                Expect.equal (peer.Receive buffer) 0 "the end, and no reset"
            })

        tidyCase "that stays the caller's works on both sides" (fun () ->
            task {
                let client, peer = bclPair ()
                use peer = peer
                use client = client
                let socket = UringSocket.FromHandle(client.SafeHandle, ownsHandle = false)
                let buffer = Array.zeroCreate<byte> 8
                let receiving = socket.ReceiveAsync(Memory buffer).AsTask()
                peer.Send "abc"B |> ignore
                let! count = receiving
                Expect.equal count 3 "here"
                do! socket.DisposeAsync()
                Expect.equal (client.Send "def"B) 3 "there"
                Expect.equal (peer.Receive buffer) 3 "and at the peer"
            })

        tidyCase "that the BCL has used asynchronously waits all the same (O_NONBLOCK)" (fun () ->
            task {
                let client, peer = bclPair ()
                use peer = peer
                use client = client
                let! _ = client.SendAsync(ReadOnlyMemory "x"B, SocketFlags.None)
                let! _ = peer.ReceiveAsync(Memory(Array.zeroCreate<byte> 1), SocketFlags.None)
                use socket = UringSocket.FromHandle(client.SafeHandle, ownsHandle = false)
                let receiving = socket.ReceiveAsync(Memory(Array.zeroCreate<byte> 8)).AsTask()
                do! Ring.Default.NopAsync()
                Expect.isFalse receiving.IsCompleted "nothing is there"
                peer.Send "abc"B |> ignore
                let! count = receiving
                Expect.equal count 3 "it waited"
            })

        tidyCase "out of here: the BCL goes on with it" (fun () ->
            task {
                do!
                    Pairs.connected (fun client server ->
                        task {
                            use peer = new Peer(client.DuplicateHandle())
                            do! client.DisposeAsync()
                            peer.Send "hi"B |> ignore
                            let! bytes = Pairs.receiveExactly server 2
                            Expect.equal bytes "hi"B "bytes"
                        })
            })

        tidyCase "duplicated: the connection ends with the last" (fun () ->
            task {
                do!
                    Pairs.connected (fun client server ->
                        task {
                            let other = client.Duplicate()
                            do! client.DisposeAsync()
                            do! other.SendAllAsync(ReadOnlyMemory "hi"B)
                            let! bytes = Pairs.receiveExactly server 2
                            Expect.equal bytes "hi"B "open"
                            do! other.DisposeAsync()
                            let! count = server.ReceiveAsync(Pairs.buffer 1)
                            Expect.equal count 0 "over"
                        })
            })

        tidyCase "that listens is a listener, and no connection" (fun () ->
            task {
                use bcl = new Peer(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
                bcl.Bind loopback

                refused "does not listen" (fun () ->
                    UringListener.FromHandle(bcl.SafeHandle, ownsHandle = true))

                bcl.Listen 4
                refused "listens" (fun () -> UringSocket.FromHandle(bcl.SafeHandle, ownsHandle = true))
                use listener = UringListener.FromHandle(bcl.SafeHandle, ownsHandle = false)
                use! client = UringSocket.ConnectAsync(nonNull bcl.LocalEndPoint)
                use! server = listener.AcceptAsync()
                Expect.equal server.RemoteEndPoint client.LocalEndPoint "accepted"
                use other = listener.Duplicate()
                use! _ = UringSocket.ConnectAsync other.LocalEndPoint
                use! _ = other.AcceptAsync()
                use handle = listener.DuplicateHandle()
                Expect.isFalse handle.IsInvalid "out of here"
            })

        testCase "that is none is refused" (fun () ->
            use handle = File.OpenHandle "/dev/null"
            refused "is not a socket" (fun () -> UringSocket.FromHandle(handle, ownsHandle = true))
            refused "is not a socket" (fun () -> UringListener.FromHandle(handle, ownsHandle = true))
            Expect.isFalse handle.IsClosed "it stays the caller's")

        testCase "in the ring's table has no number that could be duplicated" (fun () ->
            withLoopOf LinuxKernel.Instance { LoopOptions.standard with DirectDescriptors = 4 } (fun host ->
                let socket =
                    runOn
                        host
                        (Socket.createDirect AddressFamily.InterNetwork SocketType.Dgram ProtocolType.Udp)

                Expect.throwsT<NotSupportedException> (fun () -> Socket.duplicate socket |> ignore) "direct"
                runOn host (Socket.close socket)))

        testCase "on a kernel without the hint to wait first (5.18), which is left out then" (fun () ->
            withLoopOf (FaultyKernel(Hidden = [ Opcode.Socket ])) LoopOptions.standard (fun host ->
                let client, peer = bclPair ()
                use peer = peer
                let socket = runOn host (Socket.ofHandle true client.SafeHandle)

                let request =
                    SocketRequest.receiveWith ReceiveFlags.PollFirst socket.Descriptor Memory.Empty

                Expect.equal request.Submission.Priority 0us "no hint"
                peer.Send "x"B |> ignore

                let receive =
                    SocketTransfer.receive ReceiveFlags.PollFirst socket (Memory(Array.zeroCreate<byte> 1))

                Expect.equal (runOn host receive) 1 "bytes"
                runOn host (Socket.close socket)))

        testCase "F#: from the BCL, and a duplicate" (fun () ->
            withLoop (fun host ->
                let client, peer = bclPair ()
                use peer = peer
                let socket = runOn host (Socket.ofHandle true client.SafeHandle)
                let other = Socket.duplicate socket
                runOn host (Socket.close socket)
                runOn host (Socket.send other (ReadOnlyMemory "hi"B))
                Expect.equal (peer.Receive(Array.zeroCreate<byte> 4)) 2 "bytes"
                use out = new Peer(Socket.duplicateHandle other)
                runOn host (Socket.close other)
                Expect.equal (out.Send "x"B) 1 "out of here"))
    ]

/// What came along with a message is read, or spoken with.
let private received =
    folderCase "a file and a socket that came with a message (SCM_RIGHTS)" (fun host folder ->
        let mailbox = runOn host (Socket.create AddressFamily.Unix SocketType.Dgram ProtocolType.Unspecified)
        runOn host (Socket.bind mailbox (UnixDomainSocketEndPoint(at folder "mailbox")))
        File.WriteAllText(at folder "file", "contents")
        let client, peer = bclPair ()
        use peer = peer
        use file = File.OpenHandle(at folder "file")

        let extras = {
            MessageExtras.none with
                Handles = [ file; client.SafeHandle ]
                EndPoint = Socket.localEndPoint mailbox
        }

        runOn host (SocketMessages.send mailbox [| ReadOnlyMemory "x"B |] extras) |> ignore
        let room = ControlMessage.roomForDescriptors 2
        let buffer = [| Memory(Array.zeroCreate<byte> 1) |]
        use receipt = runOn host (SocketMessages.receive mailbox buffer room ReceiveFlags.None)
        let handles = receipt.TakeHandles()
        client.Dispose()

        let program =
            uring {
                use! file = File.ofHandle true handles[0]
                use! socket = Socket.ofHandle true handles[1]
                let bytes = Memory(Array.zeroCreate<byte> 8)
                let! count = File.read file bytes 0L
                do! Socket.send socket (Memory.op_Implicit (bytes.Slice(0, count)))
            }

        runOn host program
        let bytes = Array.zeroCreate<byte> 16
        Expect.equal (peer.Receive bytes) 8 "all of it"
        Expect.equal bytes[..7] "contents"B "bytes"
        runOn host (Socket.close mailbox))

let private rings =
    testList "ring" [
        tidyCase "polled by another, once and again and again, while completions come" (fun () ->
            task {
                use one = new global.Uring.Ring()
                use other = new global.Uring.Ring()
                use handle = one.DuplicateHandle()
                let waiting = other.PollAsync(handle, global.Uring.PollEvents.Readable).AsTask()
                do! Observe.eventually "in flight" (fun () -> other.InFlight = 1)
                Expect.isFalse waiting.IsCompleted "nothing has come"

                // The first to ask may be heard a little later than the first that comes.
                while not waiting.IsCompleted do
                    do! one.NopAsync()

                let! found = waiting
                Expect.equal found global.Uring.PollEvents.Readable "events"
                let all = other.PollAllAsync(handle, global.Uring.PollEvents.Readable).GetAsyncEnumerator()

                for _ in 1..3 do
                    let next = all.MoveNextAsync().AsTask()

                    while not next.IsCompleted do
                        do! one.NopAsync()

                    Expect.equal all.Current global.Uring.PollEvents.Readable "again"

                do! all.DisposeAsync()
                do! one.DisposeAsync()

                let! _ =
                    raises<ObjectDisposedException> "ended" (fun () ->
                        one.DuplicateHandle().Dispose()
                        ValueTask())

                ()
            })

        testCase "from F#" (fun () ->
            withLoop (fun one ->
                withLoop (fun other ->
                    use handle = RingHandle.duplicate one
                    let waiting = startOn other (Poll.once handle PollEvents.Readable)
                    eventually "in flight" (fun () -> other.Loop.InFlight = 1)

                    while not waiting.IsCompleted do
                        runOn one Uring.nop |> ignore

                    Expect.equal (finish "poll" waiting) PollEvents.Readable "events")))
    ]

[<Tests>]
let tests = testSequenced <| testList "Handles" [ files; sockets; received; rings ]
