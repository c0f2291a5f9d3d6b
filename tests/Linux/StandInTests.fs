/// What older kernels have no opcode for and have a system call for: FTRUNCATE, BIND, LISTEN (PIPE: PipeTests).
module Uring.Tests.Linux.StandInTests

open System
open System.IO
open System.Net
open System.Net.Sockets
open System.Threading
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

/// Linux 6.8: neither FTRUNCATE nor BIND nor LISTEN.
let private old () = FaultyKernel(Hidden = [ Opcode.Truncate; Opcode.Bind; Opcode.Listen; Opcode.Pipe ])

let private case name (body: LoopThread -> string -> unit) =
    testCase name (fun () ->
        inFolder (fun folder -> withLoopOf (old ()) small (fun host -> body host folder)))

let private fileOf host folder =
    System.IO.File.WriteAllText(at folder "file", "0123456789")
    runOn host (File.openWith OpenFlags.ReadWrite UnixFileMode.UserRead (at folder "file"))

[<Tests>]
let tests =
    testList "StandIn" [
        case "ftruncate cuts and extends" (fun host folder ->
            let file = fileOf host folder
            runOn host (File.truncate file 4L)
            Expect.equal (runOn host (File.status file)).Length 4L "cut"
            runOn host (File.truncate file 5_000_000_000L)
            Expect.equal (runOn host (File.status file)).Length 5_000_000_000L "extended"
            runOn host (File.close file))

        case "ftruncate: its errno is the operation's, and a closed file is closed" (fun host folder ->
            let file = fileOf host folder
            let reader = runOn host (File.openRead (at folder "file"))

            Expect.equal
                (errnoOf host (FileRequest.truncate reader.Descriptor 1L))
                Errno.EINVAL
                "not to write"

            runOn host (File.close file)
            Expect.equal (errnoOf host (FileRequest.truncate file.Descriptor 1L)) Errno.EBADF "closed"
            Expect.equal (FileInfo(at folder "file").Length) 10L "as it was"
            runOn host (File.close reader))

        case "cancelled before, it is not done" (fun host folder ->
            let file = fileOf host folder
            let running = startAs host (FileRequest.truncate file.Descriptor 1L) (CancellationToken true)

            match failureOf (fun () -> finish "truncate" running) with
            | :? OperationCanceledException -> ()
            | other -> failtest $"{other}"

            Expect.equal (FileInfo(at folder "file").Length) 10L "as it was"
            runOn host (File.close file))

        case "bind and listen: connections come" (fun host _ ->
            let program =
                uring {
                    use! listener = Socket.listen loopback 16
                    let peer = new Peer(SocketType.Stream, ProtocolType.Tcp)
                    peer.Connect(Socket.localEndPoint listener)
                    use! connection = Socket.accept listener
                    peer.Send "hello"B |> ignore
                    let buffer = Array.zeroCreate<byte> 5
                    let! count = Socket.receive connection (Memory buffer)
                    Expect.equal (Array.take count buffer) "hello"B "received"
                    peer.Dispose()
                }

            runOn host program)

        case "bind: an address that is taken" (fun host _ ->
            let program =
                uring {
                    use! listener = Socket.listen loopback 16

                    let! second = Socket.create AddressFamily.InterNetwork SocketType.Stream ProtocolType.Tcp
                    let! result = Uring.catch (Socket.bind second (Socket.localEndPoint listener))
                    do! Socket.close second

                    match result with
                    | Error(:? SocketException as reason) ->
                        Expect.equal reason.SocketErrorCode SocketError.AddressAlreadyInUse "code"
                    | other -> failtest $"{other}"
                }

            runOn host program)

        case "bind and listen: what is no socket" (fun host folder ->
            let file = fileOf host folder
            let endPoint = IPEndPoint(IPAddress.Loopback, 0)
            Expect.equal (errnoOf host (SocketRequest.bind file.Descriptor endPoint)) Errno.ENOTSOCK "bind"
            Expect.equal (errnoOf host (SocketRequest.listen file.Descriptor 1)) Errno.ENOTSOCK "listen"
            runOn host (File.close file))

        testCase "its refusal comes as the operation's" (fun () ->
            let kernel = old ()
            kernel.OnStandIn <- fun () -> Answer.Before Errno.EACCES

            withLoopOf kernel small (fun host ->
                match failureOf (fun () -> runOn host (Socket.listen loopback 1)) with
                | :? SocketException as reason ->
                    Expect.equal reason.SocketErrorCode SocketError.AccessDenied "code"
                | other -> failtest $"{other}"))
    ]
