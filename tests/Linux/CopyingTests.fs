/// Copies between files and connections, in every pair: bytes, ends, limits, the same file, cancellation.
module Uring.Tests.Linux.CopyingTests

open System
open System.IO
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Tests.Linux.Hosting

type private Bcl = System.IO.File
type private Facade = global.Uring.UringFile

/// More than one buffer, and not a multiple of one.
let private contents = Array.init 700_001 (fun index -> byte (index * 7 % 251))

let private source host folder =
    Bcl.WriteAllBytes(at folder "source", contents)
    runOn host (File.openRead (at folder "source"))

let private target host folder = runOn host (File.create (at folder "target"))

let private closed host (files: File list) =
    for file in files do
        runOn host (File.close file)

let private files =
    testList "file to file" [
        folderCase "all of it" (fun host folder ->
            let source, target = source host folder, target host folder
            Expect.equal (runOn host (File.copy source target)) contents.LongLength "bytes"
            closed host [ source; target ]
            Expect.isTrue ((Bcl.ReadAllBytes(at folder "target")).AsSpan().SequenceEqual contents) "contents")

        folderCase "a part, from a place to a place" (fun host folder ->
            let source, target = source host folder, target host folder
            Expect.equal (runOn host (File.copyRange source 100L target 7L 300_000L)) 300_000L "bytes"
            closed host [ source; target ]
            let copied = (Bcl.ReadAllBytes(at folder "target")).AsSpan 7
            Expect.isTrue (copied.SequenceEqual(ReadOnlySpan(contents, 100, 300_000))) "contents")

        folderCase "no more than there is, and nothing of nothing" (fun host folder ->
            let source, target = source host folder, target host folder
            let past = File.copyRange source 700_000L target 0L 50L
            Expect.equal (runOn host past) 1L "one byte is left"
            Expect.equal (runOn host (File.copyRange source 800_000L target 0L 50L)) 0L "past the end"
            Expect.equal (runOn host (File.copyRange source 0L target 0L 0L)) 0L "nothing"
            closed host [ source; target ])

        folderCase "beyond 4 GiB" (fun host folder ->
            let source, target = source host folder, target host folder
            let far = 5_000_000_000L
            Expect.equal (runOn host (File.copyRange source 0L target far 10L)) 10L "there"
            let back = at folder "back"
            let third = runOn host (File.create back)
            Expect.equal (runOn host (File.copyRange target far third 0L Int64.MaxValue)) 10L "and back"
            closed host [ source; target; third ]
            Expect.equal (Bcl.ReadAllBytes back) (Array.take 10 contents) "contents")

        folderCase "a file on itself is refused, by whatever name" (fun host folder ->
            let file = source host folder
            let same = runOn host (File.openWith OpenFlags.ReadWrite UnixFileMode.UserRead file.Path)

            for target in [ file; same ] do
                match failureOf (fun () -> runOn host (File.copy file target)) with
                | :? ArgumentException -> ()
                | other -> failtest $"{other}"

            closed host [ file; same ]
            Expect.equal (FileInfo(at folder "source").Length) contents.LongLength "as it was")

        folderCase "between two rings" (fun host folder ->
            withLoop (fun elsewhere ->
                let source, target = source host folder, target elsewhere folder
                Expect.equal (runOn host (File.copy source target)) contents.LongLength "bytes"
                closed host [ source ]
                closed elsewhere [ target ]))

        folderCase "into what is not open to write: the errno" (fun host folder ->
            let source, other = source host folder, source host folder
            Bcl.WriteAllText(at folder "other", "")
            let target = runOn host (File.openRead (at folder "other"))
            Expect.isNotNull (failureOf (fun () -> runOn host (File.copy source target))) "refused"
            closed host [ source; other; target ])

        folderCase "numbers that are none" (fun host folder ->
            let source, target = source host folder, target host folder

            for offset, targetOffset, length in [ -1L, 0L, 1L; 0L, -1L, 1L; 0L, 0L, -1L ] do
                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> File.copyRange source offset target targetOffset length |> ignore)
                    "refused"

            closed host [ source; target ])

        testCase "from a pipe, until its writer has gone, with one that waits cancelled" (fun () ->
            inFolder (fun folder ->
                withLoop (fun host ->
                    let pipe = runOn host Pipe.create
                    let target = target host folder
                    use gate = new CancellationTokenSource()
                    let waiting = Uring.startOn host gate.Token (File.copy pipe.Reader target)
                    eventually "begun" (fun () -> host.Loop.InFlight > 0)
                    gate.Cancel()

                    match failureOf (fun () -> finish "copy" waiting) with
                    | :? OperationCanceledException -> ()
                    | other -> failtest $"{other}"

                    let copying = startOn host (File.copy pipe.Reader target)
                    runOn host (Uring.discard (File.writeNext pipe.Writer (ReadOnlyMemory "piped"B)))
                    runOn host (File.close pipe.Writer)
                    Expect.equal (finish "copy" copying) 5L "bytes"
                    closed host [ pipe.Reader; target ]
                    Expect.equal (Bcl.ReadAllText(at folder "target")) "piped" "contents")))
    ]

/// Reads all that a peer's peer sends.
let private drain (peer: Peer) : Task<byte array> =
    Task.Run(fun () ->
        use all = new MemoryStream()
        let buffer = Array.zeroCreate<byte> 65536
        let mutable count = peer.Receive buffer

        while count > 0 do
            all.Write(buffer, 0, count)
            count <- peer.Receive buffer

        all.ToArray())

let private sockets =
    testList "connections" [
        folderCase "a file to a peer" (fun host folder ->
            let source = source host folder
            let struct (ours, theirs) = connectPair host
            let received = drain theirs
            Expect.equal (runOn host (Socket.sendFile ours source 1L 600_000L)) 600_000L "a part"

            Expect.equal
                (runOn host (Socket.sendFile ours source 600_001L Int64.MaxValue))
                100_000L
                "the rest"

            runOn host (Socket.close ours)

            Expect.isTrue
                ((finish "drain" received).AsSpan().SequenceEqual(ReadOnlySpan(contents, 1, 700_000)))
                "bytes"

            closed host [ source ]
            theirs.Dispose())

        folderCase "a peer to a file" (fun host folder ->
            let target = target host folder
            let struct (ours, theirs) = connectPair host

            let sending =
                Task.Run(fun () ->
                    theirs.Send contents |> ignore
                    theirs.Dispose())

            Expect.equal (runOn host (Socket.receiveFile ours target 3L 1000L)) 1000L "a part"

            Expect.equal
                (runOn host (Socket.receiveFile ours target 1003L Int64.MaxValue))
                699_001L
                "the rest"

            finished "send" sending
            closed host [ target ]
            runOn host (Socket.close ours)
            let copied = (Bcl.ReadAllBytes(at folder "target")).AsSpan 3
            Expect.isTrue (copied.SequenceEqual contents) "bytes")

        testCase "a relay: both directions, until both have finished" (fun () ->
            withLoop (fun host ->
                let struct (one, client) = connectPair host
                let struct (other, server) = connectPair host

                let direction (source: Socket) (target: Socket) =
                    uring {
                        let! count = Socket.relay source target
                        do! Socket.shutdown target Net.Sockets.SocketShutdown.Send
                        return count
                    }

                let relaying =
                    startOn host (Uring.``parallel`` [ direction one other; direction other one ])

                let atServer, atClient = drain server, drain client

                let sending =
                    Task.Run(fun () ->
                        client.Send contents |> ignore
                        client.Shutdown Net.Sockets.SocketShutdown.Send)

                server.Send "answer"B |> ignore
                server.Shutdown Net.Sockets.SocketShutdown.Send
                finished "send" sending
                Expect.equal (finish "relay" relaying) [| contents.LongLength; 6L |] "counted"
                Expect.isTrue ((finish "server" atServer).AsSpan().SequenceEqual contents) "there"
                Expect.equal (finish "client" atClient) "answer"B "back"

                for peer in [ client; server ] do
                    peer.Dispose()

                for socket in [ one; other ] do
                    runOn host (Socket.close socket)))
    ]

let private facade =
    testList "C#" [
        Observe.inFolderCase "files" (fun folder ->
            task {
                Bcl.WriteAllBytes(at folder "source", contents)
                use! source = Facade.OpenAsync(at folder "source")
                use! target = Facade.OpenAsync(at folder "target", FileMode.Create, FileAccess.ReadWrite)
                let! count = source.CopyToAsync target
                Expect.equal count contents.LongLength "bytes"
                let! count = source.CopyToAsync(target, 700_000L, 1L, 5L)
                Expect.equal count 1L "no more than there is"
                let seen = Bcl.ReadAllBytes(at folder "target")

                Expect.equal
                    (seen[0], seen[1], seen[2])
                    (contents[0], contents[700_000], contents[2])
                    "bytes"

                let itself () = Observe.discard (target.CopyToAsync target)
                let! _ = Observe.raises<ArgumentException> "itself" itself
                let wrongly () = Observe.discard (target.CopyToAsync source)
                let! _ = Observe.raises<NotSupportedException> "not to write" wrongly
                let wrongly () = Observe.discard (source.CopyToAsync(target, -1L))
                let! _ = Observe.raises<ArgumentOutOfRangeException> "offset" wrongly

                let cancelled () =
                    Observe.discard (source.CopyToAsync(target, 0L, 0L, 10L, CancellationToken true))

                do! Observe.isCancelled "before" cancelled
            })

        Observe.inFolderCase "a file to a peer, from peer to peer, to a file" (fun folder ->
            task {
                Bcl.WriteAllBytes(at folder "source", contents)
                use! source = Facade.OpenAsync(at folder "source")
                use! target = Facade.OpenAsync(at folder "target", FileMode.Create, FileAccess.ReadWrite)
                use! listener = global.Uring.UringListener.ListenAsync loopback
                use! first = global.Uring.UringSocket.ConnectAsync listener.LocalEndPoint
                use! firstPeer = listener.AcceptAsync()
                use! second = global.Uring.UringSocket.ConnectAsync listener.LocalEndPoint
                use! secondPeer = listener.AcceptAsync()
                let relaying = firstPeer.CopyToAsync second
                let storing = secondPeer.CopyToAsync target
                let! sent = source.CopyToAsync first
                do! first.ShutdownAsync Net.Sockets.SocketShutdown.Send
                let! relayed = relaying
                do! second.ShutdownAsync Net.Sockets.SocketShutdown.Send
                let! stored = storing
                let all = contents.LongLength
                Expect.equal (sent, relayed, stored) (all, all, all) "counted"

                Expect.isTrue
                    ((Bcl.ReadAllBytes(at folder "target")).AsSpan().SequenceEqual contents)
                    "bytes"
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "Copying" [ files; sockets; facade ]
