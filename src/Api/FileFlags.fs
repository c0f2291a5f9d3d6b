// What file operations are told besides names and numbers: the flags of open(2), and kinds of advice and change.
namespace Uring.FSharp

open System
open System.Runtime.InteropServices

/// How to open a file: what open(2) calls its flags, with the numbers of x86-64. Requests have the processor's own.
[<Flags>]
type OpenFlags =
    | Read = 0
    | Write = 1
    | ReadWrite = 2
    | Create = 0o100
    | Exclusive = 0o200
    | Truncate = 0o1000
    | Append = 0o2000
    /// Does not wait for the other end of a named pipe, or for a terminal.
    | NonBlocking = 0o4000
    /// Each write ends when its data are on the device.
    | DataSync = 0o10000
    /// Past the page cache: memory, offsets and lengths are multiples of the device's block.
    | Direct = 0o40000
    /// Nothing but a directory.
    | Directory = 0o200000
    /// No symbolic link as the last name.
    | NoFollow = 0o400000
    /// Reading does not change the access time. For the owner only.
    | NoAccessTime = 0o1000000
    /// Each write ends when its data and metadata are on the device.
    | Sync = 0o4010000
    /// The name alone, neither to read nor to write: a directory to open from, say.
    | Path = 0o10000000
    /// A file without a name, in the directory that the path names. Needs Write.
    | Temporary = 0o20200000

/// What a path may lead through, when it is opened from a directory: openat2(2).
[<Flags>]
type PathRules =
    /// Whatever it likes.
    | None = 0
    /// No other file system.
    | NoCrossDevice = 1
    /// None of the links that lead elsewhere by themselves, as those of /proc/self/fd do.
    | NoMagicLinks = 2
    /// No symbolic links at all.
    | NoLinks = 4
    /// Nothing outside the directory: what leads there is an error.
    | Beneath = 8
    /// The directory is the root: absolute paths and ".." end there.
    | InRoot = 16
    /// Only by what the kernel has of the path in memory (Linux 5.12): EAGAIN when that is not enough, and when the file
    /// would be made or emptied.
    | Cached = 32

/// How to make a pipe, with the numbers of x86-64. Requests have the processor's own.
[<Flags>]
type PipeModes =
    /// A stream of bytes, whose ends have numbers.
    | None = 0
    /// What is written at once, up to 4096 bytes, is read at once: O_DIRECT of pipe(2).
    | Packets = 0o40000
    /// Both ends are slots of the ring's own table (`LoopOptions.DirectDescriptors`).
    | Direct = 0x4000_0000

/// The numbers of open(2) that differ between processors.
[<RequireQualifiedAccess>]
module internal OpenNumbers =

    /// From x86-64 to arm64, and back: O_DIRECT and O_DIRECTORY change places, O_NOFOLLOW and O_LARGEFILE too.
    let swapped (flags: uint32) =
        let exchange (one: uint32) (other: uint32) flags =
            let without = flags &&& ~~~(one ||| other)

            without
            ||| (if flags &&& one <> 0u then other else 0u)
            ||| (if flags &&& other <> 0u then one else 0u)

        flags |> exchange 0o40000u 0o200000u |> exchange 0o100000u 0o400000u

    /// This processor's, from those of x86-64, and back.
    let native (flags: uint32) =
        if RuntimeInformation.ProcessArchitecture = Architecture.Arm64 then
            swapped flags
        else
            flags

/// How a file will be read: posix_fadvise(2). Advice changes no contents.
type FileAdvice =
    /// As any other: takes back Random and Sequential.
    | Normal = 0
    /// Here and there: reading ahead is of no use.
    | Random = 1
    /// From its start to its end: reads further ahead.
    | Sequential = 2
    /// Soon: reads it into memory.
    | WillNeed = 3
    /// Not soon: what is in memory and on the device can go from memory.
    | DoNotNeed = 4
    /// Once.
    | NoReuse = 5

/// What becomes of a stretch of a file: the modes of fallocate(2). Not every file system has all of them.
type Allocation =
    /// Space is reserved, and the file is at least as long.
    | Extend = 0
    /// Space is reserved, past the end as well, and the length stays.
    | KeepSize = 1
    /// A hole: space goes back, and it reads as zeros. The length stays.
    | PunchHole = 3
    /// Cut out: what is behind comes forward. Whole blocks only, and not up to the end.
    | Collapse = 8
    /// Zeros, with their space; the file is at least as long.
    | Zero = 16
    /// Zeros, with their space; the length stays.
    | ZeroKeepSize = 17
    /// A hole is put in: what is there goes behind it. Whole blocks only, and before the end.
    | Insert = 32
    /// What is shared with another file (a reflink) gets space of its own; the file is at least as long. Of what has shared
    /// blocks, such as XFS.
    | Unshare = 64
    /// The same, and the length stays.
    | UnshareKeepSize = 65
    /// Zeros that are really written, by the device if it can; the file is at least as long (6.17).
    | WriteZeros = 128

/// How memory will be used: madvise(2). What takes contents away, or the process with them, says so: it is for memory that
/// was mapped, never for what the runtime manages.
type MemoryAdvice =
    /// As any other.
    | Normal = 0
    /// Here and there.
    | Random = 1
    /// From its start to its end.
    | Sequential = 2
    /// Soon.
    | WillNeed = 3
    /// No more. Takes the contents away: it reads as zeros, or as the file that is mapped there.
    | DoNotNeed = 4
    /// The contents may go when memory is short, until it is written to again. Private memory only.
    | Free = 8
    /// Takes the contents away, and those of the file or shared memory behind it: a hole.
    | Remove = 9
    /// A child that is forked does not get it.
    | DoNotFork = 10
    /// A child that is forked gets it: takes back DoNotFork.
    | Fork = 11
    /// Pages that are the same as others may be shared with them.
    | Mergeable = 12
    /// Takes back Mergeable.
    | Unmergeable = 13
    /// Large pages are welcome.
    | HugePages = 14
    /// Large pages are not.
    | NoHugePages = 15
    /// Left out of a core dump.
    | DoNotDump = 16
    /// In a core dump: takes back DoNotDump.
    | Dump = 17
    /// A child that is forked finds zeros. Private memory only.
    | WipeOnFork = 18
    /// Takes back WipeOnFork.
    | KeepOnFork = 19
    /// Not soon: the first to go when memory is short (5.4).
    | Cold = 20
    /// Goes now, to the swap or its file (5.4).
    | PageOut = 21
    /// Makes the pages present to read (5.14).
    | PopulateRead = 22
    /// Makes the pages present to write (5.14).
    | PopulateWrite = 23
    /// As DoNotNeed, of locked memory as well (5.18). Takes the contents away.
    | DoNotNeedLocked = 24
    /// Puts large pages in the place of small ones now (6.1).
    | Collapse = 25
    /// For tests of what follows: as if the hardware had lost the page. Takes the contents away, and kills who touches it;
    /// for root alone.
    | HardwarePoison = 100
    /// For tests: moves the contents elsewhere, and never uses the page again. For root alone.
    | SoftOffline = 101

/// What is done of a stretch of a file: sync_file_range(2). All three are a write that is waited for.
[<Flags>]
type RangeSync =
    /// Nothing.
    | None = 0
    /// Waits for what is being written.
    | WaitBefore = 1
    /// Starts to write what has changed.
    | Write = 2
    /// Waits for all of it.
    | WaitAfter = 4

/// What becomes of what is there already when something is renamed: renameat2(2).
[<Flags>]
type RenameRules =
    /// It is replaced.
    | None = 0
    /// It is an error (EEXIST).
    | NoReplace = 1
    /// Both exchange their names: both have to be there. Not with the others.
    | Exchange = 2
    /// A whiteout stays where the first was, for file systems in layers. For root alone.
    | Whiteout = 4

/// How bytes go by way of a pipe: splice(2), tee(2).
[<Flags>]
type SpliceModes =
    | None = 0
    /// Moves pages rather than copy them, if it can: a hint that Linux does not look at.
    | Move = 1
    /// Does not wait for the pipe: EAGAIN. The other side waits as it likes.
    | NonBlocking = 2
    /// More will follow: a hint to a socket.
    | More = 4

/// Whether an attribute may be there before it is set: fsetxattr(2).
type AttributeChange =
    /// There or not.
    | CreateOrReplace = 0
    /// It must not be there (EEXIST).
    | Create = 1
    /// It must be there (ENODATA).
    | Replace = 2
