/// Length: one table, of one line for each error.
/// What each operation says when it cannot: one request for each error, on the real kernel, nothing else running. The page
/// of operations shows the table; what a disk or the whole machine runs out of is met elsewhere, or says why not.
module Uring.Tests.Linux.ErrnoTests

open System
open System.Collections.Generic
open System.IO
open System.Net
open System.Net.Sockets
open System.Runtime.InteropServices
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

type private Bcl = System.IO.File

module private C =

    [<DllImport("libc")>]
    extern int epoll_create1(int flags)

/// Where a request is made: a ring with slots of its own, and an empty folder.
type Stage = {
    Host: LoopThread
    Folder: string
} with

    member stage.At name = at stage.Folder name

    member stage.Run(program: Uring<'T>) : 'T = runOn stage.Host program

    member stage.Text(name: string, text: string) : string =
        Bcl.WriteAllText(stage.At name, text)
        stage.At name

    member stage.Below(name: string) : string = Directory.CreateDirectory(stage.At name).FullName

    member stage.Open (flags: OpenFlags) (path: string) : FileDescriptor =
        stage.Run(File.openWith flags (enum<UnixFileMode> 0o666) path).Descriptor

    /// A file to read alone, one to write alone, one for both, and their folder.
    member stage.ToRead = stage.Open OpenFlags.Read (stage.Text("read", "text"))
    member stage.ToWrite = stage.Open OpenFlags.Write (stage.Text("write", "text"))
    member stage.File = stage.Open OpenFlags.ReadWrite (stage.Text("file", "text"))
    member stage.Directory = stage.Run(File.openDirectory stage.Folder).Descriptor

    /// Memory of this process as a file: nothing is mapped at its beginning, which is an error of input and output.
    member stage.Memory = stage.Open OpenFlags.ReadWrite "/proc/self/mem"

    /// A device that is always full.
    member stage.Full = stage.Open OpenFlags.Write "/dev/full"

    member stage.Pipe = stage.Run Pipe.create

    /// The end of a pipe whose reader has gone.
    member stage.Unread =
        let pipe = stage.Pipe
        stage.Run(File.close pipe.Reader)
        pipe.Writer.Descriptor

    member stage.Socket (family: AddressFamily) (kind: SocketType) : FileDescriptor =
        stage.Run(Socket.create family kind ProtocolType.Unspecified).Descriptor

    member stage.Tcp = stage.Socket AddressFamily.InterNetwork SocketType.Stream
    member stage.Udp = stage.Socket AddressFamily.InterNetwork SocketType.Dgram
    member stage.Unix = stage.Socket AddressFamily.Unix SocketType.Stream

    /// A connection whose other side has gone, and has been heard of.
    member stage.Deserted =
        let struct (ours, theirs) = connectPair stage.Host
        theirs.LingerState <- LingerOption(true, 0)
        theirs.Dispose()
        stage.Run(Socket.poll ours PollEvents.HangUp) |> ignore
        ours.Descriptor

    member stage.Registered: RegisteredMemory =
        stage.Run(RegisteredBuffer.create 64) |> RegisteredBuffer.whole

    member stage.Epoll = C.epoll_create1 0o2000000 |> stage.Host.Loop.Own |> _.Number

    /// Somebody else's number, or nobody's.
    member stage.Number(number: int) = stage.Host.Loop.Borrow number

    member stage.Nobody = stage.Number 1_000_000

/// A request, and what the kernel says to it.
type Refusal = { Opcode: Opcode; Errno: Errno; Make: Stage -> Request }

/// What one operation is refused with.
let refuses opcode (cases: (Errno * (Stage -> Request)) list) =
    cases |> List.map (fun (errno, make) -> { Opcode = opcode; Errno = errno; Make = make })

let some: Memory<byte> = Memory(Array.zeroCreate<byte> 8)
let bytes: ReadOnlyMemory<byte> = Memory.op_Implicit some
let two: IReadOnlyList<Memory<byte>> = [| some; some |]
let both: IReadOnlyList<ReadOnlyMemory<byte>> = [| bytes; bytes |]
let anyone = enum<UnixFileMode> 0o666
let private nowhere = IPEndPoint(IPAddress.Parse "192.0.2.1", 1)

/// A port that nobody listens on.
let private closedPort () : EndPoint =
    use socket = new Peer(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
    socket.Bind loopback
    nonNull socket.LocalEndPoint

let private unknown = { Bits = 0x0012_3456_0000_0101UL }

/// A name for a link, and the link.
let private linked (stage: Stage) (target: string) =
    let path = stage.At "link"
    Bcl.CreateSymbolicLink(path, target) |> ignore
    path

let private files: Refusal list =
    List.concat [
        refuses Opcode.Read [
            Errno.EBADF, (fun s -> FileRequest.read s.Nobody some 0L)
            Errno.EBADF, (fun s -> FileRequest.read s.ToWrite some 0L)
            Errno.EISDIR, (fun s -> FileRequest.read s.Directory some 0L)
            Errno.EIO, (fun s -> FileRequest.read s.Memory some 0L)
        ]
        refuses Opcode.Write [
            Errno.EBADF, (fun s -> FileRequest.write s.Nobody bytes 0L)
            Errno.EBADF, (fun s -> FileRequest.write s.ToRead bytes 0L)
            Errno.ENOSPC, (fun s -> FileRequest.write s.Full bytes 0L)
            Errno.EIO, (fun s -> FileRequest.write s.Memory bytes 0L)
            Errno.EPIPE, (fun s -> FileRequest.writeNext s.Unread bytes)
            Errno.EFBIG, (fun s -> FileRequest.write s.File bytes (Int64.MaxValue - 8L))
        ]
        refuses Opcode.ReadVector [
            Errno.EBADF, (fun s -> VectorRequest.read s.ToWrite two 0L)
            Errno.EISDIR, (fun s -> VectorRequest.read s.Directory two 0L)
            Errno.EIO, (fun s -> VectorRequest.read s.Memory two 0L)
        ]
        refuses Opcode.WriteVector [
            Errno.EBADF, (fun s -> VectorRequest.write s.ToRead both 0L)
            Errno.ENOSPC, (fun s -> VectorRequest.write s.Full both 0L)
            Errno.EIO, (fun s -> VectorRequest.write s.Memory both 0L)
            Errno.EPIPE, (fun s -> VectorRequest.writeNext s.Unread both)
        ]
        refuses Opcode.ReadFixed [
            Errno.EBADF, (fun s -> RegisteredRequest.read s.ToWrite s.Registered 0L)
            Errno.EISDIR, (fun s -> RegisteredRequest.read s.Directory s.Registered 0L)
            Errno.EIO, (fun s -> RegisteredRequest.read s.Memory s.Registered 0L)
        ]
        refuses Opcode.WriteFixed [
            Errno.EBADF, (fun s -> RegisteredRequest.write s.ToRead s.Registered 0L)
            Errno.ENOSPC, (fun s -> RegisteredRequest.write s.Full s.Registered 0L)
            Errno.EIO, (fun s -> RegisteredRequest.write s.Memory s.Registered 0L)
        ]
        refuses Opcode.Sync [
            Errno.EBADF, (fun s -> FileRequest.sync s.Nobody false)
            Errno.EINVAL, (fun s -> FileRequest.sync s.Pipe.Reader.Descriptor false)
        ]
        refuses Opcode.SyncFileRange [
            Errno.EBADF, (fun s -> FileRequest.syncRange s.Nobody 0L 1L RangeSync.Write)
            Errno.ESPIPE, (fun s -> FileRequest.syncRange s.Pipe.Reader.Descriptor 0L 1L RangeSync.Write)
        ]
        refuses Opcode.Allocate [
            Errno.EBADF, (fun s -> FileRequest.allocate s.ToRead 0L 1L)
            Errno.ESPIPE, (fun s -> FileRequest.allocate s.Unread 0L 1L)
            Errno.EFBIG, (fun s -> FileRequest.allocate s.File (Int64.MaxValue - 8L) 1L)
        ]
        refuses Opcode.FileAdvise [
            Errno.EBADF, (fun s -> FileRequest.advise s.Nobody 0L 0L FileAdvice.Random)
            Errno.ESPIPE, (fun s -> FileRequest.advise s.Pipe.Reader.Descriptor 0L 0L FileAdvice.Random)
        ]
        refuses Opcode.MemoryAdvise [
            // Not the beginning of a page.
            Errno.EINVAL, (fun _ -> FileRequest.adviseMemory (some.Slice 1) MemoryAdvice.Normal)
        ]
        refuses Opcode.Truncate [
            Errno.EBADF, (fun s -> FileRequest.truncate s.Nobody 1L)
            Errno.EINVAL, (fun s -> FileRequest.truncate s.ToRead 1L)
            Errno.EINVAL, (fun s -> FileRequest.truncate s.Unread 1L)
        ]
        refuses Opcode.Splice [
            Errno.EBADF, (fun s -> FileRequest.splice s.Nobody -1L s.Unread -1L 1)
            // Neither is a pipe.
            Errno.EINVAL, (fun s -> FileRequest.splice s.ToRead -1L s.ToWrite -1L 1)
            Errno.ESPIPE, (fun s -> FileRequest.splice s.Pipe.Reader.Descriptor 1L s.ToWrite -1L 1)
            Errno.EPIPE, (fun s -> FileRequest.splice s.ToRead -1L s.Unread -1L 1)
        ]
        refuses Opcode.Tee [
            Errno.EBADF, (fun s -> FileRequest.tee s.Nobody s.Unread 1)
            Errno.EINVAL, (fun s -> FileRequest.tee s.ToRead s.Unread 1)
        ]
        refuses Opcode.SetAttributeOfFile [
            Errno.EBADF,
            (fun s -> FileRequest.setAttribute s.Nobody "user.a" bytes AttributeChange.CreateOrReplace)
            Errno.ENODATA, (fun s -> FileRequest.setAttribute s.File "user.a" bytes AttributeChange.Replace)
            Errno.EOPNOTSUPP,
            (fun s -> FileRequest.setAttribute s.File "nobody.a" bytes AttributeChange.CreateOrReplace)
        ]
        refuses Opcode.GetAttributeOfFile [
            Errno.EBADF, (fun s -> FileRequest.attribute s.Nobody "user.a" 8)
            Errno.ENODATA, (fun s -> FileRequest.attribute s.File "user.a" 8)
            Errno.EOPNOTSUPP, (fun s -> FileRequest.attribute s.File "nobody.a" 8)
        ]
        refuses Opcode.ReadVectorFixed [
            Errno.EBADF, (fun s -> RegisteredRequest.readVector s.ToWrite [| s.Registered |] 0L)
            Errno.EISDIR, (fun s -> RegisteredRequest.readVector s.Directory [| s.Registered |] 0L)
        ]
        refuses Opcode.WriteVectorFixed [
            Errno.EBADF, (fun s -> RegisteredRequest.writeVector s.ToRead [| s.Registered |] 0L)
            Errno.ENOSPC, (fun s -> RegisteredRequest.writeVector s.Full [| s.Registered |] 0L)
        ]
    ]

let private paths: Refusal list =
    List.concat [
        refuses Opcode.OpenAt [
            Errno.ENOENT, (fun s -> FileRequest.openPath (s.At "none") OpenFlags.Read anyone)
            Errno.EISDIR, (fun s -> FileRequest.openPath s.Folder OpenFlags.Write anyone)
            Errno.ENOTDIR, (fun s -> FileRequest.openPath (at (s.Text("a", "")) "b") OpenFlags.Read anyone)

            Errno.EEXIST,
            (fun s ->
                FileRequest.openPath (s.Text("a", "")) (OpenFlags.Create ||| OpenFlags.Exclusive) anyone)

            Errno.ELOOP, (fun s -> FileRequest.openPath (linked s "link") OpenFlags.Read anyone)
            Errno.ENAMETOOLONG, (fun s -> FileRequest.openPath (s.At(String('a', 256))) OpenFlags.Read anyone)
            // A FIFO that nobody reads.
            Errno.ENXIO,
            (fun s ->
                let path = s.At "fifo"
                use maker = Diagnostics.Process.Start("mkfifo", path)
                maker.WaitForExit()
                FileRequest.openPath path (OpenFlags.Write ||| OpenFlags.NonBlocking) anyone)
        ]
        refuses Opcode.OpenAt2 [
            Errno.ENOENT,
            (fun s -> FileRequest.openFrom s.Directory PathRules.None "none" OpenFlags.Read anyone)
            Errno.EXDEV,
            (fun s -> FileRequest.openFrom s.Directory PathRules.Beneath "../x" OpenFlags.Read anyone)

            Errno.ELOOP,
            (fun s ->
                linked s (s.Text("a", "")) |> ignore
                FileRequest.openFrom s.Directory PathRules.NoLinks "link" OpenFlags.Read anyone)
        ]
        refuses Opcode.Status [
            Errno.ENOENT, (fun s -> FileRequest.status (s.At "none") true)
            Errno.ENOTDIR, (fun s -> FileRequest.status (at (s.Text("a", "")) "b") true)
            Errno.ELOOP, (fun s -> FileRequest.status (linked s "link") true)
            Errno.EBADF, (fun s -> FileRequest.statusOf s.Nobody)
        ]
        refuses Opcode.RenameAt [
            Errno.ENOENT, (fun s -> FileRequest.rename (s.At "none") (s.At "b"))

            Errno.EEXIST,
            (fun s -> FileRequest.renameAs RenameRules.NoReplace (s.Text("a", "")) (s.Text("b", "")))

            Errno.EISDIR, (fun s -> FileRequest.rename (s.Text("a", "")) (s.Below "b"))
            // The folder has something in it: the other.
            Errno.ENOTEMPTY, (fun s -> FileRequest.rename (s.Below "a") s.Folder)
            Errno.EXDEV, (fun s -> FileRequest.rename (s.Text("a", "")) "/dev/shm/uring-elsewhere")

            Errno.EINVAL, (fun s -> FileRequest.rename s.Folder (s.At "inside"))
        ]
        refuses Opcode.UnlinkAt [
            Errno.ENOENT, (fun s -> FileRequest.unlink (s.At "none"))
            Errno.EISDIR, (fun s -> FileRequest.unlink s.Folder)

            Errno.ENOTEMPTY,
            (fun s ->
                s.Text("a", "") |> ignore
                FileRequest.removeDirectory s.Folder)

            Errno.ENOTDIR, (fun s -> FileRequest.removeDirectory (s.Text("a", "")))
        ]
        refuses Opcode.MakeDirectoryAt [
            Errno.EEXIST, (fun s -> FileRequest.makeDirectory s.Folder anyone)
            Errno.ENOENT, (fun s -> FileRequest.makeDirectory (s.At "none/a") anyone)
            Errno.ENOTDIR, (fun s -> FileRequest.makeDirectory (at (s.Text("a", "")) "b") anyone)
        ]
        refuses Opcode.SymbolicLinkAt [
            Errno.EEXIST, (fun s -> FileRequest.makeSymbolicLink (s.Text("a", "")) "anything")
            Errno.ENOENT, (fun s -> FileRequest.makeSymbolicLink (s.At "none/a") "anything")
        ]
        refuses Opcode.LinkAt [
            Errno.EEXIST, (fun s -> FileRequest.makeHardLink (s.Text("a", "")) (s.Text("b", "")))
            Errno.ENOENT, (fun s -> FileRequest.makeHardLink (s.At "a") (s.At "none"))
            // Of directories there are none.
            Errno.EPERM, (fun s -> FileRequest.makeHardLink (s.At "a") s.Folder)
            Errno.EXDEV, (fun s -> FileRequest.makeHardLink "/dev/shm/uring-elsewhere" (s.Text("a", "")))
        ]
        refuses Opcode.SetAttribute [
            Errno.ENOENT,
            (fun s ->
                FileRequest.setAttributeOfPath (s.At "none") "user.a" bytes AttributeChange.CreateOrReplace)
            Errno.ENODATA,
            (fun s -> FileRequest.setAttributeOfPath (s.Text("a", "")) "user.a" bytes AttributeChange.Replace)
        ]
        refuses Opcode.GetAttribute [
            Errno.ENOENT, (fun s -> FileRequest.attributeOfPath (s.At "none") "user.a" 8)
            Errno.ENODATA, (fun s -> FileRequest.attributeOfPath (s.Text("a", "")) "user.a" 8)
        ]
    ]

let private sockets: Refusal list =
    List.concat [
        refuses Opcode.Socket [
            Errno.EAFNOSUPPORT, (fun _ -> Request.bare (Submission.socket 255 1 0))
            Errno.EPROTONOSUPPORT,
            (fun _ -> SocketRequest.socket AddressFamily.InterNetwork SocketType.Stream ProtocolType.Udp)
            Errno.EINVAL, (fun _ -> Request.bare (Submission.socket 2 15 0))
        ]
        refuses Opcode.Connect [
            Errno.ECONNREFUSED, (fun s -> SocketRequest.connect s.Tcp (closedPort ()))
            Errno.EISCONN,
            (fun s ->
                SocketRequest.connect (let struct (ours, _) = connectPair s.Host in ours.Descriptor) loopback)
            Errno.ENOENT, (fun s -> SocketRequest.connect s.Unix (UnixDomainSocketEndPoint(s.At "none")))
            Errno.ENOTSOCK, (fun s -> SocketRequest.connect s.File loopback)
            Errno.EBADF, (fun s -> SocketRequest.connect s.Nobody loopback)
        ]
        refuses Opcode.Accept [
            Errno.EINVAL, (fun s -> SocketRequest.accept s.Tcp)
            Errno.ENOTSOCK, (fun s -> SocketRequest.accept s.File)
            Errno.EOPNOTSUPP, (fun s -> SocketRequest.accept s.Udp)
        ]
        refuses Opcode.Bind [
            Errno.EADDRINUSE,
            (fun s -> SocketRequest.bind s.Tcp (s.Run(Socket.listen loopback 1) |> Socket.localEndPoint))

            Errno.EADDRNOTAVAIL, (fun s -> SocketRequest.bind s.Tcp nowhere)
            Errno.ENOTSOCK, (fun s -> SocketRequest.bind s.File loopback)
            Errno.EADDRINUSE, (fun s -> SocketRequest.bind s.Unix (UnixDomainSocketEndPoint(s.Text("a", ""))))
        ]
        refuses Opcode.Listen [
            Errno.EOPNOTSUPP, (fun s -> SocketRequest.listen s.Udp 1)
            Errno.ENOTSOCK, (fun s -> SocketRequest.listen s.File 1)
            // Without a name.
            Errno.EINVAL, (fun s -> SocketRequest.listen s.Unix 1)
        ]
        refuses Opcode.Send [
            Errno.ENOTCONN, (fun s -> SocketRequest.send s.Unix bytes)
            Errno.EPIPE, (fun s -> SocketRequest.send s.Tcp bytes)
            Errno.EDESTADDRREQ, (fun s -> SocketRequest.send s.Udp bytes)
            Errno.ECONNRESET, (fun s -> SocketRequest.send s.Deserted bytes)
            Errno.ENOTSOCK, (fun s -> SocketRequest.send s.File bytes)
        ]
        refuses Opcode.Receive [
            Errno.ENOTCONN, (fun s -> SocketRequest.receive s.Tcp some)
            Errno.ECONNRESET, (fun s -> SocketRequest.receive s.Deserted some)
            Errno.EAGAIN,
            (fun s ->
                let struct (ours, _) = connectPair s.Host
                SocketRequest.receiveWith ReceiveFlags.DontWait ours.Descriptor some)

            Errno.ENOTSOCK, (fun s -> SocketRequest.receive s.File some)
        ]
        refuses Opcode.SendMessage [
            Errno.EMSGSIZE,
            (fun s -> SocketRequest.sendTo s.Udp (ReadOnlyMemory(Array.zeroCreate 70_000)) loopback)
            Errno.EINVAL, (fun s -> SocketRequest.sendTo s.Udp bytes loopback)
            Errno.ENOTSOCK, (fun s -> SocketRequest.sendTo s.File bytes loopback)
        ]
        refuses Opcode.ReceiveMessage [
            Errno.ENOTCONN, (fun s -> SocketRequest.receiveFrom s.Tcp some)
            Errno.ENOTSOCK, (fun s -> SocketRequest.receiveFrom s.File some)
        ]
        refuses Opcode.SendZeroCopy [
            Errno.EOPNOTSUPP, (fun s -> SocketRequest.sendZeroCopy s.Unix some)
            Errno.EPIPE, (fun s -> SocketRequest.sendZeroCopy s.Tcp some)
            Errno.ENOTSOCK, (fun s -> SocketRequest.sendZeroCopy s.File some)
        ]
        refuses Opcode.Shutdown [
            Errno.ENOTCONN, (fun s -> SocketRequest.shutdown s.Tcp SocketShutdown.Send)
            Errno.ENOTSOCK, (fun s -> SocketRequest.shutdown s.File SocketShutdown.Send)
        ]
        refuses Opcode.Command [
            Errno.EOPNOTSUPP, (fun s -> Request.on s.Tcp (Submission.command s.Tcp.Number 9999u 0UL 0UL))
            Errno.EOPNOTSUPP, (fun s -> Request.on s.File (Submission.command s.File.Number 0u 0UL 0UL))
        ]
    ]

let private others: Refusal list =
    List.concat [
        refuses Opcode.Nop [
            Errno.EIO, (fun _ -> Request.bare (Submission.nopWith (Errno.toResult Errno.EIO)))
        ]
        refuses Opcode.PollAdd [ Errno.EBADF, (fun s -> SocketRequest.poll s.Nobody PollEvents.Readable) ]
        refuses Opcode.PollRemove [ Errno.ENOENT, (fun _ -> Request.bare (Submission.changePoll unknown 1u)) ]
        refuses Opcode.Cancel [
            Errno.ENOENT, (fun _ -> Request.bare (Submission.cancel unknown))
            Errno.EBADF, (fun _ -> Request.bare (Submission.cancelDescriptor 1_000_000))
        ]
        refuses Opcode.Close [ Errno.EBADF, (fun _ -> Request.bare (Submission.close 1_000_000)) ]
        refuses Opcode.FilesUpdate [
            Errno.EBADF, (fun _ -> SlotRequest.update 0u [| 1_000_000 |])
            // More than the table has.
            Errno.EINVAL, (fun _ -> SlotRequest.update 1_000u [| -1 |])
        ]
        refuses Opcode.InstallFixed [
            // A slot with nothing in it.
            Errno.EBADF, (fun _ -> Request.bare (Submission.installFixed 3 |> Submission.onFixedFile))
        ]
        refuses Opcode.MessageRing [
            // Not a ring.
            Errno.EBADFD, (fun s -> Request.bare (Submission.messageRing s.File.Number unknown 0u))
        ]
        refuses Opcode.EpollControl [
            Errno.EPERM,
            (fun s ->
                Epoll.control Epoll.adding s.Epoll s.File.Number PollEvents.Readable EpollMode.Level 0UL)
            Errno.ENOENT,
            (fun s ->
                Epoll.control Epoll.removing s.Epoll s.Tcp.Number PollEvents.Readable EpollMode.Level 0UL)
            Errno.EINVAL,
            (fun s ->
                Epoll.control Epoll.adding s.File.Number s.Tcp.Number PollEvents.Readable EpollMode.Level 0UL)
        ]
        refuses Opcode.EpollWait [ Errno.EINVAL, (fun s -> Epoll.waiting s.File.Number (Epoll.room 1)) ]
        refuses Opcode.WaitId [
            Errno.ECHILD,
            (fun _ ->
                let struct (kind, _) = Child.named (Children.One 1)
                Child.request kind Environment.ProcessId ChildEvents.Exited 0u (Child.room ()))
        ]
        refuses Opcode.FutexWait [ Errno.EAGAIN, (fun _ -> Futex.waiting (Futex()) 1) ]
        refuses Opcode.FutexWaitVector [
            Errno.EAGAIN, (fun _ -> Futex.waitingAny [ struct (Futex(), 0); struct (Futex(), 1) ])
        ]
        refuses Opcode.FutexWake [
            // Nobody is meant.
            Errno.EINVAL,
            (fun _ ->
                let request = Futex.waking (Futex()) 1
                { request with Submission = { request.Submission with Address3 = 0UL } })
        ]
    ]

/// All of them.
let table: Refusal list = List.concat [ files; paths; sockets; others ]

/// Operations that cannot be refused by one request alone, with where they are.
let elsewhere: (Opcode * string) list = [
    Opcode.Timeout, "fails by its time alone: `TimeOperationTests`"
    Opcode.TimeoutRemove, "needs memory for a time: `RunningTests`"
    Opcode.LinkTimeout, "lives in chains: `LinkTests`"
    Opcode.SendMessageZeroCopy, "of several parts: `ZeroCopyMessageTests`"
    Opcode.ReadMultishot, "a stream: `MultishotKindsTests`"
    Opcode.Pipe, "fails for want of descriptors alone: `FileLimitTests`"
    Opcode.ProvideBuffers, "left out"
    Opcode.RemoveBuffers, "left out"
    Opcode.ReceiveZeroCopy, "left out"
]

let private options = { LoopOptions.standard with DirectDescriptors = 4; ReservedDescriptors = 4 }

/// A stage in this folder. Its slots and the numbers behind them are ours.
let onStage (kernel: Uring.Kernel.IKernel) (folder: string) (body: Stage -> unit) =
    withLoopOf kernel options (fun host -> body { Host = host; Folder = folder })

/// The kernel says to it what it has to, once `ready` is done behind all that the request needs, and nothing is left of it.
let isRefused (stage: Stage) (ready: unit -> unit) (case: Refusal) =
    let request = case.Make stage
    Expect.equal request.Submission.Opcode case.Opcode "which"
    ready ()
    let result = attempt stage.Host request

    if result <> Errno.toResult case.Errno then
        let found = if result < 0 then string (Errno.ofResult result) else string result
        failtest $"{case.Errno} was expected, and {found} came"

    Expect.equal (attempt stage.Host nop) 0 "the ring goes on"
    eventually "nothing is left" (fun () -> stage.Host.Loop.InFlight = 0)

let private perOperation =
    testList "refusals" [
        for (opcode, errno), cases in table |> List.groupBy (fun case -> case.Opcode, case.Errno) do
            testCase $"{opcode}: {errno}" (fun () ->
                for case in cases do
                    inFolder (fun folder ->
                        onStage Uring.Kernel.LinuxKernel.Instance folder (fun stage ->
                            isRefused stage ignore case)))
    ]

[<Tests>]
let tests =
    testList "Errno" [
        perOperation

        testCase "every operation is refused here, or says where" (fun () ->
            let tried = set [ for case in table -> int case.Opcode ]
            let told = set [ for opcode, _ in elsewhere -> int opcode ]

            for row in Catalogue.rows do
                let number = int row.Opcode
                Expect.equal (tried.Contains number) (not (told.Contains number)) row.Name)
    ]
