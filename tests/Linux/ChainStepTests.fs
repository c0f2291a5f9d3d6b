/// Every step that a chain of the C# facade can have, which ChainFacadeTests and SlotTests do not have already.
module Uring.Tests.Linux.ChainStepTests

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Net.Sockets
open Expecto
open Uring
open Uring.Tests.Linux.Observe

type private Bcl = System.IO.File

let private soon = TimeSpan.FromMilliseconds 30.0
let private bytes (text: string) = ReadOnlyMemory(Pairs.bytesOf text)
let private values (results: IReadOnlyList<ChainResult>) = [ for result in results -> result.Value ]

let private completed (results: IReadOnlyList<ChainResult>) =
    Expect.allEqual [ for result in results -> result.Outcome ] ChainOutcome.Completed "outcomes"

let private refused<'Failure when 'Failure :> exn> (ring: Ring) (build: UringChain -> UringChain) =
    Expect.throwsT<'Failure>
        (fun () -> ring.ChainAsync(fun chain -> build chain |> ignore) |> ignore)
        "refused"

[<Tests>]
let tests =
    testSequenced
    <| testList "C# chain steps" [
        inFolderCase "several buffers, registered memory, and a worker" (fun folder ->
            task {
                use ring = new Ring()
                let path = Path.Combine(folder, "file")
                use! file = UringFile.OpenAsync(path, FileMode.Create, FileAccess.ReadWrite, ring = ring)
                use! registered = ring.RegisterBufferAsync 8
                "REGISTER"B.CopyTo registered.Memory.Span
                let parts: IReadOnlyList<ReadOnlyMemory<byte>> = [| bytes "ab"; bytes "cde" |]
                let one, other = Array.zeroCreate<byte> 3, Array.zeroCreate<byte> 4
                let rooms: IReadOnlyList<Memory<byte>> = [| Memory one; Memory other |]

                let! results =
                    ring.ChainAsync(fun chain ->
                        chain
                            .Write(file, parts, 0L)
                            .Write(file, registered.Slice(0, 4), 5L)
                            .Read(file, rooms, 0L)
                            .OnWorker()
                            .Read(file, registered.Slice(4, 4), 1L)
                        |> ignore)

                completed results
                Expect.equal (values results) [ 5; 4; 7; 4 ] "values"
                Expect.equal (Bcl.ReadAllText path) "abcdeREGI" "contents"
                Expect.equal (one, other) ("abc"B, "deRE"B) "read"
                Expect.equal (registered.Slice(4, 4).Memory.ToArray()) "bcde"B "read"
                // Fewer bytes than there is room for end the chain.
                let short () = ring.ChainAsync(fun chain -> chain.Read(file, rooms, 5L).Sync(file) |> ignore)
                let! results = short ()
                Expect.equal results[0].Value 4 "what there is"
                Expect.equal results[1].Outcome ChainOutcome.Cancelled "the end"
            })

        inFolderCase "space and length" (fun folder ->
            task {
                use ring = new Ring()
                let path = Path.Combine(folder, "file")
                use! file = UringFile.OpenAsync(path, FileMode.Create, FileAccess.ReadWrite, ring = ring)

                let! results =
                    ring.ChainAsync(fun chain ->
                        chain.Allocate(file, 0L, 8192L).SetLength(file, 3L).Write(file, bytes "x", 3L)
                        |> ignore)

                completed results
                Expect.equal (FileInfo(path).Length) 4L "length"
                refused<ArgumentOutOfRangeException> ring (fun chain -> chain.SetLength(file, -1L))
                refused<ArgumentOutOfRangeException> ring (fun chain -> chain.Allocate(file, -1L, 1L))
                refused<ArgumentOutOfRangeException> ring (fun chain -> chain.Allocate(file, 0L, 0L))
            })

        inFolderCase "from a file to a pipe, and on to a socket's peer after a pause" (fun folder ->
            task {
                use ring = new Ring()
                let path = Path.Combine(folder, "file")
                Bcl.WriteAllText(path, "0123456789")
                use! file = UringFile.OpenAsync(path, FileMode.Open, FileAccess.Read, ring = ring)
                use! pipe = UringPipe.CreateAsync(PipeModes.None, ring)
                let clock = Stopwatch.StartNew()
                let found = Array.zeroCreate<byte> 4

                let! results =
                    ring.ChainAsync(fun chain ->
                        chain
                            .Splice(file, 2L, pipe.Writer, -1L, 4)
                            .Pause(soon)
                            .Read(pipe.Reader, Memory found, 0L)
                        |> ignore)

                Expect.isGreaterThanOrEqual clock.Elapsed soon "the pause"
                Expect.equal results[0].Value 4 "spliced"
                // A pause says that its time is over, and the chain goes on.
                Expect.equal results[1].ErrorCode (int Uring.Model.Errno.ETIME) "paused"
                Expect.equal results[2].Value 4 "read"
                Expect.equal found "2345"B "bytes"
                use! other = UringPipe.CreateAsync()
                refused<ArgumentException> ring (fun chain -> chain.Splice(file, 0L, other.Writer, -1L, 1))

                refused<ArgumentOutOfRangeException> ring (fun chain ->
                    chain.Splice(file, 0L, pipe.Writer, -1L, 0))

                refused<ArgumentOutOfRangeException> ring (fun chain -> chain.Pause(TimeSpan.FromTicks -1L))
                refused<InvalidOperationException> ring _.OnWorker()
            })

        inFolderCase "into a slot, and out of it: opened, accepted, closed" (fun folder ->
            task {
                use ring = new Ring(RingOptions(DirectDescriptors = 4, ReservedDescriptors = 2))
                let path = Path.Combine(folder, "file")
                Bcl.WriteAllText(path, "text")
                let slot = ring.GetSlot 0
                let! results = ring.ChainAsync(fun chain -> chain.Open(slot, path).Close(slot) |> ignore)
                completed results
                let! again = ring.ChainAsync(fun chain -> chain.Close slot |> ignore)
                Expect.equal again[0].ErrorCode (int Uring.Model.Errno.EBADF) "it is empty"
                use! listener = UringListener.ListenAsync(Pairs.loopback, 4, ring)
                use peer = new Socket(SocketType.Stream, ProtocolType.Tcp)
                peer.Connect listener.LocalEndPoint

                let! results =
                    ring.ChainAsync(fun chain -> chain.Accept(slot, listener).Close(slot) |> ignore)

                completed results
                // The connection is closed: its peer reads the end.
                Expect.equal (peer.Receive(Array.zeroCreate<byte> 1)) 0 "the end"
                use other = new Ring(RingOptions(DirectDescriptors = 4, ReservedDescriptors = 2))
                refused<ArgumentException> other (fun chain -> chain.Close slot)
            })

        tidyCase "a connection, and what is sent over it" (fun () ->
            task {
                use ring = new Ring()
                use! listener = UringListener.ListenAsync(Pairs.loopback, 4, ring)

                use! client =
                    UringSocket.CreateAsync(AddressFamily.InterNetwork, SocketType.Stream, ring = ring)

                let! results =
                    ring.ChainAsync(fun chain ->
                        chain.Connect(client, listener.LocalEndPoint).Send(client, bytes "hello") |> ignore)

                completed results
                use! server = listener.AcceptAsync()
                let! found = Pairs.receiveExactly server 5
                Expect.equal found "hello"B "sent"
                // Nobody listens there any more.
                let gone = listener.LocalEndPoint
                do! listener.DisposeAsync()

                use! late =
                    UringSocket.CreateAsync(AddressFamily.InterNetwork, SocketType.Stream, ring = ring)

                let! results =
                    ring.ChainAsync(fun chain ->
                        chain.Connect(late, gone).Send(late, bytes "lost") |> ignore)

                Expect.equal results[0].ErrorCode (int Uring.Model.Errno.ECONNREFUSED) "refused"
                Expect.equal results[1].Outcome ChainOutcome.Cancelled "and nothing is sent"
            })
    ]
