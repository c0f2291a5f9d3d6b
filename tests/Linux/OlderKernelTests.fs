/// What programs get where the ring's probe does not list an opcode of the table: the same by other means, or an exception that
/// names the first kernel that has it. What is not listed is not submitted, and nothing leaks. Each opcode is missing alone,
/// and together with all that came with it or after it.
/// Length: one list of uses for each opcode of the table.
module Uring.Tests.Linux.OlderKernelTests

open System
open System.Diagnostics
open System.IO
open System.Net.Sockets
open System.Threading
open Expecto
open Microsoft.Win32.SafeHandles
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

type private Bcl = System.IO.File

/// What a program works on. It belongs to the loop of the older kernel, and was made on one that lacks nothing.
type Bench = {
    Host: LoopThread
    Folder: string
    File: File
    /// It has one connection in its queue.
    Listener: Socket
    /// The other side has sent "text", and finished.
    Socket: Socket
}

[<NoEquality; NoComparison>]
type Outcome =
    /// The same as ever.
    | Done
    /// PlatformNotSupportedException: the first kernel.
    | Refused of since: string

[<NoEquality; NoComparison>]
type Use = { Name: string; Outcome: Outcome; Program: Bench -> Uring<unit> }

let private works name program = { Name = name; Outcome = Done; Program = program }
let private refusedUntil since name program = { Name = name; Outcome = Refused since; Program = program }

/// By the first kernel that has the opcode.
let private refused opcode name program = refusedUntil (Catalogue.since opcode) name program

let private memory () = Memory(Array.zeroCreate<byte> 16)
let private bytes = ReadOnlyMemory "text"B
let private name (bench: Bench) = at bench.Folder

let private first (stream: UringStream<'T>) : Uring<'T> =
    uring {
        let! there = UringStream.next stream
        Expect.isTrue there "an item"
        return stream.Current
    }

let private disposing (stream: Uring<UringStream<'T>>) (body: UringStream<'T> -> Uring<unit>) =
    uring {
        use! stream = stream
        do! body stream
    }

let private takesOne (stream: Uring<UringStream<'T>>) =
    disposing stream (fun stream -> Uring.discard (first stream))

let private receivesText (stream: Uring<UringStream<BufferLease>>) =
    disposing stream (fun stream ->
        uring {
            let! lease = first stream
            use lease = lease
            Expect.equal (lease.Span.ToArray()) "text"B "received"
        })

let private orRaise (outcome: Result<unit, exn>) =
    match outcome with
    | Ok() -> ()
    | Error reason -> raise reason

let private withPool (body: BufferPool -> Uring<unit>) =
    uring {
        let! pool = BufferPool.create (BufferPoolOptions.fixedOf 4 64)
        let! outcome = Uring.catch (body pool)
        do! BufferPool.close pool
        return orRaise outcome
    }

let private withRegistered (body: RegisteredMemory -> Uring<unit>) =
    uring {
        let! buffer = RegisteredBuffer.create 16
        let! outcome = Uring.catch (body (RegisteredBuffer.whole buffer))
        do! RegisteredBuffer.close buffer
        return orRaise outcome
    }

let private withPipe (body: Pipe -> Uring<unit>) =
    uring {
        use! pipe = Pipe.create
        do! Uring.discard (File.writeNext pipe.Writer bytes)
        do! body pipe
    }

let private withDirect (bench: Bench) (body: Socket -> Uring<unit>) =
    uring {
        use! direct = Socket.makeDirect bench.Socket
        do! body direct
    }

let private withHandle (bench: Bench) (body: SafeFileHandle -> Uring<unit>) =
    uring {
        use handle = new SafeFileHandle(nativeint bench.Listener.Descriptor.Number, false)
        do! body handle
    }

/// Nobody's business: a time that no test waits for.
let private long = TimeSpan.FromHours 1.0

let private accepted (bench: Bench) stream =
    disposing (stream bench.Listener) (fun stream ->
        uring {
            let! connection = first stream
            do! Socket.close connection
        })

/// Opcodes without which there is no ring.
let private noRing opcode = Catalogue.needed |> List.contains opcode

/// Opcodes that no program can ask for.
let private unused = set [ Opcode.ProvideBuffers; Opcode.RemoveBuffers; Opcode.ReceiveZeroCopy ]

/// How programs come to an opcode.
let usesOf (opcode: Opcode) : Use list =
    let refused name program = refused opcode name program

    match opcode with
    | Opcode.ReadVector -> [
        refused "read" (fun b -> Uring.discard (File.readVector b.File [| memory () |] 0L))
      ]
    | Opcode.WriteVector -> [
        refused "write" (fun b -> File.writeVector b.File [| bytes |] 0L |> Uring.discard)
      ]
    | Opcode.Sync -> [ refused "sync" (fun b -> File.sync b.File) ]
    | Opcode.ReadFixed -> [
        refused "read" (fun b ->
            withRegistered (fun all -> Uring.discard (File.readRegistered b.File all 0L)))
      ]
    | Opcode.WriteFixed -> [
        refused "write" (fun b -> withRegistered (fun all -> File.writeRegistered b.File all 0L))
      ]
    | Opcode.PollAdd -> [
        refused "a socket" (fun b -> Uring.discard (Socket.poll b.Socket PollEvents.Readable))
        refused "a handle" (fun b ->
            withHandle b (fun it -> Uring.discard (Poll.once it PollEvents.Readable)))
        refused "many" (fun b -> takesOne (Socket.pollMany b.Socket PollEvents.Readable))
      ]
    | Opcode.PollRemove -> [
        refused "change" (fun b ->
            disposing (Socket.pollMany b.Listener PollEvents.Error) (fun stream ->
                Uring.discard (Poll.change stream PollEvents.Error)))
      ]
    | Opcode.SyncFileRange -> [ refused "sync" (fun b -> File.syncRange b.File 0L 4L RangeSync.Write) ]
    | Opcode.SendMessage -> [
        refused "send" (fun b ->
            Uring.discard (Socket.sendTo b.Socket bytes (Socket.localEndPoint b.Listener)))
      ]
    | Opcode.ReceiveMessage -> [
        refused "receive" (fun b -> Uring.discard (Socket.receiveFrom b.Socket (memory ())))
      ]
    | Opcode.Timeout -> [
        refused "sleep" (fun _ -> Uring.sleep TimeSpan.Zero)
        refused "ticks" (fun _ -> takesOne (Uring.ticks (TimeSpan.FromMilliseconds 1.0)))
        refused "a running timer" (fun _ ->
            uring {
                let! timer = RunningTimer.start long
                let! _ = RunningTimer.wait timer
                return ()
            })
        refused "timeout" (fun b ->
            Uring.timeout long (Uring.discard (Socket.poll b.Listener PollEvents.Error)))
      ]
    | Opcode.TimeoutRemove -> [
        refused "change" (fun _ ->
            uring {
                use! timer = RunningTimer.start long
                let! _ = RunningTimer.change timer TimeSpan.Zero
                return ()
            })
      ]
    | Opcode.Accept -> [
        refused "one" (fun b -> Uring.discard (Socket.accept b.Listener))
        refused "one direct" (fun b -> Uring.discard (Socket.acceptDirect b.Listener))
        refused "many" (fun b -> accepted b Socket.acceptMany)
        refused "many direct" (fun b -> accepted b Socket.acceptManyDirect)
      ]
    | Opcode.LinkTimeout -> [
        works "within: the step says so" (fun b ->
            uring {
                let! outcome =
                    Chains.run (
                        chain {
                            SocketRequest.poll b.Listener.Descriptor PollEvents.Error
                            Uring.within long
                        }
                    )

                Expect.equal outcome [ StepOutcome.Cancelled; StepOutcome.Failed Errno.ENOSYS ] "outcome"
            })
      ]
    | Opcode.Connect -> [
        refused "connect" (fun b -> Uring.discard (Socket.connect (Socket.localEndPoint b.Listener)))
        refused "connect direct" (fun b ->
            Uring.discard (Socket.connectDirect (Socket.localEndPoint b.Listener)))
        refused "abort" (fun b -> Socket.abort b.Socket)
      ]
    | Opcode.Allocate -> [ refused "allocate" (fun b -> File.allocate b.File 0L 10L) ]
    | Opcode.OpenAt -> [
        refused "open" (fun b -> Uring.discard (File.openRead (name b "file")))
        refused "open direct" (fun b ->
            Uring.discard (File.openDirect OpenFlags.Read UnixFileMode.UserRead (name b "file")))
        refused "open a directory" (fun b -> Uring.discard (File.openDirectory b.Folder))
        refused "open without a name" (fun b -> Uring.discard (File.openTemporary b.Folder))
      ]
    | Opcode.FilesUpdate -> [
        refused "a file" (fun b -> Uring.discard (File.makeDirect b.File))
        refused "a socket" (fun b -> Uring.discard (Socket.makeDirect b.Socket))
      ]
    | Opcode.Status -> [
        refused "of a file" (fun b -> Uring.discard (File.status b.File))
        refused "of a path" (fun b -> Uring.discard (File.statusOfPath (name b "file")))
      ]
    | Opcode.Read -> [
        refused "read" (fun b -> Uring.discard (File.read b.File (memory ()) 0L))
        refused "read next" (fun b -> Uring.discard (File.readNext b.File (memory ())))
        refused "read all of it" (fun b -> Uring.discard (File.readFull b.File (memory ()) 0L))
        refused "send a file" (fun b -> Uring.discard (Socket.sendFile b.Socket b.File 0L 4L))
      ]
    | Opcode.Write -> [
        refused "write" (fun b -> File.write b.File bytes 0L)
        refused "write next" (fun b -> Uring.discard (File.writeNext b.File bytes))
        refused "receive a file" (fun b -> Uring.discard (Socket.receiveFile b.Socket b.File 0L 4L))
      ]
    | Opcode.FileAdvise -> [ refused "advise" (fun b -> File.advise b.File 0L 4L FileAdvice.Sequential) ]
    | Opcode.MemoryAdvise -> [
        refused "advise" (fun _ ->
            Uring.discard (Uring.perform (FileRequest.adviseMemory (memory ()) MemoryAdvice.Normal)))
      ]
    | Opcode.Send -> [
        refused "send some" (fun b -> Uring.discard (Socket.sendSome b.Socket bytes))
        refused "send all" (fun b -> Socket.send b.Socket bytes)
      ]
    | Opcode.Receive -> [
        refused "receive" (fun b -> Uring.discard (Socket.receive b.Socket (memory ())))
        refused "receive many" (fun b -> withPool (Socket.receiveMany b.Socket >> receivesText))
      ]
    | Opcode.OpenAt2 -> [
        refused "open from a directory" (fun b ->
            uring {
                use! directory = File.openDirectory b.Folder

                let! _ =
                    File.openFrom directory PathRules.Beneath OpenFlags.Read UnixFileMode.UserRead "file"

                return ()
            })
      ]
    | Opcode.EpollControl -> [
        refused "add" (fun b ->
            withHandle b (fun it -> Epoll.add it it PollEvents.Readable EpollMode.Level 0UL))
      ]
    | Opcode.Splice -> [
        refused "to a pipe" (fun b ->
            withPipe (fun pipe -> Uring.discard (File.splice b.File 0L pipe.Writer -1L 4)))
      ]
    | Opcode.Tee -> [
        refused "tee" (fun _ ->
            withPipe (fun one -> withPipe (fun other -> Uring.discard (Pipe.tee one.Reader other.Writer 4))))
      ]
    | Opcode.Shutdown -> [ refused "shutdown" (fun b -> Socket.shutdown b.Socket SocketShutdown.Both) ]
    | Opcode.RenameAt -> [ refused "rename" (fun b -> File.rename (name b "file") (name b "other")) ]
    | Opcode.UnlinkAt -> [
        refused "a file" (fun b -> File.delete (name b "file"))
        refused "a directory" (fun b -> File.removeDirectory (name b "directory"))
      ]
    | Opcode.MakeDirectoryAt -> [ refused "make" (fun b -> File.makeDirectory (name b "new")) ]
    | Opcode.SymbolicLinkAt -> [ refused "make" (fun b -> File.makeSymbolicLink (name b "new") "file") ]
    | Opcode.LinkAt -> [ refused "make" (fun b -> File.makeHardLink (name b "new") (name b "file")) ]
    | Opcode.MessageRing -> [
        refused "mail" (fun b -> Mail.post b.Host { Tag = 1; Value = 2; Flags = 0u })
        refused "move a socket" (fun b ->
            withDirect b (fun direct ->
                uring {
                    let other = startLoop LinuxKernel.Instance { small with DirectDescriptors = 1 }

                    try
                        let! _ = Socket.moveTo other direct
                        return ()
                    finally
                        stopLoop other
                }))
      ]
    | Opcode.SetAttributeOfFile -> [ refused "set" (fun b -> File.setAttribute b.File "user.name" bytes) ]
    | Opcode.SetAttribute -> [
        refused "set" (fun b -> File.setAttributeOfPath (name b "file") "user.name" bytes)
      ]
    | Opcode.GetAttributeOfFile -> [
        refused "get" (fun b -> Uring.discard (File.attribute b.File "user.name"))
      ]
    | Opcode.GetAttribute -> [
        refused "get" (fun b -> Uring.discard (File.attributeOfPath (name b "file") "user.name"))
      ]
    | Opcode.Socket -> [
        refused "create" (fun _ ->
            Uring.discard (Socket.create AddressFamily.InterNetwork SocketType.Dgram ProtocolType.Udp))
        refused "create direct" (fun _ ->
            Uring.discard (Socket.createDirect AddressFamily.InterNetwork SocketType.Stream ProtocolType.Tcp))
        refused "listen" (fun _ -> Uring.discard (Socket.listen loopback 1))
        refused "connect" (fun b -> Uring.discard (Socket.connect (Socket.localEndPoint b.Listener)))
        works "accept many, one by one" (fun b -> accepted b Socket.acceptMany)
        refused "accept many direct" (fun b -> accepted b Socket.acceptManyDirect)
      ]
    | Opcode.Command -> [
        refused "of a file" (fun b ->
            withHandle b (fun it -> Uring.discard (Command.send it 0u ReadOnlyMemory.Empty)))
        refused "of a file of ours" (fun b ->
            Uring.discard (Command.on b.File.Descriptor 0u ReadOnlyMemory.Empty))
        refused "of a direct descriptor" (fun b ->
            withDirect b (fun direct -> Uring.discard (Command.on direct.Descriptor 0u ReadOnlyMemory.Empty)))
        refused "what can be received" (fun b -> Uring.discard (Socket.available b.Socket))
        works "an option, by a system call" (fun b ->
            uring {
                do! Socket.setOption SocketOption.keepAlive true b.Socket
                let! value = Socket.getOption SocketOption.keepAlive b.Socket
                Expect.isTrue value "set"
            })
      ]
    | Opcode.SendZeroCopy -> [
        works "send, with a copy" (fun b ->
            uring {
                let! sending = Socket.sendZeroCopy Timeout.InfiniteTimeSpan b.Socket bytes
                let! count = uring { return! sending.Sent }
                Expect.equal count 4 "sent"
                do! uring { return! sending.Released }
            })
        works "receive many, one by one" (fun b ->
            withPool (fun pool -> receivesText (Socket.receiveMany b.Socket pool)))
      ]
    | Opcode.SendMessageZeroCopy -> [
        works "send, with a copy" (fun b ->
            uring {
                let! sending =
                    SocketMessages.sendZeroCopy
                        Timeout.InfiniteTimeSpan
                        b.Socket
                        [| bytes |]
                        MessageExtras.none

                let! count = uring { return! sending.Sent }
                Expect.equal count 4 "sent"
                do! uring { return! sending.Released }
            })
      ]
    | Opcode.ReadMultishot -> [
        works "read many, one by one" (fun _ ->
            withPipe (fun pipe -> withPool (fun pool -> receivesText (File.readMany pipe.Reader pool))))
        works "ticks, one by one" (fun _ -> takesOne (Uring.ticks (TimeSpan.FromMilliseconds 1.0)))
      ]
    | Opcode.WaitId -> [
        refused "wait" (fun _ -> Uring.discard (Child.wait ChildEvents.Exited 1))
        works "run, with .NET's exit code" (fun _ ->
            uring {
                let! outcome = Child.run (ProcessStartInfo("/bin/sh", [ "-c"; "exit 3" ]))
                Expect.equal outcome.Status.Status 3 "exit code"
            })
      ]
    | Opcode.FutexWait -> [ refused "wait" (fun _ -> Uring.discard (Futex.wait (Futex()) 1)) ]
    | Opcode.FutexWake -> [ refused "wake" (fun _ -> Uring.discard (Futex.wake (Futex()) 1)) ]
    | Opcode.FutexWaitVector -> [
        refused "wait" (fun _ -> Uring.discard (Futex.waitAny [ struct (Futex(), 1) ]))
      ]
    | Opcode.InstallFixed -> [ refused "install" (fun b -> withDirect b (Socket.install >> Uring.discard)) ]
    | Opcode.Truncate -> [
        works "by a system call" (fun b ->
            uring {
                do! File.truncate b.File 2L
                let! status = File.status b.File
                Expect.equal status.Length 2L "cut"
            })
        refused "of a direct descriptor" (fun b ->
            uring {
                use! direct = File.makeDirect b.File
                do! File.truncate direct 2L
            })
      ]
    | Opcode.Bind
    | Opcode.Listen -> [
        works "by a system call" (fun _ ->
            uring {
                use! _ = Socket.listen loopback 1
                return ()
            })
        refused "of a direct descriptor" (fun _ ->
            uring {
                use! direct =
                    Socket.createDirect AddressFamily.InterNetwork SocketType.Stream ProtocolType.Tcp

                do! Socket.bind direct loopback
                do! Uring.discard (Uring.perform (SocketRequest.listen direct.Descriptor 1))
            })
      ]
    | Opcode.EpollWait -> [
        refused "wait" (fun b -> withHandle b (fun it -> Uring.discard (Epoll.wait it 1)))
      ]
    | Opcode.ReadVectorFixed -> [
        works "pinned anew" (fun b ->
            withRegistered (fun all -> Uring.discard (File.readRegisteredVector b.File [| all |] 0L)))
      ]
    | Opcode.WriteVectorFixed -> [
        works "pinned anew" (fun b ->
            withRegistered (fun all -> Uring.discard (File.writeRegisteredVector b.File [| all |] 0L)))
      ]
    | Opcode.Pipe -> [
        works "by a system call" (fun _ -> withPipe (fun _ -> Uring.result ()))
        refused "of direct descriptors" (fun _ -> Uring.discard (Pipe.createWith PipeModes.Direct))
      ]
    // An open set: what the library needs, what no program asks for, and what is new and wants its uses here.
    | _ -> []

/// Makes it on a kernel that lacks nothing, and hands it over.
let private handOver (host: LoopThread) (descriptor: FileDescriptor) : FileDescriptor =
    Expect.isTrue (descriptor.AskClose()) "nobody else closes it"
    GC.SuppressFinalize descriptor
    host.Loop.Own descriptor.Number

/// Lends a bench on this kernel, and closes it.
let withBench kernel (body: Bench -> unit) =
    inFolder (fun folder ->
        Bcl.WriteAllText(at folder "file", "contents")
        Directory.CreateDirectory(at folder "directory") |> ignore

        withLoop (fun helper ->
            withLoopOf kernel { small with DirectDescriptors = 4 } (fun host ->
                let family = AddressFamily.InterNetwork
                let mode = UnixFileMode.UserRead
                let file = runOn helper (File.openWith OpenFlags.ReadWrite mode (at folder "file"))
                let listener = runOn helper (Socket.listen loopback 4)
                let endPoint = Socket.localEndPoint listener
                let ours = runOn helper (Socket.connect endPoint)
                let theirs = runOn helper (Socket.accept listener)
                runOn helper (Socket.send theirs bytes)
                runOn helper (Socket.shutdown theirs SocketShutdown.Send)
                let queued = runOn helper (Socket.connect endPoint)

                let bench = {
                    Host = host
                    Folder = folder
                    File = File(host.Loop, handOver host file.Descriptor, "file")
                    Listener = Socket(host.Loop, handOver host listener.Descriptor, family)
                    Socket = Socket(host.Loop, handOver host ours.Descriptor, family)
                }

                try
                    body bench
                finally
                    for descriptor in
                        [ bench.File.Descriptor; bench.Listener.Descriptor; bench.Socket.Descriptor ] do
                        host.Loop.CloseDescriptor(descriptor).AsTask() |> finish "close" |> ignore

                    runOn helper (Socket.close theirs)
                    runOn helper (Socket.close queued))))

/// The opcode, and all that came with it or after it.
let private from (opcode: Opcode) =
    let version (text: string) = System.Version.Parse text
    let since = version (Catalogue.since opcode)

    Catalogue.rows |> List.filter (fun row -> version row.Since >= since) |> List.map _.Opcode

let private attempt (opcode: Opcode) hidden (one: Use) =
    let kernel = FaultyKernel(Hidden = hidden)

    withBench kernel (fun bench ->
        match one.Outcome, failureOf (fun () -> runOn bench.Host (one.Program bench)) with
        | Done, null -> ()
        | Refused since, (:? PlatformNotSupportedException as reason) ->
            Expect.stringContains reason.Message $"Linux {since} or newer" "the first kernel"
        | _, null -> failtest "It is not refused."
        | _, reason -> failtest $"{reason}"

        Expect.equal bench.Host.Loop.InFlight 0 "nothing in flight"

        for opcode in hidden do
            Expect.isFalse (kernel.HasSeen opcode) $"{opcode} was submitted")

    Expect.equal (kernel.OpenRings, kernel.OpenMaps, kernel.Strays) (0, 0, 0) $"{opcode}: rings, maps, strays"

/// Every kernel that the library takes has what is as old as this.
let private oldest = System.Version(5, 11)

let private testsOf (row: OperationRow) = [
    for one in usesOf row.Opcode do
        testCaseTask $"{row.Name}, {one.Name}" (fun () ->
            Observe.leavesNothingOpen (fun () -> task { attempt row.Opcode [ row.Opcode ] one }))

        if System.Version.Parse row.Since > oldest then
            testCaseTask $"{row.Name}, {one.Name}, on the kernel before {row.Since}" (fun () ->
                Observe.leavesNothingOpen (fun () -> task { attempt row.Opcode (from row.Opcode) one }))
]

[<Tests>]
let tests =
    testSequenced
    <| testList "Older kernel" [
        yield! Catalogue.rows |> List.collect testsOf

        testCase "every opcode of the table is tried" (fun () ->
            for row in Catalogue.rows do
                let isTried = not (usesOf row.Opcode).IsEmpty
                let isExcepted = noRing row.Opcode || unused.Contains row.Opcode
                Expect.notEqual isTried isExcepted row.Name)

        for opcode in Catalogue.needed do
            testCase $"{opcode}: there is no ring without it" (fun () ->
                let kernel = FaultyKernel(Hidden = [ opcode ])

                match failureOf (fun () -> startLoop kernel small) with
                | :? Uring.UringUnavailableException as reason ->
                    Expect.equal reason.Refusal Refusal.TooOld "refusal"
                | other -> failtest $"{other}"

                Expect.equal (kernel.OpenRings, kernel.OpenMaps) (0, 0) "rings, maps")
    ]
