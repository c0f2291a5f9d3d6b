/// What file operations can be told besides: rules of a rename, modes of a splice, fields of a status, part of a sync, the
/// mode of a directory, whether an attribute may be there. By both facades.
module Uring.Tests.Linux.FileRuleTests

open System
open System.IO
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

type private Bcl = System.IO.File
type private Facade = global.Uring.UringFile

let private written folder name (text: string) =
    Bcl.WriteAllText(at folder name, text)
    at folder name

let private renaming =
    testList "rename" [
        folderCase "two exchange their names" (fun host folder ->
            let one, two = written folder "one" "1", written folder "two" "2"
            runOn host (File.renameAs RenameRules.Exchange one two)
            Expect.equal (Bcl.ReadAllText one, Bcl.ReadAllText two) ("2", "1") "contents")

        folderCase "what is there is not replaced: EEXIST" (fun host folder ->
            let request =
                FileRequest.renameAs
                    RenameRules.NoReplace
                    (written folder "one" "1")
                    (written folder "two" "2")

            Expect.equal (errnoOf host request) Errno.EEXIST "errno"
            Expect.equal (Bcl.ReadAllText(at folder "two")) "2" "still there")

        folderCase "nothing to exchange with: ENOENT" (fun host folder ->
            let request =
                FileRequest.renameAs RenameRules.Exchange (written folder "one" "1") (at folder "x")

            Expect.equal (errnoOf host request) Errno.ENOENT "errno")

        for rules in
            [
                RenameRules.Exchange ||| RenameRules.NoReplace
                RenameRules.Exchange ||| RenameRules.Whiteout
                enum 8
            ] do
            folderCase $"what does not go together: EINVAL ({int rules})" (fun host folder ->
                let request =
                    FileRequest.renameAs rules (written folder "one" "1") (written folder "two" "2")

                Expect.equal (errnoOf host request) Errno.EINVAL "errno")

        folderCase "a whiteout stays, for those who may make one" (fun host folder ->
            let request =
                FileRequest.renameAs RenameRules.Whiteout (written folder "one" "1") (at folder "two")

            match attempt host request with
            | 0 ->
                let left = runOn host (File.statusOfLink (at folder "one"))
                Expect.equal left.Kind FileKind.CharacterDevice "a device that is none"
                Expect.equal left.SpecialDevice { Major = 0u; Minor = 0u } "0/0"
            | result ->
                let reasons = [ Errno.EPERM; Errno.EINVAL ]
                Expect.contains reasons (Errno.ofResult result) "not for us, or not on this file system")

        Observe.inFolderCase "C#: exchanged" (fun folder ->
            task {
                let one, two = written folder "one" "1", written folder "two" "2"
                do! Facade.MoveAsync(one, two, global.Uring.RenameRules.Exchange)
                Expect.equal (Bcl.ReadAllText one, Bcl.ReadAllText two) ("2", "1") "contents"

                let refused () = Facade.MoveAsync(one, two, global.Uring.RenameRules.NoReplace)
                let! reason = Observe.raises<IOException> "it exists" refused
                Expect.equal reason.HResult 17 "EEXIST"
            })
    ]

let private splicing =
    let withPipe body =
        withLoop (fun host ->
            let pipe = runOn host Pipe.create
            body host pipe
            runOn host (Pipe.close pipe))

    testList "splice, tee" [
        testCase "without waiting: an empty pipe says EAGAIN" (fun () ->
            withPipe (fun host pipe ->
                let other = runOn host Pipe.create
                let one, two = pipe.Reader.Descriptor, other.Writer.Descriptor
                let splice = FileRequest.spliceAs SpliceModes.NonBlocking one -1L two -1L 10
                Expect.equal (errnoOf host splice) Errno.EAGAIN "splice"
                let tee = FileRequest.teeAs SpliceModes.NonBlocking one two 10
                Expect.equal (errnoOf host tee) Errno.EAGAIN "tee"
                runOn host (Pipe.close other)))

        testCase "hints change nothing" (fun () ->
            withPipe (fun host pipe ->
                let other = runOn host Pipe.create
                let hints = SpliceModes.Move ||| SpliceModes.More
                runOn host (File.writeAllNext pipe.Writer (ReadOnlyMemory "abcdef"B))
                Expect.equal (runOn host (Pipe.teeAs hints pipe.Reader other.Writer 3)) 3 "tee"

                let splice = File.spliceAs hints pipe.Reader -1L other.Writer -1L 6
                Expect.equal (runOn host splice) 6 "splice"
                let room = Memory(Array.zeroCreate<byte> 20)
                Expect.equal (runOn host (File.readNext other.Reader room)) 9 "bytes"
                Expect.equal (room.Slice(0, 9).ToArray()) "abcabcdef"B "which"
                runOn host (Pipe.close other)))

        testCase "what is no mode: EINVAL" (fun () ->
            withPipe (fun host pipe ->
                let one, two = pipe.Reader.Descriptor, pipe.Writer.Descriptor
                let wrong: SpliceModes = enum 0x40

                Expect.equal
                    (errnoOf host (FileRequest.spliceAs wrong one -1L two -1L 1))
                    Errno.EINVAL
                    "splice"

                Expect.equal (errnoOf host (FileRequest.teeAs wrong one two 1)) Errno.EINVAL "tee"))

        Observe.tidyCase "C#" (fun () ->
            task {
                use! one = global.Uring.UringPipe.CreateAsync()
                use! two = global.Uring.UringPipe.CreateAsync()
                let atOnce = global.Uring.SpliceModes.NonBlocking
                let splice () = Observe.discard (one.Reader.SpliceAsync(two.Writer, 10, atOnce))
                let! reason = Observe.raises<IOException> "empty" splice
                Expect.equal reason.HResult 11 "EAGAIN"
                let tee () = Observe.discard (one.Reader.TeeAsync(two.Writer, 10, atOnce))
                let! reason = Observe.raises<IOException> "empty" tee
                Expect.equal reason.HResult 11 "EAGAIN"
                do! one.Writer.WriteNextAllAsync(ReadOnlyMemory "abc"B)
                let! copied = one.Reader.TeeAsync(two.Writer, 10, atOnce)
                let! moved = one.Reader.SpliceAsync(two.Writer, 10, atOnce)
                Expect.equal (copied, moved) (3, 3) "bytes"
            })
    ]

let private status =
    testList "status" [
        folderCase "what was asked for is filled, and said to be" (fun host folder ->
            let path = written folder "file" "text"
            let program = File.statusOfPathAs StatusFields.Length StatusSync.AsUsual true path
            let found = runOn host program
            Expect.isTrue (found.Filled.HasFlag StatusFields.Length) "filled"
            Expect.equal found.Length 4L "length"
            let file = runOn host (File.openRead path)
            let all = runOn host (File.status file)
            Expect.isTrue (all.Filled.HasFlag StatusFields.Basic) "all that stat(2) tells"

            for sync in Enum.GetValues<StatusSync>() do
                let found = runOn host (File.statusAs StatusFields.Basic sync file)
                Expect.equal found.Length 4L $"{sync}")

        folderCase "what is not known is said not to be" (fun host _ ->
            // /proc keeps no times of birth.
            if not (Directory.Exists "/proc/self") then skiptest "no /proc"
            let found = runOn host (File.statusOfPath "/proc/self/status")

            if found.Filled.HasFlag StatusFields.BirthTime then
                Expect.isGreaterThan found.BirthTime DateTime.UnixEpoch "a time"
            else
                Expect.equal found.BirthTime DateTime.UnixEpoch "none")

        folderCase "both ways at once, and no field: EINVAL" (fun host folder ->
            let path = written folder "file" "text"
            let both: StatusSync = enum 0x6000
            let ask fields sync = errnoOf host (FileRequest.statusAs fields sync path true)
            Expect.equal (ask StatusFields.Basic both) Errno.EINVAL "both"
            let reserved: StatusFields = LanguagePrimitives.EnumOfValue 0x8000_0000u
            Expect.equal (ask reserved StatusSync.AsUsual) Errno.EINVAL "reserved")

        Observe.inFolderCase "C#" (fun folder ->
            task {
                let path = written folder "file" "text"
                let size = global.Uring.StatusFields.Length
                let! found = Facade.StatusAsync(path, size, global.Uring.StatusSync.Cached)
                Expect.equal found.Length 4L "of a path"
                use! file = Facade.OpenAsync path
                let! found = file.GetStatusAsync size
                Expect.isTrue (found.Filled.HasFlag size) "of a file"
            })
    ]

let private others =
    testList "others" [
        folderCase "part of a sync, and the data alone" (fun host folder ->
            let file = runOn host (File.create (at folder "file"))
            runOn host (File.write file (ReadOnlyMemory(Array.zeroCreate<byte> 10_000)) 0L)
            runOn host (File.syncPart file 0L 4096L true)
            runOn host (File.syncPart file 4096L 100L false)
            runOn host (File.syncData file)

            for offset, length in [ -1L, 1L; 0L, 0L; 0L, 1L <<< 32 ] do
                Expect.throwsT<ArgumentOutOfRangeException>
                    (fun () -> FileRequest.syncPart file.Descriptor offset length true |> ignore)
                    "refused")

        testCase "part of a sync of a pipe: EINVAL" (fun () ->
            withLoop (fun host ->
                let pipe = runOn host Pipe.create
                let request = FileRequest.syncPart pipe.Writer.Descriptor 0L 10L false
                Expect.equal (errnoOf host request) Errno.EINVAL "errno"
                runOn host (Pipe.close pipe)))

        folderCase "a directory with its mode" (fun host folder ->
            runOn host (File.makeDirectoryWith (enum<UnixFileMode> 0o710) (at folder "sub"))
            Expect.equal (Bcl.GetUnixFileMode(at folder "sub")) (enum<UnixFileMode> 0o710) "mode")

        folderCase "an attribute that must be there, and one that must not" (fun host folder ->
            let path = written folder "file" "text"
            let file = runOn host (File.create path)
            let value = ReadOnlyMemory "1"B

            match failureOf (fun () -> runOn host (File.setAttribute file "user.b" value)) with
            | :? NotSupportedException -> skiptest "this file system has no attributes"
            | _ -> ()

            let errno program =
                match failureOf (fun () -> runOn host program) with
                | null -> 0
                | reason -> reason.HResult

            let set change = File.setAttributeAs change file "user.a" value
            let setByPath change = File.setAttributeOfPathAs change path "user.a" value
            Expect.equal (errno (set AttributeChange.Replace)) 61 "ENODATA"
            Expect.equal (errno (set AttributeChange.Create)) 0 "created"
            Expect.equal (errno (setByPath AttributeChange.Create)) 17 "EEXIST"
            Expect.equal (errno (setByPath AttributeChange.Replace)) 0 "replaced")

        Observe.inFolderCase "C#: part of a flush" (fun folder ->
            task {
                use! file = Facade.OpenAsync(at folder "file", FileMode.Create, FileAccess.ReadWrite)
                do! file.WriteAsync(ReadOnlyMemory "text"B, 0L)
                do! file.FlushAsync(0L, 4L, dataOnly = true)

                let! _ =
                    Observe.raises<ArgumentOutOfRangeException> "nothing" (fun () -> file.FlushAsync(0L, 0L))

                ()
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "FileRule" [ renaming; splicing; status; others ]
