/// Space in files by the modes of fallocate(2), and tee(2): bytes and lengths, and the likely errnos.
module Uring.Tests.Linux.FileSpaceTests

open System
open System.IO
open System.IO.Pipes
open System.Threading
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

type private Bcl = System.IO.File
type private Facade = global.Uring.UringFile

[<Literal>]
let private Block = 4096

/// Blocks of these values.
let private blocks (values: int list) =
    Array.concat [
        for value in values do
            Array.create Block (byte value)
    ]

/// A file of four blocks: 1, 2, 3, 4.
let private case name (body: LoopThread -> File -> unit) =
    testCase name (fun () ->
        inFolder (fun folder ->
            withLoop (fun host ->
                let path = Path.Combine(folder, "file")
                Bcl.WriteAllBytes(path, blocks [ 1; 2; 3; 4 ])
                body host (runOn host (File.openWith OpenFlags.ReadWrite UnixFileMode.UserRead path)))))

let private refuses name (errno: Errno) (request: FileDescriptor -> Request) =
    case $"{name}: {errno}" (fun host file ->
        Expect.equal (errnoOf host (request file.Descriptor)) errno name)

/// Not every file system can do everything.
let private allocate host (file: File) mode offset length =
    match attempt host (FileRequest.allocateAs file.Descriptor mode offset length) with
    | 0 -> ()
    | result when Errno.ofResult result = Errno.EOPNOTSUPP -> skiptest $"{mode}: not here"
    | result -> failtest $"{mode}: {Errno.ofResult result}"

let private changes mode (offset: int) (length: int) (expected: byte array) =
    case $"{mode}, {length} bytes at {offset}" (fun host file ->
        allocate host file mode (int64 offset) (int64 length)
        Expect.isTrue ((Bcl.ReadAllBytes file.Path).AsSpan().SequenceEqual expected) "bytes")

let private whole = blocks [ 1; 2; 3; 4 ]

let private space =
    testList "fallocate" [
        changes Allocation.Extend (3 * Block) (2 * Block) (blocks [ 1; 2; 3; 4; 0 ])
        changes Allocation.KeepSize (3 * Block) (9 * Block) whole
        changes Allocation.PunchHole Block (2 * Block) (blocks [ 1; 0; 0; 4 ])
        changes Allocation.PunchHole (3 * Block) (9 * Block) (blocks [ 1; 2; 3; 0 ])
        changes Allocation.PunchHole 10 5 (whole |> Array.mapi (fun i b -> if i / 5 = 2 then 0uy else b))
        changes Allocation.Collapse Block Block (blocks [ 1; 3; 4 ])
        changes Allocation.Insert Block (2 * Block) (blocks [ 1; 0; 0; 2; 3; 4 ])
        changes Allocation.Zero (3 * Block) (2 * Block) (blocks [ 1; 2; 3; 0; 0 ])
        changes Allocation.ZeroKeepSize (3 * Block) (2 * Block) (blocks [ 1; 2; 3; 0 ])
        changes Allocation.Unshare Block Block whole
        changes Allocation.UnshareKeepSize Block Block whole
        changes Allocation.WriteZeros (3 * Block) (2 * Block) (blocks [ 1; 2; 3; 0; 0 ])

        case "a hole gives its space back, and what is kept past the end takes some" (fun host file ->
            runOn host (File.sync file)
            let before = (runOn host (File.status file)).Allocated
            allocate host file Allocation.PunchHole 0L (int64 (2 * Block))
            let holed = (runOn host (File.status file)).Allocated
            Expect.isLessThan holed before "given back"
            allocate host file Allocation.KeepSize (int64 (8 * Block)) (int64 (8 * Block))
            let status = runOn host (File.status file)
            Expect.isGreaterThan status.Allocated holed "reserved"
            Expect.equal status.Length (int64 (4 * Block)) "as long as before")

        refuses "to cut out less than a block" Errno.EINVAL (fun file ->
            FileRequest.allocateAs file Allocation.Collapse 0L 10L)

        refuses "to cut out up to the end" Errno.EINVAL (fun file ->
            FileRequest.allocateAs file Allocation.Collapse (int64 Block) (int64 (3 * Block)))

        refuses "to put a hole in behind the end" Errno.EINVAL (fun file ->
            FileRequest.allocateAs file Allocation.Insert (int64 (4 * Block)) (int64 Block))

        refuses "what nobody can do" Errno.EOPNOTSUPP (fun file ->
            FileRequest.allocateAs file (enum 0x1000) 0L 1L)

        refuses "a length that no file has" Errno.EFBIG (fun file ->
            FileRequest.allocateAs file Allocation.Extend (Int64.MaxValue - 10L) 10L)

        case "cancelled before" (fun host file ->
            let request = FileRequest.allocateAs file.Descriptor Allocation.Collapse 0L (int64 Block)

            match
                failureOf (fun () -> startAs host request (CancellationToken true) |> finish "allocate")
            with
            | :? OperationCanceledException -> ()
            | other -> failtest $"no cancellation: {other}"

            Expect.equal (FileInfo file.Path).Length (int64 (4 * Block)) "nothing was cut out")
    ]

let private borrow (host: LoopThread) (number: nativeint) =
    let descriptor = host.Loop.Own(int number)
    GC.SuppressFinalize descriptor
    descriptor

let private tee =
    testList "tee" [
        testCase "copies what is in a pipe, and leaves it there" (fun () ->
            use one = new AnonymousPipeServerStream(PipeDirection.Out)
            use other = new AnonymousPipeServerStream(PipeDirection.Out)

            withLoop (fun host ->
                let source = borrow host (one.ClientSafePipeHandle.DangerousGetHandle())
                let target = borrow host (other.SafePipeHandle.DangerousGetHandle())
                let copy = borrow host (other.ClientSafePipeHandle.DangerousGetHandle())
                one.Write(ReadOnlySpan "abcdef"B)
                Expect.equal (attempt host (FileRequest.tee source target 4)) 4 "copied"
                let buffer = Memory(Array.zeroCreate<byte> 10)
                Expect.equal (attempt host (FileRequest.readNext copy buffer)) 4 "the copy"
                Expect.equal (buffer.Slice(0, 4).ToArray()) "abcd"B "its bytes"
                Expect.equal (attempt host (FileRequest.readNext source buffer)) 6 "all of it is there"
                Expect.equal (buffer.Slice(0, 6).ToArray()) "abcdef"B "bytes"
                one.Dispose()
                Expect.equal (attempt host (FileRequest.tee source target 4)) 0 "the end"))

        testCase "between what are not two pipes: EINVAL" (fun () ->
            use pipe = new AnonymousPipeServerStream(PipeDirection.Out)

            withLoop (fun host ->
                let reader = borrow host (pipe.ClientSafePipeHandle.DangerousGetHandle())
                let writer = borrow host (pipe.SafePipeHandle.DangerousGetHandle())
                let nothing = runOn host (File.openWith OpenFlags.Write UnixFileMode.None "/dev/null")
                let request = FileRequest.tee reader nothing.Descriptor 1
                Expect.equal (errnoOf host request) Errno.EINVAL "a file"
                Expect.equal (errnoOf host (FileRequest.tee reader writer 1)) Errno.EINVAL "one pipe"

                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> FileRequest.tee reader writer 0 |> ignore)
                    "nothing"))
    ]

let private facade =
    testList "C#" [
        Observe.inFolderCase "modes" (fun folder ->
            task {
                let path = Path.Combine(folder, "file")
                use! file = Facade.OpenAsync(path, FileMode.Create, FileAccess.ReadWrite)
                do! file.WriteAsync(ReadOnlyMemory whole, 0L)
                do! file.AllocateAsync(0L, 10L, global.Uring.FileAllocation.PunchHole)
                let! length = file.GetLengthAsync()
                Expect.equal length whole.LongLength "as long as before"
                let seen = Bcl.ReadAllBytes path
                Expect.equal (seen[9], seen[10]) (0uy, 1uy) "a hole"

                let part () = file.AllocateAsync(0L, 10L, global.Uring.FileAllocation.Collapse)
                let! _ = Observe.raises<ArgumentException> "no whole block" part

                let! _ =
                    Observe.raises<ArgumentOutOfRangeException> "unknown" (fun () ->
                        file.AllocateAsync(0L, 1L, enum 0x1000))

                ()
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "FileSpace" [ space; tee; facade ]
