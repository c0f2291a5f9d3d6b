module Uring.Tests.Linux.PathFacadeTests

open System
open System.IO
open System.Threading.Tasks
open Expecto
open Uring
open Uring.Tests.Linux.Observe

let private (/) folder name = Path.Combine(folder, name)

/// What FileStream does, told as text: the exception's type, or the file's length afterwards and what the stream can do.
let private byFileStream (path: string) mode access =
    try
        use stream = new FileStream(path, mode, access)
        $"opened, {stream.Length} bytes"
    with reason ->
        reason.GetType().Name

let private byUringFile (path: string) (mode: FileMode) (access: FileAccess) =
    task {
        try
            use! file = UringFile.OpenAsync(path, mode, access)
            let! length = file.GetLengthAsync()
            return $"opened, {length} bytes"
        with reason ->
            return reason.GetType().Name
    }

let private prepare folder =
    File.WriteAllText(folder / "file", "contents")
    Directory.CreateDirectory(folder / "folder") |> ignore
    File.CreateSymbolicLink(folder / "link", folder / "file") |> ignore
    File.CreateSymbolicLink(folder / "dangling", folder / "nothing") |> ignore

let private names = [
    "file"
    "missing"
    "folder"
    "folder/"
    "link"
    "dangling"
    "nowhere/file"
    "file/file"
]

let private opening =
    testList "opening" [
        for mode in
            [
                FileMode.CreateNew
                FileMode.Create
                FileMode.Open
                FileMode.OpenOrCreate
                FileMode.Truncate
                FileMode.Append
                enum 0
                enum 7
            ] do
            for access in [ FileAccess.Read; FileAccess.Write; FileAccess.ReadWrite; enum 0; enum 4 ] do
                inFolderCase $"{mode}, {access}: as FileStream" (fun folder ->
                    task {
                        for name in names do
                            let ours = Directory.CreateDirectory(folder / "ours").FullName
                            let theirs = Directory.CreateDirectory(folder / "theirs").FullName
                            prepare ours
                            prepare theirs
                            let expected = byFileStream (theirs / name) mode access
                            let! found = byUringFile (ours / name) mode access
                            Expect.equal found expected name

                            let tree root =
                                Directory.GetFileSystemEntries root
                                |> Array.map Path.GetFileName
                                |> Array.sort

                            Expect.equal (tree ours) (tree theirs) "what is there afterwards"
                            Directory.Delete(ours, true)
                            Directory.Delete(theirs, true)
                    })

        inFolderCase "a new file has the mode that FileStream gives" (fun folder ->
            task {
                use! _ = UringFile.OpenAsync(folder / "ours", FileMode.CreateNew, FileAccess.Write)
                use _ = new FileStream(folder / "theirs", FileMode.CreateNew)
                let! status = UringFile.StatusAsync(folder / "ours")
                Expect.equal status.Mode (File.GetUnixFileMode(folder / "theirs")) "mode"
            })

        tidyCase "an exception names the path" (fun () ->
            task {
                let! reason =
                    raises<FileNotFoundException> "open" (fun () -> discard (UringFile.OpenAsync "/missing"))

                Expect.equal reason.FileName "/missing" "name"
                Expect.stringContains reason.Message "'/missing'" "message"
                Expect.stringContains reason.Message "ENOENT" "message"
            })
    ]

let private everyPathOperation: (string * (string -> ValueTask)) list = [
    "open", (fun path -> discard (UringFile.OpenAsync path))
    "status", (fun path -> discard (UringFile.StatusAsync path))
    "delete", (fun path -> UringFile.DeleteAsync path)
    "move from", (fun path -> UringFile.MoveAsync(path, "/tmp/uring-never"))
    "move to", (fun path -> UringFile.MoveAsync("/etc/passwd", path))
    "create directory", (fun path -> UringFile.CreateDirectoryAsync path)
    "remove directory", (fun path -> UringFile.RemoveDirectoryAsync path)
]

let private badPaths =
    testList "bad paths" [
        for what, operation in everyPathOperation do
            tidyCase what (fun () ->
                task {
                    let! _ = raises<ArgumentException> "empty" (fun () -> operation "")
                    let! _ = raises<ArgumentException> "zero character" (fun () -> operation "/tmp/a\000b")

                    let! _ =
                        raises<ArgumentNullException> "null" (fun () ->
                            operation (Unchecked.defaultof<string>))

                    ()
                })

        testCaseTask "too long a name" (fun () ->
            task {
                let! _ =
                    raises<PathTooLongException> "open" (fun () ->
                        discard (UringFile.OpenAsync(String('x', 300))))

                ()
            })
    ]

let private statuses =
    testList "status" [
        inFolderCase "of a file" (fun folder ->
            task {
                prepare folder
                let info = FileInfo(folder / "file")
                let! status = UringFile.StatusAsync info.FullName
                Expect.equal (status.Kind, status.Length, status.LinkCount) (FileKind.Regular, 8L, 1) "what"
                Expect.equal status.Mode info.UnixFileMode "mode"
                Expect.equal status.LastWriteTimeUtc info.LastWriteTimeUtc "written"
                Expect.equal status.LastAccessTimeUtc info.LastAccessTimeUtc "read"
                Expect.equal status.CreationTimeUtc.Kind DateTimeKind.Utc "UTC"
                use! file = UringFile.OpenAsync info.FullName
                let! same = file.GetStatusAsync()
                Expect.equal same status "the same by descriptor"
            })

        inFolderCase "of a link and of its target" (fun folder ->
            task {
                prepare folder
                let! target = UringFile.StatusAsync(folder / "link")
                let! link = UringFile.StatusAsync(folder / "link", followLinks = false)
                Expect.equal (target.Kind, link.Kind) (FileKind.Regular, FileKind.SymbolicLink) "kinds"

                let! _ =
                    raises<FileNotFoundException> "dangling" (fun () ->
                        discard (UringFile.StatusAsync(folder / "dangling")))

                ()
            })

        tidyCase "of other things" (fun () ->
            task {
                for path, kind in [ "/", FileKind.Directory; "/dev/null", FileKind.CharacterDevice ] do
                    let! status = UringFile.StatusAsync path
                    Expect.equal status.Kind kind path
            })
    ]

let private changing =
    testList "changing" [
        inFolderCase "delete" (fun folder ->
            task {
                prepare folder
                do! UringFile.DeleteAsync(folder / "link")
                Expect.isTrue (File.Exists(folder / "file")) "a link's target stays"
                do! UringFile.DeleteAsync(folder / "file")
                Expect.isFalse (File.Exists(folder / "file")) "gone"
                let delete name () = UringFile.DeleteAsync(folder / name)
                let! _ = raises<FileNotFoundException> "twice" (delete "file")
                let! _ = raises<DirectoryNotFoundException> "no parent" (delete "nowhere/file")
                let! _ = raises<UnauthorizedAccessException> "a directory" (delete "folder")
                ()
            })

        inFolderCase "move" (fun folder ->
            task {
                prepare folder
                File.WriteAllText(folder / "other", "other")
                let move source target () = UringFile.MoveAsync(folder / source, folder / target)
                let! reason = raises<IOException> "the target exists" (move "file" "other")
                Expect.equal reason.HResult 17 "EEXIST"
                Expect.equal (File.ReadAllText(folder / "other")) "other" "untouched"
                do! UringFile.MoveAsync(folder / "file", folder / "other", overwrite = true)
                Expect.equal (File.ReadAllText(folder / "other")) "contents" "replaced"
                do! move "other" "folder/moved" ()
                Expect.equal (File.ReadAllText(folder / "folder/moved")) "contents" "moved"
                let! _ = raises<FileNotFoundException> "no source" (move "missing" "x")

                let! _ =
                    raises<DirectoryNotFoundException> "no target folder" (move "folder/moved" "nowhere/x")

                let! _ =
                    raises<UnauthorizedAccessException> "a file over a directory" (fun () ->
                        File.WriteAllText(folder / "file", "")
                        UringFile.MoveAsync(folder / "file", folder / "folder", overwrite = true))

                ()
            })

        inFolderCase "directories" (fun folder ->
            task {
                prepare folder
                do! UringFile.CreateDirectoryAsync(folder / "new")
                Expect.isTrue (Directory.Exists(folder / "new")) "made"
                do! UringFile.CreateDirectoryAsync(folder / "private", UnixFileMode.UserRead)
                let! status = UringFile.StatusAsync(folder / "private")
                Expect.equal status.Mode UnixFileMode.UserRead "mode"
                let make name () = UringFile.CreateDirectoryAsync(folder / name)
                let! reason = raises<IOException> "exists" (make "new")
                Expect.equal reason.HResult 17 "EEXIST"
                let! _ = raises<DirectoryNotFoundException> "no parent" (make "nowhere/new")
                let remove name () = UringFile.RemoveDirectoryAsync(folder / name)
                do! remove "new" ()
                Expect.isFalse (Directory.Exists(folder / "new")) "gone"
                let! _ = raises<DirectoryNotFoundException> "missing" (remove "new")
                let! _ = raises<DirectoryNotFoundException> "a file" (remove "file")

                let! reason =
                    raises<IOException> "not empty" (fun () -> UringFile.RemoveDirectoryAsync folder)

                Expect.equal reason.HResult 39 "ENOTEMPTY"
            })
    ]

[<Tests>]
let tests = testSequenced <| testList "C# paths" [ opening; badPaths; statuses; changing ]
