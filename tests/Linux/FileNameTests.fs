/// Symbolic and hard links, by both facades: what they make, looked at with the BCL, and their likely errnos.
module Uring.Tests.Linux.FileNameTests

open System
open System.IO
open System.Threading
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

type private Bcl = System.IO.File
type private Facade = global.Uring.UringFile

let private case = folderCase

let private refuses name (errno: Errno) (request: string -> Request) =
    case $"{name}: {errno}" (fun host folder -> Expect.equal (errnoOf host (request folder)) errno name)


let private written folder name (text: string) =
    Bcl.WriteAllText(at folder name, text)
    at folder name

let private folderIn folder =
    Directory.CreateDirectory(at folder "sub") |> ignore
    at folder "sub"

/// It ends as cancelled, and has done nothing.
let private cancelledBefore name (request: string -> Request) =
    case $"{name}, cancelled before" (fun host folder ->
        let running = startAs host (request folder) (CancellationToken true)

        match failureOf (fun () -> finish name running) with
        | :? OperationCanceledException -> ()
        | other -> failtest $"no cancellation: {other}"

        Expect.isFalse (Path.Exists(at folder "link")) "not made")

let private symbolic =
    testList "symlink" [
        case "leads to what it says, and to nothing" (fun host folder ->
            let file = written folder "file" "text"
            runOn host (File.makeSymbolicLink (at folder "link") file)
            runOn host (File.makeSymbolicLink (at folder "relative") "file")
            runOn host (File.makeSymbolicLink (at folder "dangling") "žádný")
            Expect.equal (string (FileInfo(at folder "link")).LinkTarget) file "absolute"
            Expect.equal (string (FileInfo(at folder "dangling")).LinkTarget) "žádný" "to nothing"
            Expect.equal (Bcl.ReadAllText(at folder "relative")) "text" "relative to its folder"
            let status = runOn host (File.statusOfLink (at folder "relative"))
            Expect.equal (status.Kind, status.Length) (FileKind.SymbolicLink, 4L) "itself")

        refuses "a name that is there" Errno.EEXIST (fun folder ->
            FileRequest.makeSymbolicLink (written folder "file" "") "x")

        refuses "a link where a folder is said to be" Errno.ENOENT (fun folder ->
            FileRequest.makeSymbolicLink (at folder "link/") "x")

        refuses "in a missing folder" Errno.ENOENT (fun folder ->
            FileRequest.makeSymbolicLink (at folder "a/b") "x")

        refuses "below a file" Errno.ENOTDIR (fun folder ->
            FileRequest.makeSymbolicLink (at (written folder "file" "") "b") "x")

        refuses "too long a name" Errno.ENAMETOOLONG (fun folder ->
            FileRequest.makeSymbolicLink (at folder (String('x', 256))) "x")

        cancelledBefore "symlink" (fun folder -> FileRequest.makeSymbolicLink (at folder "link") "x")
    ]

let private hard =
    testList "link" [
        case "two names of one file, which lives as long as one of them" (fun host folder ->
            let file = written folder "file" "text"
            runOn host (File.makeHardLink (at folder "link") file)
            let one = runOn host (File.statusOfPath file)
            let other = runOn host (File.statusOfPath (at folder "link"))
            Expect.equal (one.Links, one.Inode) (2, other.Inode) "one file"
            Bcl.WriteAllText(file, "changed")
            Expect.equal (Bcl.ReadAllText(at folder "link")) "changed" "by either name"
            runOn host (File.delete file)
            Expect.equal (runOn host (File.statusOfPath (at folder "link"))).Links 1 "one name is left"
            Expect.equal (Bcl.ReadAllText(at folder "link")) "changed" "still there")

        case "to rename one name of a file to another does nothing" (fun host folder ->
            let file = written folder "file" "text"
            runOn host (File.makeHardLink (at folder "link") file)
            runOn host (File.rename file (at folder "link"))
            Expect.isTrue (Bcl.Exists file) "still there")

        case "what is replaced lives on by its other name" (fun host folder ->
            let file = written folder "file" "old"
            runOn host (File.makeHardLink (at folder "link") file)
            runOn host (File.rename (written folder "new" "new") file)
            Expect.equal (Bcl.ReadAllText(at folder "link")) "old" "the old one"
            Expect.equal (runOn host (File.statusOfPath (at folder "link"))).Links 1 "has one name")

        case "a symbolic link gets another name itself" (fun host folder ->
            runOn host (File.makeSymbolicLink (at folder "one") "nothing")
            runOn host (File.makeHardLink (at folder "other") (at folder "one"))
            runOn host (File.delete (at folder "one"))
            Expect.equal (string (FileInfo(at folder "other")).LinkTarget) "nothing" "leads on")

        refuses "what is missing" Errno.ENOENT (fun folder ->
            FileRequest.makeHardLink (at folder "link") (at folder "missing"))

        refuses "in a missing folder" Errno.ENOENT (fun folder ->
            FileRequest.makeHardLink (at folder "a/b") (written folder "file" ""))

        refuses "a name that is there" Errno.EEXIST (fun folder ->
            let file = written folder "file" ""
            FileRequest.makeHardLink file file)

        refuses "of a folder" Errno.EPERM (fun folder ->
            FileRequest.makeHardLink (at folder "link") (folderIn folder))

        refuses "a folder onto a name that is there" Errno.EEXIST (fun folder ->
            FileRequest.makeHardLink (written folder "file" "") (folderIn folder))

        refuses "across devices" Errno.EXDEV (fun folder ->
            FileRequest.makeHardLink (at folder "link") "/dev/null")

        cancelledBefore "link" (fun folder ->
            FileRequest.makeHardLink (at folder "link") (written folder "file" ""))
    ]

let private facade =
    testList "C#" [
        Observe.inFolderCase "both sorts" (fun folder ->
            task {
                let file = written folder "file" "text"
                do! Facade.CreateSymbolicLinkAsync(at folder "symbolic", "file")
                do! Facade.CreateHardLinkAsync(at folder "hard", file)
                let! link = Facade.StatusAsync(at folder "symbolic", followLinks = false)
                let! status = Facade.StatusAsync(at folder "symbolic")
                Expect.equal link.Kind global.Uring.FileKind.SymbolicLink "symbolic"
                Expect.equal status.LinkCount 2 "hard"
            })

        Observe.inFolderCase "exceptions" (fun folder ->
            task {
                let file = written folder "file" "text"
                let hard name target () = Facade.CreateHardLinkAsync(at folder name, target)
                let symbolic name target () = Facade.CreateSymbolicLinkAsync(at folder name, target)
                let! _ = Observe.raises<ArgumentException> "empty" (symbolic "link" "")
                let! _ = Observe.raises<ArgumentException> "zero character" (hard "a\000b" file)
                let! reason = Observe.raises<IOException> "exists" (symbolic "file" "x")
                Expect.equal reason.HResult 17 "EEXIST"
                let! reason = Observe.raises<IOException> "exists" (hard "file" file)
                Expect.equal reason.HResult 17 "EEXIST"
                let! _ = Observe.raises<DirectoryNotFoundException> "no parent" (symbolic "nowhere/link" "x")
                let! _ = Observe.raises<DirectoryNotFoundException> "no parent" (hard "nowhere/link" file)

                let! _ =
                    Observe.raises<FileNotFoundException> "no target" (hard "link" (at folder "missing"))

                let! _ = Observe.raises<UnauthorizedAccessException> "a folder" (hard "link" folder)
                ()
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "FileName" [ symbolic; hard; facade ]
