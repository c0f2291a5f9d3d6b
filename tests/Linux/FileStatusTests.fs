/// Every field of a struct statx, by hand and against stat(1).
module Uring.Tests.Linux.FileStatusTests

open System
open System.Buffers.Binary
open System.Diagnostics
open System.IO
open Expecto
open Uring.FSharp
open Uring.Tests.Linux.Hosting

/// Where a field lies in a struct statx, by linux/stat.h; each is filled with bytes of its own.
let private filled: byte array = Array.init 256 byte

let private u32 at = BinaryPrimitives.ReadUInt32LittleEndian(ReadOnlySpan(filled, at, 4))
let private i32 at = int (u32 at)
let private u64 at = BinaryPrimitives.ReadUInt64LittleEndian(ReadOnlySpan(filled, at, 8))

let private fields: (string * (FileStatus -> uint64) * uint64) list = [
    "blksize", (fun it -> uint64 (it.BlockSize)), uint64 (i32 4)
    "attributes", (fun it -> uint64 (uint64 it.Traits)), uint64 (u64 8)
    "nlink", (fun it -> uint64 (it.Links)), uint64 (i32 16)
    "uid", (fun it -> uint64 (it.Owner)), uint64 (u32 20)
    "gid", (fun it -> uint64 (it.Group)), uint64 (u32 24)
    "mode, permissions", (fun it -> uint64 (int it.Mode)), uint64 (0x1d1c &&& 0o7777)
    "mode, kind", (fun it -> uint64 (int it.Kind)), uint64 (0x1d1c >>> 12)
    "ino", (fun it -> uint64 (it.Inode)), uint64 (u64 32)
    "size", (fun it -> uint64 (it.Length)), uint64 (int64 (u64 40))
    "blocks", (fun it -> uint64 (it.Allocated)), uint64 (int64 (u64 48) * 512L)
    "attributes_mask", (fun it -> uint64 (uint64 it.KnownTraits)), uint64 (u64 56)
    "rdev_major", (fun it -> uint64 (it.SpecialDevice.Major)), uint64 (u32 128)
    "rdev_minor", (fun it -> uint64 (it.SpecialDevice.Minor)), uint64 (u32 132)
    "dev_major", (fun it -> uint64 (it.Device.Major)), uint64 (u32 136)
    "dev_minor", (fun it -> uint64 (it.Device.Minor)), uint64 (u32 140)
    "mnt_id", (fun it -> uint64 (it.MountId)), uint64 (u64 144)
    "dio_mem_align", (fun it -> uint64 (it.DirectMemoryAlignment)), uint64 (i32 152)
    "dio_offset_align", (fun it -> uint64 (it.DirectOffsetAlignment)), uint64 (i32 156)
    "subvol", (fun it -> uint64 (it.Subvolume)), uint64 (u64 160)
    "atomic_write_unit_min", (fun it -> uint64 (it.AtomicWriteMin)), uint64 (i32 168)
    "atomic_write_unit_max", (fun it -> uint64 (it.AtomicWriteMax)), uint64 (i32 172)
    "atomic_write_segments_max", (fun it -> uint64 (it.AtomicWriteSegments)), uint64 (i32 176)
    "dio_read_offset_align", (fun it -> uint64 (it.DirectReadAlignment)), uint64 (i32 180)
    "atomic_write_unit_max_opt", (fun it -> uint64 (it.AtomicWriteBest)), uint64 (i32 184)
]

/// Seconds and nanoseconds since 1970.
let private timeAt (offset: int) (seconds: int64) (nanoseconds: uint32) (read: FileStatus -> DateTime) =
    let bytes = Array.zeroCreate<byte> 256
    BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan offset, seconds)
    BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(offset + 8), nanoseconds)
    read (FileStatus.ofBytes (ReadOnlySpan bytes))

let private times: (string * int * (FileStatus -> DateTime)) list = [
    "atime", 64, _.AccessTime
    "btime", 80, _.BirthTime
    "ctime", 96, _.ChangeTime
    "mtime", 112, _.WriteTime
]

let private utc year month day hour minute second =
    DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc)

let private reading =
    testList "read" [
        for name, read, expected in fields do
            test name { Expect.equal (read (FileStatus.ofBytes (ReadOnlySpan filled))) expected name }

        for name, offset, read in times do
            test $"{name}, also before 1970 and beyond what there is" {
                let at seconds nanoseconds = timeAt offset seconds nanoseconds read
                Expect.equal (at 86399L 500_000_000u) ((utc 1970 1 1 23 59 59).AddSeconds 0.5) "after"
                Expect.equal (at -1L 750_000_000u) ((utc 1969 12 31 23 59 59).AddSeconds 0.75) "before"
                Expect.equal (at -86400L 0u) (utc 1969 12 31 0 0 0) "a day before"
                Expect.equal (at Int64.MinValue 0u) DateTime.MinValue "too early"
                Expect.equal (at Int64.MaxValue 999_999_999u) DateTime.MaxValue "too late"
                Expect.equal (at 0L 0u).Kind DateTimeKind.Utc "UTC"
            }
    ]

/// What stat(1) says of a file, by its format.
let private stat (format: string) (path: string) =
    let start = ProcessStartInfo("stat", [ "-c"; format; path ], RedirectStandardOutput = true)
    use running = nonNull (Process.Start start)
    let said = running.StandardOutput.ReadToEnd().Trim()
    running.WaitForExit()
    said

let private asking =
    testList "asked" [
        folderCase "a file, as stat(1) says" (fun host folder ->
            let path = at folder "file"
            File.WriteAllText(path, "some text")
            File.SetUnixFileMode(path, enum 0o4640)
            let written = utc 1969 7 20 20 17 40
            File.SetLastWriteTimeUtc(path, written)
            let it = runOn host (Uring.FSharp.File.statusOfPath path)
            let said = stat "%i %Hd %Ld %h %u %g %s %b %o %a %Y %X" path

            let ours =
                String.Join(
                    " ",
                    [
                        string it.Inode
                        string it.Device.Major
                        string it.Device.Minor
                        string it.Links
                        string it.Owner
                        string it.Group
                        string it.Length
                        string (it.Allocated / 512L)
                        string it.BlockSize
                        Convert.ToString(int it.Mode, 8)
                        string ((it.WriteTime - DateTime.UnixEpoch).TotalSeconds)
                        string (Math.Floor (it.AccessTime - DateTime.UnixEpoch).TotalSeconds)
                    ]
                )

            Expect.equal ours said "fields"
            Expect.equal it.WriteTime written "before 1970"
            Expect.equal it.Kind FileKind.Regular "kind"
            Expect.isGreaterThan it.MountId 0UL "a mount"
            Expect.equal (it.Traits &&& ~~~it.KnownTraits) FileTraits.None "what it tells of"

            let mounts =
                File.ReadAllLines "/proc/self/mountinfo"
                |> Array.map (fun line -> uint64 (line.Split(' ')[0]))

            Expect.contains mounts it.MountId "as in mountinfo")

        folderCase "a device, a directory, a link, the root of a mount" (fun host folder ->
            let it = runOn host (Uring.FSharp.File.statusOfPath "/dev/null")
            Expect.equal it.Kind FileKind.CharacterDevice "a device"
            Expect.equal it.SpecialDevice { Major = 1u; Minor = 3u } "1, 3"
            let it = runOn host (Uring.FSharp.File.statusOfPath folder)
            Expect.equal it.Kind FileKind.Directory "a directory"
            File.CreateSymbolicLink(at folder "link", "nowhere") |> ignore
            let it = runOn host (Uring.FSharp.File.statusOfLink (at folder "link"))
            Expect.equal it.Kind FileKind.SymbolicLink "a link"
            let it = runOn host (Uring.FSharp.File.statusOfPath "/proc")
            Expect.isTrue (it.Traits.HasFlag FileTraits.MountRoot) "the root of a mount")

        testCase "C#: its fields are those of the core" (fun () ->
            inFolder (fun folder ->
                withLoop (fun host ->
                    let core = runOn host (Uring.FSharp.File.statusOfPath folder)
                    let facade = global.Uring.UringFile.StatusAsync(folder).AsTask() |> finish "status"
                    Expect.equal facade.Device.Minor core.Device.Minor "device"
                    Expect.equal facade.BlockSize core.BlockSize "block"
                    Expect.equal facade.MountId core.MountId "mount"
                    Expect.equal (uint64 facade.KnownTraits) (uint64 core.KnownTraits) "traits")))
    ]

[<Tests>]
let tests = testList "FileStatus" [ reading; asking ]
