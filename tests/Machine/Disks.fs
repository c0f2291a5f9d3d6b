/// Files by name on the simulated disk, with the BCL's exceptions. A folder that was made for a test is there twice, here and in
/// reality: the tests compare with `FileStream`, which is real.
module internal Uring.Tests.Machine.Disks

open System
open System.Collections.Concurrent
open System.IO
open Uring.Model
open Uring.Simulation.World
open Uring.Tests.Machine.OneMachine

let private folders = ConcurrentDictionary<string, bool>()

/// Real, too.
let isTwofold (path: string) =
    folders.Keys |> Seq.exists (fun folder -> path.StartsWith(folder, StringComparison.Ordinal))

let private ours = ConcurrentDictionary<string, bool>()

/// Was made here, and its real half only goes with it.
let isOurs (path: string) = ours.ContainsKey path

let claim (path: string) = ours[path] <- true

let addTwofold (folder: string) = folders[folder] <- true

let refuse (path: string) (errno: Errno) : exn =
    match errno with
    | Errno.ENOENT -> FileNotFoundException($"Could not find '{path}' on the simulated disk.", path)
    | Errno.ENOTDIR -> DirectoryNotFoundException $"'{path}' leads through a file on the simulated disk."
    | Errno.EISDIR
    | Errno.EACCES -> UnauthorizedAccessException $"'{path}' is a directory on the simulated disk."
    | other -> IOException($"'{path}' on the simulated disk: errno {int other}", int other)

/// The new file system, or the exception.
let change (path: string) (changed: Result<FileSystem, Errno>) =
    match changed with
    | Ok changed -> disk.FileSystem <- changed
    | Error errno -> raise (refuse path errno)

/// The inode behind a name, or -1.
let inode (path: string) (follows: bool) =
    match FileSystem.resolve path follows disk.FileSystem with
    | Ok place -> place.Inode
    | Error _ -> -1

/// The inode, or the exception.
let found (path: string) (follows: bool) =
    match FileSystem.resolve path follows disk.FileSystem with
    | Ok place when place.Inode >= 0 -> place.Inode
    | Ok _ -> raise (refuse path Errno.ENOENT)
    | Error errno -> raise (refuse path errno)

let read (path: string) : byte array =
    let inode = found path true

    match Map.tryFind inode disk.FileSystem.Files with
    | None -> raise (refuse path Errno.EISDIR)
    | Some file ->
        let bytes = Array.zeroCreate<byte>(int file.Current.Length)
        Contents.read 0L (bytes.AsSpan()) file.Current |> ignore
        bytes

let write (path: string) (bytes: byte array) =
    match Disk.openAt disk path 0o1101 0o666 with
    | Error errno -> raise (refuse path errno)
    | Ok file ->
        file.Write(ReadOnlySpan bytes, 0L) |> ignore
        file.Release()

let names (path: string) : string list =
    match FileSystem.list path disk.FileSystem with
    | Ok names -> names
    | Error errno -> raise (refuse path errno)

let rec removeTree (path: string) =
    let inode = found path false

    if FileSystem.isDirectory inode disk.FileSystem then
        for name in names path do
            removeTree $"{path}/{name}"

    let result = disk.Remove(path, FileSystem.isDirectory inode disk.FileSystem)
    if result < 0 then raise (refuse path (Errno.ofResult result))

/// With all directories above.
let rec makeDirectory (path: string) (mode: int) =
    match inode path true with
    | -1 ->
        match Real.Path.GetDirectoryName path with
        | null -> ()
        | above -> makeDirectory above 0o777

        let result = disk.MakeDirectory(path, mode)
        if result < 0 then raise (refuse path (Errno.ofResult result))
    | inode when FileSystem.isDirectory inode disk.FileSystem -> ()
    | _ -> raise (IOException $"'{path}' is a file on the simulated disk.")

/// Nanoseconds of virtual time as a date, and back.
let date (time: int64) = DateTime.UnixEpoch.AddSeconds(float Statx.start).AddTicks(time / 100L)

let time (date: DateTime) = (date - DateTime.UnixEpoch.AddSeconds(float Statx.start)).Ticks * 100L

/// `change` gets the times of access and of change, in nanoseconds, and gives the new ones.
let setTimes (path: string) (change: int64 -> int64 -> struct (int64 * int64)) =
    let inode = found path false

    match Map.tryFind inode disk.FileSystem.Files with
    | None -> ()
    | Some file ->
        let struct (accessed, modified) = change file.Accessed file.Modified
        disk.FileSystem <- FileSystem.setTimes inode accessed modified disk.FileSystem
