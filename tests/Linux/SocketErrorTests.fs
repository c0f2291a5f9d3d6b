/// What sockets say when they run out of something: time, memory for control data, memory that may be pinned, buffers of a
/// group. One request for each, on the real kernel, brought to it.
module Uring.Tests.Linux.SocketErrorTests

open System
open System.Collections.Concurrent
open System.Net
open System.Net.Sockets
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting
open Uring.Tests.Linux.ErrnoTests

// As long as the process, or somebody would close them meanwhile.
let private kept = ConcurrentBag<Peer>()

/// A listener that takes no more: what comes now is not answered.
let private full () : EndPoint =
    let listener = new Peer(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
    listener.Bind loopback
    listener.Listen 0
    let address = nonNull listener.LocalEndPoint
    let waiting = new Peer(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
    waiting.Connect address
    kept.Add listener
    kept.Add waiting
    address

/// A socket that gives up when the first second has passed without an answer.
let private impatient (stage: Stage) : FileDescriptor =
    let socket = stage.Run(Socket.create AddressFamily.InterNetwork SocketType.Stream ProtocolType.Tcp)

    stage.Run(Socket.setOption SocketOption.userTimeout (TimeSpan.FromMilliseconds 100.0) socket)
    socket.Descriptor

/// Control data of more than net.core.optmem_max.
let private talkative: MessageExtras = {
    MessageExtras.none with
        Control = [ ControlMessage.Raw(0, 0, Array.zeroCreate (1 <<< 22)) ]
        EndPoint = IPEndPoint(IPAddress.Loopback, 9)
}

let private overloaded (socket: FileDescriptor) = MessageExtras.request socket [| some |] [] talkative

/// The group of a pool whose one buffer is lent.
let private emptied (stage: Stage) : uint16 =
    let pool = stage.Run(BufferPool.create (BufferPoolOptions.fixedOf 1 64))
    let receiver = Receiving.receiver stage.Host pool
    Receiving.leaseOf receiver "x"B |> ignore
    pool.Group

let private withGroup (stage: Stage) (request: Request) : Request = {
    request with
        Submission = Submission.withBuffers (emptied stage) request.Submission
}

let private withoutCopy (socket: FileDescriptor) (request: Request) : Request = {
    request with
        Shape = Shape.ZeroCopy
        Submission = Submission.sendMessageZeroCopy socket.Number 0UL 0u
}

let private connected (stage: Stage) =
    let struct (ours, theirs) = connectPair stage.Host
    theirs.Send "text"B |> ignore
    ours.Descriptor

/// Those that need nothing but a request.
let private ofThisProcess: Refusal list =
    List.concat [
        refuses Opcode.Connect [ Errno.ETIMEDOUT, (fun s -> SocketRequest.connect (impatient s) (full ())) ]
        refuses Opcode.SendMessage [ Errno.ENOBUFS, (fun s -> overloaded s.Udp) ]
        refuses Opcode.SendMessageZeroCopy [
            Errno.ENOBUFS,
            (fun s ->
                let socket = s.Udp
                overloaded socket |> withoutCopy socket)
        ]
        refuses Opcode.Send [
            Errno.ENOBUFS, (fun s -> SocketRequest.send (connected s) bytes |> withGroup s)
        ]
        refuses Opcode.Receive [
            Errno.ENOBUFS, (fun s -> SocketRequest.receive (connected s) some |> withGroup s)
        ]
        refuses Opcode.ReceiveMessage [
            Errno.ENOBUFS, (fun s -> SocketRequest.receiveFrom (connected s) some |> withGroup s)
        ]
    ]

/// 1 MiB: more than may be pinned.
let private much = Memory(Array.zeroCreate<byte>(1 <<< 20))

/// Those that need a process which may pin little memory (RLIMIT_MEMLOCK, without CAP_IPC_LOCK).
let private ofAnother: Refusal list =
    let send (stage: Stage) = SocketRequest.sendZeroCopy (connected stage) much

    List.concat [
        refuses Opcode.SendZeroCopy [ Errno.ENOMEM, send ]
        refuses Opcode.SendMessageZeroCopy [
            Errno.ENOMEM,
            (fun s ->
                let socket = connected s
                MessageExtras.request socket [| much |] [] MessageExtras.none |> withoutCopy socket)
        ]
    ]

/// All of them.
let table: Refusal list = ofThisProcess @ ofAnother

let private perform (case: Refusal) =
    inFolder (fun folder -> onStage LinuxKernel.Instance folder (fun stage -> isRefused stage ignore case))

/// In the child.
let private unpinned () =
    for case in ofAnother do
        match failureOf (fun () -> perform case) with
        | null -> ()
        | reason -> Console.Out.WriteLine reason.Message

    Console.Out.WriteLine "done"
    0

/// What this program does as a child.
let children = [ "unpinned", unpinned ]

/// A process of at most 64 KiB of locked memory that has lost the right to more, if it had it.
let private poor = [
    yield! [ "prlimit"; "--memlock=65536" ]
    if Environment.IsPrivilegedProcess then
        yield! [ "setpriv"; "--bounding-set=-ipc_lock"; "--inh-caps=-ipc_lock"; "--no-new-privs" ]
]

[<Tests>]
let tests =
    testList "SocketError" [
        for case in ofThisProcess do
            testCase $"{case.Opcode}: {case.Errno}" (fun () -> perform case)

        testCase "there is little memory to pin: ENOMEM of what is sent without a copy" (fun () ->
            let struct (exitCode, said) = ChildProcess.run poor "unpinned"
            Expect.equal (exitCode, said) (0, "done") "each says ENOMEM")
    ]
