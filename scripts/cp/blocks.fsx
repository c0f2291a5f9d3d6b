// The data of one file, through the ring, in blocks: several of a large file at a time, each read and then written
// at its own offset. Holes stay holes: a block of zeros is not written if the file takes less room than it is long.

#load "workers.fsx"
#nowarn "3391" // A Memory<byte> may stand where a ReadOnlyMemory<byte> is wanted.

open System
open System.Buffers
open System.IO
open System.Security.Cryptography
open Uring.FSharp
open Workers

/// At most so many blocks of so many bytes at a time.
type Plan = { Workers: int; Chunk: int }

/// Bytes copied so far.
let mutable carried = 0L

let isSparse (status: FileStatus) = status.Allocated < status.Length

let copyBlock (size: int) (status: FileStatus) (source: File) (target: File) (start: int64) : Uring<unit> =
    uring {
        use owner = MemoryPool<byte>.Shared.Rent size
        let stop = min (start + int64 size) status.Length
        let mutable position = start
        let mutable more = true

        while more do
            // What says that it is empty, in /proc, may not be: then as much as there is.
            let wanted = if stop = 0L then size else int (stop - position)
            let! count = File.read source (owner.Memory.Slice(0, wanted)) position
            let block = owner.Memory.Slice(0, count)
            let isHole = isSparse status && not (block.Span.ContainsAnyExcept 0uy)
            if not isHole then do! File.write target block position
            position <- position + int64 count
            carried <- carried + int64 count
            more <- count > 0 && position <> stop
    }

/// The target is a new file: so it is reached through no link, a read-only file of that name is no obstacle, and a
/// failure leaves nothing behind that looks like a copy.
let copyFile (plan: Plan) (status: FileStatus) (from: string) (target: string) : Uring<unit> =
    uring {
        use! source = File.openRead from
        IO.File.Delete target
        let flags = OpenFlags.Write ||| OpenFlags.Create ||| OpenFlags.Exclusive
        use! copy = File.openWith flags (UnixFileMode.UserRead ||| UnixFileMode.UserWrite) target
        // Small blocks find small holes.
        let size = if isSparse status then min plan.Chunk 65536 else plan.Chunk
        let starts = seq { 0L .. int64 size .. max 0L (status.Length - 1L) }
        let workers = starts |> Seq.truncate plan.Workers |> Seq.length
        let mutable isWhole = false

        try
            if isSparse status then do! File.truncate copy status.Length

            do! each workers starts (copyBlock size status source copy)
            isWhole <- true
        finally
            if not isWhole then IO.File.Delete target
    }

/// The SHA-256 of a file.
let digest (plan: Plan) (path: string) : Uring<byte array> =
    uring {
        use! file = File.openRead path
        use owner = MemoryPool<byte>.Shared.Rent plan.Chunk
        use sha = IncrementalHash.CreateHash HashAlgorithmName.SHA256
        let mutable position = 0L
        let mutable more = true

        while more do
            let! count = File.read file owner.Memory position
            sha.AppendData(owner.Memory.Span.Slice(0, count))
            position <- position + int64 count
            more <- count > 0

        return sha.GetHashAndReset()
    }
