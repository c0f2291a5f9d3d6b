// What a file is, read from a struct statx. Source: man statx(2).
namespace Uring.FSharp

open System
open System.Buffers.Binary
open System.IO

/// What a file is.
type FileKind =
    | Unknown = 0
    | NamedPipe = 1
    | CharacterDevice = 2
    | Directory = 4
    | BlockDevice = 6
    | Regular = 8
    | SymbolicLink = 10
    | Socket = 12

/// A device: which driver, and which of its devices.
[<Struct>]
type DeviceNumber = { Major: uint32; Minor: uint32 }

/// What the file system does with a file: the attributes of statx(2).
[<Flags>]
type FileTraits =
    | None = 0UL
    /// Its contents are compressed.
    | Compressed = 0x4UL
    /// It cannot be changed, renamed or removed.
    | Immutable = 0x10UL
    /// It can only be appended to.
    | AppendOnly = 0x20UL
    /// Left out by backups.
    | NoDump = 0x40UL
    /// A key is needed to read it.
    | Encrypted = 0x800UL
    /// A mount appears here when it is needed.
    | AutoMount = 0x1000UL
    /// The root of a mount.
    | MountRoot = 0x2000UL
    /// Its contents are protected by fs-verity, and cannot be changed.
    | Verified = 0x10_0000UL
    /// Past the page cache: it is in persistent memory.
    | DirectAccess = 0x20_0000UL
    /// Writes can be all or nothing (6.11).
    | AtomicWrites = 0x40_0000UL

/// What of a status is asked for, or is known: the mask of statx(2).
[<Flags>]
type StatusFields =
    | None = 0u
    | Kind = 0x1u
    | Mode = 0x2u
    | Links = 0x4u
    | Owner = 0x8u
    | Group = 0x10u
    | AccessTime = 0x20u
    | WriteTime = 0x40u
    | ChangeTime = 0x80u
    | Inode = 0x100u
    | Length = 0x200u
    | Allocated = 0x400u
    /// What stat(2) tells: all of the above.
    | Basic = 0x7ffu
    | BirthTime = 0x800u
    /// As in /proc/self/mountinfo (5.8).
    | MountId = 0x1000u
    /// The alignments for direct I/O (6.1).
    | DirectAlignment = 0x2000u
    /// ... and that of reading (6.14).
    | DirectReadAlignment = 0x2_0000u
    /// (6.10)
    | Subvolume = 0x8000u
    /// Writes that are all or nothing (6.11).
    | AtomicWrites = 0x1_0000u

/// Whether a file system that lives elsewhere is asked: statx(2).
type StatusSync =
    /// As stat(2) does.
    | AsUsual = 0
    /// It is asked, at whatever cost.
    | Force = 0x2000
    /// What is known here is enough.
    | Cached = 0x4000

/// What the file system knows of a file. What it does not know, or the kernel, is 0.
[<Struct; NoComparison>]
type FileStatus = {
    /// Which of the rest the file system has filled: without `BirthTime` the file has none that is known.
    Filled: StatusFields
    Kind: FileKind
    /// Permission bits, 0 to 0o7777.
    Mode: UnixFileMode
    /// Bytes.
    Length: int64
    /// Bytes on disk: less than `Length` when the file has holes.
    Allocated: int64
    Links: int
    Owner: uint32
    Group: uint32
    Inode: uint64
    AccessTime: DateTime
    WriteTime: DateTime
    ChangeTime: DateTime
    BirthTime: DateTime
    /// Bytes that are best read and written at once.
    BlockSize: int
    /// Where the file is.
    Device: DeviceNumber
    /// What the file is, if that is a device.
    SpecialDevice: DeviceNumber
    Traits: FileTraits
    /// Those that the file system would tell of.
    KnownTraits: FileTraits
    /// As in /proc/self/mountinfo (5.8).
    MountId: uint64
    /// Bytes that memory has to be aligned to for `OpenFlags.Direct` (6.1).
    DirectMemoryAlignment: int
    /// ... and offsets and lengths (6.1).
    DirectOffsetAlignment: int
    /// ... and those of reading, if they differ (6.14).
    DirectReadAlignment: int
    /// Of btrfs or bcachefs (6.10).
    Subvolume: uint64
    /// Bytes of the smallest write that is all or nothing (6.11).
    AtomicWriteMin: int
    /// ... and of the largest.
    AtomicWriteMax: int
    /// ... and of the largest that costs no more than others (6.16).
    AtomicWriteBest: int
    /// Pieces of memory that one may consist of.
    AtomicWriteSegments: int
}

/// Reading a struct statx.
[<RequireQualifiedAccess>]
module FileStatus =

    /// Bytes of a struct statx.
    [<Literal>]
    let Size = 256

    // Seconds from 1970 to the years 1 and 10000.
    let private earliest = -62_135_596_800L
    let private latest = 253_402_300_799L

    let private time (statx: ReadOnlySpan<byte>) offset =
        let seconds = BinaryPrimitives.ReadInt64LittleEndian(statx.Slice offset)
        let nanoseconds = BinaryPrimitives.ReadUInt32LittleEndian(statx.Slice(offset + 8))
        // A file system can keep times that DateTime cannot: the nearest it can.
        let seconds = Math.Clamp(seconds, earliest, latest)
        let nanoseconds = min nanoseconds 999_999_999u
        DateTime.UnixEpoch.AddTicks(seconds * TimeSpan.TicksPerSecond + int64 nanoseconds / 100L)

    let private device (statx: ReadOnlySpan<byte>) offset : DeviceNumber = {
        Major = BinaryPrimitives.ReadUInt32LittleEndian(statx.Slice offset)
        Minor = BinaryPrimitives.ReadUInt32LittleEndian(statx.Slice(offset + 4))
    }

    let private traits (statx: ReadOnlySpan<byte>) offset : FileTraits =
        LanguagePrimitives.EnumOfValue(BinaryPrimitives.ReadUInt64LittleEndian(statx.Slice offset))

    /// Reads a struct statx.
    let ofBytes (statx: ReadOnlySpan<byte>) : FileStatus =
        let mode = int (BinaryPrimitives.ReadUInt16LittleEndian(statx.Slice 28))

        {
            Filled = LanguagePrimitives.EnumOfValue(BinaryPrimitives.ReadUInt32LittleEndian statx)
            Kind = enum<FileKind>(mode >>> 12)
            Mode = enum<UnixFileMode>(mode &&& 0o7777)
            Length = BinaryPrimitives.ReadInt64LittleEndian(statx.Slice 40)
            Allocated = BinaryPrimitives.ReadInt64LittleEndian(statx.Slice 48) * 512L
            Links = BinaryPrimitives.ReadInt32LittleEndian(statx.Slice 16)
            Owner = BinaryPrimitives.ReadUInt32LittleEndian(statx.Slice 20)
            Group = BinaryPrimitives.ReadUInt32LittleEndian(statx.Slice 24)
            Inode = BinaryPrimitives.ReadUInt64LittleEndian(statx.Slice 32)
            AccessTime = time statx 64
            BirthTime = time statx 80
            ChangeTime = time statx 96
            WriteTime = time statx 112
            BlockSize = BinaryPrimitives.ReadInt32LittleEndian(statx.Slice 4)
            Device = device statx 136
            SpecialDevice = device statx 128
            Traits = traits statx 8
            KnownTraits = traits statx 56
            MountId = BinaryPrimitives.ReadUInt64LittleEndian(statx.Slice 144)
            DirectMemoryAlignment = BinaryPrimitives.ReadInt32LittleEndian(statx.Slice 152)
            DirectOffsetAlignment = BinaryPrimitives.ReadInt32LittleEndian(statx.Slice 156)
            DirectReadAlignment = BinaryPrimitives.ReadInt32LittleEndian(statx.Slice 180)
            Subvolume = BinaryPrimitives.ReadUInt64LittleEndian(statx.Slice 160)
            AtomicWriteMin = BinaryPrimitives.ReadInt32LittleEndian(statx.Slice 168)
            AtomicWriteMax = BinaryPrimitives.ReadInt32LittleEndian(statx.Slice 172)
            AtomicWriteBest = BinaryPrimitives.ReadInt32LittleEndian(statx.Slice 184)
            AtomicWriteSegments = BinaryPrimitives.ReadInt32LittleEndian(statx.Slice 176)
        }
