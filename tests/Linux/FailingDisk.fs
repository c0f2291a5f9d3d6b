// A file system on the real kernel whose disk fails as a test says: a FUSE server on a thread of its own. It has a file, a
// directory and a link, makes whatever it is asked to make, and remembers nothing. The thread never touches what it serves.
namespace Uring.Tests.Linux

open System
open System.Buffers.Binary
open System.Collections.Concurrent
open System.Runtime.InteropServices
open System.Text
open System.Threading
open Uring.Model

/// What the kernel asks of a file system: enum fuse_opcode of linux/fuse.h.
type DiskRequest =
    | Lookup = 1u
    | GetAttributes = 3u
    | SetAttributes = 4u
    | ReadLink = 5u
    | MakeSymbolicLink = 6u
    | MakeDirectory = 9u
    | Unlink = 10u
    | RemoveDirectory = 11u
    | Rename = 12u
    | Link = 13u
    | Open = 14u
    | Read = 15u
    | Write = 16u
    | Release = 18u
    | Sync = 20u
    | SetExtended = 21u
    | GetExtended = 22u
    | Flush = 25u
    | Init = 26u
    | OpenDirectory = 27u
    | ReadDirectory = 28u
    | ReleaseDirectory = 29u
    | Create = 35u
    | Interrupt = 36u
    | Destroy = 38u
    | Poll = 40u
    | Allocate = 43u

/// How a request is answered.
[<RequireQualifiedAccess>]
type DiskAnswer =
    | Done
    | Refused of Errno
    /// Not until the test says so.
    | Withheld

module private Fuse =

    [<DllImport("libc", EntryPoint = "open", SetLastError = true)>]
    extern int openDevice([<MarshalAs(UnmanagedType.LPStr)>] string path, int flags)

    [<DllImport("libc", SetLastError = true)>]
    extern nativeint read(int descriptor, byte[] buffer, unativeint count)

    [<DllImport("libc", SetLastError = true)>]
    extern nativeint write(int descriptor, byte[] buffer, unativeint count)

    [<DllImport("libc", SetLastError = true)>]
    extern int close(int descriptor)

    [<DllImport("libc", SetLastError = true)>]
    extern int mount(
        [<MarshalAs(UnmanagedType.LPStr)>] string source,
        [<MarshalAs(UnmanagedType.LPStr)>] string target,
        [<MarshalAs(UnmanagedType.LPStr)>] string kind,
        unativeint flags,
        [<MarshalAs(UnmanagedType.LPStr)>] string options
    )

    [<DllImport("libc", SetLastError = true)>]
    extern int umount2([<MarshalAs(UnmanagedType.LPStr)>] string target, int flags)

    let lastError () : Errno = LanguagePrimitives.EnumOfValue(Marshal.GetLastPInvokeError())

    // O_RDWR and O_CLOEXEC: a child that had it would keep the mount alive.
    let openFlags = 0o2000002

    // MNT_FORCE ends every request, MNT_DETACH does not mind what is still open.
    let unmountFlags = 3

    let root, file, directory, link = 1UL, 2UL, 3UL, 4UL

    /// S_IFDIR, S_IFLNK, S_IFREG, for everybody.
    let modeOf node =
        if node = root || node = directory then 0o040777u
        elif node = link then 0o120777u
        else 0o100666u

    /// So long is the file.
    let length = 65536

    let words (values: uint32 list) =
        let bytes = Array.zeroCreate<byte>(4 * values.Length)

        values
        |> List.iteri (fun index value ->
            BinaryPrimitives.WriteUInt32LittleEndian(Span(bytes, 4 * index, 4), value))

        bytes

    let long (value: uint64) = [ uint32 value; uint32 (value >>> 32) ]

    /// struct fuse_attr.
    let attributes node = [
        yield! long node
        yield! long (uint64 length)
        // Blocks, and the three times with their nanoseconds.
        yield! List.replicate 11 0u
        modeOf node
        1u
        // Owner, group, device.
        yield! [ 0u; 0u; 0u ]
        4096u
        0u
    ]

    /// struct fuse_entry_out: nothing of it may be remembered by the kernel.
    let entry node = [ yield! long node; yield! List.replicate 8 0u; yield! attributes node ]

    /// Its mount's options.
    let options (device: int) = $"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"

/// Mounted at `place`. A disk that is cached writes later, when it is asked to (FUSE_WRITEBACK_CACHE); any other at once.
[<Sealed>]
type FailingDisk private (device: int, place: string, isCached: bool) =
    let mutable onRequest = fun (_: DiskRequest) -> DiskAnswer.Done
    let mutable heeds = false
    let mutable written = 0L
    let mutable isOver = 0
    let withheld = ConcurrentDictionary<uint64, struct (int * byte[])>()
    let interrupted = ConcurrentDictionary<uint64, unit>()
    let seen = ConcurrentDictionary<DiskRequest, int>()
    let buffer = Array.zeroCreate<byte>(1 <<< 20)
    let word offset = BinaryPrimitives.ReadUInt32LittleEndian(ReadOnlySpan(buffer, offset, 4))
    let long offset = BinaryPrimitives.ReadUInt64LittleEndian(ReadOnlySpan(buffer, offset, 8))

    /// struct fuse_out_header, and what follows it.
    let reply (unique: uint64) (struct (result: int, body: byte[])) =
        let header = Fuse.words [ uint32 (16 + body.Length); uint32 result; yield! Fuse.long unique ]
        let message = Array.append header body
        // Whom it was for may have gone.
        Fuse.write (device, message, unativeint message.Length) |> ignore

    let refusal (errno: Errno) = struct (Errno.toResult errno, Array.empty<byte>)

    let name offset =
        Encoding.UTF8.GetString(ReadOnlySpan(buffer, offset, Array.IndexOf(buffer, 0uy, offset) - offset))

    // FOPEN_DIRECT_IO, or what the kernel has of the file may stay there (FOPEN_KEEP_CACHE).
    let opened () = [ yield! Fuse.long 1UL; (if isCached then 2u else 1u); 0u ]

    /// What is answered where nothing fails.
    let success node (request: DiskRequest) : struct (int * byte[]) =
        let body (values: uint32 list) = struct (0, Fuse.words values)

        match request with
        | DiskRequest.Init ->
            // Large writes, and FUSE_WRITEBACK_CACHE; struct fuse_init_out of 7.31.
            let flags = if isCached then 0x10020u else 0x20u
            body [ 7u; 31u; 65536u; flags; 0x000c0010u; 131072u; 1u; yield! List.replicate 9 0u ]
        | DiskRequest.Lookup ->
            match name 40 with
            | "file" -> body (Fuse.entry Fuse.file)
            | "directory" -> body (Fuse.entry Fuse.directory)
            | _ -> refusal Errno.ENOENT
        | DiskRequest.GetAttributes
        | DiskRequest.SetAttributes -> body [ yield! List.replicate 4 0u; yield! Fuse.attributes node ]
        | DiskRequest.MakeDirectory -> body (Fuse.entry Fuse.directory)
        | DiskRequest.MakeSymbolicLink -> body (Fuse.entry Fuse.link)
        | DiskRequest.Link -> body (Fuse.entry Fuse.file)
        | DiskRequest.Create -> body [ yield! Fuse.entry Fuse.file; yield! opened () ]
        | DiskRequest.Open
        | DiskRequest.OpenDirectory -> body (opened ())
        | DiskRequest.Read ->
            // struct fuse_read_in: a handle, an offset, a size.
            let left = max 0L (int64 Fuse.length - int64 (long 48))
            struct (0, Array.zeroCreate (int (min left (int64 (word 56)))))
        | DiskRequest.Write ->
            Interlocked.Add(&written, int64 (word 56)) |> ignore
            body [ word 56; 0u ]
        | DiskRequest.GetExtended ->
            // One attribute; the kernel asks for others on its own.
            match name 48, word 40 with
            | "user.a", 0u -> body [ 5u; 0u ]
            | "user.a", _ -> struct (0, "value"B)
            | _ -> refusal Errno.ENODATA
        | DiskRequest.ReadLink -> struct (0, "file"B)
        | DiskRequest.ReadDirectory
        | DiskRequest.Unlink
        | DiskRequest.RemoveDirectory
        | DiskRequest.Rename
        | DiskRequest.Release
        | DiskRequest.ReleaseDirectory
        | DiskRequest.Sync
        | DiskRequest.SetExtended
        | DiskRequest.Flush
        | DiskRequest.Allocate
        | DiskRequest.Destroy -> struct (0, [||])
        | _ -> refusal Errno.ENOSYS

    /// One request: struct fuse_in_header, and what follows it.
    let answer () =
        let request: DiskRequest = LanguagePrimitives.EnumOfValue(word 4)
        let unique, node = long 8, long 16

        match uint32 request with
        // FUSE_FORGET, FUSE_BATCH_FORGET: nobody waits for an answer.
        | 2u
        | 42u -> ()
        | _ when request = DiskRequest.Interrupt ->
            interrupted[long 40] <- ()

            if Volatile.Read &heeds && fst (withheld.TryRemove(long 40)) then
                reply (long 40) (refusal Errno.EINTR)
        | _ ->
            match Volatile.Read (&onRequest) request with
            | DiskAnswer.Done -> reply unique (success node request)
            | DiskAnswer.Refused errno -> reply unique (refusal errno)
            | DiskAnswer.Withheld -> withheld[unique] <- success node request

            seen.AddOrUpdate(request, 1, (fun _ count -> count + 1)) |> ignore

    let serve () =
        let mutable isOpen = true

        while isOpen do
            if Fuse.read (device, buffer, unativeint buffer.Length) >= 0n then
                answer ()
            else
                match Fuse.lastError () with
                // ENOENT: it was interrupted before we had it.
                | Errno.EINTR
                | Errno.EAGAIN
                | Errno.ENOENT -> ()
                | _ -> isOpen <- false

    let server = Thread(serve, IsBackground = true, Name = "failing disk")
    do server.Start()

    /// How each request is answered, asked when it comes.
    member _.OnRequest
        with set answer = Volatile.Write(&onRequest, answer)

    /// A request that is withheld and interrupted is answered with EINTR; else it is not answered.
    member _.Heeds
        with set value = Volatile.Write(&heeds, value)

    member _.Place = place

    /// So many requests of a sort have come.
    member _.Count(request: DiskRequest) =
        match seen.TryGetValue request with
        | true, count -> count
        | _ -> 0

    member _.Withheld = withheld.Count

    /// Bytes that it has taken.
    member _.Written = Interlocked.Read &written

    /// So many requests were interrupted, each counted once.
    member _.Interrupted = interrupted.Count

    /// This sort of request is answered so from now on, all others succeed.
    member this.Answers (request: DiskRequest) (answer: DiskAnswer) =
        this.OnRequest <- fun asked -> if asked = request then answer else DiskAnswer.Done

    /// What is withheld is answered after all: it succeeds.
    member _.LetGo() =
        for unique in withheld.Keys do
            match withheld.TryRemove unique with
            | true, answer -> reply unique answer
            | false, _ -> ()

    /// The disk, or why there can be none here.
    static member TryMount(place: string, isCached: bool) : Result<FailingDisk, string> =
        match Fuse.openDevice ("/dev/fuse", Fuse.openFlags) with
        | device when device < 0 -> Error $"/dev/fuse: {Fuse.lastError ()}"
        | device ->
            // MS_NOSUID and MS_NODEV. It returns at once: the first request waits to be read.
            if Fuse.mount ("uring-test", place, "fuse", 6un, Fuse.options device) < 0 then
                let reason = Fuse.lastError ()
                Fuse.close device |> ignore
                Error $"mount of a FUSE: {reason}"
            else
                Ok(new FailingDisk(device, place, isCached))

    interface IDisposable with
        /// All that waits for it ends with an error, whoever waits.
        member _.Dispose() =
            if Interlocked.Exchange(&isOver, 1) = 0 then
                Fuse.umount2 (place, Fuse.unmountFlags) |> ignore
                server.Join()
                Fuse.close device |> ignore
