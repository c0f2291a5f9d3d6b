/// Cancelling what files are asked and told: before it starts it is never done, at once it is done or it is not, afterwards
/// nothing changes, and what waits for a pipe ends. Also a transfer of more than 4 GiB.
module Uring.Tests.Linux.FileCancelTests

open System
open System.Collections.Generic
open System.IO
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

type private Bcl = System.IO.File

let private everything = enum<UnixFileMode> 0o777
let private bytes = ReadOnlyMemory "ab"B

/// What a case works on: an open file with contents, an attribute and a path, and a registered buffer that starts with "ab".
type private Bench = { Path: string; File: File; Buffer: RegisteredBuffer }

let private prepare (host: LoopThread) folder =
    let path = at folder "file"
    Bcl.WriteAllText(path, "0123456789")

    let program =
        uring {
            let! file = File.openWith OpenFlags.ReadWrite everything path
            do! File.setAttribute file "user.there" (ReadOnlyMemory "value"B)
            let! buffer = RegisteredBuffer.create 4096
            "ab"B.CopyTo((RegisteredBuffer.whole buffer).Memory.Span)
            return { Path = path; File = file; Buffer = buffer }
        }

    runOn host program

let private parts (bench: Bench) : IReadOnlyList<RegisteredMemory> = [|
    RegisteredBuffer.slice 0 1 bench.Buffer
    RegisteredBuffer.slice 1 1 bench.Buffer
|]

let private isWritten bench = Bcl.ReadAllText(bench.Path).StartsWith "ab"
let private other bench = bench.Path + "2"

let private hasAttribute (host: LoopThread) name bench =
    attempt host (FileRequest.attributeOfPath bench.Path name 0) >= 0

/// What it asks for, and whether it has been done; nothing shows of what only asks.
let private operations: (string * (Bench -> Request) * (LoopThread -> Bench -> bool) option) list = [
    "WRITE", (fun bench -> FileRequest.write bench.File.Descriptor bytes 0L), Some(fun _ -> isWritten)
    "WRITEV",
    (fun bench -> VectorRequest.write bench.File.Descriptor [| bytes.Slice(0, 1); bytes.Slice 1 |] 0L),
    Some(fun _ -> isWritten)
    "WRITE_FIXED",
    (fun bench -> RegisteredRequest.write bench.File.Descriptor (RegisteredBuffer.slice 0 2 bench.Buffer) 0L),
    Some(fun _ -> isWritten)
    "WRITEV_FIXED",
    (fun bench -> RegisteredRequest.writeVector bench.File.Descriptor (parts bench) 0L),
    Some(fun _ -> isWritten)
    "READV_FIXED", (fun bench -> RegisteredRequest.readVector bench.File.Descriptor (parts bench) 0L), None
    "FSYNC", (fun bench -> FileRequest.sync bench.File.Descriptor false), None
    "STATX", (fun bench -> FileRequest.status bench.Path true), None
    "RENAMEAT",
    (fun bench -> FileRequest.rename bench.Path (other bench)),
    Some(fun _ bench -> Bcl.Exists(other bench))
    "UNLINKAT", (fun bench -> FileRequest.unlink bench.Path), Some(fun _ bench -> not (Bcl.Exists bench.Path))
    "MKDIRAT",
    (fun bench -> FileRequest.makeDirectory (other bench) everything),
    Some(fun _ bench -> Directory.Exists(other bench))
    "FTRUNCATE",
    (fun bench -> FileRequest.truncate bench.File.Descriptor 3L),
    Some(fun _ bench -> FileInfo(bench.Path).Length = 3L)
    "SETXATTR",
    (fun bench -> FileRequest.setAttributeOfPath bench.Path "user.new" bytes AttributeChange.CreateOrReplace),
    Some(fun host -> hasAttribute host "user.new")
    "FGETXATTR", (fun bench -> FileRequest.attribute bench.File.Descriptor "user.there" 10), None
    "GETXATTR", (fun bench -> FileRequest.attributeOfPath bench.Path "user.there" 10), None
]

let private isDone host bench (shows: (LoopThread -> Bench -> bool) option) (expected: bool) name =
    match shows with
    | None -> ()
    | Some shows -> Expect.equal (shows host bench) expected name

let private moments =
    testList "when" [
        for name, request, shows in operations do
            folderCase $"{name}, before it starts: it is never done" (fun host folder ->
                let bench = prepare host folder
                let running = startAs host (request bench) (CancellationToken true)
                ended name running
                Expect.isTrue running.IsCanceled "cancelled"
                isDone host bench shows false name)

            folderCase $"{name}, at once: it is done, or it is not" (fun host folder ->
                for round in 1..20 do
                    let inner = at folder $"{round}"
                    Directory.CreateDirectory inner |> ignore
                    let bench = prepare host inner
                    use source = new CancellationTokenSource()
                    let running = startAs host (request bench) source.Token
                    Thread.SpinWait(round * 200)
                    source.Cancel()
                    ended name running

                    if running.IsCompletedSuccessfully then
                        isDone host bench shows true name
                    else
                        Expect.isTrue running.IsCanceled "cancelled, and nothing else"
                        isDone host bench shows false name

                    runOn host (RegisteredBuffer.close bench.Buffer)
                    runOn host (File.close bench.File))

            folderCase $"{name}, after its end: nothing changes" (fun host folder ->
                let bench = prepare host folder
                use source = new CancellationTokenSource()
                let running = startAs host (request bench) source.Token
                let result = finish name running
                source.Cancel()
                Expect.isGreaterThanOrEqual result 0 "done"
                isDone host bench shows true name)
    ]

/// On an end of a pipe, which is full or empty: it waits.
let private waiting =
    let waits name (request: RegisteredBuffer -> Pipe -> Request) =
        testCase $"{name}, while it waits for a pipe: it ends, and the pipe goes on" (fun () ->
            withLoop (fun host ->
                let pipe = runOn host Pipe.create
                let buffer = runOn host (RegisteredBuffer.create 4096)
                let request = request buffer pipe
                let fills = obj.ReferenceEquals(request.Target, pipe.Writer.Descriptor)
                let room = Memory(Array.zeroCreate<byte> 65536)

                if fills then
                    let filled = runOn host (File.writeNext pipe.Writer (Memory.op_Implicit room))
                    Expect.equal filled 65536 "full"

                use source = new CancellationTokenSource()
                let running = startAs host request source.Token
                eventually "waiting" (fun () -> host.Loop.InFlight = 1)
                source.Cancel()
                ended name running
                Expect.isTrue running.IsCanceled "cancelled"

                if not fills then Expect.equal (runOn host (File.writeNext pipe.Writer bytes)) 2 "written"

                let left = runOn host (File.readNext pipe.Reader room)
                Expect.equal left (if fills then 65536 else 2) "what was there"
                runOn host (Pipe.close pipe)))

    let slice buffer = RegisteredBuffer.slice 0 2 buffer

    testList "while it waits" [
        waits "WRITE" (fun _ pipe -> FileRequest.writeNext pipe.Writer.Descriptor bytes)
        waits "WRITEV" (fun _ pipe -> VectorRequest.writeNext pipe.Writer.Descriptor [| bytes; bytes |])
        waits "WRITE_FIXED" (fun buffer pipe ->
            RegisteredRequest.write pipe.Writer.Descriptor (slice buffer) 0L)
        waits "WRITEV_FIXED" (fun buffer pipe ->
            RegisteredRequest.writeVector pipe.Writer.Descriptor [| slice buffer |] 0L)
        waits "READV_FIXED" (fun buffer pipe ->
            RegisteredRequest.readVector pipe.Reader.Descriptor [| slice buffer |] 0L)
    ]

let private late =
    testList "too late" [
        folderCase "OPENAT: what was open by then is given out, and can be closed" (fun host folder ->
            Bcl.WriteAllText(at folder "file", "text")
            let mutable given = 0

            for round in 1..200 do
                use source = new CancellationTokenSource()
                let request = FileRequest.openPath (at folder "file") OpenFlags.Read everything
                let running = startAs host request source.Token
                Thread.SpinWait(round * 20)
                source.Cancel()

                match failureOf (fun () -> finish "open" running) with
                | null ->
                    given <- given + 1
                    let file = host.Loop.Own running.Result
                    Expect.equal (attempt host (FileRequest.sync file false)) 0 "open"
                    host.Loop.CloseDescriptor(file).AsTask() |> finish "close" |> ignore
                | :? OperationCanceledException -> ()
                | reason -> failtest $"{reason}"

            // One more is not cancelled before its end, whatever the machine does.
            use source = new CancellationTokenSource()
            let request = FileRequest.openPath (at folder "file") OpenFlags.Read everything
            let mutable request = request
            let running = host.Loop.Start(&request, source.Token)
            eventually "open" (fun () -> running.IsCompleted)
            source.Cancel()
            let file = host.Loop.Own(running.AsTask() |> finish "open")
            host.Loop.CloseDescriptor(file).AsTask() |> finish "close" |> ignore)
    ]

let private large =
    let gibibyte = 1L <<< 30
    // The same memory again and again: what counts is the sum.
    let stretch = Memory(GC.AllocateUninitializedArray<byte>(8 <<< 20))
    let count = 600
    let total = int64 count * int64 stretch.Length

    testList "large" [
        folderCase "of more than 4 GiB: a vector, from a file that is all hole" (fun host folder ->
            let file = runOn host (File.create (at folder "sparse"))
            runOn host (File.truncate file (6L * gibibyte))
            let vector: IReadOnlyList<Memory<byte>> = Array.replicate count stretch
            let running = startOn host (File.readVector file vector gibibyte)

            if not (running.Wait(TimeSpan.FromMinutes 2.0)) then failtest "hangs"

            Expect.equal running.Result total "bytes"
            runOn host (File.close file))

        folderCase "of more than 4 GiB: a vector, to where it goes nowhere" (fun host _ ->
            let file = runOn host (File.openWith OpenFlags.Write everything "/dev/null")

            let vector: IReadOnlyList<ReadOnlyMemory<byte>> =
                Array.replicate count (Memory.op_Implicit stretch)

            runOn host (File.writeVector file vector 0L)
            runOn host (File.close file))

        folderCase "of more than 4 GiB: a copy from there to there" (fun host folder ->
            let program =
                uring {
                    use! source = File.create (at folder "sparse")
                    do! File.write source (ReadOnlyMemory "end"B) (5L * gibibyte - 3L)
                    use! target = File.create (at folder "copy")

                    let! copied =
                        File.copyRange
                            source
                            (5L * gibibyte - 100_000L)
                            target
                            (9L * gibibyte)
                            Int64.MaxValue

                    let! status = File.status target
                    let room = Memory(Array.zeroCreate<byte> 3)
                    let! _ = File.readFull target room (9L * gibibyte + 99_997L)
                    return copied, status.Length, Text.Encoding.UTF8.GetString room.Span
                }

            Expect.equal (runOn host program) (100_000L, 9L * gibibyte + 100_000L, "end") "the end of it")
    ]

[<Tests>]
let tests = testSequenced <| testList "FileCancel" [ moments; waiting; late; large ]
