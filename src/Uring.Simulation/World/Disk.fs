// A machine's disk while it is used: one file system value after the other, and what its descriptors refer to. Where a
// disk fails, comes short or tears.
namespace Uring.Simulation.World

open System
open System.Buffers.Binary
open System.Collections.Generic
open Uring.Model
open Uring.Simulation

/// struct statx, 256 bytes.
[<RequireQualifiedAccess>]
module internal Statx =

    /// Virtual time begins with the year 2000: seconds of Unix time.
    let start = 946_684_800L

    let write
        (target: Span<byte>)
        inode
        links
        kind
        permissions
        (length: int64)
        (pages: int)
        (accessed: int64)
        (modified: int64)
        =
        target.Clear()
        BinaryPrimitives.WriteUInt32LittleEndian(target, 0xfffu)
        BinaryPrimitives.WriteUInt32LittleEndian(target.Slice 4, 4096u)
        BinaryPrimitives.WriteUInt32LittleEndian(target.Slice 16, uint32 (links: int))
        BinaryPrimitives.WriteUInt16LittleEndian(target.Slice 28, uint16 ((kind <<< 12) ||| permissions))
        BinaryPrimitives.WriteUInt64LittleEndian(target.Slice 32, uint64 (inode: int))
        BinaryPrimitives.WriteInt64LittleEndian(target.Slice 40, length)
        BinaryPrimitives.WriteInt64LittleEndian(target.Slice 48, int64 pages * 8L)

        // Access, birth, change, modification.
        for struct (offset, time) in
            [|
                struct (64, accessed)
                struct (80, modified)
                struct (96, modified)
                struct (112, modified)
            |] do
            // Rounded down, before the start of time as well.
            let seconds = Math.Floor(decimal time / 1_000_000_000m) |> int64
            BinaryPrimitives.WriteInt64LittleEndian(target.Slice offset, start + seconds)
            let rest = uint32 (time - seconds * 1_000_000_000L)
            BinaryPrimitives.WriteUInt32LittleEndian(target.Slice(offset + 8), rest)

/// Holds the file system as it is now.
[<Sealed>]
type internal Disk(choices: Choices, now: unit -> int64) =
    let mutable fs = FileSystem.empty Int64.MaxValue
    // A named pipe lives while somebody has it open; here it lives as long as its disk.
    let fifos = Dictionary<int, Fifo>()

    let answer (result: Result<FileSystem, Errno>) =
        match result with
        | Ok changed ->
            fs <- changed
            0
        | Error errno -> Errno.toResult errno

    member _.Choices = choices
    member _.Now = now ()

    /// As it is now.
    member _.FileSystem
        with get () = fs
        and set (value: FileSystem) = fs <- value

    member _.Remove(path: string, directory: bool) = answer (FileSystem.remove path directory fs)

    /// symlink(2).
    member _.MakeSymbolicLink(target: string, path: string) = answer (FileSystem.makeLink target path fs)

    /// link(2).
    member _.MakeHardLink(target: string, path: string, follows: bool) =
        answer (FileSystem.makeHardLink target path follows fs)

    member _.Rename(source: string, target: string, flags: int) =
        answer (FileSystem.rename source target flags fs)

    /// mkdir(2); less the umask.
    member this.MakeDirectory(path: string, mode: int) =
        match answer (FileSystem.makeDirectory path fs) with
        | 0 ->
            match FileSystem.resolve path false fs with
            | Ok place -> fs <- FileSystem.setMode place.Inode (mode &&& ~~~Disk.Umask) fs
            | Error _ -> ()

            0
        | errno -> errno

    /// What no new file lets others do.
    static member Umask = 0o022

    /// The pipe behind a name.
    member _.Fifo(inode: int, path: string) : Fifo =
        match fifos.TryGetValue inode with
        | true, fifo -> fifo
        | _ ->
            let fifo = Fifo(path, choices)
            fifos[inode] <- fifo
            fifo

    /// struct statx (256 bytes) of an inode. Source: man statx(2).
    member _.Status(inode: int, target: Span<byte>) =
        let mode = FileSystem.mode inode fs
        let links = FileSystem.links inode fs

        match Map.tryFind inode fs.Files, Map.tryFind inode fs.Names.Links with
        | Some file, _ ->
            let pages = Map.count file.Current.Pages
            Statx.write target inode links 8 mode file.Current.Length pages file.Accessed file.Modified
        | None, Some link -> Statx.write target inode links 10 mode (int64 link.Length) 0 0L 0L
        | None, None when FileSystem.isFifo inode fs -> Statx.write target inode links 1 mode 0L 0 0L 0L
        | None, None -> Statx.write target inode 1 4 mode 4096L 1 0L 0L

    /// The lights go out: nothing that is open survives, and of what was not synced perhaps something.
    member _.PowerLoss() =
        let version count = if choices.Strikes Fault.Torn then choices.Between(0, count) else 0

        let keep length =
            if not (choices.Strikes Fault.Torn) then length
            elif length <= 512 || choices.Pick 2 = 0 then 0
            else 512 * choices.Between(1, (length - 1) / 512)

        fs <- FileSystem.powerLoss version keep fs

/// An open regular file.
[<Sealed>]
type internal RegularFile(disk: Disk, path: string, inode: int, flags: int) =
    inherit OpenFile()
    let mutable position = 0L
    let mutable moves = 0
    let access = flags &&& 3
    let appends = (flags &&& 0o2000) <> 0
    // O_DSYNC, which is a part of O_SYNC too.
    let syncs = (flags &&& 0o10000) <> 0
    // O_DIRECT wants whole sectors.
    let isOdd (offset: int64) length = (flags &&& 0o40000) <> 0 && (offset % 512L <> 0L || length % 512 <> 0)

    let node () = disk.FileSystem.Files[inode]

    member _.Inode = inode
    member _.Disk = disk

    /// Where the next transfer without an offset of its own begins.
    member _.Position
        with get () = position
        and set value = position <- value

    /// Reads at that position, so far.
    member _.Moves = moves

    override _.Name = path
    override _.MayRead = access <> 1
    override _.MayWrite = access <> 0
    override _.Events = PollEvents.Readable ||| PollEvents.Writable
    override _.CanPoll = false

    override _.Read(target, offset) =
        if access = 1 then
            Errno.toResult Errno.EBADF
        else
            let from = if offset < 0L then position else offset

            if isOdd from target.Length then
                Errno.toResult Errno.EINVAL
            else
                let target = target.Slice(0, disk.Choices.Shorten target.Length)
                let length = Contents.read from target (node ()).Current

                if offset < 0L then
                    position <- position + int64 length
                    moves <- moves + 1

                length

    override this.Write(source, offset) = this.WriteAs(source, offset, TransferFlags.None)

    /// pwritev2(2): what the flags say of this one write.
    member this.WriteAs(source: ReadOnlySpan<byte>, offset: int64, flags: TransferFlags) : int =
        let mutable next = if offset < 0L then position else offset
        let result = this.WriteFrom(source, &next, flags)
        if offset < 0L then position <- next
        result

    /// From `next` on, which then is where it has ended. The file's own position stays where it is.
    member _.WriteFrom(source: ReadOnlySpan<byte>, next: byref<int64>, flags: TransferFlags) : int =
        let asks flag = (flags &&& flag) <> TransferFlags.None
        let appends = asks TransferFlags.Append || (appends && not (asks TransferFlags.NoAppend))
        let syncs = syncs || asks (TransferFlags.DataSync ||| TransferFlags.Sync)

        if access = 0 then
            Errno.toResult Errno.EBADF
        else
            let from = if appends then (node ()).Current.Length else next

            if from > FileSystem.longest - int64 source.Length then
                Errno.toResult Errno.EFBIG
            elif isOdd from source.Length then
                Errno.toResult Errno.EINVAL
            else
                let source = source.Slice(0, disk.Choices.Shorten source.Length)
                let struct (changed, length) = FileSystem.write inode from source disk.Now disk.FileSystem
                disk.FileSystem <- if syncs && length > 0 then FileSystem.sync inode changed else changed
                if length > 0 then next <- from + int64 length
                length

    override _.Released() = disk.FileSystem <- FileSystem.closed inode disk.FileSystem

/// An open directory.
[<Sealed>]
type internal DirectoryFile(disk: Disk, path: string, inode: int) =
    inherit OpenFile()
    member _.Disk = disk
    member _.Inode = inode
    override _.Name = path
    override _.MayWrite = false
    override _.Events = PollEvents.Readable ||| PollEvents.Writable
    override _.CanPoll = false
    // To read nothing is not to read (6.18).
    override _.Read(target, _) = if target.Length = 0 then 0 else Errno.toResult Errno.EISDIR
    override _.Write(_, _) = Errno.toResult Errno.EBADF

/// A name that was opened, and nothing of what it names: O_PATH.
[<Sealed>]
type internal PathFile(path: string, inode: int) =
    inherit OpenFile()
    member _.Inode = inode
    override _.Name = path
    override _.Events = PollEvents.None
    override _.CanPoll = false
    override _.Read(_, _) = Errno.toResult Errno.EBADF
    override _.Write(_, _) = Errno.toResult Errno.EBADF

/// What works on open files, and opens them.
[<RequireQualifiedAccess>]
module internal Disk =

    let private openPath (disk: Disk) rules (path: string) (flags: int) : Result<OpenFile, Errno> =
        let follows = (flags &&& 0o400000) = 0

        match FileSystem.resolveFrom rules path follows disk.FileSystem with
        | Error errno -> Error errno
        | Ok place when place.Inode < 0 -> Error Errno.ENOENT
        | Ok place when (flags &&& 0o200000) <> 0 && not (FileSystem.isDirectory place.Inode disk.FileSystem) ->
            Error Errno.ENOTDIR
        | Ok place -> Ok(PathFile(path, place.Inode))

    /// openat2(2).
    let openFrom (disk: Disk) rules (path: string) (flags: int) (mode: int) : Result<OpenFile, Errno> =
        match FileSystem.openFrom rules path flags (mode &&& ~~~Disk.Umask) disk.Now disk.FileSystem with
        | _ when (flags &&& 0o10000000) <> 0 -> openPath disk rules path flags
        | Error errno -> Error errno
        | Ok struct (_, inode) when FileSystem.isFifo inode disk.FileSystem ->
            disk.Fifo(inode, path).Open flags
        | Ok struct (changed, inode) when FileSystem.isDirectory inode changed ->
            disk.FileSystem <- changed
            Ok(DirectoryFile(disk, path, inode))
        | Ok struct (changed, inode) ->
            disk.FileSystem <- FileSystem.opened inode changed
            Ok(RegularFile(disk, path, inode, flags))

    /// open(2).
    let openAt (disk: Disk) (path: string) (flags: int) (mode: int) : Result<OpenFile, Errno> =
        openFrom disk FileSystem.free path flags mode

    /// fsync(2).
    let sync (file: OpenFile) : int =
        match file with
        | :? RegularFile as file ->
            file.Disk.FileSystem <- FileSystem.sync file.Inode file.Disk.FileSystem
            0
        | :? DirectoryFile as directory ->
            directory.Disk.FileSystem <- FileSystem.sync directory.Inode directory.Disk.FileSystem
            0
        | _ -> Errno.toResult Errno.EINVAL

    /// ftruncate(2).
    let truncate (file: OpenFile) (length: int64) : int =
        match file with
        | :? RegularFile as file when length >= 0L && file.MayWrite ->
            let disk = file.Disk
            disk.FileSystem <- FileSystem.resize file.Inode length disk.Now disk.FileSystem
            0
        | _ -> Errno.toResult Errno.EINVAL

    /// fallocate(2): what is asked for is looked at before what it is asked of.
    let allocate (file: OpenFile) (mode: int) (offset: int64) (length: int64) : int =
        match file with
        | _ when offset < 0L || length <= 0L -> Errno.toResult Errno.EINVAL
        | _ when not (FileSystem.isAllocation mode) -> Errno.toResult Errno.EOPNOTSUPP
        | file when not file.MayWrite -> Errno.toResult Errno.EBADF
        | :? RegularFile as file ->
            let disk = file.Disk

            match FileSystem.allocate file.Inode mode offset length disk.Now disk.FileSystem with
            | Error errno -> Errno.toResult errno
            | Ok changed ->
                disk.FileSystem <- changed
                0
        | :? PipeWriter -> Errno.toResult Errno.ESPIPE
        // ENODEV.
        | _ -> -19
