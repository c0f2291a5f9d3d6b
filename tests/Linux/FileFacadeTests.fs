module Uring.Tests.Linux.FileFacadeTests

open System
open System.IO
open System.IO.Pipes
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Tests.Linux.Observe

let private (/) folder name = Path.Combine(folder, name)
let private bytesOf (text: string) = Text.Encoding.UTF8.GetBytes text
let private create path = UringFile.OpenAsync(path, FileMode.Create, FileAccess.ReadWrite)

let private contents =
    testList "contents" [
        inFolderCase "what is written is read" (fun folder ->
            task {
                use! file = create (folder / "file")
                do! file.WriteAsync(ReadOnlyMemory(bytesOf "hello, world"), 0L)
                let buffer = Array.zeroCreate 5
                let! count = file.ReadAsync(Memory buffer, 7L)
                Expect.equal (count, buffer) (5, bytesOf "world") "five bytes at seven"
                let! count = file.ReadAsync(Memory buffer, 10L)
                Expect.equal count 2 "what is left"
                let! count = file.ReadAsync(Memory buffer, 12L)
                Expect.equal count 0 "the end"
                Expect.equal file.Path (folder / "file") "path"
                Expect.equal (File.ReadAllText file.Path) "hello, world" "on disk"
            })

        inFolderCase "a large file arrives whole, many reads at a time" (fun folder ->
            task {
                let sent = Array.zeroCreate 3_000_001
                Random(1).NextBytes sent
                use! file = create (folder / "large")
                do! file.WriteAsync(ReadOnlyMemory sent, 0L)
                let found: byte array = Array.zeroCreate sent.Length
                let part = 50_000

                let reads = [|
                    for offset in 0..part .. sent.Length - 1 ->
                        let length = min part (sent.Length - offset)
                        file.ReadExactlyAsync(found.AsMemory(offset, length), int64 offset).AsTask()
                |]

                do! Task.WhenAll reads
                Expect.isTrue (found.AsSpan().SequenceEqual(sent.AsSpan())) "the same bytes"
            })

        inFolderCase "ReadExactly says where the file ended" (fun folder ->
            task {
                use! file = create (folder / "short")
                do! file.WriteAsync(ReadOnlyMemory(bytesOf "abc"), 0L)

                let! reason =
                    raises<EndOfStreamException> "short" (fun () ->
                        file.ReadExactlyAsync(Memory(Array.zeroCreate 4), 0L))

                Expect.stringContains reason.Message "3 bytes" "where"
            })

        inFolderCase "empty buffers do nothing" (fun folder ->
            task {
                use! file = create (folder / "empty")
                do! file.WriteAsync(ReadOnlyMemory.Empty, 1000L)
                let! written = file.WriteSomeAsync(ReadOnlyMemory.Empty, 1000L)
                let! read = file.ReadAsync(Memory.Empty, 0L)
                do! file.ReadExactlyAsync(Memory.Empty, 0L)
                let! length = file.GetLengthAsync()
                Expect.equal (written, read, length) (0, 0, 0L) "nothing"
            })

        inFolderCase "append writes at the end, whatever the offset" (fun folder ->
            task {
                File.WriteAllText(folder / "log", "one ")
                use! file = UringFile.OpenAsync(folder / "log", FileMode.Append, FileAccess.Write)
                do! file.WriteAsync(ReadOnlyMemory(bytesOf "two "), 0L)
                do! file.WriteAsync(ReadOnlyMemory(bytesOf "three"), 0L)
                Expect.equal (File.ReadAllText file.Path) "one two three" "in order"
            })

        inFolderCase "a named pipe opens without its other end" (fun folder ->
            task {
                use maker = Diagnostics.Process.Start("mkfifo", folder / "fifo")
                do! maker.WaitForExitAsync()
                let openWriter () = UringFile.OpenAsync(folder / "fifo", access = FileAccess.Write)
                let! reason = raises<IOException> "no reader" (fun () -> discard (openWriter ()))
                Expect.equal reason.HResult 6 "ENXIO"
                use! reader = UringFile.OpenAsync(folder / "fifo")
                let read = reader.ReadAsync(Memory(Array.zeroCreate 4), 0L).AsTask()
                do! eventually "in flight" (fun () -> Ring.Default.InFlight > 0)
                use! writer = openWriter ()
                do! writer.WriteAsync(ReadOnlyMemory(bytesOf "data"), 1_000_000L)
                let! count = read
                Expect.equal count 4 "through it"
            })

        inFolderCase "lengths: set, allocate, flush" (fun folder ->
            task {
                use! file = create (folder / "lengths")
                do! file.SetLengthAsync 10_000L
                let! status = file.GetStatusAsync()
                Expect.equal (status.Length, status.AllocatedLength) (10_000L, 0L) "a hole"
                do! file.AllocateAsync(0L, 20_000L)
                let! status = file.GetStatusAsync()
                Expect.equal status.Length 20_000L "extended"
                Expect.isGreaterThanOrEqual status.AllocatedLength 20_000L "reserved"
                do! file.FlushAsync()
                do! file.FlushAsync(dataOnly = true)
                do! file.SetLengthAsync 3L
                let! length = file.GetLengthAsync()
                Expect.equal length 3L "cut"
            })

        inFolderCase "offsets and lengths beyond 4 GiB" (fun folder ->
            task {
                let fourGiB = 1L <<< 32
                use! file = create (folder / "sparse")
                do! file.SetLengthAsync(fourGiB + 3L)
                let buffer = Array.create 8 1uy
                let! count = file.ReadAsync(Memory buffer, fourGiB)
                Expect.equal (count, buffer[..3]) (3, [| 0uy; 0uy; 0uy; 1uy |]) "the hole's end"
                do! file.WriteAsync(ReadOnlyMemory(bytesOf "end"), fourGiB)
                let! count = file.ReadAsync(Memory buffer, fourGiB)
                Expect.equal (count, buffer[..2]) (3, bytesOf "end") "there"
                let! count = file.ReadAsync(Memory buffer, 0L)
                Expect.equal (count, buffer) (8, Array.zeroCreate 8) "and not at the start"
                let! status = UringFile.StatusAsync file.Path
                Expect.equal status.Length (fourGiB + 3L) "length"
                Expect.isLessThan status.AllocatedLength 1_000_000L "sparse"
            })
    ]

let private failing = [
    "the disk is full",
    28,
    "/dev/full",
    FileAccess.Write,
    (fun (file: UringFile) -> file.WriteAsync(ReadOnlyMemory(bytesOf "x"), 0L))
    "reading what cannot be read there",
    5,
    "/proc/self/mem",
    FileAccess.Read,
    (fun file -> discard (file.ReadAsync(Memory(Array.zeroCreate 1), 0L)))
]

let private errors =
    testList "errors" [
        for what, errno, path, access, operation in failing do
            tidyCase what (fun () ->
                task {
                    use! file = UringFile.OpenAsync(path, access = access)
                    let! reason = raises<IOException> what (fun () -> operation file)
                    Expect.equal reason.HResult errno "errno"
                })

        tidyCase "a closed file is disposed of for every operation" (fun () ->
            task {
                let! file = UringFile.OpenAsync "/etc/passwd"
                Expect.isFalse file.IsClosed "open"
                do! file.DisposeAsync()
                do! file.DisposeAsync()
                file.Dispose()
                Expect.isTrue file.IsClosed "closed"
                let buffer = Memory(Array.zeroCreate 1)

                for what, operation in
                    [
                        "read", (fun () -> discard (file.ReadAsync(buffer, 0L)))
                        "read exactly", (fun () -> file.ReadExactlyAsync(buffer, 0L))
                        "write", (fun () -> file.WriteAsync(Memory.op_Implicit buffer, 0L))
                        "write some",
                        (fun () -> discard (file.WriteSomeAsync(Memory.op_Implicit buffer, 0L)))
                        "flush", (fun () -> file.FlushAsync())
                        "set length", (fun () -> file.SetLengthAsync 0L)
                        "allocate", (fun () -> file.AllocateAsync(0L, 1L))
                        "length", (fun () -> discard (file.GetLengthAsync()))
                        "status", (fun () -> discard (file.GetStatusAsync()))
                    ] do
                    let! reason = raises<ObjectDisposedException> what operation
                    Expect.equal reason.ObjectName "Uring.UringFile" "says what"
            })

        inFolderCase "negative offsets and lengths, and nothing is written" (fun folder ->
            task {
                use! file = create (folder / "file")
                let buffer = Memory(Array.zeroCreate 1)

                for what, operation in
                    [
                        "read", (fun () -> discard (file.ReadAsync(buffer, -1L)))
                        "read exactly", (fun () -> file.ReadExactlyAsync(buffer, Int64.MinValue))
                        "write", (fun () -> file.WriteAsync(Memory.op_Implicit buffer, -1L))
                        "write some",
                        (fun () -> discard (file.WriteSomeAsync(Memory.op_Implicit buffer, -2L)))
                        "set length", (fun () -> file.SetLengthAsync -1L)
                        "allocate at", (fun () -> file.AllocateAsync(-1L, 1L))
                        "allocate less than nothing", (fun () -> file.AllocateAsync(0L, -1L))
                        "allocate nothing", (fun () -> file.AllocateAsync(0L, 0L))
                    ] do
                    let! _ = raises<ArgumentOutOfRangeException> what operation
                    ()

                let! length = file.GetLengthAsync()
                Expect.equal length 0L "still empty"
            })

        inFolderCase "the wrong access" (fun folder ->
            task {
                use! writer = UringFile.OpenAsync(folder / "file", FileMode.Create, FileAccess.Write)
                use! reader = UringFile.OpenAsync(folder / "file")
                let buffer = Memory(Array.zeroCreate 1)

                for what, operation in
                    [
                        "read", (fun () -> discard (writer.ReadAsync(buffer, 0L)))
                        "read exactly", (fun () -> writer.ReadExactlyAsync(buffer, 0L))
                        "write", (fun () -> reader.WriteAsync(Memory.op_Implicit buffer, 0L))
                        "write some",
                        (fun () -> discard (reader.WriteSomeAsync(Memory.op_Implicit buffer, 0L)))
                        "set length", (fun () -> reader.SetLengthAsync 0L)
                        "allocate", (fun () -> reader.AllocateAsync(0L, 1L))
                    ] do
                    let! _ = raises<NotSupportedException> what operation
                    ()

                do! reader.FlushAsync()
            })

        tidyCase "a pipe has nothing to flush, cut or allocate" (fun () ->
            task {
                use pipe = new AnonymousPipeServerStream(PipeDirection.Out)
                use! file = openPipe Ring.Default pipe
                let! _ = raises<ArgumentException> "flush" (fun () -> file.FlushAsync())
                let! length = file.GetLengthAsync()
                let! status = file.GetStatusAsync()
                Expect.equal (length, status.Kind) (0L, FileKind.NamedPipe) "what it is"
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "C# UringFile" [ contents; errors ]
