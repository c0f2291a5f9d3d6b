/// Folders, names and pipes on the real kernel: mkdir, unlink, rename, splice, and their likely errnos.
module Uring.Tests.Linux.PathOperationTests

open System
open System.IO
open System.IO.Pipes
open System.Security.Cryptography
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

type private Bcl = System.IO.File

let private case = folderCase

let private refuses name (errno: Errno) (request: LoopThread -> string -> Request) =
    case $"{name}: {errno}" (fun host folder -> Expect.equal (errnoOf host (request host folder)) errno name)


let private written folder name (text: string) =
    Bcl.WriteAllText(at folder name, text)
    at folder name

let private everything = enum<UnixFileMode> 0o777

let private folders =
    testList "mkdir, unlink" [
        case "makes a folder, less the umask" (fun host folder ->
            let path = at folder "new"
            let mode = enum<UnixFileMode> 0o750
            Expect.equal (attempt host (FileRequest.makeDirectory path mode)) 0 "made"
            Expect.equal (DirectoryInfo path).UnixFileMode mode "mode")

        case "removes a file, a link and an empty folder" (fun host folder ->
            let file = written folder "file" "x"
            let link = at folder "link"
            Bcl.CreateSymbolicLink(link, file) |> ignore
            runOn host (File.makeDirectory (at folder "sub"))
            runOn host (File.delete link)
            Expect.isTrue (Bcl.Exists file) "the link's target stays"
            runOn host (File.delete file)
            runOn host (File.removeDirectory (at folder "sub"))
            Expect.isEmpty (Directory.GetFileSystemEntries folder) "all gone")

        case "an open file that is removed can still be read" (fun host folder ->
            let path = written folder "file" "still here"
            let file = runOn host (File.openRead path)
            runOn host (File.delete path)
            let buffer = Memory(Array.zeroCreate<byte> 20)
            Expect.equal (runOn host (File.read file buffer 0L)) 10 "bytes")

        refuses "a folder that exists" Errno.EEXIST (fun _ folder ->
            FileRequest.makeDirectory folder everything)

        refuses "a folder in a missing one" Errno.ENOENT (fun _ folder ->
            FileRequest.makeDirectory (at folder "a/b") everything)

        refuses "a missing file" Errno.ENOENT (fun _ folder -> FileRequest.unlink (at folder "missing"))
        refuses "a folder as a file" Errno.EISDIR (fun _ folder -> FileRequest.unlink folder)

        refuses "a file as a folder" Errno.ENOTDIR (fun _ folder ->
            FileRequest.removeDirectory (written folder "file" ""))

        refuses "a folder that is not empty" Errno.ENOTEMPTY (fun _ folder ->
            written folder "file" "" |> ignore
            FileRequest.removeDirectory folder)
    ]

let private names =
    testList "rename" [
        case "moves, and replaces what was there" (fun host folder ->
            let source = written folder "source" "new"
            let target = written folder "target" "old"
            runOn host (File.rename source target)
            Expect.isFalse (Bcl.Exists source) "gone"
            Expect.equal (Bcl.ReadAllText target) "new" "replaced")

        case "short and long names side by side" (fun host folder ->
            let long = at folder (String('ž', 100))
            let source = written folder "s" "x"
            runOn host (File.rename source long)
            runOn host (File.rename long source)
            Expect.isTrue (Bcl.Exists source) "there and back")

        refuses "what is missing" Errno.ENOENT (fun _ folder ->
            FileRequest.rename (at folder "missing") (at folder "target"))

        refuses "a folder onto a file" Errno.ENOTDIR (fun _ folder ->
            Directory.CreateDirectory(at folder "sub") |> ignore
            FileRequest.rename (at folder "sub") (written folder "file" ""))

        refuses "a file onto a folder" Errno.EISDIR (fun _ folder ->
            Directory.CreateDirectory(at folder "sub") |> ignore
            FileRequest.rename (written folder "file" "") (at folder "sub"))

        refuses "a folder into itself" Errno.EINVAL (fun _ folder ->
            Directory.CreateDirectory(at folder "sub") |> ignore
            FileRequest.rename (at folder "sub") (at folder "sub/sub"))

        refuses "across devices" Errno.EXDEV (fun _ folder ->
            if not (Directory.Exists "/dev/shm") then skiptest "no /dev/shm"

            FileRequest.rename (written folder "file" "") $"/dev/shm/uring-{Guid.NewGuid()}")
    ]

/// A pipe of the BCL, and both its ends as descriptors that belong to it.
let private withPipe
    (host: LoopThread)
    (body: AnonymousPipeServerStream -> FileDescriptor -> FileDescriptor -> unit)
    =
    use pipe = new AnonymousPipeServerStream(PipeDirection.Out)

    let borrow (number: nativeint) =
        let descriptor = host.Loop.Own(int number)
        GC.SuppressFinalize descriptor
        descriptor

    let reader = borrow (pipe.ClientSafePipeHandle.DangerousGetHandle())
    body pipe reader (borrow (pipe.SafePipeHandle.DangerousGetHandle()))

let private pipes =
    testList "pipes" [
        case "splices a file through a pipe, at offsets" (fun host folder ->
            let bytes = RandomNumberGenerator.GetBytes 10_000
            Bcl.WriteAllBytes(at folder "source", bytes)

            withPipe host (fun _ reader writer ->
                let program =
                    uring {
                        use! source = File.openRead (at folder "source")
                        use! target = File.create (at folder "target")

                        let! into =
                            Uring.perform (FileRequest.splice source.Descriptor 1000L writer -1L 5000)

                        let! out = Uring.perform (FileRequest.splice reader -1L target.Descriptor 50L into)
                        return into, out
                    }

                Expect.equal (runOn host program) (5000, 5000) "lengths")

            let seen = Bcl.ReadAllBytes(at folder "target")
            Expect.equal seen.Length 5050 "length"
            Expect.isTrue (seen.AsSpan(50).SequenceEqual(bytes.AsSpan(1000, 5000))) "bytes")

        case "reads what comes later" (fun host _ ->
            withPipe host (fun pipe reader _ ->
                let buffer = Memory(Array.zeroCreate<byte> 10)

                let reading =
                    startAs host (FileRequest.readNext reader buffer) Threading.CancellationToken.None

                eventually "in flight" (fun () -> host.Loop.InFlight = 1)
                Expect.isFalse reading.IsCompleted "nothing there yet"
                pipe.Write(ReadOnlySpan "abc"B)
                Expect.equal (finish "read" reading) 3 "length"
                Expect.equal (buffer.Slice(0, 3).ToArray()) "abc"B "bytes"
                pipe.Dispose()
                Expect.equal (attempt host (FileRequest.readNext reader buffer)) 0 "the end"))

        case "a thousand reads of empty pipes end when the pipes do" (fun host _ ->
            withPipe host (fun pipe reader _ ->
                let read () =
                    startAs
                        host
                        (FileRequest.readNext reader (Memory(Array.zeroCreate<byte> 1)))
                        Threading.CancellationToken.None

                let reads = [| for _ in 1..1000 -> read () |]
                pipe.Write(ReadOnlySpan(Array.zeroCreate<byte> 400))
                pipe.Dispose()
                let counts = Task.WhenAll reads |> finish "reads"
                Expect.equal (Array.sum counts) 400 "each byte once"))

        refuses "splice between two files" Errno.EINVAL (fun host folder ->
            let file = runOn host (File.create (at folder "file"))
            FileRequest.splice file.Descriptor 0L file.Descriptor 0L 1)

        case "a pipe has no offset: ESPIPE" (fun host folder ->
            withPipe host (fun _ reader _ ->
                let file = runOn host (File.create (at folder "file"))
                let request = FileRequest.splice reader 5L file.Descriptor 0L 1
                Expect.equal (errnoOf host request) Errno.ESPIPE "errno"))

        case "a pipe without a reader: EPIPE" (fun host _ ->
            withPipe host (fun pipe _ writer ->
                pipe.DisposeLocalCopyOfClientHandle()
                let request = FileRequest.writeNext writer (ReadOnlyMemory "x"B)
                Expect.equal (errnoOf host request) Errno.EPIPE "errno"))
    ]

[<Tests>]
let tests = testSequenced <| testList "PathOperation" [ folders; names; pipes ]
