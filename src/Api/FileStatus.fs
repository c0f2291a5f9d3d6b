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

/// What the file system knows of a file.
[<Struct; NoComparison>]
type FileStatus = {
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
        DateTime.UnixEpoch.AddTicks(seconds * TimeSpan.TicksPerSecond + int64 nanoseconds / 100L)

    /// Reads a struct statx.
    let ofBytes (statx: ReadOnlySpan<byte>) : FileStatus =
        let mode = int (BinaryPrimitives.ReadUInt16LittleEndian(statx.Slice 28))

        {
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
        }
