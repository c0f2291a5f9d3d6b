/// Every operation that works on a descriptor works on a direct one: a slot of the ring's own table, which has no number. One
/// request for each, on the real kernel; the table of operations says which they are. And each of them, cancelled at any
/// moment, is done or is not, and leaves nothing behind.
module Uring.Tests.Linux.DirectTableTests

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

/// A ring with a table of its own, and an empty folder.
type private Stage = {
    Host: LoopThread
    Folder: string
    /// What a request needs and does not name: collected meanwhile, it would be the end of a pipe or connection.
    Kept: ResizeArray<obj>
} with

    member stage.Run(program: Uring<'T>) : 'T = runOn stage.Host program

    member private stage.Keep(needed: 'T) : 'T =
        stage.Kept.Add needed
        needed

    /// A file of four bytes.
    member stage.File: FileDescriptor =
        Bcl.WriteAllText(at stage.Folder "file", "text")

        stage
            .Run(File.openDirect OpenFlags.ReadWrite (enum<UnixFileMode> 0o666) (at stage.Folder "file"))
            .Descriptor

    /// Both ends, with four bytes between them.
    member stage.Pipe: struct (FileDescriptor * FileDescriptor) =
        let pipe = stage.Run Pipe.create
        stage.Run(File.writeAllNext pipe.Writer (ReadOnlyMemory "text"B))

        let direct (one: File) = stage.Keep(stage.Run(File.makeDirect one)).Descriptor
        struct (direct pipe.Reader, direct pipe.Writer)

    member stage.Tcp: Uring.FSharp.Socket =
        stage.Run(Socket.createDirect AddressFamily.InterNetwork SocketType.Stream ProtocolType.Tcp)

    member stage.Udp: Uring.FSharp.Socket =
        stage.Run(Socket.createDirect AddressFamily.InterNetwork SocketType.Dgram ProtocolType.Udp)

    member stage.Bound(socket: Uring.FSharp.Socket) : Uring.FSharp.Socket =
        stage.Run(Socket.bind socket loopback)
        socket

    member stage.Listener: Uring.FSharp.Socket = stage.Keep(stage.Run(Socket.listenDirect loopback 4))

    /// A connection to a peer that has sent four bytes.
    member stage.Connected: FileDescriptor =
        use listener = new TcpListener(loopback)
        listener.Start()
        let ours = stage.Run(Socket.connectDirect listener.LocalEndpoint)
        let theirs = stage.Keep(listener.AcceptSocket())
        theirs.Send "text"B |> ignore
        stage.Run(Socket.poll ours PollEvents.Readable) |> ignore
        ours.Descriptor

    member stage.Registered: RegisteredMemory = stage.Run(RegisteredBuffer.create 4) |> RegisteredBuffer.whole

/// A request on a direct descriptor, and what it ends with; nothing: any success.
type private Use = { Opcode: Opcode; Ends: int voption; Make: Stage -> Request }

let private ends result opcode make = { Opcode = opcode; Ends = ValueSome result; Make = make }
let private succeeds opcode make = { Opcode = opcode; Ends = ValueNone; Make = make }

let private room () : Memory<byte> = Memory(Array.zeroCreate<byte> 4)
let private bytes: ReadOnlyMemory<byte> = ReadOnlyMemory "more"B
let private flag = BitConverter.GetBytes 1

let private reader (s: Stage) =
    let struct (reader, _) = s.Pipe
    reader

let private writer (s: Stage) =
    let struct (_, writer) = s.Pipe
    writer

let private table: Use list = [
    ends 4 Opcode.Read (fun s -> FileRequest.read s.File (room ()) 0L)
    ends 4 Opcode.Write (fun s -> FileRequest.write s.File bytes 0L)
    ends 4 Opcode.ReadVector (fun s -> VectorRequest.read s.File [| room (); room () |] 0L)
    ends 8 Opcode.WriteVector (fun s -> VectorRequest.write s.File [| bytes; bytes |] 0L)
    ends 4 Opcode.ReadFixed (fun s -> RegisteredRequest.read s.File s.Registered 0L)
    ends 4 Opcode.WriteFixed (fun s -> RegisteredRequest.write s.File s.Registered 0L)
    ends 4 Opcode.ReadVectorFixed (fun s -> RegisteredRequest.readVector s.File [| s.Registered |] 0L)
    ends 4 Opcode.WriteVectorFixed (fun s -> RegisteredRequest.writeVector s.File [| s.Registered |] 0L)
    ends 0 Opcode.Sync (fun s -> FileRequest.sync s.File false)
    ends 0 Opcode.SyncFileRange (fun s -> FileRequest.syncRange s.File 0L 4L RangeSync.Write)
    ends 0 Opcode.Allocate (fun s -> FileRequest.allocate s.File 0L 8192L)
    ends 0 Opcode.FileAdvise (fun s -> FileRequest.advise s.File 0L 0L FileAdvice.Sequential)
    ends 0 Opcode.Truncate (fun s -> FileRequest.truncate s.File 1L)
    ends 0 Opcode.SetAttributeOfFile (fun s ->
        FileRequest.setAttribute s.File "user.a" bytes AttributeChange.CreateOrReplace)
    ends 4 Opcode.GetAttributeOfFile (fun s ->
        let file = s.File
        let set = FileRequest.setAttribute file "user.a" bytes AttributeChange.CreateOrReplace
        attempt s.Host set |> ignore
        FileRequest.attribute file "user.a" 8)
    ends 4 Opcode.Splice (fun s -> FileRequest.splice (reader s) -1L s.File 0L 4)
    ends 4 Opcode.Tee (fun s -> FileRequest.tee (reader s) (writer s) 4)
    ends 1 Opcode.PollAdd (fun s -> SocketRequest.poll (reader s) PollEvents.Readable)
    succeeds Opcode.InstallFixed (fun s -> FileRequest.install s.File)
    ends 0 Opcode.Bind (fun s -> SocketRequest.bind s.Tcp.Descriptor loopback)
    ends 0 Opcode.Listen (fun s -> SocketRequest.listen (s.Bound s.Tcp).Descriptor 1)
    ends 0 Opcode.Connect (fun s ->
        let listener = s.Listener
        SocketRequest.connect s.Tcp.Descriptor (s.Run(Socket.readLocalEndPoint listener)))
    succeeds Opcode.Accept (fun s ->
        let listener = s.Listener
        s.Run(Socket.connect (s.Run(Socket.readLocalEndPoint listener))) |> ignore
        SocketRequest.accept listener.Descriptor)
    ends 4 Opcode.Send (fun s -> SocketRequest.send s.Connected bytes)
    ends 4 Opcode.Receive (fun s -> SocketRequest.receive s.Connected (room ()))
    ends 4 Opcode.SendZeroCopy (fun s -> SocketRequest.sendZeroCopy s.Connected (room ()))
    ends 0 Opcode.Shutdown (fun s -> SocketRequest.shutdown s.Connected SocketShutdown.Send)
    ends 4 Opcode.Command (fun s -> SocketRequest.available s.Connected)
    ends 4 Opcode.SendMessage (fun s ->
        let target = s.Run(Socket.readLocalEndPoint (s.Bound s.Udp))
        SocketRequest.sendTo s.Udp.Descriptor bytes target)
    ends 4 Opcode.ReceiveMessage (fun s ->
        let target = s.Bound s.Udp
        let address = s.Run(Socket.readLocalEndPoint target)
        s.Run(Socket.sendTo s.Udp bytes address) |> ignore
        SocketRequest.receiveFrom target.Descriptor (room ()))
]

/// Those that are no single request on a descriptor of ours, with where a direct one is tried.
let private elsewhere = [
    Opcode.SendMessageZeroCopy, "of several parts: ZeroCopyMessageTests"
    Opcode.ReadMultishot, "a stream: PipeTests"
    Opcode.MessageRing, "its file is the other ring: MailTests"
    Opcode.EpollWait, "an epoll is somebody else's: a handle"
    Opcode.ReceiveZeroCopy, "left out"
]

let private options = { LoopOptions.standard with DirectDescriptors = 64 }

let private openDescriptors () = Directory.GetFileSystemEntries("/proc/self/fd").Length

/// Cancelled so long after its start; a descriptor that it made all the same is ours to close.
let private cancelledAfter (host: LoopThread) (spins: int) (request: Request) =
    use source = new CancellationTokenSource()
    let running = startAs host request source.Token
    Thread.SpinWait spins
    source.Cancel()
    ended "cancelled" running

    if running.IsCompletedSuccessfully then
        if Catalogue.createsDescriptor request.Submission.Opcode then
            Expect.equal (attempt host (Request.bare (Submission.close running.Result))) 0 "closed"
    else
        Expect.isTrue running.IsCanceled $"cancelled, and nothing else: {running.Exception}"

[<Tests>]
let tests =
    testSequenced
    <| testList "Direct table" [
        for use' in table do
            testCase $"{use'.Opcode}" (fun () ->
                inFolder (fun folder ->
                    withLoopOf LinuxKernel.Instance options (fun host ->
                        let stage = { Host = host; Folder = folder; Kept = ResizeArray() }
                        let request = use'.Make stage
                        Expect.equal request.Submission.Opcode use'.Opcode "which"
                        Expect.isTrue (nonNull request.Target).IsDirect "a direct descriptor"
                        let result = attempt host request
                        GC.KeepAlive stage

                        match use'.Ends with
                        | ValueSome expected -> Expect.equal result expected "result"
                        | ValueNone -> Expect.isGreaterThan result 0 "success")))

        for use' in table do
            testCase $"{use'.Opcode}, cancelled at any moment" (fun () ->
                inFolder (fun folder ->
                    withLoopOf LinuxKernel.Instance options (fun host ->
                        for round in 0..9 do
                            let stage = { Host = host; Folder = folder; Kept = ResizeArray() }
                            let request = use'.Make stage
                            let before = openDescriptors ()
                            cancelledAfter host (round * round * 50) request
                            GC.KeepAlive stage
                            // A zero-copy send's notification comes behind its result.
                            eventually "nothing is left" (fun () -> host.Loop.InFlight = 0)
                            // What earlier rounds have dropped may be collected meanwhile.
                            Expect.isLessThanOrEqual (openDescriptors ()) before "no descriptor is left")))

        testCase "every operation that the table allows it" (fun () ->
            let tried = set [ for use' in table -> int use'.Opcode ]
            let told = set [ for opcode, _ in elsewhere -> int opcode ]

            for row in Catalogue.rows do
                let number = int row.Opcode

                Expect.equal
                    (tried.Contains number || told.Contains number)
                    (row.Slots.HasFlag Slots.Target)
                    row.Name)
    ]
