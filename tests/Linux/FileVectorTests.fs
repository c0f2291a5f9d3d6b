/// Several memories by one read or write, by both facades.
module Uring.Tests.Linux.FileVectorTests

open System
open System.Collections.Generic
open System.IO
open System.IO.Pipes
open System.Threading
open System.Threading.Tasks
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

type private Bcl = System.IO.File
type private Facade = global.Uring.UringFile

let private case = folderCase
let private userOnly = UnixFileMode.UserRead ||| UnixFileMode.UserWrite

/// 0, 1, 2, ...
let private counted length = Array.init length byte

let private room (lengths: int list) : IReadOnlyList<Memory<byte>> =
    lengths |> List.map (fun length -> Memory(Array.zeroCreate<byte> length)) |> Array.ofList :> _

let private held (memories: IReadOnlyList<Memory<byte>>) = memories |> Seq.map _.ToArray() |> Array.concat

/// `bytes`, cut into memories of these lengths.
let private cut (lengths: int list) (bytes: byte array) : IReadOnlyList<ReadOnlyMemory<byte>> =
    let starts = List.scan (+) 0 lengths

    List.map2
        (fun start length -> ReadOnlyMemory(bytes, start, length))
        (List.truncate lengths.Length starts)
        lengths
    |> Array.ofList
    :> _

/// More than one operation takes, and empty ones everywhere.
let private many = [ 0; 0; 5 ] @ List.replicate 1100 0 @ List.replicate 2500 3 @ [ 0; 100_000; 0 ]

let private opened host (flags: OpenFlags) path = runOn host (File.openWith flags userOnly path)

let private written folder (bytes: byte array) =
    let path = at folder "file"
    Bcl.WriteAllBytes(path, bytes)
    path

let private refuses name (errno: Errno) (request: LoopThread -> string -> Request) =
    case $"{name}: {errno}" (fun host folder -> Expect.equal (errnoOf host (request host folder)) errno name)

let private functions =
    testList "readv, writev" [
        for name, lengths in [ "a few", [ 3; 0; 1; 7 ]; "none", []; "empty ones", [ 0; 0 ]; "many", many ] do
            case $"{name} are written and read" (fun host folder ->
                let bytes = counted (List.sum lengths)
                let file = runOn host (File.create (at folder "file"))
                runOn host (File.writeVector file (cut lengths bytes) 2L)
                Expect.equal (Bcl.ReadAllBytes file.Path |> Array.skip (min 2 bytes.Length)) bytes "on disk"
                let found = room lengths
                Expect.equal (runOn host (File.readVector file found 2L)) bytes.LongLength "as many bytes"
                Expect.equal (held found) bytes "the same"
                let again = File.readVector file found 2L

                Expect.equal
                    (runOn host again, runOn host again)
                    (bytes.LongLength, bytes.LongLength)
                    "a value")

        case "a file that ends before the memories are full" (fun host folder ->
            let file = opened host OpenFlags.Read (written folder (counted 5))
            let found = room [ 2; 0; 2; 4 ]
            Expect.equal (runOn host (File.readVector file found 1L)) 4L "what there is"
            Expect.equal (held found) [| 1uy; 2uy; 3uy; 4uy; 0uy; 0uy; 0uy; 0uy |] "in order"
            Expect.equal (runOn host (File.readVector file found 5L)) 0L "the end")

        case "at the file's own position" (fun host folder ->
            let file = opened host OpenFlags.ReadWrite (written folder (counted 8))
            let found = room [ 1; 2 ]
            Expect.equal (attempt host (VectorRequest.readNext file.Descriptor found)) 3 "first"
            Expect.equal (attempt host (VectorRequest.readNext file.Descriptor found)) 3 "second"
            Expect.equal (held found) [| 3uy; 4uy; 5uy |] "bytes"
            let both = cut [ 1; 1 ] "XY"B
            Expect.equal (attempt host (VectorRequest.writeNext file.Descriptor both)) 2 "written"
            Expect.equal (Bcl.ReadAllBytes file.Path) (Array.append (counted 6) "XY"B) "file")

        testCase "what comes in parts is read to the end" (fun () ->
            withLoop (fun host ->
                use writer = new AnonymousPipeServerStream(PipeDirection.Out)
                let path = $"/proc/self/fd/{writer.ClientSafePipeHandle.DangerousGetHandle()}"
                let file = opened host OpenFlags.Read path
                let found = room [ 3; 3; 4 ]
                let running = startOn host (File.readVector file found 0L)
                writer.Write(counted 10, 0, 4)
                eventually "the first part" (fun () -> found[1].Span[0] = 3uy)
                writer.Write(counted 10, 4, 6)
                Expect.equal (finish "read" running) 10L "all"
                Expect.equal (held found) (counted 10) "in order"))

        testCase "what is taken in parts is written to the end" (fun () ->
            withLoop (fun host ->
                use reader = new AnonymousPipeServerStream(PipeDirection.In)
                let path = $"/proc/self/fd/{reader.ClientSafePipeHandle.DangerousGetHandle()}"
                let file = opened host OpenFlags.Write path
                let bytes = counted 300_000

                let running =
                    startOn host (File.writeVector file (cut [ 70_000; 0; 200_000; 30_000 ] bytes) 0L)

                let found = Array.zeroCreate<byte> bytes.Length
                let reading = Task.Run(fun () -> reader.ReadExactly(found, 0, found.Length))
                finish "write" running
                finished "read" reading
                Expect.equal found bytes "in order"))

        testCase "cancelled while it waits" (fun () ->
            withLoop (fun host ->
                use writer = new AnonymousPipeServerStream(PipeDirection.Out)
                let path = $"/proc/self/fd/{writer.ClientSafePipeHandle.DangerousGetHandle()}"
                let file = opened host OpenFlags.Read path
                use stop = new CancellationTokenSource()

                let running =
                    startAs host (VectorRequest.readNext file.Descriptor (room [ 1; 1 ])) stop.Token

                eventually "in flight" (fun () -> host.Loop.InFlight > 0)
                stop.Cancel()

                match failureOf (fun () -> finish "read" running) with
                | :? OperationCanceledException -> ()
                | other -> failtest $"no cancellation: {other}"))

        refuses "to read what is open to write" Errno.EBADF (fun host folder ->
            VectorRequest.read (opened host OpenFlags.Write (written folder [||])).Descriptor (room [ 1 ]) 0L)

        refuses "to write what is open to read" Errno.EBADF (fun host folder ->
            VectorRequest.write
                (opened host OpenFlags.Read (written folder [||])).Descriptor
                (cut [ 1 ] "x"B)
                0L)

        refuses "a full device" Errno.ENOSPC (fun host _ ->
            VectorRequest.write (opened host OpenFlags.Write "/dev/full").Descriptor (cut [ 1 ] "x"B) 0L)

        refuses "more than the kernel takes" Errno.EINVAL (fun host folder ->
            let file = opened host OpenFlags.Read (written folder [||])
            let empty = Memory(Array.zeroCreate<byte>(16 * 1025))
            Submission.readVector file.Descriptor.Number 0UL 1025u 0UL |> Request.over file.Descriptor empty)

        case "nonsense never reaches the kernel" (fun host folder ->
            let file = opened host OpenFlags.Read (written folder [||])
            let nothing = Unchecked.defaultof<IReadOnlyList<Memory<byte>>>

            Expect.throwsT<ArgumentNullException>
                (fun () -> File.readVector file nothing 0L |> ignore)
                "null"

            let refused (start: unit -> unit) = Expect.throwsT<ArgumentOutOfRangeException> start "negative"
            refused (fun () -> File.readVector file (room [ 1 ]) -1L |> ignore)
            refused (fun () -> File.writeVector file (cut [ 1 ] "x"B) -1L |> ignore)
            refused (fun () -> VectorRequest.read file.Descriptor (room [ 1 ]) -1L |> ignore))
    ]

let private facade =
    testList "facade" [
        Observe.inFolderCase "many are written whole, and read a thousand at a time" (fun folder ->
            task {
                let bytes = counted (List.sum many)
                use! file = Facade.OpenAsync(at folder "file", FileMode.Create, FileAccess.ReadWrite)
                do! file.WriteAsync(cut many bytes, 0L)
                Expect.equal (Bcl.ReadAllBytes file.Path) bytes "on disk"
                let found = room (List.replicate 1200 2)
                let! count = file.ReadAsync(found, 0L)
                Expect.equal count 2048 "the first 1024"
                Expect.equal (Array.truncate 2048 (held found)) (Array.truncate 2048 bytes) "the same"
                let! count = file.ReadAsync(found, bytes.LongLength)
                Expect.equal count 0 "the end"
            })

        Observe.inFolderCase "append writes at the end, whatever the offset" (fun folder ->
            task {
                Bcl.WriteAllText(at folder "log", "one ")
                use! file = Facade.OpenAsync(at folder "log", FileMode.Append, FileAccess.Write)
                do! file.WriteAsync(cut [ 4; 5 ] "two three"B, 0L)
                Expect.equal (Bcl.ReadAllText file.Path) "one two three" "in order"
            })

        Observe.inFolderCase "a file that is not open for it" (fun folder ->
            task {
                Bcl.WriteAllText(at folder "file", "")
                use! reader = Facade.OpenAsync(at folder "file")
                let writes () = reader.WriteAsync(cut [ 1 ] "x"B, 0L)
                let! _ = Observe.raises<NotSupportedException> "to write" writes
                use! writer = Facade.OpenAsync(at folder "file", access = FileAccess.Write)
                let reads () = Observe.discard (writer.ReadAsync(room [ 1 ], 0L))
                let! _ = Observe.raises<NotSupportedException> "to read" reads
                return ()
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "FileVector" [ functions; facade ]
