/// Loops for the real-kernel tests: with a time limit for everything, so that a hang is a failure with a name.
module Uring.Tests.Linux.Hosting

open System
open System.IO
open System.Net
open System.Net.Sockets
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model

/// A socket of the BCL: the other side, which shares no code with ours.
type Peer = System.Net.Sockets.Socket

/// Longer than anything here takes, even on a busy machine.
let limit = TimeSpan.FromSeconds 20.0

/// The task's result or exception. Hanging is a failure.
let finish (what: string) (running: Task<'T>) : 'T =
    if Task.WaitAny([| running :> Task |], limit) < 0 then failtest $"{what}: hangs"

    running.GetAwaiter().GetResult()

/// As `finish`, for what has no result.
let finished (what: string) (running: Task) : unit =
    if Task.WaitAny([| running |], limit) < 0 then failtest $"{what}: hangs"

    running.GetAwaiter().GetResult()

/// Waits for a task whatever becomes of it.
let ended (what: string) (running: Task) : unit =
    if Task.WaitAny([| running |], limit) < 0 then failtest $"{what}: hangs"

let small = { LoopOptions.standard with Entries = 8; Completions = 16 }

let startLoop (kernel: IKernel) options = LoopThread.Start(kernel, options, "uring test")

let stopLoop (host: LoopThread) = host.DisposeAsync().AsTask() |> finished "DisposeAsync"

let startOn (host: LoopThread) (program: Uring<'T>) = Uring.startOn host CancellationToken.None program

let runOn (host: LoopThread) (program: Uring<'T>) : 'T = startOn host program |> finish "program"

/// Lends a loop to `body`, and stops it.
let withLoopOf (kernel: IKernel) options (body: LoopThread -> 'T) : 'T =
    let host = startLoop kernel options
    let mutable failed = true

    try
        let result = body host
        failed <- false
        result
    finally
        // After a failure the first message is the one that counts.
        if failed then host.DisposeAsync().AsTask() |> ignore else stopLoop host

let withLoop (body: LoopThread -> 'T) : 'T = withLoopOf LinuxKernel.Instance LoopOptions.standard body

/// Runs a program on a loop of its own.
let run (program: Uring<'T>) : 'T = withLoop (fun host -> runOn host program)

/// The result of one operation, errors as negative numbers.
let attempt (host: LoopThread) (request: Request) : int =
    let mutable request = request

    host.Loop.TryStart(&request, CancellationToken.None).AsTask() |> finish "operation"

let errnoOf (host: LoopThread) request = Errno.ofResult (attempt host request)

/// The exception that it ends with.
let failureOf (body: unit -> 'T) : exn | null =
    try
        body () |> ignore
        null
    with reason ->
        reason

/// A fresh folder, deleted in the end.
let inFolder (body: string -> unit) =
    let folder = Directory.CreateTempSubdirectory("uring-core-").FullName

    try
        body folder
    finally
        Directory.Delete(folder, true)

/// A test with a loop and a folder of its own.
let folderCase name (body: LoopThread -> string -> unit) =
    testCase name (fun () -> inFolder (fun folder -> withLoop (fun host -> body host folder)))

/// A name in a folder.
let at (folder: string) name = Path.Combine(folder, name)

let loopback = IPEndPoint(IPAddress.Loopback, 0)

/// A TCP connection: ours on the loop, the other a socket of the BCL.
let connectPair (host: LoopThread) : struct (Uring.FSharp.Socket * Peer) =
    use listener = new TcpListener(IPAddress.Loopback, 0)
    listener.Start()
    let ours = runOn host (Socket.connect listener.LocalEndpoint)
    let theirs = listener.AcceptSocket()
    theirs.NoDelay <- true
    struct (ours, theirs)

let timerOf (milliseconds: float) = Uring.timer (TimeSpan.FromMilliseconds milliseconds)

let nop: Request = Request.bare (Submission.nop ())

/// Starts an operation from this thread.
let startAs (host: LoopThread) (request: Request) (token: CancellationToken) : Task<int> =
    let mutable request = request
    host.Loop.Start(&request, token).AsTask()

/// Waits until something that no event announces has come about.
let eventually (what: string) (holds: unit -> bool) =
    let clock = Diagnostics.Stopwatch.StartNew()

    while not (holds ()) do
        if clock.Elapsed > limit then failtest $"{what}: never"

        Thread.Yield() |> ignore

/// Every way of waking, with its name: the core's own unions have no text (ReflectionFree).
let ways = [ "SendMessage", Wake.SendMessage; "MessageRing", Wake.MessageRing; "Poll", Wake.Poll ]

/// Memory that nobody can pin.
[<Sealed>]
type UnpinnableMemory() =
    inherit Buffers.MemoryManager<byte>()
    let bytes = Array.zeroCreate<byte> 8
    override _.GetSpan() = Span bytes
    override _.Pin _ = raise (InvalidOperationException "This memory cannot be pinned.")
    override _.Unpin() = ()
    override _.Dispose(_: bool) = ()

    interface IDisposable with
        member _.Dispose() = ()
