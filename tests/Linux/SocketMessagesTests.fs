/// Messages with several buffers, descriptors and credentials: what arrives, what is cut, and that nothing stays open.
module Uring.Tests.Linux.SocketMessagesTests

open System
open System.Collections.Generic
open System.IO
open System.Net
open System.Net.Sockets
open System.Runtime.InteropServices
open System.Threading
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

type private OurSocket = Uring.FSharp.Socket

let private bytes (text: string) = ReadOnlyMemory(Text.Encoding.ASCII.GetBytes text)
let private room length = Memory(Array.zeroCreate<byte> length)
let private text (memory: Memory<byte>) = Text.Encoding.ASCII.GetString(Memory.op_Implicit(memory).Span)

/// A Unix socket of datagrams that can write to itself.
let private mailbox (host: LoopThread) (folder: string) : OurSocket =
    let socket = runOn host (Socket.create AddressFamily.Unix SocketType.Dgram ProtocolType.Unspecified)
    runOn host (Socket.bind socket (UnixDomainSocketEndPoint(at folder "socket")))
    socket

let private toSelf (socket: OurSocket) = { MessageExtras.none with EndPoint = Socket.localEndPoint socket }

let private withMailbox body =
    inFolder (fun folder ->
        Observe.leavesNothingOpen (fun () ->
            task {
                withLoop (fun host ->
                    let socket = mailbox host folder
                    body host socket folder
                    runOn host (Socket.close socket))
            })
        |> finish "body")

let private send host socket (extras: MessageExtras) =
    runOn host (SocketMessages.send socket [| bytes "x" |] extras) |> ignore

let private receive host socket controlRoom =
    runOn host (SocketMessages.receive socket [| room 8 |] controlRoom ReceiveFlags.None)

/// Files with their handles: the first one has a text.
let private files (folder: string) count : SafeHandle list = [
    for index in 1..count do
        let path = at folder $"file{index}"
        File.WriteAllText(path, $"text {index}")
        File.OpenHandle path
]

let private close (handles: SafeHandle list) =
    for handle in handles do
        handle.Dispose()

/// Descriptors of such files that are open now: before a finalizer could close one.
let private openFiles (folder: string) : int =
    Directory.GetFileSystemEntries "/proc/self/fd"
    |> Array.filter (fun link ->
        match FileInfo(link).LinkTarget with
        | null -> false
        | target -> target.StartsWith(at folder "file", StringComparison.Ordinal))
    |> Array.length

let private buffers =
    testList "buffers" [
        testCase "gathered and scattered, with the sender" (fun () ->
            withMailbox (fun host socket _ ->
                let payload = [| bytes "abc"; bytes ""; bytes "defg" |]
                Expect.equal (runOn host (SocketMessages.send socket payload (toSelf socket))) 7 "sent"
                let first, second = room 2, room 8
                let target = [| first; room 0; second |]
                use receipt = runOn host (SocketMessages.receive socket target 0 ReceiveFlags.None)
                Expect.equal (text first + text (second.Slice(0, 5))) "abcdefg" "in their order"
                Expect.equal receipt.Length 7 "bytes"
                Expect.equal receipt.Sender (Socket.localEndPoint socket) "from itself"
                Expect.isFalse (receipt.IsTruncated || receipt.IsControlTruncated) "whole"))

        testCase "left there by a look, with its real length; cut when it is too long" (fun () ->
            withMailbox (fun host socket _ ->
                runOn host (SocketMessages.send socket [| bytes "abcdef" |] (toSelf socket)) |> ignore
                let look = ReceiveFlags.Peek ||| ReceiveFlags.RealLength
                let buffer = room 2
                use looked = runOn host (SocketMessages.receive socket [| buffer |] 0 look)
                Expect.equal looked.Length 6 "real length"
                use taken = runOn host (SocketMessages.receive socket [| buffer |] 0 ReceiveFlags.None)
                Expect.equal (taken.Length, taken.IsTruncated) (2, true) "cut"))

        testCase "told to wait first: sent and received all the same" (fun () ->
            withMailbox (fun host socket _ ->
                let buffer = room 8

                let receiving =
                    startOn host (SocketMessages.receive socket [| buffer |] 0 ReceiveFlags.PollFirst)

                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                let extras = { toSelf socket with Flags = SendFlags.PollFirst }
                Expect.equal (runOn host (SocketMessages.send socket [| bytes "abc" |] extras)) 3 "sent"
                use receipt = finish "receive" receiving
                Expect.equal (text (buffer.Slice(0, receipt.Length))) "abc" "received"))

        testCase "to nobody: ENOTCONN" (fun () ->
            withMailbox (fun host socket _ ->
                let program = SocketMessages.send socket [| bytes "x" |] MessageExtras.none

                match failureOf (fun () -> runOn host program) with
                | :? SocketException as failure ->
                    Expect.equal failure.SocketErrorCode SocketError.NotConnected "which"
                | other -> failtest $"no error of a socket: {other}"))

        testCase "an abstract name is a sender's name, too, and leads back" (fun () ->
            withMailbox (fun host socket _ ->
                let other =
                    runOn host (Socket.create AddressFamily.Unix SocketType.Dgram ProtocolType.Unspecified)

                let name = UnixDomainSocketEndPoint $"\000uring-messages-{Environment.ProcessId}"
                runOn host (Socket.bind other name)
                let there = Socket.localEndPoint socket
                runOn host (Socket.sendTo other (bytes "question") there) |> ignore
                use receipt = runOn host (SocketMessages.receive socket [| room 8 |] 0 ReceiveFlags.None)
                Expect.equal (nonNull receipt.Sender) (name :> EndPoint) "its name"
                let answer = { MessageExtras.none with EndPoint = receipt.Sender }
                runOn host (SocketMessages.send socket [| bytes "answer" |] answer) |> ignore
                let buffer = room 8
                let struct (length, sender, _) = runOn host (Socket.receiveFrom other buffer)
                Expect.equal (text (buffer.Slice(0, length)), sender) ("answer", there) "answered"
                runOn host (Socket.close other)))

        testCase "a kernel without the opcodes (before 5.3) is told of" (fun () ->
            let kernel = FaultyKernel(Hidden = [ Opcode.SendMessage; Opcode.ReceiveMessage ])

            withLoopOf kernel LoopOptions.standard (fun host ->
                let socket =
                    runOn host (Socket.create AddressFamily.Unix SocketType.Dgram ProtocolType.Unspecified)

                let refuses (name: string) (body: unit -> unit) =
                    match failureOf body with
                    | :? PlatformNotSupportedException as failure ->
                        Expect.stringContains failure.Message $"{name}: it needs Linux 5.3" "which"
                    | other -> failtest $"{name}: {other}"

                refuses "SendMessage" (fun () -> send host socket MessageExtras.none)
                refuses "ReceiveMessage" (fun () -> (receive host socket 0).Dispose())
                runOn host (Socket.close socket)))

        testCase "sending is cancelled while the receiver has no room" (fun () ->
            withMailbox (fun host socket _ ->
                let program = SocketMessages.send socket [| bytes "x" |] (toSelf socket)
                let mutable isCancelled = false

                // net.unix.max_dgram_qlen: nobody receives.
                while not isCancelled do
                    use stop = new CancellationTokenSource()
                    let sending = Uring.startOn host stop.Token program

                    if not (sending.Wait 100) then
                        stop.Cancel()
                        ended "send" sending
                        isCancelled <- sending.IsCanceled))

        testCase "bad input is refused before anything is held" (fun () ->
            withMailbox (fun host socket folder ->
                let handles = files folder 1
                let payload = [| bytes "x" |]

                let sending extras () =
                    SocketMessages.send socket payload { MessageExtras.none with Handles = extras }
                    |> ignore

                Expect.throwsT<ArgumentOutOfRangeException>
                    (sending (List.replicate 254 handles.Head))
                    "254"

                let control = [ ControlMessage.Descriptors [ 1 ] ]

                Expect.throwsT<ArgumentException>
                    (fun () ->
                        SocketMessages.send socket payload { MessageExtras.none with Control = control }
                        |> ignore)
                    "numbers"

                for size in [ -1; Int32.MaxValue ] do
                    Expect.throwsT<ArgumentOutOfRangeException>
                        (fun () ->
                            SocketMessages.receive socket [| room 1 |] size ReceiveFlags.None |> ignore)
                        "room"

                close handles
                let disposed = { toSelf socket with Handles = handles }

                Expect.throwsT<ObjectDisposedException>
                    (fun () -> runOn host (SocketMessages.send socket payload disposed) |> ignore)
                    "disposed"))
    ]

let private descriptors =
    testList "(SCM_RIGHTS)" [
        testCase "arrive open, are closed on exec, and stay the taker's" (fun () ->
            withMailbox (fun host socket folder ->
                let handles = files folder 2
                send host socket { toSelf socket with Handles = handles }
                // They are in the message now.
                close handles
                let receipt = receive host socket (ControlMessage.roomForDescriptors 2)
                let taken = receipt.TakeHandles()
                receipt.Dispose()
                Expect.isEmpty (receipt.TakeHandles()) "once"

                let read (handle: Microsoft.Win32.SafeHandles.SafeFileHandle) =
                    let target = Array.zeroCreate<byte> 6
                    RandomAccess.Read(handle, target, 0L) |> ignore
                    Text.Encoding.ASCII.GetString target

                Expect.equal (taken |> Array.map read) [| "text 1"; "text 2" |] "in their order"

                for handle in taken do
                    let info = File.ReadAllLines $"/proc/self/fdinfo/{handle.DangerousGetHandle()}"
                    let flags = info |> Array.find _.StartsWith("flags:")
                    let flags = Convert.ToInt32(flags.Substring(6).Trim(), 8)
                    Expect.equal (flags &&& 0o2000000) 0o2000000 "O_CLOEXEC"
                    handle.Dispose()))

        testCase "are closed with the message when nobody takes them" (fun () ->
            withMailbox (fun host socket folder ->
                let handles = files folder 3
                send host socket { toSelf socket with Handles = handles }
                let receipt = receive host socket (ControlMessage.roomForDescriptors 3)
                Expect.isEmpty receipt.Control "nothing else"
                Expect.equal (openFiles folder) 6 "ours and theirs"
                receipt.Dispose()
                receipt.Dispose()
                Expect.equal (openFiles folder) 3 "ours alone"
                close handles))

        testCase "are told of when they find no room, and do not stay open" (fun () ->
            withMailbox (fun host socket folder ->
                let handles = files folder 3
                send host socket { toSelf socket with Handles = handles }
                // The padding has room for a second one.
                let receipt = receive host socket (ControlMessage.roomForDescriptors 1)
                Expect.isTrue receipt.IsControlTruncated "cut"
                let taken = receipt.TakeHandles()
                Expect.equal taken.Length 2 "those that fit"
                taken |> Array.iter _.Dispose()
                close handles))

        testCase "do not stay open when a cancel comes too late, or in time" (fun () ->
            withMailbox (fun host socket folder ->
                let handles = files folder 2
                let extras = { toSelf socket with Handles = handles }
                let mutable arrived = 0

                for turn in 1..100 do
                    use stop = new CancellationTokenSource()

                    let running =
                        Uring.startOn
                            host
                            stop.Token
                            (SocketMessages.receive socket [| room 4 |] 64 ReceiveFlags.None)

                    if turn % 10 = 0 then
                        stop.Cancel()
                    else
                        eventually "in flight" (fun () -> host.Loop.InFlight > 0 || running.IsCompleted)
                        let sending = startOn host (SocketMessages.send socket [| bytes "x" |] extras)
                        stop.Cancel()
                        finish "send" sending |> ignore

                    match failureOf (fun () -> (finish "receive" running).Dispose()) with
                    | null -> arrived <- arrived + 1
                    | :? OperationCanceledException ->
                        // The message is still there, unless none was sent.
                        if turn % 10 <> 0 then (receive host socket 64).Dispose()
                    | other -> failtest $"neither: {other}"

                    Expect.equal (openFiles folder) 2 "ours alone"

                Expect.isLessThan arrived 100 "some were cancelled"
                close handles))
    ]

let private credentials =
    testCase "who sent it is told (SCM_CREDENTIALS), whoever it claims to be" (fun () ->
        withMailbox (fun host socket _ ->
            // SO_PASSCRED of SOL_SOCKET.
            SocketOptions.set socket.Descriptor 1 16 1
            send host socket (toSelf socket)
            use first = receive host socket ControlMessage.roomForCredentials

            match first.Control with
            | [ ControlMessage.Credentials who ] ->
                Expect.equal who.ProcessId Environment.ProcessId "this process"

                send host socket { toSelf socket with Control = first.Control }
                use second = receive host socket ControlMessage.roomForCredentials
                Expect.equal second.Control first.Control "sent by hand"
            | other -> failtest $"no credentials but {other.Length} others"))

/// What docs/operations.md says in place of SOCKET_URING_OP_TX_TIMESTAMP.
let private stamps =
    testCase "when it was sent is told by the queue of errors (SO_TIMESTAMPING)" (fun () ->
        withLoop (fun host ->
            let bound () =
                let socket =
                    runOn host (Socket.create AddressFamily.InterNetwork SocketType.Dgram ProtocolType.Udp)

                runOn host (Socket.bind socket loopback)
                socket

            let ours, theirs = bound (), bound ()
            // SOF_TIMESTAMPING_TX_SOFTWARE, SOF_TIMESTAMPING_SOFTWARE.
            SocketOptions.set ours.Descriptor 1 37 0x12
            let target = Socket.localEndPoint theirs
            Expect.equal (runOn host (Socket.sendTo ours (ReadOnlyMemory "x"B) target)) 1 "sent"
            runOn host (Socket.poll ours PollEvents.Error) |> ignore
            let room: IReadOnlyList<Memory<byte>> = [| Memory(Array.zeroCreate<byte> 200) |]
            use told = runOn host (SocketMessages.receive ours room 512 ReceiveFlags.ErrorQueue)

            // struct scm_timestamping: three times, of which the first is the kernel's own.
            let stamps =
                told.Control
                |> List.choose (function
                    | ControlMessage.Raw(1, 37, data) -> Some(BitConverter.ToInt64 data)
                    | _ -> None)

            match stamps with
            | [ seconds ] ->
                let now = DateTimeOffset.UtcNow.ToUnixTimeSeconds()
                Expect.isLessThanOrEqual (abs (now - seconds)) 60L "now"
            | other -> failtest $"{other.Length} stamps of {told.Control.Length}"

            runOn host (Socket.close ours)
            runOn host (Socket.close theirs)))

[<Tests>]
let tests = testSequenced <| testList "SocketMessages" [ buffers; descriptors; credentials; stamps ]
