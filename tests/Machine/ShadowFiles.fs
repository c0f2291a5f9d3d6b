// System.IO's names for the simulated disk. What is not here is the BCL's own: streams, enumerations, exceptions.
namespace System.IO

open System
open System.Text
open Uring.Simulation.World
open Uring.Tests.Machine
open Uring.Tests.Machine.OneMachine

/// A name on the simulated disk.
[<AllowNullLiteral>]
type FileSystemInfo(path: string) =
    member _.FullName = path

    /// Where a link leads, or what one of the process's own descriptors is.
    member _.LinkTarget: string | null =
        inside (fun () ->
            let folder = "/proc/self/fd/"

            if path.StartsWith(folder, StringComparison.Ordinal) then
                match live.Machine.Descriptors.Find(int (path.Substring folder.Length)) with
                | null -> null
                | :? SocketFile as socket -> $"socket:[{socket.Name}]"
                | file -> file.Name
            else
                match Map.tryFind (Disks.inode path false) disk.FileSystem.Names.Links with
                | Some target -> target
                | None -> null)

    member _.UnixFileMode: UnixFileMode =
        inside (fun () -> enum (FileSystem.mode (Disks.found path true) disk.FileSystem))

    member _.LastWriteTimeUtc: DateTime =
        inside (fun () -> Disks.date disk.FileSystem.Files[Disks.found path true].Modified)

    member _.LastAccessTimeUtc: DateTime =
        inside (fun () -> Disks.date disk.FileSystem.Files[Disks.found path true].Accessed)

[<Sealed>]
type FileInfo(path: string) =
    inherit FileSystemInfo(path)

    member _.Length: int64 = inside (fun () -> disk.FileSystem.Files[Disks.found path true].Current.Length)

[<Sealed>]
type DirectoryInfo(path: string) =
    inherit FileSystemInfo(path)

[<AbstractClass; Sealed>]
type Path =
    static member Combine(one: string, other: string) : string = Real.Path.Combine(one, other)

    static member Combine(one: string, two: string, three: string) : string =
        Real.Path.Combine(one, two, three)

    static member Join(one: string, other: string) : string = Real.Path.Join(one, other)
    static member GetFileName(path: string) : string = string (Real.Path.GetFileName path)
    static member GetDirectoryName(path: string) : string | null = Real.Path.GetDirectoryName path
    static member GetFullPath(path: string) : string = Real.Path.GetFullPath path

    static member TrimEndingDirectorySeparator(path: string) : string =
        Real.Path.TrimEndingDirectorySeparator path

    static member Exists(path: string) : bool = inside (fun () -> Disks.inode path true >= 0)

[<AbstractClass; Sealed>]
type File =
    static member Exists(path: string) : bool =
        inside (fun () -> Map.containsKey (Disks.inode path true) disk.FileSystem.Files)

    static member ReadAllBytes(path: string) : byte array = inside (fun () -> Disks.read path)
    static member ReadAllText(path: string) : string = Encoding.UTF8.GetString(File.ReadAllBytes path)

    static member ReadAllLines(path: string) : string array = (File.ReadAllText path).TrimEnd('\n').Split '\n'

    static member GetLastWriteTimeUtc(path: string) : DateTime = FileInfo(path).LastWriteTimeUtc
    static member GetLastAccessTimeUtc(path: string) : DateTime = FileInfo(path).LastAccessTimeUtc

    static member WriteAllBytes(path: string, bytes: byte array) =
        inside (fun () -> Disks.write path bytes)

        if Disks.isTwofold path then
            Disks.claim path
            Real.File.WriteAllBytes(path, bytes)

    static member WriteAllText(path: string, text: string) =
        File.WriteAllBytes(path, Encoding.UTF8.GetBytes text)

    static member Delete(path: string) =
        inside (fun () -> if Disks.inode path false >= 0 then disk.Remove(path, false) |> ignore)
        if Disks.isTwofold path then Real.File.Delete path

    static member CreateSymbolicLink(path: string, target: string) : FileSystemInfo =
        inside (fun () -> Disks.change path (FileSystem.makeLink target path disk.FileSystem))

        if Disks.isTwofold path then
            Disks.claim path
            Real.File.CreateSymbolicLink(path, target) |> ignore

        FileInfo path

    /// Of what only `FileStream` has made: the real one's.
    static member GetUnixFileMode(path: string) : UnixFileMode =
        match inside (fun () -> Disks.inode path true) with
        | -1 when Disks.isTwofold path -> Real.File.GetUnixFileMode path
        | _ -> FileInfo(path).UnixFileMode

    static member SetUnixFileMode(path: string, mode: UnixFileMode) =
        inside (fun () ->
            disk.FileSystem <- FileSystem.setMode (Disks.found path true) (int mode) disk.FileSystem)

    static member SetLastWriteTimeUtc(path: string, date: DateTime) =
        inside (fun () -> Disks.setTimes path (fun accessed _ -> struct (accessed, Disks.time date)))

    static member SetLastAccessTimeUtc(path: string, date: DateTime) =
        inside (fun () -> Disks.setTimes path (fun _ modified -> struct (Disks.time date, modified)))

[<AbstractClass; Sealed>]
type Directory =
    static member Exists(path: string) : bool =
        inside (fun () -> FileSystem.isDirectory (Disks.inode path true) disk.FileSystem)

    static member CreateDirectory(path: string, mode: UnixFileMode) : DirectoryInfo =
        inside (fun () -> Disks.makeDirectory path (int mode))

        if Disks.isTwofold path then
            Disks.claim path
            Real.Directory.CreateDirectory path |> ignore

        DirectoryInfo path

    static member CreateDirectory(path: string) : DirectoryInfo = Directory.CreateDirectory(path, enum 0o777)

    /// Here and in reality: tests compare.
    static member CreateTempSubdirectory(prefix: string) : DirectoryInfo =
        let path = Real.Directory.CreateTempSubdirectory(prefix).FullName
        Disks.addTwofold path
        Directory.CreateDirectory path

    static member Delete(path: string, recursive: bool) =
        inside (fun () -> if recursive then Disks.removeTree path else disk.Remove(path, true) |> ignore)

        if Disks.isTwofold path then Real.Directory.Delete(path, recursive)

    /// And what only `FileStream` has made.
    static member GetFileSystemEntries(path: string) : string array =
        let real =
            if Disks.isTwofold path then
                Real.Directory.GetFileSystemEntries path
                |> Array.filter (fun path -> not (Disks.isOurs path))
                |> Array.map (fun path -> string (Real.Path.GetFileName path))
            else
                [||]

        let simulated =
            inside (fun () ->
                if path = "/proc/self/fd" then
                    live.Machine.Descriptors.Open |> List.map (fst >> string)
                else
                    Disks.names path)

        Array.append real (Array.ofList simulated)
        |> Array.distinct
        |> Array.map (fun name -> Real.Path.Combine(path, name))
