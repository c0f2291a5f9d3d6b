// What paths mean that start from an open directory, for F# programs. The requests are those of paths (FileRequest.from).
// Tested in tests/Linux/DirectoryEntryTests.fs.
namespace Uring.FSharp

open Uring.Driver

/// What names in an open directory mean: as the functions of `File` for paths. A relative path starts from the directory,
/// which stays the same when it is moved or its name is given to another; an absolute one leaves it aside. What opens is
/// `File.openFrom`. Each function is a cold program.
[<RequireQualifiedAccess>]
module DirectoryEntry =

    let private perform (directory: File) (request: Request) : Uring<unit> =
        FileRequest.from directory.Descriptor request |> Program.effect

    let private performBoth (directory: File) (target: File) (request: Request) : Uring<unit> =
        FileRequest.fromBoth directory.Descriptor target.Descriptor request |> Program.effect

    /// What a path names; `follow` symbolic links. man statx(2).
    let status (directory: File) (follow: bool) (path: string) : Uring<FileStatus> =
        FileRequest.status path follow |> FileRequest.from directory.Descriptor |> File.statusOf

    /// Some of what a path names, perhaps without asking a file system that lives elsewhere. man statx(2).
    let statusAs
        (fields: StatusFields)
        (sync: StatusSync)
        (directory: File)
        (follow: bool)
        (path: string)
        : Uring<FileStatus> =
        FileRequest.statusAs fields sync path follow
        |> FileRequest.from directory.Descriptor
        |> File.statusOf

    /// Makes a directory with these permissions, less the process's umask (Linux 5.15). man mkdirat(2).
    let makeDirectory (directory: File) (mode: System.IO.UnixFileMode) (path: string) : Uring<unit> =
        perform directory (FileRequest.makeDirectory path mode)

    /// Removes a file. man unlinkat(2).
    let delete (directory: File) (path: string) : Uring<unit> = perform directory (FileRequest.unlink path)

    /// Removes an empty directory. man unlinkat(2).
    let removeDirectory (directory: File) (path: string) : Uring<unit> =
        perform directory (FileRequest.removeDirectory path)

    /// Makes a symbolic link at `path` that leads to `pathToTarget`, which is stored as it is (Linux 5.15). man symlinkat(2).
    let makeSymbolicLink (directory: File) (path: string) (pathToTarget: string) : Uring<unit> =
        perform directory (FileRequest.makeSymbolicLink path pathToTarget)

    /// Gives the file that `pathToTarget` names from `directory` another name, `path` from `target` (Linux 5.15). Both
    /// directories belong to one ring. man linkat(2).
    let makeHardLink (directory: File) (pathToTarget: string) (target: File) (path: string) : Uring<unit> =
        performBoth directory target (FileRequest.makeHardLink path pathToTarget)

    /// Renames `source` from `directory` to `destination` from `target`; the rules say what becomes of what that named before.
    /// Both directories belong to one ring. man renameat2(2).
    let rename
        (rules: RenameRules)
        (directory: File)
        (source: string)
        (target: File)
        (destination: string)
        : Uring<unit> =
        performBoth directory target (FileRequest.renameAs rules source destination)
