/// Paths that start from an open directory: what is asked and changed by them, by both facades.
module Uring.Tests.Linux.DirectoryEntryTests

open System
open System.IO
open System.Threading
open Expecto
open Uring.Driver
open Uring.FSharp
open Uring.Model
open Uring.Tests.Linux.Hosting

type private Bcl = System.IO.File
type private Folder = global.Uring.UringDirectory

let private everything = enum<UnixFileMode> 0o777

/// "one/file", "two", and both open.
let private prepare folder =
    for name in [ "one"; "two" ] do
        Directory.CreateDirectory(at folder name) |> ignore

    Bcl.WriteAllText(at folder "one/file", "text")

let private case name (body: LoopThread -> string -> File -> File -> unit) =
    folderCase name (fun host folder ->
        prepare folder
        let one = runOn host (File.openDirectory (at folder "one"))
        let two = runOn host (File.openDirectory (at folder "two"))
        body host folder one two)

let private refuses name (errno: Errno) (request: File -> File -> Request) =
    case $"{name}: {errno}" (fun host _ one two -> Expect.equal (errnoOf host (request one two)) errno name)

let private from (directory: File) request = FileRequest.from directory.Descriptor request

let private programs =
    testList "F#" [
        case "status, with and without following" (fun host folder one _ ->
            Bcl.CreateSymbolicLink(at folder "one/link", "file") |> ignore
            let status follow path = runOn host (DirectoryEntry.status one follow path)
            Expect.equal (status true "file").Length 4L "length"
            Expect.equal (status true "link").Kind FileKind.Regular "the target"
            Expect.equal (status false "link").Kind FileKind.SymbolicLink "the link"
            Expect.equal (status true "../two").Kind FileKind.Directory "up and down"
            Expect.equal (status true (at folder "one/file")).Length 4L "an absolute path")

        case "makes and removes directories and files" (fun host folder one _ ->
            let program =
                uring {
                    do! DirectoryEntry.makeDirectory one (enum<UnixFileMode> 0o750) "sub"
                    do! DirectoryEntry.makeSymbolicLink one "sub/link" "../file"
                    do! DirectoryEntry.makeHardLink one "file" one "sub/other"
                }

            runOn host program
            Expect.equal (Bcl.GetUnixFileMode(at folder "one/sub")) (enum<UnixFileMode> 0o750) "mode"
            Expect.equal (Bcl.ReadAllText(at folder "one/sub/link")) "text" "link"
            Expect.equal (Bcl.ReadAllText(at folder "one/sub/other")) "text" "other name"

            let program =
                uring {
                    do! DirectoryEntry.delete one "sub/link"
                    do! DirectoryEntry.delete one "sub/other"
                    do! DirectoryEntry.removeDirectory one "sub"
                }

            runOn host program
            Expect.equal (Directory.GetFileSystemEntries(at folder "one").Length) 1 "what was there")

        case "from one directory to another: a link, a move, an exchange" (fun host folder one two ->
            let rename rules source target = runOn host (DirectoryEntry.rename rules one source two target)

            runOn host (DirectoryEntry.makeHardLink one "file" two "other")
            Expect.equal (Bcl.ReadAllText(at folder "two/other")) "text" "a link"
            rename RenameRules.NoReplace "file" "moved"
            Expect.isFalse (Bcl.Exists(at folder "one/file")) "gone here"
            Expect.equal (Bcl.ReadAllText(at folder "two/moved")) "text" "and there"
            Bcl.WriteAllText(at folder "one/new", "new")
            rename RenameRules.Exchange "new" "moved"
            Expect.equal (Bcl.ReadAllText(at folder "one/new")) "text" "exchanged"
            Expect.equal (Bcl.ReadAllText(at folder "two/moved")) "new" "exchanged")

        case "the directory is the same when its name is another" (fun host folder one _ ->
            runOn host (File.rename (at folder "one") (at folder "moved"))
            runOn host (DirectoryEntry.delete one "file")
            Expect.isFalse (Bcl.Exists(at folder "moved/file")) "removed there")

        refuses "in what is no directory" Errno.ENOTDIR (fun one _ -> FileRequest.unlink "file/x" |> from one)

        refuses "what is missing" Errno.ENOENT (fun one _ -> FileRequest.status "missing" true |> from one)
        refuses "what exists" Errno.EEXIST (fun one _ ->
            FileRequest.makeDirectory "file" everything |> from one)

        case "in a directory that was removed: ENOENT" (fun host folder _ two ->
            runOn host (File.removeDirectory (at folder "two"))
            let request = FileRequest.makeDirectory "sub" everything |> from two
            Expect.equal (errnoOf host request) Errno.ENOENT "errno")

        case "from a file: ENOTDIR" (fun host folder _ _ ->
            let file = runOn host (File.openRead (at folder "one/file"))
            let request = FileRequest.unlink "x" |> from file
            Expect.equal (errnoOf host request) Errno.ENOTDIR "errno")

        case "cancelled before: nothing is done" (fun host folder one two ->
            let programs = [
                DirectoryEntry.makeDirectory one everything "sub"
                DirectoryEntry.delete one "file"
                DirectoryEntry.rename RenameRules.None one "file" two "file"
                DirectoryEntry.makeHardLink one "file" two "file"
                DirectoryEntry.makeSymbolicLink one "link" "file"
            ]

            for program in programs do
                let running = Uring.startOn host (CancellationToken true) program
                ended "it" running
                Expect.isTrue running.IsCanceled "cancelled"

            Expect.equal (Directory.GetFileSystemEntries(at folder "one").Length) 1 "what was there"
            Expect.isEmpty (Directory.GetFileSystemEntries(at folder "two")) "nothing")

        case "a direct directory and one of another ring are refused" (fun _ folder one _ ->
            withLoopOf
                Uring.Kernel.LinuxKernel.Instance
                { LoopOptions.standard with DirectDescriptors = 1 }
                (fun other ->
                    let direct =
                        runOn
                            other
                            (File.openDirect OpenFlags.Directory UnixFileMode.None (at folder "two"))

                    Expect.throwsT<ArgumentException>
                        (fun () -> FileRequest.unlink "x" |> from direct |> ignore)
                        "direct"

                    let elsewhere = runOn other (File.openDirectory (at folder "two"))

                    Expect.throwsT<ArgumentException>
                        (fun () ->
                            FileRequest.rename "x" "y"
                            |> FileRequest.fromBoth one.Descriptor elsewhere.Descriptor
                            |> ignore)
                        "another ring"))

        case "closing the directory waits for what is asked from it" (fun host _ one _ ->
            let running = startOn host (DirectoryEntry.status one true "file")
            runOn host (File.close one)
            ended "status" running
            let again = startOn host (DirectoryEntry.status one true "file")
            ended "status" again
            Expect.isTrue again.IsFaulted "closed")
    ]

let private facade =
    testList "C#" [
        Observe.inFolderCase "everything" (fun folder ->
            task {
                prepare folder
                use! one = Folder.OpenAsync(at folder "one")
                use! two = Folder.OpenAsync(at folder "two")
                let! status = one.StatusAsync "file"
                Expect.equal status.Length 4L "length"
                let! status = one.StatusAsync("file", global.Uring.StatusFields.Basic, followLinks = false)
                Expect.isTrue (status.Filled.HasFlag global.Uring.StatusFields.Length) "filled"
                do! one.CreateDirectoryAsync("sub", enum<UnixFileMode> 0o700)
                do! one.CreateSymbolicLinkAsync("sub/link", "../file")
                do! two.CreateHardLinkAsync("other", "file", one)
                Expect.equal (Bcl.ReadAllText(at folder "one/sub/link")) "text" "link"
                Expect.equal (Bcl.ReadAllText(at folder "two/other")) "text" "other name"
                do! one.MoveAsync("file", "moved", two)
                do! two.MoveAsync("moved", "back", one)
                do! one.MoveAsync("back", "file")
                let replace () = one.MoveAsync("file", "other", two)
                let! reason = Observe.raises<IOException> "it exists" replace
                Expect.equal reason.HResult 17 "EEXIST"
                Bcl.WriteAllText(at folder "two/third", "3")
                do! one.MoveAsync("file", "third", two, global.Uring.RenameRules.None)
                Expect.equal (Bcl.ReadAllText(at folder "two/third")) "text" "replaced"
                do! one.DeleteAsync "sub/link"
                do! one.RemoveDirectoryAsync "sub"
                Expect.isEmpty (Directory.GetFileSystemEntries(at folder "one")) "nothing left"

                let! _ = Observe.raises<FileNotFoundException> "missing" (fun () -> one.DeleteAsync "x")

                let! _ =
                    Observe.raises<DirectoryNotFoundException> "missing" (fun () ->
                        one.RemoveDirectoryAsync "x")

                let both = global.Uring.RenameRules.Exchange ||| global.Uring.RenameRules.NoReplace

                let! _ =
                    Observe.raises<ArgumentException> "both" (fun () ->
                        two.MoveAsync("other", "x", null, both))

                use ring = new global.Uring.Ring()
                let! elsewhere = Folder.OpenAsync(at folder "two", ring)

                let! reason =
                    Observe.raises<ArgumentException> "another ring" (fun () ->
                        one.MoveAsync("x", "y", elsewhere))

                Expect.equal reason.ParamName "destinationDirectory" "parameter"
                do! elsewhere.DisposeAsync()
                do! one.DisposeAsync()
                let! _ = Observe.raises<ObjectDisposedException> "closed" (fun () -> one.DeleteAsync "x")

                let! _ =
                    Observe.raises<ObjectDisposedException> "the other is closed" (fun () ->
                        two.MoveAsync("x", "y", one))

                ()
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "DirectoryEntry" [ programs; facade ]
