/// Reads and writes with flags of their own (RWF_), by both facades: what each flag does, what the kernel refuses, and what
/// older kernels are not asked.
module Uring.Tests.Linux.TransferFlagTests

open System
open System.Collections.Generic
open System.IO
open System.Threading
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

type private Bcl = System.IO.File
type private Facade = global.Uring.UringFile
type private Flags = global.Uring.TransferFlags

let private text (value: string) = ReadOnlyMemory(Text.Encoding.UTF8.GetBytes value)

let private opened host folder flags =
    Bcl.WriteAllText(at folder "file", "0123456789")
    runOn host (File.openWith (OpenFlags.ReadWrite ||| flags) UnixFileMode.UserRead (at folder "file"))

let private contents folder = Bcl.ReadAllText(at folder "file")

let private asked flags request = FileRequest.transferring flags request

/// Every form of a write, of the bytes "ab".
let private writes (file: File) (flags: TransferFlags) (offset: int64) = [
    "write", File.writeAs flags file (text "ab") offset
    "writeSome", Uring.discard (File.writeSomeAs flags file (text "ab") offset)
    "writeVector", File.writeVectorAs flags file [| text "a"; text "b" |] offset
    "writeRegistered",
    uring {
        let! buffer = RegisteredBuffer.create 4096
        "ab"B.CopyTo((RegisteredBuffer.whole buffer).Memory.Span)
        do! File.writeRegisteredAs flags file (RegisteredBuffer.slice 0 2 buffer) offset
        do! RegisteredBuffer.close buffer
    }
]

let private reads (file: File) (flags: TransferFlags) : (string * Uring<int64>) list =
    let room () = Memory(Array.zeroCreate<byte> 4)

    [
        "read",
        uring {
            let! count = File.readAs flags file (room ()) 2L
            return int64 count
        }
        "readVector", File.readVectorAs flags file [| room (); room () |] 2L
        "readRegistered",
        uring {
            let! buffer = RegisteredBuffer.create 4096
            let! count = File.readRegisteredAs flags file (RegisteredBuffer.slice 0 4 buffer) 2L
            do! RegisteredBuffer.close buffer
            return int64 count
        }
    ]

/// The file system may not have it.
let private orUnsupported (body: unit -> unit) =
    match failureOf body with
    | null
    | :? NotSupportedException -> ()
    | reason -> failtest $"{reason}"

let private effects =
    testList "effects" [
        folderCase "append: at the end, whatever the offset" (fun host folder ->
            let file = opened host folder OpenFlags.Read

            for name, write in writes file TransferFlags.Append 0L do
                let before = contents folder
                runOn host write
                Expect.equal (contents folder) (before + "ab") name)

        folderCase "no append: at the offset, though it was opened to append" (fun host folder ->
            let file = opened host folder OpenFlags.Append

            for name, write in writes file TransferFlags.NoAppend 3L do
                Bcl.WriteAllText(at folder "file", "0123456789")
                runOn host write
                Expect.equal (contents folder) "012ab56789" name)

        folderCase "synchronous: written, all the same" (fun host folder ->
            for flags in [ TransferFlags.DataSync; TransferFlags.Sync ] do
                let file = opened host folder OpenFlags.Read

                for name, write in writes file flags 1L do
                    runOn host write
                    Expect.equal (contents folder) "0ab3456789" $"{name}, {flags}")

        folderCase "out of the page cache: the same bytes, where the file system can" (fun host folder ->
            let file = opened host folder OpenFlags.Read

            for _, write in writes file TransferFlags.DontCache 1L do
                orUnsupported (fun () ->
                    runOn host write
                    Expect.equal (contents folder) "0ab3456789" "written")

            for name, read in reads file TransferFlags.DontCache do
                orUnsupported (fun () -> Expect.isGreaterThan (runOn host read) 3L name))

        folderCase "without waiting: what is in memory is read at once" (fun host folder ->
            let file = opened host folder OpenFlags.Read
            runOn host (File.readFull file (Memory(Array.zeroCreate<byte> 10)) 0L) |> ignore

            for name, read in reads file TransferFlags.NoWait do
                Expect.isGreaterThan (runOn host read) 3L name)

        testCase "without waiting: an empty pipe and a full one say EAGAIN" (fun () ->
            withLoop (fun host ->
                let pipe = runOn host Pipe.create
                let room = Memory(Array.zeroCreate<byte> 70_000)
                let ask request = errnoOf host (asked TransferFlags.NoWait request)
                Expect.equal (ask (FileRequest.readNext pipe.Reader.Descriptor room)) Errno.EAGAIN "empty"
                Expect.equal host.Loop.InFlight 0 "and nobody waits"

                let write () =
                    attempt
                        host
                        (asked
                            TransferFlags.NoWait
                            (FileRequest.writeNext pipe.Writer.Descriptor (Memory.op_Implicit room)))

                Expect.equal (write ()) 65536 "what there is room for"
                Expect.equal (write ()) -11 "full"
                runOn host (Pipe.close pipe)))
    ]

let private refusals =
    let refuses name flags (errno: Errno) =
        folderCase $"{name}: {errno}" (fun host folder ->
            let file = opened host folder OpenFlags.Read
            let request = FileRequest.write file.Descriptor (text "ab") 0L
            Expect.equal (errnoOf host (asked flags request)) errno name
            Expect.equal (contents folder) "0123456789" "nothing written")

    testList "refusals" [
        refuses "polling for the end, on a ring that does not" TransferFlags.HighPriority Errno.EINVAL
        refuses
            "at the end, and not at the end"
            (TransferFlags.Append ||| TransferFlags.NoAppend)
            Errno.EINVAL
        refuses "what is no flag" (LanguagePrimitives.EnumOfValue 0x8000u) Errno.EOPNOTSUPP
        refuses "all or nothing, into the page cache" TransferFlags.Atomic Errno.EOPNOTSUPP

        folderCase "reading all or nothing: EOPNOTSUPP" (fun host folder ->
            let file = opened host folder OpenFlags.Read
            let request = FileRequest.read file.Descriptor (Memory(Array.zeroCreate<byte> 1)) 0L
            Expect.equal (errnoOf host (asked TransferFlags.Atomic request)) Errno.EOPNOTSUPP "errno")

        testCase "a pipe has no page cache: EOPNOTSUPP" (fun () ->
            withLoop (fun host ->
                let pipe = runOn host Pipe.create
                let request = FileRequest.writeNext pipe.Writer.Descriptor (text "ab")
                let found = errnoOf host (asked TransferFlags.DontCache request)
                Expect.equal found Errno.EOPNOTSUPP "errno"
                runOn host (Pipe.close pipe)))

        folderCase "cancelled before: nothing is written" (fun host folder ->
            let file = opened host folder OpenFlags.Read
            let program = File.writeAs TransferFlags.Append file (text "ab") 0L
            let running = Uring.startOn host (CancellationToken true) program
            ended "write" running
            Expect.isTrue running.IsCanceled "cancelled"
            Expect.equal (contents folder) "0123456789" "nothing written")

        testCase "what is no transfer of an open file has none" (fun () ->
            Expect.throwsT<ArgumentException> (fun () -> asked TransferFlags.Sync nop |> ignore) "a nop")
    ]

let private older =
    let isTooOld since hidden flags =
        testCase $"{flags} before {since} never reaches the kernel" (fun () ->
            inFolder (fun folder ->
                withLoopOf (FaultyKernel(Hidden = hidden)) LoopOptions.standard (fun host ->
                    let file = opened host folder OpenFlags.Append

                    match failureOf (fun () -> runOn host (File.writeAs flags file (text "ab") 0L)) with
                    | :? PlatformNotSupportedException as reason ->
                        Expect.stringContains reason.Message $"Linux {since}" "which"
                    | other -> failtest $"{other}"

                    runOn host (File.writeAs TransferFlags.DataSync file (text "ab") 0L)
                    Expect.equal (contents folder) "0123456789ab" "older flags are there")))

    testList "older kernels" [
        isTooOld "6.9" [ Opcode.Truncate ] TransferFlags.NoAppend
        isTooOld "6.11" [ Opcode.Bind ] TransferFlags.Atomic
    ]

let private facade =
    testList "C#" [
        Observe.inFolderCase "every method" (fun folder ->
            task {
                let path = at folder "file"
                Bcl.WriteAllText(path, "0123456789")
                use! file = Facade.OpenAsync(path, FileMode.Open, FileAccess.ReadWrite)
                let! registered = global.Uring.Ring.Default.RegisterBufferAsync 4096
                use registered = registered
                "ab"B.CopyTo(registered.Slice(0, 2).Memory.Span)
                do! file.WriteAsync(text "ab", 0L, Flags.Append)
                let vector: IReadOnlyList<ReadOnlyMemory<byte>> = [| text "c"; text "d" |]
                do! file.WriteAsync(vector, 0L, Flags.Append ||| Flags.DataSync)
                do! file.WriteAsync(registered.Slice(0, 2), 0L, Flags.Append)
                let! two = file.WriteSomeAsync(text "ef", 0L, Flags.Append)
                let parts: IReadOnlyList<global.Uring.RegisteredMemory> = [| registered.Slice(0, 1) |]
                let! one = file.WriteSomeAsync(parts, 0L, Flags.Append)
                Expect.equal (two, one) (2, 1) "bytes"
                Expect.equal (Bcl.ReadAllText path) "0123456789abcdabefa" "at the end, in their order"

                let room () = Memory(Array.zeroCreate<byte> 4)
                let! read = file.ReadAsync(room (), 0L, Flags.NoWait)
                let rooms: IReadOnlyList<Memory<byte>> = [| room (); room () |]
                let! vector = file.ReadAsync(rooms, 0L, Flags.NoWait)
                let! fixedOne = file.ReadAsync(registered.Slice(0, 3), 0L, Flags.NoWait)
                let! fixedVector = file.ReadAsync(parts, 0L, Flags.NoWait)
                Expect.equal (read, vector, fixedOne, fixedVector) (4, 8, 3, 1) "bytes"

                let write (flags: Flags) () = file.WriteAsync(text "x", 0L, flags)
                let! _ = Observe.raises<ArgumentException> "poll" (write Flags.HighPriority)
                let! _ = Observe.raises<NotSupportedException> "all or nothing" (write Flags.Atomic)
                ()
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "TransferFlag" [ effects; refusals; older; facade ]
