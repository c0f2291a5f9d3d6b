// Random 4 KiB reads of a cached file by 128 `uring { }` programs on one ring, against the same depth in C.
module Uring.Benchmarks.Reads

open System
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open System.Threading
open Uring.Driver
open Uring.FSharp
open Uring.Kernel

let private block = 4096
let private depth = 128

/// 1 GiB of bytes that are not zero, made once; reading it once brings it into the page cache.
let private prepare () =
    let path = Path.Combine("artifacts", "bench", "cached.bin")
    let length = 1L <<< 30
    Directory.CreateDirectory(nonNull (Path.GetDirectoryName path)) |> ignore

    if not (File.Exists path) || FileInfo(path).Length <> length then
        use file = File.Create path
        let part = Array.zeroCreate<byte>(1 <<< 20)
        Random(1).NextBytes part

        for _ in 1 .. int (length / int64 part.Length) do
            file.Write(part, 0, part.Length)

    use file = File.OpenRead path
    let part = Array.zeroCreate<byte>(1 <<< 20)

    while file.Read(part, 0, part.Length) > 0 do
        ()

    path

/// The same generator as the control's.
[<Sealed>]
type private Blocks(count: uint64) =
    let mutable state = 88172645463325252UL

    member _.Next() =
        state <- state ^^^ (state <<< 13)
        state <- state ^^^ (state >>> 7)
        state <- state ^^^ (state <<< 17)
        int64 (state % count) * int64 block

/// One reader: reads until the flag falls, and counts.
let private reader
    (file: File)
    (buffer: Memory<byte>)
    (blocks: Blocks)
    (running: bool ref)
    (reads: int64 ref)
    =
    uring {
        while running.Value do
            let! count = File.read file buffer (blocks.Next())

            if count <> block then invalidOp "A short read."

            reads.Value <- reads.Value + 1L
    }

let private measure (host: LoopThread) (file: File) (blocks: Blocks) (seconds: float) () =
    let memory = GC.AllocateUninitializedArray<byte>((depth + 1) * block, true)
    // Page aligned, as the control's: an unaligned copy costs the kernel several per cent.
    let first = int (-(Marshal.UnsafeAddrOfPinnedArrayElement(memory, 0)) &&& nativeint (block - 1))
    let running = ref true
    let reads = ref 0L

    let clockwork =
        uring {
            // Counted between two points while all readers run, so that starting them is not.
            do! Uring.sleep (TimeSpan.FromSeconds(seconds / 5.0))
            let readsBefore = reads.Value
            let bytesBefore = GC.GetAllocatedBytesForCurrentThread()
            let clock = Stopwatch.GetTimestamp()
            do! Uring.sleep (TimeSpan.FromSeconds seconds)
            let elapsed = Stopwatch.GetElapsedTime(clock).TotalSeconds
            let bytes = GC.GetAllocatedBytesForCurrentThread() - bytesBefore
            let count = reads.Value - readsBefore
            running.Value <- false
            return float count / elapsed, float bytes / float count
        }

    let program =
        uring {
            let! result = clockwork

            and! _ =
                Uring.``parallel`` [
                    for index in 0 .. depth - 1 ->
                        reader
                            file
                            (MemoryMarshal.CreateFromPinnedArray(memory, first + index * block, block))
                            blocks
                            running
                            reads
                ]

            return result
        }

    Uring.runOn host CancellationToken.None program

let bench (controls: string) =
    let path = prepare ()
    let blocks = Blocks(uint64 (FileInfo(path).Length / int64 block))
    use host = LoopThread.Start(LinuxKernel.Instance, LoopOptions.standard, "bench")
    let file = Uring.runOn host CancellationToken.None (File.openRead path)

    let control () = Compare.control (Path.Combine(controls, "reads")) [ path; string depth; "1" ]

    [
        Compare.pairs $"reads 4 KiB, {depth} in flight" 9 (measure host file blocks 1.0) control
    ]
    |> Compare.save "reads"
