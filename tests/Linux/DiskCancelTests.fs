/// A disk that does not answer, and one that fails in the middle: what a cancel can do, what keeps going on, what a program is
/// told, and that its memory and its descriptor are its own again.
module Uring.Tests.Linux.DiskCancelTests

open System
open System.Collections.Generic
open System.IO
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting
open Uring.Tests.Linux.ErrnoTests
open Uring.Tests.Linux.DiskErrorTests

let private file (stage: Stage) = stage.Open OpenFlags.ReadWrite (stage.At "file")

let private onDisk (body: FailingDisk -> Stage -> unit) =
    withDisk false (fun disk -> onStage LinuxKernel.Instance disk.Place (body disk))

/// What a worker waits for, and the request of the file system that it has sent.
let private waits: (string * DiskRequest * (Stage -> Request)) list = [
    "READ, by a worker", DiskRequest.Read, (fun s -> FileRequest.read (file s) some 0L |> Request.onWorker)
    "READ of a file whose operations a worker begins",
    DiskRequest.Read,
    (fun s ->
        let file = file s
        file.BeginsOnWorker <- true
        FileRequest.read file some 0L)
    "WRITE", DiskRequest.Write, (fun s -> FileRequest.write (file s) bytes 0L)
    "FSYNC", DiskRequest.Sync, (fun s -> FileRequest.sync (file s) false)
    "FALLOCATE", DiskRequest.Allocate, (fun s -> FileRequest.allocate (file s) 0L 1L)
    "FTRUNCATE", DiskRequest.SetAttributes, (fun s -> FileRequest.truncate (file s) 1L)
    "STATX", DiskRequest.GetAttributes, (fun s -> FileRequest.status (s.At "file") true)
    "OPENAT", DiskRequest.Open, (fun s -> FileRequest.openPath (s.At "file") OpenFlags.Read anyone)
    "UNLINKAT", DiskRequest.Unlink, (fun s -> FileRequest.unlink (s.At "file"))
    "FGETXATTR", DiskRequest.GetExtended, (fun s -> FileRequest.attribute (file s) "user.a" 8)
]

/// It is under way, and the ring does other things meanwhile.
let private begun (disk: FailingDisk) (stage: Stage) request (make: Stage -> Request) token =
    let made = make stage
    disk.Answers request DiskAnswer.Withheld
    let running = startAs stage.Host made token
    eventually "the disk has been asked" (fun () -> disk.Withheld > 0)
    Expect.equal (attempt stage.Host nop) 0 "the ring goes on"
    running

let private close (stage: Stage) (opened: int) =
    Expect.equal (attempt stage.Host (Request.bare (Submission.close opened))) 0 "closed"

let private cancels =
    testList "cancel" [
        for name, request, make in waits do
            testCase $"{name}: a disk that heeds the interrupt ends it" (fun () ->
                onDisk (fun disk stage ->
                    disk.Heeds <- true
                    use source = new CancellationTokenSource()
                    let running = begun disk stage request make source.Token
                    source.Cancel()
                    ended name running
                    Expect.isTrue running.IsCanceled "cancelled"
                    Expect.isGreaterThan disk.Interrupted 0 "it was interrupted"
                    Expect.equal stage.Host.Loop.InFlight 0 "nothing is left"))

            testCase
                $"{name}: with one that does not, it stays in flight, and what it brings is not lost"
                (fun () ->
                    onDisk (fun disk stage ->
                        use source = new CancellationTokenSource()
                        let running = begun disk stage request make source.Token
                        source.Cancel()
                        eventually "it was interrupted" (fun () -> disk.Interrupted > 0)
                        Expect.equal (attempt stage.Host nop) 0 "the ring goes on"
                        Expect.isFalse running.IsCompleted "it waits for the disk"
                        Expect.equal stage.Host.Loop.InFlight 1 "and is in flight"
                        disk.OnRequest <- fun _ -> DiskAnswer.Done
                        disk.LetGo()
                        let result = finish name running
                        Expect.isGreaterThanOrEqual result 0 "done after all"
                        if name = "OPENAT" then close stage result
                        Expect.equal stage.Host.Loop.InFlight 0 "nothing is left"))

        testCase "the end of a ring waits for a disk that does not heed it" (fun () ->
            withDisk false (fun disk ->
                let host = startLoop LinuxKernel.Instance LoopOptions.standard
                let stage = { Host = host; Folder = disk.Place }
                let sync (stage: Stage) = FileRequest.sync (file stage) false
                let running = begun disk stage DiskRequest.Sync sync CancellationToken.None
                let stopping = host.DisposeAsync().AsTask()
                eventually "it was interrupted" (fun () -> disk.Interrupted > 0)
                Expect.isFalse stopping.IsCompleted "it waits"
                disk.OnRequest <- fun _ -> DiskAnswer.Done
                disk.LetGo()
                finished "DisposeAsync" stopping
                ended "FSYNC" running))

        testCase "unmounting by force ends what waits for the disk" (fun () ->
            onDisk (fun disk stage ->
                let sync (stage: Stage) = FileRequest.sync (file stage) false
                let running = begun disk stage DiskRequest.Sync sync CancellationToken.None
                (disk :> IDisposable).Dispose()

                match failureOf (fun () -> finish "FSYNC" running) with
                | :? IOException -> ()
                | other -> failtest $"{other}"))

        // The file says that it can be polled, and has no NOWAIT: the kernel asks its server whether it is readable, and then
        // reads, in the submission.
        testCase
            "READ without a worker: the kernel reads while it is told of it, and its ring waits"
            (fun () ->
                onDisk (fun disk stage ->
                    let request = FileRequest.read (file stage) some 0L
                    disk.Answers DiskRequest.Read DiskAnswer.Withheld
                    let running = startAs stage.Host request CancellationToken.None
                    eventually "the disk has been asked" (fun () -> disk.Withheld > 0)
                    let other = startAs stage.Host nop CancellationToken.None
                    let isFree = Task.WaitAny([| other :> Task |], TimeSpan.FromMilliseconds 100.0) = 0
                    Expect.equal (disk.Count DiskRequest.Poll) 1 "it was polled first"
                    disk.LetGo()
                    Expect.equal (finish "READ" running) some.Length "read"
                    Expect.equal (finish "NOP" other) 0 "then the ring goes on"
                    // A kernel that learns better: say so in docs/kernel-findings.md.
                    Expect.isFalse isFree "the ring waited"))
    ]

let private much = ReadOnlyMemory(Array.zeroCreate<byte> 400_000)

/// The first write succeeds, and those behind it fail.
let private failsLater (disk: FailingDisk) (errno: Errno) =
    let mutable writes = 0

    disk.OnRequest <-
        fun request ->
            if request = DiskRequest.Write then
                writes <- writes + 1
                if writes > 1 then DiskAnswer.Refused errno else DiskAnswer.Done
            else
                DiskAnswer.Done

let private isIo (errno: Errno) (failure: exn | null) : IOException =
    match failure with
    | :? IOException as reason ->
        Expect.equal reason.HResult (int errno) $"{reason.Message}"
        reason
    | other -> failtest $"{errno}: {other}"

/// The facade on a disk of its own.
let private facadeCase name (body: FailingDisk -> string -> Task<unit>) =
    testCase name (fun () -> withDisk false (fun disk -> finished name (body disk (at disk.Place "file"))))

let private openFile (path: string) = Uring.UringFile.OpenAsync(path, FileMode.Open, FileAccess.ReadWrite)

let private facade =
    testList "C#" [
        facadeCase
            "an IOException with the errno, and the file and the buffer are as good as before"
            (fun disk path ->
                task {
                    let! file = openFile path
                    let buffer = Memory(Array.create 8 1uy)

                    let attempts: (DiskRequest * Errno * (unit -> ValueTask)) list = [
                        DiskRequest.Read, Errno.EIO, (fun () -> Observe.discard (file.ReadAsync(buffer, 0L)))
                        DiskRequest.Write, Errno.ENOSPC, (fun () -> file.WriteAsync(buffer, 0L))
                        DiskRequest.Write, Errno.EDQUOT, (fun () -> file.WriteAsync(buffer, 0L))
                        DiskRequest.Sync, Errno.EIO, (fun () -> file.FlushAsync())
                        DiskRequest.Allocate, Errno.ENOSPC, (fun () -> file.AllocateAsync(0L, 8L))
                        DiskRequest.SetAttributes, Errno.EIO, (fun () -> file.SetLengthAsync 1L)
                        DiskRequest.GetAttributes,
                        Errno.EIO,
                        (fun () -> Observe.discard (file.GetLengthAsync()))
                        DiskRequest.Open, Errno.ENOMEM, (fun () -> Observe.discard (openFile path))
                        DiskRequest.Unlink, Errno.EIO, (fun () -> Uring.UringFile.DeleteAsync path)
                        DiskRequest.MakeDirectory,
                        Errno.ENOSPC,
                        (fun () -> Uring.UringFile.CreateDirectoryAsync(path + "2"))
                    ]

                    for request, errno, start in attempts do
                        disk.Answers request (DiskAnswer.Refused errno)
                        let! failure = Observe.failureOf start
                        isIo errno failure |> ignore
                        disk.OnRequest <- fun _ -> DiskAnswer.Done

                    // The kernel has let go of it: what is written there stays.
                    buffer.Span.Fill 2uy
                    let! count = file.ReadAsync(buffer, 0L)
                    Expect.equal count 8 "read"
                    Expect.isTrue (buffer.ToArray() |> Array.forall ((=) 0uy)) "what the disk has"
                    do! file.DisposeAsync()
                })

        facadeCase "a slow disk holds up nobody, of a file whose operations a worker begins" (fun disk path ->
            task {
                use ring = new Uring.Ring()

                let! file = Uring.UringFile.OpenAsync(path, FileMode.Open, FileAccess.ReadWrite, ring)
                Expect.isFalse file.BeginsOnWorker "at first"
                file.BeginsOnWorker <- true
                Expect.isTrue file.BeginsOnWorker "from now on"
                disk.Answers DiskRequest.Read DiskAnswer.Withheld
                let reading = file.ReadAsync(Memory(Array.zeroCreate<byte> 8), 0L).AsTask()
                eventually "the disk has been asked" (fun () -> disk.Withheld > 0)
                do! ring.NopAsync()
                Expect.isFalse reading.IsCompleted "the read waits, and it alone"
                disk.OnRequest <- fun _ -> DiskAnswer.Done
                disk.LetGo()
                let! count = reading
                Expect.equal count 8 "read"
                do! file.DisposeAsync()
            })

        facadeCase "a disk that is read-only is no access" (fun disk path ->
            task {
                let! file = openFile path
                disk.Answers DiskRequest.Write (DiskAnswer.Refused Errno.EROFS)

                let! _ =
                    Observe.raises<UnauthorizedAccessException> "EROFS" (fun () -> file.WriteAsync(much, 0L))

                do! file.DisposeAsync()
            })

        facadeCase "a whole write that fails on its way says how much had been written" (fun disk path ->
            task {
                let! file = openFile path
                let vector: IReadOnlyList<ReadOnlyMemory<byte>> = [| much; much |]

                for told, write in
                    [
                        Errno.EIO, (fun () -> file.WriteAsync(much, 0L))
                        Errno.EIO, (fun () -> file.WriteAsync(vector, 0L))
                        // The kernel has kept the reason to itself, and its position where it was: the library cannot ask again.
                        Errno.ENOSPC, (fun () -> file.WriteNextAllAsync much)
                    ] do
                    failsLater disk Errno.EIO
                    let before = disk.Written
                    let! failure = Observe.failureOf write
                    let taken = disk.Written - before
                    Expect.isGreaterThan taken 0L "the first part"
                    Expect.equal (Fault.transferred (isIo told failure)) (ValueSome taken) "bytes"

                disk.OnRequest <- fun _ -> DiskAnswer.Done
                do! file.DisposeAsync()
            })

        facadeCase
            "a close tells what the disk says of it, and the descriptor is closed all the same"
            (fun disk path ->
                Observe.leavesNothingOpen (fun () ->
                    task {
                        let! file = openFile path
                        disk.Answers DiskRequest.Flush (DiskAnswer.Refused Errno.EIO)
                        let! failure = Observe.failureOf (fun () -> file.DisposeAsync())
                        isIo Errno.EIO failure |> ignore
                        // Once is enough.
                        do! file.DisposeAsync()
                        disk.OnRequest <- fun _ -> DiskAnswer.Done
                    }))

        facadeCase "what is released behind a close is nobody's business" (fun disk path ->
            Observe.leavesNothingOpen (fun () ->
                task {
                    let! file = openFile path
                    disk.Answers DiskRequest.Release (DiskAnswer.Refused Errno.EIO)
                    do! file.DisposeAsync()
                }))
    ]

[<Tests>]
let tests = testSequenced <| testList "DiskCancel" [ cancels; facade ]
