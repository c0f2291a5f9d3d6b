/// Extended attributes of open files, by both facades.
module Uring.Tests.Linux.FileAttributeTests

open System
open System.IO
open System.Threading
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

type private Facade = global.Uring.UringFile

/// ERANGE, ENODATA.
let private outOfRange, private missing: Errno * Errno = enum 34, enum 61

let private note = "user.note"
let private value = ReadOnlyMemory "a note"B

let private set (file: File) name change = FileRequest.setAttribute file.Descriptor name value change

let private case name (body: LoopThread -> File -> unit) =
    testCase name (fun () ->
        inFolder (fun folder ->
            withLoop (fun host ->
                let file = runOn host (File.create (Path.Combine(folder, "file")))

                match errnoOf host (set file "user.probe" AttributeChange.Create) with
                | Errno.EOPNOTSUPP -> skiptest "no attributes on this file system"
                | _ -> body host file)))

let private refuses name (errno: Errno) (request: File -> Request) =
    case $"{name}: {errno}" (fun host file -> Expect.equal (errnoOf host (request file)) errno name)

let private operations =
    testList "fgetxattr, fsetxattr" [
        case "gives what was set" (fun host file ->
            runOn host (File.setAttribute file note value)
            Expect.equal (runOn host (File.attribute file note)) "a note"B "value"
            runOn host (File.setAttribute file note ReadOnlyMemory.Empty)
            Expect.equal (runOn host (File.attribute file note)) [||] "nothing, but there"
            let long = Array.create 1000 7uy
            runOn host (File.setAttribute file "user.long" (ReadOnlyMemory long))
            Expect.equal (runOn host (File.attribute file "user.long")) long "long")

        case "writes only what it says it needs" (fun host file ->
            runOn host (File.setAttribute file note value)
            let request = FileRequest.attribute file.Descriptor note 10
            Expect.equal (attempt host request) 6 "length"
            Expect.equal (request.Buffer.Slice(0, 10).ToArray()) "a note\000\000\000\000"B "bytes")

        case "that must be there, or must not" (fun host file ->
            Expect.equal (errnoOf host (set file note AttributeChange.Replace)) missing "not there"
            Expect.equal (attempt host (set file note AttributeChange.Create)) 0 "made"
            Expect.equal (errnoOf host (set file note AttributeChange.Create)) Errno.EEXIST "there"
            Expect.equal (attempt host (set file note AttributeChange.Replace)) 0 "replaced")

        refuses "what is missing" missing (fun file -> FileRequest.attribute file.Descriptor note 10)

        case "too little room (ERANGE)" (fun host file ->
            runOn host (File.setAttribute file note value)
            Expect.equal (errnoOf host (FileRequest.attribute file.Descriptor note 3)) outOfRange "errno")

        refuses "too long a name (ERANGE)" outOfRange (fun file ->
            set file ("user." + String('x', 251)) AttributeChange.Create)

        refuses "a namespace that there is not" Errno.EOPNOTSUPP (fun file ->
            set file "nowhere.note" AttributeChange.Create)

        refuses "a change that there is not" Errno.EINVAL (fun file -> set file note (enum 4))

        case "cancelled before" (fun host file ->
            let running = startAs host (set file note AttributeChange.Create) (CancellationToken true)

            match failureOf (fun () -> finish "set" running) with
            | :? OperationCanceledException -> ()
            | other -> failtest $"no cancellation: {other}"

            let request = FileRequest.attribute file.Descriptor note 0
            Expect.equal (errnoOf host request) missing "not set")
    ]

let private ofPath path name change = FileRequest.setAttributeOfPath path name value change

let private paths =
    testList "getxattr, setxattr" [
        case "gives what was set, by path or by descriptor" (fun host file ->
            runOn host (File.setAttributeOfPath file.Path note value)
            Expect.equal (runOn host (File.attribute file note)) "a note"B "by descriptor"
            Expect.equal (runOn host (File.attributeOfPath file.Path note)) "a note"B "by path"
            let long = Array.init 2000 byte
            runOn host (File.setAttributeOfPath file.Path "user.long" (ReadOnlyMemory long))
            Expect.equal (runOn host (File.attributeOfPath file.Path "user.long")) long "long")

        case "of a directory, and through a link" (fun host file ->
            let folder = nonNull (Path.GetDirectoryName file.Path)
            runOn host (File.setAttributeOfPath folder note value)
            Expect.equal (runOn host (File.attributeOfPath folder note)) "a note"B "directory"
            System.IO.File.CreateSymbolicLink(at folder "link", file.Path) |> ignore
            runOn host (File.setAttributeOfPath (at folder "link") note value)
            Expect.equal (runOn host (File.attribute file note)) "a note"B "its target")

        case "that must be there, or must not" (fun host file ->
            Expect.equal (errnoOf host (ofPath file.Path note AttributeChange.Replace)) missing "not there"
            Expect.equal (attempt host (ofPath file.Path note AttributeChange.Create)) 0 "made"
            Expect.equal (errnoOf host (ofPath file.Path note AttributeChange.Create)) Errno.EEXIST "there")

        refuses "no such file" Errno.ENOENT (fun file ->
            FileRequest.attributeOfPath (file.Path + ".missing") note 10)

        refuses "what is missing by path" missing (fun file -> FileRequest.attributeOfPath file.Path note 10)

        case "too little room by path (ERANGE)" (fun host file ->
            runOn host (File.setAttribute file note value)
            Expect.equal (errnoOf host (FileRequest.attributeOfPath file.Path note 3)) outOfRange "errno")

        refuses "too long a value (E2BIG)" (enum 7) (fun file ->
            FileRequest.setAttributeOfPath
                file.Path
                note
                (ReadOnlyMemory(Array.zeroCreate<byte> 65537))
                AttributeChange.Create)

        case "bad names and paths are refused before" (fun _ file ->
            for path, name in [ "", note; file.Path, ""; "a\000b", note; file.Path, "user.\000" ] do
                Expect.throwsT<ArgumentException>
                    (fun () -> FileRequest.attributeOfPath path name 1 |> ignore)
                    "refused"

            Expect.throwsT<ArgumentOutOfRangeException>
                (fun () -> FileRequest.attributeOfPath file.Path note -1 |> ignore)
                "room")

        testCase "an older kernel says which it needs" (fun () ->
            let kernel = FaultyKernel(Hidden = [ Opcode.GetAttribute ])

            withLoopOf kernel small (fun host ->
                match failureOf (fun () -> runOn host (File.attributeOfPath "/" note)) with
                | :? PlatformNotSupportedException as failure ->
                    Expect.stringContains failure.Message "5.19" "version"
                | other -> failtest $"{other}"))
    ]

let private facade =
    testList "C#" [
        Observe.inFolderCase "attributes" (fun folder ->
            task {
                let path = Path.Combine(folder, "file")
                use! file = Facade.OpenAsync(path, FileMode.Create, FileAccess.ReadWrite)
                do! file.SetAttributeAsync(note, value)
                let! found = file.GetAttributeAsync note
                Expect.equal found "a note"B "value"
                do! file.SetAttributeAsync("user.empty", ReadOnlyMemory.Empty)
                let! found = file.GetAttributeAsync "user.empty"
                Expect.equal found [||] "nothing"
                do! Facade.SetAttributeAsync(path, "user.path", value)
                let! found = Facade.GetAttributeAsync(path, "user.path")
                Expect.equal found "a note"B "by path"
                let gone () = Observe.discard (Facade.GetAttributeAsync(path + "/x/y", note))
                let! _ = Observe.raises<DirectoryNotFoundException> "no directory" gone
                let get name () = Observe.discard (file.GetAttributeAsync name)
                let! reason = Observe.raises<IOException> "missing" (get "user.missing")
                Expect.equal reason.HResult 61 "ENODATA"
                let! _ = Observe.raises<ArgumentException> "empty" (get "")
                let! _ = Observe.raises<NotSupportedException> "no namespace" (get "nowhere.note")
                let create = global.Uring.AttributeChange.Create

                let! reason =
                    Observe.raises<IOException> "there" (fun () ->
                        file.SetAttributeAsync(note, value, create))

                Expect.equal reason.HResult 17 "EEXIST"
                do! file.DisposeAsync()
                let! _ = Observe.raises<ObjectDisposedException> "closed" (get note)
                ()
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "FileAttribute" [ operations; paths; facade ]
