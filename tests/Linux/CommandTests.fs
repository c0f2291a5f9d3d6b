/// Commands of a file's own, and what sockets answer to them.
module Uring.Tests.Linux.CommandTests

open System
open System.Net.Sockets
open System.Threading
open Expecto
open Microsoft.Win32.SafeHandles
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

let private case name (body: LoopThread -> unit) = testCase name (fun () -> withLoop body)

let private isUnsupported what (failure: exn | null) =
    match failure with
    | :? NotSupportedException -> ()
    | other -> failtest $"{what}: {other}"

/// One connection as a direct descriptor, and the other end.
let private withDirect (body: LoopThread -> Uring.FSharp.Socket -> Peer -> unit) =
    withLoopOf
        Uring.Kernel.LinuxKernel.Instance
        { LoopOptions.standard with DirectDescriptors = 4 }
        (fun host ->
            let listener = runOn host (Socket.listen loopback 4)
            use peer = new Peer(SocketType.Stream, ProtocolType.Tcp)
            peer.Connect(Socket.localEndPoint listener)
            let stream = runOn host (Socket.acceptManyDirect listener)
            Expect.isTrue (runOn host (UringStream.next stream)) "accepted"
            body host stream.Current peer)

let private counts =
    testList "counts" [
        case "what can be received" (fun host ->
            let struct (ours, theirs) = connectPair host
            Expect.equal (runOn host (Socket.available ours)) 0 "nothing"
            theirs.Send "hello"B |> ignore
            runOn host (Socket.poll ours PollEvents.Readable) |> ignore
            Expect.equal (runOn host (Socket.available ours)) 5 "bytes"
            Expect.equal (runOn host (Socket.receive ours (Memory(Array.zeroCreate 2)))) 2 "two of them"
            Expect.equal (runOn host (Socket.available ours)) 3 "the rest")

        case "what the peer has not acknowledged" (fun host ->
            let struct (ours, _) = connectPair host
            runOn host (Socket.send ours (ReadOnlyMemory(Array.zeroCreate 100)))
            eventually "acknowledged" (fun () -> runOn host (Socket.unsent ours) = 0))

        case "not on a Unix socket" (fun host ->
            inFolder (fun folder ->
                let endPoint = UnixDomainSocketEndPoint(at folder "socket")
                let listener = runOn host (Socket.listen endPoint 1)
                let ours = runOn host (Socket.connect endPoint)
                isUnsupported "available" (failureOf (fun () -> runOn host (Socket.available ours)))
                isUnsupported "unsent" (failureOf (fun () -> runOn host (Socket.unsent ours)))
                runOn host (Socket.close ours)
                runOn host (Socket.close listener)))

        testCase "of a direct descriptor" (fun () ->
            withDirect (fun host ours theirs ->
                theirs.Send "hello"B |> ignore
                runOn host (Socket.poll ours PollEvents.Readable) |> ignore
                Expect.equal (runOn host (Socket.available ours)) 5 "bytes"))
    ]

let private options =
    testList "options" [
        case "of the socket, and of TCP, which the kernel reads by a system call alone" (fun host ->
            let struct (ours, _) = connectPair host

            for option in [ SocketOption.keepAlive; SocketOption.noDelay ] do
                for value in [ true; false ] do
                    runOn host (Socket.setOption option value ours)
                    Expect.equal (runOn host (Socket.getOption option ours)) value "by way of the ring"
                    Expect.equal (SocketOptions.read option ours.Descriptor) value "by a system call")

        testCase "of a direct descriptor" (fun () ->
            withDirect (fun host ours _ ->
                runOn host (Socket.setOption SocketOption.keepAlive true ours)
                Expect.isTrue (runOn host (Socket.getOption SocketOption.keepAlive ours)) "socket"
                runOn host (Socket.setOption SocketOption.noDelay true ours)

                Expect.isTrue
                    (runOn host (Socket.getOption SocketOption.noDelay ours))
                    "TCP, by a number that it has for a moment"))

        case "cancelled before, and closed" (fun host ->
            let struct (ours, _) = connectPair host

            let late =
                Uring.startOn host (CancellationToken true) (Socket.getOption SocketOption.keepAlive ours)

            ended "late" late
            Expect.isTrue late.IsCanceled "cancelled"
            runOn host (Socket.close ours)

            match failureOf (fun () -> runOn host (Socket.getOption SocketOption.keepAlive ours)) with
            | :? ObjectDisposedException -> ()
            | other -> failtest $"{other}")
    ]

let private generic =
    testList "any" [
        case "what the socket understands, and what it does not" (fun host ->
            let struct (ours, theirs) = connectPair host
            use handle = new SafeFileHandle(nativeint ours.Descriptor.Number, false)
            theirs.Send "hello"B |> ignore
            runOn host (Socket.poll ours PollEvents.Readable) |> ignore
            let ask operation = Command.send handle operation ReadOnlyMemory.Empty
            Expect.equal (runOn host (ask OpFlags.BytesAvailable)) 5 "SIOCINQ"
            isUnsupported "unknown" (failureOf (fun () -> runOn host (ask 9999u))))

        folderCase "a file without commands" (fun host folder ->
            let file = runOn host (File.create (at folder "x"))
            use handle = new SafeFileHandle(nativeint file.Descriptor.Number, false)

            isUnsupported
                "file"
                (failureOf (fun () -> runOn host (Command.send handle 0u ReadOnlyMemory.Empty)))

            runOn host (File.close file))

        Observe.tidyCase "from C#" (fun () ->
            Pairs.connected (fun client server ->
                task {
                    do! server.SendAllAsync(Pairs.bytesOf "hello")
                    let! _ = client.PollAsync Uring.PollEvents.Readable
                    let! available = client.GetAvailableAsync()
                    Expect.equal available 5 "available"
                    let! unsent = client.GetUnsentAsync()
                    Expect.equal unsent 0 "unsent"
                    // SOL_SOCKET, SO_KEEPALIVE.
                    do! client.SetRawSocketOptionAsync(1, 9, ReadOnlyMemory(BitConverter.GetBytes 1))
                    let value = Array.zeroCreate<byte> 4
                    let! length = client.GetRawSocketOptionAsync(1, 9, Memory value)
                    Expect.equal (length, BitConverter.ToInt32 value) (4, 1) "option"
                    use handle = new SafeFileHandle(nativeint -1, false)

                    let! _ =
                        Observe.raises<ArgumentOutOfRangeException> "too long" (fun () ->
                            Observe.discard (
                                Uring.Ring.Default.CommandAsync(
                                    handle,
                                    0u,
                                    ReadOnlyMemory(Array.zeroCreate 17)
                                )
                            ))

                    ()
                }))
    ]

let private none = ReadOnlyMemory.Empty
let private withSlots = { LoopOptions.standard with DirectDescriptors = 4 }

/// /dev/null takes any command, and does nothing.
let private ours =
    testList "ours" [
        testCase "a file, a socket, and direct ones" (fun () ->
            withDirect (fun host socket theirs ->
                theirs.Send "hello"B |> ignore
                runOn host (Socket.poll socket PollEvents.Readable) |> ignore
                let ask descriptor operation = Command.on descriptor operation none
                Expect.equal (runOn host (ask socket.Descriptor OpFlags.BytesAvailable)) 5 "a direct socket"
                let sink = runOn host (File.openRead "/dev/null")
                Expect.equal (runOn host (ask sink.Descriptor 77u)) 0 "a file"
                let slot = runOn host (File.makeDirect sink)
                Expect.equal (runOn host (ask slot.Descriptor 77u)) 0 "a direct file"
                let zeros = runOn host (File.openRead "/dev/zero")
                isUnsupported "no commands" (failureOf (fun () -> runOn host (ask zeros.Descriptor 0u)))
                isUnsupported "unknown" (failureOf (fun () -> runOn host (ask socket.Descriptor 9999u)))

                for file in [ zeros; slot; sink ] do
                    runOn host (File.close file)))

        testCase "on a registered buffer" (fun () ->
            withLoopOf Uring.Kernel.LinuxKernel.Instance withSlots (fun host ->
                let sink = runOn host (File.openRead "/dev/null")
                let slot = runOn host (File.makeDirect sink)
                let buffer = runOn host (RegisteredBuffer.create 64)
                let second = runOn host (RegisteredBuffer.create 64)

                for file in [ sink; slot ] do
                    for buffer in [ buffer; second ] do
                        let request =
                            Command.requestWithin file.Descriptor buffer 7u (ReadOnlyMemory [| 1uy; 2uy |])

                        Expect.equal request.Submission.OpFlags OpFlags.CommandFixed "its flag"
                        Expect.equal (int request.Submission.Buffer) buffer.Slot "its slot"
                        Expect.equal request.Submission.Address3 0x0201UL "its payload"
                        Expect.equal (runOn host (Command.within file.Descriptor buffer 7u none)) 0 "done"

                let unknown = {
                    (Command.requestWithin sink.Descriptor buffer 7u none).Submission with
                        OpFlags = 2u
                }

                Expect.equal (errnoOf host (Request.on sink.Descriptor unknown)) Errno.EINVAL "a flag"

                withLoop (fun other ->
                    let theirs = runOn other (RegisteredBuffer.create 64)

                    match
                        failureOf (fun () -> runOn host (Command.within sink.Descriptor theirs 7u none))
                    with
                    | :? ArgumentException as reason -> Expect.equal reason.ParamName "buffer" "which"
                    | other -> failtest $"{other}"

                    runOn other (RegisteredBuffer.close theirs))

                runOn host (RegisteredBuffer.close buffer)
                runOn host (RegisteredBuffer.close second)

                match failureOf (fun () -> runOn host (Command.within sink.Descriptor buffer 7u none)) with
                | :? ObjectDisposedException -> ()
                | other -> failtest $"{other}"

                runOn host (File.close slot)
                runOn host (File.close sink)))

        testCase "a kernel before 6.1 has none on registered buffers" (fun () ->
            let kernel = FaultyKernel(Hidden = [ Opcode.SendMessageZeroCopy ])

            withLoopOf kernel withSlots (fun host ->
                let sink = runOn host (File.openRead "/dev/null")
                let buffer = runOn host (RegisteredBuffer.create 64)

                match failureOf (fun () -> runOn host (Command.within sink.Descriptor buffer 7u none)) with
                | :? PlatformNotSupportedException as reason ->
                    Expect.stringContains reason.Message "Linux 6.1" "which"
                | other -> failtest $"{other}"

                Expect.isFalse (kernel.HasSeen Opcode.Command) "submitted"
                Expect.equal (runOn host (Command.on sink.Descriptor 7u none)) 0 "without one"
                runOn host (RegisteredBuffer.close buffer)
                runOn host (File.close sink)))

        case "cancelled before, and closed" (fun host ->
            let sink = runOn host (File.openRead "/dev/null")
            let ask = Command.on sink.Descriptor 7u none
            let late = Uring.startOn host (CancellationToken true) ask
            ended "late" late
            Expect.isTrue late.IsCanceled "cancelled"
            runOn host (File.close sink)

            match failureOf (fun () -> runOn host ask) with
            | :? ObjectDisposedException -> ()
            | other -> failtest $"{other}")

        Observe.tidyCase "a listener's, direct or not, from C#" (fun () ->
            task {
                use ring = new Uring.Ring(Uring.RingOptions(DirectDescriptors = 2))
                use! buffer = ring.RegisterBufferAsync 64
                use! plain = Uring.UringListener.ListenAsync(Pairs.loopback, ring = ring)
                use! direct = Uring.UringListener.ListenDirectAsync(Pairs.loopback, ring = ring)

                for listener in [ plain; direct ] do
                    // SOL_SOCKET: SO_ACCEPTCONN, SO_KEEPALIVE.
                    let value = Array.zeroCreate<byte> 4
                    let! length = listener.GetRawSocketOptionAsync(1, 30, Memory value)
                    Expect.equal (length, BitConverter.ToInt32 value) (4, 1) "it listens"
                    do! listener.SetRawSocketOptionAsync(1, 9, ReadOnlyMemory(BitConverter.GetBytes 1))
                    let! _ = listener.GetRawSocketOptionAsync(1, 9, Memory value)
                    Expect.equal (BitConverter.ToInt32 value) 1 "as it was set"

                    // SIOCINQ is no question to one who listens.
                    let! _ =
                        Observe.raises<ArgumentException> "bytes" (fun () ->
                            Observe.discard (listener.CommandAsync OpFlags.BytesAvailable))

                    let! _ =
                        Observe.raises<NotSupportedException> "unknown" (fun () ->
                            Observe.discard (listener.CommandAsync(buffer, 9999u, none)))

                    do!
                        Observe.isCancelled "before" (fun () ->
                            Observe.discard (
                                listener.CommandAsync(OpFlags.BytesAvailable, none, CancellationToken true)
                            ))

                    ()
            })

        Observe.tidyCase "from C#" (fun () ->
            task {
                use ring = new Uring.Ring(Uring.RingOptions(DirectDescriptors = 2))

                use! sink =
                    Uring.UringFile.OpenAsync("/dev/null", IO.FileMode.Open, IO.FileAccess.Read, ring)

                use! slot = sink.MakeDirectAsync()
                use! buffer = ring.RegisterBufferAsync 64
                let! one = sink.CommandAsync 7u
                let! two = slot.CommandAsync(7u, ReadOnlyMemory [| 1uy |])
                let! three = slot.CommandAsync(buffer, 7u, none)
                Expect.equal (one, two, three) (0, 0, 0) "results"

                do!
                    Pairs.connectedOn ring Pairs.loopback (fun client server ->
                        task {
                            do! server.SendAllAsync(Pairs.bytesOf "hello")
                            let! _ = client.PollAsync Uring.PollEvents.Readable
                            let! available = client.CommandAsync OpFlags.BytesAvailable
                            Expect.equal available 5 "available"

                            let! _ =
                                Observe.raises<NotSupportedException> "unknown" (fun () ->
                                    Observe.discard (client.CommandAsync(buffer, 9999u, none)))

                            ()
                        })
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "Command" [ counts; options; generic; ours ]
