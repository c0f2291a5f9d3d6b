/// Advice of files and memory, and writing of stretches, by both facades: results, since there is nothing else to see.
module Uring.Tests.Linux.FileAdviceTests

open System
open System.Buffers
open System.IO
open System.IO.Pipes
open System.Runtime.InteropServices
open System.Threading
open Expecto
open Microsoft.FSharp.NativeInterop
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

#nowarn "9"

type private Facade = global.Uring.UringFile

/// Memory that starts with a page.
[<Sealed>]
type private Pages(length: int) =
    inherit MemoryManager<byte>()
    let address = NativeMemory.AlignedAlloc(unativeint length, 4096un)
    override _.GetSpan() = Span<byte>(address, length)

    override _.Pin at =
        new MemoryHandle(NativePtr.toVoidPtr (NativePtr.add (NativePtr.ofVoidPtr<byte> address) at))

    override _.Unpin() = ()
    override _.Dispose(_: bool) = NativeMemory.AlignedFree address

    interface IDisposable with
        member _.Dispose() = NativeMemory.AlignedFree address

let private case name (body: LoopThread -> File -> unit) =
    testCase name (fun () ->
        inFolder (fun folder ->
            withLoop (fun host ->
                let file = runOn host (File.create (Path.Combine(folder, "file")))
                runOn host (File.write file (ReadOnlyMemory(Array.create 10_000 7uy)) 0L)
                body host file)))

let private refuses name (errno: Errno) (request: FileDescriptor -> Request) =
    case $"{name}: {errno}" (fun host file ->
        Expect.equal (errnoOf host (request file.Descriptor)) errno name)

let private cancelledBefore name (request: FileDescriptor -> Request) =
    case $"{name}, cancelled before" (fun host file ->
        let running = startAs host (request file.Descriptor) (CancellationToken true)

        match failureOf (fun () -> finish name running) with
        | :? OperationCanceledException -> ()
        | other -> failtest $"no cancellation: {other}")

let private whole = RangeSync.WaitBefore ||| RangeSync.Write ||| RangeSync.WaitAfter

/// A pipe's end that nobody reads from.
let private onPipe name (errno: Errno) (request: FileDescriptor -> Request) =
    testCase $"{name} of a pipe: {errno}" (fun () ->
        use pipe = new AnonymousPipeServerStream(PipeDirection.Out)

        withLoop (fun host ->
            let descriptor = host.Loop.Own(int (pipe.SafePipeHandle.DangerousGetHandle()))
            GC.SuppressFinalize descriptor
            Expect.equal (errnoOf host (request descriptor)) errno name))

let private files =
    testList "fadvise" [
        for advice in Enum.GetValues<FileAdvice>() do
            case $"{advice}" (fun host file ->
                runOn host (File.advise file 0L 0L advice)
                runOn host (File.advise file 4096L 4096L advice)
                // More than 32 bits.
                runOn host (File.advise file 0L (1L <<< 33) advice)
                let buffer = Memory(Array.zeroCreate<byte> 10_000)
                Expect.equal (runOn host (File.readFull file buffer 0L)) 10_000 "still there")

        refuses "an advice that there is not" Errno.EINVAL (fun file ->
            FileRequest.advise file 0L 0L (enum 99))

        onPipe "advice" Errno.ESPIPE (fun pipe -> FileRequest.advise pipe 0L 0L FileAdvice.Normal)
        cancelledBefore "fadvise" (fun file -> FileRequest.advise file 0L 0L FileAdvice.WillNeed)

        case "numbers below zero never reach the kernel" (fun _ file ->
            let requests: (unit -> Request) list = [
                fun () -> FileRequest.advise file.Descriptor -1L 0L FileAdvice.Normal
                fun () -> FileRequest.advise file.Descriptor 0L -1L FileAdvice.Normal
                fun () -> FileRequest.syncRange file.Descriptor -1L 0L whole
                fun () -> FileRequest.syncRange file.Descriptor 0L -1L whole
                fun () -> FileRequest.syncRange file.Descriptor 0L (1L <<< 32) whole
            ]

            for request in requests do
                Expect.throwsT<ArgumentOutOfRangeException> (fun () -> request () |> ignore) "refused")
    ]

let private memory =
    testList "madvise" [
        // What is for root alone really takes a page from this machine.
        for advice in Enum.GetValues<MemoryAdvice>() |> Array.filter (fun advice -> advice < enum 100) do
            case $"{advice}" (fun host _ ->
                use pages = new Pages(16_384)
                pages.Memory.Span.Fill 9uy

                match attempt host (FileRequest.adviseMemory pages.Memory advice) with
                | 0 -> ()
                // What this kernel was built without, and what needs a file behind the memory.
                | result when Errno.ofResult result = Errno.EINVAL && advice >= MemoryAdvice.Remove -> ()
                | result -> failtest $"{result}"

                let takesAway = [ MemoryAdvice.DoNotNeed; MemoryAdvice.DoNotNeedLocked ]
                let left = if List.contains advice takesAway then 0uy else 9uy

                if advice <> MemoryAdvice.Free then
                    Expect.equal (pages.Memory.Span[16_383]) left "what is left")

        case "F#: as a program" (fun host _ ->
            use pages = new Pages(16_384)
            pages.Memory.Span.Fill 9uy
            runOn host (File.adviseMemory pages.Memory MemoryAdvice.DoNotNeed)
            Expect.equal (pages.Memory.Span[0]) 0uy "gone")

        case "memory that starts within a page: EINVAL" (fun host _ ->
            use pages = new Pages(16_384)
            let within = pages.Memory.Slice(1, 4096)
            let request = FileRequest.adviseMemory within MemoryAdvice.WillNeed
            Expect.equal (errnoOf host request) Errno.EINVAL "errno")

        cancelledBefore "madvise" (fun _ -> FileRequest.adviseMemory Memory.Empty MemoryAdvice.Normal)
    ]

let private ranges =
    testList "sync_file_range" [
        case "a stretch, the rest, and nothing" (fun host file ->
            runOn host (File.syncRange file 0L 4096L whole)
            runOn host (File.syncRange file 4096L 0L RangeSync.Write)
            runOn host (File.syncRange file 0L 0L RangeSync.None))

        refuses "what it cannot do" Errno.EINVAL (fun file -> FileRequest.syncRange file 0L 0L (enum 8))
        onPipe "a stretch" Errno.ESPIPE (fun pipe -> FileRequest.syncRange pipe 0L 0L whole)
        cancelledBefore "sync_file_range" (fun file -> FileRequest.syncRange file 0L 0L whole)
    ]

let private facade =
    testList "C#" [
        Observe.inFolderCase "advice and flushing" (fun folder ->
            task {
                let path = Path.Combine(folder, "file")
                use! file = Facade.OpenAsync(path, FileMode.Create, FileAccess.ReadWrite)
                do! file.WriteAsync(ReadOnlyMemory "text"B, 0L)
                do! file.AdviseAsync global.Uring.FileAdvice.Sequential
                do! file.AdviseAsync(global.Uring.FileAdvice.DoNotNeed, 0L, 4L)
                do! file.FlushRangeAsync(0L, 4L)
                do! file.FlushRangeAsync(0L, 0L, wait = false)

                let! _ =
                    Observe.raises<ArgumentOutOfRangeException> "no advice" (fun () ->
                        file.AdviseAsync(enum 99))

                let below () = file.FlushRangeAsync(-1L, 0L)
                let! _ = Observe.raises<ArgumentOutOfRangeException> "below zero" below
                do! file.DisposeAsync()
                let closed () = file.AdviseAsync global.Uring.FileAdvice.Normal
                let! _ = Observe.raises<ObjectDisposedException> "closed" closed

                let! _ =
                    Observe.raises<ObjectDisposedException> "closed" (fun () -> file.FlushRangeAsync(0L, 0L))

                ()
            })

        Observe.tidyCase "memory" (fun () ->
            task {
                use pages = new Pages(8192)

                let advise memory () =
                    global.Uring.Ring.Default.AdviseMemoryAsync(memory, global.Uring.MemoryAdvice.WillNeed)

                do! advise pages.Memory ()
                let! _ = Observe.raises<ArgumentException> "within a page" (advise (pages.Memory.Slice 1))
                ()
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "FileAdvice" [ files; memory; ranges; facade ]
