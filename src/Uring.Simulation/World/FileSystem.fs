// Length: one value and every change of it.
// A file system as a value: names, files, and what of them would survive a power loss. Pure. As ext4 in ordered mode:
// names are journaled in their order, contents are safe after fsync, and a fsync commits all names before it. Source: man
// open(2), openat2(2), rename(2), unlink(2), link(2), mkdir(2), fsync(2), path_resolution(7).
namespace Uring.Simulation.World

open System
open Uring.Model

/// What a file was changed by since the last fsync.
type internal Change =
    | Written of offset: int64 * bytes: byte array
    | Resized of length: int64
    | Cleared of offset: int64 * length: int64
    | Collapsed of offset: int64 * length: int64
    | Inserted of offset: int64 * length: int64

/// A regular file.
type internal FileNode = {
    Current: Contents
    /// What a power loss cannot take.
    Durable: Contents
    /// Newest first.
    Pending: Change list
    Mode: int
    /// Nanoseconds of virtual time.
    Modified: int64
    /// As of a disk that is mounted noatime: as it was made, or set.
    Accessed: int64
    /// Descriptors that refer to it: without a name it lives as long as they do.
    Opens: int
}

/// What names there are: directories, symbolic links and named pipes by inode. Its older versions are the journal.
type internal Names = { Directories: Map<int, Map<string, int>>; Links: Map<int, string>; Fifos: int Set }

/// A file system.
///
///   names:   now --change--> now + journal --sync of anything--> now, journal empty
///   a file:  current --change--> current + pending --its sync--> durable = current
///   power loss:  an older version of the names from the journal; durable + parts of what was pending
///
/// Laws
///  1. what was synced survives every power loss
///  2. of the names a prefix survives: if one change is there, all before it are
///  3. a rename is there or it is not: the target names the old file or the new one
///  4. a file without a name lives until its last descriptor is closed
///  5. a full disk takes what fits and nothing away
///  6. names form a tree: each leads to something, and each directory is reached from the root in one way
///  7. a power loss makes nothing up: each byte is zero, or was written there
///  8. nothing is kept that nobody can reach: a file is open, or has a name, or would have one after a power loss
type internal FileSystem = {
    Files: Map<int, FileNode>
    Names: Names
    /// Names before each change that is not committed, newest first.
    Journal: Names list
    NextInode: int
    /// Permissions of what is no regular file, where they are not the usual ones.
    Modes: Map<int, int>
    /// Extended attributes by inode and name.
    Attributes: Map<struct (int * string), byte array>
    /// Bytes that files may occupy.
    Capacity: int64
}

/// Where a path starts, and what it may lead through: flags as in openat2(2).
[<Struct>]
type internal Rules = { Start: int; Flags: int }

/// Where a path leads.
[<Struct>]
type internal Place = {
    /// The directory that holds, or would hold, the last name.
    Directory: int
    Name: string
    /// What is there, or -1.
    Inode: int
}

[<RequireQualifiedAccess>]
module internal FileSystem =

    let root = 1

    let empty capacity = {
        Files = Map.empty
        Names = { Directories = Map.ofList [ root, Map.empty ]; Links = Map.empty; Fifos = Set.empty }
        Journal = []
        NextInode = 2
        Modes = Map.empty
        Attributes = Map.empty
        Capacity = capacity
    }

    let isDirectory inode fs = Map.containsKey inode fs.Names.Directories
    let isLink inode fs = Map.containsKey inode fs.Names.Links
    let isFifo inode fs = Set.contains inode fs.Names.Fifos

    // ---- paths

    let private lookUp directory name fs =
        match Map.tryFind directory fs.Names.Directories with
        | None -> Error Errno.ENOTDIR
        | Some entries -> Ok(Map.tryFind name entries |> Option.defaultValue -1)

    let private parentOf directory fs =
        if directory = root then
            root
        else
            fs.Names.Directories
            |> Map.tryPick (fun parent entries ->
                if entries |> Map.exists (fun _ inode -> inode = directory) then Some parent else None)
            |> Option.defaultValue root

    /// From the root, through everything.
    let free = { Start = root; Flags = 0 }

    // RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH, RESOLVE_IN_ROOT.
    let private hasNoLinks rules = (rules.Flags &&& 4) <> 0
    let private isBeneath rules = (rules.Flags &&& 8) <> 0
    let private isInRoot rules = (rules.Flags &&& 16) <> 0

    /// The path of a directory, without a slash at its end; none when its name has gone.
    let rec pathOf directory fs : string option =
        if directory = root then
            Some ""
        else
            fs.Names.Directories
            |> Map.tryPick (fun parent entries ->
                entries
                |> Map.tryPick (fun name inode ->
                    if inode = directory then Some(struct (parent, name)) else None))
            |> Option.bind (fun struct (parent, name) ->
                pathOf parent fs |> Option.map (fun path -> $"{path}/{name}"))

    /// Where an absolute path starts.
    let private top rules = if isInRoot rules then rules.Start else root

    let rec private walk rules depth directory (parts: string list) followLast fs : Result<Place, Errno> =
        match parts with
        | [] -> Ok { Directory = directory; Name = "."; Inode = directory }
        | _ when not (isDirectory directory fs) -> Error Errno.ENOTDIR
        | name :: _ when name.Length > 255 -> Error Errno.ENAMETOOLONG
        | "." :: rest -> walk rules depth directory rest followLast fs
        | ".." :: _ when directory = rules.Start && isBeneath rules -> Error Errno.EXDEV
        | ".." :: rest when directory = top rules -> walk rules depth directory rest followLast fs
        | ".." :: rest -> walk rules depth (parentOf directory fs) rest followLast fs
        | name :: rest ->
            match lookUp directory name fs with
            | Error errno -> Error errno
            | Ok -1 when rest.IsEmpty -> Ok { Directory = directory; Name = name; Inode = -1 }
            | Ok -1 -> Error Errno.ENOENT
            | Ok inode ->
                match Map.tryFind inode fs.Names.Links with
                | Some _ when depth >= 40 -> Error Errno.ELOOP
                | Some _ when hasNoLinks rules && (not rest.IsEmpty || followLast) -> Error Errno.ELOOP
                | Some target when
                    target.StartsWith '/' && isBeneath rules && (not rest.IsEmpty || followLast)
                    ->
                    Error Errno.EXDEV
                | Some target when not rest.IsEmpty || followLast ->
                    let start = if target.StartsWith '/' then top rules else directory
                    walk rules (depth + 1) start (split target @ rest) followLast fs
                | _ when rest.IsEmpty -> Ok { Directory = directory; Name = name; Inode = inode }
                | _ -> walk rules depth inode rest followLast fs

    and private split (path: string) = path.Split('/', StringSplitOptions.RemoveEmptyEntries) |> List.ofArray

    let private followFrom rules (path: string) (followLast: bool) fs : Result<Place, Errno> =
        if path.Length = 0 then
            Error Errno.ENOENT
        elif path.Length > 4095 then
            Error Errno.ENAMETOOLONG
        elif path.StartsWith '/' && isBeneath rules then
            Error Errno.EXDEV
        else
            walk rules 0 (if path.StartsWith '/' then top rules else rules.Start) (split path) followLast fs

    let private follow path followLast fs = followFrom free path followLast fs

    /// Where a path leads.
    let resolveFrom rules (path: string) (followLast: bool) fs : Result<Place, Errno> =
        let isFolder = path.EndsWith '/'

        match followFrom rules path (followLast || isFolder) fs with
        | Ok place when isFolder && place.Inode >= 0 && not (isDirectory place.Inode fs) ->
            Error Errno.ENOTDIR
        | result -> result

    /// Where a path leads. The working directory is the root.
    let resolve (path: string) (followLast: bool) fs : Result<Place, Errno> =
        resolveFrom free path followLast fs

    /// Where the last name itself stands: what unlink, rename and mkdir change. A link there is not followed.
    let private entry (path: string) fs = follow path false fs

    /// The path says that a directory is there, and something else is.
    let private isMisnamed (path: string) place fs =
        path.EndsWith '/' && place.Inode >= 0 && not (isDirectory place.Inode fs)

    /// The path ends in "." or "..", or is the root: no entry that could be changed.
    let private isNoEntry place = place.Name = "."

    // ---- names

    /// New names; the old ones join the journal.
    let private renamed names fs = { fs with Names = names; Journal = fs.Names :: fs.Journal }

    let private enter directory name inode (names: Names) = {
        names with
            Directories =
                Map.add directory (Map.add name inode names.Directories[directory]) names.Directories
    }

    let private leave directory name (names: Names) = {
        names with
            Directories = Map.add directory (Map.remove name names.Directories[directory]) names.Directories
    }

    let private isNamed inode (names: Names) =
        names.Directories |> Map.exists (fun _ entries -> entries |> Map.exists (fun _ it -> it = inode))

    /// Names that an inode has.
    let links inode fs =
        fs.Names.Directories
        |> Map.fold
            (fun total _ entries ->
                Map.fold (fun total _ it -> if it = inode then total + 1 else total) total entries)
            0

    /// What a name that has gone said of its inode goes with the last of them.
    let private forget inode (names: Names) =
        if isNamed inode names then
            names
        else
            {
                Directories = Map.remove inode names.Directories
                Links = Map.remove inode names.Links
                Fifos = Set.remove inode names.Fifos
            }

    /// Forgets files that have neither a name nor a descriptor. Older names keep theirs.
    let private sweep inode fs =
        match Map.tryFind inode fs.Files with
        | Some file when
            file.Opens = 0 && not (isNamed inode fs.Names) && not (List.exists (isNamed inode) fs.Journal)
              ->
              { fs with Files = Map.remove inode fs.Files }
        | _ -> fs

    /// Forgets the older names, and the files that only they named.
    let private commit fs =
        if fs.Journal.IsEmpty then
            fs
        else
            let fs = { fs with Journal = [] }
            Map.fold (fun fs inode _ -> sweep inode fs) fs fs.Files

    /// Makes a file that nothing refers to by name or descriptor yet.
    let private newFile mode now fs =
        let inode = fs.NextInode

        let file = {
            Current = Contents.empty
            Durable = Contents.empty
            Pending = []
            Mode = mode
            Modified = now
            Accessed = now
            Opens = 0
        }

        let fs = { fs with Files = Map.add inode file fs.Files; NextInode = inode + 1 }
        struct (fs, inode)

    let private createFile place mode now fs =
        let struct (fs, inode) = newFile mode now fs
        struct (renamed (enter place.Directory place.Name inode fs.Names) fs, inode)

    /// A name for something that is no regular file.
    let private make (path: string) isFolder (kind: int -> Names -> Names) fs : Result<FileSystem, Errno> =
        match entry path fs with
        | Error errno -> Error errno
        | Ok place when place.Inode >= 0 -> Error Errno.EEXIST
        // "x/" names a directory, and nothing else can be made there.
        | Ok _ when path.EndsWith '/' && not isFolder -> Error Errno.ENOENT
        | Ok place ->
            let names = enter place.Directory place.Name fs.NextInode fs.Names |> kind fs.NextInode
            Ok { renamed names fs with NextInode = fs.NextInode + 1 }

    let makeDirectory (path: string) fs : Result<FileSystem, Errno> =
        make
            path
            true
            (fun inode names -> { names with Directories = Map.add inode Map.empty names.Directories })
            fs

    let makeLink (target: string) (path: string) fs : Result<FileSystem, Errno> =
        make path false (fun inode names -> { names with Links = Map.add inode target names.Links }) fs

    /// mkfifo(3).
    let makeFifo (path: string) fs : Result<FileSystem, Errno> =
        make path false (fun inode names -> { names with Fifos = Set.add inode names.Fifos }) fs

    /// link(2): another name for what `target` names.
    let makeHardLink (target: string) (path: string) (follows: bool) fs : Result<FileSystem, Errno> =
        match resolve target follows fs, entry path fs with
        | Error errno, _ -> Error errno
        | Ok from, _ when from.Inode < 0 -> Error Errno.ENOENT
        | _, Error errno -> Error errno
        | _, Ok place when place.Inode >= 0 -> Error Errno.EEXIST
        | _ when path.EndsWith '/' -> Error Errno.ENOENT
        | Ok from, _ when isDirectory from.Inode fs -> Error Errno.EPERM
        | Ok from, Ok place -> Ok(renamed (enter place.Directory place.Name from.Inode fs.Names) fs)

    /// unlink(2), or rmdir(2).
    let remove (path: string) (directory: bool) fs : Result<FileSystem, Errno> =
        match entry path fs with
        | Error errno -> Error errno
        | Ok place when place.Inode < 0 -> Error Errno.ENOENT
        | Ok place when isMisnamed path place fs -> Error Errno.ENOTDIR
        | Ok place when place.Inode = root -> Error(if directory then Errno.EBUSY else Errno.EISDIR)
        | Ok place when directory && isNoEntry place ->
            Error(if path.EndsWith ".." then Errno.ENOTEMPTY else Errno.EINVAL)
        | Ok place when directory && not (isDirectory place.Inode fs) -> Error Errno.ENOTDIR
        | Ok place when not directory && isDirectory place.Inode fs -> Error Errno.EISDIR
        | Ok place when directory && not (Map.isEmpty fs.Names.Directories[place.Inode]) ->
            Error Errno.ENOTEMPTY
        | Ok place ->
            let names = leave place.Directory place.Name fs.Names |> forget place.Inode
            Ok(renamed names fs |> sweep place.Inode)

    let rec private isWithin directory ancestor fs =
        directory = ancestor || (directory <> root && isWithin (parentOf directory fs) ancestor fs)

    /// rename(2): replaces what the new name meant. Flag 1 (RENAME_NOREPLACE) refuses that, 2 (RENAME_EXCHANGE) swaps. There
    /// are no whiteouts (4).
    let rename (source: string) (target: string) (flags: int) fs : Result<FileSystem, Errno> =
        match entry source fs, entry target fs with
        | _ when flags > 2 || flags < 0 -> Error Errno.EINVAL
        | Error errno, _
        | _, Error errno -> Error errno
        | Ok from, _ when isNoEntry from -> Error Errno.EBUSY
        | Ok _, Ok into when isNoEntry into -> Error(if flags = 1 then Errno.EEXIST else Errno.EBUSY)
        | Ok from, _ when from.Inode < 0 -> Error Errno.ENOENT
        | Ok _, Ok into when flags = 1 && into.Inode >= 0 -> Error Errno.EEXIST
        | Ok _, Ok into when flags = 2 && into.Inode < 0 -> Error Errno.ENOENT
        | Ok from, Ok into when isMisnamed source from fs || (flags = 2 && isMisnamed target into fs) ->
            Error Errno.ENOTDIR
        | Ok from, Ok _ when flags <> 2 && isMisnamed target from fs -> Error Errno.ENOTDIR
        | Ok from, Ok into when isDirectory from.Inode fs && isWithin into.Directory from.Inode fs ->
            Error Errno.EINVAL
        // A directory that the source lies in: neither replaced by it nor put into itself.
        | Ok from, Ok into when isDirectory into.Inode fs && isWithin from.Directory into.Inode fs ->
            Error(if flags = 2 then Errno.EINVAL else Errno.ENOTEMPTY)
        | Ok from, Ok into when from.Inode = into.Inode -> Ok fs
        | Ok from, Ok into when flags = 2 ->
            let names =
                fs.Names
                |> enter from.Directory from.Name into.Inode
                |> enter into.Directory into.Name from.Inode

            Ok(renamed names fs)
        | Ok from, Ok into when
            into.Inode >= 0 && isDirectory from.Inode fs && not (isDirectory into.Inode fs)
            ->
            Error Errno.ENOTDIR
        | Ok from, Ok into when
            into.Inode >= 0 && not (isDirectory from.Inode fs) && isDirectory into.Inode fs
            ->
            Error Errno.EISDIR
        | Ok _, Ok into when isDirectory into.Inode fs && not (Map.isEmpty fs.Names.Directories[into.Inode]) ->
            Error Errno.ENOTEMPTY
        | Ok from, Ok into ->
            let names =
                fs.Names |> leave from.Directory from.Name |> enter into.Directory into.Name from.Inode

            Ok(renamed (forget into.Inode names) fs |> sweep into.Inode)

    /// The names in a directory, in ordinal order.
    let list (path: string) fs : Result<string list, Errno> =
        match resolve path true fs with
        | Error errno -> Error errno
        | Ok place when place.Inode < 0 -> Error Errno.ENOENT
        | Ok place ->
            match Map.tryFind place.Inode fs.Names.Directories with
            | Some entries -> Ok(entries |> Map.toList |> List.map fst)
            | None -> Error Errno.ENOTDIR

    // ---- contents

    let private changeFile inode change fs = { fs with Files = Map.change inode (Option.map change) fs.Files }

    /// One more descriptor refers to a file.
    let opened inode fs = changeFile inode (fun file -> { file with Opens = file.Opens + 1 }) fs

    /// One less.
    let closed inode fs =
        changeFile inode (fun file -> { file with Opens = file.Opens - 1 }) fs |> sweep inode

    /// chmod(2).
    let setMode inode mode fs =
        if Map.containsKey inode fs.Files then
            changeFile inode (fun file -> { file with Mode = mode }) fs
        else
            { fs with Modes = Map.add inode mode fs.Modes }

    /// The permissions of an inode.
    let mode inode fs =
        match Map.tryFind inode fs.Files with
        | Some file -> file.Mode
        | None when isLink inode fs -> 0o777
        | None -> Map.tryFind inode fs.Modes |> Option.defaultValue (if isFifo inode fs then 0o644 else 0o755)

    /// utimensat(2).
    let setTimes inode accessed modified fs =
        changeFile inode (fun file -> { file with Accessed = accessed; Modified = modified }) fs

    /// What ext4 can hold in one file, in blocks of 4 KiB.
    let longest = 16L <<< 40

    /// Bytes that are occupied.
    let used fs =
        Map.fold
            (fun total _ file -> total + int64 (Map.count file.Current.Pages) * int64 Contents.pageSize)
            0L
            fs.Files

    let private changed change (contents: Contents) =
        match change with
        | Written(offset, bytes) -> Contents.write offset (ReadOnlySpan bytes) contents
        | Resized length -> Contents.resize length contents
        | Cleared(offset, length) -> Contents.clear offset length contents
        | Collapsed(offset, length) -> Contents.collapse offset length contents
        | Inserted(offset, length) -> Contents.insert offset length contents

    let private edit change inode now fs =
        changeFile
            inode
            (fun file -> {
                file with
                    Current = changed change file.Current
                    Pending = change :: file.Pending
                    Modified = now
            })
            fs

    /// Sets the length.
    let resize inode (length: int64) now fs = edit (Resized length) inode now fs

    /// Occupies room for a stretch: what is a hole there becomes zeros.
    let reserve inode offset length fs =
        changeFile inode (fun file -> { file with Current = Contents.reserve offset length file.Current }) fs

    /// Whether fallocate(2) knows the mode.
    let isAllocation (mode: int) = List.contains mode [ 0; 1; 3; 8; 16; 17; 32 ]

    /// fallocate(2), with its modes. As ext4: what moves bytes wants whole pages.
    let allocate inode mode (offset: int64) (length: int64) now fs : Result<FileSystem, Errno> =
        let size = fs.Files[inode].Current.Length
        let finish = offset + length
        let isWhole = offset % int64 Contents.pageSize = 0L && length % int64 Contents.pageSize = 0L
        let extend fs = if finish > size then resize inode finish now fs else fs

        match mode with
        | _ when offset < 0L || length <= 0L -> Error Errno.EINVAL
        | _ when finish < 0L || finish > longest -> Error Errno.EFBIG
        | 0 -> fs |> extend |> reserve inode offset length |> Ok
        // FALLOC_FL_KEEP_SIZE.
        | 1 -> Ok(reserve inode offset length fs)
        // With FALLOC_FL_PUNCH_HOLE.
        | 3 -> Ok(edit (Cleared(offset, length)) inode now fs)
        // FALLOC_FL_ZERO_RANGE, and keeping the size.
        | 16 -> fs |> edit (Cleared(offset, length)) inode now |> extend |> reserve inode offset length |> Ok
        | 17 -> fs |> edit (Cleared(offset, length)) inode now |> reserve inode offset length |> Ok
        // FALLOC_FL_COLLAPSE_RANGE and FALLOC_FL_INSERT_RANGE.
        | 8 when isWhole && finish < size -> Ok(edit (Collapsed(offset, length)) inode now fs)
        | 32 when isWhole && size > longest - length -> Error Errno.EFBIG
        | 32 when isWhole && offset < size -> Ok(edit (Inserted(offset, length)) inode now fs)
        | 8
        | 32 -> Error Errno.EINVAL
        | _ -> Error Errno.EOPNOTSUPP

    /// open(2) of a regular file or a directory: its inode. Flags as in open(2).
    let openFrom
        rules
        (path: string)
        (flags: int)
        (mode: int)
        now
        fs
        : Result<struct (FileSystem * int), Errno> =
        let has flag = (flags &&& flag) <> 0
        let creates = has 0o100
        let exclusive = has 0o200
        let writes = (flags &&& 3) <> 0
        // O_TMPFILE, less O_DIRECTORY.
        let isTemporary = has 0o20000000
        let noFollow = has 0o400000 || (creates && exclusive)

        match resolveFrom rules path (not noFollow) fs with
        | Error errno -> Error errno
        | Ok place when isTemporary && place.Inode < 0 -> Error Errno.ENOENT
        | Ok place when isTemporary && not (isDirectory place.Inode fs) -> Error Errno.ENOTDIR
        | Ok _ when isTemporary -> if writes then Ok(newFile mode now fs) else Error Errno.EINVAL
        // What is to be made is a file, and a slash says that it is none: before anything else.
        | Ok _ when creates && path.EndsWith '/' -> Error Errno.EISDIR
        | Ok place when place.Inode >= 0 && creates && exclusive -> Error Errno.EEXIST
        | Ok place when place.Inode >= 0 && isLink place.Inode fs -> Error Errno.ELOOP
        | Ok place when place.Inode < 0 && not creates -> Error Errno.ENOENT
        | Ok place when place.Inode < 0 -> Ok(createFile place mode now fs)
        | Ok place when isDirectory place.Inode fs && (writes || creates) -> Error Errno.EISDIR
        | Ok place when has 0o200000 && not (isDirectory place.Inode fs) -> Error Errno.ENOTDIR
        | Ok place when has 0o1000 && Map.containsKey place.Inode fs.Files ->
            Ok(struct (resize place.Inode 0L now fs, place.Inode))
        | Ok place -> Ok(struct (fs, place.Inode))

    /// From the root.
    let openAt path flags mode now fs = openFrom free path flags mode now fs

    let private room fs = max 0L (fs.Capacity - used fs)

    /// How much can be written when only so many new pages are free; `taken` fits already.
    let rec private fitting (pages: Map<int64, byte array>) offset length taken free =
        let position = offset + int64 taken
        let page = position / int64 Contents.pageSize
        let isNew = not (Map.containsKey page pages)

        if taken >= length || (isNew && free <= 0L) then
            min taken length
        else
            let rest = Contents.pageSize - int (position % int64 Contents.pageSize)
            fitting pages offset length (taken + rest) (if isNew then free - 1L else free)

    /// write(2) at an offset: how many bytes there was room for, or -ENOSPC.
    let write inode (offset: int64) (source: ReadOnlySpan<byte>) now fs : struct (FileSystem * int) =
        let file = fs.Files[inode]

        // The sum is taken only when the disk may be full.
        let fits =
            if fs.Capacity = Int64.MaxValue then
                source.Length
            else
                fitting file.Current.Pages offset source.Length 0 (room fs / int64 Contents.pageSize)

        if fits = 0 && source.Length > 0 then
            struct (fs, Errno.toResult Errno.ENOSPC)
        else
            let bytes = source.Slice(0, fits).ToArray()

            let file = {
                file with
                    Current = Contents.write offset (ReadOnlySpan bytes) file.Current
                    Pending = Written(offset, bytes) :: file.Pending
                    Modified = now
            }

            struct ({ fs with Files = Map.add inode file fs.Files }, fits)

    /// fsync(2): the file's contents, if it is no directory, and all names so far.
    let sync inode fs =
        fs |> changeFile inode (fun file -> { file with Durable = file.Current; Pending = [] }) |> commit

    // ---- power loss

    /// What becomes of one change that was not synced: how many of its bytes are kept.
    let private survive (keep: int -> int) contents change =
        match change with
        | Written(offset, bytes) ->
            match keep bytes.Length with
            | 0 -> contents
            | kept -> Contents.write offset (ReadOnlySpan(bytes, 0, kept)) contents
        | Resized _
        | Cleared _
        | Collapsed _
        | Inserted _ -> if keep 1 = 0 then contents else changed change contents

    /// After a power loss. `version` chooses how many changes of names are lost, of so many; `keep` how many bytes of a
    /// change that was not synced are kept, of so many (sectors of 512 bytes, of those that are longer).
    let powerLoss (version: int -> int) (keep: int -> int) fs : FileSystem =
        let names =
            match version (List.length fs.Journal) with
            | 0 -> fs.Names
            | lost -> fs.Journal[lost - 1]

        let survived file =
            let contents =
                List.foldBack (fun change contents -> survive keep contents change) file.Pending file.Durable

            { file with Current = contents; Durable = contents; Pending = []; Opens = 0 }

        let fs = {
            fs with
                Names = names
                Journal = []
                Files = Map.map (fun _ file -> survived file) fs.Files
        }

        Map.fold (fun fs inode _ -> sweep inode fs) fs fs.Files
