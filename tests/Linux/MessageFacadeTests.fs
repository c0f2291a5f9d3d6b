/// Messages by the C# facade: several buffers, descriptors, credentials, flags, and what comes of descriptors that nobody takes.
module Uring.Tests.Linux.MessageFacadeTests

open System
open System.Collections.Generic
open System.IO
open System.Net.Sockets
open System.Runtime.InteropServices
open System.Text
open System.Threading
open Expecto
open Uring
open Uring.Tests.Linux.Observe

let private limit = Hosting.limit
let private bytes (text: string) = ReadOnlyMemory(Encoding.ASCII.GetBytes text)

let private sendable (parts: string list) : IReadOnlyList<ReadOnlyMemory<byte>> = [|
    for one in parts -> bytes one
|]

let private room (lengths: int list) : IReadOnlyList<Memory<byte>> = [|
    for one in lengths -> Memory(Array.zeroCreate<byte> one)
|]

let private textOf (buffers: IReadOnlyList<Memory<byte>>) =
    String.Join(
        '|',
        buffers
        |> Seq.map (fun one -> Encoding.ASCII.GetString(Memory.op_Implicit(one).Span).TrimEnd('\000'))
    )

/// A Unix socket of datagrams that can write to itself.
let private withMailbox body =
    inFolder (fun folder ->
        task {
            use ring = new Ring()

            use! socket =
                UringSocket.BindAsync(UnixDomainSocketEndPoint(Path.Combine(folder, "socket")), ring)

            do! body ring socket folder
        })

let private mailboxCase name body = tidyCase name (fun () -> withMailbox body)
let private toSelf (socket: UringSocket) = MessageExtras(EndPoint = socket.LocalEndPoint)

let private files (folder: string) count : SafeHandle array = [|
    for index in 1..count do
        let path = Path.Combine(folder, $"file{index}")
        File.WriteAllText(path, $"text {index}")
        File.OpenHandle path
|]

/// Descriptors of such files that are open now: before a finalizer could close one.
let private openFiles (folder: string) : int =
    Directory.GetFileSystemEntries "/proc/self/fd"
    |> Array.filter (fun link ->
        match FileInfo(link).LinkTarget with
        | null -> false
        | target -> target.StartsWith(Path.Combine(folder, "file"), StringComparison.Ordinal))
    |> Array.length

let private textBehind (handle: Microsoft.Win32.SafeHandles.SafeFileHandle) =
    let target = Array.zeroCreate<byte> 6
    RandomAccess.Read(handle, target, 0L) |> ignore
    Encoding.ASCII.GetString target

// SO_PASSCRED of SOL_SOCKET.
let private passCredentials (socket: UringSocket) =
    socket.SetRawSocketOption(1, 16, ReadOnlySpan(BitConverter.GetBytes 1))

let private buffers =
    testList "buffers" [
        mailboxCase "gathered and scattered, with the sender" (fun _ socket _ ->
            task {
                let! sent = socket.SendMessageAsync(sendable [ "abc"; ""; "defg" ], toSelf socket)
                Expect.equal sent 7 "sent"
                let target = room [ 2; 0; 8 ]
                use! receipt = socket.ReceiveMessageAsync target
                Expect.equal (textOf target) "ab||cdefg" "in their order"
                Expect.equal (receipt.Length, receipt.Sender) (7, socket.LocalEndPoint) "from itself"
                Expect.isFalse (receipt.IsTruncated || receipt.IsControlTruncated) "whole"
                Expect.isEmpty receipt.Control "nothing along"
            })

        mailboxCase "looked at, with the real length; cut" (fun _ socket _ ->
            task {
                let! _ = socket.SendMessageAsync(sendable [ "abcdef" ], toSelf socket)
                let look = Uring.ReceiveFlags.Peek ||| Uring.ReceiveFlags.RealLength
                use! looked = socket.ReceiveMessageAsync(room [ 2 ], 0, look)
                Expect.equal looked.Length 6 "real length"
                use! taken = socket.ReceiveMessageAsync(room [ 2 ])
                Expect.equal (taken.Length, taken.IsTruncated) (2, true) "cut"
            })

        tidyCase "of a connection, without anything along" (fun () ->
            Pairs.connected (fun client server ->
                task {
                    let! sent = client.SendAsync(sendable [ "abc"; "def" ])
                    Expect.equal sent 6 "sent"
                    let target = room [ 4; 4 ]
                    let! received = server.ReceiveAsync target
                    Expect.equal (received, textOf target) (6, "abcd|ef") "received"
                    do! client.ShutdownAsync SocketShutdown.Send
                    let! received = server.ReceiveAsync(room [ 4 ])
                    Expect.equal received 0 "the end"
                }))

        mailboxCase "cancelled while it waits" (fun _ socket _ ->
            task {
                use stop = new CancellationTokenSource()
                let receiving = socket.ReceiveMessageAsync(room [ 4 ], cancellationToken = stop.Token)
                stop.Cancel()
                do! isCancelled "RECVMSG" (fun () -> discard receiving)
            })

        mailboxCase "to nobody; without waiting" (fun _ socket _ ->
            task {
                let! failure =
                    raises<SocketException> "nobody" (fun () -> discard (socket.SendAsync(sendable [ "x" ])))

                Expect.equal failure.SocketErrorCode SocketError.NotConnected "ENOTCONN"

                let! failure =
                    raises<SocketException> "nothing there" (fun () ->
                        discard (socket.ReceiveMessageAsync(room [ 1 ], 0, Uring.ReceiveFlags.DontWait)))

                Expect.stringContains failure.Message "EAGAIN" "which"
            })

        mailboxCase "bad input is refused before anything is sent" (fun _ socket _ ->
            task {
                let send extras = fun () -> socket.SendMessageAsync(sendable [ "x" ], extras) |> ignore
                use handle = File.OpenHandle "/dev/null"

                Expect.throwsT<ArgumentOutOfRangeException>
                    (send (MessageExtras(Handles = Array.replicate 254 (handle :> SafeHandle))))
                    "254"

                Expect.throwsT<ArgumentOutOfRangeException>
                    (send (MessageExtras(Flags = enum<Uring.SendFlags> 0x10)))
                    "a flag"

                Expect.throwsT<ArgumentException>
                    (send (MessageExtras(EndPoint = Net.DnsEndPoint("localhost", 1))))
                    "a name"

                Expect.throwsT<ArgumentException>
                    (fun () -> ControlMessage(1, 1, ReadOnlyMemory.Empty) |> ignore)
                    "numbers of descriptors"

                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> socket.ReceiveMessageAsync(room (List.replicate 1025 1)) |> ignore)
                    "1025 buffers"

                handle.Dispose()

                let! _ =
                    raises<ObjectDisposedException> "disposed" (fun () ->
                        discard (
                            socket.SendMessageAsync(sendable [ "x" ], MessageExtras(Handles = [| handle |]))
                        ))

                return ()
            })
    ]

let private along =
    testList "what goes along" [
        mailboxCase "descriptors (SCM_RIGHTS): the taker's, in their order" (fun _ socket folder ->
            task {
                let handles = files folder 2
                let extras = MessageExtras(EndPoint = socket.LocalEndPoint, Handles = handles)
                let! _ = socket.SendMessageAsync(sendable [ "x" ], extras)
                // They are in the message now.
                for handle in handles do
                    handle.Dispose()

                let! receipt = socket.ReceiveMessageAsync(room [ 4 ], ControlMessage.RoomForDescriptors 2)
                let taken = receipt.TakeHandles()
                Expect.isEmpty (receipt.TakeHandles()) "once"
                receipt.Dispose()

                Expect.throwsT<ObjectDisposedException>
                    (fun () -> receipt.TakeHandles() |> ignore)
                    "too late"

                Expect.equal (taken |> Array.map textBehind) [| "text 1"; "text 2" |] "in their order"

                for handle in taken do
                    handle.Dispose()
            })

        mailboxCase "descriptors (SCM_RIGHTS) that nobody takes are closed" (fun _ socket folder ->
            task {
                let handles = files folder 3
                let extras = MessageExtras(EndPoint = socket.LocalEndPoint, Handles = handles)
                let! _ = socket.SendMessageAsync(sendable [ "x" ], extras)
                let! receipt = socket.ReceiveMessageAsync(room [ 4 ], ControlMessage.RoomForDescriptors 3)
                Expect.equal (openFiles folder) 6 "ours and theirs"
                do! receipt.DisposeAsync()
                receipt.Dispose()
                Expect.equal (openFiles folder) 3 "ours alone"

                // Without room they never come.
                let! _ = socket.SendMessageAsync(sendable [ "x" ], extras)
                let! _ = socket.ReceiveAsync(room [ 4 ])
                Expect.equal (openFiles folder) 3 "ours alone"

                for handle in handles do
                    handle.Dispose()
            })

        mailboxCase "credentials (SCM_CREDENTIALS), told by the kernel and by hand" (fun _ socket _ ->
            task {
                passCredentials socket
                let! _ = socket.SendMessageAsync(sendable [ "x" ], toSelf socket)
                use! first = socket.ReceiveMessageAsync(room [ 4 ], ControlMessage.RoomForCredentials)
                let told = first.Control[0].Credentials
                Expect.equal (told.Value.ProcessId) Environment.ProcessId "this process"

                Expect.equal
                    (first.Control[0].Level, first.Control[0].Type)
                    (1, 2)
                    "SOL_SOCKET, SCM_CREDENTIALS"

                let byHand = [| ControlMessage told.Value |]
                let extras = MessageExtras(EndPoint = socket.LocalEndPoint, Control = byHand)
                let! _ = socket.SendMessageAsync(sendable [ "x" ], extras)
                use! second = socket.ReceiveMessageAsync(room [ 4 ], ControlMessage.RoomForCredentials)
                Expect.equal second.Control[0].Credentials told "the same"
            })

        test "what is made says what it is, and how much room it takes" {
            let raw = ControlMessage(0, 8, ReadOnlyMemory [| 1uy; 2uy |])
            Expect.equal (raw.Level, raw.Type, raw.Data.ToArray()) (0, 8, [| 1uy; 2uy |]) "raw"
            Expect.isFalse raw.Credentials.HasValue "no credentials"
            let who = PeerCredentials(1, 2u, 3u)
            Expect.equal (ControlMessage(who).Credentials) (Nullable who) "credentials"
            Expect.equal (ControlMessage.RoomFor 12) ControlMessage.RoomForCredentials "CMSG_SPACE(12)"
            Expect.equal (ControlMessage.RoomFor 8) (ControlMessage.RoomForDescriptors 2) "CMSG_SPACE(8)"

            Expect.throwsT<ArgumentOutOfRangeException>
                (fun () -> ControlMessage.RoomForDescriptors 254 |> ignore)
                "254"
        }
    ]

let private streamed =
    let messagesOf (ring: Ring) (socket: UringSocket) =
        task {
            let! pool = ring.CreateBufferPoolAsync(4, 512)
            return socket.ReceiveMessagesAsync(pool, 128).GetAsyncEnumerator()
        }

    testList "in a stream" [
        mailboxCase "control messages are decoded (SCM_CREDENTIALS)" (fun ring socket _ ->
            task {
                passCredentials socket
                let! messages = messagesOf ring socket
                let! _ = socket.SendMessageAsync(sendable [ "abc" ], toSelf socket)
                let! _ = messages.MoveNextAsync().AsTask().WaitAsync limit
                use message = messages.Current
                let told = message.ControlMessages[0].Credentials
                Expect.equal told.Value.ProcessId Environment.ProcessId "this process"
                Expect.equal (message.Payload.ToArray()) "abc"B "and the rest"
                do! messages.DisposeAsync()
            })

        mailboxCase
            "descriptors (SCM_RIGHTS) are the taker's, or closed with their message"
            (fun ring socket folder ->
                task {
                    let handles = files folder 2
                    let extras = MessageExtras(EndPoint = socket.LocalEndPoint, Handles = handles)
                    let! messages = messagesOf ring socket
                    let! _ = socket.SendMessageAsync(sendable [ "one" ], extras)
                    let! _ = messages.MoveNextAsync().AsTask().WaitAsync limit
                    let message = messages.Current
                    let taken = message.TakeHandles()
                    Expect.isEmpty (message.TakeHandles()) "once"
                    Expect.isEmpty message.ControlMessages "nothing else"
                    message.Dispose()
                    Expect.equal (taken |> Array.map textBehind) [| "text 1"; "text 2" |] "in their order"

                    for handle in taken do
                        handle.Dispose()

                    let! _ = socket.SendMessageAsync(sendable [ "two" ], extras)
                    let! _ = messages.MoveNextAsync().AsTask().WaitAsync limit
                    let message = messages.Current
                    Expect.equal (openFiles folder) 4 "ours and theirs"
                    message.Dispose()
                    message.Dispose()
                    Expect.equal (openFiles folder) 2 "ours alone"
                    do! messages.DisposeAsync()

                    for handle in handles do
                        handle.Dispose()
                })

        mailboxCase
            "descriptors (SCM_RIGHTS) of messages that nobody looks at are closed with the stream"
            (fun ring socket folder ->
                task {
                    let handles = files folder 1
                    let extras = MessageExtras(EndPoint = socket.LocalEndPoint, Handles = handles)
                    let! messages = messagesOf ring socket

                    for _ in 1..3 do
                        let! _ = socket.SendMessageAsync(sendable [ "x" ], extras)
                        ()

                    // One is found and not looked at, one waits in the stream, the third perhaps.
                    let! _ = messages.MoveNextAsync().AsTask().WaitAsync limit
                    do! eventually "all have come" (fun () -> openFiles folder = 4)
                    do! messages.DisposeAsync()
                    Expect.equal (openFiles folder) 1 "ours alone"

                    for handle in handles do
                        handle.Dispose()
                })
    ]

[<Tests>]
let tests = testSequenced <| testList "Message facade" [ buffers; along; streamed ]
