/// What files meet when there is no more of something: descriptors of the process, and space of a file system. On the real
/// kernel: in a child with no descriptors left, and on a small file system that is mounted for it.
module Uring.Tests.Linux.FileLimitTests

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Kernel
open Uring.Model
open Uring.Tests.Linux.Hosting

type private Bcl = System.IO.File

let private everything = enum<UnixFileMode> 0o777
let private bytes = ReadOnlyMemory(Array.zeroCreate<byte> 200_000)

// ---- descriptors

/// struct rlimit.
[<Struct; StructLayout(LayoutKind.Sequential)>]
type Limit = { Soft: uint64; Hard: uint64 }

[<DllImport("libc", EntryPoint = "getrlimit")>]
extern int private getrlimit(int resource, Limit& limit)

[<DllImport("libc", EntryPoint = "setrlimit")>]
extern int private setrlimit(int resource, Limit& limit)

// RLIMIT_NOFILE.
let private descriptors = 7

/// What asks for a descriptor, and is told EMFILE.
let withoutDescriptors: Opcode list = [
    Opcode.Socket
    Opcode.Accept
    Opcode.OpenAt
    Opcode.OpenAt2
    Opcode.Pipe
    Opcode.InstallFixed
]

/// In the child: what asks for a descriptor, once with them and once without.
let private without () =
    inFolder (fun folder ->
        Bcl.WriteAllText(at folder "file", "text")
        let options = { LoopOptions.standard with DirectDescriptors = 2 }

        withLoopOf LinuxKernel.Instance options (fun host ->
            let directory = runOn host (File.openDirectory folder)
            let direct = runOn host (File.openDirect OpenFlags.Read everything (at folder "file"))

            let listener = runOn host (Uring.FSharp.Socket.listen loopback 4)
            let address = Uring.FSharp.Socket.localEndPoint listener
            // One to take with descriptors, and one without.
            let clients = [ for _ in 1..2 -> runOn host (Uring.FSharp.Socket.connect address) ]

            let requests () = [
                SocketRequest.socket
                    Net.Sockets.AddressFamily.InterNetwork
                    Net.Sockets.SocketType.Stream
                    Net.Sockets.ProtocolType.Tcp
                SocketRequest.accept listener.Descriptor
                FileRequest.openPath (at folder "file") OpenFlags.Read everything
                FileRequest.openFrom directory.Descriptor PathRules.None "file" OpenFlags.Read everything
                FileRequest.pipe PipeModes.None
                FileRequest.install direct.Descriptor
            ]

            let ask () =
                requests ()
                |> List.map (fun request -> struct (request.Submission.Opcode, attempt host request))

            let before = ask ()
            let mutable limit = Unchecked.defaultof<Limit>
            getrlimit (descriptors, &limit) |> ignore
            let mutable none = { limit with Soft = 0UL }
            setrlimit (descriptors, &none) |> ignore
            let during = ask ()
            setrlimit (descriptors, &limit) |> ignore

            for struct (opcode, result) in before do
                if result < 0 then Console.Out.WriteLine $"{opcode}: {result} with descriptors left"

            for struct (opcode, result) in during do
                if result <> Errno.toResult Errno.EMFILE then
                    Console.Out.WriteLine $"{opcode}: {result} without descriptors"

            if during |> List.map (fun struct (opcode, _) -> opcode) <> withoutDescriptors then
                Console.Out.WriteLine "not the list"

            GC.KeepAlive clients
            Console.Out.WriteLine "done"))

    0

/// What this program does as a child.
let children = [ "descriptors", without ]

let private process' =
    testList "descriptors" [
        testCase "there are none left: EMFILE, and the ring goes on" (fun () ->
            // The runtime dies when it wants a descriptor of its own in that moment, which is not what is asked here.
            let rec ask attempts =
                match ChildProcess.run [] "descriptors" with
                | struct (134, "Out of memory.") when attempts > 1 -> ask (attempts - 1)
                | struct (exitCode, said) -> Expect.equal (exitCode, said) (0, "done") "each says EMFILE"

            ask 5)
    ]

// ---- space

let private call (program: string) (arguments: string list) : string =
    let start =
        ProcessStartInfo(program, arguments, RedirectStandardError = true, RedirectStandardOutput = true)

    try
        use running = start |> Process.Start |> Option.ofObj |> Option.get
        let said = running.StandardError.ReadToEnd()
        running.WaitForExit()
        if running.ExitCode = 0 then "" else $"{program}: {said.Trim()}"
    with :? ComponentModel.Win32Exception as reason ->
        reason.Message

/// A file system of its own, with room for so much.
let private mounted name (size: string) (body: LoopThread -> string -> unit) =
    folderCase name (fun host folder ->
        let place = at folder "small"
        Directory.CreateDirectory place |> ignore

        match call "mount" [ "-t"; "tmpfs"; "-o"; size; "tmpfs"; place ] with
        | "" -> ()
        | reason -> skiptest $"no file system can be mounted here: {reason}"

        try
            body host place
        finally
            let refused = call "umount" [ "-l"; place ]
            if refused <> "" then failtest refused)

let private isFull host name request = Expect.equal (errnoOf host request) Errno.ENOSPC name

let private space =
    testList "space" [
        mounted "for names: ENOSPC" "nr_inodes=3" (fun host place ->
            Bcl.WriteAllText(at place "file", "")
            Directory.CreateDirectory(at place "sub") |> ignore
            let created = OpenFlags.Write ||| OpenFlags.Create
            isFull host "OPENAT" (FileRequest.openPath (at place "new") created everything)
            let directory = runOn host (File.openDirectory place)

            FileRequest.openFrom directory.Descriptor PathRules.None "new" created everything
            |> isFull host "OPENAT2"

            isFull host "MKDIRAT" (FileRequest.makeDirectory (at place "new") everything)
            isFull host "SYMLINKAT" (FileRequest.makeSymbolicLink (at place "new") "file")
            isFull host "LINKAT" (FileRequest.makeHardLink (at place "new") (at place "file"))
            runOn host (File.close directory)
            // And again when one has gone.
            runOn host (File.removeDirectory (at place "sub"))
            runOn host (File.makeDirectory (at place "new")))

        mounted "for bytes: ENOSPC, and what there was room for is told" "size=64k" (fun host place ->
            let file = runOn host (File.create (at place "file"))
            isFull host "FALLOCATE" (FileRequest.allocate file.Descriptor 0L 1_000_000L)

            match failureOf (fun () -> runOn host (File.write file bytes 0L)) with
            | :? IOException as reason ->
                Expect.equal reason.HResult (int Errno.ENOSPC) "errno"
                Expect.equal (Fault.transferred reason) (ValueSome 65536L) "bytes that went"
            | other -> failtest $"{other}"

            match failureOf (fun () -> runOn host (File.writeVector file [| bytes; bytes |] 0L)) with
            | :? IOException as reason ->
                Expect.equal reason.HResult (int Errno.ENOSPC) "errno"
                Expect.equal (Fault.transferred reason) (ValueSome 65536L) "bytes that went"
            | other -> failtest $"{other}"

            // Its position stays where it was: going on there would overwrite what was written, and seem to succeed.
            match failureOf (fun () -> runOn host (File.writeAllNext file bytes)) with
            | :? IOException as reason ->
                Expect.equal reason.HResult (int Errno.ENOSPC) "errno"
                Expect.equal (Fault.transferred reason) (ValueSome 65536L) "bytes that went"
            | other -> failtest $"{other}"

            let buffer = runOn host (RegisteredBuffer.create 4096)
            let memory = RegisteredBuffer.whole buffer
            isFull host "WRITE_FIXED" (RegisteredRequest.write file.Descriptor memory 65536L)
            let vector: IReadOnlyList<RegisteredMemory> = [| memory |]
            isFull host "WRITEV_FIXED" (RegisteredRequest.writeVector file.Descriptor vector 65536L)
            runOn host (RegisteredBuffer.close buffer)
            runOn host (File.close file))

        mounted "for bytes, in C#: ENOSPC, and what there was room for is told" "size=64k" (fun _ place ->
            let program =
                task {
                    use! file =
                        Uring.UringFile.OpenAsync(at place "file", FileMode.Create, FileAccess.ReadWrite)

                    let vector: IReadOnlyList<ReadOnlyMemory<byte>> = [| bytes; bytes |]

                    for write in
                        [
                            (fun () -> file.WriteAsync(bytes, 0L))
                            (fun () -> file.WriteAsync(vector, 0L))
                            (fun () -> file.WriteNextAllAsync bytes)
                        ] do
                        match! Observe.failureOf write with
                        | :? IOException as reason ->
                            Expect.equal reason.HResult (int Errno.ENOSPC) "errno"
                            Expect.equal (Fault.transferred reason) (ValueSome 65536L) "bytes that went"
                        | other -> failtest $"{other}"
                }

            finished "writes" program)

        mounted "for attributes: ENOSPC" "nr_inodes=4" (fun host place ->
            let file = runOn host (File.create (at place "file"))
            let value = ReadOnlyMemory(Array.zeroCreate<byte> 60_000)
            let change = AttributeChange.CreateOrReplace

            match errnoOf host (FileRequest.setAttribute file.Descriptor "user.a" value change) with
            | Errno.EOPNOTSUPP -> skiptest "tmpfs has no attributes of users before Linux 6.6"
            | errno -> Expect.equal errno Errno.ENOSPC "FSETXATTR"

            isFull host "SETXATTR" (FileRequest.setAttributeOfPath (at place "file") "user.a" value change)
            runOn host (File.close file))
    ]

[<Tests>]
let tests = testSequenced <| testList "FileLimit" [ process'; space ]
