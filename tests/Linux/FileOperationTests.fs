/// Each file operation on the real kernel: what it did, looked at with the BCL, and what each likely errno looks like.
module Uring.Tests.Linux.FileOperationTests

open System
open System.IO
open System.Security.Cryptography
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

// `File` is ours in this file.
type private Bcl = System.IO.File

let private userOnly = UnixFileMode.UserRead ||| UnixFileMode.UserWrite

/// A test with a loop and a folder.
let private case = folderCase

/// One that expects an errno of one request.
let private refuses name (errno: Errno) (request: LoopThread -> string -> Request) =
    case $"{name}: {errno}" (fun host folder -> Expect.equal (errnoOf host (request host folder)) errno name)


let private written folder (bytes: byte array) =
    let path = at folder "written"
    Bcl.WriteAllBytes(path, bytes)
    path

let private opened host (flags: OpenFlags) path : FileDescriptor =
    (runOn host (File.openWith flags userOnly path)).Descriptor

let private memory (length: int) = Memory(Array.zeroCreate<byte> length)

let private opening =
    testList "open and close" [
        case "creates with the mode, closed on exec" (fun host folder ->
            let path = at folder "new"
            let file = runOn host (File.openWith (OpenFlags.Write ||| OpenFlags.Create) userOnly path)
            Expect.equal (Bcl.GetUnixFileMode path) userOnly "mode"
            let info = Bcl.ReadAllLines $"/proc/self/fdinfo/{file.Descriptor.Number}"
            let flags = info |> Array.find (fun line -> line.StartsWith "flags:")
            // O_CLOEXEC | O_WRONLY (and O_LARGEFILE), in octal.
            Expect.equal (Convert.ToInt32(flags.Substring(6).Trim(), 8) &&& 0o2000003) 0o2000001 "flags"
            runOn host (File.close file)
            Expect.isFalse (Bcl.Exists $"/proc/self/fd/{file.Descriptor.Number}") "closed"
            Expect.isTrue file.Descriptor.IsClosed "and knows it")

        case "truncates, appends" (fun host folder ->
            let path = written folder "12345"B
            let file = runOn host (File.openWith (OpenFlags.Write ||| OpenFlags.Append) userOnly path)
            runOn host (File.write file (ReadOnlyMemory "678"B) 0L)
            Expect.equal (Bcl.ReadAllBytes path) "12345678"B "appended"
            runOn host (uring { use! _ = File.create path in return () })
            Expect.equal (Bcl.ReadAllBytes path) [||] "emptied")

        case "closing twice closes once" (fun host folder ->
            let first = runOn host (File.create (at folder "a"))
            runOn host (File.close first)
            let second = runOn host (File.create (at folder "b"))
            Expect.equal second.Descriptor.Number first.Descriptor.Number "the number is used again"
            runOn host (File.close first)
            runOn host (File.write second (ReadOnlyMemory "x"B) 0L)
            Expect.equal (Bcl.ReadAllBytes(at folder "b")) "x"B "the stranger is unharmed")

        case "a path outside ASCII" (fun host folder ->
            let path = at folder "žluťoučký 🐎"
            runOn host (uring { use! _ = File.create path in return () })
            Expect.isTrue (Bcl.Exists path) "there")

        refuses "a missing file" Errno.ENOENT (fun _ folder ->
            FileRequest.openPath (at folder "missing") OpenFlags.Read userOnly)

        refuses "a file as a folder" Errno.ENOTDIR (fun _ folder ->
            FileRequest.openPath (at (written folder [||]) "below") OpenFlags.Read userOnly)

        refuses "a folder to write" Errno.EISDIR (fun _ folder ->
            FileRequest.openPath folder OpenFlags.Write userOnly)

        refuses "one that exists already" Errno.EEXIST (fun _ folder ->
            FileRequest.openPath (written folder [||]) (OpenFlags.Create ||| OpenFlags.Exclusive) userOnly)

        refuses "a name that is too long" Errno.ENAMETOOLONG (fun _ folder ->
            FileRequest.openPath (at folder (String('x', 256))) OpenFlags.Read userOnly)

        refuses "links in a circle" Errno.ELOOP (fun _ folder ->
            let path = at folder "circle"
            Bcl.CreateSymbolicLink(path, path) |> ignore
            FileRequest.openPath path OpenFlags.Read userOnly)

        refuses "a number that is not open" Errno.EBADF (fun _ _ -> Request.bare (Submission.close 1_000_000))
    ]

let private reading =
    testList "read and write" [
        case "a megabyte, in pieces, at offsets" (fun host folder ->
            let bytes = RandomNumberGenerator.GetBytes(1 <<< 20)
            let path = written folder bytes
            let file = runOn host (File.openRead path)
            let buffer = memory bytes.Length
            Expect.equal (runOn host (File.readFull file buffer 0L)) bytes.Length "length"
            Expect.isTrue (buffer.Span.SequenceEqual bytes) "bytes"
            Expect.equal (runOn host (File.read file (memory 10) 1048570L)) 6 "short at the end"
            Expect.equal (runOn host (File.read file (memory 10) 1048576L)) 0 "end of file")

        case "writes where it is told, and leaves a hole" (fun host folder ->
            let path = at folder "holed"
            let file = runOn host (File.create path)
            runOn host (File.write file (ReadOnlyMemory "abc"B) 1_000_000L)
            let seen = Bcl.ReadAllBytes path
            Expect.equal seen.Length 1_000_003 "length"
            Expect.equal (seen.AsSpan(1_000_000).ToArray()) "abc"B "bytes"
            Expect.isTrue (Array.forall ((=) 0uy) seen[..999_999]) "the hole")

        case "touches nothing outside its slice" (fun host folder ->
            let file = runOn host (File.openRead (written folder (Array.create 100 7uy)))
            let buffer = Array.zeroCreate<byte> 30
            Expect.equal (runOn host (File.read file (Memory(buffer, 10, 10)) 0L)) 10 "length"
            Expect.equal buffer (Array.init 30 (fun i -> if i / 10 = 1 then 7uy else 0uy)) "bytes")

        case "at the file's own position" (fun host folder ->
            let path = written folder "abcdef"B
            let file = runOn host (File.openWith OpenFlags.ReadWrite userOnly path)
            let buffer = memory 2
            Expect.equal (runOn host (File.readNext file buffer)) 2 "first"
            Expect.equal (runOn host (File.readNext file buffer)) 2 "second"
            Expect.equal (buffer.ToArray()) "cd"B "bytes"
            Expect.equal (runOn host (File.writeNext file (ReadOnlyMemory "XY"B))) 2 "written"
            Expect.equal (Bcl.ReadAllBytes path) "abcdXY"B "file")

        case "nothing to read or write" (fun host folder ->
            let file = runOn host (File.create (at folder "empty"))
            Expect.equal (runOn host (File.read file Memory.Empty 0L)) 0 "read"
            Expect.equal (runOn host (File.writeSome file ReadOnlyMemory.Empty 0L)) 0 "write")

        refuses "a folder" Errno.EISDIR (fun host folder ->
            FileRequest.read (opened host OpenFlags.Read folder) (memory 1) 0L)

        refuses "to write what is open to read" Errno.EBADF (fun host folder ->
            FileRequest.write (opened host OpenFlags.Read (written folder [||])) (ReadOnlyMemory "x"B) 0L)

        refuses "to read what is open to write" Errno.EBADF (fun host folder ->
            FileRequest.read (opened host OpenFlags.Write (written folder [||])) (memory 1) 0L)

        refuses "a closed file" Errno.EBADF (fun host folder ->
            let file = runOn host (File.openRead (written folder [||]))
            runOn host (File.close file)
            FileRequest.read file.Descriptor (memory 1) 0L)

        refuses "a full device" Errno.ENOSPC (fun host _ ->
            FileRequest.write (opened host OpenFlags.Write "/dev/full") (ReadOnlyMemory "x"B) 0L)

        refuses "an offset that no file has" Errno.EFBIG (fun host folder ->
            let file = opened host OpenFlags.Write (written folder [||])
            FileRequest.write file (ReadOnlyMemory "x"B) (Int64.MaxValue - 1L))

        case "offsets and lengths below zero never reach the kernel" (fun host folder ->
            let file = runOn host (File.openRead (written folder [||]))

            let requests: (unit -> Request) list = [
                fun () -> FileRequest.read file.Descriptor (memory 1) -1L
                fun () -> FileRequest.write file.Descriptor (ReadOnlyMemory "x"B) Int64.MinValue
                fun () -> FileRequest.truncate file.Descriptor -1L
                fun () -> FileRequest.allocate file.Descriptor -1L 1L
                fun () -> FileRequest.allocate file.Descriptor 0L 0L
                fun () -> FileRequest.splice file.Descriptor -2L file.Descriptor 0L 1
                fun () -> FileRequest.splice file.Descriptor 0L file.Descriptor 0L 0
            ]

            for request in requests do
                Expect.throwsT<ArgumentOutOfRangeException> (fun () -> request () |> ignore) "refused")
    ]

let private contents =
    testList "statx, fsync, ftruncate, fallocate" [
        case "says what the BCL says" (fun host folder ->
            let path = written folder (Array.create 5000 1uy)
            Bcl.SetUnixFileMode(path, userOnly)
            Bcl.SetLastWriteTimeUtc(path, DateTime(1999, 12, 31, 23, 59, 59, 123, 456, DateTimeKind.Utc))
            Bcl.SetLastAccessTimeUtc(path, DateTime(1960, 1, 2, 3, 4, 5, DateTimeKind.Utc))
            let file = runOn host (File.openRead path)
            let byPath = runOn host (File.statusOfPath path)
            Expect.equal (runOn host (File.status file)) byPath "by descriptor"
            Expect.equal (byPath.Kind, byPath.Length) (FileKind.Regular, 5000L) "kind and length"
            Expect.equal byPath.Mode userOnly "mode"
            Expect.equal byPath.WriteTime (Bcl.GetLastWriteTimeUtc path) "written"
            Expect.equal byPath.AccessTime (Bcl.GetLastAccessTimeUtc path) "read"
            Expect.equal byPath.Links 1 "links"
            Expect.isGreaterThan byPath.Allocated 0L "blocks")

        case "links: followed or not" (fun host folder ->
            let link = at folder "link"
            Bcl.CreateSymbolicLink(link, folder) |> ignore
            Expect.equal (runOn host (File.statusOfPath link)).Kind FileKind.Directory "followed"
            Expect.equal (runOn host (File.statusOfLink link)).Kind FileKind.SymbolicLink "itself")

        case "sync" (fun host folder ->
            let file = runOn host (File.create (at folder "synced"))
            runOn host (File.write file (ReadOnlyMemory "x"B) 0L)
            runOn host (File.sync file)
            Expect.equal (attempt host (FileRequest.sync file.Descriptor true)) 0 "data only")

        case "cuts and extends" (fun host folder ->
            let path = written folder "abcdef"B
            let file = runOn host (File.openWith OpenFlags.Write userOnly path)
            runOn host (File.truncate file 3L)
            Expect.equal (Bcl.ReadAllBytes path) "abc"B "cut"
            runOn host (File.truncate file 5L)
            Expect.equal (Bcl.ReadAllBytes path) "abc\000\000"B "extended")

        case "reserves" (fun host folder ->
            let path = at folder "reserved"
            let file = runOn host (File.create path)
            runOn host (File.allocate file 4096L 65536L)
            Expect.equal (FileInfo path).Length 69632L "length"
            Expect.isGreaterThanOrEqual (runOn host (File.status file)).Allocated 65536L "blocks")

        refuses "statx of nothing" Errno.ENOENT (fun _ folder ->
            FileRequest.status (at folder "missing") true)

        refuses "sync of a pipe" Errno.EINVAL (fun host _ ->
            FileRequest.sync (opened host OpenFlags.Write "/dev/null") false)

        refuses "truncate what is open to read" Errno.EINVAL (fun host folder ->
            FileRequest.truncate (opened host OpenFlags.Read (written folder [||])) 0L)

        refuses "allocate on a device (ENODEV)" (enum 19) (fun host _ ->
            FileRequest.allocate (opened host OpenFlags.Write "/dev/null") 0L 1L)
    ]

[<Tests>]
let tests = testSequenced <| testList "FileOperation" [ opening; reading; contents ]
